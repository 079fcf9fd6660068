"""Numbers with units wherever they can be written: in files, with options, as axes and from Python."""

from __future__ import annotations

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
