"""The numbers of a group of lanes in memory, as the function that drives the group reads and writes them."""

from __future__ import annotations

from typing import Any

from .builder import DOUBLE, INTEGER, POINTER, FunctionBuilder, integer
from .memory_layout import ARGUMENTS, COUNTERS, SCALARS, ProgramLayout


class Lanes:
    """Loads and stores single numbers: of a lane in the workspace, of a member in the arrays given, of the group.

    argument: by name, the scalars and the addresses of the arrays. workspace: the address of the rows of the lanes.
    Of the group: `queue`, the next member that waits; `left`, steps to take; `busy`, lanes with a member; `stale`,
    whether parameters of a lane are new; `pending`, whether a lane has something to record.
    """

    def __init__(self, layout: ProgramLayout, code: FunctionBuilder) -> None:
        self.layout, self.code, self.build, self.at = layout, code, code.build, layout.offsets
        self.count = code.lanes
        [table] = code.arguments
        self.argument: dict[str, Any] = {}
        for i, name in enumerate(ARGUMENTS):
            value = code.load_scalar(table, i, INTEGER)
            self.argument[name] = value if name in SCALARS else self.build.inttoptr(value, POINTER)
        self.workspace = self.argument["workspace"]
        self.queue, self.left, self.busy, self.stale, self.pending = (
            self.build.alloca(INTEGER, name=name) for name in ("queue", "left", "busy", "stale", "pending")
        )

    def _address(self, name: str, lane: Any, inner: Any = 0) -> Any:
        row = (
            integer(self.at[name])
            if isinstance(inner, int) and not inner
            else self.build.add(integer(self.at[name]), inner)
        )
        place = self.build.add(self.build.mul(row, integer(self.count)), lane)
        return self.code.address(self.workspace, place)

    def get(self, name: str, lane: Any, inner: Any = 0) -> Any:
        """The number of a lane in row `inner` of the group of rows `name`."""
        kind = INTEGER if name in COUNTERS or name in ("member", "accepted") else DOUBLE
        return self.build.load(self._address(name, lane, inner), typ=kind, align=8)

    def put(self, value: Any, name: str, lane: Any, inner: Any = 0) -> None:
        """Writes the number that `get` reads."""
        self.build.store(value, self._address(name, lane, inner), align=8)

    def load(self, cell: Any) -> Any:
        """A counter of the group."""
        return self.build.load(cell, typ=INTEGER)

    def count_up(self, name: str, lane: Any) -> None:
        """Adds one to a counter of a lane."""
        self.put(self.build.add(self.get(name, lane), integer(1)), name, lane)

    def address_of(self, name: str, *axes: tuple[Any, Any]) -> Any:
        """The address of an element of an array that was given: `axes` are pairs of (index, size of that axis)."""
        flat: Any = integer(0)
        for index, size in axes:
            flat = self.build.add(self.build.mul(flat, size), index)
        return self.code.address(self.argument[name], flat)

    def element(self, name: str, *axes: tuple[Any, Any], kind: Any = DOUBLE) -> Any:
        """The element at `address_of`, of the given kind."""
        return self.build.load(self.address_of(name, *axes), typ=kind, align=8)

    def is_busy(self, lane: Any) -> Any:
        """Whether a lane has a member."""
        return self.build.icmp_signed(">=", self.get("member", lane), integer(0))

    def is_accepted(self, lane: Any) -> Any:
        """Whether the step of a lane was accepted."""
        return self.build.icmp_signed("!=", self.get("accepted", lane), integer(0))

    def follows(self, lane: Any) -> Any:
        """Whether a lane takes the steps that it is given."""
        return self.build.icmp_signed("!=", self.get("follows", lane), integer(0))
