// What a page asks of its engine beside curves: why a curve rises or falls, and what other patients would do.
// engine: the functions of engine.js that this needs; doc(): what it was told.
function makeQuestions(engine) {
  "use strict";
  const { fluxes, scheduled, moved, driven, observed, setsOf, along, reads, withNumbers, curvesOf, atStates, Refused, DONE } = engine;

  // Why a curve of an arm rises or falls at the saved time that is nearest, as experiments/explanation/balance.py: what
  // each contributor adds to it per time unit of the model (`rate`), and what of that cancels at rest (`rest`). Of a
  // curve that reads one species its reactions contribute, of any other the species that it reads: the turnover of each
  // would hide what moves it.
  const STEADY = 0.98; // as in turnover.py: from here on gain and loss are called equal
  function why(set, place, curve, time) {
    const doc = engine.doc();
    const arm = scheduled(moved(doc.arms[place], set)), size = doc.species.length;
    const [found] = driven([arm], doc.rtol.rest, doc.floors[0]);
    if (!found.reached) throw new Error("the run ends at once");
    let at = 0;
    for (let i = 1; i < found.reached; i += 1) if (Math.abs(arm.times[i] - time) < Math.abs(arm.times[at] - time)) at = i;
    const when = arm.times[at], x = found.grid.slice(at * size, (at + 1) * size), { values } = arm.sets[setsOf(arm, at + 1)[at]];
    const { tree, reads: named } = doc.curves[curve], segment = arm.bounds.filter((bound, i) => i < arm.of.length && bound <= when).length - 1;
    const plain = withNumbers(tree, arm, found, reads(tree) ? observed(arm, found) : []);
    const { value, slopes, byTime } = slopesOf(plain, values, x, when);
    const read = named ?? [...slopes.keys()].filter((k) => slopes[k] !== 0), alone = read.length === 1 ? read[0] : -1;
    const infused = arm.infusions[segment] ?? new Map(), now = contributions(alone, slopes, values, x, when);
    let doses = 0;
    for (const [species, rate] of infused) {
      if (alone < 0) now.set(species, (now.get(species) ?? 0) + slopes[species] * rate);
      else doses += slopes[species] * rate;
    }
    const slope = alone < 0 ? 1 : slopes[alone], rest = atRest(alone, plain, arm);
    const parts = [...new Set([...now.keys(), ...rest.rates.keys()])].map((key) => ({
      label: (alone < 0 ? doc.labels : doc.reactions)[key], rate: (now.get(key) ?? 0) * slope, rest: (rest.rates.get(key) ?? 0) * slope,
    }));
    if (doses) parts.push({ label: "infused doses", rate: doses, rest: 0 });
    if (byTime) parts.push({ label: "time itself", rate: byTime, rest: 0 });
    return { time: when, value, parts: parts.filter(({ rate, rest }) => rate || rest), byReactions: alone >= 0, atRest: rest.balance >= STEADY };
  }

  // In one state by reaction what it adds to the species `alone`; or, without one, what comes through each species
  function contributions(alone, slopes, values, x, time) {
    const doc = engine.doc(), into = new Map(); // all fluxes at once: the module computes no single one
    if (!doc.fluxes.length) return into;
    const flows = fluxes(doc.fluxes.length, values, [x], [time]).map(([flow]) => (Number.isFinite(flow) ? flow : 0));
    doc.fluxes.forEach(([species, reaction], i) => {
      const [key, amount] = alone < 0 ? [species, slopes[species] * flows[i]] : [reaction, species === alone ? flows[i] : 0];
      if (amount) into.set(key, (into.get(key) ?? 0) + amount);
    });
    return into;
  }

  // What cancels at the start of an arm, before its doses and without its changes: as `resting_turnover`
  function atRest(alone, tree, arm) {
    const doc = engine.doc(), usual = Float64Array.from(doc.values);
    for (const place in doc.defaults) usual[place] = doc.defaults[place];
    const of = (own) => cancelling(contributions(alone, alone < 0 ? slopesOf(tree, own, arm.initial, 0).slopes : [], own, arm.initial, 0));
    const own = of(arm.first);
    if (own.balance >= STEADY) return own;
    const general = of(usual);
    return general.balance >= STEADY ? general : own;
  }
  function cancelling(rates) {
    let gain = 0, loss = 0;
    for (const rate of rates.values()) if (rate > 0) gain += rate; else loss -= rate;
    const least = Math.min(gain, loss);
    if (!least) return { rates: new Map(), balance: 0 };
    return { rates: new Map([...rates].map(([key, rate]) => [key, (rate * least) / (rate > 0 ? gain : loss)])), balance: least / Math.max(gain, loss) };
  }

  // A curve and its derivatives by each species and by time, as differences
  function slopesOf(tree, values, x, time) {
    const doc = engine.doc();
    const size = x.length, STEP = 1e-5, states = [x], times = [time], steps = [];
    for (let k = 0; k < size; k += 1) {
      const step = STEP * (Math.abs(x[k]) + 1e-3 * doc.scales[k]), down = doc.lower[k] === null || x[k] > step ? step : 0;
      for (const by of [step, -down]) { const other = x.slice(); other[k] += by; states.push(other); times.push(time); }
      steps.push(step + down);
    }
    const later = STEP * Math.max(time, 1e-3);
    states.push(x);
    times.push(time + later);
    const grid = new Float64Array(states.length * size);
    states.forEach((state, i) => grid.set(state, i * size));
    const seen = reads(tree) ? atStates(doc.observed, values, states, times) : [];
    const row = along(tree, { reached: states.length, grid }, seen), small = 1e-9 * Math.abs(row[0]);
    const slopes = Float64Array.from({ length: size }, (_, k) => {
      const difference = row[1 + 2 * k] - row[2 + 2 * k];
      return Number.isFinite(difference) && Math.abs(difference) > 1e-13 * Math.abs(row[0]) ? difference / steps[k] : 0;
    });
    const drift = row[row.length - 1] - row[0];
    return { value: row[0], slopes, byTime: Math.abs(drift) > small ? drift / later : 0 };
  }

  // Virtual patients, as experiments/explorer/patients.py: the values by path of patient `number`, in place of those of
  // the sliders that were moved to `set`
  function patient(number, set) {
    const doc = engine.doc();
    const { paths, values, spread, cv, seed } = doc.patients, found = { ...set };
    if (paths) { paths.forEach((path, i) => { found[path] = values[number][i]; }); return found; }
    const sigma = Math.sqrt(Math.log1p(cv * cv)), names = Object.keys(doc.parameters), own = moved(doc.arms[0], set).values;
    for (const [place, low, high] of spread) {
      const least = Math.min(low, own[place]), most = Math.max(high, own[place]);
      let drawn = own[place];
      for (let again = 0; again < TRIES; again += 1) { // within the range: what lies outside is drawn again
        const other = own[place] * Math.exp(sigma * normal(seed, number, place, 2 * again));
        if (other >= least && other <= most) { drawn = other; break; }
      }
      found[names[place]] = drawn;
    }
    return found;
  }
  const TRIES = 50;
  function normal(seed, number, place, first) { // from whole numbers alone, so that every page draws the same patients
    const uniform = (stream) => {
      let x = (seed * 0x9e3779b1 + number * 0x85ebca6b + place * 0xc2b2ae35 + stream * 0x27d4eb2f) | 0;
      for (let i = 0; i < 3; i += 1) { x = Math.imul(x ^ (x >>> 16), 0x45d9f3b); x ^= x >>> 15; }
      return ((x >>> 0) + 0.5) / 4294967296;
    };
    return Math.sqrt(-2 * Math.log(uniform(first + 1))) * Math.cos(2 * Math.PI * uniform(first + 2));
  }

  // The curves that are shown of patients `first` to `last` at the saved times
  function patients(set, first, last) {
    const doc = engine.doc();
    const ready = [];
    let failed = 0;
    for (let number = first; number < last; number += 1) {
      try { ready.push(scheduled(moved(doc.arms[0], patient(number, set)))); } catch (error) { if (!(error instanceof Refused)) throw error; failed += 1; }
    }
    const found = ready.length ? driven(ready, doc.rtol.moving, doc.floors[0]) : [], curves = [];
    found.forEach((each, i) => {
      if (each.status !== DONE) { failed += 1; return; }
      const arm = ready[i], own = curvesOf(arm, each, doc.shown), places = [];
      for (let at = 0, next = 0; at < arm.times.length; at += 1) if (arm.times[at] === doc.saved[next]) { places.push(at); next += 1; }
      curves.push(own.map((values) => Float64Array.from(places, (at) => values[at])));
    });
    return { curves, failed, times: Float64Array.from(doc.saved) };
  }

  return { why, patient, patients };
}
