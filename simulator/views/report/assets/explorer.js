// The page: sliders, charts, arms and the address. What is simulated is asked of the engine, of which the latest wins.
(function () {
  "use strict";
  const page = JSON.parse(document.getElementById("data").textContent), { model, arms, curves } = page;
  const factor = model.clock.factor, unit = model.clock.unit, end = model.end * factor;
  const STEPS = 240, PINS = 3, TOGETHER = 2, NONE = 1e-6; // NONE: the end of a logarithmic slider that has zero too
  const { text, shownValue, inUnit, withUnit, make } = makeText();
  const $ = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const sliders = new Map(page.sliders.map((each) => [each.path, each]));
  const values = new Map(page.sliders.map((each) => [each.path, each.value]));
  const shown = arms.map((_, place) => place < page.mostArms), charts = [], pins = [];
  const decoded = (word) => { try { return decodeURIComponent(word); } catch { return word; } };
  const named = (key) => location.hash.slice(1).split("&").find((part) => part.startsWith(key + "="))?.slice(key.length + 1).split(",").map(decoded);
  const only = named("only"), kept = named("curves"); // the sliders and the curves that a step of a lesson shows
  let ghost = null, atRest = null, dragging = false, notice = ""; // notice: what is wrong with the address
  const state = { latest: null, at: undefined }; // the runs that are shown last, by arm, with their doses; the time that is read

  function say(words, bad) {
    $("status").textContent = words;
    $("status").classList.toggle("bad", Boolean(bad));
  }

  // What is asked of the engine

  let ask = null, busy = true, wanted = null, prepared = false; // busy: at first with the engine
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
    const more = rest ? [...new Set(verdicts.expected.flatMap(({ each }) => each.arms))].filter((place) => !which.includes(place)) : [];
    wanted = null;
    busy = true;
    const began = performance.now();
    try {
      // While a slider moves the main arm and one more come first: the others, and at rest those that are only judged,
      // once there is time for them. The very first answer is of all that the fixed curves show: none shall vanish
      const first = !state.latest;
      for (const some of rest ? [which, more] : first ? [which] : [which.slice(0, TOGETHER), which.slice(TOGETHER)]) {
        if (!some.length || (some[0] !== 0 && wanted)) break;
        received(await ask({ set, which: some, rest }), some, rest, performance.now() - began);
      }
      if (first) await painted();
    } catch (error) {
      say("The simulation failed: " + error.message + ". The curves are the last good ones.", true);
    }
    busy = false;
    if (wanted || (prepared && later.length)) next();
    else if (!prepared && state.latest) {
      prepared = true;
      await prepareVerdicts();
      if (!busy && later.length) next();
    }
  }

  const measures = makeMeasures(), verdicts = makeVerdicts({ page, state, make, text, withUnit, measures, ask: (question) => ask(question) });
  async function prepareVerdicts() {
    if (!page.expectations.length && !page.points.length) return;
    busy = true;
    await verdicts.prepare();
    busy = false;
    request(true);
  }

  const painted = () => new Promise((done) => { // or soon, where nothing is painted: in a tab that is not seen
    setTimeout(done, 200);
    requestAnimationFrame(() => setTimeout(done));
  });

  function received(found, which, rest, took) {
    const bad = found.arms.map((arm, i) => arm.problem && `${arms[which[i]].title}: ${arm.problem}`).filter(Boolean);
    if (bad.length) say("This setting cannot be simulated; the curves are the last good ones. " + bad.join("; ") + ".", true);
    else {
      const before = state.latest && (!rest || which[0] !== 0) ? state.latest.arms : [];
      state.latest = { arms: new Map([...before, ...found.arms.map((arm, i) => [which[i], arm])]), doses: found.doses, rest };
      if (rest && which[0] === 0) { atRest = state.latest; dragging = false; patients.refresh(); }
      if (rest && notice) say(notice, true);
      else if (rest && which[0] === 0) say(`Simulated ${which.length === 1 ? "one arm" : which.length + " arms"} in ${text(took, 2)} ms, to a relative tolerance of ${text(model.rtol.rest, 2)}.${ghost && ghost !== state.latest ? " Grey: before the last change." : ""}`);
      if (verdicts.expected.length || page.points[0]?.item) verdicts.judge(!rest);
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
    if ($("preset")) $("preset").value = "own";
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
    for (const [key, names] of [["only", only], ["curves", kept]]) if (names) parts.push(key + "=" + names.map(encodeURIComponent).join(","));
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
  const isCurve = (name) => curves.some((curve) => curve.name === name);
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
      else if (path === "only" || path === "curves") {
        const known = path === "only" ? (each) => sliders.has(each) : isCurve;
        faults.push(...(path === "only" ? only : kept).filter((each) => !known(each)).map((each) => `nothing here is called '${each.slice(0, 60)}'`));
      }
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

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const strokeOf = (place) => css("--arm" + place);

  // The run of every line of a chart, from the one below to the one on top: pins and the ghost, of the main arm; the arms
  const runs = () => [
    ...Array.from({ length: PINS }, (_, i) => pins[i] && pins[i].arms.get(0)),
    ghost && ghost !== state.latest && ghost.arms.get(0),
    ...arms.map((_, place) => state.latest && shown[place] && state.latest.arms.get(place)).reverse(),
  ];

  const marks = makeMarks({ color: strokeOf, css, factor, measures });
  const whyOf = makeWhy({
    make, text, withUnit, page, arm: () => arms[0].title,
    halves(place) { const own = state.latest.arms.get(0).curves[place]; return Math.min(...own) < 0.6 * Math.max(...own); }, // not a temperature
    ask: (curve, time, done, failed) => askLater({ question: { why: [0, curve, time] }, done, failed }),
  });

  const patients = makePatients({
    page, askLater,
    changed(words) {
      $("patients-note").textContent = words;
      $("patients-note").hidden = !words;
      if (state.latest && !dragging) drawAll(true, true);
    },
  });

  const handlesOf = makeDoseHandles({
    make, sliders, values,
    words: (each, value) => withUnit(value * each.factor, each.shown_unit),
    step: (each) => (each.high - each.low) / STEPS,
    start(paths) { paths.forEach((path) => addSlider(sliders.get(path))); start(); },
    move(paths, value) { for (const path of paths) { change(sliders.get(path), rounded(sliders.get(path), value), true); rows.get(path).show(false); } },
    release: () => settled(),
  });

  const Chart = makeChart({
    page, state, shown, make, text, inUnit, withUnit, shownValue, css, strokeOf, marks, whyOf, handlesOf, patients, runs, aligned, readAt, say, download, changedValues,
    expected: verdicts.expected, mostPins: PINS,
  });

  function readAt(time, own) {
    state.at = time;
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

  const inWindow = (chart) => chart.element.getBoundingClientRect().top < innerHeight;
  function drawAll(rest, same = false) { // same: only what lies beside the run has changed
    const lines = aligned();
    if (!$("fixed").hidden) { // the first time; until then the fixed curves are there
      $("fixed").hidden = true;
      const live = (chart) => (chart.uplot ? chart.draw(aligned(), true) : chart.build());
      const seen = charts.filter(inWindow);
      seen.forEach(live);
      painted().then(() => charts.filter((chart) => !seen.includes(chart)).forEach((chart) => setTimeout(() => live(chart)))); // one by one
      return;
    }
    for (const chart of charts) if (chart.uplot && (rest || chart.visible)) chart.draw(lines, rest, same); // the others once it rests
    if (rest && state.at !== undefined) readAt(state.at);
    if (rest) for (const chart of charts) chart.hold();
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
      const run = shown[place] && state.latest.arms.get(place);
      if (run) run.times.forEach((time, i) => lines.push([quote(arm.name), time, ...curves.map((_, at) => run.curves[at][i])].join(",")));
    });
    pins.forEach((pin, i) => {
      const run = pin.arms.get(0);
      run.times.forEach((time, at) => lines.push([`pinned ${i + 1}`, time, ...curves.map((_, place) => run.curves[place][at])].join(",")));
    });
    return lines.join("\n") + "\n";
  }

  function controls() {
    if (only) for (const path of only) if (sliders.has(path)) addSlider(sliders.get(path));
    $("more").parentElement.hidden = document.querySelector("header").hidden = Boolean(only);
    for (const each of page.sliders) {
      if (each.shown && !only) addSlider(each);
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
    $("csv").addEventListener("click", () => state.latest && download(URL.createObjectURL(new Blob([table()], { type: "text/csv" })), `${page.id}.csv`));
    $("judged").hidden = !page.expectations.length; // from the start, so that nothing jumps
    $("judged").addEventListener("click", () => { $("verdicts").open = true; $("verdicts").scrollIntoView(); $("verdicts").querySelector("summary").focus(); });
    $("link").hidden = location.protocol === "blob:"; // in a lesson the page has no address of its own
    $("link").addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(location.href); say("The link is copied: it opens this page as it is now."); } catch { say("Copy this: " + location.href); }
    });
    arms.forEach((arm, place) => {
      const box = make("input", { type: "checkbox", checked: shown[place] });
      box.addEventListener("change", () => { shown[place] = box.checked; request(true); remember(); });
      const line = `<svg width="26" height="10" aria-hidden="true"><path d="M0 5H26" stroke-width="2.5"/></svg>`;
      const label = make("label", {}, box);
      label.insertAdjacentHTML("beforeend", line);
      label.querySelector("path").style.stroke = `var(--arm${place})`;
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
    names: model.curves.map((curve) => curve.name), set: (wanted) => setAll(wanted), result: () => state.latest,
    envelopes: (place) => charts[place].envelopes.map(({ parts }) => parts.map(({ upper, lower }) => ({ upper, lower }))),
    explain: (place, time) => charts[place].explain(time),
    patient: (number) => new Promise((done, failed) => askLater({ question: { patient: number }, done, failed })),
    patients: () => curves.map((_, place) => patients.band(place)),
    why: (place, time) => new Promise((done, failed) => askLater({ question: { why: [0, place, time / factor] }, done, failed })),
    lines: () => runs().filter(Boolean).length,
    verdicts: () => verdicts.expected.map(({ each, value, holds }) => ({ id: each.id, value, holds, drawn: Boolean(each.band) })),
    async quiet() { while (busy || wanted || later.length || (state.latest && charts.some((chart) => chart.fixed))) await new Promise((resolve) => setTimeout(resolve, 5)); },
  });

  function refusal() { // why no module can run here; empty if one can
    try {
      new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); // the smallest: is any allowed?
      return "";
    } catch (error) {
      return `This page simulates by itself, which needs WebAssembly. It cannot be had here: open the file from disk in a newer browser, or ask who runs this site to allow it (script-src 'wasm-unsafe-eval'). The curves below are those of the scenario as it is described. What the browser says: ${error.message}`;
    }
  }

  function fail(words) {
    $("trouble").textContent = words;
    $("trouble").hidden = false;
    for (const id of ["controls", "tools", "status"]) $(id).hidden = true;
  }

  function buildOne() { // of those that are seen, while the engine gets ready
    const next = charts.find((chart) => !chart.uplot && inWindow(chart));
    if (!next || state.latest) return;
    next.build();
    setTimeout(buildOne);
  }

  function open() {
    for (const id of ["controls", "tools"]) $(id).hidden = false;
    controls();
    recall();
    curves.forEach((_, place) => charts.push(new Chart(place)));
    if (kept && kept.some(isCurve)) {
      charts.forEach((chart, place) => { chart.element.hidden = !kept.includes(curves[place].name); });
      [...$("arms").querySelectorAll("label")].forEach((label, place) => { label.hidden = !shown[place]; });
      document.body.classList.add("step");
      $("arms").hidden = shown.filter(Boolean).length < 2;
    }
    say("The curves are those of the scenario as it is described, until the first simulation is there.");
    requestAnimationFrame(() => setTimeout(buildOne));
    const seen = new IntersectionObserver((entries) => entries.forEach((entry) => { charts.find((chart) => chart.element === entry.target).visible = entry.isIntersecting; }));
    charts.forEach((chart) => seen.observe(chart.element));
    new ResizeObserver(() => charts.forEach((chart) => {
      if (chart.uplot && chart.plot.clientWidth && chart.plot.clientWidth !== chart.uplot.width) chart.uplot.setSize({ width: chart.plot.clientWidth, height: 190 });
    })).observe($("charts"));
    dark.addEventListener("change", () => { if (state.latest) charts.forEach((chart) => chart.build()); });
    addEventListener("hashchange", () => {
      values.forEach((_, path) => values.set(path, sliders.get(path).value));
      recall();
      rows.forEach(({ show }) => show(false));
      request(true);
    });
    return askEngine.then((found) => {
      ask = found;
      busy = false;
      request(false); // the first curves soon ...
      request(true); // ... and then as exact as those of a run
    });
  }

  const words = refusal();
  if (words) fail(words);
  else open().catch((error) => fail("This page cannot simulate here: " + error.message + ". The curves below are those of the scenario as it is described."));
})();
