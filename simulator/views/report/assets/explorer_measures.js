// Measures of curves, as experiments/measures.py has them, on straight lines between saved times.
function makeMeasures() {
  "use strict";

  function points(run, curve, window) {
    const times = run.times, own = run.curves[curve], t = [], v = [];
    const [from, to] = window ?? [times[0], times[times.length - 1]];
    const add = (time, value) => { t.push(time); v.push(value); };
    add(from, valueAtTime(times, own, from));
    for (let i = 0; i < times.length; i += 1) if (times[i] > from && times[i] < to) add(times[i], own[i]);
    add(to, valueAtTime(times, own, to));
    return [t, v];
  }
  function valueAtTime(times, own, time) {
    let a = 0, b = times.length - 1;
    while (a < b) { const middle = (a + b + 1) >> 1; if (times[middle] <= time) a = middle; else b = middle - 1; }
    if (times[a] === time || a === times.length - 1) return own[a];
    return own[a] + ((own[a + 1] - own[a]) * (time - times[a])) / (times[a + 1] - times[a]);
  }
  const extreme = ([t, v], sign) => { let at = 0; v.forEach((value, i) => { if (sign * value > sign * v[at]) at = i; }); return [t[at], v[at]]; };
  function area([t, v]) { let total = 0; for (let i = 1; i < t.length; i += 1) total += (t[i] - t[i - 1]) * (v[i] + v[i - 1]) / 2; return total; }
  function timeAbove([t, v], level, sign) {
    let total = 0;
    for (let i = 1; i < t.length; i += 1) {
      const a = sign * (v[i - 1] - level), b = sign * (v[i] - level), length = t[i] - t[i - 1];
      total += a >= 0 && b >= 0 ? length : a < 0 && b < 0 ? 0 : (length * Math.max(a, b)) / Math.abs(b - a);
    }
    return total;
  }
  function firstAbove([t, v], level, sign) {
    if (sign * (v[0] - level) >= 0) return t[0];
    for (let i = 1; i < t.length; i += 1)
      if (sign * (v[i] - level) >= 0) return t[i - 1] + ((t[i] - t[i - 1]) * (level - v[i - 1])) / (v[i] - v[i - 1]);
    return NaN;
  }
  function halfLife([t, v]) {
    const start = t[0], stop = t[t.length - 1];
    let above = 0, below = 0;
    for (let i = 0; i <= 200; i += 1) {
      const s = i / 200;
      above += Math.log(valueAtTime(t, v, start + s * (stop - start))) * (s - 0.5);
      below += (s - 0.5) ** 2;
    }
    const slope = above / below / (stop - start);
    return slope < 0 ? -Math.LN2 / slope : NaN;
  }
  const MEASURES = {
    at: (run, curve, time) => valueAtTime(run.times, run.curves[curve], time),
    final: (run, curve) => run.curves[curve][run.times.length - 1],
    max: (run, curve, _, window) => extreme(points(run, curve, window), 1)[1],
    min: (run, curve, _, window) => extreme(points(run, curve, window), -1)[1],
    time_of_max: (run, curve, _, window) => extreme(points(run, curve, window), 1)[0],
    time_of_min: (run, curve, _, window) => extreme(points(run, curve, window), -1)[0],
    auc: (run, curve, _, window) => area(points(run, curve, window)),
    mean(run, curve, _, window) { const found = points(run, curve, window); return area(found) / (found[0][found[0].length - 1] - found[0][0]); },
    half_life: (run, curve, _, window) => halfLife(points(run, curve, window)),
    time_above: (run, curve, level, window) => timeAbove(points(run, curve, window), level, 1),
    time_below: (run, curve, level, window) => timeAbove(points(run, curve, window), level, -1),
    first_above: (run, curve, level, window) => firstAbove(points(run, curve, window), level, 1),
    first_below: (run, curve, level, window) => firstAbove(points(run, curve, window), level, -1),
  };
  // found: runs by the place of their arm
  function measured(tree, found) {
    if (typeof tree === "number") return tree;
    const [op, ...args] = tree;
    if (op === "measure") {
      const [name, arm, curve, given, window] = args;
      return MEASURES[name](found.get(arm), curve, given, window);
    }
    const [a, b] = args.map((each) => measured(each, found));
    return { add: a + b, sub: a - b, mul: a * b, div: a / b, neg: -a }[op];
  }
  function isMet(each, value) {
    if (each.low === null || each.high === null) return value > (each.low ?? -Infinity) && value < (each.high ?? Infinity);
    return value >= each.low && value <= each.high;
  }

  // Where on its curve a measure of one value is read: a time of the model. target: of experiments/targets.py
  function whereRead(op, run, curve, window) {
    if (op === "max" || op === "min") return extreme(points(run, curve, window), op === "max" ? 1 : -1)[0];
    return (window[0] + window[1]) / 2;
  }

  return { measured, isMet, whereRead, valueAtTime };
}
