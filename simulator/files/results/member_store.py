"""A store of members: one folder, to which blocks are added whole or not at all, and which is never rewritten.

    sweep.json     what the numbers depend on
    blocks/*.nc    the members, each file named by the hash of its content

A member is known by its values, so a grid may be refined or a sample enlarged and nothing is computed twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...experiments.scenario import Scenario
from ...experiments.sweeps.compute import KILLED, Block, Numbers, curve_times, sweep_of
from ...numerics.trajectory import DEADLINE, Array
from ...runtime.errors import OutputError
from .folder import LOCK, locked, make_folder, write_text
from .identity import differences, identity_of, identity_parts
from .index import NOWHERE, ROWS, Index, Keys, Places, keys_of
from .netcdf import BlockError, Varied, read, varied, written

IDENTITY, BLOCKS, DAMAGED = "sweep.json", "blocks", ".damaged"
OF_THE_MACHINE = (DEADLINE, KILLED)  # such a failure says nothing of the model: it is tried again
Mask = NDArray[np.bool_]
CACHE = 64 * 2**20  # bytes of blocks that were read


@contextmanager
def opened(folder: Path, scenario: Scenario) -> Iterator[Store]:
    """The store in `folder`, made if there is none, for this process alone.

    `OutputError` if it cannot be written, is held by another process or is a store of something else.
    """
    check(folder, scenario)
    make_folder(folder / BLOCKS)
    with locked(folder):
        check(folder, scenario)  # again: another process may have been here first
        store = Store(folder, scenario)
        if not (folder / IDENTITY).exists():
            parts = identity_parts(scenario)
            text = json.dumps({"identity": identity_of(parts), **parts}, indent=1, ensure_ascii=False)
            write_text(folder / IDENTITY, text + "\n")
        store.clean()
        yield store


def check(folder: Path, scenario: Scenario) -> None:
    """`OutputError` if `folder` holds anything but a store of `scenario`."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder")
    try:
        stored = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))
        identity = stored.pop("identity")
    except FileNotFoundError:
        held = sorted({path.name for path in folder.iterdir()} - {BLOCKS, LOCK})
        if held:
            raise OutputError(f"{folder} holds {held[0]} and no sweep; choose another folder") from None
        if any((folder / BLOCKS).glob("*.nc")):
            message = f"{folder} holds members and no {IDENTITY} that says of which sweep; choose another folder"
            raise OutputError(message) from None
        return
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise OutputError(f"{folder / IDENTITY} cannot be read ({error}); choose another --out") from None
    parts = identity_parts(scenario)
    if identity != identity_of(parts):
        given = json.loads(json.dumps(parts))
        found = list(islice(differences(stored, given), 4)) or ["sweep.json was changed"]
        more = "; ..." if len(found) == 4 else ""
        raise OutputError(
            f"{folder} is a sweep of something else, and stays as it is: {'; '.join(found[:3])}{more}\n"
            "    choose another --out"
        )


class Store:
    """Members that are stored, and what is known of each. Reading changes nothing on disk."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        check(folder, scenario)
        self.folder, self.scenario = folder, scenario
        self.axes = varied(scenario)
        self.names: list[str] = []
        self.damaged: dict[str, str] = {}
        self._index, self._again = Index(), Index()
        self._read: OrderedDict[tuple[int, bool], Block] = OrderedDict()
        self._bytes_read = 0
        for name in sorted(path.name for path in (folder / BLOCKS).glob("*.nc")):
            try:
                axes, block = read(self._content(name), scenario)
            except (OSError, BlockError) as error:
                self.damaged[name] = str(error)
            else:
                self._enter(name, block, axes)

    def __len__(self) -> int:
        return len(self._index)

    def clean(self) -> None:
        """Sets damaged blocks aside, and takes away what a kill left half written."""
        try:
            for path in (self.folder / BLOCKS).glob("*.part"):
                path.unlink()
            for name in self.damaged:
                path = self.folder / BLOCKS / name
                path.replace(path.with_name(name + DAMAGED))
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written: {error.strerror}") from None

    def keys(self, values: Array) -> Keys:
        """Of members of the scenario's own design; values (m, axes)."""
        return keys_of(self.axes, values)

    def find(self, keys: Keys) -> Places:
        """Where each member is, or `NOWHERE`; a failure of the machine counts where there is nothing better."""
        places = self._index.find(keys)
        return np.where(places == NOWHERE, self._again.find(keys), places) if len(self._again) else places

    def missing(self, keys: Keys) -> Mask:
        """Whether each is still to be computed."""
        missing: Mask = self._index.find(keys) == NOWHERE
        return missing

    def add(self, block: Block) -> None:
        """Stores a block of the scenario's own design."""
        self._add(block, self.axes)

    def merge(self, other: Store) -> int:
        """Adds the members of `other` that are not here, or here a failure of the machine alone; returns how many
        are no longer to be computed."""
        before = len(self)
        for name in other.names:
            axes, block = read(other._content(name), self.scenario, curves=bool(sweep_of(self.scenario).keep))
            keys = keys_of(axes, block.values)
            new = (self.find(keys) == NOWHERE) | (self.missing(keys) & _final(block))
            if new.any():
                self._add(block.take(new), axes)
        return len(self) - before

    def block(self, numbers: Numbers, values: Array, places: Places, curves: bool = False) -> Block:
        """Stored members at `places`, none of which is `NOWHERE`, in that order."""
        sweep = sweep_of(self.scenario)
        size = len(numbers), len(sweep.arms)
        measures, failed = np.empty((*size, len(sweep.measures))), np.empty(size, dtype=bool)
        kept = np.empty((*size, len(sweep.keep), len(curve_times(self.scenario)))) if curves else None
        outcomes = {}
        of_block = places // ROWS
        for at in np.unique(of_block).tolist():
            here = np.flatnonzero(of_block == at)
            rows, stored = places[here] % ROWS, self._block(at, curves)
            measures[here], failed[here] = stored.measures[rows], stored.failed[rows]
            if kept is not None and stored.curves is not None:
                kept[here] = stored.curves[rows]
            wrong = stored.failed[rows].any(axis=1)
            for member, row in zip(here[wrong].tolist(), rows[wrong].tolist(), strict=True):
                for arm in sweep.arms:
                    if (row, arm) in stored.outcomes:
                        outcomes[int(numbers[member]), arm] = stored.outcomes[row, arm]
        return Block(numbers, values, measures, failed, outcomes, kept)

    def _block(self, at: int, curves: bool) -> Block:
        if (at, curves) not in self._read:
            block = read(self._content(self.names[at]), self.scenario, curves)[1]
            self._read[at, curves] = block
            self._bytes_read += _size(block)
            while len(self._read) > 1 and self._bytes_read > CACHE:
                self._bytes_read -= _size(self._read.popitem(last=False)[1])
        self._read.move_to_end((at, curves))
        return self._read[at, curves]

    def _content(self, name: str) -> bytes:
        content = (self.folder / BLOCKS / name).read_bytes()
        if _name(content) != name:
            raise BlockError("its content is not what was written")
        return content

    def _add(self, block: Block, axes: Sequence[Varied]) -> None:
        content = written(block, self.scenario, axes)
        name = _name(content)
        try:
            _write(self.folder / BLOCKS / name, content)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written: {error.strerror}") from None
        self._enter(name, block, axes)

    def _enter(self, name: str, block: Block, axes: Sequence[Varied]) -> None:
        final = _final(block)
        keys = keys_of(axes, block.values)
        places = len(self.names) * ROWS + np.arange(len(block.numbers))
        self._index.add(keys[final], places[final])
        self._again.add(keys[~final], places[~final])
        self.names.append(name)


def _final(block: Block) -> Mask:
    """Which members need not be tried again."""
    again = {number for (number, _), outcome in block.outcomes.items() if outcome.kind in OF_THE_MACHINE}
    return np.array([number not in again for number in block.numbers.tolist()], dtype=bool)


def _name(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest() + ".nc"


def _write(path: Path, content: bytes) -> None:
    """On the disk, whole, under its name, or not at all."""
    tmp_path = path.with_name(path.name + ".part")
    try:
        with tmp_path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        tmp_path.replace(path)
    except BaseException:
        tmp_path.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the name too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _size(block: Block) -> int:
    return block.measures.nbytes + block.values.nbytes + (0 if block.curves is None else block.curves.nbytes)
