// A lesson: each step shows, asks for a choice or a drawing, and only then shows the curve and says why.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const steps = data.steps, done = new Map(), SLOTS = 121, TYPED = 10;
  const at = (id) => document.getElementById(id);
  const box = { w: 640, h: 300, l: 62, r: 14, t: 14, b: 40 };
  let number = 0, drawn = null;

  const element = (name, attributes, text) => {
    const svg = ["svg", "g", "path", "line", "text", "polygon", "rect"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const key in attributes || {}) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const short = (value) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    return size >= 1e5 || size < 1e-3 ? value.toExponential(1).replace("e+", "e") : String(Number(value.toPrecision(3)));
  };
  const named = (unit) => (unit && unit !== "1" ? " " + unit : "");
  const x = (chart, time) => box.l + (time / chart.end) * (box.w - box.l - box.r);
  const y = (chart, value) => box.h - box.b - (Math.min(Math.max(value, 0), chart.top) / chart.top) * (box.h - box.t - box.b);
  const path = (chart, points) => points.map((p, i) => (i ? "L" : "M") + x(chart, p[0]).toFixed(1) + " " + y(chart, p[1]).toFixed(1)).join("");

  // The steps of a scale: about five round numbers up to `most`.
  function ticks(most) {
    const raw = most / 5, power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= raw * 0.999) * power, found = [];
    for (let value = 0; value <= most * 1.0001; value += step) found.push(value);
    return found;
  }

  function frame(chart, words) {
    const svg = element("svg", { viewBox: `0 0 ${box.w} ${box.h}`, class: "sketch", role: "img", "aria-label": words });
    for (const value of ticks(chart.top)) {
      const level = y(chart, value);
      svg.append(element("line", { x1: box.l, x2: box.w - box.r, y1: level, y2: level, class: "grid" }));
      svg.append(element("text", { x: box.l - 8, y: level + 4, "text-anchor": "end" }, short(value)));
    }
    for (const time of ticks(chart.end)) {
      const place = x(chart, time);
      svg.append(element("line", { x1: place, x2: place, y1: box.h - box.b, y2: box.h - box.b + 5, class: "axis" }));
      svg.append(element("text", { x: place, y: box.h - box.b + 19, "text-anchor": "middle" }, short(time)));
    }
    svg.append(element("line", { x1: box.l, x2: box.w - box.r, y1: box.h - box.b, y2: box.h - box.b, class: "axis" }));
    svg.append(element("text", { x: (box.l + box.w) / 2, y: box.h - 4, "text-anchor": "middle" }, "time [" + chart.clock + "]"));
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
    for (const line of chart.lines) add(line.label, line.color, line.dash.map((d) => d * 2.4).join(" "));
    if (mine) add("your prediction", "#b8860b", "6 4");
    return list;
  }

  function draw(chart, shown, mine) {
    const heading = element("h3", {}, chart.label + (chart.unit && chart.unit !== "1" ? " [" + chart.unit + "]" : ""));
    const words = shown ? chart.label + ": " + chart.lines.map((line) => {
      const top = line.points.reduce((a, b) => (b[1] > a[1] ? b : a)), last = line.points[line.points.length - 1];
      return `${line.label}, highest ${short(top[1])} at ${short(top[0])} ${chart.clock}, ${short(last[1])} at the end`;
    }).join("; ") : chart.label + ": empty axes for your prediction";
    const svg = frame(chart, words);
    if (shown && mine) {
      const real = chart.lines[0].points, back = mine.slice().reverse();
      const corners = [...real, ...back].map((p) => x(chart, p[0]).toFixed(1) + "," + y(chart, p[1]).toFixed(1)).join(" ");
      svg.append(element("polygon", { points: corners, class: "gap" }));
    }
    if (shown) for (const line of chart.lines) {
      svg.append(element("path", { d: path(chart, line.points), class: "line", stroke: line.color, "stroke-dasharray": line.dash.map((d) => d * 2.4).join(" ") }));
    }
    const mark = element("path", { class: "mine", d: mine ? path(chart, mine) : "" });
    svg.append(mark);
    const whole = element("div", { class: "panel" });
    whole.append(heading, svg);
    if (shown) whole.append(legend(chart, mine));
    at("charts").append(whole);
    return { svg, mark };
  }

  // The drawing: a value in each slot of time, with straight lines between those that were touched.
  function curve(chart) {
    const known = drawn.map((value, i) => [i, value]).filter((each) => each[1] !== null);
    if (!known.length) return null;
    const time = (slot) => (slot / (SLOTS - 1)) * chart.end, points = known.map((each) => [time(each[0]), each[1]]);
    if (known[0][0] > 0) points.unshift([0, known[0][1]]);
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
      const here = { slot: Math.round(share * (SLOTS - 1)), value: level * chart.top };
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
      const slot = Math.round((i / (TYPED - 1)) * (SLOTS - 1)), label = element("label", {}, short((slot / (SLOTS - 1)) * chart.end) + " " + chart.clock);
      const input = element("input", { type: "number", min: 0, step: "any" });
      input.addEventListener("input", () => {
        drawn[slot] = input.value === "" || !Number.isFinite(input.valueAsNumber) ? null : Math.min(Math.max(input.valueAsNumber, 0), chart.top);
        refresh();
      });
      label.append(input);
      inputs.append(label);
    }
    refresh();
  }

  function measured(points, measure) {
    const top = points.reduce((a, b) => (b[1] > a[1] ? b : a)), low = points.reduce((a, b) => (b[1] < a[1] ? b : a));
    if (measure === "max") return top[1];
    if (measure === "min") return low[1];
    if (measure === "time_of_max") return top[0];
    if (measure === "final") return points[points.length - 1][1];
    let area = 0;
    for (let i = 1; i < points.length; i++) area += ((points[i][1] + points[i - 1][1]) / 2) * (points[i][0] - points[i - 1][0]);
    return area / (points[points.length - 1][0] - points[0][0]);
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
    at("show").hidden = true;
    at("drawing").hidden = true;
    at("next").disabled = false;
  }

  function judged(step, mine) {
    const said = measured(mine, step.judge.measure), value = step.judge.value;
    const right = Math.abs(said - value) <= step.judge.within * Math.abs(value);
    const yours = short(said) + named(step.judge.unit), share = Math.round(step.judge.within * 100);
    verdict(right, `${step.judge.words[0].toUpperCase()}${step.judge.words.slice(1)}: you drew ${yours}, the simulation has ${step.judge.said}` +
      (right ? `. That is within ${share} %.` : `. Within ${share} % would count as right.`));
  }

  function choose(step, chosen) {
    [...at("choices").children].forEach((button, i) => {
      button.disabled = true;
      if (step.choices[i].right) button.classList.add("hit");
      else if (i === chosen) button.classList.add("miss");
    });
    verdict(step.choices[chosen].right, step.choices[chosen].right ? "Right." : "Not so: " + step.choices.filter((each) => each.right).map((each) => each.says).join("; ") + ".");
    reveal(step, null);
  }

  function open(place) {
    number = place;
    box.w = Math.min(Math.max(at("main").clientWidth, 320), 700);  // letters keep their size on a phone
    box.h = Math.round(box.w * 0.5) + 40;
    const step = steps[place], known = done.get(place);
    at("free").hidden = true;
    at("step").hidden = false;
    at("title").textContent = place + 1 + ". " + step.title;
    at("says").textContent = step.says;
    at("says").hidden = !step.says;
    at("asks").hidden = !step.asks;
    at("asks").firstChild.textContent = step.asks;
    for (const id of ["choices", "charts", "verdict"]) at(id).replaceChildren();
    at("why").hidden = at("drawing").hidden = at("show").hidden = true;
    at("typed").open = false;
    at("back").disabled = place === 0;
    at("next").disabled = !known && (step.choices.length > 0 || step.judge !== null);
    [...at("track").children].forEach((item, i) => {
      i === place ? item.setAttribute("aria-current", "step") : item.removeAttribute("aria-current");
      item.classList.toggle("done", i < place);
    });
    step.choices.forEach((each, i) => {
      const button = element("button", { type: "button" }, each.says);
      button.addEventListener("click", () => { done.set(place, i); choose(step, i); at("next").focus(); });
      at("choices").append(button);
    });
    if (step.choices.length && known !== undefined) choose(step, known);
    else if (step.judge && known !== undefined) { judged(step, known); reveal(step, known); }
    else if (step.judge) {
      drawn = new Array(SLOTS).fill(null);
      at("drawing").hidden = at("show").hidden = false;
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
    at("next").focus();
  });
  at("back").addEventListener("click", () => { open(number - 1); at("title").focus(); });
  at("next").addEventListener("click", () => { number + 1 < steps.length ? (open(number + 1), at("title").focus()) : finish(); });
  at("again").addEventListener("click", () => { open(steps.length - 1); at("title").focus(); });
  at("open").hidden = !data.free;
  at("open").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([data.free], { type: "text/html" }));
    at("frame").replaceChildren(element("iframe", { src: address, title: "The scenario with sliders" }));
  });
  steps.forEach((each, i) => at("track").append(element("li", { title: each.title }, i + 1)));
  open(0);
})();
