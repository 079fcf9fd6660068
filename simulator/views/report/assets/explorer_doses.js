// Handles on the time axis: each dose whose start has a slider can be dragged, or moved by keys, on the charts.
// tools: make, sliders (by path), values, text of a time, start(path), move(path, value), release().
function makeDoseHandles(tools) {
  "use strict";
  const { make, sliders, values } = tools, KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
  const movable = [...sliders.values()].filter((each) => /^dose\..*\.at$/.test(each.path));

  // u(): the chart; reachable: whether by the tabulator, which one chart is enough for
  return function handlesOf(u, factor, reachable) {
    const element = make("div", { className: "handles" });
    const handles = movable.map((each) => {
      const handle = make("div", { className: "handle", tabIndex: reachable ? 0 : -1, hidden: true });
      handle.setAttribute("role", "slider");
      handle.setAttribute("aria-label", `${each.group}: ${each.label}`);
      handle.dataset.path = each.path;
      const set = (value) => tools.move(each.path, Math.min(each.high, Math.max(each.low, value)));
      handle.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        handle.setPointerCapture(event.pointerId);
        tools.start(each.path);
        event.preventDefault();
      });
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        set(u().posToVal(event.clientX - u().over.getBoundingClientRect().left, "x") / factor);
      });
      handle.addEventListener("lostpointercapture", () => tools.release());
      handle.addEventListener("keydown", (event) => {
        const by = KEYS[event.key], edge = { Home: each.low, End: each.high }[event.key];
        if (by === undefined && edge === undefined) return;
        tools.start(each.path);
        set(edge ?? values.get(each.path) + by * tools.step(each));
        tools.release();
        event.preventDefault();
      });
      element.append(handle);
      return { each, handle };
    });
    return {
      element,
      place() {
        const { left, top, width } = u().bbox, ratio = uPlot.pxRatio;
        for (const { each, handle } of handles) {
          const value = values.get(each.path), x = u().valToPos(value * factor, "x", true);
          handle.hidden = x > left + width;
          handle.style.left = `${x / ratio}px`;
          handle.style.top = `${top / ratio}px`;
          handle.setAttribute("aria-valuemin", each.low * each.factor);
          handle.setAttribute("aria-valuemax", each.high * each.factor);
          handle.setAttribute("aria-valuenow", Number((value * each.factor).toPrecision(6)));
          handle.setAttribute("aria-valuetext", tools.words(each, value));
          handle.title = `${each.group}: ${each.label} ${tools.words(each, value)}; drag, or arrow keys`;
        }
      },
    };
  };
}
