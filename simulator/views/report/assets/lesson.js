// A lesson: each step shows, asks for a choice or a drawing, and only then shows the curve and says why.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const steps = data.steps, done = new Map(), SLOTS = 127, TYPED = 10; // so that what is typed lies at even distances
  const at = (id) => document.getElementById(id);
  const box = { w: 640, h: 300, l: 66, r: 14, t: 14, b: 40 };
  let number = 0, drawn = null;

  const element = (name, attributes, text) => {
    const svg = ["svg", "g", "path", "line", "text", "polygon", "circle"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const key in attributes || {}) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const short = (value) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e6 && size >= 1e-4) return Number(value.toPrecision(3)).toLocaleString("en");
    const [digits, power] = value.toExponential(1).split("e");
    return Number(digits) + " × 10" + [...String(Number(power))].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("");
  };
  const named = (unit) => (unit && unit !== "1" ? "\u00a0" + unit : "");
  const x = (chart, place) => box.l + ((place - chart.start) / (chart.end - chart.start)) * (box.w - box.l - box.r);
  const clamped = (chart, value) => Math.min(Math.max(value, chart.bottom), chart.top);
  const y = (chart, value) => box.h - box.b - ((clamped(chart, value) - chart.bottom) / (chart.top - chart.bottom)) * (box.h - box.t - box.b);
  const path = (chart, points) => points.map((p, i) => (i ? "L" : "M") + x(chart, p[0]).toFixed(1) + " " + y(chart, p[1]).toFixed(1)).join("");

  function frame(chart, words) {
    const svg = element("svg", { viewBox: `0 0 ${box.w} ${box.h}`, class: "sketch", role: "img", "aria-label": words });
    for (const value of chart.up) {
      const level = y(chart, value);
      svg.append(element("line", { x1: box.l, x2: box.w - box.r, y1: level, y2: level, class: "grid" }));
      svg.append(element("text", { x: box.l - 8, y: level + 4, "text-anchor": "end" }, short(value)));
    }
    for (const time of chart.across) {
      const place = x(chart, time);
      svg.append(element("line", { x1: place, x2: place, y1: box.h - box.b, y2: box.h - box.b + 5, class: "axis" }));
      svg.append(element("text", { x: place, y: box.h - box.b + 19, "text-anchor": "middle" }, short(time)));
    }
    svg.append(element("line", { x1: box.l, x2: box.w - box.r, y1: box.h - box.b, y2: box.h - box.b, class: "axis" }));
    svg.append(element("text", { x: (box.l + box.w) / 2, y: box.h - 4, "text-anchor": "middle" }, chart.axis));
    if (chart.level) {
      const level = y(chart, chart.level.value);
      svg.append(element("line", { x1: box.l, x2: box.w - box.r, y1: level, y2: level, class: "level" }));
      svg.append(element("text", { x: box.w - box.r - 4, y: level - 5, "text-anchor": "end" }, chart.level.label));
    }
    return svg;
  }

  function legend(chart, mine) {
    const list = element("ul", { class: "legend" });
    const add = (label, color, dash) => {
      const item = element("li"), mark = element("svg", { width: 34, height: 10, "aria-hidden": "true" });
      mark.append(element("line", { x1: 0, x2: 34, y1: 5, y2: 5, stroke: color, "stroke-width": 2.4, "stroke-dasharray": dash }));
      item.append(mark, label);
      list.append(item);
    };
    for (const line of chart.lines) if (line.label) add(line.label, line.color, line.dash.map((d) => d * 2.4).join(" "));
    if (mine) add("your prediction", "#b8860b", "6 4");
    return list;
  }

  // Counts of something, each as a bar: a table, so that it is read aloud too.
  function bars(chart) {
    const whole = element("div", { class: "panel" }), table = element("table", { class: "bars" }), most = Math.max(...chart.bars.map((each) => each.of), 1);
    for (const each of chart.bars) {
      const row = element("tr"), cell = element("td"), bar = element("div", { class: "whole", style: `width:${(100 * each.of) / most}%` });
      bar.append(element("div", { class: "part", style: `width:${each.of ? (100 * each.value) / each.of : 0}%` }));
      cell.append(bar, `${each.value} of ${each.of}`);
      row.append(element("th", { scope: "row" }, each.label), cell);
      table.append(row);
    }
    whole.append(element("h3", {}, chart.label), table);
    at("charts").append(whole);
  }

  function draw(chart, shown, mine) {
    if (chart.bars) return bars(chart);
    const heading = element("h3", {}, chart.label + (chart.unit && chart.unit !== "1" ? " [" + chart.unit + "]" : ""));
    const words = shown ? chart.label + ": " + chart.lines.map((line) => {
      const top = line.points.reduce((a, b) => (b[1] > a[1] ? b : a)), last = line.points[line.points.length - 1];
      return `${line.label || "the same"}, highest ${short(top[1])} at ${short(top[0])}${named(chart.clock)}, ${short(last[1])} at the end`;
    }).join("; ") : chart.label + " against " + chart.axis + ": empty axes for your prediction";
    const svg = frame(chart, words);
    if (shown && mine && chart.gap) {
      const real = chart.way.length ? chart.way : chart.lines[0].points, back = mine.slice().reverse();
      const corners = [...real, ...back].map((p) => x(chart, p[0]).toFixed(1) + "," + y(chart, p[1]).toFixed(1)).join(" ");
      svg.append(element("polygon", { points: corners, class: "gap" }));
    }
    if (shown) for (const line of chart.lines) {
      svg.append(element("path", { d: path(chart, line.points), class: "line", stroke: line.color, "stroke-dasharray": line.dash.map((d) => d * 2.4).join(" ") }));
    }
    if (shown) for (const point of chart.marks || []) svg.append(element("circle", { cx: x(chart, point.x), cy: y(chart, point.y), r: 5, class: "fold" }));
    const mark = element("path", { class: "mine", d: mine ? path(chart, mine) : "" });
    svg.append(mark);
    const whole = element("div", { class: "panel" });
    whole.append(heading, svg);
    if (shown) whole.append(legend(chart, mine));
    at("charts").append(whole);
    return { svg, mark };
  }

  const placeOf = (chart, slot) => chart.start + (slot / (SLOTS - 1)) * (chart.end - chart.start);

  // The drawing: a value in each slot of the axis, with straight lines between those that were touched.
  function curve(chart) {
    const known = drawn.map((value, i) => [i, value]).filter((each) => each[1] !== null);
    if (!known.length) return null;
    const time = (slot) => placeOf(chart, slot), points = known.map((each) => [time(each[0]), each[1]]);
    if (known[0][0] > 0) points.unshift([chart.start, known[0][1]]);
    if (known[known.length - 1][0] < SLOTS - 1) points.push([chart.end, known[known.length - 1][1]]);
    return points;
  }

  function letDraw(chart, made) {
    let last = null;
    const refresh = () => {
      const points = curve(chart);
      made.mark.setAttribute("d", points ? path(chart, points) : "");
      at("show").disabled = !points;
    };
    const touch = (event) => {
      const area = made.svg.getBoundingClientRect(), scale = box.w / area.width;
      const px = (event.clientX - area.left) * scale, py = (event.clientY - area.top) * scale;
      const share = Math.min(Math.max((px - box.l) / (box.w - box.l - box.r), 0), 1);
      const level = Math.min(Math.max((box.h - box.b - py) / (box.h - box.t - box.b), 0), 1);
      const here = { slot: Math.round(share * (SLOTS - 1)), value: chart.bottom + level * (chart.top - chart.bottom) };
      const from = last || here, steps = Math.max(Math.abs(here.slot - from.slot), 1);
      for (let i = 0; i <= steps; i++) {
        drawn[Math.round(from.slot + ((here.slot - from.slot) * i) / steps)] = from.value + ((here.value - from.value) * i) / steps;
      }
      last = here;
      refresh();
    };
    made.svg.classList.add("open");
    made.svg.addEventListener("pointerdown", (event) => { made.svg.setPointerCapture(event.pointerId); last = null; touch(event); event.preventDefault(); });
    made.svg.addEventListener("pointermove", (event) => { if (event.buttons) touch(event); });
    const inputs = at("values");
    inputs.replaceChildren();
    for (let i = 0; i < TYPED; i++) {
      const slot = Math.round((i / (TYPED - 1)) * (SLOTS - 1)), label = element("label", {}, short(placeOf(chart, slot)) + named(chart.clock));
      const input = element("input", { type: "number", min: chart.bottom, max: chart.top, step: "any" });
      input.addEventListener("input", () => {
        drawn[slot] = input.value === "" || !Number.isFinite(input.valueAsNumber) ? null : clamped(chart, input.valueAsNumber);
        refresh();
      });
      label.append(input);
      inputs.append(label);
    }
    refresh();
  }

  // Where the drawn curve rises most, over a twentieth of the axis.
  function jump(chart, points) {
    const valueAt = (place) => {
      const next = points.findIndex((p) => p[0] >= place), b = points[next < 0 ? points.length - 1 : next], a = points[Math.max((next < 0 ? points.length : next) - 1, 0)];
      return b[0] > a[0] ? a[1] + ((b[1] - a[1]) * (Math.min(place, b[0]) - a[0])) / (b[0] - a[0]) : b[1];
    };
    const wide = (chart.end - chart.start) / 20;
    let best = [-Infinity, chart.start];
    for (let i = 0; i <= 190; i++) {
      const from = chart.start + (i / 190) * (chart.end - chart.start - wide), rise = valueAt(from + wide) - valueAt(from);
      if (rise > best[0] + 1e-12) best = [rise, from + wide / 2];
    }
    return best[1];
  }
  // Up to where the drawn curve, the lowest first, stays below the level.
  function share(chart, points) {
    const over = points.findIndex((p) => p[1] >= chart.level.value);
    if (over < 0) return chart.end;
    if (over === 0) return chart.start;
    const [a, b] = [points[over - 1], points[over]];
    return a[0] + ((b[0] - a[0]) * (chart.level.value - a[1])) / (b[1] - a[1]);
  }

  function measured(chart, points, measure) {
    if (measure === "jump") return jump(chart, points);
    if (measure === "share") return share(chart, points);
    const top = points.reduce((a, b) => (b[1] > a[1] ? b : a)), low = points.reduce((a, b) => (b[1] < a[1] ? b : a));
    if (measure === "max") return top[1];
    if (measure === "min") return low[1];
    if (measure === "time_of_max") return top[0];
    if (measure === "time_of_min") return low[0];
    if (measure === "final") return points[points.length - 1][1];
    let area = 0;
    for (let i = 1; i < points.length; i++) area += ((points[i][1] + points[i - 1][1]) / 2) * (points[i][0] - points[i - 1][0]);
    return area / (points[points.length - 1][0] - points[0][0]);
  }

  // What was answered outlives a reload, in this window; another lesson at the same place is not answered by it.
  const store = "lesson " + location.pathname, lesson = JSON.stringify(steps.map((step) => [step.title, step.choices.length]));
  function keep() {
    try { sessionStorage.setItem(store, JSON.stringify({ lesson, number, done: [...done] })); } catch { /* then it does not */ }
  }
  function recall() { // the step that was shown last; the first of a page that is opened
    try {
      const found = JSON.parse(sessionStorage.getItem(store));
      if (found?.lesson !== lesson) return 0;
      for (const [step, answer] of found.done) done.set(step, answer);
      return found.number;
    } catch { return 0; }
  }

  // After an answer: the question on top, with the verdict and the curve below it, and the focus where reading goes on
  function look() {
    keep();
    at("verdict").focus({ preventScroll: true });
    at("asks").scrollIntoView();
  }

  function verdict(right, text) {
    at("verdict").replaceChildren(element("p", { class: right ? "hit" : "miss" }, (right ? "✓ " : "✗ ") + text));
  }

  function reveal(step, mine) {
    at("charts").replaceChildren();
    step.charts.forEach((chart, i) => draw(chart, true, i === 0 ? mine : null));
    at("why").hidden = !step.why && !step.reasons.length;
    at("why").querySelector("p").textContent = step.why;
    const details = at("why").querySelector("details");
    details.hidden = !step.reasons.length;
    details.querySelector("ul").replaceChildren(...step.reasons.map((each) => element("li", {}, each)));
    at("computed").textContent = step.computed;
    at("computed").hidden = !step.computed;
    facts(step);
    at("try").hidden = !data.free || !step.sliders.length;
    at("open-few").querySelector("span").textContent = step.sliders.length === 1 ? "one slider" : step.sliders.length + " sliders";
    at("show").hidden = true;
    at("drawing").hidden = true;
    at("next").disabled = false;
  }

  // What was published beside what was simulated.
  function facts(step) {
    at("facts").hidden = !step.facts.length;
    if (!step.facts.length) return;
    const table = element("table"), head = element("tr");
    for (const word of ["What was found", "published", "simulated", "verdict"]) head.append(element("th", { scope: "col" }, word));
    table.append(head);
    for (const each of step.facts) {
      const row = element("tr"), what = element("th", { scope: "row" }, each.that);
      if (each.why) what.append(element("p", { class: "note" }, each.why));
      row.append(what, element("td", {}, each.published), element("td", {}, each.simulated), element("td", { class: each.met ? "hit" : "miss" }, each.met ? "✓ met" : "✗ missed"));
      table.append(row);
    }
    at("facts").replaceChildren(table);
  }

  function judged(step, mine) {
    const { judge } = step, said = measured(step.charts[0], mine, judge.measure), value = judge.value;
    const right = value !== null && Math.abs(said - value) <= judge.within * (judge.absolute ? 1 : Math.abs(value));
    const near = judge.absolute ? short(judge.within) + named(judge.unit) : Math.round(judge.within * 100) + " %";
    verdict(right, `${judge.words[0].toUpperCase()}${judge.words.slice(1)}: you drew ${short(said)}${named(judge.unit)}, the simulation has ${judge.said}` +
      (right ? `. That is within ${near}.` : `. Within ${near} would count as right.`));
  }

  function choose(step, chosen) {
    [...at("choices").children].forEach((button, i) => {
      button.disabled = true;
      if (step.choices[i].right) button.classList.add("hit");
      else if (i === chosen) button.classList.add("miss");
    });
    verdict(step.choices[chosen].right, step.choices[chosen].right ? "Right." : "Not so. Right is “" + step.choices.filter((each) => each.right).map((each) => each.says).join("”; “") + "”.");
    reveal(step, null);
  }

  function open(place) {
    number = place;
    keep();
    const step = steps[place], known = done.get(place), width = at("main").clientWidth;
    box.w = Math.min(Math.max(step.charts.length > 1 && width > 1060 ? 530 : width, 320), 700);  // letters keep their size
    box.h = Math.round(box.w * 0.5) + 40;
    at("free").hidden = true;
    at("step").hidden = false;
    at("title").textContent = place + 1 + ". " + step.title;
    at("says").textContent = step.says;
    at("says").hidden = !step.says;
    at("asks").hidden = !step.asks;
    at("asks").firstChild.textContent = step.asks;
    for (const id of ["choices", "charts", "verdict"]) at(id).replaceChildren();
    at("few").replaceChildren();
    at("why").querySelector("details").open = false;
    for (const id of ["why", "drawing", "show", "computed", "facts", "try"]) at(id).hidden = true;
    at("typed").open = false;
    at("back").disabled = place === 0;
    at("next").disabled = !known && (step.choices.length > 0 || step.judge !== null);
    [...at("track").children].forEach((item, i) => {
      i === place ? item.setAttribute("aria-current", "step") : item.removeAttribute("aria-current");
      item.classList.toggle("done", i < place);
    });
    step.choices.forEach((each, i) => {
      const button = element("button", { type: "button" }, each.says);
      button.addEventListener("click", () => { done.set(place, i); choose(step, i); look(); });
      at("choices").append(button);
    });
    if (step.choices.length && known !== undefined) choose(step, known);
    else if (step.judge && known !== undefined) { judged(step, known); reveal(step, known); }
    else if (step.judge) {
      drawn = new Array(SLOTS).fill(null);
      at("drawing").hidden = at("show").hidden = false;
      at("counts").textContent = step.judge.counts ? `What counts: ${step.judge.counts}.` : "";
      letDraw(step.charts[0], draw(step.charts[0], false, null));
    } else if (!step.choices.length) reveal(step, null);
  }

  function finish() {
    at("step").hidden = true;
    at("free").hidden = false;
    at("free").querySelector("h2").focus();
  }

  at("show").addEventListener("click", () => {
    const step = steps[number], mine = curve(step.charts[0]);
    done.set(number, mine);
    judged(step, mine);
    reveal(step, mine);
    look();
  });
  function turn(to) { // the head of the page is known by now, and a small screen has no room for it
    open(to);
    at("title").focus({ preventScroll: true });
    at("track").scrollIntoView();
  }
  at("back").addEventListener("click", () => turn(number - 1));
  at("next").addEventListener("click", () => (number + 1 < steps.length ? turn(number + 1) : finish()));
  at("again").addEventListener("click", () => turn(steps.length - 1));
  // The page with sliders; opened for a step, with its sliders, curves and arms alone: the others may hold later answers
  function free(place, step) {
    const address = URL.createObjectURL(new Blob([data.free], { type: "text/html" })), names = (all) => all.map(encodeURIComponent).join(",");
    const part = step ? `#only=${names(step.sliders)}&curves=${names(step.curves)}&arms=${step.arms.join(".")}` : "";
    at(place).replaceChildren(element("iframe", { src: address + part, title: "The scenario with sliders" }));
    at(place).scrollIntoView();
  }
  at("open").hidden = !data.free;
  if (!data.free) at("about").textContent = "This lesson has no page with sliders.";
  at("open").addEventListener("click", () => free("frame", null));
  at("open-few").addEventListener("click", () => free("few", steps[number]));
  at("restart").addEventListener("click", () => { done.clear(); turn(0); });
  steps.forEach((each, i) => at("track").append(element("li", { title: each.title }, i + 1)));
  open(Math.min(recall(), steps.length - 1));
})();
