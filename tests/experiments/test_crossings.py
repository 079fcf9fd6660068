"""Rules at crossings, against a patient with one compartment who is treated by hand."""

from __future__ import annotations

import json
import math
import re
import warnings
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.cli.program import main
from immunesim.experiments import decisions
from immunesim.files.toml.scenario_file import read_scenario

from tests.experiments.test_regimens import KA, K, V, dose, model, question

FIRST = dose("200 mg", at="1 h")  # 50 mg/L at 1 h, which falls with K


def again(amount: str = "100 mg", target: str = "central", **more: object) -> str:
    """A dose that only a rule gives."""
    keys = "".join(f"{key} = {value!r}\n".replace("'", '"') for key, value in more.items())
    return f'[[dose]]\nname = "again"\ntarget = "{target}"\namount = "{amount}"\n{keys}'


def rule(when: str, *does: str, name: str = "rescue", every_time: bool = False) -> str:
    fires = ['fires = "every time"'] if every_time else []
    return "\n".join(["[[rule]]", f'name = "{name}"', f'when = "{when}"', *does, *fires]) + "\n"


GIVE = 'give = "again"'
LOW = "central < '20 mg/L' and time_since > '1.2 h'"
CLOCK = model(
    species='time_since = { label = "time", unit = "h", initial = 0, scale = 1 }\n',
    reactions='passing = { equation = "-> time_since", rate = "ka * one_hour", source = "assumed" }\n',
).replace("[reactions]", 'one_hour = { label = "so that time passes at one", value = 0.6666666666666666, unit = "h", '
          'source = "assumed", status = "assumed: a test" }\n[reactions]')  # fmt: skip
FELL = 1.0 + math.log(50 / 20) / K  # when 50 mg/L at 1 h have fallen to 20


def decay(level: float, since: float, t: float, k: float = K) -> float:
    return level * math.exp(-k * (t - since)) if t >= since else 0.0


def course(*given: tuple[float, float]) -> list[float]:
    """Levels at full hours from 0 to 24 h after doses of so many mg at these times."""
    return [sum(decay(amount / V, at, t) for at, amount in given) for t in np.arange(25.0)]


def every_time() -> list[tuple[float, float]]:
    """A dose of 100 mg whenever 45 mg/L have fallen to 20."""
    return [(1.0, 200.0), *((FELL + n * math.log(45 / 20) / K, 100.0) for n in range(15))]


def set_at(level: float, at: float) -> list[float]:
    before, after = course((1.0, 200.0)), [decay(level, at, t) for t in np.arange(25.0)]
    return [old if t < at else new for t, old, new in zip(np.arange(25.0), before, after, strict=True)]


def slower(at: float, until: float = 99.0) -> list[float]:
    """K is half as large between two times."""
    found = []
    for t in np.arange(25.0):
        slow = min(max(t - at, 0.0), until - at)
        found.append(decay(50.0, 1.0, t) * math.exp(0.5 * K * slow))
    return found


CASES = {
    "once": (again() + rule(LOW, GIVE), course((1, 200), (FELL, 100)), 1),
    "every time": (again() + rule(LOW, GIVE, every_time=True), course(*every_time()), 14),
    "twice": (
        again() + rule(LOW, GIVE, "at_most = 2", every_time=True),
        course((1, 200), *every_time()[1:3]),
        2,
    ),
    "a course": (
        again(every="2 h", count=3, lag="30 min", share="50 %") + rule(LOW, GIVE),
        course((1, 200), *((FELL + 0.5 + 2 * n, 50) for n in range(3))),
        1,
    ),
    "parameters": (rule(LOW, 'parameters = { CL = "1 L/h" }'), slower(FELL), 1),
    "parameters for a time": (rule(LOW, 'parameters = { CL = "1 L/h" }\nlasting = "5 h"'), slower(FELL, FELL + 5), 1),
    "a level": (rule(LOW, 'set = { central = "40 mg/L" }'), set_at(40.0, FELL), 1),
    "a level of nothing": (rule(LOW, 'set = { central = "0 mg/L" }'), set_at(0.0, FELL), 1),
    "a level, then a dose": (
        again() + rule(LOW, 'set = { central = "0 mg/L" }\n' + GIVE),
        set_at(25.0, FELL),
        1,
    ),
    "a dose that another rule undoes at once": (
        again()
        + rule(LOW, GIVE)
        + rule("central > '44 mg/L' and time_since > '2 h'", 'set = { central = "7 mg/L" }', name="undo"),
        set_at(7.0, FELL),
        2,
    ),
    "two of one condition": (
        again() + rule(LOW, GIVE) + rule(LOW, 'set = { gut = "0 mg" }', name="other"),
        course((1, 200), (FELL, 100)),
        2,
    ),
    "with arithmetic": (
        again() + rule("central / 2 + central < '30 mg/L' and not time_since <= '1.2 h'", GIVE),
        course((1, 200), (FELL, 100)),
        1,
    ),
    "at a jump": (
        again(lag="1 h") + rule("central > '30 mg/L'", GIVE),
        course((1, 200), (2, 100)),
        1,
    ),
    "never": (again() + rule("central > '60 mg/L'", GIVE), course((1, 200)), 0),
    "true at the start": (again() + rule("central < '20 mg/L'", GIVE), course((0, 100), (1, 200)), 1),
}  # fmt: skip


BY_SCIPY_TOO = ("twice", "a level, then a dose", "parameters for a time", "at a jump", "true at the start")


@pytest.mark.parametrize(
    ("name", "engine"), [*((name, "compiled") for name in CASES), *((name, "scipy") for name in BY_SCIPY_TOO)]
)
def test_what_is_done_at_a_crossing_is_as_by_hand(
    name: str, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "scipy":
        monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    text, wanted, fired = CASES[name]
    run = sim.run(question(folder, FIRST + text, end="24 h", model_text=CLOCK))
    hours = np.isin(run["time"], np.arange(25.0))
    np.testing.assert_allclose(run["central"][hours], wanted, rtol=1e-5, atol=1e-5)
    assert len(run.result.arms["main"].fired) == fired
    assert run.reliable


def test_a_rule_fires_again_only_after_its_condition_was_false(folder: Path) -> None:
    """A thermostat: elimination is fast above 40 mg/L and stops below 20, while a drip goes on."""
    drip = dose("1000 mg", at="0 h", over="48 h")
    rules = rule("central > '12 mg/L'", 'parameters = { CL = "4 L/h" }', name="on", every_time=True)
    rules += rule("central < '8 mg/L'", 'parameters = { CL = "0.5 L/h" }', name="off", every_time=True)
    run = sim.run(question(folder, drip + rules, end="48 h"))
    fired = run.result.arms["main"].fired
    assert fired[0][:3] == ("off", 1, 0.0)
    assert [each.rule for each in fired] == ["off", *["on", "off"] * 99][: len(fired)]
    assert len(fired) > 20
    inflow, slow, fast = 1000 / 48 / V, 0.5 / V, 4 / V
    rise = math.log((inflow / slow - 8) / (inflow / slow - 12)) / slow
    fall = math.log((12 - inflow / fast) / (8 - inflow / fast)) / fast
    lengths = np.diff([each.time for each in fired])
    np.testing.assert_allclose(lengths[1:], [(fall, rise)[n % 2] for n in range(len(lengths) - 1)], rtol=1e-5)


def test_members_fire_for_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = question(folder, FIRST + again() + rule(LOW, GIVE), end="24 h", model_text=CLOCK)

    def last() -> np.ndarray:
        f = sim.batch(path, vary=["dose.drug.amount"], measures={"at": "at(central, '9 h')"})
        return f([[200.0], [100.0], [1.0]]).measures["at"]

    def wanted(amount: float) -> float:
        at = 1 + max(math.log(amount / V / 20) / K, 0.2)
        return decay(amount / V, 1.0, 9.0) + decay(25.0, at, 9.0)

    expected = [wanted(amount) for amount in (200.0, 100.0, 1.0)]
    np.testing.assert_allclose(last(), expected, rtol=1e-5)
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    np.testing.assert_allclose(last(), expected, rtol=1e-5)


def test_members_whose_rule_fires_for_ever_fail_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MOST_FIRED", 20)
    text = FIRST + rule(
        "central < '20 mg/L' and time_since > '1.2 h'", 'set = { central = "20.02 mg/L" }', every_time=True
    )
    path = question(folder, text, end="4 h", model_text=CLOCK)
    found = sim.batch(path, vary=["dose.drug.amount"], measures={"at": "final(central)"})([[600.0], [200.0]])
    assert found.measures["at"][0] == pytest.approx(decay(150.0, 1.0, 4.0), rel=1e-5)
    assert list(found.failures) == [1]
    assert "the rule 'rescue' fired 20 times until" in found.why("at", 1)


def test_a_run_tells_what_fired(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = FIRST + again() + rule(LOW, GIVE, 'set = { gut = "0 mg" }', every_time=True)
    text += "[arms.free]\nwithout = ['rescue']\n"
    path = question(folder, text, end="8 h", model_text=CLOCK)
    assert main(["run", path, "--out", str(folder / "out"), "--report", "--nca", "central"]) == 0
    said = capsys.readouterr().out
    assert "again → central: 4 of 4 doses, ordered 400 mg" in said
    assert (
        "rescue: fired 4 times (at 2.83 h, at 4.45 h, at 6.08 h and at 7.7 h): set drug in the gut to 0 mg, gave again"
        in said
    )
    assert "again → central: 0 of 0 doses" in said  # of the arm without the rule
    page = (folder / "out" / "report.html").read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert "fired 4 times" in page
    summary = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))
    assert [each["number"] for each in summary["arms"]["main"]["fired"]] == [1, 2, 3, 4]
    again_run = sim.run(folder / "out" / "scenario.toml")
    assert again_run.result.arms["main"].fired == sim.run(path).result.arms["main"].fired
    assert (folder / "out" / "nca.csv").read_text(encoding="utf-8").count("again") == 4


def test_a_rule_that_two_computations_decide_differently_is_named(folder: Path) -> None:
    """A level at the very peak of a drug from the gut, within the error of the solver."""
    at = math.log(KA / K) / (KA - K)
    top = 200 / V * KA / (KA - K) * (math.exp(-K * at) - math.exp(-KA * at))
    named = []
    for share in np.linspace(-1.2e-7, 0.4e-7, 13):
        text = dose("200 mg", target="gut", at="1 h") + again()
        text += rule(f"central > '{float(top * (1 + share))!r} mg/L'", GIVE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = sim.run(question(folder, text, end="24 h"))
        if not run.reliable:
            named.append(run.result.arms["main"].certificate.reason)
    assert named
    assert all("the two computations decide the rule 'rescue' differently at 2." in each for each in named)


ENDLESS = {
    "a level near the one that it falls to": (
        rule("central < '20 mg/L'", 'set = { central = "20.001 mg/L" }', every_time=True),
        r"the rule 'rescue' fired 40 times until .* h, as if for ever: say 'at_most'",
    ),
    "chattering": (
        rule("central < '20 mg/L'", 'set = { central = "20.0006 mg/L" }', every_time=True),
        r"the rule 'rescue' fires for ever \(chattering\): rules fired 30 times at about 0\.00\d+ h; ",
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_rule_that_fires_for_ever_is_ended_by_name(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MOST_FIRED", 40)
    text, message = ENDLESS[name]
    run = sim.run(question(folder, FIRST + text, end="24 h"))
    assert not run.ok
    assert re.search(f"FAILED, {message}", str(run))


def test_a_rule_is_exported_as_a_trigger(folder: Path) -> None:
    """One event for the first dose and one for the rule, however often it fires: another simulator finds the times."""
    path = question(folder, FIRST + again() + rule(LOW, GIVE, every_time=True), end="24 h", model_text=CLOCK)
    sim.export(path, out=folder / "x.xml")
    assert (folder / "x.xml").read_text(encoding="utf-8").count("<event ") == 2


def test_a_dose_of_a_rule_cannot_be_moved(folder: Path) -> None:
    path = question(folder, FIRST + again() + rule(LOW, GIVE), end="24 h", model_text=CLOCK)
    scenario = read_scenario(path)
    assert scenario.arms[0].doses[1].waiting
    assert "when a rule gives it" in str(sim.show(path))
    with pytest.raises(sim.InputError, match=r"'dose\.again\.at' cannot vary: a rule gives it"):
        sim.batch(path, vary=["dose.again.at"], measures={"at": "final(central)"})


WRONG = {
    "no dose": (again() + rule(LOW, 'give = "agian"'), "no dose 'agian' to give; did you mean 'again'?", 2),
    "no rule": (again(), "the dose 'again' has no at, and no rule gives it", 1),
    "a dose with a time": (rule(LOW, 'give = "drug"'), "gives the dose 'drug', which is given at times of its own", 1),
    "nothing done": (rule(LOW), "does nothing", 1),
    "no curve": (again() + rule("centrel < '20 mg/L'", GIVE), "did you mean 'central'?", 1),
    "another unit": (again() + rule("central < '20 mg'", GIVE), "which cannot be compared", 1),
    "no word for a dose": (rule(LOW, 'give = [["again"], 3]'), "no dose '['again']' to give", 2),
    "an empty table": (rule(LOW, "parameters = {}"), "does nothing", 1),
    "no volume": (rule(LOW, 'parameters = { V = "0 L" }'), "a volume must be above zero", 1),
    "two kinds": (rule(LOW, 'then = "skip"'), "has keys of two kinds", 1),
    "no parameter": (rule(LOW, 'parameters = { Cl2 = "1 L/h" }'), "Cl2", 1),
    "a level of another unit": (rule(LOW, 'set = { central = "1 mg" }'), "wrong unit: expected central in mg/L", 1),
    "a level below zero": (rule(LOW, 'set = { central = "-1 mg/L" }'), "central cannot be negative", 1),
    "no species": (rule(LOW, 'set = { CL = "1 L/h" }'), "CL", 1),
    "how often": (again() + rule(LOW, GIVE, 'fires = "evry time"'), "did you mean 'every time'?", 1),
    "once and twice": (again() + rule(LOW, GIVE, "at_most = 2"), "it fires once; for more often say", 1),
    "lasting alone": (again() + rule(LOW, GIVE, 'lasting = "5 h"'), "only 'parameters' last for a time", 1),
    "a steady state": (again(every="1 h") + "steady_state = true\n" + rule(LOW, GIVE), "it has no 'at'", 1),
    "two at once": (
        again() + rule("centrel < '20 mg/L'", GIVE) + rule("central < '20 mg'", GIVE, name="other"),
        "did you mean 'central'?",
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_told_at_once(name: str, folder: Path) -> None:
    text, message, count = WRONG[name]
    with pytest.raises(sim.InputError) as caught:
        sim.run(question(folder, FIRST + text, model_text=CLOCK))
    assert len(caught.value.faults) == count, caught.value
    assert message in str(caught.value)
