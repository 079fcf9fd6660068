"""Which scenarios and arms a comparison is of, and what all of them are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..experiments.comparison import Reference
from ..experiments.scenario import MAIN, Scenario, check_arms
from ..files.toml.scenario_file import find_scenario, read_scenario
from ..runtime.errors import InputError, request_fault
from ..runtime.names import nearest


class Side(NamedTuple):
    """A scenario, how it was changed ('' where it was not), and the arms of it that are compared."""

    scenario: Scenario
    words: str
    arms: list[str]


def sides(
    described: Sequence[Scenario],
    changed: Sequence[tuple[Scenario, str]],
    arms: Sequence[str] | None,
    against: str | None,
) -> tuple[list[Side], Reference | None]:
    """The sides, and the reference if one is asked for, which is added to them where it is not among them.

    One scenario without changes is compared by its arms, all else by main arms; `arms` says otherwise.
    """
    pairs: list[tuple[Scenario, str]] = []
    for place, scenario in enumerate(described):
        pairs += [(scenario, ""), *changed[place : place + 1]]
    if arms:
        check_arms(described, arms, "--arm")
    found = []
    for scenario, words in pairs:
        has = [arm.name for arm in scenario.arms]
        wanted = [name for name in arms if name in has] if arms else has if len(pairs) == 1 else [MAIN]
        if wanted:
            found.append(Side(scenario, words, list(dict.fromkeys(wanted))))
    reference = None if against is None else _reference(found, described[0], against)
    if sum(len(side.arms) for side in found) < 2:
        message = "nothing to compare: give several scenarios or arms, or a change such as --knockout"
        raise InputError([request_fault(message, "")])
    return found, reference


def _reference(found: list[Side], first: Scenario, against: str) -> Reference:
    """The place and arm that `against` names; its scenario or arm joins `found` where it is missing."""
    scenario, arm = _named(first, against)
    place = next((i for i, side in enumerate(found) if side.scenario.id == scenario.id and not side.words), None)
    if place is None:
        found.append(Side(scenario, "", [arm]))
        return Reference(len(found) - 1, arm)
    if arm not in found[place].arms:
        found[place].arms.append(arm)
    return Reference(place, arm)


def _named(first: Scenario, against: str) -> tuple[Scenario, str]:
    """The scenario and arm of ``ARM``, ``SCENARIO`` or ``SCENARIO/ARM``."""
    own = [arm.name for arm in first.arms]
    if against in own:
        return first, against
    word, _, arm = against.rpartition("/")
    for name, chosen in ((against, MAIN), (word, arm)):
        try:
            path = find_scenario(name) if name else None
        except InputError:
            continue
        if path is not None:
            scenario = read_scenario(path)
            check_arms([scenario], [chosen], "--against")
            return scenario, chosen
    hint = nearest(against, own) or f"; arms of {first.id} are {', '.join(own)}"
    message = f"'{against}' is no arm of {first.id} and no scenario{hint}"
    raise InputError([request_fault(message, f"--against {against}")])
