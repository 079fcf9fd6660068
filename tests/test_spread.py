"""The table of how far apart people are: what it names is there, and people are as far apart as it says."""

from __future__ import annotations

import re

import pytest
from immunesim import read_scenario
from immunesim.files.toml.facts import register

from tests.spread import BEGIN, COMPARED, END, LIFE, README, ROWS, SEVERE, TREATED, short_table, simulated


def test_what_the_table_names_is_there() -> None:
    known = set()
    for prefix, scenario in (("", "people_apart"), ("life.", LIFE)):
        read = read_scenario(scenario)
        assert read.sweep is not None
        measures = [prefix + each.id for each in read.sweep.measures]
        known |= {*measures, *(f"{name}.{arm.name}" for name in measures for arm in read.arms)}
    known |= {f"life.newly_ill.{arm}" for arm in TREATED}  # of two measures, made by `simulated`
    known |= {"life.by_sex.ill", *(f"life.by_sex.{severe}{arm}" for arm in TREATED for severe in ("", "severe_"))}
    known |= {f"life.{severe}{name}" for name, _, _ in COMPARED for severe in ("", "severe_")}
    assert {row.measure for row in ROWS} <= known
    assert {row.fact for row in ROWS if row.fact} <= set(register())


def test_the_readme_has_every_column() -> None:
    head = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip().splitlines()[0]
    assert head == f"| between people | {' | '.join(row.short for row in ROWS if row.short)} |"


@pytest.mark.slow
def test_people_are_as_far_apart_as_the_readme_says() -> None:
    people = simulated(100)
    assert [len(line.split("|")) for line in short_table(people)] == [11] * 4
    few = {row.what: row.statistic(people[row.measure]) for row in ROWS}
    assert few["lymphocytes, coefficient of variation"] == pytest.approx(0.27, abs=0.06)
    assert few["CD4 cells, coefficient of variation"] == pytest.approx(0.32, abs=0.06)
    ill, carriers = (next(few[what] for what in few if re.match(pattern, what))
                     for pattern in ("autoimmune disease in a", "autoimmune disease with"))  # fmt: skip
    assert 0.02 < ill < 0.2
    assert carriers > 3 * ill
    newly = {arm: float(people[f"life.newly_ill.{arm}"].mean()) for arm in TREATED}
    assert 0.01 < newly["IL2"] < newly["PD1"] < newly["CTLA4"] < 0.9
    severe = {arm: float((people[f"life.worst_at_50.{arm}"] > SEVERE).mean()) for arm in TREATED}
    assert 0.05 < severe["CTLA4"] < 0.7 * newly["CTLA4"]  # all or none without PD-L1 in tissue
    assert severe["IL2"] < severe["CTLA4"] < severe["both"]
