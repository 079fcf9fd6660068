"""Virtual people under twelve treatments and challenges: nothing goes beyond what a living body has."""

from __future__ import annotations

import pytest

from tests.biology.people import ARMS, runaways


@pytest.mark.slow
def test_nothing_runs_away() -> None:
    assert runaways(20) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # what a knockout does to the body
@pytest.mark.parametrize("name", ["IL1", "IL2", "IL3", "IL4"])
def test_nothing_runs_away_without_an_interleukin(name: str) -> None:
    assert runaways(4, knockout=[name]) == []
    assert runaways(4, block=[f"{name} 100%"]) == []


def test_what_runs_away_is_told() -> None:
    said = runaways(1, arms=["main", "much_IL2"], bounds={"temperature": (34, 37.5, "no fever")})
    assert [line.split(":")[0] for line in said] == ["much_IL2"]


def test_the_arms_are_those_of_the_challenges() -> None:
    from immunesim import read_scenario

    from tests.biology.people import CHALLENGES

    assert tuple(arm.name for arm in read_scenario(CHALLENGES).arms) == ARMS
