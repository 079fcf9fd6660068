"""Curves of members, written to the arrays given after each accepted step."""

from __future__ import annotations

from typing import Any

from .builder import double, integer
from .lanes import Lanes
from .rosenbrock_step import StepFunctions


class LaneRecorder:
    """Writes what records the curves of the lanes whose step was accepted."""

    def __init__(self, lanes: Lanes, functions: StepFunctions) -> None:
        self.lanes, self.functions, self.layout = lanes, functions, lanes.layout
        self.code, self.build, self.argument = lanes.code, lanes.build, lanes.argument
        self.get, self.put = lanes.get, lanes.put

    def record_dense(self) -> None:
        """`per_step` points of every accepted step, and its start where a segment starts."""
        code, build, lanes, curves = self.code, self.build, self.lanes, len(self.layout.dense_curves)
        per_step = self.layout.per_step
        for part in range(per_step + 1):
            s = double(part / per_step)
            code.store_row(code.constant(part / per_step), lanes.workspace, lanes.at["s"])
            if curves:
                build.call(self.functions.dense_curves, [lanes.workspace])
            with code.loop(lanes.count, "lane") as lane:
                wanted = lanes.is_accepted(lane)
                if not part:
                    wanted = build.and_(wanted, build.icmp_signed("!=", self.get("first", lane), integer(0)))
                with build.if_then(wanted):
                    row = (
                        (self.get("member", lane), self.argument["members"]),
                        (self.get("point", lane), self.argument["capacity"]),
                    )
                    start = lanes.address_of("dense_curves", *row, (integer(0), integer(1 + curves)))
                    time = code.fma(s, self.get("h", lane), self.get("t", lane))
                    build.store(self.get("reached", lane) if part == per_step else time, start, align=8)
                    self._copy_out(lane, code.address(start, 1), curves)
                    lanes.count_up("point", lane)

    def record_grid(self) -> None:
        """Records every output time that the steps have reached; one at the end of a segment belongs to the next."""
        code, build, lanes, curves = self.code, self.build, self.lanes, len(self.layout.grid)
        with code.repeat("times") as finished:
            build.store(integer(0), lanes.pending)
            with code.loop(lanes.count, "lane") as lane, build.if_then(self._is_due(lane)):
                time = self._output_time(lane, self.get("time", lane))
                elapsed = build.fsub(time, self.get("t", lane))
                self.put(build.fdiv(elapsed, self.get("h", lane)), "s", lane)
                build.store(integer(1), lanes.pending)
            code.break_if(build.icmp_signed("==", lanes.load(lanes.pending), integer(0)), finished)
            build.call(self.functions.grid, [lanes.workspace])
            with code.loop(lanes.count, "lane") as lane, build.if_then(self._is_due(lane)):
                row = (
                    (self.get("member", lane), self.argument["members"]),
                    (self.get("time", lane), self.argument["n_times"]),
                )
                self._copy_out(lane, lanes.address_of("grid", *row, (integer(0), integer(curves))), curves)
                lanes.count_up("time", lane)

    def _output_time(self, lane: Any, index: Any) -> Any:
        """The output time with this index of the member in a lane; any number for a lane without one."""
        found = self.get("member", lane)
        member = self.build.select(self.lanes.is_busy(lane), found, integer(0))
        return self.lanes.element("times", (member, self.argument["members"]), (index, self.argument["n_times"]))

    def _is_due(self, lane: Any) -> Any:
        """Whether the accepted step of a lane contains its next output time."""
        build = self.build
        next_time, n_times = self.get("time", lane), self.argument["n_times"]
        inside = build.icmp_signed("<", next_time, n_times)
        last = build.select(inside, next_time, build.sub(n_times, integer(1)))
        time = self._output_time(lane, last)
        reached, end = self.get("reached", lane), self.get("end", lane)
        is_last = build.icmp_signed(">=", build.add(self.get("segment", lane), integer(1)), self.get("segments", lane))
        due = build.fcmp_ordered("<", time, reached)  # equal instants are equal floats
        at_end = build.and_(build.fcmp_ordered("==", time, reached), is_last)
        before = build.or_(due, build.and_(at_end, build.fcmp_ordered("==", reached, end)))
        return build.and_(build.and_(self.lanes.is_accepted(lane), inside), before)

    def _copy_out(self, lane: Any, target: Any, curves: int) -> None:
        with self.code.loop(curves, "curve") as i:
            self.build.store(self.get("out", lane, i), self.code.address(target, i), align=8)
