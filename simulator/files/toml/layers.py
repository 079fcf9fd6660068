"""TOML files and command-line values merged into one table that knows where every value came from."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ...runtime.errors import InputFault, request_fault
from ...runtime.names import fold
from .source import Key, Table, TomlSource

KeyPath = tuple[Key, ...]  # the keys that lead to a value: ("dose", "push", "amount")


class _ValueSource(Protocol):
    def fault(self, path: Sequence[Key], message: str) -> InputFault: ...


class OptionSource:
    """The source of values given with the request; `text` is the option of the command line that stands for them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._fault = request_fault("", text)  # now, since it names the caller, and an origin may be read much later

    def fault(self, path: Sequence[Key], message: str) -> InputFault:
        """`message` as a fault of this option, whatever the path."""
        return self._fault._replace(message=message)


class Origin(NamedTuple):
    """A file, and the path in the file of those keys that have another path in the data."""

    source: _ValueSource
    moved: Mapping[KeyPath, KeyPath]

    def path_in_file(self, path: KeyPath) -> KeyPath:
        """Where the value at `path` in the data is found in the file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.moved:
                return self.moved[path[:length]] + path[length:]
        return path


class _Respelled(NamedTuple):
    """A value that was dropped for another spelling of its name."""

    table: KeyPath
    name: str
    value: object
    origin: tuple[_ValueSource, KeyPath]
    other: str


class Layers:
    """Merged tables in `data`, and in `origins` the source and the path in that source of every value.

    Tables are merged key by key, lists of changes are joined, everything else is replaced.
    """

    def __init__(self, data: Table, origins: dict[KeyPath, tuple[_ValueSource, KeyPath]]) -> None:
        self.data = data
        self.origins = origins
        self._respelled: list[_Respelled] = []

    @classmethod
    def of(cls, data: Table, origin: Origin) -> Layers:
        """One layer: the data of a file."""
        origins = {path: (origin.source, origin.path_in_file(path)) for path in _paths(data, ())}
        origins[()] = (origin.source, ())
        return cls(copy.deepcopy(data), origins)

    def copy(self) -> Layers:
        """A copy that can be changed."""
        copied = Layers(copy.deepcopy(self.data), dict(self.origins))
        copied._respelled = list(self._respelled)
        return copied

    def keep(self, keys: Sequence[str]) -> None:
        """Removes all top-level keys but `keys`: the others are not inherited."""
        self.data = {key: value for key, value in self.data.items() if key in keys}
        self.origins = {path: origin for path, origin in self.origins.items() if not path or path[0] in keys}

    def overlay(self, top: Layers) -> None:
        """Merges `top` into this layer; where both have a value, that of `top` wins."""
        self._overlay((), self.data, top.data, top)
        self.origins[()] = top.origins[()]

    def _overlay(self, path: KeyPath, below: Table, above: Table, top: Layers) -> None:
        for key, value in above.items():
            at: KeyPath = (*path, key)
            self._drop_other_spellings(path, below, key)
            if isinstance(value, dict) and isinstance(below.get(key), dict):
                self.origins[at] = top.origins[at]
                self._overlay(at, below[key], value, top)
            elif key == "change" and isinstance(below.get(key), list):
                shift = len(below[key])
                below[key] = below[key] + value
                for old, origin in top.origins.items():
                    if old[: len(at)] == at and len(old) > len(at):
                        number = int(old[len(at)])
                        self.origins[(*at, number + shift, *old[len(at) + 1 :])] = origin
            else:
                below[key] = copy.deepcopy(value)
                self._forget(at)
                for old, origin in top.origins.items():
                    if old[: len(at)] == at:
                        self.origins[old] = origin

    def _drop_other_spellings(self, path: KeyPath, below: Table, key: str) -> None:
        """Of two spellings of one name (IL-2 and IL2) only that of the upper layer stays."""
        if path and path[-1] in ("parameters", "initial"):
            for other in [name for name in below if name != key and fold(name) == fold(key)]:
                self._respelled.append(_Respelled(path, other, below.pop(other), self.origin((*path, other)), key))
                self._forget((*path, other))

    def keep_apart(self, names: Container[str]) -> Iterator[InputFault]:
        """Gives back what was dropped for another spelling of its name although both are `names` of the model, as k
        and K can be. Returns a fault for each option that was dropped for another option."""
        for path, name, value, origin, other in self._respelled:
            table = self.data
            for key in path:
                table = table.get(str(key), {})
            if name in names and other in names:
                if name not in table:
                    table[name] = value
                    self.origins[*path, name] = origin
            elif isinstance(origin[0], OptionSource):
                yield origin[0].fault((), f"{other} sets the same; leave one out")

    def put_before(self, path: KeyPath, items: Sequence[object], origin: Origin) -> None:
        """Puts `items`, which come from `origin`, before those of the list at `path`, made if there is none."""
        table: Any = self.data
        for key in path[:-1]:
            table = table.setdefault(str(key), {})
        own, depth, shift = table.get(str(path[-1]), []), len(path), len(items)
        kept = {
            (*path, int(old[depth]) + shift, *old[depth + 1 :]): where
            for old, where in self.origins.items()
            if old[:depth] == path and len(old) > depth
        }
        whole = self.origins.get(path, (origin.source, origin.path_in_file(path)))
        self._forget(path)
        table[str(path[-1])] = [*copy.deepcopy(items), *own]
        for inner in _paths(list(items), ()):
            at: KeyPath = (*path, *inner)
            self.origins[at] = (origin.source, origin.path_in_file(at))
        self.origins |= {path: whole, **kept}

    def _forget(self, path: KeyPath) -> None:
        for old in [old for old in self.origins if old[: len(path)] == path]:
            del self.origins[old]

    def set(self, path: KeyPath, value: object, source: _ValueSource) -> None:
        """Sets the value at `path`, which then comes from `source`."""
        table = self.data
        for key in path[:-1]:
            table = table.setdefault(str(key), {})
        self._drop_other_spellings(path[:-1], table, str(path[-1]))
        table[str(path[-1])] = value
        self._forget(path)
        self.set_origin(path, source)

    def set_origin(self, path: KeyPath, source: _ValueSource) -> None:
        """Records that the value at `path` comes from `source`."""
        self.origins[path] = (source, path)

    def drop(self, path: KeyPath) -> None:
        """Removes the value at `path`, if there is one."""
        table: Any = self.data
        for key in path[:-1]:
            table = table.get(key, {})
        if table.pop(path[-1], None) is not None:
            self._forget(path)

    def origin(self, path: Sequence[Key]) -> tuple[_ValueSource, KeyPath]:
        """Source of the value at `path`, or of the nearest table around it, and the path in that source."""
        for length in range(len(path), -1, -1):
            found = self.origins.get(tuple(path[:length]))
            if found is not None:
                source, start = found
                return source, (*start, *path[length:])
        raise KeyError(path)

    def fault(self, path: Sequence[Key], message: str) -> InputFault:
        """`message` as a fault at the file and line that the value at `path` comes from."""
        source, inner = self.origin(path)
        return source.fault(inner, message)

    def from_command_line(self, path: KeyPath) -> bool:
        """Whether the value at `path` itself was given on the command line."""
        return path in self.origins and isinstance(self.origins[path][0], OptionSource)

    def folder_of(self, path: Sequence[Key]) -> Path:
        """The folder that a file name at `path` is relative to."""
        source, _ = self.origin(path)
        return source.path.parent if isinstance(source, TomlSource) else Path.cwd()

    def where(self, path: Sequence[Key]) -> str:
        """``file:line`` of the value at `path`, or the option that set it."""
        fault = self.fault(path, "")
        return f"{fault.file}:{fault.line}" if fault.line else fault.text or fault.file


class Origins(Mapping[KeyPath, str]):
    """``file:line`` by path, looked up on demand, since few runs need it."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers

    def __getitem__(self, path: KeyPath) -> str:
        if not path or path not in self._layers.origins:
            raise KeyError(path)
        return self._layers.where(path)

    def __iter__(self) -> Iterator[KeyPath]:
        return (path for path in self._layers.origins if path)

    def __len__(self) -> int:
        return len(self._layers.origins) - 1


def _paths(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))
