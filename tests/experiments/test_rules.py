"""Rules that decide about doses, against a patient with one compartment who is treated by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.cli.program import main
from immunesim.files.results.sweep_identity import identity_of, identity_parts
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.model_file import find_model, read_model
from immunesim.files.toml.other_model import asked_of
from immunesim.files.toml.scenario_file import read_scenario

from tests.experiments.test_regimens import ONE, K, V, dose, question

LEVEL = 28.0  # mg/L


def rule(then: str, condition: str = "central > '28 mg/L'", name: str = "hold", **more: object) -> str:
    lines = [f'name = "{name}"', 'check_before = "drug"', f'if = "{condition}"', f'then = "{then}"']
    lines += [f"{key} = {value!r}".replace("'", '"') for key, value in more.items()]
    return "[[rule]]\n" + "\n".join(lines) + "\n"


COURSE = dose(at="1 h", every="1 h", count=10)  # 25 mg/L each


Given = list[tuple[float, float]]  # times, and how much in mg


def level(given: Given, t: float) -> float:
    """Plasma just before t."""
    return sum(amount / V * math.exp(-K * (t - at)) for at, amount in given if at < t)


def by_hand(act: Callable[[Given, float, list[float]], bool], at_most: int = 99) -> Given:
    """The doses of `COURSE`: act(given, t, later) deals with a dose at t that is too early."""
    given: Given = []
    later = [float(hour) for hour in range(1, 11)]
    done = 0
    while later:
        t = later.pop(0)
        if t >= 24.0:
            break
        if level(given, t) > LEVEL and done < at_most:
            done += 1
            if not act(given, t, later):
                break
        else:
            given.append((t, 100.0))
    return given


def skip(given: Given, t: float, later: list[float]) -> bool:
    return True


def half(given: Given, t: float, later: list[float]) -> bool:
    given.append((t, 50.0))
    return True


def stop(given: Given, t: float, later: list[float]) -> bool:
    return False


def delay(given: Given, t: float, later: list[float]) -> bool:
    later[:] = [t + 0.4, *(each + 0.4 for each in later)]
    return True


CASES = {
    "skip": (rule("skip"), by_hand(skip)),
    "a part": (rule("50 %"), by_hand(half)),
    "stop": (rule("stop"), by_hand(stop)),
    "delay": (rule("delay 24 min"), by_hand(delay)),
    "skip twice at most": (rule("skip", at_most=2), by_hand(skip, 2)),
    "delay three times at most": (rule("delay 24 min", at_most=3), by_hand(delay, 3)),
    "another unit": (rule("skip", "'28 ug/mL' < central"), by_hand(skip)),
    "both of two": (rule("skip", "central > '28 mg/L' and gut < '1 mg'"), by_hand(skip)),
    "one of two": (rule("skip", "gut > '1 mg' or not central <= '28 mg/L'"), by_hand(skip)),
    "with arithmetic": (rule("skip", "2 * central - central / 2 > '42 mg/L'"), by_hand(skip)),
    "a chain": (rule("skip", "'28 mg/L' < central <= '1 g/L'"), by_hand(skip)),
    "never": (rule("skip", "central > '4 g/L'"), [(float(hour), 100.0) for hour in range(1, 11)]),
    "the first rule counts": (rule("50 %") + rule("skip", name="later"), by_hand(half)),
}


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_doses_are_given_as_by_hand(name: str, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "scipy":
        monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    text, given = CASES[name]
    run = sim.run(question(folder, COURSE + text, end="24 h"))
    wanted = [level(given, t + 1e-9) for t in run["time"]]
    np.testing.assert_allclose(run["central"], wanted, rtol=2e-6, atol=1e-6)
    (line,) = run.ledger
    assert line["delivered"] == pytest.approx(sum(amount for _, amount in given))
    assert line["given"] == len(given)
    assert line["ordered"] == line["delivered"] + line["held"] + line["remaining"]
    assert run.reliable


def test_the_rules_by_hand_do_decide() -> None:
    assert [len(given) for _, given in CASES.values()] == [7, 10, 3, 10, 8, 10, 7, 7, 7, 7, 7, 10, 10]


def test_a_run_tells_what_its_rules_did(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = question(folder, COURSE + rule("skip") + "[arms.free]\nwithout = ['hold']\n", end="24 h")
    assert main(["run", path, "--out", str(folder / "out"), "--report", "--no-plots"]) == 0
    said = capsys.readouterr().out
    run = sim.run(path)
    skipped = [each.number for each in run.result.arms["main"].decisions]
    assert f"drug → central: {10 - len(skipped)} of 10 doses" in said
    assert f"hold: skipped {len(skipped)} doses of drug ({skipped[0]} at {skipped[0]} h, " in said
    assert "drug → central: 10 of 10 doses" in said  # of the arm without the rule
    page = (folder / "out" / "report.html").read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert f"skipped {len(skipped)} doses of drug" in page
    again = sim.run(folder / "out" / "scenario.toml")
    assert again.result.arms["main"].decisions == run.result.arms["main"].decisions


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("stop", "hold: stopped drug, from dose 4 at 4 h on"),
        ("50 %", "hold: gave 50 % of 4 doses of drug (4 at 4 h, 6 at 6 h, "),
        ("delay 24 min", "hold: delayed by 0.4 h "),
    ],
)
def test_each_kind_of_decision_has_its_words(then: str, told: str, folder: Path) -> None:
    assert told in str(sim.run(question(folder, COURSE + rule(then), end="24 h")))


def test_members_decide_for_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = question(folder, COURSE + rule("skip"), end="24 h")

    def last() -> np.ndarray:
        f = sim.batch(path, vary=["dose.drug.amount"], measures={"at": "before(central, '10.5 h')"})
        return f([[100.0], [1.0], [80.0]]).measures["at"]

    def wanted(amount: float) -> float:
        given: Given = []
        for hour in range(1, 11):
            given += [] if level(given, hour) > LEVEL else [(float(hour), amount)]
        return level(given, 10.5)

    expected = [wanted(amount) for amount in (100.0, 1.0, 80.0)]
    np.testing.assert_allclose(last(), expected, rtol=1e-6)
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    np.testing.assert_allclose(last(), expected, rtol=1e-6)


def test_a_sweep_with_another_rule_or_input_is_another(folder: Path) -> None:
    points = '[inputs.ka]\npoints = [{ time = "0 h", value = "1 1/h" }]\n'
    texts = [COURSE, COURSE + rule("skip"), COURSE + rule("skip", at_most=1), COURSE + points]
    vary = '[[sweep.vary]]\nparameter = "CL"\nvalues = ["1 L/h"]\n'
    scenarios = [read_scenario(question(folder, text + vary)) for text in texts]
    assert len({identity_of(identity_parts(each)) for each in scenarios}) == len(texts)


def test_a_model_without_what_a_rule_looks_at_is_not_asked() -> None:
    scenario = read_scenario(builtin_scenarios()["il2_doses_held"])
    core = read_model(find_model("core", Path()))
    assert asked_of(scenario, core, "core") is None


def test_a_rule_that_is_decided_within_the_error_is_told(folder: Path) -> None:
    exactly = level([(1.0, 100.0)], 2.0)
    text = dose(at="1 h", every="1 h", count=2) + rule("skip", f"central > '{exactly!r} mg/L'")
    with pytest.warns(UserWarning, match="NOT RELIABLE"):
        run = sim.run(question(folder, text, end="24 h"))
    assert not run.reliable
    assert "the rule 'hold' is decided at 2 h within the error" in run.result.arms["main"].certificate.reason


def test_a_rule_that_goes_on_for_ever_is_ended_by_name(folder: Path) -> None:
    text = COURSE + rule("delay 1 s", "gut >= '0 mg'")
    run = sim.run(question(folder, text, end="24 h"))
    assert not run.ok
    assert "FAILED, the rule 'hold' decided 1,000 times, as if for ever: say 'at_most'" in str(run)


WRONG = {
    "no dose": (COURSE + rule("skip").replace('"drug"', '"durg"'), "no dose 'durg' to look at; did you mean 'drug'?"),
    "no curve": (COURSE + rule("skip", "centrel > '4 mg/L'"), "did you mean 'central'?"),
    "another unit": (COURSE + rule("skip", "central > '4 mg'"), "which cannot be compared"),
    "no unit": (COURSE + rule("skip", "central > 4"), "a quantity stands in quotes with its unit: '4 ...'"),
    "no comparison": (COURSE + rule("skip", "central"), "expected a comparison such as"),
    "no curve at all": (COURSE + rule("skip", "1 > 2"), "no curve is compared in 1 > 2"),
    "equal": (COURSE + rule("skip", "central == gut"), "a condition compares by < <= > >="),
    "nonsense": (COURSE + rule("skip", "central >"), "not a condition"),
    "another action": (COURSE + rule("skp"), "did you mean 'skip'?"),
    "more than all": (COURSE + rule("150 %"), "expected 'skip', 'stop', a delay such as"),
    "no delay": (COURSE + rule("delay 0 h"), "expected a time above zero"),
    "never at all": (COURSE + rule("skip", at_most=0), "at most, from 1, found 0"),
    "two of a name": (COURSE + rule("skip") + rule("stop"), "two rules are named 'hold'"),
    "a steady state": (dose(every="1 h") + "steady_state = true\n" + rule("skip"), "leave out one"),
    "a crossing": (COURSE + rule("skip", when="central > 3"), "has keys of two kinds"),
    "no condition": (COURSE + rule("skip").replace("if = ", "when = "), "has keys of two kinds"),
    "nothing": (COURSE + '[[rule]]\nname = "hold"\n', "has no 'check_before': it says"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_one_fault(name: str, folder: Path) -> None:
    text, message = WRONG[name]
    with pytest.raises(sim.InputError) as caught:
        sim.run(question(folder, text))
    assert len(caught.value.faults) == 1, caught.value
    assert message in str(caught.value)


def test_an_arm_is_exported_with_every_dose_that_its_rules_decide_about(folder: Path) -> None:
    """Ten doses, which another simulator gives or holds, and the start; a rule that decides for ever is refused."""
    sim.export(question(folder, COURSE + rule("skip"), model_text=ONE), out=folder / "x.xml")
    assert (folder / "x.xml").read_text(encoding="utf-8").count("<event ") == 1 + 10
    endless = question(folder, COURSE + rule("delay 1 s", "gut >= '0 mg'"))
    with pytest.raises(sim.InputError, match="as if for ever"):
        sim.export(endless, out=folder / "y.xml")
