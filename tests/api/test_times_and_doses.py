"""Times and doses as people write them, on both engines, in runs and in sweeps: value, message and exit code."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli

MODEL = """
title = "A drug that stays in its volume"
time_unit = "TIME_UNIT"

[species]
C = { label = "drug", unit = "mg/L", initial = 0, scale = 1, volume = "V" }

[parameters]
V = { label = "volume", value = 10, unit = "L", source = "assumed", status = "assumed: an example" }
CL = { label = "clearance", value = 0, unit = "L/h", source = "assumed", status = "assumed: an example" }
body_weight = { label = "body weight", value = 70, unit = "kg", source = "assumed", status = "assumed: an example" }

[reactions]
elimination = { equation = "C ->", rate = "CL * C", source = "assumed" }

[observables]
amount = { label = "drug in the body", unit = "mg", value = "V * C" }
"""


@pytest.fixture(params=["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def ask(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``ask(text, end="12 d", every="1 h", unit="d")`` writes a scenario on each engine, and gives its file."""
    monkeypatch.setenv("IMMUNESIM_ENGINE", request.param)
    monkeypatch.chdir(tmp_path)

    def write(text: str, end: str, every: str = "", unit: str = "h") -> str:
        Path("model.toml").write_text(MODEL.replace("TIME_UNIT", unit))
        every = f'every = "{every}"\n' if every else ""
        Path("s.toml").write_text(f'title = "s"\nmodel = "model.toml"\n[time]\nend = "{end}"\n{every}{text}')
        return "s.toml"

    return write


def dose(at: str, more: str = "", name: str = "d", amount: str = "10 mg") -> str:
    return f'[[dose]]\nname = "{name}"\ntarget = "C"\namount = "{amount}"\nat = "{at}"\n{more}\n'


def members() -> list[dict[str, str]]:
    with Path("out/members.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("unit", "end", "every", "at", "interval", "count", "times"),
    [
        ("d", "12 d", "1 h", "7 d", "8 h", 12, 289),
        ("d", "12 d", "1 h", "160 h", "8 h", 12, 289),
        ("d", "3 d", "20 min", "1 h", "20 min", 100, 217),
        ("h", "1 d", "6 min", "0.1 h", "0.1 h", 200, 241),
        ("min", "7 h", "0.7 min", "0.7 min", "2.1 min", 150, 601),
        ("s", "1 h", "0.9 s", "2.7 s", "0.0005 h", 900, 4001),
    ],
)
def test_arms_that_are_saved_at_the_times_of_doses_join_without_holes(
    ask: Any, unit: str, end: str, every: str, at: str, interval: str, count: int, times: int
) -> None:
    text = dose(at, f'every = "{interval}"\ncount = {count}') + '[arms.untreated]\nwithout = ["d"]\n'
    run = sim.run(ask(text, end, every, unit), certify=False)
    outer, inner = run.to_xarray("C"), run.to_xarray("C", join="inner")
    assert (outer.sizes["time"], inner.sizes["time"]) == (times, times)
    assert not np.isnan(outer.C.values).any()
    assert run.measure("final(amount)") == pytest.approx(10 * count)


@pytest.mark.parametrize(
    ("at", "interval", "asked", "given"),
    [
        ("0.1 h", "0.1 h", "0.2 h", 2),
        ("0.1 h", "0.1 h", "0.3 h", 3),
        ("0.1 h", "0.1 h", "18 min", 3),
        ("6 min", "6 min", "0.3 h", 3),
        ("0.1 h", "0.1 h", "1080 s", 3),
        ("0.1 h", "0.1 h", "1079.99 s", 2),
        ("0.7 h", "0.7 h", "2.1 h", 3),
        ("0.7 h", "0.7 h", "126 min", 3),
        ("0.1 h", "0.2 h", "0.7 h", 4),
        ("0.3 h", "0.3 h", "0.9 h", 3),
        ("20 min", "20 min", "1 h", 3),
    ],
)
def test_a_value_at_the_time_of_a_dose_is_the_value_after_it(
    ask: Any, at: str, interval: str, asked: str, given: int
) -> None:
    file = ask(dose(at, f'every = "{interval}"\ncount = 4'), "3 h")
    assert sim.run(file, certify=False).measure(f"at(amount, '{asked}')") == pytest.approx(10 * given)


def test_a_value_at_the_time_of_a_dose_is_the_value_after_it_in_members_too(ask: Any) -> None:
    file = ask(dose("0.1 h", 'every = "0.1 h"\ncount = 4'), "3 h")
    times = {"0.2 h": 2, "0.3 h": 3, "18 min": 3, "1080 s": 3, "1079.99 s": 2}
    measures = [f"at(amount, '{time}')" for time in times]
    swept = sim.sweep(file, vary={"V": ["5 L", "20 L"]}, measures=measures, workers=1)
    for row in swept.result.measures[:, 0]:
        assert row.tolist() == pytest.approx([10 * given for given in times.values()])


@pytest.mark.parametrize("name", ["IL-2 0.5", "0.5", "a.b.c", "at.amount", "dose.d", "1.5 MIU/m2 (day 1)"])
def test_a_dose_whose_name_has_dots_is_set_and_varied(ask: Any, name: str) -> None:
    file = ask(dose("0 h", name=name) + dose("0 h", name="other"), "2 h")
    key = f"dose.{name}.amount"
    assert cli.main(["run", file, "--set", f"{key}=5 mg", "--no-plots", "--out", "one"]) == 0
    assert sim.run(file, set={key: "5 mg"}).measure("final(amount)") == pytest.approx(15)
    assert sim.run("one/scenario.toml").measure("final(amount)") == pytest.approx(15)
    if name == "IL-2 0.5":
        other = {"dose.other.amount": "1 mg"}
        swept = sim.sweep(file, vary={key: ["5 mg", "7 mg"]}, measures="final(amount)", set=other, workers=1)
        assert swept["final(amount)"].tolist() == pytest.approx([6, 8])


def test_a_dose_that_is_not_there_is_refused_with_the_nearest(ask: Any, capsys: Any) -> None:
    file = ask(dose("0 h", name="IL-2 0.5"), "2 h")
    assert cli.main(["run", file, "--set", "dose.IL-2 0.4.amount=5 mg", "--out", "out"]) == 2
    assert "did you mean 'dose.IL-2 0.5.amount'?" in capsys.readouterr().err


CHANGES = """
[[change]]
while = ["5 h", "11 h"]
parameters = { CL = "3 L/h" }
[[change]]
at = "8 h"
parameters = { V = "4 L" }
"""


@pytest.mark.parametrize("axis", ["change.1.at", "change.2.at"])
def test_a_change_that_falls_behind_a_moved_end_is_named_where_it_varies(ask: Any, axis: str, capsys: Any) -> None:
    sweep = (
        f'[sweep]\n[[sweep.vary]]\nparameter = "{axis}"\nvalues = ["1 h", "3 h"]\n[sweep.measures]\ntop = "max(C)"\n'
    )
    file = ask(dose("2 h") + CHANGES + sweep, "24 h")
    assert cli.main(["sweep", file, "--set", "time.end=4 h", "--out", "out", "--no-plots"]) == 3
    said = capsys.readouterr().err
    start = "5 h" if "1" in axis else "8 h"
    assert f"change {axis[7]} starts at {start}, not before the end of the run, 4 h, and was left out" in said
    assert f"so '{axis}' cannot vary" in said
    assert not Path("out").exists()


def test_infusions_that_vary_together_are_held_each_against_its_own_interval(ask: Any, capsys: Any) -> None:
    text = dose("0 h", 'over = "1 h"\nevery = "2 h"\ncount = 4') + (
        '[sweep]\nsample = "zip"\n[[sweep.vary]]\nparameter = "dose.d.over"\nvalues = ["1 h", "8 h", "5 h"]\n'
        '[[sweep.vary]]\nparameter = "dose.d.every"\nvalues = ["2 h", "12 h", "3 h"]\n'
        '[sweep.measures]\namount = "final(amount)"\ntop = "max(C)"\n'
    )
    file = ask(text, "48 h")
    assert cli.main(["sweep", file, "--out", "out", "--workers", "1", "--no-plots"]) == 1  # the last cannot be
    capsys.readouterr()
    rows = members()
    assert [row["outcome"] == "success" for row in rows] == [True, True, False]
    assert rows[2]["outcome"] == "an infusion of 'd' of 5 h is longer than its interval, 3 h"
    assert [float(row["amount [mg]"]) for row in rows[:2]] == pytest.approx([40, 40])
    assert rows[2]["amount [mg]"] == ""


@pytest.mark.parametrize(("volume", "back"), [("20 L", False), ("5 L", False), ("20 L", True)])
@pytest.mark.parametrize("over", ["", 'over = "2 h"'])
def test_an_amount_stays_when_its_volume_changes(ask: Any, volume: str, back: bool, over: str) -> None:
    when = 'while = ["1 h", "3 h"]' if back else 'at = "1 h"'
    file = ask(dose("0 h", over, amount="100 mg") + f'[[change]]\n{when}\nparameters = {{ V = "{volume}" }}\n', "4 h")
    run = sim.run(file, certify=False)
    given = np.clip(run.times / 2, 0, 1) * 100 if over else np.full(len(run.times), 100.0)
    np.testing.assert_allclose(run["amount"], given, rtol=1e-9, atol=1e-9)
    assert [row["delivered"] for row in run.ledger] == [100]
    if over and back:
        swept = sim.sweep(file, vary={"V": ["10 L", "40 L"]}, measures="final(amount)", keep="amount", workers=1)
        assert swept["final(amount)"].tolist() == pytest.approx([100, 100])
        assert swept.output.read_curves()[:, 0, 0, -1] == pytest.approx([100, 100])


def test_times_that_a_program_wrote_are_those_that_are_meant(ask) -> None:
    steps = [0.1 * number for number in range(1, 11)]  # 0.30000000000000004 among them
    file = ask("".join(dose(f"{at} h", name=f"d{number}") for number, at in enumerate(steps)), "1.05 h", "0.1 h")
    run = sim.run(file)
    assert [float(run.measure(f"at(amount, '{6 * number} min')")) for number in range(1, 11)] == pytest.approx(
        [10.0 * number for number in range(1, 11)]
    )
    assert float(run.measure("before(amount, '0.3 h')")) == pytest.approx(20.0)
    assert (np.diff(run.times) > 0.04).all()
    found = sim.sweep(file, vary={"dose.d0.at": f"{3 * 0.1} h,{7 * 0.1} h"}, measures={"a": "at(amount, '0.3 h')"})
    assert found["a"].tolist() == pytest.approx([30.0, 20.0])
