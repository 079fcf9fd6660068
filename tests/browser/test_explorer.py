"""Pages that simulate by themselves, in a real browser: against the engine in Python, moved, and where they cannot."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immunesim.experiments.curves import value_at
from immunesim.experiments.explanation.explain import explain
from immunesim.experiments.explorer.document import refusals, with_twin
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import prepare
from immunesim.experiments.solving import Certify, system_of
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.numerics.fluxes import fluxes
from immunesim.runtime.errors import InputError
from immunesim.tasks.explore import Explorer, ExploreRequest
from immunesim.tasks.explore import explore as make_page
from immunesim.tasks.request import ScenarioRequest

from tests.experiments.test_regimens import dose, model, question
from tests.simulated import PATHS

SMALL = ["core_cures", "canakinumab", "dupilumab", "baker"]  # doses, a pulse in time, observables, several arms
SETTINGS = 4  # random ones of each page in the quick set
MOST_BYTES = 1_000_000
RESULT = """() => {
    const { arms } = immunesimExplorer.result();
    const plain = ({ times, curves, problem }) => [[...times], curves.map((each) => [...each]), problem];
    return [...arms].map(([place, arm]) => [place, ...plain(arm)]);
}"""
SCHEDULES = """async () => {
    const page = JSON.parse(document.getElementById("data").textContent);
    const engine = makeEngine();
    await engine.load(page.model, page.module);
    return page.arms.map((_, place) => engine.schedule({}, place));
}"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``made(scenario)``: the page of a bundled scenario or a file, written once."""
    folder, known = tmp_path_factory.mktemp("explorer"), {}

    def page(scenario: str) -> Explorer:
        if scenario not in known:
            out = folder / f"{len(known)}.html"
            known[scenario] = make_page(ExploreRequest(ScenarioRequest(scenario), out))
        return known[scenario]

    return page


def opened(visit: Any, page: Path, width: int = 1400, address: str = "", **options: Any) -> Any:
    """The page, once its curves are there."""
    found = visit(page, width, **options)
    if address:
        found.goto(page.as_uri() + address)
        found.reload()
    found.locator("#fixed").wait_for(state="hidden", timeout=120_000)
    found.evaluate("immunesimExplorer.quiet()")
    return found


def set_all(page: Any, values: dict[str, float]) -> None:
    """Moves sliders, all others back to where they were, and waits for the curves."""
    page.evaluate("(values) => { immunesimExplorer.set(values); return immunesimExplorer.quiet(); }", values)


def shows_all_arms(page: Any) -> None:
    for box in page.locator("#arms input").all():
        box.check()
    page.evaluate("immunesimExplorer.quiet()")


def largest_difference(page: Any, scenario: Scenario) -> float:
    """Between the curves of the page and those of a run, in terms of the largest value of each in any arm."""
    scenario = with_twin(scenario)
    result, names, system = (
        run(scenario, Certify.OFF),
        page.evaluate("immunesimExplorer.names"),
        system_of(scenario.model),
    )
    parameters = scenario.parameters(scenario.arms[0])
    (usual,) = system.typical_sizes(np.array([[parameters[name] for name in system.parameters]]))
    # In any arm, or what matters of it: what is rounding alone has no digits
    sizes = {
        name: max([1e-9 * usual.get(name, 0.0), *(np.abs(arm.drawn[name]).max() for arm in result.arms.values())])
        for name in names
    }
    worst = 0.0
    for place, times, curves, problem in page.evaluate(RESULT):
        assert problem == ""
        arm = result.arms[scenario.arms[place].name]
        assert times == arm.trajectory.times.tolist()
        for name, values in zip(names, curves, strict=True):
            expected = arm.drawn[name]
            scale = max(sizes[name], 1e-300)
            worst = max(worst, float(np.abs(np.array(values) - expected).max(initial=0.0) / scale))
    return worst


@pytest.mark.parametrize("name", [*SMALL, *(each for each in PATHS if each not in SMALL)])
def test_the_page_computes_what_the_engine_in_python_computes(visit, made, name: str) -> None:
    scenario = read_scenario(PATHS[name])
    if refusals(scenario, system_of(scenario.model)):
        with pytest.raises(InputError, match="no page can be made"):
            made(name)
        return
    page = made(name)
    assert page.size < MOST_BYTES
    found = opened(visit, page.page)
    shows_all_arms(found)
    assert largest_difference(found, scenario) < 1e-6


@pytest.mark.parametrize("name", [*SMALL[:2], "il2_therapy"])
@pytest.mark.parametrize("count", [SETTINGS, 200])
def test_random_settings_are_those_of_a_run(visit, made, name: str, count: int) -> None:
    page, draw = made(name), random.Random(f"{name} {count}")
    found = opened(visit, page.page)
    for _ in range(count):
        chosen = draw.sample(page.sliders, min(3, len(page.sliders)))
        values = {
            each.path: float(draw.randint(int(each.low), int(each.high)))
            if each.whole
            else draw.uniform(each.low, each.high)
            for each in chosen
        }
        set_all(found, values)
        if "cannot be simulated" in found.locator("#status").inner_text():
            continue  # an infusion that is longer than the interval, which `run` refuses too
        units = {each.path: each.unit_text for each in page.sliders}
        settings = {
            path: str(int(value)) if units[path] == "" else f"{value!r} {units[path]}" for path, value in values.items()
        }
        assert largest_difference(found, read_scenario(PATHS[name], settings)) < 1e-5, settings


DOSES = """
[[dose]]
name = "lagging"
target = "gut"
amount = "D"
at = "1.1 h"
every = "7.3 h"
count = 4
lag = "Tlag"
share = "F"
over = "Tinf"
[[dose]]
name = "by rate"
target = "central"
amount = "3 mg/kg"
at = ["2 h", "17.05 h"]
rate = "speed"
[[dose]]
name = "cut by the end"
target = "central"
amount = "10 mg"
at = "47 h"
over = "3 h"
[[change]]
while = ["3 h", "18 h"]
parameters = { V = "8 L" }
[[change]]
at = "5 h"
parameters = { body_weight = "40 kg" }
[arms.half]
dose.lagging.amount = "20 mg"
parameters.V = "2 L"
"""


def test_doses_and_changes_become_the_same_segments_as_in_python(visit, made, tmp_path: Path) -> None:
    path = question(tmp_path, DOSES + '[show]\nplots = [["central"]]\n', model_text=model())
    scenario = read_scenario(Path(path))
    system = system_of(scenario.model)
    page = opened(visit, made(path).page)
    for arm, found in zip(with_twin(scenario).arms, page.evaluate(SCHEDULES), strict=True):
        expected = prepare(scenario, arm, system)
        segments = expected.schedule.segments
        assert found["bounds"] == [*(each.start for each in segments), segments[-1].end]
        assert found["times"] == expected.times.tolist()
        assert found["initial"] == pytest.approx(expected.initial.tolist(), rel=1e-14)
        for place, each in enumerate(segments):
            for name, wanted in (("jumps", each.jump), ("infusions", each.infusion)):
                values = [found[name][place].get(str(species), 0.0) for species in range(len(system.species))]
                assert values == pytest.approx(wanted.tolist(), rel=1e-12)
            diluted = each.dilution if each.dilution is not None else np.ones(len(system.species))
            values = [found["dilutions"][place].get(str(species), 1.0) for species in range(len(system.species))]
            assert values == pytest.approx(diluted.tolist(), rel=1e-14)
    shows_all_arms(page)
    assert largest_difference(page, scenario) < 1e-6


def test_other_arms_keep_what_makes_them_different_and_follow_the_rest(visit, made, tmp_path: Path) -> None:
    text = dose("100 mg") + '[arms.fast]\nparameters.CL = "4 L/h"\n[arms.untreated]\nwithout = ["drug"]\n'
    path = question(tmp_path, text + '[show]\nplots = [["central"]]\n', model_text=model())
    page = opened(visit, made(path).page)
    set_all(page, {"CL": 1.0, "dose.drug.amount": 50.0})
    (_, times, main, _), (_, _, fast, _), (_, _, untreated, _) = page.evaluate(RESULT)
    at = times.index(4.0)
    assert main[0][at] == pytest.approx(50 / 4 * np.exp(-1), rel=1e-5)
    assert fast[0][at] == pytest.approx(50 / 4 * np.exp(-4), rel=1e-5)  # half the dose, but a clearance of its own
    assert max(untreated[0]) == 0.0


def test_the_keyboard_alone_moves_a_slider_and_goes_back(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    before = page.evaluate(RESULT)
    page.locator("#preset, #reset").first.focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "range":
            break
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageDown")
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(RESULT) != before
    assert page.locator(".slider.changed").count() == 1
    assert page.evaluate("location.hash").startswith("#dose.")
    assert "--set" in page.locator("#command").inner_text()
    page.locator("#reset").focus()
    page.keyboard.press("Enter")
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(RESULT) == before
    assert page.evaluate("location.hash") == ""


def test_a_number_can_be_typed_and_one_out_of_range_is_said(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    number = page.locator(".slider input[type=number]").first
    usual = number.input_value()
    number.fill("1e30")
    number.press("Enter")
    assert "expected from" in page.locator("#status").inner_text().replace("  ", " ")
    assert number.input_value() == usual
    number.fill("0")
    number.press("Enter")
    page.evaluate("immunesimExplorer.quiet()")
    assert page.locator(".slider.changed").count() == 1


def test_any_knob_is_found_by_its_name(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    hidden = next(each for each in made("core_cures").sliders if not each.shown and "." not in each.path)
    page.locator("#more").fill(hidden.path)
    page.keyboard.press("Enter")
    assert page.locator(f".slider[data-path='{hidden.path}']").count() == 1
    page.locator("#more").fill("no such thing")
    page.locator("#add").click()
    assert "no slider has 'no such thing'" in page.locator("#status").inner_text()


def test_the_address_carries_the_state_and_what_is_wrong_with_it_is_said(visit, made) -> None:
    first, second, *_ = made("core_cures").sliders
    paths = [each.path.replace(" ", "%20") for each in (first, second)]
    address = f"#{paths[0]}={first.high}&nonsense=3&{paths[1]}=-5"
    page = opened(visit, made("core_cures").page, address=address)
    said = page.locator("#status").inner_text()
    assert "nothing here is called 'nonsense'" in said
    assert "found '-5'" in said
    assert page.locator(".slider.changed").count() == 1


ASKED = """window.asked = []; const send = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (question) { asked.push(question); send.call(this, question); };"""


@pytest.mark.parametrize(("address", "amount"), [("", None), ("#dose.antigen.amount=500", 500)])
def test_the_first_question_is_asked_once_and_is_of_the_address(
    visit, made, address: str, amount: float | None
) -> None:
    page = visit(made("core_cures").page)
    page.add_init_script(ASKED)
    page.goto(made("core_cures").page.as_uri() + address)
    page.reload()
    page.locator("#fixed").wait_for(state="hidden", timeout=60_000)
    page.evaluate("immunesimExplorer.quiet()")
    first, *others = page.evaluate("asked.slice(1)")  # after the data of the page
    moved = {} if amount is None else {"dose.antigen.amount": amount}
    assert first == {"set": moved, "which": [0, 1, 2, 3], "rest": False}
    assert [each["rest"] for each in others] == [True] * len(others)


def test_the_address_keeps_which_arms_are_shown_and_says_that_it_is_of_another_version(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    page.locator("#arms input").nth(1).uncheck()
    page.evaluate("immunesimExplorer.quiet()")
    address = page.evaluate("location.hash")
    page.reload()
    page.locator("#fixed").wait_for(state="hidden")
    assert not page.locator("#arms input").nth(1).is_checked()
    assert page.locator("#status").inner_text().startswith("Simulated")
    page.goto(made("core_cures").page.as_uri() + address.replace("version=", "version=0"))
    page.reload()
    page.locator("#fixed").wait_for(state="hidden")
    assert "another version of this page" in page.locator("#status").inner_text()
    page.locator("#reset").click()
    page.evaluate("immunesimExplorer.quiet()")
    assert page.locator("#arms input").nth(1).is_checked()
    assert page.evaluate("location.hash") == ""


def test_the_twin_to_whom_nothing_is_given_follows_the_patient(visit, made, tmp_path: Path) -> None:
    text = dose("100 mg") + '[initial]\ncentral = "10 mg/L"\n[show]\nplots = [["central"]]\n'
    page = opened(visit, made(question(tmp_path, text, model_text=model())).page)
    assert page.locator("#arms label").all_inner_texts() == ["as described", "the same patient, nothing given"]
    set_all(page, {"CL": 1.0})
    (_, times, main, _), (_, _, twin, _) = page.evaluate(RESULT)
    at = times.index(4.0)
    assert main[0][at] == pytest.approx(35 * np.exp(-1), rel=1e-5)
    assert twin[0][at] == pytest.approx(10 * np.exp(-1), rel=1e-5)


@pytest.mark.parametrize("button", ["PNG", "CSV"])
def test_what_is_shown_can_be_saved(visit, made, button: str, tmp_path: Path) -> None:
    page = opened(visit, made("core_cures").page)
    page.locator("#pin").click()
    with page.expect_download() as saved:
        page.get_by_role("button").filter(has_text=button).first.click()
    saved.value.save_as(tmp_path / "file")
    data = (tmp_path / "file").read_bytes()
    if button == "PNG":
        assert data.startswith(b"\x89PNG")
        page.locator("#unpin").click()
        with page.expect_download() as again:
            page.get_by_role("button").filter(has_text=button).first.click()
        again.value.save_as(tmp_path / "again")
        tall = [int.from_bytes((tmp_path / each).read_bytes()[20:24], "big") for each in ("file", "again")]
        assert tall[0] - tall[1] == 17  # the line of the key that names the pinned run
    else:
        rows = data.decode().splitlines()
        assert {row.split(",")[0] for row in rows[1:]} >= {"main", "pinned 1"}
        assert len({row.count(",") for row in rows}) == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_where_webassembly_or_scripts_are_refused_it_says_so_and_shows_fixed_curves(
    browser, made, tmp_path: Path, scripts: bool
) -> None:
    strict = tmp_path / "strict.html"
    strict.write_text(made("core_cures").page.read_text().replace(" 'wasm-unsafe-eval'", "", 1))
    context = browser.new_context(offline=True, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(strict.as_uri())
    if scripts:
        page.locator("#trouble", has_text="WebAssembly. It cannot be had here").wait_for()
    assert page.locator("#trouble").is_visible()
    assert page.locator(".fixed[role=img] path.line").count() >= 2
    assert page.locator(".fixed").first.is_visible()
    assert page.locator(".head button:visible").count() == 0
    assert page.locator("#controls").is_hidden()
    context.close()


LATE = """() => {
    const Own = window.Worker;
    window.Worker = function (address) {
        const worker = new Own(address), post = worker.postMessage.bind(worker);
        worker.postMessage = (message) => (window.go ? post(message) : (window.go = () => post(message)));
        return worker;
    };
}"""
PLACES = "[...document.querySelectorAll('.plot')].map((each) => Math.round(each.getBoundingClientRect().top + scrollY))"


@pytest.mark.parametrize("width", [1400, 400])
def test_the_fixed_curves_are_there_until_the_engine_is_and_nothing_jumps(visit, made, width: int) -> None:
    page = visit(made("core_cures").page, width)
    page.add_init_script(f"({LATE})()")
    page.reload()
    assert page.locator("#trouble").is_hidden()
    assert page.locator(".fixed path.line:visible").count() >= 2
    before = page.evaluate(PLACES)
    page.locator("input[type=range]").first.focus()  # sliders can be moved already
    page.keyboard.press("End")
    page.evaluate("go()")
    page.locator("#fixed").wait_for(state="hidden", timeout=60_000)
    page.evaluate("immunesimExplorer.quiet()")
    assert page.locator(".fixed").count() == 0
    assert page.evaluate(PLACES) == before
    moved = page.evaluate(RESULT)
    page.reload()
    page.evaluate("go()")
    page.locator("#fixed").wait_for(state="hidden", timeout=60_000)
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(RESULT) == moved  # the address carries it
    page.locator("#reset").click()
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(RESULT) != moved


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing(visit, made, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(visit, made("core_cures").page, width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate("immunesimExplorer.explain(0, 50)")
    page.locator("#patients").click()
    page.locator("#pin").click()
    page.evaluate("immunesimExplorer.quiet()")
    found = Axe().run(page)
    assert [(each["id"], [n["target"] for n in each["nodes"]][:3]) for each in found.response["violations"]] == []


@pytest.mark.parametrize("width", [1600, 400])
def test_the_page_never_scrolls_sideways(visit, made, width: int) -> None:
    page = opened(visit, made("core_cures").page, width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert (wide, seen) == (width, width)


def test_a_setting_that_cannot_be_is_said_and_the_last_good_curves_stay(visit, made, tmp_path: Path) -> None:
    text = dose("100 mg", every="6 h", count=4, over="2 h") + '[show]\nplots = [["central"]]\n'
    page = opened(visit, made(question(tmp_path, text, model_text=model())).page)
    before = page.evaluate(RESULT)
    set_all(page, {"dose.drug.over": 6.0, "dose.drug.every": 2.0})
    said = page.locator("#status").inner_text()
    assert "the last good ones" in said
    assert "an infusion of 'drug' is longer than the interval between two doses" in said
    assert page.evaluate(RESULT) == before
    page.locator("#reset").click()
    page.evaluate("immunesimExplorer.quiet()")
    assert "Simulated 2 arms" in page.locator("#status").inner_text()


def test_where_no_worker_may_be_made_the_page_itself_simulates(browser, made, tmp_path: Path) -> None:
    strict = tmp_path / "strict.html"
    strict.write_text(made("core_cures").page.read_text().replace("worker-src blob:", "worker-src 'none'", 1))
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(strict.as_uri())
    page.locator("#fixed").wait_for(state="hidden", timeout=60_000)
    assert page.locator("#trouble").is_hidden()
    assert page.locator("#status").inner_text().startswith("Simulated")
    context.close()


def test_pins_and_the_curve_before_stay_while_the_run_moves(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    lines = "() => immunesimExplorer.lines()"
    alone = page.evaluate(lines)
    page.locator("#pin").click()
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("PageDown")
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(lines) == alone + 2  # the pinned run, and the ghost of the one before
    assert "Grey: before the last change." in page.locator("#status").inner_text()
    page.locator("#unpin").click()
    assert page.evaluate(lines) == alone + 1


def test_on_a_logarithmic_axis_a_rise_out_of_nothing_or_noise_begins_where_it_does(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    line = page.evaluate("makeMarks({}).dense([0, 1, 1.1], [0, 1e-20, 5], true, [0.01, 10], 0.1).line")
    assert line == [1e-5, 1e-5, 5]


def test_verdicts_on_expectations_follow_the_run(visit, made) -> None:
    page, scenario = opened(visit, made("core_cures").page), read_scenario(PATHS["core_cures"])
    page.locator("#verdicts summary").click()
    page.evaluate("immunesimExplorer.quiet()")
    items = page.locator("#verdict-list li")
    assert 1 <= items.count() <= len(scenario.expectations)
    assert not [text for text in items.all_inner_texts() if "by this setting" in text or "not simulated" in text]
    doses = {each.path: 0.0 for each in made("core_cures").sliders if each.path.endswith(".amount")}
    set_all(page, doses)
    assert [text for text in items.all_inner_texts() if "by this setting" in text]


@pytest.mark.parametrize("name", ["core_cures", "il2_therapy"])
def test_what_raises_and_lowers_a_curve_is_what_the_engine_in_python_says(visit, made, name: str) -> None:
    page, scenario = opened(visit, made(name).page), read_scenario(PATHS[name])
    arm = run(scenario, Certify.OFF).arms["main"]
    named = {"infused doses": 0.0, "time itself": 0.0}
    for place, curve in enumerate(page.evaluate("immunesimExplorer.names")[: len(scenario.drawn)]):
        expected = fluxes(arm.trajectory.dense, curve)
        for share in (0.2, 0.55):
            found = page.evaluate(
                "([place, time]) => immunesimExplorer.why(place, time)", [place, share * scenario.end]
            )
            names = scenario.model.reactions if found["byReactions"] else scenario.model.species
            rows = expected.reactions if found["byReactions"] else expected.species
            wanted = named | {
                names[id].label or id: float(value_at(expected.pieces(row), found["time"])[0])
                for id, row in rows.items()
            }
            wanted["infused doses"] = (
                float(value_at(expected.pieces(expected.infusion), found["time"])[0]) if found["byReactions"] else 0.0
            )
            size = max(map(abs, wanted.values()))
            given = {each["label"]: each["rate"] for each in found["parts"] if abs(each["rate"]) > 1e-6 * size}
            assert given.keys() <= wanted.keys()
            for label, rate in wanted.items():
                assert given.get(label, 0.0) == pytest.approx(rate, rel=1e-3, abs=1e-3 * size), (curve, label)


@pytest.mark.parametrize("name", ["core_cures", "il2_therapy"])
def test_why_tells_the_same_net_effects_against_rest_as_explain(visit, made, name: str) -> None:
    page, scenario = opened(visit, made(name).page), read_scenario(PATHS[name])
    known, netted = run(scenario, Certify.OFF).arms, 0
    for place, curve in enumerate(page.evaluate("immunesimExplorer.names")[: len(scenario.drawn)]):
        found = page.evaluate("([at, time]) => immunesimExplorer.why(at, time)", [place, 0.55 * scenario.end])
        (balance,) = explain(scenario, "main", curve, at=[found["time"]], known=known).at
        size = max(balance.gain, balance.loss, balance.background)
        about = {"rel": 1e-3, "abs": 1e-3 * size}
        excess = {each["label"]: each["rate"] - each["rest"] for each in found["parts"]}
        rest = {each["label"]: each["rest"] for each in found["parts"]}
        for each in balance.contributions:
            label = {"doses": "infused doses", "time": "time itself"}.get(each.id, each.label)
            assert excess.get(label, 0.0) == pytest.approx(each.gain - each.loss, **about), (curve, label)
            assert rest.get(label, 0.0) == pytest.approx(each.background, **about), (curve, label)
        assert sum(max(each, 0.0) for each in excess.values()) == pytest.approx(balance.gain, **about), curve
        assert sum(max(-each, 0.0) for each in excess.values()) == pytest.approx(balance.loss, **about), curve
        assert found["atRest"] is balance.at_rest
        netted += balance.has_background
    assert netted  # of some of them what cancels is worth a word


def test_why_is_answered_by_keys_alone_and_follows_the_sliders(visit, made, tmp_path: Path) -> None:
    path = question(tmp_path, dose("100 mg") + '[show]\nplots = [["central"]]\n', model_text=model())
    page = opened(visit, made(path).page)
    page.locator(".plot").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "w"):
        page.keyboard.press(key)
    page.evaluate("immunesimExplorer.quiet()")
    why = page.locator(".why")
    said = why.inner_text()
    assert said.startswith("Drug in plasma at 1 h (as described): falling by 7.58 mg/L per hour. It gains nothing")
    assert "all by “elimination”" in said
    set_all(page, {"dose.drug.amount": 50.0})
    assert "falling by 3.79 mg/L per hour" in why.inner_text()
    set_all(page, {"CL": 4.0})
    assert "At this pace it would halve in 42 min." in why.inner_text()  # ln 2 of an hour
    why.get_by_role("button", name="Close").press("Enter")
    assert why.is_hidden()


def test_where_nothing_happens_why_says_so(visit, made, tmp_path: Path) -> None:
    path = question(tmp_path, dose("100 mg", at="12 h") + '[show]\nplots = [["central"]]\n', model_text=model())
    page = opened(visit, made(path).page)
    page.locator(".plot").focus()
    for key in ("Home", "w"):
        page.keyboard.press(key)
    page.evaluate("immunesimExplorer.quiet()")
    said = "Drug in plasma at 0 h (as described): hardly changing. Nothing adds to it or takes from it."
    assert page.locator(".why p").inner_text() == said


def test_a_number_and_a_unit_that_begins_with_a_power_are_a_product(visit, made) -> None:
    page = opened(visit, made("core_cures").page)
    words = page.evaluate("['10⁹ cells/L', 'cells/L'].map((unit) => makeText().withUnit(0.0267, unit))")
    assert words == ["0.0267\u00a0×\u00a010⁹ cells/L", "0.0267 cells/L"]


def press_and_move(page, handle, across: int) -> None:
    """Takes a handle with the mouse, and moves it so many pixels to the right in two steps."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across / 2, y)
    page.mouse.move(x + across, y)


def test_a_dose_is_dragged_on_the_time_axis_and_moved_by_keys(visit, made, tmp_path: Path) -> None:
    path = question(
        tmp_path, dose("100 mg", at="12 h") + '[show]\nplots = [["central"], ["gut"]]\n', model_text=model()
    )
    page = opened(visit, made(path).page)
    handles = page.locator(".handle")
    assert [each.get_attribute("tabindex") for each in handles.all()] == ["0", "-1"]
    press_and_move(page, handles.first, 80)
    assert page.locator(".slider.changed").count() == 1  # the slider of its start appears, and the curve follows
    page.mouse.up()
    page.evaluate("immunesimExplorer.quiet()")
    start = float(handles.first.get_attribute("aria-valuenow"))
    assert 15 < start < 30
    ((_, times, (central, _), _), *_) = page.evaluate(RESULT)
    assert times[np.argmax(central)] == pytest.approx(start)
    assert f"dose.drug.at={start:g}" in page.evaluate("location.hash")
    handles.first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.evaluate("immunesimExplorer.quiet()")
    ((_, times, (central, _), _), *_) = page.evaluate(RESULT)
    moved = float(handles.first.get_attribute("aria-valuenow"))
    assert 0 < moved < 5
    assert times[np.argmax(central)] == pytest.approx(moved)
    assert page.evaluate("document.activeElement.getAttribute('aria-valuetext')") == f"{moved:g} h"


def test_doses_that_start_together_move_together_and_take_no_other_along(visit, made, tmp_path: Path) -> None:
    doses = dose("100 mg", at="6 h") + dose("20 mg", at="6 h").replace("drug", "adjuvant")
    doses += dose("50 mg", at="12 h").replace("drug", "third")
    path = question(tmp_path, doses + '[show]\nplots = [["central"]]\n', model_text=model())
    page = opened(visit, made(path).page)
    handles = page.locator(".handle:not([hidden])")
    assert handles.evaluate_all("all => all.map((each) => each.getAttribute('aria-label'))") == [
        "drug and adjuvant: first given at",
        "third: first given at",
    ]
    press_and_move(page, handles.first, 20)
    page.mouse.up()
    page.evaluate("immunesimExplorer.quiet()")
    starts = "() => [...immunesimExplorer.result().doses].map(({ spans }) => spans[0][0])"
    first, second, third = page.evaluate(starts)
    assert first == second > 6
    assert third == 12
    set_all(page, {})
    handles.last.focus()
    page.keyboard.press("Home")
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(starts) == [6, 6, 0]
    handles.last.blur()
    set_all(page, {"dose.third.at": 6.0})
    assert handles.count() == 1
    set_all(page, {"dose.third.at": 6.25})
    handles.last.focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")  # past the others, which stay
    page.evaluate("immunesimExplorer.quiet()")
    assert page.evaluate(starts)[:2] == [6, 6]
    assert page.evaluate(starts)[2] < 6


@pytest.mark.parametrize(("name", "width"), [("core_memory", 1400), ("core_memory", 400), ("il2_therapy", 1400)])
def test_handles_lie_below_the_heads_and_reading_a_curve_moves_nothing(visit, made, name: str, width: int) -> None:
    page = opened(visit, made(name).page, width)
    places = """(chart) => {
        const box = (what) => chart.querySelector(what).getBoundingClientRect();
        return [box(".head").bottom, box(".handle:not([hidden])").top, box(".plot").top];
    }"""
    charts = [chart.evaluate(places) for chart in page.locator(".chart").all()]
    assert all(handle >= head - 1 for head, handle, _ in charts)
    if width == 1400:
        assert charts[2][2] == charts[3][2]  # side by side, of which one has a title of two lines
    tall = "() => document.documentElement.scrollHeight"
    before = page.evaluate(tall)
    page.locator(".plot").first.hover()
    assert ": " in page.locator(".read").first.inner_text()
    assert page.evaluate(tall) == before


def test_swings_too_fast_to_see_are_drawn_as_an_envelope(visit, made, tmp_path: Path) -> None:
    often = dose("10 mg", every="15 min", count=180, at="2 h", over="3 min")
    path = question(tmp_path, often + '[show]\nplots = [["central"], ["gut"]]\n', model_text=model())
    page = opened(visit, made(path).page)
    (((part,), *_), others) = (page.evaluate(f"immunesimExplorer.envelopes({place})") for place in (0, 1))
    assert others == []
    assert 150 < len(part["upper"]) <= 180
    swings = [high - low for (_, high), (_, low) in zip(part["upper"], part["lower"], strict=False)]
    assert min(swings[20:-1]) > 1  # peaks above troughs: each dose adds 2.5 mg/L
    set_all(page, {"dose.drug.every": 1.0})
    page.reload()  # without the ghost of the run before
    page.locator("#fixed").wait_for(state="hidden")
    assert page.evaluate("immunesimExplorer.envelopes(0)") == []


PATIENTS = """
[show]
plots = [["central"]]
[population]
count = 200
[[population.vary]]
parameter = "V"
distribution = "lognormal"
median = "4 L"
cv = 0.3
[[population.vary]]
parameter = "CL"
distribution = "uniform"
from = "1 L/h"
to = "3 L/h"
"""


def test_a_band_of_virtual_patients_is_that_of_the_population_and_follows_the_sliders(
    visit, made, tmp_path: Path
) -> None:
    path = question(tmp_path, dose("100 mg") + PATIENTS, model_text=model())
    page, drawn = opened(visit, made(path).page), read_scenario(Path(path)).sweep.design.values(0, 64)
    assert page.evaluate("immunesimExplorer.patients()") == [None]
    page.locator("#patients").click()
    page.evaluate("immunesimExplorer.quiet()")
    for amount in (100.0, 40.0):
        set_all(page, {"dose.drug.amount": amount})
        (band,) = page.evaluate("immunesimExplorer.patients()")
        times = np.array(band["times"])
        curves = amount / drawn[:, :1] * np.exp(-drawn[:, 1:] / drawn[:, :1] * times)
        for name, share in (("low", 0.05), ("middle", 0.5), ("high", 0.95)):
            assert band[name][:24] == pytest.approx(np.quantile(curves, share, axis=0)[:24], rel=1e-3, abs=1e-3)
    assert "the median of 64 virtual patients" in page.locator("#patients-note").inner_text()
    page.locator("#patients").click()
    assert page.evaluate("immunesimExplorer.patients()") == [None]


def test_without_a_population_patients_differ_within_published_ranges(visit, made) -> None:
    page, scenario = opened(visit, made("core_cures").page), read_scenario(PATHS["core_cures"])
    first, second, again = (page.evaluate(f"immunesimExplorer.patient({number})") for number in (0, 1, 0))
    assert first == again
    usual, ranges = scenario.parameters(scenario.arms[0]), scenario.model.parameters
    folds = []
    for name, value in first.items():
        low, high = ranges[name].range
        assert min(low, usual[name]) <= value <= max(high, usual[name])
        folds.append(value / usual[name])
    assert len(folds) > 50
    assert first.keys() == second.keys()
    assert len({first[name] == second[name] for name in first}) == 1
    assert 0.9 < float(np.median(folds)) < 1.1
    assert 0.1 < float(np.std(np.log(folds))) < 0.25


MEASURED = """
[show]
plots = [["central"]]
[[expect]]
that = "the peak"
measure = "max(central)"
between = [2, 30]
unit = "mg/L"
source = "assumed"
[[data]]
name = "plasma"
curve = "central"
points = [ { time = "1 h", value = 15.2, sd = 1 }, { time = "3 h", value = 1e3, sd = 10 } ]
unit = "mg/L"
source = "Toy"
[sources.Toy]
citation = "A toy."
"""


def test_published_ranges_and_measured_points_are_drawn_and_judged_while_a_slider_moves(
    visit, made, tmp_path: Path
) -> None:
    page = opened(visit, made(question(tmp_path, dose("100 mg") + MEASURED, model_text=model())).page)
    (verdict,) = page.evaluate("immunesimExplorer.verdicts()")
    assert (verdict["value"], verdict["holds"], verdict["drawn"]) == (pytest.approx(25.0), True, True)
    items = page.locator("#verdict-list li")
    assert "the curve passes 1 of 2 of its bars" in items.last.text_content()
    assert "Expectations: 1 of 1 met" in page.locator("#judged").inner_text()
    shaded = """() => { const c = document.querySelector(".plot canvas"), all = c.getContext("2d");
        const column = [...all.getImageData(0.6 * c.width, 0, 1, c.height).data];
        return column.filter((value, i) => i % 4 === 3 && value === 20).length; }"""
    assert page.evaluate(shaded) > 5  # the range from 2 to 30, far after the peak
    page.evaluate("""() => { const range = document.querySelector(".slider input[type=range]");
        range.value = range.max; range.dispatchEvent(new Event("input")); return immunesimExplorer.quiet(); }""")
    (moved,) = page.evaluate("immunesimExplorer.verdicts()")  # before it is released
    assert (moved["value"], moved["holds"]) == (pytest.approx(50.0, rel=1e-3), False)
    assert "by this setting" in items.first.text_content()


GROWTH = """
title = "It grows beyond all bounds"
time_unit = "h"
[species]
x = { label = "<b>x</b>", unit = "mg", initial = "x0", scale = 1 }
[parameters]
x0 = { label = "start", value = 2, unit = "mg", source = "assumed", status = "assumed: a test" }
k = { label = "growth", value = 1, unit = "1/h/mg", source = "assumed", status = "assumed: a test" }
[reactions]
grow = { equation = "-> x", rate = "k * x * x", source = "assumed" }
"""


def test_a_run_that_fails_is_said_with_its_time_and_a_slider_mends_it(browser, made, tmp_path: Path) -> None:
    path = question(tmp_path, '[show]\nplots = [["x"]]\n', end="2 h", model_text=GROWTH)
    page = browser.new_context(offline=True).new_page()
    page.goto(made(path).page.as_uri())
    said = "infinite or undefined at 0.5 h (farthest from its usual size: <b>x</b>)"
    page.locator("#status", has_text=said).wait_for()  # a rougher run before it may end otherwise
    assert page.locator("#fixed").is_visible()
    page.evaluate("immunesimExplorer.set({ k: 0.25 })")
    page.locator("#charts").wait_for()
    assert page.locator("#charts h2").inner_text().startswith("<b>x</b>")
    page.context.close()


def test_a_preset_makes_the_main_arm_another_arm_until_a_slider_moves(visit, made) -> None:
    page, presets = opened(visit, made("canakinumab").page), made("canakinumab").presets
    page.locator("#preset").select_option(label=presets[0].label)
    page.evaluate("immunesimExplorer.quiet()")
    arms = {place: curves for place, _, curves, _ in page.evaluate(RESULT)}
    titles = page.locator("#arms label").all_inner_texts()
    same = arms[titles.index(presets[0].label)]
    for mine, other in zip(arms[0], same, strict=True):
        assert mine[-1] == pytest.approx(other[-1], rel=1e-6)
    page.locator("input[type=range]").last.focus()
    page.keyboard.press("PageUp")
    page.evaluate("immunesimExplorer.quiet()")
    assert page.locator("#preset").input_value() == "own"
    page.locator("#reset").click()
    assert page.locator("#preset").input_value() == ""
