"""What failed is no number: no zero, nothing that is met, no member of a mean."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli

from tests.silent.tables import GROWING, rows_of
from tests.toys import SCENARIO


def test_a_member_that_failed_is_no_number_anywhere(toy: str) -> None:
    """Of three members one goes to infinity: it has no measure, is in no mean and in no band, and is counted."""
    text = Path("toy_model.toml").read_text()
    Path("toy_model.toml").write_text(text.replace('rate = "k_clear * drug"', GROWING))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        swept = sim.sweep(
            toy,
            vary={"dose.push.amount": ["0.001 pmol", "400 pmol", "0.002 pmol"]},
            measures=["max(drug)"],
            set=["dose.drip.amount=0 IU/kg"],
            keep="drug",
            out="out",
        )
    failed = np.isnan(swept["max(drug)"])
    assert failed.tolist() == [False, True, False]
    assert not swept.ok
    summary = json.loads(Path("out/summary.json").read_text())
    assert summary["members"]["failed"] == 1
    assert summary["measures"][0]["members"] == 2
    good = swept["max(drug)"][~failed]
    assert summary["measures"][0]["median"] == np.median(good)
    np.testing.assert_array_equal(
        swept.result.bands["main", "drug"][2], np.median(swept.output.read_curves()[~failed, 0, 0], axis=0)
    )
    rows = rows_of("out/members.csv")
    assert [row["max(drug) [pM]"] == "" for row in rows] == [False, True, False]
    assert rows[1]["outcome"] not in ("", "success")
    frame = swept.to_pandas()
    assert frame["failed"].tolist() == [False, True, False]
    assert frame["max(drug)"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("bounds", ["below = 1e300", "above = -1", "between = [0, 1e300]"])
def test_a_failed_run_meets_no_expectation(toy: str, bounds: str, capsys: Any) -> None:
    text = Path("toy_model.toml").read_text()
    Path("toy_model.toml").write_text(text.replace('rate = "k_clear * drug"', GROWING))
    Path(toy).write_text(SCENARIO.replace("between = [50, 500]", bounds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = sim.run(toy)
    assert not run.ok
    assert [each.met for each in run.result.verdicts] == [False]
    assert run.expectations[0]["verdict"] != "met"
    assert math.isnan(run.measure("max(drug)"))
    assert cli.main(["evidence", toy]) == 1
    assert "0 of 1 expectation met" in capsys.readouterr().out
