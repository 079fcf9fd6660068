"""Populations that scenarios refer to by name: ``of = "adults"`` in ``[population]`` becomes what its file says."""

from __future__ import annotations

from pathlib import Path

from ...model.model import Model
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from ..reading import exists
from .catalogue import builtin_populations
from .layers import KeyPath, Layers, Origin
from .population import PATIENT
from .source import LINE, LIST, REQUIRED_LINE, REQUIRED_TEXT, TEXT, Table, TomlSource, check_fields, list_or_empty

FILE = {
    "title": REQUIRED_LINE,
    "model": REQUIRED_TEXT,
    "limitations": TEXT,
    "source": LINE,
    "vary": LIST,
    "correlations": LIST,
}
AT: KeyPath = ("population",)


def expand_population(layers: Layers, model: Model) -> None:
    """Turns ``of`` of ``[population]``, if it is there, into the distributions and correlations of that file.

    What the scenario itself says of a parameter takes the place of what the file says, and what ``[sweep]`` varies
    is left out of the patients. Raises `InputError` if there is no such population, or if its file is wrong.
    """
    table = layers.data.get("population")
    if not isinstance(table, dict) or "of" not in table:
        return
    source = TomlSource(_find(layers, str(table["of"])))
    source.check_ours()
    _check(layers, source)

    def name(word: object) -> str:
        return model.find(str(word), "parameters") or str(word)

    own = {name(item.get("parameter")) for item in _tables(table.get("vary"))}
    swept = {name(item.get("parameter")) for item in _tables(layers.data.get("sweep", {}).get("vary"))}
    items, pairs = _tables(source.data.get("vary")), source.data.get("correlations", [])
    kept = [number for number, item in enumerate(items) if name(item["parameter"]) not in own | swept]
    known = own | {name(items[number]["parameter"]) for number in kept}
    correlated = {frozenset(map(name, pair[:2])) for pair in table.get("correlations", []) if isinstance(pair, list)}
    shared = [pair for pair in pairs if {*map(name, pair[:2])} <= known and {*map(name, pair[:2])} not in correlated]
    moved: dict[KeyPath, KeyPath] = {(*AT, "vary", i): ("vary", number) for i, number in enumerate(kept)}
    moved[*AT, "correlations"] = ("correlations",)
    layers.put_before((*AT, "vary"), [items[number] for number in kept], Origin(source, moved))
    layers.put_before((*AT, "correlations"), shared, Origin(source, moved))
    layers.drop((*AT, "of"))


def _tables(found: object) -> list[Table]:
    return [item for item in list_or_empty(found) if isinstance(item, dict)]


def _find(layers: Layers, word: str) -> Path:
    """The file of a population: one of the package by its name, or a path relative to the scenario."""
    known, path = builtin_populations(), layers.folder_of((*AT, "of")) / word
    if word in known:
        return known[word]
    if word.endswith(".toml") and exists(path):
        return path
    hint = nearest(word, known) or f"; populations are {', '.join(known)}, or a file {word.removesuffix('.toml')}.toml"
    raise InputError([layers.fault((*AT, "of"), f"no population '{word}'{hint}")])


def _check(layers: Layers, source: TomlSource) -> None:
    """`InputError` if the file is no population, or one of people whom the model of the scenario does not describe."""
    wrong: list[InputFault] = [
        source.fault(path, text) for path, text in check_fields(source.data, FILE, "a population")
    ]
    for number, item in enumerate(list_or_empty(source.data.get("vary"))):
        found = check_fields(item, PATIENT, "[[vary]]")
        wrong += [source.fault(("vary", number, *path), text) for path, text in found]
    for pair in list_or_empty(source.data.get("correlations")):
        if not isinstance(pair, list) or len(pair) != 3:
            wrong.append(source.fault(("correlations",), f'expected ["NAME", "NAME", number], found {pair!r}'))
    its, of = source.data.get("model"), layers.data.get("model")
    if not wrong and its != Path(str(of)).stem:
        text = f"population '{layers.data['population']['of']}' is of the model {its}, this scenario of {of}"
        wrong.append(layers.fault((*AT, "of"), text))
    if wrong:
        raise InputError(wrong)
