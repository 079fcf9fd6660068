// The page: sliders, charts, arms and the address. What is simulated is asked of the engine, of which the latest wins.
(function () {
  "use strict";
  const page = JSON.parse(document.getElementById("data").textContent), { model, arms, curves } = page;
  const factor = model.clock.factor, unit = model.clock.unit, end = model.end * factor;
  const STEPS = 240, LOWEST = 1e-6, PINS = 3, TOGETHER = 2, NONE = 1e-6; // NONE: the end of a logarithmic slider that has zero too
  const $ = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const sliders = new Map(page.sliders.map((each) => [each.path, each]));
  const values = new Map(page.sliders.map((each) => [each.path, each.value]));
  const shown = arms.map((_, place) => place < page.mostArms), charts = [], pins = [];
  let latest = null, ghost = null, atRest = null, dragging = false, notice = ""; // notice: what is wrong with the address

  // The same rules as number() in views/text/numbers.py.
  function text(value, digits) {
    if (value === 0) return "0";
    const size = Math.abs(value), sign = value < 0 ? "−" : "", rounded = Number(size.toPrecision(digits));
    if (rounded >= 1e-3 && rounded < 1e6)
      return sign + rounded.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(rounded + 1))) });
    const [mantissa, power] = rounded.toExponential().split("e");
    const raised = String(Number(power)).replace(/[-0-9]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
    return sign + (mantissa === "1" ? "" : mantissa + " × ") + "10" + raised;
  }
  const shownValue = (curve, value, digits) => (Math.abs(value) < 1e-3 * curve.noise ? "0" : text(value, digits));
  const withUnit = (value, given, digits = 4) => text(value, digits) + (given ? " " + given : "");
  function make(tag, properties, ...children) {
    const found = Object.assign(document.createElement(tag), properties);
    found.append(...children);
    return found;
  }
  function say(words, bad) {
    $("status").textContent = words;
    $("status").classList.toggle("bad", Boolean(bad));
  }

  // The engine, in a worker, or in the page itself where no worker may be made

  async function unpacked() {
    const packed = Uint8Array.from(atob(page.module), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function served(code) { // an engine in a worker: ask(question) promises its answer
    const source = $("engine").textContent + "\nconst engine = makeEngine(); onmessage = async ({ data }) => { try {"
      + " const found = data.model ? await engine.load(data.model, data.code) : engine.answer(data);"
      + " postMessage({ found }); } catch (error) { postMessage({ error: String(error) }); } };";
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    let settle = null;
    worker.onmessage = ({ data }) => (data.error ? settle.reject(new Error(data.error)) : settle.resolve(data.found));
    worker.onerror = (event) => { event.preventDefault(); settle.reject(new Error(event.message || "no worker")); };
    const ask = (question) => new Promise((resolve, reject) => { settle = { resolve, reject }; worker.postMessage(question); });
    return ask({ model, code }).then(() => ask);
  }

  async function inPage(code) {
    const engine = makeEngine();
    await engine.load(model, code);
    return async (question) => engine.answer(question);
  }

  let ask = null, busy = false, wanted = null, prepared = false;
  const later = []; // what else is asked, once no simulation is wanted: { question, done, failed }
  function request(rest) {
    wanted = { rest };
    if (!busy) next();
  }
  function askLater(task) {
    later.push(task);
    if (!busy) next();
  }
  async function nextTask() {
    if (!later.length) return;
    const { question, done, failed, stale } = later.shift();
    if (stale && stale()) return nextTask();
    busy = true;
    try { done(await ask({ set: setting(), ...question })); } catch (error) { failed(error); }
    busy = false;
    if (wanted || later.length) next();
  }
  function setting() { // the values of the sliders that were moved, by path
    const set = {};
    for (const [path, value] of values) if (value !== sliders.get(path).value) set[path] = value;
    return set;
  }
  async function next() {
    if (!wanted) return nextTask();
    const { rest } = wanted, set = setting();
    const which = arms.map((_, place) => place).filter((place) => shown[place] || place === 0);
    const more = rest ? [...new Set(expected.flatMap(({ each }) => each.arms))].filter((place) => !which.includes(place)) : [];
    wanted = null;
    busy = true;
    const began = performance.now();
    try {
      // While a slider moves the main arm and one more come first: the others, and at rest those that are only judged,
      // once there is time for them
      for (const some of rest ? [which, more] : [which.slice(0, TOGETHER), which.slice(TOGETHER)]) {
        if (!some.length || (some[0] !== 0 && wanted)) break;
        received(await ask({ set, which: some, rest }), some, rest, performance.now() - began);
      }
    } catch (error) {
      say("The simulation failed: " + error.message + ". The curves are the last good ones.", true);
    }
    busy = false;
    if (wanted || (prepared && later.length)) next();
    else if (!prepared && latest) {
      prepared = true;
      await prepareVerdicts();
      if (!busy && later.length) next();
    }
  }

  // Expectations

  const { measured, isMet, whereRead, valueAtTime } = makeMeasures();
  const expected = []; // those that give what the run in Python gave, and their list items

  // Once, with the sliders as described: an expectation whose value is not that of Python is not judged here
  async function prepareVerdicts() {
    if (!page.expectations.length && !page.points.length) return;
    busy = true;
    const all = [...new Set(page.expectations.flatMap((each) => each.arms))].sort((a, b) => a - b);
    const { arms: found } = all.length ? await ask({ set: {}, which: all, rest: true }) : { arms: [] };
    busy = false;
    const known = new Map(found.map((run, i) => [all[i], run]));
    for (const each of page.expectations) {
      if (each.arms.some((arm) => known.get(arm).problem)) continue;
      const value = measured(each.tree, known), near = 1e-2 * Math.abs(each.simulated) + 1e-12;
      if (!(Math.abs(value - each.simulated) <= near) || isMet(each, value) !== each.met) continue;
      const item = make("li", {}, make("b"), ` ${each.that}: `, make("span"), ` (expected ${each.interval}; ${each.source})`);
      $("verdict-list").append(item);
      expected.push({ each, item, value: NaN, holds: each.met });
    }
    for (const each of page.points) $("verdict-list").append(each.item = make("li", { className: "points" }, make("b"), ` ${each.name}: `, make("span")));
    $("verdicts").hidden = false;
    request(true);
  }
  // moving: what cannot be had while a slider moves stays as it was
  function judge(moving) {
    let met = 0;
    for (const found of expected) {
      const { each, item } = found, known = each.arms.every((arm) => latest.arms.has(arm)) && (!moving || reads(each.tree) < model.shown);
      if (known || !moving) {
        const value = known ? measured(each.tree, latest.arms) : NaN, holds = isMet(each, value), same = holds === each.met;
        Object.assign(found, { value, holds });
        const announced = same && each.announced && !holds;
        item.className = holds ? "" : announced ? "announced" : "missed";
        const verdict = announced ? "missed, as the scenario says" : (holds ? "✓ met" : "✗ missed") + (same ? "" : " by this setting");
        item.querySelector("b").textContent = known ? verdict : "not simulated";
        item.querySelector("span").textContent = Number.isFinite(value) ? withUnit(value, each.unit, 3) : "no value";
      }
      met += found.holds;
    }
    for (const each of page.points) judgePoints(each);
    const said = expected.length ? `${met} of ${expected.length} met` : `${page.points.length} sets of measured points`;
    if ($("verdict-count").textContent === said) return;
    $("verdict-count").textContent = $("judged").querySelector("span").textContent = said;
    $("judged").hidden = !expected.length;
  }
  const reads = (tree) => (!Array.isArray(tree) ? -1 : tree[0] === "measure" ? tree[3] : Math.max(...tree.slice(1).map(reads)));
  function judgePoints(each) {
    const run = latest.arms.get(each.arm);
    let inside = 0, barred = 0, folds = 0, logs = 0;
    for (const [time, value, low, high, below] of run ? each.rows : []) {
      const found = valueAtTime(run.times, run.curves[each.curve], time);
      if (below || high > low) { barred += 1; inside += below ? found <= value : found >= low && found <= high; }
      if (!below && value > 0 && found > 0) { folds += 1; logs += Math.abs(Math.log(found / value)); }
    }
    const words = [];
    if (barred) words.push(`the curve passes ${inside} of ${barred} of its bars`);
    if (folds) words.push(`typically ${text(Math.exp(logs / folds), 3)}-fold off`);
    each.item.querySelector("b").textContent = "measured,";
    each.item.querySelector("span").textContent = (run ? words.join("; ") || `${each.rows.length} points` : "its arm is not shown") + ` (${arms[each.arm].title})`;
  }

  function received(found, which, rest, took) {
    const bad = found.arms.map((arm, i) => arm.problem && `${arms[which[i]].title}: ${arm.problem}`).filter(Boolean);
    if (bad.length) say("This setting cannot be simulated; the curves are the last good ones. " + bad.join("; ") + ".", true);
    else {
      const before = latest && (!rest || which[0] !== 0) ? latest.arms : [];
      latest = { arms: new Map([...before, ...found.arms.map((arm, i) => [which[i], arm])]), doses: found.doses, rest };
      if (rest && which[0] === 0) { atRest = latest; dragging = false; patients.refresh(); }
      if (rest && notice) say(notice, true);
      else if (rest && which[0] === 0) say(`Simulated ${which.length === 1 ? "one arm" : which.length + " arms"} in ${text(took, 2)} ms, to a relative tolerance of ${text(model.rtol.rest, 2)}.`);
      if (expected.length || page.points[0]?.item) judge(!rest);
      drawAll(rest);
    }
  }

  // Sliders

  const low = (each) => (each.low > 0 ? each.low : Math.min(each.high * NONE, each.value > 0 ? each.value / 10 : Infinity));
  function valueAt(each, position) {
    if (each.whole) return position;
    if (!each.log) return rounded(each, each.low + ((each.high - each.low) * position) / STEPS);
    if (each.low === 0 && position === 0) return 0;
    const first = each.low === 0 ? 1 : 0, share = (position - first) / (STEPS - first);
    return clamped(each, Number((low(each) * (each.high / low(each)) ** share).toPrecision(3)));
  }
  function positionOf(each, value) {
    if (each.whole) return value;
    if (!each.log) return ((value - each.low) / (each.high - each.low)) * STEPS;
    if (value <= 0) return 0;
    const first = each.low === 0 ? 1 : 0;
    return first + ((STEPS - first) * Math.log(value / low(each))) / Math.log(each.high / low(each));
  }
  const clamped = (each, value) => Math.min(each.high, Math.max(each.low, value));
  function rounded(each, value) { // in the unit that is read, to a part of the range that can be seen
    const size = 10 ** Math.floor(Math.log10(((each.high - each.low) * each.factor) / STEPS));
    return clamped(each, Number((Math.round((value * each.factor) / size) * size).toPrecision(12)) / each.factor);
  }
  const rows = new Map();
  function addSlider(each) {
    if (rows.has(each.path)) return rows.get(each.path);
    let group = [...$("sliders").children].find((child) => child.dataset.group === each.group);
    if (!group) {
      group = make("div", {}, make("h2", { textContent: each.group }));
      group.dataset.group = each.group;
      $("sliders").append(group);
    }
    const id = "s" + rows.size, range = make("input", { type: "range", id, min: each.whole ? each.low : 0, max: each.whole ? each.high : STEPS, step: each.whole ? 1 : "any" });
    if (!each.whole) range.step = 1;
    const number = make("input", { type: "number", step: "any" });
    number.setAttribute("aria-label", `${each.group === "start" || !each.path.includes(".") ? "" : each.group + ", "}${each.label}, exact value`);
    const row = make("div", { className: "slider" }, make("label", { htmlFor: id, textContent: each.label }), range,
      make("span", { className: "value" }, number, make("span", { className: "unit", textContent: each.shown_unit })));
    row.dataset.path = each.path;
    group.append(row);
    const show = (moving) => { // moving: by the slider itself, which forgets that it has to tell of its end if it is set
      const value = values.get(each.path);
      if (!moving) range.value = positionOf(each, value);
      const read = Number((value * each.factor).toPrecision(6));
      number.value = Math.abs(read) >= 1e7 ? read.toExponential() : read;
      range.setAttribute("aria-valuetext", withUnit(value * each.factor, each.shown_unit));
      row.classList.toggle("changed", value !== each.value);
    };
    range.addEventListener("input", () => { start(); change(each, valueAt(each, Number(range.value)), true); });
    range.addEventListener("change", () => settled());
    number.addEventListener("change", () => {
      const value = Number(number.value) / each.factor, near = 1e-9 * (each.high - each.low);
      if (number.value === "" || !(value >= each.low - near && value <= each.high + near) || (each.whole && !Number.isInteger(value))) {
        say(`${each.label}: expected ${each.whole ? "a whole number " : ""}from ${withUnit(each.low * each.factor, "")} to ${withUnit(each.high * each.factor, each.shown_unit)}, found ${number.value || "nothing"}; kept as it was.`, true);
        show(false);
        return;
      }
      start();
      change(each, clamped(each, value), false);
      settled();
    });
    rows.set(each.path, { row, show });
    show(false);
    return rows.get(each.path);
  }
  function start() {
    if (dragging) return;
    dragging = true;
    patients.moving();
    notice = "";
    ghost = atRest;
  }
  function change(each, value, moving) {
    values.set(each.path, value);
    rows.get(each.path).show(moving);
    if (moving) request(false);
  }
  function settled() {
    request(true);
    remember();
  }
  function setAll(wanted) {
    start();
    for (const each of page.sliders) values.set(each.path, wanted[each.path] ?? each.value);
    for (const path in wanted) addSlider(sliders.get(path));
    rows.forEach(({ show }) => show(false));
    settled();
  }

  // The address, and the command that gives the same numbers

  const changedValues = () => [...values].filter(([path, value]) => value !== sliders.get(path).value);
  function remember() {
    const changed = changedValues(), parts = changed.map(([path, value]) => `${encodeURIComponent(path)}=${value}`);
    const usual = arms.every((_, place) => shown[place] === place < page.mostArms);
    if (!usual) parts.push("arms=" + arms.flatMap((_, place) => (shown[place] ? [place] : [])).join("."));
    if (parts.length) parts.push("version=" + page.version);
    try { history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search); } catch { /* a page in a frame may not */ }
    sayCommand(changed);
  }
  function sayCommand(changed) {
    if ($("preset")) $("preset").value = changed.length ? "own" : "";
    const quoted = (words) => (/^[\w.=/-]+$/.test(words) ? words : `'${words}'`);
    const settings = changed.map(([path, value]) => {
      const each = sliders.get(path), given = each.unit_text && each.unit_text !== "1" ? " " + each.unit_text : "";
      const timed = /^dose\..*\.(at|every|over)$/.test(path); // in the unit in which it is read
      return " --set " + quoted(timed ? `${path}=${Number((value * each.factor).toPrecision(12))} ${each.shown_unit}` : `${path}=${value}${given}`);
    });
    $("command").textContent = page.command + settings.join("");
  }
  function showArms(places) {
    arms.forEach((_, place) => { shown[place] = places.includes(place); });
    [...$("arms").querySelectorAll("input")].forEach((box, place) => { box.checked = shown[place]; });
  }
  function recall() {
    const faults = [];
    showArms(arms.map((_, place) => place).slice(0, page.mostArms));
    for (const part of location.hash.slice(1).split("&").filter(Boolean)) {
      let path = part, given = "";
      try { [path, given = ""] = part.split("=").map(decodeURIComponent); } catch { /* stays as it is written */ }
      const each = sliders.get(path), value = given.trim() === "" ? NaN : Number(given);
      if (path === "version") { if (given !== page.version) faults.push("it was made by another version of this page, so that it may mean something else"); }
      else if (path === "arms" && /^(\d+(\.\d+)*)?$/.test(given)) {
        const places = given.split(".").filter(Boolean).map(Number);
        if (places.some((place) => place >= arms.length)) faults.push(`this page has ${arms.length} arms, found arm ${Math.max(...places) + 1}`);
        else showArms(places);
      } else if (!each) faults.push(`nothing here is called '${path.slice(0, 60)}'`);
      else if (!(value >= each.low && value <= each.high) || (each.whole && !Number.isInteger(value)))
        faults.push(`${each.label}: expected ${text(each.low * each.factor, 4)} to ${withUnit(each.high * each.factor, each.shown_unit)}, found '${given.slice(0, 30)}'`);
      else { values.set(path, value); addSlider(each).show(false); }
    }
    sayCommand(changedValues());
    notice = faults.length ? "Of the address of this page: " + faults.join("; ") + ". What is wrong is kept as described." : "";
  }

  // Charts

  const lighter = (color) => {
    if (!dark.matches) return color;
    const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    if (Math.max(...parts) < 60) return css("--ink");
    return "rgb(" + parts.map((part) => Math.round(part + (255 - part) * 0.5)).join(",") + ")";
  };
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function decades(from, to) {
    const first = Math.floor(Math.log10(from)), last = Math.ceil(Math.log10(to)), step = Math.ceil((last - first) / 6);
    const parts = Math.log10(to / from) < 2 ? [1, 2, 5] : [1], found = [];
    for (let power = first; power <= last; power += step) for (const part of parts) found.push(Number(part + "e" + power));
    return found.filter((value) => value >= from && value <= to);
  }

  // The run of every line of a chart, from the one below to the one on top: pins and the ghost, of the main arm; the arms
  const runs = () => [
    ...Array.from({ length: PINS }, (_, i) => pins[i] && pins[i].arms.get(0)),
    ghost && ghost !== latest && ghost.arms.get(0),
    ...arms.map((_, place) => latest && shown[place] && latest.arms.get(place)).reverse(),
  ];

  const marks = makeMarks({ color: (place) => lighter(arms[place].color), css, factor, measures: { whereRead } });
  const MOST_LONGER = 1.5, MOST_DECADES = 3, CLOSE = 5; // by how much of itself, and how many decades, published ranges stretch an axis; pixels of a swing that is too fast to see

  const whyOf = makeWhy({
    make, text, withUnit, page, arm: () => arms[0].title,
    halves(place) { const own = latest.arms.get(0).curves[place]; return Math.min(...own) < 0.6 * Math.max(...own); }, // not a temperature
    ask: (curve, time, done, failed) => askLater({ question: { why: [0, curve, time] }, done, failed }),
  });

  const patients = makePatients({
    page, askLater,
    changed(words) {
      $("patients-note").textContent = words;
      $("patients-note").hidden = !words;
      if (latest && !dragging) drawAll(true, true);
    },
  });

  const handlesOf = makeDoseHandles({
    make, sliders, values,
    words: (each, value) => withUnit(value * each.factor, each.shown_unit),
    step: (each) => (each.high - each.low) / STEPS,
    start(path) { addSlider(sliders.get(path)); start(); },
    move(path, value) { change(sliders.get(path), rounded(sliders.get(path), value), true); rows.get(path).show(false); },
    release: () => settled(),
  });

  class Chart {
    constructor(place) {
      const curve = curves[place];
      this.place = place;
      this.log = page.logs[place];
      this.range = null;
      const title = make("h2", {}, curve.label, curve.shown ? make("span", { className: "quiet", textContent: ` [${curve.shown}]` }) : "");
      title.id = "t" + place;
      this.toggle = make("button", { type: "button", textContent: "log" });
      this.toggle.setAttribute("aria-label", "logarithmic axis: " + curve.label);
      this.toggle.addEventListener("click", () => { this.log = !this.log; this.build(); });
      const png = make("button", { type: "button", textContent: "PNG" });
      png.setAttribute("aria-label", "save a picture: " + curve.label);
      png.addEventListener("click", () => this.save());
      this.why = whyOf(place, () => { button.setAttribute("aria-expanded", String(this.why.at !== null)); if (this.uplot) this.uplot.redraw(false); });
      const button = make("button", { type: "button", textContent: "Why?" });
      button.setAttribute("aria-label", "why does it rise or fall here: " + curve.label);
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => (this.why.at === null ? this.explain() : this.why.close()));
      this.plot = make("div", { className: "plot", tabIndex: 0, role: "img" });
      this.handles = handlesOf(() => this.uplot, factor, place === 0);
      this.read = make("p", { className: "read" });
      this.body = make("tbody", {});
      const heads = ["", "start", "lowest", "highest", "highest at", "end"].map((head, i) => make("th", { scope: "col", textContent: i ? head : "arm" }));
      const table = make("table", {}, make("caption", { textContent: curve.shown ? "in " + curve.shown : "" }), make("thead", {}, make("tr", {}, ...heads)), this.body);
      const scroll = make("div", { className: "scroll", tabIndex: 0, role: "group" }, table);
      scroll.setAttribute("aria-label", "values of " + curve.label);
      this.details = make("details", {}, make("summary", { textContent: "In numbers" }), scroll);
      this.details.addEventListener("toggle", () => this.tabulate());
      this.element = make("figure", { className: "chart" }, make("div", { className: "head" }, title, button, this.toggle, png), make("div", { className: "stage" }, this.plot, this.handles.element), this.read, this.why.element, this.details);
      $("charts").append(this.element);
      this.plot.addEventListener("keydown", (event) => this.key(event));
      this.plot.addEventListener("click", (event) => {
        const { left, width } = this.uplot.over.getBoundingClientRect(), across = event.clientX - left;
        if (across >= 0 && across <= width) this.explain(this.uplot.posToVal(across, "x"));
      });
    }

    explain(time) { this.why.show(time ?? immunesimExplorer.at ?? this.steepest()); }
    steepest() { // where the main arm changes fastest
      const { times, curves: [...all] } = latest.arms.get(0), own = all[this.place];
      let at = 0, most = -1;
      for (let i = 1; i < times.length; i += 1) {
        const speed = Math.abs(own[i] - own[i - 1]) / (times[i] - times[i - 1]);
        if (speed > most) { most = speed; at = i; }
      }
      return times[at] * factor;
    }

    build() {
      this.toggle.setAttribute("aria-pressed", String(this.log));
      if (this.uplot) this.uplot.destroy();
      const side = { font: "11px system-ui, sans-serif", stroke: css("--ink"), grid: { stroke: css("--rule"), width: 1 }, ticks: { stroke: css("--edge"), width: 1, size: 4 } };
      const line = (color, width, dash) => ({ stroke: color, width, dash, spanGaps: true, points: { show: false } });
      const chart = this;
      this.range = null;
      this.envelopes = [];
      this.uplot = new uPlot({
        width: this.plot.clientWidth || 300, height: 190, legend: { show: false }, padding: [12, 14, 0, 0],
        cursor: { drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false, range: [0, end] }, y: { distr: this.log ? 3 : 1, range: () => chart.limits() } },
        axes: [
          { ...side, size: 34, label: `time [${unit}]`, labelSize: 14, labelGap: -4, labelFont: side.font, values: (_, ticks) => ticks.map((value) => text(value, 5)) },
          { ...side, size: 58, values: (_, ticks) => ticks.map((value) => text(value, 4)), ...(this.log ? { splits: (_, __, from, to) => decades(from, to), filter: (_, ticks) => ticks } : {}) },
        ],
        series: [{}, ...Array.from({ length: PINS }, (_, i) => line(css("--quiet"), 1.3, [2 + 3 * i, 3])), line(css("--ghost"), 3.5, []),
          ...arms.map((arm, i) => line(lighter(arm.color), i ? 1.5 : 2.4, arm.dash.map((part) => part * 2))).reverse()],
        hooks: { drawAxes: [(u) => { marks.patients(u, patients.band(chart.place)); marks.bands(u, chart.banded(), chart.log); marks.envelopes(u, chart.envelopes); }], draw: [(u) => chart.above(u)], setCursor: [(u) => chart.moved(u)] },
      }, [[0], ...Array(arms.length + 1 + PINS).fill([null])], this.plot);
      this.uplot.root.setAttribute("aria-hidden", "true");
      if (latest) this.draw(aligned(), true);
    }

    limits() { return this.range ?? (this.log ? [0.1, 1] : [0, 1]); }

    banded() { return expected.filter(({ each: { band } }) => band && band.curve === this.place && shown[band.arm]).map((found) => ({ ...found, band: found.each.band })); }
    measured() { return page.points.filter((each) => each.curve === this.place && shown[each.arm]); }
    above(u) {
      this.doses(u);
      this.handles.place();
      if (!latest) return;
      marks.points(u, this.measured(), this.log);
      marks.verdicts(u, this.banded(), latest.arms, this.log);
      if (this.why.at !== null) marks.moment(u, this.why.at);
    }

    // While a slider moves the axis may grow, but never shrinks: else every change looks equally large
    fit(rest) {
      let from = Infinity, to = -Infinity, least = Infinity;
      for (const run of runs()) for (const value of run ? run.curves[this.place] : []) {
        if (!Number.isFinite(value)) continue;
        if (value < from) from = value;
        if (value > to) to = value;
      }
      if (to === -Infinity) return;
      const floor = Math.max(to, curves[this.place].noise) * LOWEST;
      for (const run of runs()) for (const value of run ? run.curves[this.place] : []) if (value > floor && value < least) least = value;
      const crowd = patients.band(this.place);
      if (crowd) {
        to = Math.max(to, ...crowd.high);
        from = Math.min(from, ...crowd.low);
        for (const value of crowd.low) if (value > Math.max(to * LOWEST, floor) && value < least) least = value;
      }
      const size = to - Math.max(from, 0), known = marks.extent(this.banded(), this.measured(), this.log);
      for (const value of known) {
        if (this.log ? value < to * 10 ** MOST_DECADES : value < to + MOST_LONGER * size) to = Math.max(to, value);
        if (this.log && value > floor && value > least / 10 ** MOST_DECADES) least = Math.min(least, value);
        if (!this.log && value > from - MOST_LONGER * size) from = Math.min(from, value);
      }
      let range;
      if (this.log) range = to > 0 && least < Infinity ? [least / 1.5, to * 2] : [0.1, 1];
      else {
        if (Math.max(Math.abs(from), Math.abs(to)) < curves[this.place].noise) to = Math.max(to, curves[this.place].noise);
        if (from >= 0 && from < to / 2) from = 0;
        const room = to - from || Math.abs(to) || 1;
        range = [from === 0 ? 0 : from - 0.05 * room, to + 0.1 * room];
      }
      if (!rest && this.range) range = [Math.min(range[0], this.range[0]), Math.max(range[1], this.range[1])];
      this.range = range;
    }

    draw(lines, rest, same = false) {
      this.fit(rest);
      const found = runs();
      const wide = (CLOSE * model.end) / Math.max(100, this.plot.clientWidth - 70), colors = [...Array(PINS).fill(css("--quiet")), css("--ghost"), ...arms.map((arm) => lighter(arm.color)).reverse()];
      this.envelopes = [];
      this.uplot.setData([lines.times, ...found.map((run, i) => {
        if (!run) return [];
        const { line, parts } = marks.dense(run.times, run.curves[this.place], this.log, this.limits(), wide);
        if (parts.length) this.envelopes.push({ parts, stroke: colors[i] });
        if (!lines.places) return line;
        const out = new Array(lines.times.length).fill(null);
        lines.places[i].forEach((to, from) => { out[to] = line[from]; });
        return out;
      })], true);
      if (rest) this.describe();
      if (rest && !same) this.why.refresh();
    }

    doses(u) {
      if (!latest) return;
      const { left, top, width } = u.bbox, ratio = uPlot.pxRatio;
      u.ctx.save();
      u.ctx.fillStyle = css("--quiet");
      u.ctx.beginPath();
      let last = -Infinity;
      for (const dose of latest.doses) for (const [from] of dose.spans) {
        const x = u.valToPos(from * factor, "x", true), half = 3 * ratio;
        if (x < left || x > left + width || Math.abs(x - last) < 1) continue;
        last = x;
        u.ctx.moveTo(x - half, top - 2.4 * half);
        u.ctx.lineTo(x + half, top - 2.4 * half);
        u.ctx.lineTo(x, top - 0.4 * half);
      }
      u.ctx.fill();
      u.ctx.restore();
    }

    moved(u) {
      if (u.cursor.left >= 0) readAt(u.posToVal(u.cursor.left, "x"), this);
    }

    key(event) {
      const at = immunesimExplorer.at ?? 0, step = end / 100;
      const to = { ArrowRight: at + step, ArrowLeft: at - step, PageUp: at - 10 * step, PageDown: at + 10 * step, Home: 0, End: end }[event.key];
      if (event.key === "l") this.toggle.click();
      else if (event.key === "w") this.explain();
      else if (to === undefined) return;
      else {
        const words = readAt(Math.min(end, Math.max(0, to)), this);
        say(`${curves[this.place].label} at ${words}`);
      }
      event.preventDefault();
    }

    reading(time) {
      const curve = curves[this.place], words = [];
      arms.forEach((arm, place) => {
        const run = latest && shown[place] && latest.arms.get(place);
        if (!run || !run.times.length) return;
        words.push(`${arm.title} ${shownValue(curve, run.curves[this.place][nearest(run.times, time / factor)], 4)}`);
      });
      return `${withUnit(time, unit)}: ${words.join("; ")}${curve.shown ? " " + curve.shown : ""}`;
    }

    extremes(run) {
      const own = run.curves[this.place];
      let least = 0, most = 0;
      own.forEach((value, i) => { if (value < own[least]) least = i; if (value > own[most]) most = i; });
      return { start: own[0], least: own[least], most: own[most], when: run.times[most] * factor, end: own[own.length - 1] };
    }

    describe() {
      const main = latest.arms.get(0), curve = curves[this.place];
      if (!main || !main.times.length) return;
      const { start, most, when, end: last } = this.extremes(main);
      this.plot.setAttribute("aria-label", `${curve.label}: ${arms[0].title} starts at ${shownValue(curve, start, 3)}, is highest at ${withUnit(when, unit, 3)} with ${shownValue(curve, most, 3)}, and ends at ${shownValue(curve, last, 3)}${curve.shown ? " " + curve.shown : ""}. Arrow keys read values, W says why it rises or falls there, L switches the axis.`);
      this.tabulate();
    }

    tabulate() {
      if (!this.details.open || !latest) return;
      this.body.replaceChildren(...arms.flatMap((arm, place) => {
        const run = shown[place] && latest.arms.get(place);
        if (!run || !run.times.length) return [];
        const { start, least, most, when, end: last } = this.extremes(run);
        const number = (value) => shownValue(curves[this.place], value, 4);
        const cells = [number(start), number(least), number(most), withUnit(when, unit, 3), number(last)].map((words) => make("td", { textContent: words }));
        return [make("tr", {}, make("th", { scope: "row", textContent: arm.title }), ...cells)];
      }));
    }

    // With its title and arms, on paper
    save() {
      const canvas = this.uplot.ctx.canvas, ratio = uPlot.pxRatio, line = 17 * ratio, drawn = arms.flatMap((arm, place) => (shown[place] && latest.arms.has(place) ? [arm] : []));
      const copy = make("canvas", { width: canvas.width, height: canvas.height + (2.2 + drawn.length) * line }), c = copy.getContext("2d"), curve = curves[this.place];
      c.fillStyle = css("--paper");
      c.fillRect(0, 0, copy.width, copy.height);
      c.drawImage(canvas, 0, 1.4 * line);
      c.fillStyle = css("--ink");
      c.font = `600 ${13 * ratio}px system-ui, sans-serif`;
      c.fillText(curve.label + (curve.shown ? ` [${curve.shown}]` : ""), 8 * ratio, line, copy.width - 16 * ratio);
      c.font = `${12 * ratio}px system-ui, sans-serif`;
      drawn.forEach((arm, i) => {
        const y = canvas.height + (2.2 + i) * line;
        c.strokeStyle = lighter(arm.color);
        c.lineWidth = 2 * ratio;
        c.setLineDash(arm.dash.map((part) => 2 * part * ratio));
        c.beginPath();
        c.moveTo(50 * ratio, y - 4 * ratio);
        c.lineTo(78 * ratio, y - 4 * ratio);
        c.stroke();
        c.fillText(arm.title + (arm === arms[0] && changedValues().length ? ", changed by sliders" : ""), 86 * ratio, y, copy.width - 94 * ratio);
      });
      download(copy.toDataURL("image/png"), `${page.id}-${curve.name.replace(/\W+/g, "_")}.png`);
    }
  }

  function nearest(times, time) {
    let a = 0, b = times.length - 1;
    while (b - a > 1) { const middle = (a + b) >> 1; if (times[middle] < time) a = middle; else b = middle; }
    return Math.abs(times[a] - time) <= Math.abs(times[b] - time) ? a : b;
  }

  function readAt(time, own) {
    immunesimExplorer.at = time;
    let words = "";
    for (const chart of charts) {
      const found = chart.reading(time);
      chart.read.textContent = found;
      if (chart === own) words = found;
    }
    return words;
  }

  // The times of all lines together, and where each line's own lie among them
  function aligned() {
    const found = runs(), first = found.find(Boolean), all = new Set();
    const alike = (run) => !run || run === first || (run.times.length === first.times.length && run.times.every((time, i) => time === first.times[i]));
    if (first && found.every(alike)) return { times: Array.from(first.times, (time) => time * factor), places: null };
    for (const run of found) if (run) for (const time of run.times) all.add(time);
    const times = Float64Array.from(all).sort(), places = found.map((run) => {
      if (!run) return [];
      let at = 0;
      return Array.from(run.times, (time) => { while (times[at] < time) at += 1; return at; });
    });
    return { times: Array.from(times, (time) => time * factor), places };
  }

  function drawAll(rest, same = false) { // same: only what lies beside the run has changed
    if ($("charts").hidden) { // the first time; until then the fixed curves are there
      $("fixed").hidden = true;
      $("charts").hidden = false;
      charts.forEach((chart) => chart.build());
    }
    const lines = aligned();
    for (const chart of charts) if (rest || chart.visible) chart.draw(lines, rest, same); // the others once it rests
    if (rest && immunesimExplorer.at !== undefined) readAt(immunesimExplorer.at);
  }

  // What is shown, saved

  function download(address, name) {
    const link = make("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  }
  function table() {
    const quote = (words) => (/[",\n]/.test(words) ? `"${words.replace(/"/g, '""')}"` : words);
    const lines = [["arm", `time [${model.clock.model}]`, ...curves.map((curve) => curve.unit && curve.unit !== "1" ? `${curve.name} [${curve.unit}]` : curve.name)].map(quote).join(",")];
    arms.forEach((arm, place) => {
      const run = shown[place] && latest.arms.get(place);
      if (run) run.times.forEach((time, i) => lines.push([quote(arm.name), time, ...curves.map((_, at) => run.curves[at][i])].join(",")));
    });
    pins.forEach((pin, i) => {
      const run = pin.arms.get(0);
      run.times.forEach((time, at) => lines.push([`pinned ${i + 1}`, time, ...curves.map((_, place) => run.curves[place][at])].join(",")));
    });
    return lines.join("\n") + "\n";
  }

  function controls() {
    for (const each of page.sliders) {
      if (each.shown) addSlider(each);
      $("all-sliders").append(make("option", { value: nameOf(each) }));
    }
    $("add").addEventListener("click", addNamed);
    $("more").addEventListener("keydown", (event) => { if (event.key === "Enter") addNamed(); });
    $("reset").addEventListener("click", () => { showArms(arms.map((_, place) => place).slice(0, page.mostArms)); setAll({}); });
    if ($("preset")) $("preset").addEventListener("change", (event) => {
      const chosen = event.target.value;
      if (chosen === "own") return;
      setAll(chosen === "" ? {} : page.presets[Number(chosen)].values);
      event.target.value = chosen;
    });
    $("pin").addEventListener("click", () => { if (atRest) { pins.unshift(atRest); pins.length = Math.min(pins.length, PINS); pinned(); } });
    $("patients").textContent = `${model.patients.count} virtual patients`;
    $("patients").addEventListener("click", () => $("patients").setAttribute("aria-pressed", String(patients.toggle())));
    $("unpin").addEventListener("click", () => { pins.length = 0; pinned(); });
    $("csv").addEventListener("click", () => download(URL.createObjectURL(new Blob([table()], { type: "text/csv" })), `${page.id}.csv`));
    $("judged").addEventListener("click", () => { $("verdicts").open = true; $("verdicts").scrollIntoView(); $("verdicts").querySelector("summary").focus(); });
    $("link").addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(location.href); say("The link is copied: it opens this page as it is now."); } catch { say("Copy this: " + location.href); }
    });
    arms.forEach((arm, place) => {
      const box = make("input", { type: "checkbox", checked: shown[place] });
      box.addEventListener("change", () => { shown[place] = box.checked; request(true); remember(); });
      const line = `<svg width="26" height="10" aria-hidden="true"><path d="M0 5H26" stroke-width="2.5"/></svg>`;
      const label = make("label", {}, box);
      label.insertAdjacentHTML("beforeend", line);
      label.querySelector("path").setAttribute("stroke", lighter(arm.color));
      if (arm.dash.length) label.querySelector("path").setAttribute("stroke-dasharray", arm.dash.map((part) => part * 2).join(" "));
      label.append(arm.title);
      $("arms").append(label);
    });
  }
  function pinned() {
    $("unpin").hidden = !pins.length;
    say(pins.length ? `${pins.length === 1 ? "One run is" : pins.length + " runs are"} pinned, as dotted lines.` : "No run is pinned.");
    drawAll(true);
  }
  const nameOf = (each) => (each.path.startsWith("dose.") ? `${each.group}: ${each.label}` : each.label);
  function addNamed() {
    const word = $("more").value.trim().toLowerCase();
    if (!word) return;
    const all = page.sliders, exactly = all.find((each) => nameOf(each).toLowerCase() === word || each.path.toLowerCase() === word);
    const near = all.filter((each) => (nameOf(each) + " " + each.path).toLowerCase().includes(word));
    if (!exactly && near.length !== 1) {
      say(near.length ? `${near.length} sliders have '${word}' in their name: ${near.slice(0, 4).map(nameOf).join("; ")}${near.length > 4 ? " ..." : ""}` : `no slider has '${word}' in its name`, true);
      return;
    }
    const { row } = addSlider(exactly ?? near[0]);
    $("more").value = "";
    row.querySelector("input").focus();
  }

  // Opening

  // For scripts and tests: set(values by path) moves sliders; quiet() waits until no simulation is under way
  const immunesimExplorer = (window.immunesimExplorer = {
    names: model.curves.map((curve) => curve.name), set: (wanted) => setAll(wanted), result: () => latest,
    envelopes: (place) => charts[place].envelopes.map(({ parts }) => parts.map(({ upper, lower }) => ({ upper, lower }))),
    explain: (place, time) => charts[place].explain(time),
    patient: (number) => new Promise((done, failed) => askLater({ question: { patient: number }, done, failed })),
    patients: () => curves.map((_, place) => patients.band(place)),
    why: (place, time) => new Promise((done, failed) => askLater({ question: { why: [0, place, time / factor] }, done, failed })),
    lines: () => runs().filter(Boolean).length,
    verdicts: () => expected.map(({ each, value, holds }) => ({ id: each.id, value, holds, drawn: Boolean(each.band) })),
    async quiet() { while (busy || wanted || later.length) await new Promise((resolve) => setTimeout(resolve, 5)); },
  });

  async function open() {
    let code;
    try {
      code = await unpacked();
      await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); // the smallest module: is any allowed?
    } catch (error) {
      return `This page simulates by itself, which needs WebAssembly. It cannot be had here (${error.message ?? error}). Open the file from disk in a newer browser, or ask who runs this site to allow it (script-src 'wasm-unsafe-eval'). The curves below are those of the scenario as it is described.`;
    }
    try { ask = await served(code); } catch { ask = await inPage(code); }
    return "";
  }

  open().then((problem) => {
    if (problem) { $("trouble").textContent = problem; return; }
    $("trouble").hidden = true;
    for (const id of ["controls", "tools"]) $(id).hidden = false;
    controls();
    recall();
    curves.forEach((_, place) => charts.push(new Chart(place)));
    request(true);
    const seen = new IntersectionObserver((entries) => entries.forEach((entry) => { charts.find((chart) => chart.element === entry.target).visible = entry.isIntersecting; }));
    charts.forEach((chart) => seen.observe(chart.element));
    new ResizeObserver(() => charts.forEach((chart) => {
      if (chart.uplot && chart.plot.clientWidth && chart.plot.clientWidth !== chart.uplot.width) chart.uplot.setSize({ width: chart.plot.clientWidth, height: 190 });
    })).observe($("charts"));
    dark.addEventListener("change", () => { if (latest) charts.forEach((chart) => chart.build()); });
    addEventListener("hashchange", () => {
      values.forEach((_, path) => values.set(path, sliders.get(path).value));
      recall();
      rows.forEach(({ show }) => show(false));
      request(true);
    });
  }).catch((error) => { $("trouble").textContent = "This page cannot simulate here: " + error.message; $("trouble").hidden = false; });
})();
