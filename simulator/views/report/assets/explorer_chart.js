// A chart: one curve of every arm that is shown, the ghost and pinned runs, and what marks lay on it; what it reads, saves
// and says in words. tools: what the page gives it, of which `state` and `shown` change.
function makeChart(tools) {
  "use strict";
  const { page, state, shown, make, text, inUnit, withUnit, shownValue, css, strokeOf, marks, whyOf, handlesOf, patients, runs, aligned, readAt, say, download, changedValues } = tools;
  const { expected, mostPins } = tools, { model, arms, curves } = page, { factor, unit } = model.clock, end = model.end * factor;
  const LOWEST = 1e-6, HEIGHT = 190, $ = (id) => document.getElementById(id);
  const MOST_LONGER = 1.5, MOST_DECADES = 3, CLOSE = 5; // by how much of itself, and how many decades, published ranges stretch an axis; pixels of a swing that is too fast to see

  function decades(from, to) {
    const first = Math.floor(Math.log10(from)), last = Math.ceil(Math.log10(to)), step = Math.ceil((last - first) / 6);
    const parts = Math.log10(to / from) < 2 ? [1, 2, 5] : [1], found = [];
    for (let power = first; power <= last; power += step) for (const part of parts) found.push(Number(part + "e" + power));
    return found.filter((value) => value >= from && value <= to);
  }

  function nearest(times, time) {
    let a = 0, b = times.length - 1;
    while (b - a > 1) { const middle = (a + b) >> 1; if (times[middle] < time) a = middle; else b = middle; }
    return Math.abs(times[a] - time) <= Math.abs(times[b] - time) ? a : b;
  }

  return class Chart {
    constructor(place) {
      const curve = curves[place];
      this.place = place;
      this.log = page.logs[place];
      this.range = null;
      this.element = $("charts").children[place]; // with the fixed curve, until this one can be drawn
      const head = this.element.querySelector(".head"), stage = this.element.querySelector(".stage");
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
      this.plot = stage.querySelector(".plot");
      this.fixed = this.plot.firstElementChild;
      this.plot.tabIndex = 0;
      this.plot.setAttribute("role", "img");
      this.plot.setAttribute("aria-label", this.fixed.getAttribute("aria-label"));
      this.handles = handlesOf(() => this.uplot, factor, place === 0);
      this.sample = /×|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]/.test(this.fixed.textContent) ? "0.000\u00a0×\u00a010⁰" : "0.0000"; // as long as its numbers
      this.read = make("span", {});
      this.unread = make("span", { className: "unread" });
      this.unread.setAttribute("aria-hidden", "true");
      this.hold();
      this.body = make("tbody", {});
      const heads = ["", "start", "lowest", "highest", "highest at", "end"].map((head, i) => make("th", { scope: "col", textContent: i ? head : "arm" }));
      const table = make("table", {}, make("caption", { textContent: curve.shown ? "in " + curve.shown : "" }), make("thead", {}, make("tr", {}, ...heads)), this.body);
      const scroll = make("div", { className: "scroll", tabIndex: 0, role: "group" }, table);
      scroll.setAttribute("aria-label", "values of " + curve.label);
      this.details = make("details", {}, make("summary", { textContent: "In numbers" }), scroll);
      this.details.addEventListener("toggle", () => this.tabulate());
      head.append(button, this.toggle, png);
      stage.append(this.handles.element);
      this.element.append(make("p", { className: "read" }, this.unread, this.read), this.why.element, this.details);
      this.plot.addEventListener("keydown", (event) => this.key(event));
      this.plot.addEventListener("click", (event) => {
        const { left, width } = this.uplot.over.getBoundingClientRect(), across = event.clientX - left;
        if (across >= 0 && across <= width) this.explain(this.uplot.posToVal(across, "x"));
      });
    }

    explain(time) { if (state.latest) this.why.show(time ?? state.at ?? this.steepest()); }
    steepest() { // where the main arm changes fastest
      const { times, curves: [...all] } = state.latest.arms.get(0), own = all[this.place];
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
      const line = (label, color, width, dash) => ({ label, stroke: color, width, dash, spanGaps: true, pxAlign: 0, points: { show: false } }); // pxAlign: whole pixels make stairs of flat curves
      const chart = this;
      this.range = null;
      this.envelopes = [];
      this.uplot = new uPlot({
        width: this.plot.clientWidth || 300, height: HEIGHT, legend: { show: false }, padding: [12, 14, 0, 0],
        cursor: { drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false, range: [0, end] }, y: { distr: this.log ? 3 : 1, range: () => chart.limits() } },
        axes: [
          { ...side, size: 34, label: `time [${unit}]`, labelSize: 14, labelGap: -4, labelFont: side.font, values: (_, ticks) => ticks.map((value) => text(value, 5)) },
          { ...side, size: 58, values: (_, ticks) => ticks.map((value) => text(value, 4)), ...(this.log ? { splits: (_, __, from, to) => decades(from, to), filter: (_, ticks) => ticks } : {}) },
        ],
        series: [{}, ...Array.from({ length: mostPins }, (_, i) => line(`pinned run ${i + 1}`, css("--quiet"), 1.3, [2 + 3 * i, 3])), line("before the last change", css("--ghost"), 3.5, []),
          ...arms.map((arm, i) => line(arm.title, strokeOf(i), i ? 1.5 : 2.4, arm.dash.map((part) => part * 2))).reverse()],
        hooks: { drawAxes: [(u) => { marks.patients(u, patients.band(chart.place)); marks.bands(u, chart.banded(), chart.log); marks.envelopes(u, chart.envelopes); }], draw: [(u) => chart.above(u)], setCursor: [(u) => chart.moved(u)] },
      }, [[0], ...Array(arms.length + 1 + mostPins).fill([null])], this.plot);
      this.uplot.root.setAttribute("aria-hidden", "true");
      if (state.latest) this.draw(aligned(), true);
    }

    limits() { return this.range ?? (this.log ? [0.1, 1] : [0, 1]); }

    banded() { return expected.filter(({ each: { band } }) => band && band.curve === this.place && shown[band.arm]).map((found) => ({ ...found, band: found.each.band })); }
    measured() { return page.points.filter((each) => each.curve === this.place && shown[each.arm]); }
    above(u) {
      this.doses(u);
      this.handles.place();
      if (!state.latest) return;
      marks.points(u, this.measured(), this.log);
      marks.verdicts(u, this.banded(), state.latest.arms, this.log);
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
      if (this.fixed) {
        this.fixed.remove();
        this.fixed = null;
        this.plot.classList.remove("waiting");
      }
      this.fit(rest);
      const found = runs();
      const wide = (CLOSE * model.end) / Math.max(100, this.plot.clientWidth - 70), colors = [...Array(mostPins).fill(css("--quiet")), css("--ghost"), ...arms.map((_, i) => strokeOf(i)).reverse()];
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
      if (!state.latest) return;
      const { left, top, width } = u.bbox, ratio = uPlot.pxRatio;
      u.ctx.save();
      u.ctx.fillStyle = css("--quiet");
      u.ctx.beginPath();
      let last = -Infinity;
      for (const dose of state.latest.doses) for (const [from] of dose.spans) {
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
      if (!state.latest) return;
      const at = state.at ?? 0, step = end / 100;
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

    hold() { // the place of what is read here, so that nothing below moves
      const words = arms.filter((_, place) => shown[place]).map((arm) => `${arm.title}: ${this.sample}`);
      this.unread.textContent = `${withUnit(end, unit)}. ${inUnit(words.join("; "), curves[this.place].shown)}`;
    }

    reading(time) {
      const curve = curves[this.place], words = [];
      arms.forEach((arm, place) => {
        const run = state.latest && shown[place] && state.latest.arms.get(place);
        if (!run || !run.times.length) return;
        words.push(`${arm.title}: ${shownValue(curve, run.curves[this.place][nearest(run.times, time / factor)], 4)}`);
      });
      return `${withUnit(time, unit)}. ${inUnit(words.join("; "), curve.shown)}`;
    }

    extremes(run) {
      const own = run.curves[this.place];
      let least = 0, most = 0;
      own.forEach((value, i) => { if (value < own[least]) least = i; if (value > own[most]) most = i; });
      return { start: own[0], least: own[least], most: own[most], when: run.times[most] * factor, end: own[own.length - 1] };
    }

    describe() {
      const main = state.latest.arms.get(0), curve = curves[this.place];
      if (!main || !main.times.length) return;
      const { start, most, when, end: last } = this.extremes(main);
      this.plot.setAttribute("aria-label", `${curve.label}: ${arms[0].title} starts at ${shownValue(curve, start, 3)}, is highest at ${withUnit(when, unit, 3)} with ${shownValue(curve, most, 3)}, and ends at ${shownValue(curve, last, 3)}${curve.shown ? " " + curve.shown : ""}. Arrow keys read values, W says why it rises or falls there, L switches the axis.`);
      this.tabulate();
    }

    tabulate() {
      if (!this.details.open || !state.latest) return;
      this.body.replaceChildren(...arms.flatMap((arm, place) => {
        const run = shown[place] && state.latest.arms.get(place);
        if (!run || !run.times.length) return [];
        const { start, least, most, when, end: last } = this.extremes(run);
        const number = (value) => shownValue(curves[this.place], value, 4);
        const cells = [number(start), number(least), number(most), withUnit(when, unit, 3), number(last)].map((words) => make("td", { textContent: words }));
        return [make("tr", {}, make("th", { scope: "row", textContent: arm.title }), ...cells)];
      }));
    }

    // With its title and arms, on paper
    save() {
      if (!state.latest) return;
      const canvas = this.uplot.ctx.canvas, ratio = uPlot.pxRatio, line = 17 * ratio, { series } = this.uplot;
      // In the order of the key: the lines that have points, the one on top first
      const drawn = this.uplot.data.map((values, i) => ({ ...series[i], values })).slice(1).filter(({ values }) => values.some((value) => value !== null)).reverse();
      const copy = make("canvas", { width: canvas.width, height: canvas.height + (2.2 + drawn.length) * line }), c = copy.getContext("2d"), curve = curves[this.place];
      c.fillStyle = css("--paper");
      c.fillRect(0, 0, copy.width, copy.height);
      c.drawImage(canvas, 0, 1.4 * line);
      c.fillStyle = css("--ink");
      c.font = `600 ${13 * ratio}px system-ui, sans-serif`;
      c.fillText(curve.label + (curve.shown ? ` [${curve.shown}]` : ""), 8 * ratio, line, copy.width - 16 * ratio);
      c.font = `${12 * ratio}px system-ui, sans-serif`;
      drawn.forEach(({ label, stroke, width, dash }, i) => {
        const y = canvas.height + (2.2 + i) * line;
        c.strokeStyle = stroke();
        c.lineWidth = Math.max(2, width) * ratio;
        c.setLineDash(dash.map((part) => part * ratio));
        c.beginPath();
        c.moveTo(50 * ratio, y - 4 * ratio);
        c.lineTo(78 * ratio, y - 4 * ratio);
        c.stroke();
        c.fillText(label + (label === arms[0].title && changedValues().length ? ", changed by sliders" : ""), 86 * ratio, y, copy.width - 94 * ratio);
      });
      download(copy.toDataURL("image/png"), `${page.id}-${curve.name.replace(/\W+/g, "_")}.png`);
    }
  };
}
