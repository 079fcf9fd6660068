"""A scenario file on top of those that it extends."""

from __future__ import annotations

from pathlib import Path

from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from ..reading import exists, same_file
from .catalogue import builtin_scenarios
from .layers import KeyPath, Layers, Origin
from .scenario_shape import check_shape
from .source import Table, TomlSource

MAX_PARENTS = 20
INHERITED = ("question", "model", "label", "time", "initial", "parameters", "dose", "change", "arms", "show",
             "inputs", "rule", "sources", "sweep", "population")  # fmt: skip


def read_layers(path: Path, faults: list[InputFault], trail: tuple[Path, ...] = ()) -> Layers:
    """The file on top of its parent, its parent's parent, and so on.

    Args:
        path: of the file.
        faults: what is wrong but does not stop the reading is appended to them.
        trail: the files that extend this one.

    Raises:
        InputError: with all faults, those given too, if a file is missing or has keys that no scenario has.
    """
    source = TomlSource(path)
    source.check_ours()
    parent = source.data.get("extends")
    parent_path = _parent(path.parent, parent) if isinstance(parent, str) else None
    missing = isinstance(parent, str) and parent_path is not None and not exists(parent_path)
    if missing:
        faults.append(source.fault(("extends",), _no_parent(path.parent, str(parent))))
    faults += check_shape(source, faults)
    own = _layer(source)
    if parent_path is None:
        return own
    trail = (*trail, path)
    if same_file(parent_path) in map(same_file, trail) or len(trail) > MAX_PARENTS:
        names = [file.name for file in (*trail, parent_path)]
        raise InputError([*faults, source.fault(("extends",), f"files extend each other: {' -> '.join(names)}")])
    if missing:
        raise InputError(faults)
    layers = read_layers(parent_path, faults, trail)
    layers.keep(INHERITED)
    layers.overlay(own)
    return layers


def _parent(folder: Path, word: str) -> Path:
    """The file that ``extends`` names: a built-in scenario, or a path from the folder of the file that extends it."""
    return folder / word if word.endswith(".toml") else builtin_scenarios().get(word, folder / word)


def _no_parent(folder: Path, word: str) -> str:
    """What is wrong with a word of ``extends`` where there is no such file."""
    builtin, name = builtin_scenarios(), Path(word).stem
    if not word.endswith(".toml"):
        return f"no bundled scenario '{word}'{nearest(word, builtin)}; a file is named with its .toml"
    hint = f'; extends = "{name}" takes the built-in one' if name in builtin else nearest(name, builtin)
    return f"no file '{word}' in {folder}{hint}"


def _layer(source: TomlSource) -> Layers:
    """The data of a file with its doses as a table by name, so that doses of two files are merged by name."""
    data = {key: value for key, value in source.data.items() if key != "extends"}
    moved: dict[KeyPath, KeyPath] = {}
    if "dose" in data:
        doses: Table = {}
        for number, dose in enumerate(data["dose"]):
            name = dose["name"]
            if name in doses:
                raise InputError([source.fault(("dose", number, "name"), f"two doses are named '{name}'")])
            doses[name] = {key: value for key, value in dose.items() if key != "name"}
            moved["dose", name] = ("dose", number)
        data["dose"] = doses
    return Layers.of(data, Origin(source, moved))
