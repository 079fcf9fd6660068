"""Other words for the names of a model: those that every model shares, and those that its own files add."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ...runtime.errors import InputFault
from ...runtime.names import fold, nearest
from .catalogue import BIOLOGY
from .source import TomlSource

SYNONYMS = BIOLOGY / "synonyms.toml"
SECTION = "synonyms"


def shared_synonyms(names: Collection[str]) -> dict[str, str]:
    """By the folded word, the name among `names` that it stands for; a word that is a name stands for itself."""
    taken = {fold(name) for name in names}
    table = TomlSource(SYNONYMS).data[SECTION]
    pairs = {fold(word): name for name, words in table.items() for word in words if name in names}
    return {word: name for word, name in pairs.items() if word not in taken}


def own_synonyms(source: TomlSource, names: Collection[str], faults: list[InputFault]) -> dict[str, str]:
    """The same from ``[synonyms]`` of a file; what is wrong there is added to `faults`."""
    table = source.data.get(SECTION)
    found: dict[str, str] = {}
    for name, words in table.items() if isinstance(table, dict) else []:
        for message in _wrong(name, words, names):
            faults.append(source.fault((SECTION, name), message))
        if isinstance(words, list) and name in names:
            found |= {fold(word): name for word in words if isinstance(word, str)}
    return found


def _wrong(name: str, words: object, names: Collection[str]) -> Iterator[str]:
    if name not in names:
        yield f"the model has no name '{name}'{nearest(name, list(names))}"
    if not isinstance(words, list) or not all(isinstance(word, str) and fold(word) for word in words):
        yield f"expected a list of other words for {name}"
        return
    for word in words:
        if (other := next((each for each in names if fold(each) == fold(word)), None)) is not None:
            yield f"'{word}' is a name of the model already: {other}"
