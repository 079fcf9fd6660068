// Handles on the time axis: each dose whose start has a slider can be dragged, or moved by keys, on the charts. Doses that
// start together have one handle and move together, as one would lie hidden below the other; their sliders part them.
// tools: make, sliders (by path), values, words of a time, step, start(paths), move(paths, value), release().
function makeDoseHandles(tools) {
  "use strict";
  const { make, sliders, values } = tools, KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
  const movable = [...sliders.values()].filter((each) => /^dose\..*\.at$/.test(each.path));

  // u(): the chart; reachable: whether by the tabulator, which one chart is enough for
  return function handlesOf(u, factor, reachable) {
    const element = make("div", { className: "handles" });
    let held = []; // the paths that move together: from the press to the release, and by keys as long as they have the focus,
    // so that a dose that passes another does not take it along
    const together = (each) => movable.filter((other) => values.get(other.path) === values.get(each.path));
    const handles = movable.map((each) => {
      const handle = make("div", { className: "handle", tabIndex: reachable ? 0 : -1, hidden: true });
      handle.setAttribute("role", "slider");
      handle.dataset.path = each.path;
      const paths = () => together(each).map(({ path }) => path);
      const set = (moved, value) => {
        const low = Math.max(...moved.map((path) => sliders.get(path).low)), high = Math.min(...moved.map((path) => sliders.get(path).high));
        tools.move(moved, Math.min(high, Math.max(low, value)));
      };
      handle.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        handle.setPointerCapture(event.pointerId);
        held = paths();
        tools.start(held);
        event.preventDefault();
      });
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        set(held, u().posToVal(event.clientX - u().over.getBoundingClientRect().left, "x") / factor);
      });
      handle.addEventListener("lostpointercapture", () => { held = []; tools.release(); });
      handle.addEventListener("keydown", (event) => {
        const by = KEYS[event.key], edge = { Home: each.low, End: each.high }[event.key];
        if (by === undefined && edge === undefined) return;
        if (!held.includes(each.path)) held = paths();
        tools.start(held);
        set(held, edge ?? values.get(each.path) + by * tools.step(each));
        tools.release();
        event.preventDefault();
      });
      handle.addEventListener("blur", () => { held = []; });
      element.append(handle);
      return { each, handle };
    });
    return {
      element,
      place() {
        const { left, top, width } = u().bbox, ratio = uPlot.pxRatio;
        for (const { each, handle } of handles) {
          const value = values.get(each.path), x = u().valToPos(value * factor, "x", true), all = together(each);
          const name = `${all.map(({ group }) => group).join(" and ")}: ${each.label}`;
          const own = held.includes(each.path) ? held[0] : all.find(({ path }) => !held.includes(path)).path;
          handle.hidden = x > left + width || own !== each.path;
          handle.style.left = `${x / ratio}px`;
          handle.style.top = `${top / ratio}px`;
          handle.setAttribute("aria-label", name);
          handle.setAttribute("aria-valuemin", each.low * each.factor);
          handle.setAttribute("aria-valuemax", each.high * each.factor);
          handle.setAttribute("aria-valuenow", Number((value * each.factor).toPrecision(6)));
          handle.setAttribute("aria-valuetext", tools.words(each, value));
          handle.title = `${name} ${tools.words(each, value)}; drag, or arrow keys`;
        }
      },
    };
  };
}
