// "Why?" at a point of a curve: what raises and what lowers it there, in words and as a table.
// tools: make, text, withUnit, page, arm (title of the arm that is explained), ask(curve, time, done, failed).
function makeWhy(tools) {
  "use strict";
  const { make, text, withUnit, page } = tools, { clock } = page.model, MOST = 6;
  const per = "per " + ({ d: "day", h: "hour", min: "minute", s: "second" }[clock.unit] ?? clock.unit);

  // The largest first; what is rounding beside them is left out
  function sides(parts) {
    const most = Math.max(0, ...parts.map(({ rate }) => Math.abs(rate))), seen = parts.filter(({ rate }) => Math.abs(rate) > 1e-9 * most);
    const side = (sign) => seen.filter(({ rate }) => sign * rate > 0).map(({ label, rate }) => ({ label, rate: Math.abs(rate) / clock.factor })).sort((a, b) => b.rate - a.rate);
    return { gains: side(1), losses: side(-1) };
  }
  const sum = (list) => list.reduce((total, { rate }) => total + rate, 0);

  function sentence(curve, found, gains, losses, when) {
    const gain = sum(gains), loss = sum(losses), net = gain - loss, steady = Math.abs(net) < 1e-3 * Math.max(gain, loss);
    const amount = (value) => `${withUnit(value, curve.shown, 3)} ${per}`;
    const lead = `${curve.label[0].toUpperCase()}${curve.label.slice(1)} at ${when} (${tools.arm()}): ${steady ? "hardly changing" : `${net > 0 ? "rising" : "falling"} by ${amount(Math.abs(net))}`}.`;
    if (!gains.length && !losses.length) return `${lead} Nothing adds to it or takes from it.`;
    const share = (part, total) => (part > 0.995 * total ? "" : ` (${text((100 * part) / total, 2)} % of that)`);
    const named = (list, total) => `${list.length > 1 ? "most" : "all"} by “${list[0].label}”${list.length > 1 ? share(list[0].rate, total) : ""}`;
    const rises = gains.length ? `It gains ${amount(gain)}, ${named(gains, gain)}` : "It gains nothing";
    const falls = losses.length ? `it loses ${amount(loss)}, ${named(losses, loss)}` : "it loses nothing";
    const pace = (Math.LN2 * found.value) / Math.abs(net), fits = found.value > 0 && !steady && found.halves && pace < page.model.end * clock.factor;
    return `${lead} ${rises}; ${falls}.${fits ? ` At this pace it would ${net > 0 ? "double" : "halve"} in ${withUnit(pace, clock.unit, 2)}.` : ""}`;
  }

  function table(curve, gains, losses) {
    const most = Math.max(...gains.concat(losses).map(({ rate }) => rate)), unit = `${curve.shown} ${per}`.trim();
    const rows = (list, kind) => {
      const shown = list.length > MOST + 1 ? list.slice(0, MOST) : list, rest = list.slice(shown.length);
      if (rest.length) shown.push({ label: `${rest.length} more`, rate: sum(rest) });
      return shown.map(({ label, rate }) => {
        const bar = make("td", { className: "bar " + kind }, make("span", {}));
        bar.firstChild.style.width = `${Math.max(1, (100 * rate) / most)}%`;
        bar.setAttribute("aria-hidden", "true");
        return make("tr", {}, make("th", { scope: "row", textContent: label }), make("td", { textContent: (kind === "gain" ? "+" : "−") + text(rate, 3) }), bar);
      });
    };
    const head = (words) => make("tr", {}, make("th", { scope: "colgroup", colSpan: 3, textContent: words }));
    const body = (words, list, kind) => (list.length ? [make("tbody", {}, head(words), ...rows(list, kind))] : []);
    return make("table", {}, make("caption", { textContent: unit }), ...body("Gains", gains, "gain"), ...body("Losses", losses, "loss"));
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
          const { gains, losses } = sides(found.parts);
          found.halves = tools.halves(place);
          const how = found.byReactions ? "" : " It is computed from several quantities: these are what each of them adds.";
          const words = sentence(curve, found, gains, losses, withUnit(found.time * clock.factor, clock.unit));
          body.replaceChildren(make("p", { textContent: words + how }), ...(gains.length + losses.length ? [table(curve, gains, losses)] : []));
          body.firstChild.setAttribute("role", "status");
        }, (error) => body.replaceChildren(make("p", { textContent: "This cannot be said here: " + error.message })));
      },
      close() { element.hidden = true; onTime(); },
    };
    close.addEventListener("click", () => why.close());
    return why;
  };
}
