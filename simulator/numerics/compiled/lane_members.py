"""Members in the lanes of a group: loaded from the arrays given, led from segment to segment, and saved there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..noise import Level
from .builder import DOUBLE, INTEGER, double, integer
from .lanes import Lanes
from .memory_layout import CLOCKS, COUNTERS, IDLE

# arrays of (members, species), and the rows of a lane that they are copied to and from
LOADED = {"states": "y", "atol": "atol", "added": "added", "levels": "levels"}
SAVED = {array: row for array, row in LOADED.items() if array != "atol"}


class LaneMembers:
    """Writes what moves members into lanes, through the starts of their segments, and out again."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes, self.reduced = lanes, lanes.layout.reduced
        self.code, self.build, self.argument = lanes.code, lanes.build, lanes.argument
        self.get, self.put, self.element = lanes.get, lanes.put, lanes.element
        self.size, self.infused = len(self.reduced.species), len(self.reduced.infused)
        self.parameters = len(lanes.layout.parameters)

    def load_next(self, lane: Any) -> None:
        """Loads the next member that waits, if there is one, into the lane."""
        build, lanes = self.build, self.lanes
        waits = build.icmp_signed("<", lanes.load(lanes.queue), self.argument["count"])
        with build.if_then(waits):
            member = self.element("todo", (lanes.load(lanes.queue), integer(1)), kind=INTEGER)
            build.store(build.add(lanes.load(lanes.queue), integer(1)), lanes.queue)
            self.put(member, "member", lane)
            with self.code.loop(self.size, "species") as k:
                for array, row in LOADED.items():
                    self.put(self._load(array, member, k, self.size), row, lane, k)
            self.put(self.element("rtol", (member, integer(1))), "rtol", lane)
            for array, names, kind in self._counts():
                for i, name in enumerate(names):
                    self.put(self._load(array, member, integer(i), len(names), kind), name, lane)
            build.store(build.add(lanes.load(lanes.busy), integer(1)), lanes.busy)
            self.set_segment(lane)

    def finish(self, lane: Any, status: Any) -> None:
        """Saves a member with its status, and leaves its lane idle."""
        self.put(status, "status", lane)
        self.save(lane)
        self.put(integer(IDLE), "member", lane)
        self.build.store(self.build.sub(self.lanes.load(self.lanes.busy), integer(1)), self.lanes.busy)

    def save(self, lane: Any) -> None:
        """Copies states and counters of a member from its lane to the arrays given."""
        member = self.get("member", lane)
        with self.code.loop(self.size, "species") as k:
            for array, row in SAVED.items():
                target = self._address(array, member, k, self.size)
                self.build.store(self.get(row, lane, k), target, align=8)
        for array, names, _ in self._counts():
            for i, name in enumerate(names):
                target = self._address(array, member, integer(i), len(names))
                self.build.store(self.get(name, lane), target, align=8)

    def _counts(self) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """The arrays of single numbers of a member, what each holds, and of which kind."""
        yield "clocks", CLOCKS, DOUBLE
        yield "counts", COUNTERS, INTEGER

    def _address(self, array: str, member: Any, index: Any, size: int) -> Any:
        return self.lanes.address_of(array, (member, self.argument["members"]), (index, integer(size)))

    def _load(self, array: str, member: Any, index: Any, size: int, kind: Any = DOUBLE) -> Any:
        return self.build.load(self._address(array, member, index, size), typ=kind, align=8)

    def begin_segment(self, lane: Any) -> None:
        """Dilutions, then doses, at the start of a segment, whose first step is still to be found."""
        build, jumps = self.build, self.argument["jumps"]
        place = self._segment(lane)
        with build.if_then(build.icmp_signed(">", jumps, integer(0))), self.code.loop(jumps, "dose") as i:
            species = self.element("jumped", (i, integer(1)), kind=INTEGER)
            amount = self.element("jump", *place, (i, jumps))
            self._forget_noise(lane, species, amount)
            dilution = self.element("dilution", *place, (i, jumps))
            for name in ("y", "added"):
                state = build.fmul(self.get(name, lane, species), dilution)
                self.put(build.fadd(state, amount), name, lane, species)
        self.put(double(0.0), "h", lane)
        self.put(integer(1), "first", lane)
        self.set_segment(lane)

    def set_segment(self, lane: Any) -> None:
        """Loads end, infusions and parameters of the segment that a lane is in."""
        code, place = self.code, self._segment(lane)
        self.put(self.element("ends", *place), "end", lane)
        if self.infused:
            with code.loop(self.infused, "infusion") as i:
                rate = self.element("infusion", *place, (i, integer(self.infused)))
                self.put(rate, "parameters", lane, self.build.add(i, integer(self.parameters)))
        for species, rate in self._infusions(lane):
            self._forget_noise(lane, species, rate)
        if self.parameters:
            [member, _] = place
            which = self.element("sets", *place, kind=INTEGER)
            with code.loop(self.parameters, "parameter") as i:
                value = self.element("parameters", (which, integer(1)), member, (i, integer(self.parameters)))
                self.put(value, "parameters", lane, i)
        self.build.store(integer(1), self.lanes.stale)

    def _segment(self, lane: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """The place of the segment that a lane is in, in arrays of (members, segments)."""
        member, segment = self.get("member", lane), self.get("segment", lane)
        return (member, self.argument["members"]), (segment, self.argument["segments"])

    def _forget_noise(self, lane: Any, species: Any, given: Any) -> None:
        """A state to which something is given, unless that is 0, is no longer known to be noise."""
        flows = self.build.fcmp_ordered("!=", given, double(0.0))
        level = self.build.select(flows, double(Level.UNKNOWN), self.get("levels", lane, species))
        self.put(level, "levels", lane, species)

    def _infusions(self, lane: Any) -> Iterator[tuple[Any, Any]]:
        """The index of each species that is infused, and its rate in the segment that a lane is in."""
        for i, name in enumerate(self.reduced.infused):
            yield integer(self.reduced.species.index(name)), self.get("parameters", lane, integer(self.parameters + i))

    def count_infusions(self, lane: Any, length: Any) -> None:
        """Adds what flowed in during a step of this length."""
        for species, rate in self._infusions(lane):
            total = self.code.fma(rate, length, self.get("added", lane, species))
            self.put(total, "added", lane, species)
