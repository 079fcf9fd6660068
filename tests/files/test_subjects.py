"""[subjects]: a table of doses and values by subject, as NONMEM has it, becomes arms and data; each row is told of."""

from __future__ import annotations

import math
from pathlib import Path

import immunesim as sim
import pytest
from immunesim import read_scenario
from immunesim.experiments.scenario import Scenario
from immunesim.files.results.run_folder import resolved
from immunesim.runtime.errors import InputError

SCENARIO = """
title = "A trial"
model = "toy_model.toml"
[time]
end = "48 h"
[[dose]]
name = "push"
target = "drug"
amount = "100 ug"
at = "2 h"
[subjects]
file = "trial.csv"
time_unit = "h"
amount_unit = "ug"
unit = "ng/mL"
curve = "drug"
compartments = { 1 = "depot", 2 = "drug" }
covariates = { WT = "body_weight" }
"""
HEADER = "ID,TIME,AMT,RATE,ADDL,II,SS,CMT,EVID,DV,MDV,WT,SEX\n"
UNREAD = "column SEX of trial.csv, which nothing reads"


def read(folder: Path, *rows: str, header: str = HEADER, text: str = SCENARIO) -> Scenario:
    (folder / "trial.csv").write_text(header + "\n".join(rows), encoding="utf-8")
    (folder / "trial.toml").write_text(text, encoding="utf-8")
    return read_scenario(folder / "trial.toml")


def faults(folder: Path, *rows: str, **more: str) -> list[tuple[str, int, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, *rows, **more)
    return [(Path(fault.file).name, fault.line, fault.message) for fault in caught.value.faults]


def test_a_subject_is_an_arm_with_its_doses_covariates_and_values(folder: Path) -> None:
    scenario = read(
        folder,
        "7,0,100,50,2,12,.,2,1,.,1,60,M",
        "7,3,.,.,.,.,.,2,0,9,0,60,M",
        "B-1,6,.,.,.,.,.,2,0,5,0,80,F",
        "B-1,1,20,.,.,.,.,1,1,.,.,80,F",
    )
    assert [arm.name for arm in scenario.arms] == ["main", "subject_7", "subject_B_1"]
    _, seven, other = scenario.arms
    [dose] = seven.doses
    assert (dose.target, dose.amount, dose.unit_text, dose.at, dose.over, dose.every, dose.count) == (
        "drug", 100, "ug", 0, 2, 12, 3,
    )  # fmt: skip
    assert [(dose.target, dose.at) for dose in other.doses] == [("depot", 1)]
    assert (seven.parameters["body_weight"], other.parameters["body_weight"]) == (60, 80)
    assert [(each.arm, each.unit_text, [(p.time, p.value) for p in each.points]) for each in scenario.data] == [
        ("subject_7", "ng/mL", [(3, 9)]),
        ("subject_B_1", "ng/mL", [(6, 5)]),
    ]


def test_a_value_before_a_dose_of_the_same_time_is_one_before_it(folder: Path) -> None:
    read(folder, "1,0,100,.,.,.,.,2,1,.,1,70,M", "1,24,.,.,.,.,.,2,0,1,0,70,M", "1,24,100,.,.,.,.,2,1,.,1,70,M")
    run = sim.run(folder / "trial.toml")
    [result] = run.result.data
    first = 100 / 3 * math.exp(-0.5 * 24)  # ng/mL after 100 ug in 3 L, of which a half is lost in 1.4 h
    assert result.simulated[0] < 1
    assert run["drug", "subject_1"].max() > 0
    assert first < 1
    points = resolved(run.scenario)[0]
    assert "before = true" in points


def test_rows_that_say_nothing_are_counted(folder: Path) -> None:
    rows = ["1,0,100,.,.,.,.,2,1,.,1,70,M", "1,1,.,.,.,.,.,.,2,.,1,70,M", "1,2,.,.,.,.,.,2,0,.,.,70,M"]
    scenario = read(folder, *rows, "1,3,.,.,.,.,.,2,0,4,0,70,M")
    where = str(folder / "trial.csv")
    assert [each.replace(where, "trial.csv") for each in scenario.truncated] == [
        UNREAD,
        "1 row of trial.csv with EVID 2",
        "1 row of trial.csv without a value (MDV 1, or no DV)",
    ]


def test_nothing_is_said_where_every_row_is_read(folder: Path) -> None:
    header = HEADER.replace(",SEX", "")
    scenario = read(folder, "1,0,100,.,.,.,.,2,1,.,1,70", "1,3,.,.,.,.,.,2,0,4,0,70", header=header)
    assert scenario.truncated == ()


def test_columns_that_nothing_reads_and_subjects_without_a_covariate_are_named(folder: Path) -> None:
    header = HEADER.replace("SEX", "DUR,SEX")
    rows = ["1,0,100,.,.,.,.,2,1,.,1,.,2,M", "1,3,.,.,.,.,.,2,0,4,0,.,.,M", "2,0,100,.,.,.,.,2,1,.,1,70,2,F"]
    scenario = read(folder, *rows, header=header)
    where = str(folder / "trial.csv")
    assert [each.replace(where, "trial.csv") for each in scenario.truncated] == [
        "columns DUR, SEX of trial.csv, which nothing reads",
        "WT of 1 subject of trial.csv, where it is empty: the scenario's own holds",
    ]
    assert "body_weight" not in scenario.arms[1].parameters


@pytest.mark.parametrize(
    ("column", "flag", "value", "below", "found"),
    [
        ("BLQ", "1", "4", "", (4, True)),
        ("CENS", "1", "4", "", (4, True)),
        ("BLQ", "0", "4", "", (4, False)),
        ("BLQ", ".", "4", "", (4, False)),
        ("BLQ", "1", "<4", "", (4, True)),
        ("BLQ", "1", "2", "4 ng/mL", (4, True)),  # half the limit stands for it in some tables
        ("BLQ", "1", ".", "4 ng/mL", (4, True)),
        ("BLQ", "1", "0", "4 ng/mL", (4, True)),
    ],
)
def test_a_flag_says_that_a_value_is_below_the_limit(
    folder: Path, column: str, flag: str, value: str, below: str, found: tuple[float, bool]
) -> None:
    text = SCENARIO + (f'below = "{below}"\n' if below else "")
    rows = ["1,0,100,.,.,.,.,2,1,.,1,70,.", f"1,3,.,.,.,.,.,2,0,{value},0,70,{flag}"]
    scenario = read(folder, *rows, header=HEADER.replace("SEX", column), text=text)
    assert [(point.value, point.censored) for point in scenario.data[0].points] == [found]


@pytest.mark.parametrize(
    ("value", "flag", "message"),
    [
        (".", "1", "a value below a limit that nobody gave"),
        ("0", "1", "a value below a limit that nobody gave"),
        ("4", "-1", "BLQ is -1: expected 0, or 1 for a value below the limit"),
    ],
)
def test_a_limit_that_nobody_gave_is_asked_for(folder: Path, value: str, flag: str, message: str) -> None:
    rows = ["1,0,100,.,.,.,.,2,1,.,1,70,.", f"1,3,.,.,.,.,.,2,0,{value},0,70,{flag}"]
    [(_, line, found)] = faults(folder, *rows, header=HEADER.replace("SEX", "BLQ"))
    assert (line, message in found) == (3, True)


def test_doses_into_a_compartment_have_its_lag_and_its_share(folder: Path) -> None:
    text = SCENARIO + 'lag = { 1 = "2 h" }\nshare = { 1 = 0.5, 2 = "90 %" }\n'
    rows = ["1,0,100,.,.,.,.,1,1,.,1,70,M", "1,3,100,.,.,.,.,2,1,.,1,70,M"]
    [under_skin, vein] = read(folder, *rows, text=text).arms[1].doses
    assert (under_skin.lag, under_skin.share) == (2, 0.5)
    assert (vein.lag, vein.share) == (0, 0.9)
    [(_, line, message)] = faults(folder, *rows, "1,6,100,50,.,.,.,2,1,.,1,70,M", text=text)
    assert (line, "which NONMEM makes shorter" in message) == (4, True)
    found = faults(folder, *rows, text=text.replace('"2 h"', '"Tlag"').replace('2 = "90', '7 = "90'))
    assert [(file, "Tlag" in message or "nothing of 7" in message) for file, _, message in found] == [
        ("trial.toml", True)
    ] * len(found)
    assert found


def test_a_resolved_scenario_needs_no_table(folder: Path) -> None:
    scenario = read(folder, "1,0,100,.,1,12,1,2,1,.,1,70,M", "1,3,.,.,.,.,.,2,0,9,0,70,M")
    text = resolved(scenario)[0].replace('"model.toml"', '"toy_model.toml"')
    (folder / "trial.csv").unlink()
    (folder / "again.toml").write_text(text, encoding="utf-8")
    again = read_scenario(folder / "again.toml")
    assert again.arms == scenario.arms
    assert again.data[0].points[0]._replace(where="") == scenario.data[0].points[0]._replace(where="")


def test_an_exported_table_reads_back_as_the_same_trial(folder: Path) -> None:
    rows = ["1,0,100,50,2,12,.,2,1,.,1,60,M", "1,24,.,.,.,.,.,2,0,<1,0,60,M", "1,30,20,.,.,.,.,1,1,.,1,60,M"]
    first = read(folder, *rows, "2,3,.,.,.,.,.,2,0,9,0,80,F", "2,3,100,.,.,.,.,2,1,.,1,80,F")
    sim.export(folder / "trial.toml", to="nonmem", out=folder / "out.csv")
    text = (folder / "out.csv").read_text()
    assert "# CMT 1: drug, AMT in pM*L and DV in ng/mL" in text
    again = SCENARIO.replace("trial.csv", "out.csv").replace('amount_unit = "ug"', 'amount_unit = "pM*L"')
    again = again.replace('{ 1 = "depot", 2 = "drug" }', '{ 1 = "drug", 2 = "depot" }').replace("WT =", "body_weight =")
    second = read(folder, text=again)
    assert len(second.arms) == 4  # the main arm is a subject too
    for one, other in zip(first.arms[1:], second.arms[2:], strict=True):
        assert one.parameters == other.parameters
        for a, b in zip(one.doses, other.doses, strict=True):
            assert (a.target, a.at, a.every, a.count) == (b.target, b.at, b.every, b.count)
            assert a.amount * a.factor == pytest.approx(b.amount * b.factor)
            assert a.over == pytest.approx(b.over)
    assert [each.points[0].time for each in second.data] == [each.points[0].time for each in first.data]
    assert [(each.points[0].value, each.points[0].censored) for each in second.data] == [(1, True), (9, False)]


def test_a_single_arm_is_exported_alone(folder: Path) -> None:
    read(folder, "1,0,100,.,.,.,.,2,1,.,1,70,M", "2,0,100,.,.,.,.,2,1,.,1,70,M")
    sim.export(folder / "trial.toml", to="nonmem", arm="subject_2", out=folder / "out.csv")
    lines = [line for line in (folder / "out.csv").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    assert lines[1].startswith("1,0,5000,.,.,.,.,1,1")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,1,100,.,.,.,.,3,1,.,1,70,M", "CMT 3 is unknown"),
        ("1,1,100,.,.,.,.,.,1,.,1,70,M", "a dose without CMT"),
        ("1,1,.,.,.,.,.,.,3,.,1,70,M", "EVID 3 empties the compartments"),
        ("1,1,100,.,.,.,.,2,4,.,1,70,M", "EVID 4 empties the compartments"),
        ("1,1,100,.,.,.,.,2,7,.,1,70,M", "EVID is 7"),
        ("1,1,100,-2,.,.,.,2,1,.,1,70,M", "RATE -2: the rate or duration"),
        ("1,1,0,.,.,.,.,2,1,.,1,70,M", "expected an AMT above zero"),
        ("1,1,100,.,3,.,.,2,1,.,1,70,M", "ADDL needs II"),
        ("1,1,100,.,.,.,1,2,1,.,1,70,M", "SS 1: expected 0, or 1 with II"),
        ("1,1,100,.,.,12,1,2,1,.,1,70,M", "SS 1 replaces what line 2 left"),
        ("1,1,100,.,.,.,.,2,0,4,0,70,M", "AMT is 100, but EVID 0 is no dose"),
        ("1,1,100,.,.,.,.,2,2,.,1,70,M", "AMT is 100, but EVID 2 is no dose"),
        ("1,x,100,.,.,.,.,2,1,.,1,70,M", "TIME: expected a number, found 'x'"),
        ("1,.,100,.,.,.,.,2,1,.,1,70,M", "TIME is missing"),
        ("1,0,50,.,.,.,.,2,1,.,1,70,M", "a second dose of this subject at this time, after line 2"),
        ("1,1,.,.,.,.,.,2,0,4,0,75,M", "WT changes within a subject"),
        ("1,50,100,.,.,.,.,2,1,.,1,70,M", "but the run ends at"),
    ],
)
def test_what_a_row_says_is_done_or_refused_by_its_line(folder: Path, row: str, message: str) -> None:
    found = faults(folder, "1,0,100,.,.,.,.,2,1,.,1,70,M", row)
    assert [(file, line) for file, line, _ in found] == [("trial.csv", 3)]
    assert message in found[0][2]


def test_a_value_outside_the_run_names_the_table(folder: Path) -> None:
    [(file, _, message)] = faults(folder, "1,0,100,.,.,.,.,2,1,.,1,70,M", "1,60,.,.,.,.,.,2,0,4,0,70,M")
    assert file == "trial.csv"
    assert "the time 60 h lies outside the run" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('time_unit = "h"', "", "the unit of TIME is missing"),
        ('amount_unit = "ug"', "", "the unit of AMT is missing"),
        ('WT = "body_weight"', 'WT = "body_wait"', "did you mean 'body_weight'?"),
        ('file = "trial.csv"', 'file = "none.csv"', "the subjects cannot be read from none.csv"),
        ("WT = ", "AGE = ", "there is no column 'AGE'"),
    ],
)
def test_a_wrong_table_of_subjects(folder: Path, old: str, new: str, message: str) -> None:
    found = faults(folder, "1,0,100,.,.,.,.,2,1,.,1,70,M", text=SCENARIO.replace(old, new))
    assert any(message in text for _, _, text in found)


def test_values_of_two_compartments_are_of_two_curves(folder: Path) -> None:
    text = SCENARIO.replace('curve = "drug"', 'curve = { 2 = "drug", 3 = "drug / at(drug, \'1 h\')" }')
    text = text.replace('unit = "ng/mL"\n', "") + 'error = "lognormal"\n'
    rows = ["1,0,100,.,.,.,.,2,1,.,1,70,M", "1,3,.,.,.,.,.,3,0,0.4,0,70,M"]
    [data] = read(folder, *rows, text=text).data
    assert (data.curve.text, data.error.kind) == ("drug / at(drug, '1 h')", "lognormal")
    [(_, line, message)] = faults(folder, *rows, "1,4,.,.,.,.,.,9,0,0.4,0,70,M", text=text)
    assert (line, message[:5]) == (4, "CMT 9")


def test_what_a_value_is_of_is_said_by_dvid_before_cmt(folder: Path) -> None:
    header = HEADER.replace("SEX", "DVID")
    text = SCENARIO.replace('curve = "drug"', 'curve = { 1 = "drug", 2 = "drug / at(drug, \'1 h\')" }')
    text = text.replace('unit = "ng/mL"\n', "") + 'error = "lognormal"\n'
    rows = ["1,0,100,.,.,.,.,2,1,.,1,70,.", "1,3,.,.,.,.,.,2,0,0.4,0,70,2"]
    [data] = read(folder, *rows, header=header, text=text).data
    assert data.curve.text == "drug / at(drug, '1 h')"


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("SEX", "DVID")])
def test_values_of_two_kinds_are_not_both_of_one_curve(folder: Path, header: str) -> None:
    rows = ["1,0,100,.,.,.,.,2,1,.,1,70,.", "1,3,.,.,.,.,.,1,0,4,0,70,1", "1,5,.,.,.,.,.,2,0,4,0,70,2"]
    [(_, line, message)] = faults(folder, *rows, header=header)
    assert line == 4
    assert "2 and 1: curve = { ... } says of what each is a value" in message
