"""Foreign formats: one file or folder for each, and the table `FORMATS` that lists them. Our own TOML is in toml/."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # `export --help` must not wait for what a scenario needs
    from ...experiments.scenario import Scenario


class ExportFormat(NamedTuple):
    """A format that an arm can be exported to: what it is called in help, the suffix of its files, and its writer.

    text: the content of the file, from a scenario and the name of one of its arms. decides: of those, why the rules of
    the arm cannot be written, so that it writes what they decided; empty where it writes them, or has none.
    """

    title: str
    suffix: str
    text: Callable[[Scenario, str], str]
    decides: Callable[[Scenario, str], str]


def _sbml(scenario: Scenario, arm: str) -> str:
    from .sbml.document import sbml_text  # libSBML is an optional package

    return sbml_text(scenario, arm)


def _decides_for_sbml(scenario: Scenario, arm: str) -> str:
    from .sbml.rules import unwritten

    return unwritten(scenario, scenario.arm(arm))


def _decides_for_nonmem(scenario: Scenario, arm: str) -> str:
    from ...experiments.scenario import switches_of

    own = scenario.arm(arm)
    return "its tables know no rules" if len(own.rules) > len(switches_of(own)) else ""


def _nonmem(scenario: Scenario, arm: str) -> str:
    from .nonmem import nonmem_text

    return nonmem_text(scenario, arm)


FORMATS = {
    "sbml": ExportFormat(
        "Level 3 Version 2, with units, sources, and doses as events", ".xml", _sbml, _decides_for_sbml
    ),
    "nonmem": ExportFormat(
        "a table of doses and data, each arm a subject (without --arm all)", ".csv", _nonmem, _decides_for_nonmem
    ),
}
