"""Sensitivities and responders of measures whose dependence on the parameters is known."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli
from immunesim.experiments.sweeps.designs import Axis
from immunesim.experiments.sweeps.responders import rank_effect, responder_effect

MODEL = """\
title = "Formulas of parameters"
time_unit = "d"
[species]
x = { label = "x", unit = "1", initial = "a", scale = 1 }
[parameters]
a = { label = "first", value = 0.5, unit = "1", range = [0, 1], source = "assumed", status = "assumed: a test" }
b = { label = "second", value = 0.5, unit = "1", range = [0, 2], source = "assumed", status = "assumed: a test" }
c = { label = "third", value = 1, unit = "1", range = [0, 1], source = "assumed", status = "assumed: a test" }
k = { label = "loss", value = 0.1, unit = "1/d", source = "assumed", status = "assumed: a test" }
[reactions]
loss = { equation = "x ->", rate = "k * x", source = "assumed" }
[observables]
plain = { label = "a sum", unit = "1", value = "3 * a + b + c" }
product = { label = "a product", unit = "1", value = "a^2 * b * c^0.5" }
"""
QUESTION = """\
title = "What matters"
model = "model.toml"
[time]
end = "1 d"
every = "1 d"
"""
PATIENTS = """
[population]
count = 200
seed = 3
[[population.vary]]
parameter = "a"
distribution = "uniform"
from = "0"
to = "1"
[[population.vary]]
parameter = "b"
distribution = "uniform"
from = "0"
to = "2"
"""


@pytest.fixture
def question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("model.toml").write_text(MODEL, encoding="utf-8")
    Path("patients.toml").write_text(QUESTION + PATIENTS, encoding="utf-8")
    Path("question.toml").write_text(QUESTION, encoding="utf-8")
    return "question.toml"


def indices(e: sim.Ensemble) -> dict[str, dict]:
    return {row["parameter"]: row for row in e.sensitivities()}


def test_sobol_indices_of_a_sum_are_shares_of_its_variance(question: str) -> None:
    e = sim.sweep(question, vary=["a", "b", "c"], sample="saltelli:512", measures="final(plain)")
    assert len(e) == 512 * 5
    found = indices(e)
    for name, share in (("a", 9 / 14), ("b", 4 / 14), ("c", 1 / 14)):
        row = found[name]
        assert row["value"] == pytest.approx(share, abs=0.05)
        assert row["second"] == pytest.approx(share, abs=max(0.05, row["second_half"]))
        assert abs(row["value"] - share) < 2 * row["half"] < 0.3
    assert [row["rank"] for row in e.sensitivities()] == [1, 2, 3]
    assert "Parts in the variance of final(plain): a 6" in str(e)


def test_what_acts_only_together_has_a_total_index_and_no_first_one(question: str) -> None:
    """Of (a - 1/2) b, with b from -1 to 1, all variance is of the interaction."""
    Path("model.toml").write_text(MODEL.replace('"3 * a + b + c"', '"(a - 0.5) * (b - 1) + 0 * c"'), encoding="utf-8")
    found = indices(sim.sweep(question, vary=["a", "b"], sample="saltelli:512", measures="final(plain)"))
    for row in found.values():
        assert row["value"] == pytest.approx(1.0, abs=0.1)
        assert row["second"] == pytest.approx(0.0, abs=0.1)


def test_the_effects_of_a_sum_are_its_coefficients(question: str) -> None:
    e = sim.sweep(question, vary=["a", "b", "c"], sample="morris:10", measures="final(plain)")
    assert len(e) == 40
    found = indices(e)
    effects = {name: (row["value"], row["second"], row["spread"]) for name, row in found.items()}
    assert effects == {
        name: pytest.approx((size, size, 0.0), abs=1e-9) for name, size in (("a", 3), ("b", 2), ("c", 1))
    }
    assert "a by 3 (up), b by 2 (up) and c by 1 (up)" in str(e)


def test_local_sensitivities_of_a_product_are_its_powers(question: str) -> None:
    """c is at the end of its range, so that only one side is possible."""
    e = sim.sweep(question, vary=["a", "b", "c", "k"], sample="local", measures="final(product)")
    assert len(e) == 17
    found = indices(e)
    for name, power in (("a", 2.0), ("b", 1.0), ("c", 0.5), ("k", 0.0)):
        assert found[name]["value"] == pytest.approx(power, abs=1e-5)
        assert found[name]["half"] < 1e-3
    assert e["c"].max() == 1.0


def test_members_without_a_value_leave_out_their_group(question: str) -> None:
    measure = "first_below(x, '0.45')"  # never below where a is large, and k small
    e = sim.sweep(question, vary=["a", "k=0.1 1/d:2 1/d"], sample="morris:20", measures=measure)
    (found,) = e.output.summary["sensitivities"]
    assert found["left_out"] > 0
    assert found["used"] + found["left_out"] == 20
    assert found["used"] >= 4
    assert len(found["indices"]) == 2


def test_a_measure_that_does_not_vary_has_no_indices(question: str) -> None:
    e = sim.sweep(question, vary=["b", "c"], sample="saltelli:8", measures="final(x)")
    assert not e.sensitivities()
    assert "No indices: the measure does not vary." in str(e)


def test_a_larger_sample_of_saltelli_keeps_what_is_stored(question: str) -> None:
    def run(count: int) -> sim.Ensemble:
        return sim.sweep(question, vary=["a", "b"], sample=f"saltelli:{count}", measures="final(plain)", out="kept")

    assert run(8).output.outcome.computed == 32
    assert run(16).output.outcome.computed == 32
    assert run(16).output.outcome.computed == 0
    rows = list(csv.DictReader(Path("kept/ranks.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["parameter"] for row in rows] == ["a", "b"]
    assert json.loads(Path("kept/summary.json").read_text(encoding="utf-8"))["sensitivities"][0]["used"] == 16


def test_figures_show_the_indices(question: str) -> None:
    for sample in ("saltelli:8", "morris:5", "local"):
        (figure,) = sim.sweep(question, vary=["a", "b"], sample=sample, measures="final(product)").figures()
        said = [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]
        assert set(said) == {"first", "second"}


def test_patients_whose_value_is_higher_are_told_by_rank_correlation(question: str) -> None:
    from scipy.stats import spearmanr  # here, so that not every worker imports it

    e = sim.sweep("patients.toml", measures="final(plain)")
    found = indices(e)
    for name in "ab":
        assert found[name]["size"] == pytest.approx(spearmanr(e[name], e["final(plain)"])[0], abs=1e-12)
        assert found[name]["low"] < found[name]["size"] < found[name]["high"]
    assert found["a"]["rank"] == 1
    assert "It is higher with more a (0." in str(e)


def test_responders_are_told_by_how_often_they_have_more(question: str) -> None:
    from scipy.stats import mannwhitneyu

    extra = '[sweep.measures.big]\nmeasure = "final(plain)"\nabove = 4\n'
    Path("patients.toml").write_text(QUESTION + extra + PATIENTS, encoding="utf-8")
    e = sim.sweep("patients.toml")
    found, inside = indices(e), e["big"] > 4
    for name in "ab":
        one, other = e[name][inside], e[name][~inside]
        delta = np.sign(one[:, None] - other[None, :]).mean()
        assert found[name]["size"] == pytest.approx(delta, abs=1e-12)
        assert found[name]["median"] == pytest.approx(np.median(one))
        area = mannwhitneyu(one, other).statistic / (len(one) * len(other))
        assert found[name]["size"] == pytest.approx(2 * area - 1, abs=1e-12)
    assert f"{inside.sum()} of 200 patients are above 4: those with more a" in str(e)


def test_intervalsresponder_effect_hold_what_is_true(question: str) -> None:
    """Without any effect, 95 % intervals leave out zero in about one of twenty."""
    axis, generator, missed = Axis("a", "a", "1", None, 0, 1, False), np.random.default_rng(1), np.zeros(2)
    for _ in range(400):
        x, y = generator.uniform(size=(2, 60))
        for place, found in enumerate(
            (rank_effect(axis, x, y, (1.96, 3.0)), responder_effect(axis, x, y > 0.7, (1.96, 3.0)))
        ):
            missed[place] += not found.low <= 0 <= found.high
    assert (missed / 400 < 0.09).all()
    assert (missed / 400 > 0.02).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["question.toml", "--vary", "a", "--sample", "saltelli:100"], "are a power of two: 512, 1024; found 100"),
        (["question.toml", "--vary", "a", "--sample", "saltelli"], "how many base points? 'saltelli' needs a count"),
        (["question.toml", "--vary", "a", "--sample", "morris"], "how many trajectories? 'morris' needs a count"),
        (["question.toml", "--vary", "a=1,2", "--sample", "morris:5"], "'morris' covers an interval"),
        (["question.toml", "--vary", "a", "--sample", "local:5"], "'count' belongs to the samples"),
        (["question.toml", "--vary", "k", "--sample", "morris:5"], "k has no range of its own"),
        (["patients.toml", "--vary", "c", "--sample", "saltelli:8"], "not of patients"),
        (["question.toml", "--vary", "a", "--sample", "moris:5"], "did you mean 'morris'?"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    question: str, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    code = cli.main(["sweep", *words, "--measure", "final(plain)", "--out", "out"])
    assert code in (2, 3)
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_missing_package_is_named_before_anything_is_computed(
    question: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "SALib", None)
    words = ["sweep", question, "--vary", "a", "--measure", "final(plain)", "--out", "out", "--sample"]
    for sample in ("saltelli:8", "morris:8"):
        assert cli.main([*words, sample]) == 5
        assert "pip install SALib" in capsys.readouterr().err
        assert not Path("out").exists()
    assert cli.main([*words, "local"]) == 0
