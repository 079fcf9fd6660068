"""Pages of `explore` in Chromium: how soon they draw, how they follow a slider, against the engine in Python.

    python -m tests.benchmarks.explorer [SCENARIO or PAGE.html ...]
    python -m tests.benchmarks.explorer --make

A line for each page: its size; how soon, by the page's own clock, which starts with the navigation from disk, the fixed
curves are drawn that the file carries, the sliders can be moved, and curves are drawn that were simulated here; the
95th percentile of the time between two frames while a slider is dragged, and the processor time that the interface
takes of each frame; how long the curves of all arms that are shown take to follow, with messages, drawing and verdicts,
while the slider moves and once it rests; the engine of the page alone for these arms, to both tolerances; and the
compiled engine in Python, which leaves out what the scenario cannot wake, with the ratio of the two. Each is the best
of some rounds: the machine may do other things too. --make: instead, how long the pages of all scenarios take to make.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from immunesim.experiments.awake import awake_species, zero_parameters
from immunesim.experiments.explorer.document import RTOL_AT_REST, RTOL_MOVING, with_twin
from immunesim.experiments.schedule import prepare
from immunesim.experiments.solving import problem_of
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.numerics.compiled.arms import ModelEngine
from immunesim.numerics.system import System
from immunesim.tasks.explore import ExploreRequest, explore, why_no_page
from immunesim.tasks.request import ScenarioRequest
from immunesim.views.report.explorer_page import MOST_FIXED

SCENARIOS = "friberg", "core_cures", "il2_therapy", "chemotherapy_il3"
BROWSERS = "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"
OPENED, DRAGGED, FOLLOWED = 5, 3, 9  # rounds
MOVES = 60  # of the mouse in a drag
WATCH = """
window.frames_ = [];
window.seen_ = {};
const SEEN_ = { // what has to stand in the page
  fixed: ".fixed path.line", sliders: "#controls:not([hidden]) input[type=range]", live: "#fixed[hidden]",
};
new MutationObserver(() => {
  for (const name in SEEN_) {
    if (name in seen_ || !document.querySelector(SEEN_[name])) continue;
    seen_[name] = NaN;
    requestAnimationFrame(() => setTimeout(() => { seen_[name] = performance.now(); })); // once it is painted
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"] });
let last_ = 0;
const frame_ = (now) => { if (last_) frames_.push(now - last_); last_ = now; requestAnimationFrame(frame_); };
requestAnimationFrame(frame_);
"""
DRAWN = """() => new Promise((done) => {
  const look = () => (seen_.live ? done([seen_.fixed, seen_.sliders, seen_.live]) : setTimeout(look, 5));
  look();
})"""
FOLLOW = """async ([moving, step]) => {
  const range = document.querySelector("#sliders input[type=range]");
  const middle = (Number(range.min) + Number(range.max)) / 2;
  range.value = middle + step;
  const began = performance.now();
  range.dispatchEvent(new Event("input"));
  if (!moving) range.dispatchEvent(new Event("change"));
  await immunesimExplorer.quiet();
  return performance.now() - began;
}"""


ENGINE = """async ([arms, rounds]) => {
  const page = JSON.parse(document.getElementById("data").textContent), engine = makeEngine();
  await engine.load(page.model, page.module);
  const which = page.arms.map((_, place) => place).slice(0, arms);
  return [false, true].map((rest) => Math.min(...Array.from({ length: rounds }, () => {
    const began = performance.now();
    engine.simulate({}, which, rest);
    return performance.now() - began;
  })));
}"""


class Page(NamedTuple):
    """What is measured of a page: bytes, and milliseconds."""

    size: int
    first: list[float]  # the fixed curves, the sliders, the simulated curves
    frame: float
    busy: float
    moving: float
    rest: float
    engine: tuple[float, float]


def measured(browser: Any, path: Path) -> Page:
    """The best of some rounds."""
    firsts, frames, busy = [], [], []
    for _ in range(OPENED):
        context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.locator("#fixed").wait_for(state="hidden", timeout=120_000)
        firsts.append(page.evaluate(DRAWN))
        if len(firsts) < OPENED:
            context.close()
    page.evaluate("immunesimExplorer.quiet()")
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(DRAGGED):
        before = _spent(session)
        frames.append(_dragged(page))
        busy.append(1e3 * (_spent(session) - before) / max(len(frames[-1]), 1))
    follow = {moving: [page.evaluate(FOLLOW, [moving, i]) for i in range(FOLLOWED)] for moving in (True, False)}
    engine = page.evaluate(ENGINE, [MOST_FIXED, FOLLOWED])
    context.close()
    p95 = min(sorted(each)[int(0.95 * len(each))] for each in frames if each)
    return Page(
        path.stat().st_size,
        [min(each) for each in zip(*firsts, strict=True)],
        p95,
        min(busy),
        min(follow[True]),
        min(follow[False]),
        tuple(engine),
    )


def _spent(session: Any) -> float:
    """Seconds that the thread of the interface has been busy."""
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def _dragged(page: Any) -> list[float]:
    """The milliseconds between frames while the first slider is dragged to and fro."""
    box = page.locator("#sliders input[type=range]").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.evaluate("() => { frames_.length = 0; }")
    for i in range(MOVES):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.4 * (i / MOVES if i % 20 < 10 else -i / MOVES)), y)
        time.sleep(0.012)
    found: list[float] = page.evaluate("frames_.slice()")
    page.mouse.up()
    page.evaluate("immunesimExplorer.quiet()")
    return found


def native(name: str) -> dict[float, float]:
    """Milliseconds of the arms that a page shows at first, by tolerance, by the engine in Python."""
    scenario = with_twin(ScenarioRequest(name).read())
    system = System(scenario.model)
    arms = scenario.arms[:MOST_FIXED]
    prepared = [prepare(scenario, arm, system) for arm in arms]
    awake = awake_species(scenario, scenario.arms, system.parameter_formulas)
    engine = ModelEngine(system, awake, zero_parameters(scenario))
    found = {}
    for rtol in (RTOL_MOVING, RTOL_AT_REST):
        taken = []
        for _ in range(FOLLOWED):
            began = time.perf_counter()
            engine.solve([problem_of(each, rtol) for each in prepared])
            taken.append(1e3 * (time.perf_counter() - began))
        found[rtol] = min(taken)
    return found


def make(folder: Path, name: str) -> int:
    """The bytes of the page of a scenario, written into `folder`; 0 if it can have none."""
    scenario = ScenarioRequest(name)
    return 0 if why_no_page(scenario.read()) else explore(ExploreRequest(scenario, folder / f"{name}.html")).size


def make_all() -> None:
    """Prints how long the pages of all scenarios take, on all cores."""
    names = list(builtin_scenarios())
    began = time.perf_counter()
    # Forked: the processes of the package's own pool do not import this script
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("fork").Pool() as pool:
        made = list(filter(None, pool.imap_unordered(partial(make, Path(folder)), names)))
    seconds = time.perf_counter() - began
    print(f"{len(made)} pages of {len(names)} scenarios, {sum(made) / 1e6:.0f} MB, in {seconds:.0f} s")


def main(words: list[str]) -> None:
    """Prints a line for each."""
    from playwright.sync_api import sync_playwright

    program = next(found for name in BROWSERS if (found := shutil.which(name)))
    heads = "KB", "fixed", "sliders", "live", "p95", "busy", "moving", "rest", "engine in page", "in Python"
    widths = 5, 7, 7, 7, 6, 6, 8, 8, 15, 15
    print(" " * 22, *(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)), "  ratio")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for word in words:
            path = Path(word).absolute() if word.endswith(".html") else Path(folder) / f"{word}.html"
            if not path.exists():
                explore(ExploreRequest(ScenarioRequest(word), path))
            found, ours = measured(browser, path), native(path.stem)
            first = " ".join(f"{each:7.0f}" for each in found.first)
            numbers = f"{found.size / 1e3:5.0f} {first} {found.frame:6.1f} {found.busy:6.1f}"
            engines = [found.engine, (ours[RTOL_MOVING], ours[RTOL_AT_REST])]
            times = " ".join(f"{fast:7.1f}, {exact:6.1f}" for fast, exact in engines)
            ratios = ", ".join(f"{page / here:.1f}" for page, here in zip(*engines, strict=True))
            print(f"{path.stem:22} {numbers} {found.moving:8.1f} {found.rest:8.1f} {times}   {ratios}", flush=True)
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        make_all()
    else:
        main(sys.argv[1:] or list(SCENARIOS))
