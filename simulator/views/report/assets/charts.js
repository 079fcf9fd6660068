// The charts of the page: uPlot draws them, this file links them, reads them out and takes the keyboard.
(function () {
  "use strict";
  const page = JSON.parse(document.getElementById("data").textContent);
  const arms = page.arms, factor = page.clock.factor, unit = page.clock.unit;
  const shown = arms.map(() => true);
  const whole = [0, page.end * factor];
  const LOWEST = 1e-6; // of the largest value: below it a logarithmic axis shows nothing of interest
  const said = document.getElementById("said");
  const charts = [];

  // The same rules as number() in views/text/numbers.py.
  function text(value, digits) {
    if (value === 0) return "0";
    const size = Math.abs(value), sign = value < 0 ? "−" : "";
    const rounded = Number(size.toPrecision(digits));
    if (rounded >= 1e-3 && rounded < 1e6)
      return sign + rounded.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(rounded + 1))) });
    const [mantissa, power] = rounded.toExponential().split("e");
    const raised = String(Number(power)).replace(/[-0-9]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
    return sign + (mantissa === "1" ? "" : mantissa + " × ") + "10" + raised;
  }

  function nearest(times, time) {
    let low = 0, high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle; else high = middle;
    }
    return Math.abs(times[low] - time) <= Math.abs(times[high] - time) ? low : high;
  }

  // The row at or nearest to `at` in which an arm has a value; its own rows may lie elsewhere than another's.
  function known(values, at) {
    for (let far = 0; far < values.length; far++) {
      if (at - far >= 0 && values[at - far] !== null) return at - far;
      if (at + far < values.length && values[at + far] !== null) return at + far;
    }
    return -1;
  }

  // Lines of a logarithmic axis: its powers of ten, at most eight; within two of them also their doubles and fives.
  function decades(low, high) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const step = Math.ceil((last - first) / 8), parts = Math.log10(high / low) < 2 ? [1, 2, 5] : [1], found = [];
    for (let power = first; power <= last; power += step)
      for (const part of parts) found.push(Number(part + "e" + power));
    return found.filter((value) => value >= low && value <= high);
  }

  class Chart {
    constructor(element, data) {
      this.element = element;
      this.data = data;
      this.times = data.rows.map((time) => time * factor);
      this.log = data.log;
      this.at = -1; // the row that is read out
      this.keyed = false; // whether the keyboard moved there, and not the mouse
      this.plot = element.querySelector(".plot");
      this.readout = element.querySelector("[data-readout]");
      this.note = document.createElement("p");
      this.note.className = "note";
      this.note.hidden = true;
      this.plot.after(this.note);
      this.plot.hidden = this.readout.hidden = element.querySelector(".buttons").hidden = false;
      this.positive = data.values.some((values) => values.some((value) => value > 0));
      this.points = data.points.flatMap((each) => each.rows.map(([time, value, low, high, below]) => ({ ...each, time: time * factor, value, low, high, below })));
      element.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => this.act(button.dataset.do)));
      this.plot.addEventListener("keydown", (event) => this.key(event));
      this.plot.addEventListener("blur", () => { this.keyed = false; });
      this.draw();
      this.read(-1);
    }

    range(from, to) {
      let low = Infinity, high = -Infinity, least = Infinity;
      const first = Math.max(0, nearest(this.times, from) - 1), last = Math.min(this.times.length - 1, nearest(this.times, to) + 1);
      this.data.values.forEach((values, arm) => {
        if (!shown[arm]) return;
        for (let i = first; i <= last; i++) if (values[i] !== null) {
          low = Math.min(low, values[i]);
          high = Math.max(high, values[i]);
        }
      });
      const measured = this.points.filter((point) => shown[point.arm] && point.time >= from && point.time <= to);
      for (const point of measured) {
        low = Math.min(low, this.log ? point.value : point.low);
        high = Math.max(high, point.high);
      }
      if (high === -Infinity) return this.log ? [0.1, 1] : [0, 1];
      if (!this.log) {
        if (low >= 0 && low < high / 2) low = 0;
        const room = high - low || Math.abs(high) || 1;
        return [low === 0 ? 0 : low - 0.04 * room, high + 0.12 * room];
      }
      this.data.values.forEach((values, arm) => {
        if (shown[arm]) for (let i = first; i <= last; i++)
          if (values[i] !== null && values[i] > high * LOWEST) least = Math.min(least, values[i]);
      });
      for (const point of measured) if (point.value > 0) least = Math.min(least, point.value);
      return high > 0 ? [least / 1.5, high * 2.5] : [0.1, 1];
    }

    draw() {
      const chart = this, from = this.uplot ? this.uplot.scales.x.min : whole[0], to = this.uplot ? this.uplot.scales.x.max : whole[1];
      if (this.uplot) this.uplot.destroy();
      const log = this.log;
      const sides = { font: "12px system-ui, sans-serif", stroke: "#1c2024", grid: { stroke: "#e6e8eb", width: 1 }, ticks: { stroke: "#8a929c", width: 1, size: 5 } };
      this.uplot = new uPlot({
        width: this.plot.clientWidth, height: 260, legend: { show: false }, padding: [14, 10, 0, 0],
        cursor: { drag: { x: true, y: false, setScale: true }, points: { size: 7 }, focus: { prox: -1 } },
        scales: {
          x: { time: false },
          y: { distr: log ? 3 : 1, range: (u) => chart.range(u.scales.x.min ?? whole[0], u.scales.x.max ?? whole[1]) },
        },
        axes: [
          { ...sides, label: "time [" + unit + "]", size: 28, labelSize: 20, labelGap: 0, labelFont: "12px system-ui, sans-serif", values: (_, ticks) => ticks.map((value) => text(value, 6)) },
          { ...sides, size: 62, values: (_, ticks) => ticks.map((value) => text(value, 4)), ...(log ? { splits: (_, __, low, high) => decades(low, high), filter: (_, ticks) => ticks } : {}) },
        ],
        series: [{}, ...arms.map((arm, i) => ({
          label: arm.title, show: shown[i], stroke: arm.color, width: Math.max(1.5, 2.6 - 0.4 * i),
          dash: arm.dash.map((part) => part * 2), spanGaps: true, pxAlign: 0, points: { show: false },
        }))],
        hooks: {
          drawClear: [(u) => chart.windows(u)],
          draw: [(u) => chart.doses(u), (u) => chart.measured(u), (u) => chart.cut(u)],
          setCursor: [(u) => chart.moved(u)],
          setScale: [(u, key) => { if (key === "x") zoomed(u.scales.x.min, u.scales.x.max, chart); }],
        },
      }, [this.times, ...this.data.values], this.plot);
      this.uplot.root.setAttribute("aria-hidden", "true");
      if (from !== whole[0] || to !== whole[1]) this.uplot.setScale("x", { min: from, max: to });
      else this.uplot.setScale("x", { min: whole[0], max: whole[1] });
    }

    // Says what a logarithmic axis leaves out.
    cut(u) {
      const low = u.scales.y.min;
      const below = this.log && this.data.values.some((values, arm) => shown[arm] && values.some((value) => value !== null && value < low));
      this.note.hidden = !below;
      this.note.textContent = below ? "Values below " + text(low, 2) + " are not shown on the logarithmic axis." : "";
    }

    windows(u) {
      const { left, top, width, height } = u.bbox;
      u.ctx.save();
      u.ctx.beginPath();
      u.ctx.rect(left, top, width, height);
      u.ctx.clip();
      u.ctx.fillStyle = "rgba(90, 99, 112, 0.13)";
      for (const mark of page.marks) if (mark.kind === "change" && mark.arms.some((arm) => shown[arm]))
        for (const [start, end] of mark.spans) {
          const a = u.valToPos(start * factor, "x", true), b = u.valToPos(end * factor, "x", true);
          u.ctx.fillRect(a, top, b - a, height);
        }
      u.ctx.restore();
    }

    doses(u) {
      const { left, top, width } = u.bbox, size = 5 * uPlot.pxRatio;
      u.ctx.save();
      for (const mark of page.marks) if (mark.kind === "dose" && mark.arms.some((arm) => shown[arm])) {
        const apart = mark.spans.length > 1 ? u.valToPos(mark.spans[1][0] * factor, "x", true) - u.valToPos(mark.spans[0][0] * factor, "x", true) : Infinity;
        const half = Math.min(size, Math.max(0.35 * apart, 0.5)); // many doses close together: narrower marks
        u.ctx.fillStyle = mark.arms.length < arms.length ? arms[mark.arms.find((arm) => shown[arm])].color : "#3c444d";
        for (const [start, end] of mark.spans) {
          const a = u.valToPos(start * factor, "x", true), b = u.valToPos(end * factor, "x", true);
          if (b < left || a > left + width) continue;
          u.ctx.beginPath();
          u.ctx.moveTo(a - half, top - 1.8 * size);
          u.ctx.lineTo(a + half, top - 1.8 * size);
          u.ctx.lineTo(a, top - 0.2 * size);
          u.ctx.fill();
          if (b - a > 2) u.ctx.fillRect(a, top - 0.5 * size, Math.min(b, left + width) - a, 0.4 * size);
        }
      }
      u.ctx.restore();
    }

    // What was measured, with bars; each set of points has a shape of its own, and an arrow stands below a limit.
    measured(u) {
      const { left, top, width, height } = u.bbox, size = 4 * uPlot.pxRatio;
      const shapes = [
        (c, x, y) => c.arc(x, y, size, 0, 2 * Math.PI),
        (c, x, y) => c.rect(x - size, y - size, 2 * size, 2 * size),
        (c, x, y) => [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0], [0, -1.4]].forEach(([a, b]) => c.lineTo(x + a * size, y + b * size)),
        (c, x, y) => [[0, -1.2], [1.2, 1], [-1.2, 1], [0, -1.2]].forEach(([a, b]) => c.lineTo(x + a * size, y + b * size)),
        (c, x, y) => [[0, 1.2], [1.2, -1], [-1.2, -1], [0, 1.2]].forEach(([a, b]) => c.lineTo(x + a * size, y + b * size)),
      ];
      u.ctx.save();
      u.ctx.beginPath();
      u.ctx.rect(left, top, width, height);
      u.ctx.clip();
      u.ctx.setLineDash([]);
      u.ctx.lineWidth = 1.5 * uPlot.pxRatio;
      u.ctx.fillStyle = "#ffffff";
      for (const point of this.points) if (shown[point.arm] && (point.value > 0 || !this.log)) {
        const x = u.valToPos(point.time, "x", true), y = u.valToPos(point.value, "y", true);
        u.ctx.strokeStyle = arms[point.arm].color;
        if (point.high > point.low) {
          u.ctx.beginPath();
          u.ctx.moveTo(x, u.valToPos(this.log ? Math.max(point.low, u.scales.y.min) : point.low, "y", true));
          u.ctx.lineTo(x, u.valToPos(point.high, "y", true));
          u.ctx.stroke();
        }
        u.ctx.beginPath();
        shapes[point.below ? 4 : point.mark](u.ctx, x, y);
        u.ctx.fill();
        u.ctx.stroke();
      }
      u.ctx.restore();
    }

    moved(u) {
      if (this.keyed || u.cursor.left < 0) return;
      const time = u.posToVal(u.cursor.left, "x");
      this.read(nearest(this.times, time));
      charts.forEach((other) => { if (other !== this) other.follow(time); });
    }

    // Another chart's cursor is at `time`.
    follow(time) {
      this.keyed = false;
      this.read(nearest(this.times, time));
      this.uplot.setCursor({ left: this.uplot.valToPos(time, "x"), top: -10 }, false);
    }

    read(at) {
      this.at = at;
      this.readout.replaceChildren();
      if (at < 0) {
        this.readout.append(part("Point at the chart to read values."));
        return "";
      }
      const words = [text(this.times[at], 5) + " " + unit];
      this.readout.append(part("", text(this.times[at], 5), this.data.rows[at], " " + unit));
      this.data.values.forEach((values, arm) => {
        const row = shown[arm] ? known(values, at) : -1;
        if (row < 0) return;
        const own = row === at ? "" : " (at " + text(this.times[row], 5) + " " + unit + ")";
        const behind = (this.data.unit && " " + this.data.unit) + own;
        const entry = part(arms[arm].title + ": ", text(values[row], 4), values[row], behind);
        const dot = document.createElement("span");
        dot.className = "dot";
        dot.style.background = arms[arm].color;
        entry.prepend(dot);
        this.readout.append(entry);
        words.push(arms[arm].title + " " + text(values[row], 4) + behind);
      });
      return words.join("; ");
    }

    go(at) {
      at = Math.max(0, Math.min(this.times.length - 1, at));
      const { min, max } = this.uplot.scales.x, time = this.times[at];
      if (time < min || time > max) {
        const half = (max - min) / 2, start = Math.max(whole[0], Math.min(whole[1] - 2 * half, time - half));
        this.uplot.setScale("x", { min: start, max: start + 2 * half });
      }
      this.keyed = true;
      const words = this.read(at);
      requestAnimationFrame(() => this.uplot.setCursor({ left: this.uplot.valToPos(time, "x"), top: 10 }, false));
      charts.forEach((other) => { if (other !== this) other.follow(time); });
      said.textContent = words;
    }

    zoom(factor) {
      const { min, max } = this.uplot.scales.x, middle = this.at < 0 ? (min + max) / 2 : this.times[this.at];
      let a = middle - (middle - min) * factor, b = middle + (max - middle) * factor;
      a = Math.max(whole[0], a);
      b = Math.min(whole[1], b);
      if (b - a > 1e-6 * (whole[1] - whole[0])) this.uplot.setScale("x", { min: a, max: b });
      said.textContent = "shown: " + text(a, 4) + " to " + text(b, 4) + " " + unit;
    }

    act(word) {
      if (word === "in") this.zoom(0.5);
      else if (word === "out") this.zoom(2);
      else if (word === "all") this.uplot.setScale("x", { min: whole[0], max: whole[1] });
      else if (this.positive) {
        this.log = !this.log;
        this.element.querySelector('[data-do="log"]').setAttribute("aria-pressed", String(this.log));
        said.textContent = this.log ? "logarithmic axis" : "linear axis";
        this.draw();
      } else said.textContent = "no value above zero: no logarithmic axis";
    }

    key(event) {
      const last = this.times.length - 1, at = this.at;
      const steps = { ArrowRight: at + 1, ArrowLeft: at < 0 ? 0 : at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: last };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in steps) this.go(steps[event.key]);
      else if (event.key === "+" || event.key === "=") this.act("in");
      else if (event.key === "-") this.act("out");
      else if (event.key === "0" || event.key === "Escape") this.act("all");
      else if (event.key === "l" || event.key === "L") this.act("log");
      else return;
      event.preventDefault();
    }
  }

  // A piece of a readout; what is read exactly stands in the value of its <data>.
  function part(before, number, exact, after) {
    const entry = document.createElement("span");
    entry.append(before);
    if (number !== undefined) {
      const data = document.createElement("data");
      data.value = String(exact);
      data.textContent = number;
      entry.append(data, after);
    }
    return entry;
  }

  // All charts show the same stretch of time.
  let zooming = false;
  function zoomed(min, max, from) {
    if (zooming || min === null || max === null || min === undefined) return;
    zooming = true;
    charts.forEach((chart) => { if (chart !== from) chart.uplot.setScale("x", { min, max }); });
    zooming = false;
  }

  document.getElementById("tools").hidden = false;
  document.querySelectorAll("[data-chart]").forEach((element) => charts.push(new Chart(element, page.charts[element.dataset.chart])));
  document.getElementById("all").addEventListener("click", () => charts[0].act("all"));
  document.querySelectorAll("[data-arm]").forEach((box) => {
    const arm = Number(box.dataset.arm);
    box.checked = true; // a browser that keeps the state of forms would keep it here, and not in the charts
    box.addEventListener("change", () => {
      shown[arm] = box.checked;
      charts.forEach((chart) => {
        chart.uplot.setSeries(arm + 1, { show: shown[arm] });
        chart.read(chart.at);
      });
    });
  });

  new ResizeObserver(() => charts.forEach((chart) => {
    if (chart.plot.clientWidth !== chart.uplot.width) chart.uplot.setSize({ width: chart.plot.clientWidth, height: 260 });
  })).observe(document.querySelector(".charts"));

  // What need not scroll is no stop for the Tab key.
  function stops() {
    document.querySelectorAll(".scroll").forEach((box) => {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
    });
  }
  document.addEventListener("toggle", stops, true);
  window.addEventListener("resize", stops);
  stops();
  window.immunesimCharts = charts;
})();
