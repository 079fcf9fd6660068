// What lies on a chart besides lines: published ranges with their verdicts, and what was measured.
// tools: color(place) of an arm, css(name), factor (from the model's time to that of the axis), measures.
function makeMarks(tools) {
  "use strict";
  const { color, css, factor, measures } = tools;
  const LEAST = 0.012, OPEN = 0.06, BRACKET = 0.05, FAST = 30, WIDE = 0.6; // as views/figures/panel.py: shares of the axes
  const MARK = 6.2; // pixels from the middle of a mark to its edge

  // beyond: pixels by which marks may reach over the frame, so that those on its edge are seen whole
  function clipped(u, draw, beyond = 0) {
    const { left, top, width, height } = u.bbox, c = u.ctx;
    c.save();
    c.beginPath();
    const more = beyond * uPlot.pxRatio;
    c.rect(left - more, top - more, width + 2 * more, height + 2 * more);
    c.clip();
    c.setLineDash([]);
    draw(c, { left, top, width, height });
    c.restore();
  }

  // The interval of a value within the axis, open sides included; null where it lies outside
  function bounds(u, band, log) {
    const { min, max } = u.scales.y, above = (value, share) => (log ? value * (max / min) ** share : value + share * (max - min));
    let low = Math.max(band.low ?? -Infinity, min), high = Math.min(band.high ?? Infinity, max);
    if (low > high) return null;
    if (band.low === null) low = Math.max(low, above(high, -OPEN));
    if (band.high === null) high = Math.min(high, above(low, OPEN));
    return [low, high];
  }

  function across(u, band) { // in pixels of the canvas
    const { left, width } = u.bbox;
    let [from, to] = band.window.map((time) => u.valToPos(time * factor, "x", true));
    if (to - from < LEAST * width) {
      const middle = Math.min(Math.max((from + to) / 2, left + (LEAST * width) / 2), left + width * (1 - LEAST / 2));
      [from, to] = [middle - (LEAST * width) / 2, middle + (LEAST * width) / 2];
    }
    return [from, to];
  }

  function bands(u, list, log) {
    clipped(u, (c, { top, height, width }) => {
      for (const { band } of list) {
        c.strokeStyle = c.fillStyle = color(band.arm);
        c.lineWidth = 1.2 * uPlot.pxRatio;
        if (band.isTime) {
          const y = top + height * BRACKET, [from, to] = [band.low ?? 0, band.high ?? Infinity].map((time) => Math.min(u.valToPos(time * factor, "x", true), u.bbox.left + width));
          c.beginPath();
          for (const x of [from, to]) { c.moveTo(x, y - 4 * uPlot.pxRatio); c.lineTo(x, y + 4 * uPlot.pxRatio); }
          c.moveTo(from, y);
          c.lineTo(to, y);
          c.stroke();
          continue;
        }
        const found = bounds(u, band, log);
        if (!found) continue;
        const [from, to] = across(u, band), [low, high] = found.map((value) => u.valToPos(value, "y", true));
        c.globalAlpha = to - from > WIDE * width ? 0.08 : 0.17;
        c.fillRect(from, high, to - from, low - high);
        c.globalAlpha = 0.7;
        c.lineWidth = 0.9 * uPlot.pxRatio;
        c.beginPath();
        for (const value of [band.low, band.high]) if (value !== null && value >= u.scales.y.min && value <= u.scales.y.max) {
          const y = u.valToPos(value, "y", true);
          c.moveTo(from, y);
          c.lineTo(to, y);
        }
        c.stroke();
        c.globalAlpha = 1;
      }
    });
  }

  // A dot where what is asked was read on the curve, or a cross if it lies outside its range
  function verdicts(u, list, runs, log) {
    clipped(u, (c, { top, height }) => {
      for (const { band, value, holds } of list) {
        const run = runs.get(band.arm), found = value * band.factor;
        if (!run || !run.times.length || !Number.isFinite(found) || (log && !band.isTime && !(found > 0))) continue;
        const time = band.isTime ? found : measures.whereRead(band.op, run, band.curve, band.window);
        mark(c, u.valToPos(time * factor, "x", true), band.isTime ? top + height * BRACKET : u.valToPos(found, "y", true), holds, color(band.arm));
      }
    }, MARK);
  }
  function mark(c, x, y, holds, stroke) {
    const size = (MARK - 2) * uPlot.pxRatio;
    for (const [style, width] of [[css("--paper"), 4.5], [stroke, 2.2]]) {
      c.strokeStyle = c.fillStyle = style;
      c.lineWidth = width * uPlot.pxRatio;
      c.beginPath();
      if (holds) c.arc(x, y, size * (style === stroke ? 0.8 : 1), 0, 2 * Math.PI);
      else for (const side of [1, -1]) { c.moveTo(x - size, y - side * size); c.lineTo(x + size, y + side * size); }
      if (holds) c.fill(); else c.stroke();
    }
  }

  const SHAPES = [
    (c, x, y, size) => c.arc(x, y, size, 0, 2 * Math.PI),
    (c, x, y, size) => c.rect(x - size, y - size, 2 * size, 2 * size),
    (c, x, y, size) => [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0], [0, -1.4]].forEach(([a, b]) => c.lineTo(x + a * size, y + b * size)),
    (c, x, y, size) => [[0, -1.2], [1.2, 1], [-1.2, 1], [0, -1.2]].forEach(([a, b]) => c.lineTo(x + a * size, y + b * size)),
    (c, x, y, size) => [[0, 1.2], [1.2, -1], [-1.2, -1], [0, 1.2]].forEach(([a, b]) => c.lineTo(x + a * size, y + b * size)), // below a limit
  ];
  function points(u, list, log) {
    clipped(u, (c) => {
      c.lineWidth = 1.5 * uPlot.pxRatio;
      c.fillStyle = css("--paper");
      for (const each of list) for (const [time, value, low, high, below] of each.rows) {
        if (log && !(value > 0)) continue;
        const x = u.valToPos(time * factor, "x", true), y = u.valToPos(value, "y", true);
        c.strokeStyle = color(each.arm);
        c.beginPath();
        if (high > low) {
          c.moveTo(x, u.valToPos(log ? Math.max(low, u.scales.y.min) : low, "y", true));
          c.lineTo(x, u.valToPos(high, "y", true));
        }
        c.stroke();
        c.beginPath();
        SHAPES[below ? 4 : each.mark](c, x, y, 4 * uPlot.pxRatio);
        c.fill();
        c.stroke();
      }
    }, MARK);
  }

  // The band of virtual patients, with their median
  function patients(u, band) {
    if (!band) return;
    clipped(u, (c) => {
      const low = Math.max(u.scales.y.min, -Infinity), trace = (values, backwards) => band.times.forEach((_, i) => {
        const at = backwards ? band.times.length - 1 - i : i, value = values[at];
        c.lineTo(u.valToPos(band.times[at] * factor, "x", true), u.valToPos(Math.max(value, low), "y", true));
      });
      c.fillStyle = c.strokeStyle = css("--link");
      c.globalAlpha = 0.16;
      c.beginPath();
      trace(band.high);
      trace(band.low, true);
      c.fill();
      const turns = band.middle.filter((value, i) => i > 1 && (value - band.middle[i - 1]) * (band.middle[i - 1] - band.middle[i - 2]) < 0).length;
      if (turns > FAST) return; // the median of spikes is a block
      c.globalAlpha = 0.9;
      c.lineWidth = 1.2 * uPlot.pxRatio;
      c.setLineDash([2 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
      c.beginPath();
      trace(band.middle);
      c.stroke();
    });
  }

  // A line at the time that is explained
  function moment(u, time) {
    clipped(u, (c, { top, height }) => {
      c.strokeStyle = css("--link");
      c.lineWidth = 1.5 * uPlot.pxRatio;
      c.setLineDash([3 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
      const x = u.valToPos(time, "x", true);
      c.beginPath();
      c.moveTo(x, top);
      c.lineTo(x, top + height);
      c.stroke();
    });
  }

  // The values that an axis should hold so that ranges and points are seen, above `floor`
  function extent(banded, measured, log) {
    const values = banded.flatMap(({ band }) => (band.isTime ? [] : [band.low, band.high]))
      .concat(measured.flatMap((each) => each.rows.flatMap(([, value, low, high]) => [value, low, high])));
    return values.filter((value) => value !== null && Number.isFinite(value) && (!log || value > 0));
  }

  // Where a curve swings faster than a chart can show, a line would smear into a block. There only its peaks stay in
  // `line`, and `parts` have peaks and troughs. range: of the axis; wide: of time, what can be told apart
  const FEWEST = 8, SWING = 0.03; // turns that follow closely, and their size as a share of the axis
  function dense(times, values, log, range, wide) {
    const below = range[0] / 1000; // a logarithmic axis: what is zero or noise runs below it, so that rises begin where they do
    const line = Array.from(values, (value) => (Number.isFinite(value) ? (log ? Math.max(value, below) : value) : null)), parts = [];
    const at = (i) => (log ? Math.log(Math.max(values[i], range[0])) : values[i]), tall = log ? Math.log(range[1] / range[0]) : range[1] - range[0];
    const turns = [];
    for (let i = 1; i + 1 < values.length; i += 1) if ((values[i] - values[i - 1]) * (values[i + 1] - values[i]) < 0) turns.push(i);
    for (let first = 0; first < turns.length; ) {
      let last = first;
      while (last + 1 < turns.length && times[turns[last + 1]] - times[turns[Math.max(first, last - 1)]] < wide && Math.abs(at(turns[last + 1]) - at(turns[last])) > SWING * tall) last += 1;
      if (last - first + 1 >= FEWEST) {
        const own = turns.slice(first, last + 1), isPeak = (i) => values[i] > values[i - 1];
        const points = (list) => list.map((i) => [times[i], Math.max(values[i], log ? range[0] : -Infinity)]);
        parts.push({ upper: points(own.filter(isPeak)), lower: points(own.filter((i) => !isPeak(i))) });
        for (let i = own[0] + 1; i < own[own.length - 1]; i += 1) line[i] = null;
        for (const i of own) if (isPeak(i)) line[i] = values[i];
      }
      first = last + 1;
    }
    return { line, parts };
  }
  // list: of each line its parts and its colour
  function envelopes(u, list) {
    clipped(u, (c) => {
      for (const { parts, stroke } of list) for (const { upper, lower } of parts) {
        const trace = (points) => points.forEach(([time, value]) => c.lineTo(u.valToPos(time * factor, "x", true), u.valToPos(value, "y", true)));
        c.fillStyle = c.strokeStyle = stroke;
        c.globalAlpha = 0.28;
        c.beginPath();
        trace(upper);
        trace(lower.slice().reverse());
        c.fill();
        c.globalAlpha = 1;
        c.lineWidth = 1.2 * uPlot.pxRatio;
        c.beginPath();
        trace(lower);
        c.stroke();
      }
    });
  }

  return { patients, dense, envelopes, bands, verdicts, points, moment, extent };
}
