"""`fit` as a command and from Python: what it writes can be run, and what it cannot do is said."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import immunesim as sim
import pytest
from immunesim.cli import main
from immunesim.runtime.exit_codes import BAD_FILE, DONE, SOLVER_FAILED, USAGE

SCENARIO = """
title = "Two doses"
model = "toy_model.toml"
[time]
end = "12 h"
[parameters]
k_absorb = "0.3 1/h"
[[dose]]
name = "push"
target = "drug"
amount = "100 pmol"
at = "1 h"
[arms.twice]
dose.push.amount = "800 pmol"
[[data]]
name = "levels"
curve = "drug"
unit = "pM"
sd = "1 pM"
source = "mine"
points = [{ time = "2 h", value = 61 }, { time = "3 h", value = 36.1 }, { time = "5 h", value = 14 }]
[[data]]
name = "of the arm"
arm = "twice"
curve = "drug"
unit = "pM"
error = "proportional"
cv = 0.05
points = [{ time = "2 h", value = 122 }, { time = "4 h", value = 45 }, { time = "8 h", value = "<8" }]
[sources.mine]
title = "Our clinic"
[[fit.estimate]]
parameter = "k_clear"
from = "0.05 1/h"
to = "5 1/h"
[[fit.estimate]]
parameter = "dose.push.amount"
from = "10 pmol"
to = "4 nmol"
[[fit.estimate]]
parameter = "initial.cells"
from = "1 cells/uL"
to = "10 cells/uL"
"""


@pytest.fixture
def path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    (folder / "two.toml").write_text(SCENARIO, encoding="utf-8")
    return "two.toml"


def test_what_is_written_can_be_run(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["fit", path, "--starts", "4", "--profile", "--bootstrap", "5", "--out", "out", "--format", "png"]) == DONE
    )
    said = capsys.readouterr().out
    assert "two: 3 values fitted to 6 points of 2 data" in said
    assert "initial.cells cannot be told from these data: no datum depends on it." in said
    written = {each.name for each in Path("out").iterdir()}
    tables = {"estimates.csv", "residuals.csv", "starts.csv", "profiles.csv", "bootstrap.csv"}
    figures = {"fit.png", "goodness.png", "profiles.png", "starts.png"}
    assert {"fitted.toml", "scenario.toml", "model.toml", "summary.json"} | tables | figures <= written
    summary = json.loads(Path("out/summary.json").read_text(encoding="utf-8"))
    lines = Path("out/estimates.csv").read_text(encoding="utf-8").splitlines()
    rows = {row["name"]: row for row in csv.DictReader(lines)}
    for each in summary["estimates"]:
        assert float(rows[each["name"]]["estimate"]) == each["estimate"]
    text = Path("out/fitted.toml").read_text(encoding="utf-8")
    assert "# status: derived: fit; standard error" in text
    fitted = sim.run("out/fitted.toml").result
    assert fitted.scenario.parameters(fitted.scenario.arm("main"))["k_clear"] == summary["estimates"][0]["estimate"]
    assert fitted.scenario.arm("main").parameters["k_absorb"] == 0.3
    assert fitted.scenario.arm("twice").doses[0].amount == 800
    for data, simulated in zip(summary["data"], fitted.data, strict=True):
        assert simulated.simulated == pytest.approx([point["simulated"] for point in data["points"]], rel=1e-4)


def test_python_says_what_the_command_says(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = sim.fit(path, starts=3, set={"k_absorb": "0.4 1/h"})
    assert main(["fit", path, "--starts", "3", "--set", "k_absorb=0.4 1/h"]) == DONE
    assert capsys.readouterr().out == f"{found}\n"
    assert "Changed in all arms: k_absorb = 0.4 1/h." in str(found)
    assert main(["fit", path, "--starts", "3", "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert {each["name"]: each["estimate"] for each in document["estimates"]} == found.estimates
    assert list(found.to_pandas()["name"]) == ["k_clear", "dose.push.amount", "initial.cells"]
    assert "<table>" in found._repr_html_()
    assert len(found.data) == 6
    assert list(found.figures()) == ["fit", "goodness", "starts"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["fit", "two.toml", "--starts", "0"], USAGE, "expected 1 to 10,000 starts, found 0"),
        (["fit", "two.toml", "--bootstrap", "1"], USAGE, "expected 2 to 100,000 samples, found 1"),
        (["fit", "two.toml", "--seed", "-1"], USAGE, "expected a seed of 0 or more"),
        (["fit", "acute_infection"], USAGE, "acute_infection has no [fit]: say what is estimated"),
        (["fit", "two.toml", "--out", "two.toml"], BAD_FILE, "two.toml is a file, not a folder"),
    ],
)
def test_what_cannot_be_done_is_said(
    path: str, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    assert message in capsys.readouterr().err


def test_no_start_that_can_be_simulated(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(path).write_text(SCENARIO.replace('"levels"\ncurve = "drug"', '"levels"\ncurve = "drug / at(depot, \'0 h\')"')
                          .replace('unit = "pM"\nsd = "1 pM"', 'unit = "pM/pmol"\nsd = "1 pM/pmol"', 1))  # fmt: skip
    assert main(["fit", path, "--starts", "2"]) == SOLVER_FAILED
    assert "no start could be simulated: a curve has no value" in capsys.readouterr().err


def test_a_run_to_an_earlier_end_does_without_a_fit(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Only `fit` needs the data that are left out."""
    assert main(["run", path, "--set", "time.end=1.5 h", "--no-plots", "--out", "short"]) == DONE
    capsys.readouterr()
    assert main(["fit", path, "--set", "time.end=1.5 h"]) == USAGE
    assert "3 values cannot be estimated from 0 points" in capsys.readouterr().err
    assert main(["fit", path, "--set", "time.end=3.5 h", "--starts", "2"]) == DONE
    assert "3 values fitted to 3 points" in capsys.readouterr().out


def test_a_prediction_has_the_interval_that_the_fit_leaves(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a curve in another arm, at a time: its interval is that of its logarithm, by the slopes and the covariance."""
    more = '[[fit.predict]]\ncurve = "drug"\narm = "twice"\nat = "6 h"\n'
    text = SCENARIO.replace(
        '[[fit.estimate]]\nparameter = "initial.cells"\nfrom = "1 cells/uL"\nto = "10 cells/uL"\n', more
    )
    Path(path).write_text(text, encoding="utf-8")
    found = sim.fit(path, starts=3)
    k = found.result.values[0]
    value = 200.0 * math.exp(-k * 5)
    [told] = found.predicted
    assert told.value == pytest.approx(value, rel=1e-5)
    error = found.result.uncertainty.errors[0]  # of k; the arm sets its own amount
    factor = math.exp(found.result.uncertainty.quantile * 5 * error)
    assert (told.low, told.high) == pytest.approx((value / factor, value * factor), rel=1e-3)
    assert f"Predicted, arm twice: drug is {value:.3g} pM at 6 h (95 % interval " in str(found)
    assert found.document["predictions"][0]["value"] == told.value
    assert found.document["predictions"][0]["unit"] == "pM"
    Path(path).write_text(text.replace('arm = "twice"\nat = "6 h"', 'arm = "twise"\nat = "6 mg"'), encoding="utf-8")
    assert main(["fit", path]) == BAD_FILE
    said = capsys.readouterr().err
    assert "no arm 'twise'; did you mean 'twice'?" in said
    assert "6 mg" in said


def test_what_is_wrong_with_data_and_ranges_is_said_at_once(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A curve that is none, a time outside the run and an empty range; too few points are no news then."""
    text = SCENARIO.replace('"levels"\ncurve = "drug"', '"levels"\ncurve = "drg"').replace(
        'time = "5 h"', 'time = "50 h"'
    )
    Path(path).write_text(text.replace('to = "5 1/h"', 'to = "0.05 1/h"'), encoding="utf-8")
    assert main(["fit", path]) == BAD_FILE
    said = capsys.readouterr().err
    assert "no species or observable 'drg'; did you mean 'drug'?" in said
    assert "the time 50 h lies outside the run, 0 to 12 h" in said
    assert "the range is empty: it goes from 0.05 to 0.05 1/h" in said
    assert said.count("error: ") == 3
