"""A stack of TOML files laid over each other, which remembers where every value came from."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ...runtime.errors import InputFault, request_fault
from ...runtime.names import fold
from .source import Key, Table, TomlSource

Path_ = tuple[Key, ...]


class _CanBlame(Protocol):
    def fault(self, path: Sequence[Key], message: str) -> InputFault: ...


class Setting:
    """A value given on the command line, by the words in `text`."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fault(self, path: Sequence[Key], message: str) -> InputFault:
        return request_fault(message, self.text)


class Origin(NamedTuple):
    """A file, and where its keys stand in it if not where they stand in the data."""

    source: _CanBlame
    places: Mapping[Path_, Path_]

    def place(self, path: Path_) -> Path_:
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]] + path[length:]
        return path


class Layers:
    """`data`, merged: tables key by key, lists of changes joined, all else replaced."""

    def __init__(self, data: Table, origins: dict[Path_, tuple[_CanBlame, Path_]]) -> None:
        self.data = data
        self.origins = origins

    @classmethod
    def of(cls, content: tuple[Table, Origin]) -> Layers:
        data, origin = content
        origins = {path: (origin.source, origin.place(path)) for path in _paths(data, ())}
        origins[()] = (origin.source, ())
        return cls(copy.deepcopy(data), origins)

    def keep(self, keys: Sequence[str]) -> None:
        """Forgets everything but `keys`: what a child does not inherit."""
        self.data = {key: value for key, value in self.data.items() if key in keys}
        self.origins = {path: origin for path, origin in self.origins.items() if not path or path[0] in keys}

    def put(self, top: Layers) -> None:
        """Lays `top` over this."""
        self._put((), self.data, top.data, top, 0)
        self.origins[()] = top.origins[()]

    def _put(self, path: Path_, below: Table, above: Table, top: Layers, depth: int) -> None:
        for key, value in above.items():
            here: Path_ = (*path, key)
            self._drop_other_spellings(path, below, key)
            if isinstance(value, dict) and isinstance(below.get(key), dict):
                self.origins[here] = top.origins[here]
                self._put(here, below[key], value, top, depth + 1)
            elif key == "change" and isinstance(below.get(key), list):
                shift = len(below[key])
                below[key] = below[key] + value
                for old, origin in top.origins.items():
                    if old[: len(here)] == here and len(old) > len(here):
                        number = int(old[len(here)])
                        self.origins[(*here, number + shift, *old[len(here) + 1 :])] = origin
            else:
                below[key] = copy.deepcopy(value)
                self._forget(here)
                for old, origin in top.origins.items():
                    if old[: len(here)] == here:
                        self.origins[old] = origin

    def _drop_other_spellings(self, path: Path_, below: Table, key: str) -> None:
        """Of one name spelt in two ways (IL-2 and IL2) only the upper layer's stays."""
        if path and path[-1] in ("parameters", "initial"):
            for other in [name for name in below if name != key and fold(name) == fold(key)]:
                del below[other]
                self._forget((*path, other))

    def _forget(self, path: Path_) -> None:
        for old in [old for old in self.origins if old[: len(path)] == path]:
            del self.origins[old]

    def set(self, path: Path_, value: object, source: _CanBlame) -> None:
        table = self.data
        for key in path[:-1]:
            table = table.setdefault(str(key), {})
        self._drop_other_spellings(path[:-1], table, str(path[-1]))
        table[str(path[-1])] = value
        self._forget(path)
        self.blame(path, source)

    def blame(self, path: Path_, source: _CanBlame) -> None:
        """Says that the value at `path` comes from `source`."""
        self.origins[path] = (source, path)

    def drop(self, path: Path_) -> None:
        """Takes the value at `path` out, if there is one."""
        table: Any = self.data
        for key in path[:-1]:
            table = table.get(key, {})
        if table.pop(path[-1], None) is not None:
            self._forget(path)

    def origin(self, path: Sequence[Key]) -> tuple[_CanBlame, Path_]:
        """The source of the value at `path`, or of the nearest table around it."""
        for length in range(len(path), -1, -1):
            found = self.origins.get(tuple(path[:length]))
            if found is not None:
                source, place = found
                return source, (*place, *path[length:])
        raise KeyError(path)

    def fault(self, path: Sequence[Key], message: str) -> InputFault:
        source, place = self.origin(path)
        return source.fault(place, message)

    def worded(self, path: Path_) -> bool:
        """Whether the value at `path` itself was given on the command line."""
        return path in self.origins and isinstance(self.origins[path][0], Setting)

    def folder_of(self, path: Sequence[Key]) -> Path:
        """What a file named at `path` is relative to."""
        source, _ = self.origin(path)
        return source.path.parent if isinstance(source, TomlSource) else Path.cwd()

    def where(self, path: Sequence[Key]) -> str:
        """``file:line`` of the value at `path`."""
        fault = self.fault(path, "")
        return f"{fault.file}:{fault.line}" if fault.line else fault.text or fault.file


class Origins(Mapping[Path_, str]):
    """``file:line`` by path, looked up when asked for: few runs ask."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers

    def __getitem__(self, path: Path_) -> str:
        if not path or path not in self._layers.origins:
            raise KeyError(path)
        return self._layers.where(path)

    def __iter__(self) -> Iterator[Path_]:
        return (path for path in self._layers.origins if path)

    def __len__(self) -> int:
        return len(self._layers.origins) - 1


def _paths(value: object, path: Path_) -> Iterator[Path_]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))
