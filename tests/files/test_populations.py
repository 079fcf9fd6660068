"""Populations that scenarios refer to by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from immunesim import InputError, read_scenario
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.sweeps.population import Population
from immunesim.files.toml.catalogue import builtin_populations
from immunesim.files.toml.overrides import SweepOptions
from immunesim.files.toml.scenario_file import read_scenario as read_file

MINE = """
title = "Two spreads"
model = "{model}"
correlations = [["k_clear", "k_in", 0.5]]

[[vary]]
parameter = "k_clear"
distribution = "lognormal"
cv = 0.3

[[vary]]
parameter = "k_in"
distribution = "lognormal"
cv = 0.2
"""
SCENARIO = """
title = "People"
model = "toy_model.toml"
[parameters]
k_clear = "0.4 1/h"
[time]
end = "24 h"
[population]
of = "mine.toml"
count = 200
"""
MODEL = """
title = "A toy"
time_unit = "h"
[species]
drug = {{ label = "drug", unit = "nM", initial = 0, scale = 1 }}
[parameters]
k_clear = {{ label = "clearance", value = 0.2, unit = "1/h", source = "assumed", status = "assumed: a toy" }}
k_in = {{ label = "entry", value = 1, unit = "nM/h", source = "assumed", status = "assumed: a toy" }}
[reactions]
comes = {{ label = "drug enters", equation = "-> drug", rate = "k_in", source = "assumed" }}
goes = {{ label = "drug leaves", equation = "drug ->", rate = "k_clear * drug", source = "assumed" }}
"""


def _read(folder: Path, more: str = "", population: str = MINE.format(model="toy_model")) -> Scenario:
    (folder / "toy_model.toml").write_text(MODEL.format(), encoding="utf-8")
    (folder / "mine.toml").write_text(population, encoding="utf-8")
    (folder / "people.toml").write_text(SCENARIO + more, encoding="utf-8")
    return read_scenario(folder / "people.toml")


def _people(scenario: Scenario) -> Population:
    assert scenario.sweep is not None
    assert isinstance(scenario.sweep.design, Population)
    return scenario.sweep.design


def _column(people: Population, name: str) -> np.ndarray:
    return people.values(0, people.count)[:, [axis.path for axis in people.axes].index(name)]


def test_a_spread_is_around_the_value_of_the_scenario(tmp_path: Path) -> None:
    people = _people(_read(tmp_path))
    assert np.median(_column(people, "k_clear")) == pytest.approx(0.4, rel=0.1)
    assert np.median(_column(people, "k_in")) == pytest.approx(1, rel=0.1)
    assert np.corrcoef(np.log(people.values(0, 200)).T)[0, 1] == pytest.approx(0.5, abs=0.15)


def test_what_the_scenario_says_takes_the_place_of_the_population(tmp_path: Path) -> None:
    own = '[[population.vary]]\nparameter = "k_in"\ndistribution = "uniform"\nfrom = "3 nM/h"\nto = "4 nM/h"\n'
    people = _people(_read(tmp_path, own))
    assert sorted(axis.path for axis in people.axes) == ["k_clear", "k_in"]
    assert _column(people, "k_in").min() >= 3


def test_what_the_sweep_varies_is_left_out_of_the_people(tmp_path: Path) -> None:
    sweep = _read(tmp_path, '[[sweep.vary]]\nparameter = "k_clear"\nvalues = ["0.1 1/h", "0.2 1/h"]\n').sweep
    assert sweep is not None
    assert sweep.design.count == 400
    assert [axis.path for axis in sweep.design.axes] == ["k_clear", "k_in"]


def test_a_fault_in_the_file_of_a_population_is_told_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, population=MINE.format(model="toy_model").replace('"k_in"\ndis', '"k_inn"\ndis'))
    fault = next(each for each in caught.value.faults if "k_inn" in each.message)
    assert fault.file.endswith("mine.toml")
    assert "k_in" in fault.message
    assert fault.line == 12
    with pytest.raises(InputError, match="has no key 'cvv'"):
        _read(tmp_path, population=MINE.format(model="toy_model").replace("cv = 0.2", "cvv = 0.2"))
    with pytest.raises(InputError, match="is of the model other, this scenario of"):
        _read(tmp_path, population=MINE.format(model="other"))


def test_what_is_0_in_the_scenario_is_0_in_everybody(tmp_path: Path) -> None:
    _read(tmp_path)
    (tmp_path / "none.toml").write_text(SCENARIO.replace('"0.4 1/h"', '"0 1/h"'), encoding="utf-8")
    assert [axis.path for axis in _people(read_scenario(tmp_path / "none.toml")).axes] == ["k_in"]


def test_an_option_puts_people_into_any_scenario() -> None:
    read = read_file("scenarios/acute_infection.toml", sweep_options=SweepOptions(population="adults:7"))
    assert read.sweep is not None
    assert read.sweep.design.count == 7
    for wrong in ("adults", "adults:many", ":3"):
        with pytest.raises(InputError, match="expected NAME:COUNT"):
            read_file("scenarios/acute_infection.toml", sweep_options=SweepOptions(population=wrong))


def test_the_middle_of_the_bundled_population_is_the_adult_of_the_model() -> None:
    assert list(builtin_populations()) == ["adults"]
    read = read_scenario("scenarios/people_apart.toml")
    for axis, each in zip(_people(read).axes, _people(read).distributions, strict=True):
        middle = float(each.quantile(np.array([0.5]))[0])
        assert axis.default is not None
        assert axis.path in ("patient_age", "patient_sex") or middle == pytest.approx(axis.default, rel=1e-3), axis.path
