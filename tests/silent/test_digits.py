"""Numbers are written with as many digits as they have."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest

from tests.silent.tables import floats, rows_of

LONG = "0.31415926535897931 1/h"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_folder_of_a_run_holds_every_digit(toy: str) -> None:
    run = sim.run(toy, set={"k_clear": LONG}, certify=False)
    summary = run.save("out", plots=False)
    for arm in run.arms:
        header, values = floats(Path("out") / ("trajectory.csv" if arm == "main" else f"trajectory.{arm}.csv"))
        expected = np.array([run["time", arm], *(run[name, arm] for name in run.names)]).T
        assert [column.split(" ")[0] for column in header] == ["time", *run.names]
        assert np.array_equal(values, expected)
    read = json.loads(Path("out/summary.json").read_text())
    assert read == summary
    for row in run.table("drug", "cells"):
        kept = read["arms"][row["arm"]]["measures"][row["name"]]
        assert [kept[key] for key in ("peak", "lowest", "final", "area")] == [
            row[key] for key in ("peak", "lowest", "final", "area")
        ]
    again = sim.read_scenario("out/scenario.toml")
    assert again.parameters(again.arm("main"))["k_clear"] == 0.31415926535897931
    assert np.array_equal(sim.run("out/scenario.toml", certify=False)["drug"], run["drug"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_folder_of_a_sweep_holds_every_digit(toy: str) -> None:
    third = "0.33333333333333331 1/h"
    swept = sim.sweep(
        toy, vary={"k_clear": [LONG, third]}, measures=["auc(drug)"], keep="drug", out="out", parquet=True
    )
    header, values = floats(Path("out/members.csv"))
    assert header == ["number", "k_clear [1/h]", "auc(drug) [pM*h]", "outcome"]
    assert values[:, 1].tolist() == swept["k_clear"].tolist() == [0.31415926535897931, 0.33333333333333331]
    assert values[:, 2].tolist() == swept["auc(drug)"].tolist()
    parquet = pytest.importorskip("pyarrow.parquet").read_table("out/members.parquet")
    assert parquet["auc(drug)"].to_pylist() == swept["auc(drug)"].tolist()
    _, bands = floats(Path("out/bands.csv"))
    assert np.array_equal(bands[:, 1:], swept.result.bands["main", "drug"].T)
    read = sim.sweep(toy, vary={"k_clear": [LONG, third]}, measures=["auc(drug)"], keep="drug", out="out")
    assert read.output.outcome.computed == 0
    assert read["auc(drug)"].tolist() == swept["auc(drug)"].tolist()
    assert np.array_equal(read.output.read_curves(), swept.output.read_curves())
    run = sim.run(toy, set={"k_clear": third}, certify=False)
    np.testing.assert_allclose(swept["auc(drug)"][1], run.measure("auc(drug)"), rtol=1e-5)


def test_other_tables_hold_every_digit(toy: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sim.compare(toy, out="compared")
        sim.explain(toy, "drug", out="explained")
        sim.evidence(toy, out="evidence")
        run = sim.run(toy)
    for row in rows_of("compared/comparison.csv"):
        if row["name"] == "drug":
            found = next(each for each in run.table("drug") if each["arm"] == row["arm"])
            assert [float(row[key]) for key in ("peak", "final", "area")] == [
                found[key] for key in ("peak", "final", "area")
            ]
    _, values = floats(Path("explained/explain.csv"))
    last = dict(zip(values[:, 0], values[:, 1], strict=True))  # at a jump the value after it
    shared = [(last[time], value) for time, value in zip(run.times, run["drug"], strict=True) if time in last]
    assert len(shared) > 5
    assert all(written == value for written, value in shared)
    (row,) = rows_of("evidence/evidence.csv")
    assert float(row["simulated"]) == run.measure("max(drug)") == run.expectations[0]["simulated"]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sbml_holds_the_digits_that_libsbml_writes(toy: str) -> None:
    """libSBML writes 15 digits, and reads them back as a number within a rounding error of them."""
    libsbml = pytest.importorskip("libsbml")
    sim.export(toy, out="out.xml", set={"k_clear": LONG, "body_weight": "77.123456789012345 kg"})
    model = libsbml.readSBMLFromFile("out.xml").getModel()
    for name, value in (("k_clear", 0.31415926535897931), ("body_weight", 77.123456789012345)):
        written = [each.getValue() for each in model.getListOfParameters() if each.getId().startswith(name)]
        assert any(abs(each / value - 1) < 1e-14 for each in written)
