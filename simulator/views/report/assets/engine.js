// The engine of a page that simulates: from values of sliders to curves. It runs in a worker, or in the page itself.
// Doses and timed changes become segments of time as in experiments/timetable.py and schedule.py; the arrays are those
// of numerics/compiled/memory_layout.py.
function makeEngine() {
  "use strict";
  const STACK = 1 << 20; // bytes: the module's tables lie from 0 on, its stack below this, everything else above
  const CLOSEST = 1e-12; // as in timetable.py
  const DONE = 1;
  const WHY = { 2: "it met a value that is infinite or undefined", 3: "a state fell below zero", 4: "it came no further" };
  let doc, memory, module, top;

  class Refused extends Error {}

  // Times in whole ticks, as in model/instants.py

  function bits(number) { return number.toString(16).length * 4; }

  function quotient(a, b) { // of whole numbers, rounded once
    if (a === 0n) return 0;
    const shift = bits(b) - bits(a) + 68, up = BigInt(Math.max(shift, 0)), down = BigInt(Math.max(-shift, 0));
    const over = a << up, under = b << down;
    let found = over / under;
    if (found * under !== over) found |= 1n;
    return Number(found) * 2 ** -shift;
  }

  function decimal(seconds) {
    const [digits, power] = seconds.toExponential(14).split("e");
    const number = BigInt(digits.replace(".", "")), exponent = Number(power) - 14;
    const above = BigInt(doc.ticks.perSecond) * 10n ** BigInt(Math.max(exponent, 0)), below = 10n ** BigInt(Math.max(-exponent, 0));
    return (2n * number * above + below) / (2n * below);
  }

  function exact(time, size) {
    let above = time, power = 0;
    while (!Number.isInteger(above)) { above *= 2; power += 1; }
    const below = 1n << BigInt(power);
    return (2n * BigInt(above) * size + below) / (2n * below);
  }

  function ticksIn(time, unit) {
    const size = BigInt(unit.size), seconds = time * unit.factor;
    const found = decimal(seconds);
    return quotient(found, size) === time ? found : exact(time, size);
  }

  const ticksOf = (time) => ticksIn(time, doc.ticks);
  const timeOf = (ticks) => quotient(ticks, BigInt(doc.ticks.size));

  // What happens, and when

  function settled(given, values) {
    const dose = { ...given, rate: given.rate && { ...given.rate } };
    for (const [key, place, scale] of given.named) {
      if (key === "over" || key === "lag") dose[key] = timeOf(ticksIn(values[place], scale));
      else if (key === "rate") dose.rate.number = values[place];
      else dose[key] = key === "share" ? values[place] * scale : values[place];
    }
    if (dose.rate) {
      const shared = dose.body.filter((place) => dose.rate.body.includes(place));
      const product = (start, body) => body.filter((place) => !shared.includes(place)).reduce((all, place) => all * values[place], start);
      const amount = dose.amount * product(dose.factor, dose.body), speed = dose.rate.number * product(dose.rate.factor, dose.rate.body);
      if (amount && !(speed > 0 && Number.isFinite(amount / speed))) throw new Refused(`an infusion of '${dose.name}' never ends`);
      dose.over = amount ? amount / speed : 0;
    }
    return dose;
  }

  // [number, ticks] of each time at which a dose begins to enter before the end
  function entries(dose, end) {
    const lag = ticksOf(dose.lag), length = ticksOf(dose.over);
    if (dose.times.length) {
      const found = dose.times.map((time, number) => [number, lag + ticksOf(time)]);
      found.forEach(([, tick], number) => {
        if (number && tick - found[number - 1][1] < length) throw new Refused(`an infusion of '${dose.name}' is longer than the interval between two doses`);
      });
      return found.filter(([, tick]) => tick < end);
    }
    const begins = lag + ticksOf(dose.at), every = ticksOf(dose.every), found = [];
    if (dose.count > 1 && every <= 0n) throw new Refused(`doses of '${dose.name}' that repeat need an interval`);
    if (dose.count > 1 && length > every) throw new Refused(`an infusion of '${dose.name}' is longer than the interval between two doses`);
    for (let number = 0, tick = begins; number < dose.count && tick < end; number += 1, tick += every) found.push([number, tick]);
    return found;
  }

  function timetable(arm) {
    const end = ticksOf(doc.end), series = arm.doses.map((dose) => [entries(dose, end), ticksOf(dose.over)]);
    const windows = arm.changes.map((change) => [ticksOf(change.start), change.end === null ? null : ticksOf(change.end)]);
    const instants = new Set([0n]);
    for (const window of windows) for (const tick of window) if (tick !== null) instants.add(tick);
    for (const [list, length] of series) for (const [, tick] of list) {
      instants.add(tick);
      if (length) instants.add(tick + length);
    }
    const marks = [...instants].filter((tick) => tick < end).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const bounds = [...marks, end].map(timeOf);
    for (let i = 1; i < bounds.length; i += 1)
      if (bounds[i] - bounds[i - 1] < CLOSEST * bounds[i]) throw new Refused("two doses or changes are too close together for the solver to tell apart");
    const place = new Map(marks.map((tick, number) => [tick, number])), events = [];
    series.forEach(([list, length], dose) => {
      for (const [, begins] of list) {
        const stop = begins + length < end ? begins + length : end;
        const share = length ? quotient(stop - begins, length) : 1;
        events.push({ dose, first: place.get(begins), last: place.get(begins + length) ?? marks.length, share });
      }
    });
    const active = marks.map((tick) => windows.map(([start, stop]) => start <= tick && (stop === null || tick < stop)));
    return { bounds, active, events };
  }

  // Every parameter, then what the module computes of it

  function valuesOf(arm, active) {
    const values = Float64Array.from(arm.values);
    arm.changes.forEach((change, number) => {
      if (active[number]) for (const place in change.parameters) values[place] = change.parameters[place];
    });
    return values;
  }

  function computed(values) { // initial values of all species, then volumes
    top = STACK;
    const from = rows(values.length), to = rows(doc.species.length + doc.volumes), lanes = doc.lanes;
    const given = new Float64Array(memory.buffer, from, values.length * lanes);
    values.forEach((value, place) => given.fill(value, place * lanes, (place + 1) * lanes));
    module.start(from, to);
    const out = new Float64Array(memory.buffer, to, (doc.species.length + doc.volumes) * lanes);
    return Float64Array.from({ length: out.length / lanes }, (_, place) => out[place * lanes]);
  }

  const ratio = (first, second) => (first === second ? 1 : first / second);

  // An arm with the values of the sliders that do not belong to it
  function moved(arm, set) {
    const values = Float64Array.from(doc.values), initial = { ...arm.initial }, doses = arm.doses.map((dose) => ({ ...dose }));
    for (const place in arm.parameters) values[place] = arm.parameters[place];
    for (const path in set) {
      if (arm.own.includes(path)) continue;
      if (path.startsWith("dose.")) {
        const cut = path.lastIndexOf(".");
        for (const dose of doses) if (dose.name === path.slice(5, cut)) dose[path.slice(cut + 1)] = set[path];
      } else if (path.startsWith("initial.")) initial[doc.species.indexOf(path.slice(8))] = set[path];
      else values[doc.parameters[path]] = set[path];
    }
    return { ...arm, values, initial, doses: doses.map((dose) => settled(dose, values)) };
  }

  // Everything that `drive` needs of an arm: as `Schedule` and `Prepared`
  function scheduled(arm) {
    const { bounds, active, events } = timetable(arm), size = doc.species.length, sets = [], of = [], keys = new Map();
    for (const each of active) {
      const key = each.join();
      if (!keys.has(key)) {
        keys.set(key, sets.length);
        const values = valuesOf(arm, each);
        sets.push({ values, computed: computed(values), active: each });
      }
      of.push(keys.get(key));
    }
    const volume = (which, set) => sets[set].computed[size + which];
    const jumps = active.map(() => new Map()), infusions = active.map(() => new Map()), dilutions = active.map(() => new Map());
    const add = (map, key, value) => map.set(key, (map.get(key) ?? 0) + value);
    for (const event of events) {
      const dose = arm.doses[event.dose], set = of[event.first], own = doc.dissolved[dose.target];
      let amount = dose.amount * dose.factor * dose.share;
      for (const place of dose.body) amount *= sets[set].values[place];
      if (dose.volume >= 0) amount /= volume(dose.volume, set);
      amount *= event.share;
      if (!Number.isFinite(amount)) throw new Refused(`the dose '${dose.name}' has no volume to enter`);
      if (event.first === event.last) add(jumps[event.first], dose.target, amount);
      else {
        const rate = amount / (bounds[event.last] - bounds[event.first]);
        for (let at = event.first; at < event.last; at += 1)
          add(infusions[at], dose.target, own >= 0 ? rate * ratio(volume(own, set), volume(own, of[at])) : rate);
      }
    }
    for (let at = 1; at < of.length; at += 1)
      doc.dissolved.forEach((which, species) => {
        const factor = which < 0 || of[at] === of[at - 1] ? 1 : ratio(volume(which, of[at - 1]), volume(which, of[at]));
        if (factor !== 1) dilutions[at].set(species, factor);
      });
    const first = valuesOf({ ...arm, changes: [] }, []), initial = computed(first).slice(0, size);
    for (const place in arm.initial) initial[place] = arm.initial[place];
    const times = Float64Array.from(new Set([...doc.saved, ...bounds])).sort();
    const stops = arm.stops.filter((time) => !bounds.includes(time));
    return { bounds, of, sets, jumps, infusions, dilutions, first, initial, times, stops }; // first: the values before any change
  }

  // The arrays of `drive`

  function take(count) { // 8-byte numbers, aligned for a vector
    const at = top;
    top = (top + 8 * count + 63) & ~63;
    const more = Math.ceil((top - memory.buffer.byteLength) / 65536);
    if (more > 0) memory.grow(more);
    return at;
  }
  const rows = (count) => take(count * doc.lanes);
  const floats = (at, count) => new Float64Array(memory.buffer, at, count);
  const whole = (at, count) => new BigInt64Array(memory.buffer, at, count);

  function workspace() {
    const at = rows(doc.offsets.rows), lanes = doc.lanes, all = floats(at, doc.offsets.rows * lanes);
    all.fill(0);
    doc.species.forEach((_, place) => {
      all.fill(doc.lower[place] ?? -Infinity, (doc.offsets.lower_bounds + place) * lanes, (doc.offsets.lower_bounds + place + 1) * lanes);
      all.fill(doc.normalFloor * doc.scales[place], (doc.offsets.sizes + place) * lanes, (doc.offsets.sizes + place + 1) * lanes);
    });
    return at;
  }

  function driven(arms, rtol, floor) {
    top = STACK;
    const members = arms.length, size = doc.species.length, kinds = doc.infused.length, read = doc.read.length;
    const segments = Math.max(...arms.map((arm) => arm.of.length)), nTimes = Math.max(...arms.map((arm) => arm.times.length));
    const nStops = 1 + Math.max(...arms.map((arm) => arm.stops.length)), sets = Math.max(...arms.map((arm) => arm.sets.length));
    const jumped = [...new Set(arms.flatMap((arm) => [...arm.jumps.slice(1), ...arm.dilutions].flatMap((each) => [...each.keys()])))].sort((a, b) => a - b);
    const n = jumped.length, counters = doc.counters.length, clocks = doc.clocks.length;
    const at = {
      workspace: workspace(), todo: take(members), states: take(members * size), clocks: take(members * clocks), added: take(members * size),
      levels: take(members * size), rtol: take(members), atol: take(members * size), counts: take(members * counters), ends: take(members * segments),
      jumped: take(n), jump: take(members * segments * n), dilution: take(members * segments * n), infusion: take(members * segments * kinds),
      sets: take(members * segments), parameters: take(sets * members * read), times: take(members * nTimes), stops: take(members * nStops),
      grid: take(members * nTimes * size), dense_curves: take(1),
    };
    const table = take(doc.arguments.length);
    for (const [name, count] of [["added", members * size], ["levels", members * size], ["clocks", members * clocks], ["jump", members * segments * n], ["infusion", members * segments * kinds]])
      floats(at[name], count).fill(0);
    floats(at.dilution, members * segments * n).fill(1);
    floats(at.times, members * nTimes).fill(Infinity);
    floats(at.stops, members * nStops).fill(Infinity);
    floats(at.ends, members * segments).fill(NaN);
    floats(at.rtol, members).fill(rtol);
    whole(at.counts, members * counters).fill(0n);
    whole(at.sets, members * segments).fill(0n);
    whole(at.jumped, n).set(jumped.map(BigInt));
    arms.forEach((arm, member) => {
      whole(at.todo, members)[member] = BigInt(member);
      const states = floats(at.states + 8 * member * size, size), added = floats(at.added + 8 * member * size, size);
      states.set(arm.initial);
      for (const [place, amount] of arm.jumps[0]) { states[place] += amount; added[place] += amount; }
      const atol = floats(at.atol + 8 * member * size, size);
      doc.scales.forEach((scale, place) => { atol[place] = Math.max(rtol * (doc.lower[place] === null ? doc.normalFloor : floor) * scale, doc.smallest); });
      const counts = whole(at.counts + 8 * member * counters, counters);
      counts[doc.counters.indexOf("first")] = 1n;
      counts[doc.counters.indexOf("segments")] = BigInt(arm.of.length);
      floats(at.ends + 8 * member * segments, segments).set(arm.bounds.slice(1));
      whole(at.sets + 8 * member * segments, segments).set(arm.of.map(BigInt));
      const jump = floats(at.jump + 8 * member * segments * n, segments * n), dilution = floats(at.dilution + 8 * member * segments * n, segments * n);
      const infusion = floats(at.infusion + 8 * member * segments * kinds, segments * kinds);
      arm.of.forEach((_, segment) => {
        jumped.forEach((species, column) => {
          jump[segment * n + column] = segment ? arm.jumps[segment].get(species) ?? 0 : 0;
          dilution[segment * n + column] = arm.dilutions[segment].get(species) ?? 1;
        });
        for (const [species, rate] of arm.infusions[segment]) infusion[segment * kinds + doc.infused.indexOf(species)] = rate;
      });
      for (let set = 0; set < sets; set += 1) {
        const values = arm.sets[Math.min(set, arm.sets.length - 1)].values, own = floats(at.parameters + 8 * (set * members + member) * read, read);
        doc.read.forEach((place, column) => { own[column] = values[place]; });
      }
      floats(at.times + 8 * member * nTimes, nTimes).set(arm.times);
      floats(at.stops + 8 * member * nStops, nStops).set(arm.stops);
    });
    const numbers = { count: members, max_steps: doc.attempts * members, max_attempts: doc.attempts, segments, jumps: n, members, n_times: nTimes, n_stops: nStops, capacity: 0 };
    whole(table, doc.arguments.length).set(doc.arguments.map((name) => BigInt(numbers[name] ?? at[name])));
    module.drive(table);
    return arms.map((arm, member) => {
      const counts = whole(at.counts + 8 * member * counters, counters), counter = (name) => Number(counts[doc.counters.indexOf(name)]);
      const reached = counter("status") === DONE ? arm.times.length : counter("time");
      const grid = Float64Array.from(floats(at.grid + 8 * member * nTimes * size, reached * size));
      // Of a run that failed the state that is farthest from its usual size
      const last = floats(at.states + 8 * member * size, size), sizes = doc.scales.map((scale, place) => Math.abs(last[place]) / scale);
      const worst = sizes.reduce((most, value, place) => (value > sizes[most] || Number.isNaN(value) ? place : most), 0);
      return { worst, status: counter("status"), revived: counter("revived"), steps: counter("steps"), time: floats(at.clocks + 8 * member * clocks, clocks)[0], reached, grid };
    });
  }

  // Curves

  // What a function of the module that takes states computes of them: a row for each of its `outputs`.
  // values: of all parameters; states: of each point those of all species; times: of each point
  function atStates(compute, outputs, values, states, times) {
    top = STACK;
    const size = doc.species.length, lanes = doc.lanes, count = states.length, points = Math.ceil(count / lanes) * lanes;
    const w = workspace(), at = take(size * points), when = take(points), to = take(outputs * points), number = take(1);
    const all = floats(w, doc.offsets.rows * lanes), from = floats(at, size * points), t = floats(when, points);
    doc.read.forEach((place, row) => all.fill(values[place], (doc.offsets.parameters + row) * lanes, (doc.offsets.parameters + row + 1) * lanes));
    for (let i = 0; i < points; i += 1) {
      const own = states[Math.min(i, count - 1)];
      t[i] = times[Math.min(i, count - 1)];
      for (let k = 0; k < size; k += 1) from[k * points + i] = own[k];
    }
    whole(number, 1)[0] = BigInt(points);
    module.prepare(w);
    compute(w, at, when, to, number);
    return Array.from({ length: outputs }, (_, j) => Float64Array.from(floats(to + 8 * j * points, count)));
  }

  // Of each time that an arm reached the set of parameters that holds
  function setsOf(arm, count) {
    const found = new Int32Array(count);
    for (let i = 0, segment = 0; i < count; i += 1) {
      while (segment + 1 < arm.of.length && arm.times[i] >= arm.bounds[segment + 1]) segment += 1;
      found[i] = arm.of[segment];
    }
    return found;
  }

  // Of each observable a row of its values at the times that an arm reached
  function observed(arm, found) {
    const count = found.reached, size = doc.species.length, holds = setsOf(arm, count);
    const out = Array.from({ length: doc.observed }, () => new Float64Array(count));
    arm.sets.forEach((set, which) => {
      const own = [];
      for (let i = 0; i < count; i += 1) if (holds[i] === which) own.push(i);
      if (!own.length) return;
      const states = own.map((at) => found.grid.subarray(at * size, (at + 1) * size));
      atStates(module.observe, doc.observed, set.values, states, own.map((at) => arm.times[at]))
        .forEach((row, j) => own.forEach((at, i) => { out[j][at] = row[i]; }));
    });
    return out;
  }

  const OPERATIONS = {
    add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b, neg: (a) => -a,
    exp: Math.exp, log: Math.log, log10: Math.log10, sqrt: Math.sqrt,
  };

  // The values of a formula at the times that an arm reached
  function along(tree, found, seen) {
    const count = found.reached, size = doc.species.length;
    if (typeof tree === "number") return new Float64Array(count).fill(tree);
    const [op, ...args] = tree;
    if (op === "observed") return seen[args[0]];
    if (op === "species") return Float64Array.from({ length: count }, (_, at) => found.grid[at * size + args[0]]);
    const parts = args.map((each) => along(each, found, seen));
    return Float64Array.from({ length: count }, (_, at) => OPERATIONS[op](...parts.map((part) => part[at])));
  }

  const reads = (tree) => Array.isArray(tree) && (tree[0] === "observed" || tree.slice(1).some(reads));

  function curvesOf(arm, found, count) {
    const wanted = doc.curves.slice(0, count), seen = wanted.some((curve) => reads(curve.tree)) ? observed(arm, found) : [];
    return wanted.map((curve) => along(withNumbers(curve.tree, arm, found, seen), found, seen));
  }

  // A formula with the value of a curve at one saved time as a number, NaN where the run ended before
  function withNumbers(tree, arm, found, seen) {
    if (!Array.isArray(tree)) return tree;
    const [op, ...args] = tree;
    if (op === "observed" || op === "species") return tree;
    if (op !== "at") return [op, ...args.map((each) => withNumbers(each, arm, found, seen))];
    return along(args[0], found, seen)[arm.times.indexOf(args[1])] ?? NaN;
  }

  const { why, patient, patients } = makeQuestions({ doc: () => doc, fluxes: (...given) => atStates(module.fluxes, ...given), scheduled, moved, driven, observed, setsOf, along, reads, withNumbers, curvesOf, atStates: (...given) => atStates(module.observe, ...given), Refused, DONE });

  return {
    // question: of a page, about one thing at a time
    answer(question) {
      if (question.why) return why(question.set, ...question.why);
      if (question.patients) return patients(question.set, ...question.patients);
      if (question.patient !== undefined) return patient(question.patient, question.set);
      return { arms: this.simulate(question.set, question.which, question.rest), doses: question.which.length ? this.doses(question.set, 0) : [] };
    },

    // text: the data of a page as JSON. Promises the places of the arms that are shown at first
    async loadPage(text) {
      const page = JSON.parse(text);
      await this.load(page.model, page.module);
      return page.arms.map((_, place) => place).slice(0, page.mostArms);
    },

    // given: what experiments/explorer/document.py says; packed: the WebAssembly module, as explorer_page.py packs it
    async load(given, packed) {
      doc = given;
      const letters = atob(packed), bytes = new Uint8Array(letters.length);
      for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      const code = await new Response(stream).arrayBuffer();
      memory = new WebAssembly.Memory({ initial: 64 });
      const pointer = new WebAssembly.Global({ value: "i32", mutable: true }, STACK - 64);
      const { instance } = await WebAssembly.instantiate(code, { env: { __linear_memory: memory, __stack_pointer: pointer } });
      module = instance.exports;
      const every = ticksOf(doc.every), end = ticksOf(doc.end);
      doc.saved = Array.from({ length: Number(end / every) + 1 }, (_, number) => timeOf(BigInt(number) * every));
    },

    // set: values of sliders by path; which: places of arms; atRest: whether with the smaller tolerance, and with the
    // curves that are not drawn but measured. Of each arm its
    // times, its curves, and what went wrong ("" if nothing did)
    simulate(set, which, atRest) {
      const found = which.map(() => null), ready = [];
      which.forEach((place, i) => {
        try {
          ready.push([i, scheduled(moved(doc.arms[place], set))]);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          found[i] = { times: new Float64Array(0), curves: doc.curves.map(() => new Float64Array(0)), problem: error.message, steps: 0 };
        }
      });
      const rtol = atRest ? doc.rtol.rest : doc.rtol.moving;
      let left = ready;
      for (const floor of atRest ? doc.floors : doc.floors.slice(0, 1)) {
        if (!left.length) break;
        const again = [];
        driven(left.map(([, arm]) => arm), rtol, floor).forEach((each, number) => {
          const [i, arm] = left[number], done = each.status === DONE;
          const when = doc.clock.factor * each.time;
          const problem = done ? "" : `${WHY[each.status] ?? "it took too many steps"} at ${Number(when.toPrecision(4))} ${doc.clock.unit} (farthest from its usual size: ${doc.labels[each.worst]})`;
          found[i] = { arm, each, problem };
          if (each.revived && done) again.push(left[number]);
        });
        left = again;
      }
      return found.map((each) => each.arm === undefined ? each : {
        times: each.arm.times.slice(0, each.each.reached), curves: curvesOf(each.arm, each.each, atRest ? doc.curves.length : doc.shown), problem: each.problem, steps: each.each.steps,
      });
    },

    // For tests: when everything happens in an arm, and how much is given
    schedule(set, place) {
      const found = scheduled(moved(doc.arms[place], set)), plain = (maps) => maps.map((map) => Object.fromEntries(map));
      return { bounds: found.bounds, jumps: plain(found.jumps), infusions: plain(found.infusions), dilutions: plain(found.dilutions), initial: Array.from(found.initial), sets: found.of, times: Array.from(found.times) };
    },

    // In arms that can be given: spans of every dose that is given before the end
    doses(set, place) {
      const arm = moved(doc.arms[place], set), end = ticksOf(doc.end);
      return arm.doses.map((dose) => ({ name: dose.name, amount: dose.amount, spans: dose.amount ? entries(dose, end).map(([, tick]) => [timeOf(tick), timeOf(tick) + dose.over]) : [] }));
    },
  };
}
