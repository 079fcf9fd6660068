"""What a run gives at its usual tolerance is what two other solvers give: see `agreement.py`."""

from __future__ import annotations

import pytest
from immunesim.files.toml.catalogue import builtin_scenarios

from tests.agreement import TOLERANCE, agreements

QUICK = "alexander_wahl", "friberg", "false_alarm", "kirschner_panetta"

# Arms in which more is left, and how much at most: by a run with rtol 1e-6, of species that rise or fall steeply
LARGER = {
    ("autoimmune_patients", "lupus"): 3e-05,  # leukocytes_stuck
    ("baker", "far_above"): 8e-05,  # p
    ("baker_ageing", "main"): 4e-05,  # p
    ("baker_ageing", "few_anti_inflammatory"): 6e-05,  # p
    ("baker_ageing", "settling"): 2e-05,  # p
    ("baker_treatment", "long_enough"): 4e-05,  # a
    ("crohn", "main"): 1e-05,  # TNF
    ("dupilumab", "weekly"): 2e-05,  # dupilumab
    ("dupilumab", "adult_70"): 2e-05,  # dupilumab
    ("false_alarm", "more_regulatory"): 5e-05,  # IL2_arousal
    ("kirschner_panetta", "main"): 3e-05,  # tumour
    ("kirschner_panetta", "one_cell"): 4e-05,  # tumour
    ("kirschner_panetta_il2", "il2_above"): 1e-05,  # tumour
    ("low_dose_il2", "main"): 2e-05,  # TNF
    ("low_dose_il2", "tenth"): 2e-05,  # T_regulatory
    ("messages_without_cells", "main"): 0.0002,  # pathogen
    ("messages_without_cells", "no_T_cells"): 2e-05,  # T_regulatory
    ("reynolds", "main"): 2e-05,  # pathogen
    ("reynolds", "weak_stop"): 2e-05,  # pathogen
    ("reynolds_stop_signal", "main"): 3e-05,  # pathogen
    ("reynolds_stop_signal", "raised_too_far"): 6e-05,  # pathogen
    ("reynolds_stop_signal", "lowered"): 2e-05,  # pathogen
    ("reynolds_stop_signal", "lowered_too_far"): 2e-05,  # pathogen
}


@pytest.mark.slow
@pytest.mark.parametrize("name", builtin_scenarios())
def test_every_arm_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name)


@pytest.mark.parametrize("name", QUICK)
def test_the_main_arm_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name, "main")


def assert_agree(name: str, *arms: str) -> None:
    found = list(agreements(name, arms or None))
    assert found
    assert [each.line for each in found if not each.worst <= LARGER.get((name, each.arm), TOLERANCE)] == []
