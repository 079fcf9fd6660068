"""Names that become parts of file names: those of scenarios and of their arms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...experiments.scenario import MAIN
from ...model.expression import is_identifier
from ...runtime.errors import InputFault
from ...runtime.text import is_text
from .source import TomlSource, control_character, table_or_empty

MAX_NAME = 100  # bytes of a name that becomes part of file names, which hold 255
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|\Z)", re.IGNORECASE)  # devices to Windows
_NOT_IN_FILE_NAMES = frozenset('<>:"/\\|?*')


def check_arm_names(source: TomlSource) -> Iterator[InputFault]:
    """Faults of the names of arms and of their doses: arms become parts of file names."""
    seen: dict[str, str] = {MAIN: MAIN}
    for name, arm in table_or_empty(source.data.get("arms")).items():
        problem = _arm_name_problem(name, seen)
        if problem:
            yield source.fault(("arms", name), problem)
        seen.setdefault(name.lower(), name)
        for dose in table_or_empty(table_or_empty(arm).get("dose")):
            problem = control_character("a name of a dose", dose, one_line=True)
            if problem:
                yield source.fault(("arms", name, "dose", dose), problem)


def _arm_name_problem(name: str, seen: Mapping[str, str]) -> str:
    if name == MAIN:
        return f"'{MAIN}' is the scenario itself; choose another name"
    if not is_identifier(name):
        return f"{name!r} cannot be a name of an arm: letters, digits and _ only; a label may be anything"
    if name.lower() in seen:
        return (
            f"'{name}' and '{seen[name.lower()]}' differ only by case, and files are named after arms, "
            "which Windows and macOS would mix up; choose another name"
        )
    return _file_name_problem(name, "an arm")


def check_scenario_name(path: Path) -> Iterator[InputFault]:
    """A fault if the results of a scenario file cannot be named after it."""
    name = path.stem
    wrong = sorted(_NOT_IN_FILE_NAMES & set(name))
    problem = control_character("the name of a scenario", name, one_line=True) or _file_name_problem(name, "a scenario")
    if wrong:
        problem = f"a scenario cannot be named {name!r}: file names on Windows cannot have {' '.join(wrong)}"
    if problem:
        yield InputFault(str(path), 0, problem, "")


def _file_name_problem(name: str, what: str) -> str:
    """Why files cannot be named after `name`, or an empty text."""
    if _RESERVED.match(name):
        return f"{what} cannot be named '{name}', which is reserved on Windows; choose another name"
    if not is_text(name):
        return f"{what} cannot be named {name!r}, whose bytes are not UTF-8; rename the file"
    if len(name.encode()) > MAX_NAME:
        return f"{what} may have a name of {MAX_NAME} bytes, found {len(name.encode())}; files are named after it"
    return ""
