"""Which members a store holds, and where: sixteen bytes and an offset each, so that millions fit in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...numerics.trajectory import Array
from .netcdf_block import StoredAxis

Keys = NDArray[np.bytes_]  # dtype S16
Offsets = NDArray[np.int64]  # number of the block * ROWS + row in the block
ROWS = 1 << 32  # more than any block has
ABSENT = -1  # the offset of a member that is not stored
UNSORTED = 50_000  # members that are held in a dictionary before they are sorted in among the others


def member_keys(axes: Sequence[StoredAxis], values: Array) -> Keys:
    """A key for each member: the same for the same values of the same axes in the same units, in any order.

    values: shape (members, axes).
    """
    order = sorted(range(len(axes)), key=lambda column: axes[column].path)
    head = hashlib.sha256(json.dumps([axes[column][:2] for column in order]).encode()).digest()
    halves = np.empty((len(values), 2), dtype="<u8")
    halves[:] = np.frombuffer(head[:16], dtype="<u8")
    for column in order:
        bits = np.ascontiguousarray(values[:, column] + 0.0).view(np.uint64)  # -0 is 0
        for half in halves.T:
            half[:] = _mix(half ^ bits)
    keys: Keys = halves.view("S16")[:, 0]
    return keys


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64: a bijection in which every bit of the result depends on every bit of `bits`."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


class MemberIndex:
    """Finds the offset of a member by its key. A key that is added twice keeps its first offset."""

    def __init__(self) -> None:
        self._keys: Keys = np.empty(0, dtype="S16")
        self._offsets: Offsets = np.empty(0, dtype=np.int64)
        self._new: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._keys) + len(self._new)

    def find(self, keys: Keys) -> Offsets:
        """The offset of each key, or `ABSENT`."""
        found = np.full(len(keys), ABSENT, dtype=np.int64)
        if len(self._keys):
            near = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
            same = self._keys[near] == keys
            found[same] = self._offsets[near[same]]
        if self._new:
            for at in np.flatnonzero(found == ABSENT).tolist():
                found[at] = self._new.get(keys[at], ABSENT)
        return found

    def add(self, keys: Keys, offsets: Offsets) -> None:
        """Adds the keys that are not there yet, with their offsets."""
        for at in np.flatnonzero(self.find(keys) == ABSENT).tolist():
            self._new.setdefault(keys[at], int(offsets[at]))
        if len(self._new) > UNSORTED:
            self._sort()

    def _sort(self) -> None:
        keys = np.concatenate([self._keys, np.array(list(self._new), dtype="S16")])
        offsets = np.concatenate([self._offsets, np.array(list(self._new.values()), dtype=np.int64)])
        order = np.argsort(keys, kind="stable")
        self._keys, self._offsets = keys[order], offsets[order]
        self._new = {}
