"""Fits: against exact solutions, against true values of simulated data, and in words what data do not tell."""

from __future__ import annotations

import math
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import immunesim as sim
import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.fitting.fit import FitOptions, NothingSimulatedError, fit
from immunesim.experiments.fitting.problem import FitProblem, first_errors, measured
from immunesim.experiments.fitting.search import jacobian_at
from immunesim.views.text.commands.fit import fit_text
from scipy.optimize import curve_fit

DECAY = """
title = "Decay"
model = "toy_model.toml"
[time]
end = "12 h"
[initial]
drug = "50 pM"
"""
K = {"parameter": "k_clear", "from": "0.05 1/h", "to": "5 1/h"}
START = {"parameter": "initial.drug", "from": "1 pM", "to": "1000 pM", "scale": "linear"}
TIMES = np.array([0.5, 1.0, 2.0, 3.0, 5.0, 8.0])


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def block(times: Sequence[float], values: Sequence[float], curve: str = "drug", **more: Any) -> str:
    points = [toml({"time": f"{float(t)!r} h", "value": float(v)}) for t, v in zip(times, values, strict=True)]
    rows = {"name": curve, "curve": curve, "unit": "pM"} | more
    lines = [f"{key} = {toml(value)}" for key, value in rows.items()]
    return "\n".join(["[[data]]", *lines, f"points = [{', '.join(points)}]", ""])


def scenario(folder: Path, *parts: str, estimate: Sequence[dict[str, Any]] = (K, START), base: str = DECAY) -> Path:
    path = folder / "toy.toml"
    wanted = ["\n".join(["[[fit.estimate]]", *(f"{k} = {toml(v)}" for k, v in each.items())]) for each in estimate]
    path.write_text("\n".join([base, *parts, *wanted]), encoding="utf-8")
    return path


def decay(t: Any, k: float, start: float) -> Any:
    return start * np.exp(-k * t)


def noisy(sd: float, seed: int = 3) -> np.ndarray:
    return decay(TIMES, 0.7, 120.0) + sd * np.random.default_rng(seed).standard_normal(len(TIMES))


def test_known_errors_as_the_exact_solution_has_them(folder: Path) -> None:
    values = noisy(2.0)
    found = sim.fit(scenario(folder, block(TIMES, values, sd="2 pM")), starts=6)
    exact, covariance = curve_fit(decay, TIMES, values, (0.5, 100.0), sigma=np.full(6, 2.0), absolute_sigma=True)
    told = found.result.uncertainty
    assert told is not None
    assert found.result.values == pytest.approx(exact, rel=1e-4)
    assert told.errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-3)
    assert told.correlations[0, 1] == pytest.approx(covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1]),
                                                    abs=1e-3)  # fmt: skip
    assert found.result.reached == 6
    least = float((((values - decay(TIMES, *exact)) / 2.0) ** 2).sum())
    assert found.result.best.cost == pytest.approx(least, rel=1e-4)
    likelihood = least + 6 * math.log(2 * math.pi * 4)
    assert found.result.aic == pytest.approx(likelihood + 4, rel=1e-5)
    assert found.result.bic == pytest.approx(likelihood + 2 * math.log(6), rel=1e-5)
    low, high = found.result.intervals[1]  # linear: symmetric
    assert (low, high) == pytest.approx((exact[1] - 1.96 * told.errors[1], exact[1] + 1.96 * told.errors[1]), rel=1e-3)
    low, high = found.result.intervals[0]  # logarithmic: by a factor
    assert high == pytest.approx(exact[0] * math.exp(1.96 * told.errors[0] / exact[0]), rel=1e-3)
    assert low is not None
    assert low * high == pytest.approx(exact[0] ** 2, rel=1e-3)


def test_unknown_errors_follow_from_the_residuals(folder: Path) -> None:
    values = noisy(4.0)
    found = sim.fit(scenario(folder, block(TIMES, values)), starts=4)
    exact, covariance = curve_fit(decay, TIMES, values, (0.5, 100.0))
    told = found.result.uncertainty
    assert told is not None
    assert found.result.values == pytest.approx(exact, rel=1e-4)
    assert told.errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=2e-3)
    assert told.quantile == pytest.approx(2.776, rel=1e-3)  # Student's, of 4 degrees of freedom


def test_lognormal_errors_are_a_straight_line_in_logarithms(folder: Path) -> None:
    values = decay(TIMES, 0.7, 120.0) * np.exp(0.1 * np.random.default_rng(4).standard_normal(6))
    found = sim.fit(scenario(folder, block(TIMES, values, error="lognormal", cv=0.1)), starts=3)
    slope, start = np.polyfit(TIMES, np.log(values), 1)
    assert found.result.values == pytest.approx([-slope, math.exp(start)], rel=1e-4)
    told = found.result.uncertainty
    assert told is not None
    size = math.sqrt(math.log1p(0.01))
    assert told.errors[0] == pytest.approx(size / math.sqrt(((TIMES - TIMES.mean()) ** 2).sum()), rel=1e-3)


def test_a_start_at_which_the_curve_is_gone_finds_back(folder: Path) -> None:
    """At 5/h nothing is left after some hours, of which there is no logarithm."""
    times, base = np.array([1.0, 10.0, 30.0, 59.0]), DECAY.replace("12 h", "60 h")
    path = scenario(folder, block(times, decay(times, 0.1, 120.0), error="lognormal", cv=0.1), base=base)
    path.write_text(path.read_text().replace("[time]", "[parameters]\nk_clear = '4.9 1/h'\n[time]"))
    with pytest.warns(UserWarning, match="outside its range"):
        found = sim.fit(path, starts=1)
    assert found.estimates["k_clear"] == pytest.approx(0.1, rel=1e-3)


def test_proportional_errors_are_those_of_the_fitted_curve(folder: Path) -> None:
    values = noisy(3.0, 5)
    found = sim.fit(scenario(folder, block(TIMES, values, error="proportional", cv="10 %")), starts=3)
    k, start = found.result.values
    curve = decay(TIMES, k, start)
    weights = 1 / (0.1 * curve) ** 2
    assert (weights * (values - curve) * curve).sum() == pytest.approx(0.0, abs=0.5)  # by the start,
    assert (weights * (values - curve) * curve * TIMES).sum() == pytest.approx(0.0, abs=0.5)  # and by the clearance
    assert found.result.data[0].errors == pytest.approx(0.1 * curve, rel=2e-3)


def test_derivatives_are_those_of_the_exact_solution(folder: Path) -> None:
    problem = FitProblem(read_scenario(scenario(folder, block(TIMES, noisy(1.0), sd="1 pM"))))
    place = problem.places(np.array([[0.7, 120.0]]))[0]
    found = jacobian_at(problem, measured(problem, first_errors(problem)), place)
    curve = decay(TIMES, 0.7, 120.0)
    by_log_k, by_start = 0.7 * TIMES * curve, -curve / 120.0
    assert found is not None
    assert found == pytest.approx(np.stack([by_log_k, by_start], axis=1) * problem.width, rel=2e-4, abs=1e-3)


def test_values_below_a_limit_count_by_how_likely_they_are(folder: Path) -> None:
    values = [*decay(TIMES[:4], 0.7, 120.0), 1.0]
    path = scenario(folder, block([*TIMES[:4], 8.0], values, sd="1 pM", below="3 pM"), estimate=[K])
    path.write_text(path.read_text().replace("50 pM", "120 pM"))
    result = sim.fit(path, starts=3).result
    grid = np.linspace(0.6, 0.8, 20001)
    from scipy.stats import norm

    squares = sum((v - decay(t, grid, 120.0)) ** 2 for t, v in zip(TIMES, values[:4], strict=False))
    minus = squares - 2 * norm.logcdf(3.0 - decay(8.0, grid, 120.0))
    assert result.values[0] == pytest.approx(grid[minus.argmin()], rel=1e-4)


def test_a_mean_weighs_by_its_standard_error_and_a_point_without_error_not_at_all(folder: Path) -> None:
    rows = [{"time": f"{t} h", "value": float(v), "sd": 4.0, "n": 4} for t, v in zip(TIMES, noisy(2.0), strict=True)]
    points = ", ".join(map(toml, [*rows, {"time": "4 h", "value": 500.0}]))
    path = scenario(folder, f"[[data]]\nname = 'levels'\ncurve = 'drug'\nunit = 'pM'\npoints = [{points}]\n")
    means = sim.fit(path, starts=2)
    same = sim.fit(scenario(folder, block(TIMES, noisy(2.0), sd="2 pM")), starts=2)
    assert means.estimates == pytest.approx(same.estimates)
    assert means.result.best.cost == pytest.approx(same.result.best.cost)
    assert means.document["without_weight"] == {"levels": 1}
    assert "levels: 1 point without an error, and so without weight in the fit." in str(means)


def test_a_prior_is_one_more_measurement(folder: Path) -> None:
    data = block(TIMES, noisy(2.0), sd="2 pM")
    tight = sim.fit(scenario(folder, data, estimate=[K | {"prior": {"value": "2 1/h", "fold": 1.0001}}, START]))
    assert tight.estimates["k_clear"] == pytest.approx(2.0, rel=1e-3)
    wide = sim.fit(scenario(folder, data, estimate=[K | {"prior": {"value": "2 1/h", "sd": "100 1/h"}}, START]))
    assert wide.estimates["k_clear"] == pytest.approx(0.7, rel=0.1)


def test_profiles_and_bootstrap_of_a_line_are_its_standard_errors(folder: Path) -> None:
    path = scenario(folder, block(TIMES, noisy(2.0), sd="2 pM"))
    found = sim.fit(path, starts=2, profile=True, bootstrap=300)
    told, samples = found.result.uncertainty, found.result.bootstrap
    assert told is not None
    assert samples is not None
    for i, each in enumerate(found.result.profiles):
        assert each.low == pytest.approx(told.low[i], rel=0.02)
        assert each.high == pytest.approx(told.high[i], rel=0.02)
    assert len(samples.values) == 300
    assert samples.values.std(axis=0) == pytest.approx(told.errors, rel=0.15)


def test_a_posterior_of_a_line_is_its_standard_errors(folder: Path) -> None:
    pytest.importorskip("emcee")
    path = scenario(folder, block(TIMES, noisy(2.0), sd="2 pM"))
    found = sim.fit(path, starts=2, posterior=600)
    told, drawn = found.result.uncertainty, found.result.posterior
    assert told is not None
    assert drawn is not None
    assert drawn.values.std(axis=0) == pytest.approx(told.errors, rel=0.2)
    assert drawn.values.mean(axis=0) == pytest.approx(found.result.values, rel=0.02)
    assert "95 % interval (posterior)" in str(found)
    assert found.document["posterior"]["walkers"] == 32


def test_a_profile_shows_an_end_that_is_open(folder: Path) -> None:
    """Long after the drug is gone, only that it went fast enough can be told."""
    path = scenario(folder, block([6.0, 8.0], [0.1, 0.05], sd="1 pM"), estimate=[K])
    found = sim.fit(path, starts=3, profile=True)
    [(low, high)] = found.result.intervals
    assert (low, high) == (pytest.approx(0.55, rel=0.2), None)
    assert [each.kind for each in found.result.untold] == ["no upper limit"]
    assert "k_clear has no upper limit in these data: values up to 5 1/h fit as well." in str(found)


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (
            [{"parameter": "k_leave", "from": "0.01 1/h", "to": "1 1/h"}, K],
            "k_leave cannot be told from these data: no datum depends on it.",
        ),
        (
            [{"parameter": "dose.push.amount", "from": "10 pmol", "to": "1 nmol"},
             {"parameter": "plasma_volume", "from": "0.1 L", "to": "100 L"}],
            "dose.push.amount and plasma_volume cannot be told from these data, only a combination of them: "
            "a higher dose.push.amount with a higher plasma_volume fits as well.",
        ),
        ([K | {"to": "0.2 1/h"}, START], "k_clear is at the upper end of its range, 0.2 1/h: the data ask for more."),
    ],
)  # fmt: skip
def test_what_the_data_do_not_tell_in_words(folder: Path, estimate: list[dict[str, Any]], words: str) -> None:
    dose = "[[dose]]\nname = 'push'\ntarget = 'drug'\namount = '100 pmol'\nat = '0 h'\n"
    found = sim.fit(scenario(folder, dose, block(TIMES, noisy(2.0), sd="2 pM"), estimate=estimate), starts=4)
    assert words in str(found)
    row = next(row for row in found.table if row["name"] == estimate[0]["parameter"])
    assert row["standard_error"] is None


def test_what_cannot_be_simulated_is_no_good_fit(folder: Path) -> None:
    model = (folder / "toy_model.toml").read_text() + EXPLOSION
    (folder / "toy_model.toml").write_text(model)
    grow = {"parameter": "k_grow", "from": "0.0001 uL/cells/h", "to": "10 uL/cells/h"}
    data = block(
        [1.0, 2.0], [1.0e3 / (1 - 1e3 * 1e-4), 1e3 / (1 - 2e3 * 1e-4)], "cells", unit="cells/uL", sd="1 cells/uL"
    )
    base = DECAY.replace("12 h", "3 h")
    found = sim.fit(scenario(folder, data, estimate=[grow], base=base), starts=8)
    assert found.estimates["k_grow"] == pytest.approx(1e-4, rel=3e-2)
    failed = [each for each in found.result.starts if each.ended == "failed"]
    assert failed
    assert all(math.isinf(each.cost) for each in failed)
    assert "could not be simulated" in str(found)
    with pytest.raises(NothingSimulatedError):
        fit(read_scenario(scenario(folder, data, estimate=[grow | {"from": "1 uL/cells/h"}])), FitOptions(2))


EXPLOSION = """
[reactions.growing]
equation = "-> cells"
rate = "k_grow * cells * cells"
source = "Toy2020"

[parameters.k_grow]
label = "cells that beget cells"
value = 0
unit = "uL/cells/h"
source = "Toy2020"
status = "secondary"
"""


@pytest.mark.parametrize("during", ["starts", "profiles", "bootstrap"])
def test_an_interruption_keeps_the_best_so_far(folder: Path, during: str) -> None:
    path = scenario(folder, block(TIMES, noisy(2.0), sd="2 pM"))
    seen: list[float] = []

    def press(what: str, share: float) -> None:
        seen.append(share)
        if what == during and (what != "starts" or share > 0):
            signal.raise_signal(signal.SIGINT)

    found = fit(read_scenario(path), FitOptions(10, profile=True, bootstrap=1_000), press)
    assert found.interrupted
    assert found.values[0] == pytest.approx(0.7, rel=0.1)
    assert "Interrupted: this is the best so far" in fit_text(found)
    assert (found.bootstrap is None) == (during != "bootstrap")
    assert len(seen) < 200


def test_a_member_is_the_same_in_any_array(folder: Path) -> None:
    """Parts of an array are computed in threads; what fails keeps its row."""
    (folder / "toy_model.toml").write_text((folder / "toy_model.toml").read_text() + EXPLOSION)
    grow = {"parameter": "k_grow", "from": "0.0001 uL/cells/h", "to": "10 uL/cells/h"}
    data = block([1.0, 2.0], [1.0, 2.0], "cells", unit="cells/uL", sd="1 cells/uL")
    problem = FitProblem(read_scenario(scenario(folder, data, estimate=[grow, K], base=DECAY.replace("12 h", "3 h"))))
    places = np.random.default_rng(1).random((80, 2)) * [0.05, 1.0]
    places[45, 0] = 0.9
    whole = problem.simulate(places)
    assert 45 in whole.failures
    for row in (0, 44, 45, 79):
        alone = problem.simulate(places[row : row + 1])
        np.testing.assert_array_equal(alone.values[0][0], whole.values[0][row])
        assert (0 in alone.failures) == (row in whole.failures)


def test_units_of_data_are_their_own(folder: Path) -> None:
    """Values in nM, of a curve in pM; errors that follow the curve, and that are estimated."""
    for more in ({"error": "proportional", "cv": 0.1}, {"error": "lognormal", "cv": 0.1}, {"error": "lognormal"}, {}):
        one = sim.fit(scenario(folder, block(TIMES, noisy(2.0), **more)), starts=2)
        other = sim.fit(scenario(folder, block(TIMES, noisy(2.0) / 1000, **more, unit="nM")), starts=2)
        assert other.result.values == pytest.approx(one.result.values, rel=1e-4)
        assert other.result.best.cost == pytest.approx(one.result.best.cost, rel=1e-3)
        sizes = [each.result.compared[0].weighted for each in (one, other)]
        assert sizes[0] == pytest.approx(sizes[1], rel=1e-2, abs=1e-3)
        told, others = one.result.uncertainty, other.result.uncertainty
        assert told is not None
        assert others is not None
        assert others.errors == pytest.approx(told.errors, rel=1e-3)


def test_the_same_seed_gives_the_same_fit(folder: Path) -> None:
    path = scenario(folder, block(TIMES, noisy(2.0), sd="2 pM"))
    one, other = (sim.fit(path, starts=4, bootstrap=5, seed=7).document for _ in range(2))
    assert one == other


def test_a_fit_by_arms_and_formulas(folder: Path) -> None:
    """An arm that sets a value itself keeps it; a datum may be of a ratio."""
    arm = "[arms.fast]\nparameters.k_clear = '1 1/h'\n"
    share = block([1.0, 2.0], np.exp([-0.7, -1.4]), "drug / at(drug, '0 h')", unit="1", sd=0.01, name="share")
    other = block([0.5], [decay(0.5, 1.0, 80.0)], arm="fast", sd="1 pM", name="other")
    found = sim.fit(scenario(folder, arm, share, other), starts=4)
    assert found.result.values == pytest.approx([0.7, 80.0], rel=1e-3)


TRUE = {"k_absorb": 0.4, "k_clear": 0.3, "k_leave": 0.15, "K_drug": 2.0, "cells_at_rest": 900.0, "initial.drug": 1500.0}
UNITS = {"k_absorb": "1/h", "k_clear": "1/h", "k_leave": "1/h", "K_drug": "nM", "cells_at_rest": "cells/uL",
         "initial.drug": "pM"}  # fmt: skip
RECOVERY = """
title = "Recovery"
model = "toy_model.toml"
[time]
end = "24 h"
[[dose]]
name = "push"
target = "depot"
amount = "40 nmol"
at = "1 h"
"""


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, drug and cells of the true values."""
    from tests.toys import TOY_MODEL

    folder = tmp_path_factory.mktemp("truth")
    (folder / "toy_model.toml").write_text(TOY_MODEL.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "true.toml").write_text(RECOVERY)
    times = np.array([0.5, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0, 24.0])
    f = sim.batch(folder / "true.toml", vary=[(name, UNITS[name]) for name in TRUE], at=times.tolist(),
                  curves=["drug", "cells"])  # fmt: skip
    found = f([list(TRUE.values())]).curves
    return times, found["drug"][0], found["cells"][0]


def recovered(folder: Path, truth: tuple[np.ndarray, np.ndarray, np.ndarray], seed: int) -> list[bool]:
    """Which of the true values are in their intervals, of data drawn with this seed; none of a fit that fails."""
    random, (times, drug, cells) = np.random.default_rng(seed), truth
    drug = drug * np.exp(math.sqrt(math.log1p(0.15**2)) * random.standard_normal(len(times)))
    cells = cells + 20.0 * random.standard_normal(len(times))
    data = [block(times, drug, error="lognormal", cv="15 %"),
            block(times, cells, "cells", unit="cells/uL", sd="20 cells/uL")]  # fmt: skip
    ranges = [{"parameter": name, "from": f"{value / 10!r} {UNITS[name]}", "to": f"{value * 10!r} {UNITS[name]}"}
              for name, value in TRUE.items()]  # fmt: skip
    result = sim.fit(scenario(folder, *data, estimate=ranges, base=RECOVERY), starts=4, seed=seed).result
    return [
        low is not None and high is not None and low <= value <= high
        for value, (low, high) in zip(TRUE.values(), result.intervals, strict=True)
    ]


def test_true_values_are_found_from_a_few_samples(folder: Path, truth: Any) -> None:
    held = np.array([recovered(folder, truth, seed) for seed in range(1, 6)])
    assert held.mean() >= 0.85


@pytest.mark.slow
def test_true_values_are_in_their_intervals(folder: Path, truth: Any) -> None:
    """Each of six, in at least 90 of 100 fits; what fails is a miss."""
    held = np.array([recovered(folder, truth, seed) for seed in range(1, 101)])
    assert held.sum(axis=0).min() >= 90, dict(zip(TRUE, held.sum(axis=0).tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["low_dose_il2_fit", "endotoxin_counts"])
def test_a_bundled_fit_meets_its_data_better_than_the_scenario_does(name: str) -> None:
    found = sim.fit(name, starts=3).result
    before = found.problem.simulate(found.problem.default()[None, :])
    rows = found.residuals.of(before, found.problem.default()[None, :])[0]
    assert found.best.cost < float(rows @ rows)
    assert found.uncertainty is not None
    assert found.reached >= 2
