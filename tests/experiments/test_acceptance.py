"""A population is accepted so that its measures have published means, spreads and correlations."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.cli import main
from immunesim.experiments.sweeps.acceptance import tilted
from immunesim.runtime.errors import InputError
from immunesim.runtime.exit_codes import DONE
from immunesim.views.figures.sweep.accepted import accepted as accepted_figure

PATIENTS = """
title = "Patients of a trial"
model = "toy_model.toml"
[time]
end = "4 h"
[initial]
drug = "100 pM"
[population]
count = 1000
[[population.vary]]
parameter = "k_clear"
distribution = "loguniform"
from = "0.25 1/h"
to = "1 1/h"
[[population.vary]]
parameter = "initial.drug"
distribution = "loguniform"
from = "20 pM"
to = "500 pM"
[sweep]
arms = ["main"]
[sweep.measures]
first = "max(drug)"
last = "final(drug)"
"""
PUBLISHED = """
[[population.accept]]
measure = "first"
mean = "0.12 nM"
sd = "80 pM"
[[population.accept]]
measure = "last"
mean = "20 pM"
sd = "20 pM"
[[population.accept]]
measure = "first"
with = "last"
correlation = 0.6
"""


def test_weights_meet_what_they_have_to_and_differ_least_from_equal_ones() -> None:
    """Tilting a normal distribution to another mean and width gives that normal distribution."""
    x = np.linspace(-8, 8, 4001)
    plain = np.exp(-(x**2) / 2)
    draws = np.random.default_rng(1).choice(x, size=20_000, p=plain / plain.sum())
    z = (draws - 0.5) / 0.8
    weights = tilted(np.stack([z, z**2], axis=1), np.array([0.0, 1.0]))
    assert weights is not None
    share = weights / weights.sum()
    assert (share @ draws, np.sqrt(share @ (draws - 0.5) ** 2)) == pytest.approx((0.5, 0.8), rel=1e-6)
    slope = np.polyfit(draws, np.log(weights), 2)
    assert slope[:2] == pytest.approx([-0.5 * (1 / 0.64 - 1), 0.5 / 0.64], rel=0.05)


def test_what_no_weights_can_meet_has_none() -> None:
    x = np.random.default_rng(1).random(100)
    assert tilted((x - 1.5)[:, None], np.array([0.0])) is None
    assert tilted((x - 1.0)[:, None], np.array([0.0])) is None


def test_published_numbers_are_met(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "patients.toml").write_text(PATIENTS + PUBLISHED)
    out = folder / "out"
    words = ["sweep", str(folder / "patients.toml"), "--out", str(out), "--no-plots", "--no-certify"]
    assert main(words) == DONE
    said = capsys.readouterr().out
    found = json.loads((out / "summary.json").read_text(encoding="utf-8"))["acceptance"]
    assert found["sentence"] in said
    published = [120, 80, 20, 20, 0.6]
    assert [row["published"] for row in found["numbers"]] == pytest.approx(published)
    assert [row["weighted"] for row in found["numbers"]] == pytest.approx(published, rel=1e-6)
    accepted = [row["accepted"] for row in found["numbers"]]
    assert accepted == pytest.approx(published, rel=0.25)
    weights = list(csv.DictReader((out / "weights.csv").read_text(encoding="utf-8").splitlines()))
    assert len(weights) == 1000
    assert found["accepted"] == sum(int(row["accepted"]) for row in weights)
    assert found["rate"] == pytest.approx(np.mean([float(row["weight"]) for row in weights]))
    drawn = sim.sweep(folder / "patients.toml", out=out, certify=False)  # from what is stored
    picture = accepted_figure(drawn.result)
    assert picture is not None
    assert picture.text == found["sentence"]
    assert len(picture.figure.axes) == 2
    # What was accepted is a list of members like any other
    alone = PATIENTS[: PATIENTS.index("[population]")] + PATIENTS[PATIENTS.index("[sweep]") :]
    (folder / "alone.toml").write_text(alone)
    again = sim.sweep(folder / "alone.toml", members=out / "accepted.csv", certify=False)
    assert again["last"].mean() == pytest.approx(found["numbers"][2]["accepted"], rel=1e-6)


def test_a_population_that_cannot_be_like_the_published_one_says_which_number(folder: Path) -> None:
    (folder / "patients.toml").write_text(PATIENTS + PUBLISHED.replace("0.12 nM", "6 nM"))
    found = sim.sweep(folder / "patients.toml", certify=False)
    assert "No patient is accepted: no weights of these patients give first the published mean" in str(found)
    kept = found.acceptance()
    assert kept is not None
    assert kept.rate == 0.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('measure = "last"\nmean', 'measure = "lst"\nmean', "no measure of this sweep 'lst'; did you mean 'last'?"),
        ('"20 pM"', '"40 mg"', "wrong unit: expected a quantity such as '1 pM', found '40 mg'"),
        ('sd = "20 pM"', 'sd = "0 pM"', "sd must be above zero, found '0 pM'"),
        ("correlation = 0.6", "correlation = 1", "a correlation lies between -1 and 1"),
        ('sd = "20 pM"\n', "", "a correlation needs mean and sd of both; those of last are missing"),
        ('mean = "20 pM"\nsd', "sd", "expected a mean, and perhaps an sd, or 'with' and 'correlation'"),
        ('with = "last"', 'with = "first"', "first is correlated with itself"),
        ('measure = "last"\nmean', 'measure = "first"\nmean', "what is published of first is given twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(folder: Path, old: str, new: str, message: str) -> None:
    assert old in PUBLISHED
    (folder / "patients.toml").write_text(PATIENTS + PUBLISHED.replace(old, new))
    with pytest.raises(InputError) as error:
        sim.sweep(folder / "patients.toml", certify=False)
    assert message in str(error.value)
