"""The store of a sweep's members: one folder, to which blocks are added atomically and in which none is rewritten.

    sweep.json     what the numbers depend on
    blocks/*.nc    the members, each file named by the hash of its content

A member is identified by its values, so a grid may be refined or a sample enlarged and nothing is computed twice.
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
from ...experiments.schedule import saved_times
from ...experiments.sweeps.compute import KILLED, Block, Numbers, sweep_of
from ...numerics.trajectory import DEADLINE, Array
from ...runtime.errors import OutputError, option
from .folder import LOCK, locked, make_folder, write_text
from .member_index import ABSENT, ROWS, Keys, MemberIndex, Offsets, member_keys
from .netcdf_block import DamagedBlockError, StoredAxis, decode_block, encode_block, stored_axes
from .sweep_identity import differences, identity_of, identity_parts

IDENTITY, BLOCKS, DAMAGED = "sweep.json", "blocks", ".damaged"
MACHINE_FAILURES = (DEADLINE, KILLED)  # they say nothing about the model: such a member is computed again
Mask = NDArray[np.bool_]
CACHE = 64 * 2**20  # bytes of decoded blocks that are kept in memory


@contextmanager
def open_store(folder: Path, scenario: Scenario) -> Iterator[MemberStore]:
    """The store in `folder`, created if there is none, locked for this process.

    `OutputError` if it cannot be written, is locked by another process, or is the store of something else.
    """
    check_store(folder, scenario)
    make_folder(folder / BLOCKS)
    with locked(folder):
        check_store(folder, scenario)  # again: another process may have been first
        store = MemberStore(folder, scenario)
        if not (folder / IDENTITY).exists():
            parts = identity_parts(scenario)
            text = json.dumps({"identity": identity_of(parts), **parts}, indent=1, ensure_ascii=False)
            write_text(folder / IDENTITY, text + "\n")
        store.clean()
        yield store


def check_store(folder: Path, scenario: Scenario) -> None:
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
        raise OutputError(f"{folder / IDENTITY} cannot be read ({error}); choose another {option('--out')}") from None
    parts = identity_parts(scenario)
    if identity != identity_of(parts):
        given = json.loads(json.dumps(parts))
        found = list(islice(differences(stored, given), 4)) or ["sweep.json was changed"]
        more = "; ..." if len(found) == 4 else ""
        raise OutputError(
            f"{folder} is a sweep of something else, and stays as it is: {'; '.join(found[:3])}{more}\n"
            f"    choose another {option('--out')}"
        )


class MemberStore:
    """The members that are stored in a folder. Opening and reading it changes nothing on disk.

    names: the files of the blocks. damaged: those that could not be read, and why.
    Raises `OutputError` if the folder holds anything else.
    """

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        check_store(folder, scenario)
        self.folder, self.scenario = folder, scenario
        self.axes = stored_axes(scenario)
        self.names: list[str] = []
        self.damaged: dict[str, str] = {}
        self._index, self._machine_failures = MemberIndex(), MemberIndex()
        self._cache: OrderedDict[tuple[int, bool], Block] = OrderedDict()
        self._cached_bytes = 0
        for name in sorted(path.name for path in (folder / BLOCKS).glob("*.nc")):
            try:
                axes, block = decode_block(self._content(name), scenario)
            except (OSError, DamagedBlockError) as error:
                self.damaged[name] = str(error)
            else:
                self._enter(name, block, axes)

    def __len__(self) -> int:
        return len(self._index)

    def clean(self) -> None:
        """Renames damaged blocks, and deletes files that a kill left half written."""
        try:
            for path in (self.folder / BLOCKS).glob("*.part"):
                path.unlink()
            for name in self.damaged:
                path = self.folder / BLOCKS / name
                path.replace(path.with_name(name + DAMAGED))
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written: {error.strerror}") from None

    def keys(self, values: Array) -> Keys:
        """The keys of members of the scenario's own design; values: shape (members, axes)."""
        return member_keys(self.axes, values)

    def find(self, keys: Keys) -> Offsets:
        """Where each member is stored, or `ABSENT`; a failure of the machine counts where there is nothing better."""
        offsets = self._index.find(keys)
        if not len(self._machine_failures):
            return offsets
        return np.where(offsets == ABSENT, self._machine_failures.find(keys), offsets)

    def missing(self, keys: Keys) -> Mask:
        """Whether each member is still to be computed."""
        missing: Mask = self._index.find(keys) == ABSENT
        return missing

    def add(self, block: Block) -> None:
        """Stores a block of the scenario's own design."""
        self._add(block, self.axes)

    def merge(self, other: MemberStore) -> int:
        """Adds the members of `other` that are not stored here, or only as a failure of the machine.

        Returns how many need no longer be computed here.
        """
        before = len(self)
        for name in other.names:
            axes, block = decode_block(other._content(name), self.scenario, curves=bool(sweep_of(self.scenario).keep))
            keys = member_keys(axes, block.values)
            new = (self.find(keys) == ABSENT) | (self.missing(keys) & _final(block))
            if new.any():
                self._add(block.take(new), axes)
        return len(self) - before

    def block(self, numbers: Numbers, values: Array, offsets: Offsets, curves: bool = False) -> Block:
        """Stored members, in the order of `offsets`, none of which may be `ABSENT`.

        Args:
            numbers: Their numbers, shape (members,).
            values: Their values, shape (members, axes); both are only passed on.
            offsets: What `find` gave for them.
            curves: Whether the curves that are kept are read too.
        """
        sweep = sweep_of(self.scenario)
        size = len(numbers), len(sweep.arms)
        measures, failed = np.empty((*size, len(sweep.measures))), np.empty(size, dtype=bool)
        causes = np.empty(measures.shape, dtype=np.int8)
        kept = np.empty((*size, len(sweep.keep), len(saved_times(self.scenario)))) if curves else None
        outcomes = {}
        block_numbers = offsets // ROWS
        for at in np.unique(block_numbers).tolist():
            members = np.flatnonzero(block_numbers == at)
            rows, stored = offsets[members] % ROWS, self._block(at, curves)
            measures[members], failed[members] = stored.measures[rows], stored.failed[rows]
            causes[members] = stored.causes[rows]
            if kept is not None and stored.curves is not None:
                kept[members] = stored.curves[rows]
            wrong = stored.failed[rows].any(axis=1)
            for member, row in zip(members[wrong].tolist(), rows[wrong].tolist(), strict=True):
                for arm in sweep.arms:
                    if (row, arm) in stored.outcomes:
                        outcomes[int(numbers[member]), arm] = stored.outcomes[row, arm]
        return Block(numbers, values, measures, causes, failed, outcomes, kept)

    def _block(self, at: int, curves: bool) -> Block:
        if (at, curves) not in self._cache:
            block = decode_block(self._content(self.names[at]), self.scenario, curves)[1]
            self._cache[at, curves] = block
            self._cached_bytes += _size(block)
            while len(self._cache) > 1 and self._cached_bytes > CACHE:
                self._cached_bytes -= _size(self._cache.popitem(last=False)[1])
        self._cache.move_to_end((at, curves))
        return self._cache[at, curves]

    def _content(self, name: str) -> bytes:
        content = (self.folder / BLOCKS / name).read_bytes()
        if _name(content) != name:
            raise DamagedBlockError("its content is not what was written")
        return content

    def _add(self, block: Block, axes: Sequence[StoredAxis]) -> None:
        content = encode_block(block, self.scenario, axes)
        name = _name(content)
        try:
            _write(self.folder / BLOCKS / name, content)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written: {error.strerror}") from None
        self._enter(name, block, axes)

    def _enter(self, name: str, block: Block, axes: Sequence[StoredAxis]) -> None:
        final = _final(block)
        keys = member_keys(axes, block.values)
        offsets = len(self.names) * ROWS + np.arange(len(block.numbers))
        self._index.add(keys[final], offsets[final])
        self._machine_failures.add(keys[~final], offsets[~final])
        self.names.append(name)


def _final(block: Block) -> Mask:
    """Which members need not be computed again."""
    again = {number for (number, _), outcome in block.outcomes.items() if outcome.kind in MACHINE_FAILURES}
    return np.array([number not in again for number in block.numbers.tolist()], dtype=bool)


def _name(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest() + ".nc"


def _write(path: Path, content: bytes) -> None:
    """Writes the file atomically, and returns once it is on the disk."""
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
    if os.name == "posix":  # so that the name is on the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _size(block: Block) -> int:
    return block.measures.nbytes + block.values.nbytes + (0 if block.curves is None else block.curves.nbytes)
