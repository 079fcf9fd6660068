"""Which members a store holds, and where: sixteen bytes a member and a place, so that a million fit in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...numerics.trajectory import Array
from .netcdf import Varied

Keys = NDArray[np.bytes_]  # dtype S16
Places = NDArray[np.int64]  # number of the block * ROWS + row in it
ROWS = 1 << 32
NOWHERE = -1
UNSORTED = 50_000  # members added before they are sorted in among the rest


def keys_of(axes: Sequence[Varied], values: Array) -> Keys:
    """A key for each row of `values` (m, axes): the same for the same values of the same axes, in any order."""
    order = sorted(range(len(axes)), key=lambda place: axes[place].path)
    head = hashlib.sha256(json.dumps([axes[place][:2] for place in order]).encode()).digest()
    halves = np.empty((len(values), 2), dtype="<u8")
    halves[:] = np.frombuffer(head[:16], dtype="<u8")
    for place in order:
        bits = np.ascontiguousarray(values[:, place] + 0.0).view(np.uint64)  # -0 is 0
        for half in halves.T:
            half[:] = _mixed(half ^ bits)
    keys: Keys = halves.view("S16")[:, 0]
    return keys


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64: one to one, and every bit of the answer depends on every bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


class Index:
    """Keys to places. Of a key that is added twice the first place stays."""

    def __init__(self) -> None:
        self._keys: Keys = np.empty(0, dtype="S16")
        self._places: Places = np.empty(0, dtype=np.int64)
        self._new: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._keys) + len(self._new)

    def find(self, keys: Keys) -> Places:
        """The place of each key, or `NOWHERE`."""
        found = np.full(len(keys), NOWHERE, dtype=np.int64)
        if len(self._keys):
            near = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
            same = self._keys[near] == keys
            found[same] = self._places[near[same]]
        if self._new:
            for at in np.flatnonzero(found == NOWHERE).tolist():
                found[at] = self._new.get(keys[at], NOWHERE)
        return found

    def add(self, keys: Keys, places: Places) -> None:
        """Adds those that are not there yet."""
        for at in np.flatnonzero(self.find(keys) == NOWHERE).tolist():
            self._new.setdefault(keys[at], int(places[at]))
        if len(self._new) > UNSORTED:
            self._sort()

    def _sort(self) -> None:
        keys = np.concatenate([self._keys, np.array(list(self._new), dtype="S16")])
        places = np.concatenate([self._places, np.array(list(self._new.values()), dtype=np.int64)])
        order = np.argsort(keys, kind="stable")
        self._keys, self._places = keys[order], places[order]
        self._new = {}
