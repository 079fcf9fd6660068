"""Two clones of T cells: the second does and costs what the first does, and knows what it is told to know."""

from __future__ import annotations

import functools
from typing import Any

import immunesim as sim
import pytest

pytestmark = pytest.mark.slow  # a module used twice is tested on toys in tests/*/test_copies.py

AMONG_ALL = ("IL2", "IL3", "T_stimulated", "lymphocytes", "T_cells_blood", "CD4", "CD8", "M_active", "tissue_damage")


@functools.cache
def infection(*values: tuple[str, str], without: tuple[str, ...] = ()) -> Any:
    """The first 40 days of acute_infection, an infection on day 5, with other values."""
    changed = {"time.end": "40 d", **dict(values)}
    return sim.run("acute_infection", arms=["uninfected" if without else "main"], set=changed, certify=False)


def highest(run: Any, name: str) -> float:
    return float(run.measure(f"max({name})"))


def test_another_pathogen_is_met_as_the_first_is_where_no_antibody_takes_part() -> None:
    first = infection(("hidden_from_antibody", "1"))
    second = infection(("hidden_from_antibody", "1"), ("pathogen_second", "1"))
    for name in ("T_active", "T_active_CD4", "T_memory", "T_exhaustion", "antigen_presented"):
        assert highest(second, f"{name}_second") == pytest.approx(highest(first, name), rel=0.03), name
    for name in ("pathogen", "lost_cells", "temperature", *AMONG_ALL):
        assert highest(second, name) == pytest.approx(highest(first, name), rel=0.03), name
    assert highest(second, "T_active") < 1e-6


def test_no_antibody_is_made_to_the_second_antigen() -> None:
    assert highest(infection(), "antibody") > 1
    assert highest(infection(("pathogen_second", "1")), "antibody") < 1e-6


@pytest.mark.parametrize("name", ["T_active", "T_primed", "T_memory"])
def test_cells_of_the_second_clone_are_counted_and_fed_as_those_of_the_first(name: str) -> None:
    first, second = (
        infection((f"initial.{name}{suffix}", "50 cells/uL"), without=("infection",)) for suffix in ("", "_second")
    )
    for each in AMONG_ALL:
        values = [[run.measure(f"at({each}, '{day} d')") for day in (0, 1, 3, 10)] for run in (first, second)]
        assert values[1] == pytest.approx(values[0], rel=1e-3), each


@pytest.mark.parametrize(("share", "least", "most"), [("0.3", 0.0, 0.5), ("0", 0.99, 1.01), ("1", 0.0, 0.1)])
def test_memory_of_one_antigen_protects_from_the_other_by_what_they_share(
    share: str, least: float, most: float
) -> None:
    other = (("hidden_from_antibody", "1"), ("pathogen_second", "1"), ("cross_reactivity", share))
    memory = (("initial.T_memory", "5 cells/uL"), ("initial.T_memory_CD4", "3 cells/uL"))
    ratio = highest(infection(*other, *memory), "pathogen") / highest(infection(*other), "pathogen")
    assert least <= ratio <= most
