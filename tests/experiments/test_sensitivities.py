"""Derivatives by parameters, doses and times of doses, held against closed forms and against differences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.runtime.errors import InputError

Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]

MODEL = """
title = "Two compartments with absorption"
time_unit = "h"
[species]
depot = { label = "drug under the skin", unit = "mg", initial = 0, scale = 1 }
central = { label = "drug in plasma", unit = "mg", initial = 0, scale = 1 }
tissue = { label = "drug in tissue", unit = "mg", initial = 0, scale = 1 }
[reactions]
absorbed = { equation = "depot -> central", rate = "ka * depot", source = "assumed" }
elimination = { equation = "central ->", rate = "k * central", source = "assumed" }
distribution = { equation = "central -> tissue", rate = "k12 * central", source = "assumed" }
backwards = { equation = "tissue -> central", rate = "k21 * tissue", source = "assumed" }
[parameters]
"""
VALUES = {"ka": 1.0, "k": 0.2, "k12": 0.0, "k21": 0.4, "Tlag": 0.5, "Tinf": 3.0, "F": 0.8, "amount": 100.0}
UNITS = dict.fromkeys(("ka", "k", "k12", "k21"), "1/h") | {"Tlag": "h", "Tinf": "h", "F": "1", "amount": "mg"}
DOSE = '[[dose]]\nname = "drug"\n'
TIMES = np.array([0.7, 2.1, 3.3, 4.7, 6.9, 7.3, 9.0, 15.0, 24.0])
DIGITS = 1e-6  # of the largest derivative of a curve


def scenario(folder: Path, rest: str, **values: float) -> Path:
    ends = dict.fromkeys(VALUES, 1000) | {"F": 1}
    rows = [
        f'{name} = {{ label = "{name}", value = {value}, unit = "{UNITS[name]}", range = [0, {ends[name]}], '
        f'source = "assumed", status = "assumed: an example"{"" if UNITS[name] == "1/h" else ", for_doses = true"} }}\n'
        for name, value in (VALUES | values).items()
    ]
    (folder / "pk_model.toml").write_text(MODEL + "".join(rows), encoding="utf-8")
    text = f'title = "A drug"\nmodel = "pk_model.toml"\ntime = {{ end = "24 h" }}\n{rest}'
    (folder / "pk.toml").write_text(text, encoding="utf-8")
    return folder / "pk.toml"


def slopes(formula: Formula, values: np.ndarray, least: np.ndarray) -> np.ndarray:
    """By differences of the fourth order, shape (times, values); to one side where a value is at its least."""
    found = []
    for i, value in enumerate(values):
        e = 1e-3 * max(value, 0.1)

        def at(steps: float, i: int = i, e: float = e) -> np.ndarray:
            return formula(TIMES, values + steps * e * np.eye(len(values))[i])

        if value - 2 * e > least[i]:
            found.append((8 * (at(1) - at(-1)) - (at(2) - at(-2))) / 12 / e)
        else:
            found.append((-25 * at(0) + 48 * at(1) - 36 * at(2) + 16 * at(3) - 3 * at(4)) / 12 / e)
    return np.array(found).T


def compare(path: Path, names: list[str], formula: Formula, **values: float) -> None:
    own = np.array([(VALUES | values)[name] for name in names])
    f = sim.batch(path, vary=names, curves="central", at=TIMES.tolist(), sensitivities=names)
    found = f(own[None, :])
    assert found.ok
    exact = formula(TIMES, own)
    np.testing.assert_allclose(found.curves["central"][0], exact, rtol=0, atol=1e-7 * exact.max())
    expected, got = slopes(formula, own, np.zeros(len(own))), found.sensitivities["central"][0]
    for column, name in enumerate(names):
        scale = np.abs(expected[:, column]).max()
        np.testing.assert_allclose(got[:, column], expected[:, column], rtol=0, atol=DIGITS * scale, err_msg=name)


@pytest.mark.parametrize("lag", [0.5, 0.0])
def test_one_compartment_with_lag_share_and_amount(tmp_path: Path, lag: float) -> None:
    """From a lag of zero the dose moves off an instant at which a segment begins: the neighbours have one more."""
    rest = DOSE + 'target = "depot"\namount = "amount"\nat = "1 h"\nlag = "Tlag"\nshare = "F"\n'

    def formula(t: np.ndarray, p: np.ndarray) -> np.ndarray:
        ka, k, lag, share, amount = p
        x = np.maximum(t - 1 - lag, 0)
        return share * amount * ka / (ka - k) * (np.exp(-k * x) - np.exp(-ka * x))

    compare(scenario(tmp_path, rest), ["ka", "k", "Tlag", "F", "amount"], formula, Tlag=lag)


def test_two_compartments_with_an_infusion_whose_length_is_a_parameter(tmp_path: Path) -> None:
    rest = DOSE + 'target = "central"\namount = "amount"\nat = "2 h"\nover = "Tinf"\n'

    def formula(t: np.ndarray, p: np.ndarray) -> np.ndarray:
        k, k12, k21, length, amount = p
        total = k + k12 + k21
        root = np.sqrt(total**2 - 4 * k * k21)
        found = np.zeros_like(t)
        for rate, other in (((total + root) / 2, (total - root) / 2), ((total - root) / 2, (total + root) / 2)):
            part = (k21 - rate) / (other - rate)
            since, after = np.maximum(t - 2, 0), np.maximum(t - 2 - length, 0)
            found = found + part * amount / length / rate * (np.exp(-rate * after) - np.exp(-rate * since))
        return found

    path = scenario(tmp_path, rest, k12=0.3)
    compare(path, ["k", "k12", "k21", "Tinf", "amount"], formula, k12=0.3)


def test_a_rule_whose_time_depends_on_parameters(tmp_path: Path) -> None:
    """The second dose is given when the first one has fallen to 20 mg: its time moves with all of them."""
    rest = (
        DOSE + 'target = "central"\namount = "amount"\nat = "1 h"\n'
        '[[dose]]\nname = "more"\ntarget = "central"\namount = "50 mg"\n'
        '[[rule]]\nname = "again"\nwhen = "central < \'20 mg\' and depot > \'0.01 mg\'"\ngive = "more"\n'
        '[[dose]]\nname = "marker"\ntarget = "depot"\namount = "1 mg"\nat = "1 h"\n'
    )

    def formula(t: np.ndarray, p: np.ndarray) -> np.ndarray:
        k, amount = p
        again = 1 + np.log(amount / 20) / k
        first = np.where(t >= 1, amount * np.exp(-k * np.maximum(t - 1, 0)), 0)
        return first + np.where(t >= again, 50 * np.exp(-k * np.maximum(t - again, 0)), 0)

    path = scenario(tmp_path, rest, ka=0.0)
    compare(path, ["k", "amount"], formula, ka=0.0)


def test_the_steady_state_of_a_regimen(tmp_path: Path) -> None:
    rest = DOSE + 'target = "central"\namount = "amount"\nat = "0 h"\nevery = "8 h"\ncount = 1\nsteady_state = true\n'

    def formula(t: np.ndarray, p: np.ndarray) -> np.ndarray:
        k, amount = p
        return amount * np.exp(-k * t) / (1 - np.exp(-8 * k))

    compare(scenario(tmp_path, rest), ["k", "amount"], formula)


def test_measures_and_residuals_have_derivatives_in_the_units_of_the_columns(tmp_path: Path) -> None:
    data = (
        '[[data]]\nname = "d"\ncurve = "central"\nunit = "ug"\nsd = "1000 ug"\n'
        'points = [{ time = "2 h", value = 7e4 }, { time = "5 h", value = 4e4 }]\n'
    )
    rest = DOSE + 'target = "central"\namount = "100 mg"\nat = "1 h"\n' + data
    names = ["k [1/d]", "dose.drug.amount [g]", "dose.drug.at [min]"]
    f = sim.batch(
        scenario(tmp_path, rest), vary=names, measures=["at(central, '5 h')", "auc(central)"], data=True,
        sensitivities=["k [1/d]", "dose.drug.at"],
    )  # fmt: skip
    found = f([[4.8, 0.1, 60.0], [4.8, -1.0, 60.0]])
    value = 100 * np.exp(-0.2 * 4)
    expected = [-4 * value / 24, 0.2 * value / 60]
    np.testing.assert_allclose(found.sensitivities["at(central, '5 h')"][0], expected, rtol=1e-6)
    area = [-(1 - np.exp(-0.2 * 23)) / 0.04 + 23 * np.exp(-0.2 * 23) / 0.2, -np.exp(-0.2 * 23)]
    np.testing.assert_allclose(
        found.sensitivities["auc(central)"][0], [100 * area[0] / 24, 100 * area[1] / 60], rtol=1e-6
    )
    np.testing.assert_allclose(found.jacobian[0, 1], [-each for each in expected], rtol=1e-6)  # 1 mg is the error
    assert np.isnan(found.jacobian[1]).all()
    assert np.isnan(found.sensitivities["auc(central)"][1]).all()


def test_the_same_steps_make_differences_smooth(tmp_path: Path) -> None:
    """A row and its neighbours give the same derivatives at a step a thousand times smaller, where the differences of
    members that choose their own steps have lost them."""
    from immunesim.experiments.sweeps.prepared import prepare_members

    rest = DOSE + 'target = "depot"\namount = "amount"\nat = "1 h"\nlag = "Tlag"\n'
    question = sim.batch(
        scenario(tmp_path, rest, k12=0.3), vary=["ka", "k12"], curves="central", at=[3.0, 9.0]
    ).question
    axes = [column.axis for column in question.columns]
    members = prepare_members(question.scenario, axes, ("main",), (), ("central",), np.array([3.0, 9.0]), follows=True)
    found = {}
    for owners in (np.zeros(3, dtype=np.intp), None):
        for step in (1e-4, 1e-7):
            rows = np.array([[1.0, 0.3], [1.0 + step, 0.3], [1.0 - step, 0.3]])
            curves = members.compute(rows, owners=owners)["main"].curves[:, 0]
            found[owners is None, step] = (curves[1] - curves[2]) / (2 * step)
    np.testing.assert_allclose(found[False, 1e-7], found[False, 1e-4], rtol=1e-6)
    assert np.abs(found[True, 1e-7] / found[False, 1e-4] - 1).max() > 1e-6


def test_a_row_that_fails_has_no_derivatives_and_disturbs_no_other(tmp_path: Path) -> None:
    """A state that grows without bound; the neighbours of the row are not tried again one by one."""
    path = scenario(tmp_path, DOSE + 'target = "central"\namount = "10 mg"\nat = "1 h"\n')
    model = (tmp_path / "pk_model.toml").read_text(encoding="utf-8")
    grow = 'grows = { equation = "-> central", rate = "k12 * central * central", source = "assumed" }\n'
    model = model.replace("[parameters]", grow + "[parameters]").replace("distribution = {", "distribution_ = {")
    model = model.replace('"k12 * central"', '"0 * k21 * central"').replace(
        'k12 = { label = "k12", value = 0.0, unit = "1/h"', 'k12 = { label = "k12", value = 0.0, unit = "1/mg/h"'
    )
    (tmp_path / "pk_model.toml").write_text(model, encoding="utf-8")
    f = sim.batch(path, vary=["k12", "k"], curves="central", at=[5.0, 20.0], sensitivities=["k12", "k"])
    found = f([[0.001, 0.2], [1.0, 0.2]])
    assert list(found.failures) == [1]
    assert np.isnan(found.sensitivities["central"][1]).all()
    none = f([[0.0, 0.2]]).sensitivities["central"][0, 0, 0]
    decay = np.exp(-0.2 * 4)
    expected = 10 * decay * 10 * (1 - decay) / 0.2  # by k12 where k12 is 0, of Bernoulli's equation
    value = 10 * decay / (1 - 0.001 * 10 * (1 - decay) / 0.2)
    assert none == pytest.approx(expected, rel=1e-5)  # from a value of zero, to one side
    assert found.curves["central"][0, 0] == pytest.approx(value, rel=1e-6)
    assert found.sensitivities["central"][0, 0, 0] == pytest.approx(expected * (value / (10 * decay)) ** 2, rel=1e-6)


@pytest.mark.slow
def test_without_llvmlite_four_digits_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    rest = DOSE + 'target = "central"\namount = "amount"\nat = "1 h"\nover = "Tinf"\n'
    f = sim.batch(scenario(tmp_path, rest), vary=["k", "Tinf"], curves="central", at=[6.0], sensitivities=["k", "Tinf"])
    found = f([[0.2, 3.0]]).sensitivities["central"][0, 0]

    def value(k: float, length: float) -> float:
        return float(100 / length / k * (np.exp(-k * (5 - length)) - np.exp(-k * 5)))

    e = 1e-5
    exact = [(value(0.2 + e, 3) - value(0.2 - e, 3)) / (2 * e), (value(0.2, 3 + e) - value(0.2, 3 - e)) / (2 * e)]
    np.testing.assert_allclose(found, exact, rtol=1e-4)


def test_what_has_no_derivative_is_refused(tmp_path: Path) -> None:
    path = scenario(tmp_path, DOSE + 'target = "central"\namount = "100 mg"\nat = "1 h"\nevery = "2 h"\ncount = 3\n')
    with pytest.raises(InputError, match=r"dose\.drug\.count is a whole number: there is no derivative by it"):
        sim.batch(path, vary="dose.drug.count", curves="central", sensitivities="dose.drug.count")
    with pytest.raises(InputError, match="sensitivities are by what varies; there is no 'kk'; did you mean 'k'"):
        sim.batch(path, vary="k", curves="central", sensitivities="kk")


def test_a_fit_finds_lag_and_length_of_an_infusion(tmp_path: Path) -> None:
    """Exact data of a depot with a lag and of an infusion, from starts that are far away."""
    times = [1.8, 2.5, 4.0, 5.5, 7.0, 9.0, 12.0, 18.0]

    def exact(t: float) -> float:
        x, since, after = max(t - 1.5, 0.0), max(t - 4, 0.0), max(t - 7, 0.0)
        depot = 80 / 0.8 * (np.exp(-0.2 * x) - np.exp(-x))
        return float(depot + 100 / 3 / 0.2 * (np.exp(-0.2 * after) - np.exp(-0.2 * since)))

    points = ", ".join(f'{{ time = "{t} h", value = {exact(t)!r} }}' for t in times)
    rest = (
        DOSE + 'target = "depot"\namount = "80 mg"\nat = "1 h"\nlag = "Tlag"\n'
        '[[dose]]\nname = "drip"\ntarget = "central"\namount = "100 mg"\nat = "4 h"\nover = "Tinf"\n'
        f'[[data]]\nname = "d"\ncurve = "central"\nunit = "mg"\nsd = "1 mg"\npoints = [{points}]\n'
    )
    for name, low, high in (("Tlag", 0.05, 2), ("Tinf", 0.5, 10)):
        rest += f'[[fit.estimate]]\nparameter = "{name}"\nfrom = "{low} h"\nto = "{high} h"\n'
    found = sim.fit(scenario(tmp_path, rest, Tlag=1.5, Tinf=8.0), starts=3)
    assert found.estimates == pytest.approx({"Tlag": 0.5, "Tinf": 3.0}, rel=1e-4)
