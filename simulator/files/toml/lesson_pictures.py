"""What a lesson has computed when its page is made: ``[branch.NAME]``, ``[sweep.NAME]``, ``[evidence.NAME]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ...experiments.lessons import BranchPicture, EvidencePicture, Picture, SweepPicture
from ...experiments.scenario import MAIN, Scenario
from ...model.expression import is_identifier
from ...runtime.names import unknown_name
from .catalogue import topics
from .layers import KeyPath
from .source import LINE, LIST, REQUIRED_LINE, Field, Table

FLAG = Field((bool,))
BRANCH = {"scenario": LINE, "arm": LINE, "follow": REQUIRED_LINE, "of": REQUIRED_LINE, "label": LINE, "way_up": FLAG}
SWEEP = {"scenario": LINE, "measure": REQUIRED_LINE, "arms": LIST}
EVIDENCE = {"topics": LIST, "aside": FLAG}

Fault = Callable[[KeyPath, str], None]
Find = Callable[[KeyPath, str], Scenario | None]


def read_pictures(tables: Mapping[str, Table], find: Find, usual: object, fault: Fault) -> dict[str, Picture]:
    """The pictures by their names, without those that are wrong.

    tables: by kind and name. find: the scenario that a word names. usual: the word for that of the lesson.
    """
    found: dict[str, Picture] = {}
    for kind, named in tables.items():
        for name, table in named.items():
            path: KeyPath = (kind, name)
            if name in found or not is_identifier(name):
                why = "is the name of two pictures" if name in found else "is no name: letters, digits and _ only"
                fault(path, f"'{name}' {why}")
                continue
            if kind == "evidence":
                found[name] = _evidence(name, table, partial(_at, fault, path))
                continue
            word = table.get("scenario", usual)
            scenario = find((*path, "scenario"), word) if isinstance(word, str) else None
            if scenario is not None:
                read = _branch if kind == "branch" else _sweep
                picture = read(name, scenario, table, partial(_at, fault, path))
                found |= {} if picture is None else {name: picture}
    return found


def _at(fault: Fault, path: KeyPath, key: str, message: str) -> None:
    fault((*path, key), message)


def _evidence(name: str, table: Table, fault: Callable[[str, str], None]) -> EvidencePicture:
    asked, known = [str(each) for each in table.get("topics", [])], [topic.title for topic in topics()]
    for each in asked:
        if each not in known:
            fault("topics", unknown_name("there is no topic", each, known))
    return EvidencePicture(name, tuple(asked), table.get("aside", False))


def _branch(name: str, scenario: Scenario, table: Table, fault: Callable[[str, str], None]) -> BranchPicture | None:
    arms, arm = [each.name for each in scenario.arms], table.get("arm", MAIN)
    curve = scenario.model.find(table["of"], "species", "observables")
    parameter, equals, _ = table["follow"].partition("=")
    found = scenario.model.find(parameter.strip(), "parameters")
    if arm not in arms:
        fault("arm", unknown_name("the scenario has no arm", arm, arms))
    if curve is None:
        fault("of", scenario.model.unknown(table["of"], "species", "observables"))
    if found is None or not equals:
        known = (
            scenario.model.unknown(parameter.strip(), "parameters") if found is None else f"found '{table['follow']}'"
        )
        fault("follow", f"expected PARAMETER=FROM:TO; {known}")
    if arm not in arms or curve is None or found is None or not equals:
        return None
    label = table.get("label") or scenario.model.parameters[found].label
    return BranchPicture(name, scenario, arm, table["follow"], curve, label, table.get("way_up", False))


def _sweep(name: str, scenario: Scenario, table: Table, fault: Callable[[str, str], None]) -> SweepPicture | None:
    sweep = scenario.sweep
    if sweep is None or sweep.design.kind != "population":
        fault("scenario", f"{scenario.id} has no [population]")
        return None
    measures = [each.id for each in sweep.measures if each.levels]
    if table["measure"] not in measures:
        fault("measure", unknown_name("the sweep counts patients by no measure", table["measure"], measures))
        return None
    arms = [str(each) for each in table.get("arms", sweep.arms)]
    if unknown := [each for each in arms if each not in sweep.arms]:
        fault("arms", unknown_name("the sweep has no arm", unknown[0], sweep.arms))
        return None
    parameters = tuple([each.path for each in sweep.design.axes if is_identifier(each.path)])
    return SweepPicture(name, scenario, table["measure"], tuple(arms), parameters)
