// "Why?" at a point of a curve: what raises and what lowers it there, in words and as a table.
// tools: make, text, withUnit, page, arm (title of the arm that is explained), ask(curve, time, done, failed).
function makeWhy(tools) {
  "use strict";
  const { make, text, withUnit, page } = tools, { clock } = page.model, MOST = 6, SECONDS = { d: 86400, h: 3600, min: 60, s: 1 };
  const per = "per " + ({ d: "day", h: "hour", min: "minute", s: "second" }[clock.unit] ?? clock.unit);

  const CLEAR = 0.05; // as in balance.py: less turnover at rest is not worth a word

  // Gains and losses, the largest first, each with what of it there is at rest and what is more or less than that
  // (`excess`); what is rounding beside them is left out
  function sides(found) {
    const parts = found.parts.map(({ label, rate, rest }) => ({ label, rate: rate / clock.factor, rest: rest / clock.factor, excess: (rate - rest) / clock.factor }));
    const most = Math.max(0, ...parts.map(({ rate, excess }) => Math.max(Math.abs(rate), Math.abs(excess))));
    const side = (key, sign) => parts.filter((part) => sign * part[key] > 1e-9 * most).sort((a, b) => sign * (b[key] - a[key]));
    const more = side("excess", 1), less = side("excess", -1), background = sum(parts.map(({ rest }) => Math.abs(rest))) / 2;
    const clear = background > CLEAR * Math.max(sum(more.map(({ excess }) => excess)), -sum(less.map(({ excess }) => excess)));
    return { gains: side("rate", 1), losses: side("rate", -1), more, less, background: clear ? background : 0, where: found.atRest ? "at rest" : "at the start" };
  }
  const sum = (list) => list.reduce((total, each) => total + each, 0);
  const share = (part, total) => (part > 0.995 * total ? "" : ` (${text((100 * part) / total, 2)}\u00a0% of that)`);

  function sentence(curve, found, apart, when) {
    const { gains, losses, background, where } = apart, all = (list) => Math.abs(sum(list.map(({ rate }) => rate)));
    const gain = all(gains), loss = all(losses), net = gain - loss, steady = Math.abs(net) <= 1e-3 * Math.max(gain, loss);
    const amount = (value) => `${withUnit(value, curve.shown, 3)} ${per}`;
    const lead = `${curve.label[0].toUpperCase()}${curve.label.slice(1)} at ${when} (${tools.arm()}): ${steady ? "hardly changing" : `${net > 0 ? "rising" : "falling"} by ${amount(Math.abs(net))}`}.`;
    if (!gains.length && !losses.length) return `${lead} Nothing adds to it or takes from it.`;
    const words = background ? against(apart, amount, where) : inAll(gains, losses, gain, loss, amount);
    const pace = (Math.LN2 * found.value) / Math.abs(net), fits = found.value > 0 && !steady && found.halves && pace < page.model.end * clock.factor;
    return `${lead} ${words}${fits ? ` At this pace it would ${net > 0 ? "double" : "halve"} in ${duration(pace)}.` : ""}`;
  }

  function duration(time) { // in the largest unit of which it has at least one
    const seconds = time * SECONDS[clock.unit], unit = Object.keys(SECONDS).find((each) => seconds >= SECONDS[each]);
    return unit && SECONDS[unit] < SECONDS[clock.unit] ? withUnit(seconds / SECONDS[unit], unit, 2) : withUnit(time, clock.unit, 2);
  }

  function inAll(gains, losses, gain, loss, amount) {
    const named = (list, total) => `${list.length > 1 ? "most" : "all"} by “${list[0].label}”${list.length > 1 ? share(Math.abs(list[0].rate), total) : ""}`;
    const rises = gains.length ? `It gains ${amount(gain)}, ${named(gains, gain)}` : "It gains nothing";
    return `${rises}; ${losses.length ? `it loses ${amount(loss)}, ${named(losses, loss)}` : "it loses nothing"}.`;
  }

  // What moves it: more and less than the turnover that cancels, the same numbers as `explain` has
  function against({ more, less, background, where }, amount, place) {
    const up = sum(more.map(({ excess }) => excess)), down = -sum(less.map(({ excess }) => excess));
    const how = ({ label, rest, excess }) => !rest ? `by “${label}”` : `as “${label}” ${rest > 0 ? "adds" : "takes"} ${rest > 0 === excess > 0 ? "more" : "less"} than ${place}`;
    const named = (list, total) => `${list.length > 1 ? "most " : ""}${how(list[0])}${list.length > 1 ? share(Math.abs(list[0].excess), total) : ""}`;
    const raised = more.length ? `${amount(up)} up, ${named(more, up)}` : "", lowered = less.length ? `${amount(down)} down, ${named(less, down)}` : "";
    const moved = [raised, lowered].filter(Boolean).join("; ");
    return `${where[0].toUpperCase()}${where.slice(1)} ${amount(background)} are made and lost in equal parts, which moves nothing. ${moved ? `Against that it is moved by ${moved}.` : "Nothing differs from that."}`;
  }

  function table(curve, { gains, losses, background, where }) {
    const size = ({ rate }) => Math.abs(rate), most = Math.max(...gains.concat(losses).map(size)), unit = `${curve.shown} ${per}`.trim(), columns = background ? 4 : 3;
    const rows = (list, kind) => {
      const shown = list.length > MOST + 1 ? list.slice(0, MOST) : list.slice(), rest = list.slice(shown.length);
      if (rest.length) shown.push({ label: `${rest.length} more`, rate: sum(rest.map(({ rate }) => rate)), rest: sum(rest.map((each) => each.rest)) });
      return shown.map((part) => {
        const bar = make("td", { className: "bar " + kind }, make("span", {}));
        bar.firstChild.style.width = `${Math.max(1, (100 * size(part)) / most)}%`;
        bar.setAttribute("aria-hidden", "true");
        const signed = (value) => (value ? (value > 0 ? "+" : "−") + text(Math.abs(value), 3) : "");
        return make("tr", {}, make("th", { scope: "row", textContent: part.label }), make("td", { textContent: signed(part.rate) }), ...(background ? [make("td", { className: "quiet", textContent: signed(part.rest) })] : []), bar);
      });
    };
    const head = (words) => make("tr", {}, make("th", { scope: "colgroup", colSpan: columns, textContent: words }));
    const body = (words, list, kind) => (list.length ? [make("tbody", {}, head(words), ...rows(list, kind))] : []);
    const heads = background ? [make("thead", {}, make("tr", {}, ...["", "here", where, ""].map((words) => make(words ? "th" : "td", words ? { scope: "col", textContent: words } : {}))))] : [];
    return make("table", {}, make("caption", { textContent: unit }), ...heads, ...body("Gains", gains, "gain"), ...body("Losses", losses, "loss"));
  }

  // The explanation below a chart: show(time of the axis), refresh() once another run is shown, close()
  return function whyOf(place, onTime) {
    const curve = page.curves[place], body = make("div", {}), close = make("button", { type: "button", textContent: "Close" });
    const element = make("div", { className: "why", hidden: true, role: "region" }, body, close);
    element.setAttribute("aria-label", "why: " + curve.label);
    let at = null, asked = 0;
    const why = {
      element,
      get at() { return element.hidden ? null : at; },
      show(time) {
        at = time;
        element.hidden = false;
        onTime();
        this.refresh();
      },
      refresh() {
        if (element.hidden) return;
        const number = ++asked;
        tools.ask(place, at / clock.factor, (found) => {
          if (number !== asked) return;
          const apart = sides(found);
          found.halves = tools.halves(place);
          const how = found.byReactions ? "" : " It is computed from several quantities: these are what each of them adds.";
          const words = sentence(curve, found, apart, withUnit(found.time * clock.factor, clock.unit));
          body.replaceChildren(make("p", { textContent: words + how }), ...(apart.gains.length + apart.losses.length ? [table(curve, apart)] : []));
          body.firstChild.setAttribute("role", "status");
        }, (error) => body.replaceChildren(make("p", { textContent: "This cannot be said here: " + error.message })));
      },
      close() { element.hidden = true; onTime(); },
    };
    close.addEventListener("click", () => why.close());
    return why;
  };
}
