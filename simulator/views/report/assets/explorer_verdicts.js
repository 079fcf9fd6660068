// Expectations and measured points, judged by the run that is shown.
// tools: page, state, make, text, withUnit, measures, ask(question).
function makeVerdicts(tools) {
  "use strict";
  const { page, state, make, text, withUnit } = tools, { model, arms } = page, $ = (id) => document.getElementById(id);
  const { measured, isMet, valueAtTime } = tools.measures;
  const expected = []; // those that give what the run in Python gave, and their list items

  // Once, with the sliders as described: an expectation whose value is not that of Python is not judged here
  async function prepare() {
    const all = [...new Set(page.expectations.flatMap((each) => each.arms))].sort((a, b) => a - b);
    const { arms: found } = all.length ? await tools.ask({ set: {}, which: all, rest: true }) : { arms: [] };
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
  }
  // moving: what cannot be had while a slider moves stays as it was
  function judge(moving) {
    let met = 0, missing = 0;
    for (const found of expected) {
      const { each, item } = found, known = each.arms.every((arm) => state.latest.arms.has(arm)) && (!moving || reads(each.tree) < model.shown);
      if (known || !moving) {
        const value = known ? measured(each.tree, state.latest.arms) : NaN, holds = isMet(each, value), same = holds === each.met;
        Object.assign(found, { value, holds, missing: !known });
        const announced = same && each.announced && !holds;
        item.className = holds ? "" : announced ? "announced" : "missed";
        const verdict = announced ? "missed, as the scenario says" : (holds ? "✓ met" : "✗ missed") + (same ? "" : " by this setting");
        item.querySelector("b").textContent = known ? verdict : "not simulated";
        item.querySelector("span").textContent = Number.isFinite(value) ? withUnit(value, each.unit, 3) : "no value";
      }
      met += found.holds;
      missing += Boolean(found.missing);
    }
    for (const each of page.points) judgePoints(each);
    const waiting = missing ? `, ${missing} not simulated yet` : "";
    const said = expected.length ? `${met} of ${expected.length - missing} met${waiting}` : `${page.points.length} sets of measured points`;
    if ($("verdict-count").textContent === said) return;
    $("verdict-count").textContent = $("judged").querySelector("span").textContent = said;
    $("judged").hidden = !expected.length;
  }
  const reads = (tree) => (!Array.isArray(tree) ? -1 : tree[0] === "measure" ? tree[3] : Math.max(...tree.slice(1).map(reads)));
  function judgePoints(each) {
    const run = state.latest.arms.get(each.arm);
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

  return { expected, prepare, judge };
}
