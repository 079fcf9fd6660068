"""What cannot be computed is named, with its time and cause, wherever a result is shown."""

from __future__ import annotations

import json
import math
import pickle
import warnings
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.experiments.sweeps.statistics import measure_statistics

from tests.toys import RATIO_MODEL

SCENARIO = """
schema = 1
title = "A ratio that starts as 0/0"
model = "model.toml"
[time]
end = "4 h"
[[expect]]
id = "mean"
that = "mean ratio"
measure = "mean(ratio)"
above = 0
unit = "1"
source = "assumed"
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ratio")
    (folder / "model.toml").write_text(RATIO_MODEL, encoding="utf-8")
    (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return folder / "scenario.toml"


def test_a_run_names_observables_that_are_no_numbers(path: Path, tmp_path: Path) -> None:
    run = sim.run(path)
    assert run.ok
    ratio, pole = run.undefined
    assert (ratio["arm"], ratio["name"], ratio["time"], ratio["cause"]) == ("main", "ratio", 0.0, "0/0")
    assert (pole["name"], pole["cause"]) == ("pole", "2/0")
    assert pole["time"] == pytest.approx(2.0, abs=1e-6)
    assert "ratio is undefined: 0/0 at 0 h" in str(run)
    assert "sound" not in str(run)
    summary = run.save(tmp_path / "out", plots=False)
    assert [each["name"] for each in summary["arms"]["main"]["undefined"]] == ["ratio", "pole"]
    (expectation,) = summary["expectations"]
    assert (expectation["simulated"], expectation["reason"]) == (None, "undefined: ratio is 0/0 at 0 h")
    measures = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["arms"]["main"]["measures"]
    assert measures["ratio"]["area"] is None
    assert measures["ratio"]["reason"] == "undefined: ratio is 0/0 at 0 h"
    assert measures["ratio"]["final"] == pytest.approx(0.5)
    assert measures["sound"]["reason"] == ""
    assert "undefined: ratio is 0/0 at 0 h" in str(run.table("ratio"))
    assert "undefined: ratio is 0/0 at 0 h" in str(run.expectations)
    report = run.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "ratio is undefined: 0/0 at 0 h" in report.replace("\N{NO-BREAK SPACE}", " ")


def test_a_measure_says_why_it_has_no_value_and_survives_a_pickle(path: Path) -> None:
    run = sim.run(path)
    for formula, shown in {
        "auc(ratio)": "undefined: ratio is 0/0 at 0 h",
        "max(ratio, '1 h', '2 h')": "0.5",
        "first_above(sound, '100 mg')": "never",
        "max(sound) / min(sound)": "undefined: a division by zero",
    }.items():
        found = pickle.loads(pickle.dumps(run.measure(formula)))
        assert str(found) == shown
        assert found.reason == (shown if math.isnan(found) else "")


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_sweep_counts_what_never_happens_apart_from_what_is_undefined(
    path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    measures = {
        "mean": "mean(ratio)",
        "last": "final(ratio)",
        "when": "first_above(sound, '10 mg')",
        "half": "half_life(A, '1 h', '3 h')",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that SciPy computes it
        found = sim.sweep(path, vary={"k": "0.5 mg/h,1 mg/h,2 mg/h"}, measures=measures, workers=1)
    rows = {each.id: each for each in measure_statistics(found.result)}
    assert [(each.never, each.undefined, each.why_undefined) for each in rows.values()] == [
        (0, 3, "ratio is 0/0 at 0 h in member 0"),
        (0, 0, ""),
        (1, 0, ""),
        (0, 3, "no exponential fall"),
    ]
    np.testing.assert_allclose(found.result.measures[:, 0, 1], 0.5, rtol=1e-6)
    assert "no exponential fall" in str(found)


def test_members_say_the_cause_that_a_run_says(path: Path, tmp_path: Path) -> None:
    measures = {"mean": "mean(ratio)", "pole": "max(pole)", "cut": "half_life(A, '0 h', '3 h')"}
    found = sim.sweep(path, vary={"T": "1 h,2 h,9 h"}, measures=measures, workers=1, out=tmp_path / "kept")
    why = {each.id: each.why_undefined for each in measure_statistics(found.result)}
    assert why["mean"] == "ratio is 0/0 at 0 h in member 0"
    assert f"undefined: {why['pole']}" == f"{sim.run(path, set={'T': '1 h'}).measure('max(pole)').reason} in member 0"
    assert why["cut"] == "the level is 0 at 0 h in member 0"
    assert "ratio is 0/0 at 0 h" in str(found)
    kept = json.loads((tmp_path / "kept" / "summary.json").read_text(encoding="utf-8"))
    assert kept["measures"][0]["why_undefined"] == "ratio is 0/0 at 0 h in member 0"
    f = pickle.loads(pickle.dumps(sim.batch(path, vary=["T"], measures=measures)))
    rows = pickle.loads(pickle.dumps(f([[9.0], [2.0]])))
    assert [rows.why("mean", 0), rows.why("pole", 0)] == ["undefined: ratio is 0/0 at 0 h", ""]
    assert rows.why("pole", 1) == sim.run(path).measure("max(pole)").reason


def test_a_comparison_says_why_a_curve_has_no_measures(path: Path) -> None:
    assert "undefined: ratio is 0/0 at 0 h" in str(sim.compare(path, set={"k": "2 mg/h"}, of="ratio"))
