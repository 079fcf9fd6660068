"""Numbers with units wherever they can be written: in files, with options, as axes and from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import pytest
from immunesim.files.toml.interventions import Interventions
from immunesim.files.toml.overrides import SweepOptions
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.runtime.errors import InputError
from immunesim.views.text.notes import notes


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2009", "\u202f"])
def test_a_number_with_spaces_is_refused_wherever_it_is_written(toy_file: Path, space: str) -> None:
    given = f"1{space}500 pmol"
    for asked in (
        {"settings": {"dose.push.amount": given}},
        {"interventions": Interventions(add=(f"drug {given} at 3 h",))},
        {"sweep_options": SweepOptions(vary=(f"dose.push.amount={given}:2000 pmol:3",))},
    ):
        with pytest.raises(InputError) as caught:
            read_scenario(toy_file, **asked)  # type: ignore[arg-type]
        assert any("write '1500 pmol'" in fault.message for fault in caught.value.faults)
    with pytest.raises(InputError, match="write '1500 pmol'"):
        sim.run(toy_file, set={"dose.push.amount": given})


def test_a_number_with_spaces_in_a_table_of_members_is_refused(toy_file: Path) -> None:
    table = toy_file.parent / "members.csv"
    table.write_text("dose.push.amount [pmol]\n1 500\n")
    with pytest.raises(InputError, match="expected a number, found '1 500'"):
        read_scenario(toy_file, sweep_options=SweepOptions(members=str(table)))
    table.write_text("dose.push.amount [10 500 pmol]\n1\n")
    with pytest.raises(InputError, match="a number has no spaces in it"):
        read_scenario(toy_file, sweep_options=SweepOptions(members=str(table)))


@pytest.mark.parametrize("amount", ["5 mL/L", "5 mg/mg", "5 %", "3 IU/mg"])
def test_a_ratio_is_no_dose_per_body_weight(toy_file: Path, amount: str) -> None:
    with pytest.raises(InputError, match="expected an amount that becomes pM of drug"):
        read_scenario(toy_file, {"dose.push.amount": amount})


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("2 million IU", "2 MIU"),
        ("3 mcg", "3 ug"),
        ("3 mcg/kg", "3 ug kg⁻¹"),
    ],
)
def test_two_spellings_are_one_dose(toy_file: Path, written: str, same: str) -> None:
    first, second = (read_scenario(toy_file, {"dose.push.amount": each}).arms[0].doses[0] for each in (written, same))
    assert first.amount * first.factor == pytest.approx(second.amount * second.factor, rel=1e-12)


def test_a_dose_in_thousandths_of_a_unit_is_noted_and_a_concentration_is_not(toy_file: Path) -> None:
    def found(name: str, value: str) -> list[str]:
        return [note for note in notes(read_scenario(toy_file, {name: value})) if "IU" in note]

    expected = "the dose 'drip', 18 mIU, is in thousandths of a unit (mIU); a million units is MIU"
    assert found("dose.drip.amount", "18 mIU") == [expected]
    assert len(found("dose.drip.amount", "18 mIU/kg")) == 1
    assert not found("dose.drip.amount", "18 MIU")
    assert not found("dose.drip.amount", "18 mIU/mL")
    assert not found("initial.drug", "18 mIU/mL")


def faults(toy_file: Path, *changes: tuple[str, str]) -> list[str]:
    text = toy_file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    toy_file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_scenario(toy_file)
    return [fault.message for fault in caught.value.faults]


def test_a_wrong_count_and_an_unknown_target_hide_no_other_fault(toy_file: Path) -> None:
    found = faults(
        toy_file,
        ('target = "drug"\namount = "400 pmol"\nat = "2 h"', 'target = "drgu"\namount = "400 foo"\nat = "2 pM"'),
        ("count = 3", 'count = "x"'),
        ('at = "6 h"', 'at = "6 pM"'),
    )
    wanted = ("no species 'drgu'", "no unit 'foo'", "found '2 pM'", "expected a whole number from 1", "found '6 pM'")
    assert [sum(each in message for message in found) for each in wanted] == [1] * 5
    assert len(found) == 5


def test_a_misspelt_key_is_one_fault(toy_file: Path) -> None:
    (message,) = faults(toy_file, ('title = "A toy', 'titel = "A toy'))
    assert message == "a scenario has no key 'titel'; did you mean 'title'?"


def test_a_time_without_quotes_in_a_measure_is_told_to_be_quoted(toy_file: Path) -> None:
    with pytest.raises(InputError, match="times and levels go in quotes, '3 d'"):
        read_scenario(toy_file, sweep_options=SweepOptions(vary=("k_clear",), measures=("at(drug, 3 d)",)))


@pytest.mark.parametrize(
    "call",
    [
        lambda toy: sim.sweep(toy, vary="k_clear", out=3),
        lambda toy: sim.compare(toy, of="drug", out=3),
        lambda toy: sim.evidence(toy, out=3),
        lambda toy: sim.explain(toy, "drug", at=[None]),
        lambda toy: sim.explain(toy, "drug", at=object()),
        lambda toy: sim.gallery(3, toy),
        lambda toy: sim.run(toy).save(3),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(toy_file: Path, call: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match=r"(out|at|folder): expected a"):
        call(toy_file)
