"""Drives a group of lanes through many members: step by step, from edge to edge, until all are done.

Each lane has a member, a time and a step of its own. A lane whose step is refused tries a shorter one
while the others go on; a lane whose member is done takes the next. Nothing that a member computes
depends on the lane it is in, nor on its neighbours.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from .builder import DOUBLE, POINTER, WHOLE, Code, number, whole
from .memory_layout import ARGUMENTS, CLOCKS, COUNTERS, IDLE, PER_STEP, SCALARS, Plan, Status
from .rosenbrock_step import Kernel

ROUNDING = 1e-12  # of the time: an output time that is meant to be an edge belongs to what follows it


class Driver:
    """Writes the function `drive(table)`, which returns the number of lanes' rounds it took."""

    def __init__(self, plan: Plan, kernel: Kernel, module: ir.Module, lanes: int) -> None:
        self.plan, self.kernel, self.lanes, self.at = plan, kernel, lanes, plan.places
        self.size, self.infused = len(plan.reduced.species), len(plan.reduced.infused)
        self.code = code = Code(module, "drive", 1, lanes, WHOLE)
        self.build = build = code.build
        [table] = code.arguments
        self.given: dict[str, Any] = {}
        for i, name in enumerate(ARGUMENTS):
            value = code.cell(table, i, WHOLE)
            self.given[name] = value if name in SCALARS else build.inttoptr(value, POINTER)
        self.w = self.given["workspace"]
        self.queue, self.left = (build.alloca(WHOLE, name=name) for name in ("queue", "left"))
        self.busy, self.dirty, self.pending = (build.alloca(WHOLE, name=name) for name in ("busy", "dirty", "pending"))
        for cell in (self.queue, self.busy, self.dirty):
            build.store(whole(0), cell)
        build.store(self.given["rounds"], self.left)
        self.function = code.function
        self._main()

    # numbers of a lane

    def _address(self, name: str, lane: Any, inner: Any = 0) -> Any:
        row = (
            whole(self.at[name])
            if isinstance(inner, int) and not inner
            else self.build.add(whole(self.at[name]), inner)
        )
        place = self.build.add(self.build.mul(row, whole(self.lanes)), lane)
        return self.code.address(self.w, place)

    def get(self, name: str, lane: Any, inner: Any = 0) -> Any:
        kind = WHOLE if name in COUNTERS or name in ("member", "passed") else DOUBLE
        return self.build.load(self._address(name, lane, inner), typ=kind, align=8)

    def put(self, value: Any, name: str, lane: Any, inner: Any = 0) -> None:
        self.build.store(value, self._address(name, lane, inner), align=8)

    def load(self, cell: Any) -> Any:
        return self.build.load(cell, typ=WHOLE)

    def count_up(self, name: str, lane: Any) -> None:
        self.put(self.build.add(self.get(name, lane), whole(1)), name, lane)

    def element(self, name: str, *places: tuple[Any, Any]) -> Any:
        """The address of an element of a given array: places are pairs of (index, size of that axis)."""
        flat: Any = whole(0)
        for index, size in places:
            flat = self.build.add(self.build.mul(flat, size), index)
        return self.code.address(self.given[name], flat)

    def is_busy(self, lane: Any) -> Any:
        return self.build.icmp_signed(">=", self.get("member", lane), whole(0))

    def has_passed(self, lane: Any) -> Any:
        return self.build.icmp_signed("!=", self.get("passed", lane), whole(0))

    # the course of things

    def _main(self) -> None:
        code, build, kernel, w = self.code, self.build, self.kernel, self.w
        for name in ("t", "h", "end"):  # any number will do for a lane that never has a member
            code.put_row(code.all(1.0), w, self.at[name])
        with code.loop(self.lanes, "lane") as lane:
            self.put(whole(IDLE), "member", lane)
        with code.repeat("round") as finished:
            with code.loop(self.lanes, "lane") as lane, build.if_then(build.not_(self.is_busy(lane))):
                self._take_next(lane)
            code.leave_if(build.icmp_signed("==", self.load(self.busy), whole(0)), finished)
            code.leave_if(build.icmp_signed("<=", self.load(self.left), whole(0)), finished)
            build.store(build.sub(self.load(self.left), whole(1)), self.left)
            with build.if_then(build.icmp_signed("!=", self.load(self.dirty), whole(0))):
                build.call(kernel.prepare, [w])
                build.store(whole(0), self.dirty)
            with code.loop(self.lanes, "lane") as lane:
                self._cut(lane)
            build.call(kernel.attempt, [w])
            build.store(whole(0), self.pending)
            with code.loop(self.lanes, "lane") as lane:
                self.put(whole(0), "passed", lane)
                with build.if_then(self.is_busy(lane)):
                    self._judge(lane)
            with build.if_then(build.icmp_signed("!=", self.load(self.pending), whole(0))):
                if self.plan.grid or self.plan.dense_curves:
                    build.call(kernel.dense, [w])
                if self.plan.dense_curves:
                    self._record_fine()
                if self.plan.grid:
                    self._record_grid()
                build.call(kernel.move, [w])
            with code.loop(self.lanes, "lane") as lane, build.if_then(self.has_passed(lane)):
                self._advance(lane)
        with code.loop(self.lanes, "lane") as lane, build.if_then(self.is_busy(lane)):
            self._store(lane)
        build.ret(build.sub(self.given["rounds"], self.load(self.left)))

    def _cut(self, lane: Any) -> None:
        """No step leads beyond the end of its segment."""
        build = self.build
        h, left = self.get("h", lane), build.fsub(self.get("end", lane), self.get("t", lane))
        nearly = build.fcmp_ordered(">=", build.fmul(h, number(1.01)), left)
        self.put(build.select(nearly, left, h), "h", lane)
        reached = build.select(nearly, self.get("end", lane), build.fadd(self.get("t", lane), h))
        self.put(reached, "reached", lane)

    def _judge(self, lane: Any) -> None:
        """Marks the lane as passed, or shortens its step; ends a member that gets nowhere."""
        build = self.build
        self.count_up("tries", lane)
        exact = build.fcmp_ordered("<=", self.get("error", lane), number(1.0))
        good = build.and_(exact, build.fcmp_ordered("==", self.get("low", lane), number(0.0)))
        with build.if_else(good) as (then, otherwise):
            with then:
                after = build.add(self.get("point", lane), whole(PER_STEP + 1))
                full = build.icmp_signed(">", after, self.given["capacity"])
                full = build.and_(full, ir.Constant(ir.IntType(1), int(bool(self.plan.dense_curves))))
                with build.if_else(full) as (yes, no):
                    with yes:
                        self.put(build.sub(self.get("tries", lane), whole(1)), "tries", lane)
                        self._end(lane, whole(Status.BUFFER_FULL))
                    with no:
                        self.put(whole(1), "passed", lane)
                        build.store(whole(1), self.pending)
            with otherwise:
                factor = self.get("factor", lane)
                low = build.fcmp_ordered("!=", self.get("low", lane), number(0.0))
                factor = build.select(build.and_(exact, low), number(0.5), factor)
                h = build.fmul(self.get("h", lane), factor)
                self.put(h, "h", lane)
                self.put(whole(1), "rejected", lane)
                t = self.get("t", lane)
                stuck = build.fcmp_ordered("==", build.fadd(t, build.fmul(h, number(0.1))), t)
                tired = build.icmp_signed(">=", self.get("tries", lane), self.given["tries"])
                reason = build.select(
                    build.fcmp_unordered("uno", self.get("error", lane), number(0.0)),
                    whole(Status.NOT_FINITE),
                    whole(Status.NO_PROGRESS),
                )
                reason = build.select(build.and_(exact, low), whole(Status.NEGATIVE), reason)
                with build.if_then(build.or_(stuck, tired)):
                    self._end(lane, reason)

    def _record_fine(self) -> None:
        """PER_STEP points of every step that passed, and its start where the segment starts."""
        code, build, curves = self.code, self.build, len(self.plan.dense_curves)
        for part in range(PER_STEP + 1):
            s = number(part / PER_STEP)
            code.put_row(code.all(part / PER_STEP), self.w, self.at["s"])
            build.call(self.kernel.dense_curves, [self.w])
            with code.loop(self.lanes, "lane") as lane:
                wanted = self.has_passed(lane)
                if not part:
                    wanted = build.and_(wanted, build.icmp_signed("!=", self.get("first", lane), whole(0)))
                with build.if_then(wanted):
                    row = (
                        (self.get("member", lane), self.given["members"]),
                        (self.get("point", lane), self.given["capacity"]),
                    )
                    start = self.element("dense_curves", *row, (whole(0), whole(1 + curves)))
                    time = code.fma(s, self.get("h", lane), self.get("t", lane))
                    build.store(self.get("reached", lane) if part == PER_STEP else time, start, align=8)
                    self._copy_out(lane, code.address(start, 1), curves)
                    self.count_up("point", lane)

    def _record_grid(self) -> None:
        """Every output time that the steps have reached; one at the end of a segment belongs to the next."""
        code, build, curves = self.code, self.build, len(self.plan.grid)
        with code.repeat("times") as finished:
            build.store(whole(0), self.pending)
            with code.loop(self.lanes, "lane") as lane, build.if_then(self._is_due(lane)):
                time = build.load(self.element("times", (self.get("time", lane), whole(1))), typ=DOUBLE, align=8)
                passed = build.fsub(time, self.get("t", lane))
                self.put(build.fdiv(passed, self.get("h", lane)), "s", lane)
                build.store(whole(1), self.pending)
            code.leave_if(build.icmp_signed("==", self.load(self.pending), whole(0)), finished)
            build.call(self.kernel.grid, [self.w])
            with code.loop(self.lanes, "lane") as lane, build.if_then(self._is_due(lane)):
                row = (
                    (self.get("member", lane), self.given["members"]),
                    (self.get("time", lane), self.given["n_times"]),
                )
                self._copy_out(lane, self.element("grid", *row, (whole(0), whole(curves))), curves)
                self.count_up("time", lane)

    def _is_due(self, lane: Any) -> Any:
        """Whether the lane has passed its next output time."""
        build = self.build
        next_time, n_times = self.get("time", lane), self.given["n_times"]
        inside = build.icmp_signed("<", next_time, n_times)
        last = build.select(inside, next_time, build.sub(n_times, whole(1)))
        time = build.load(self.element("times", (last, whole(1))), typ=DOUBLE, align=8)
        reached, end = self.get("reached", lane), self.get("end", lane)
        is_last = build.icmp_signed(">=", build.add(self.get("segment", lane), whole(1)), self.given["segments"])
        at_edge = build.and_(build.fcmp_ordered("==", reached, end), build.not_(is_last))
        early = build.fsub(end, self.code.fma(self.code.magnitude(end), number(ROUNDING), number(0.0)))
        due = build.fcmp_ordered("<", time, build.select(at_edge, early, reached))
        at_end = build.and_(build.fcmp_ordered("==", time, reached), is_last)
        before = build.or_(due, build.and_(at_end, build.fcmp_ordered("==", reached, end)))
        passed = self.has_passed(lane)
        return build.and_(build.and_(passed, inside), before)

    def _copy_out(self, lane: Any, target: Any, curves: int) -> None:
        with self.code.loop(curves, "curve") as i:
            self.build.store(self.get("out", lane, i), self.code.address(target, i), align=8)

    def _advance(self, lane: Any) -> None:
        """Time moves on; at the end of a segment the next begins, or the member is done."""
        build = self.build
        self.count_up("steps", lane)
        h, factor = self.get("h", lane), self.get("factor", lane)
        first = build.icmp_signed("!=", self.get("first", lane), whole(0))
        self.put(build.select(first, h, self.get("h_first", lane)), "h_first", lane)
        rejected = build.icmp_signed("!=", self.get("rejected", lane), whole(0))
        no_more = build.select(build.fcmp_ordered("<", factor, number(1.0)), factor, number(1.0))
        self.put(build.fmul(h, build.select(rejected, no_more, factor)), "h", lane)
        for name in ("first", "rejected"):
            self.put(whole(0), name, lane)
        reached = self.get("reached", lane)
        self.put(reached, "t", lane)
        tired = build.icmp_signed(">=", self.get("tries", lane), self.given["tries"])
        with build.if_else(build.fcmp_ordered("==", reached, self.get("end", lane))) as (ended, goes_on):
            with ended:
                self.count_up("segment", lane)
                more = build.icmp_signed("<", self.get("segment", lane), self.given["segments"])
                with build.if_else(more) as (another, last):
                    with another:
                        self._jump(lane)
                    with last:
                        self._end(lane, whole(Status.DONE))
            with goes_on, build.if_then(tired):
                self._end(lane, whole(Status.NO_PROGRESS))

    def _jump(self, lane: Any) -> None:
        """Doses at the start of a segment; a first step as long as the last segment's first."""
        code, build, given = self.code, self.build, self.given
        member, segment = self.get("member", lane), self.get("segment", lane)
        place = ((member, given["members"]), (segment, given["segments"]))
        with build.if_then(build.icmp_signed(">", given["jumps"], whole(0))), code.loop(given["jumps"], "dose") as i:
            species = build.load(self.element("jumped", (i, whole(1))), typ=WHOLE, align=8)
            amount = build.load(self.element("jump", *place, (i, given["jumps"])), typ=DOUBLE, align=8)
            self.put(build.fadd(self.get("y", lane, species), amount), "y", lane, species)
        self.put(self.get("h_first", lane), "h", lane)
        self.put(whole(1), "first", lane)
        self._enter(lane)

    def _enter(self, lane: Any) -> None:
        """End, infusions and parameters of the segment that the lane is in."""
        code, build, given = self.code, self.build, self.given
        member, segment = self.get("member", lane), self.get("segment", lane)
        place = ((member, given["members"]), (segment, given["segments"]))
        self.put(build.load(self.element("ends", *place), typ=DOUBLE, align=8), "end", lane)
        parameters = len(self.plan.parameters)
        if self.infused:
            with code.loop(self.infused, "infusion") as i:
                rate = build.load(self.element("infusion", *place, (i, whole(self.infused))), typ=DOUBLE, align=8)
                self.put(rate, "parameters", lane, build.add(i, whole(parameters)))
        if parameters:
            which = build.load(self.element("sets", (segment, whole(1))), typ=WHOLE, align=8)
            with code.loop(parameters, "parameter") as i:
                source = self.element(
                    "parameters", (which, whole(1)), (member, given["members"]), (i, whole(parameters))
                )
                self.put(build.load(source, typ=DOUBLE, align=8), "parameters", lane, i)
        build.store(whole(1), self.dirty)

    def _take_next(self, lane: Any) -> None:
        """The next member that waits, if there is one, comes into the lane."""
        code, build, given = self.code, self.build, self.given
        waits = build.icmp_signed("<", self.load(self.queue), given["count"])
        with build.if_then(waits):
            member = build.load(self.element("todo", (self.load(self.queue), whole(1))), typ=WHOLE, align=8)
            build.store(build.add(self.load(self.queue), whole(1)), self.queue)
            self.put(member, "member", lane)
            with code.loop(self.size, "species") as k:
                source = self.element("states", (member, given["members"]), (k, whole(self.size)))
                self.put(build.load(source, typ=DOUBLE, align=8), "y", lane, k)
            for i, name in enumerate(CLOCKS):
                source = self.element("clocks", (member, given["members"]), (whole(i), whole(len(CLOCKS))))
                self.put(build.load(source, typ=DOUBLE, align=8), name, lane)
            for i, name in enumerate(COUNTERS):
                source = self.element("counts", (member, given["members"]), (whole(i), whole(len(COUNTERS))))
                self.put(build.load(source, typ=WHOLE, align=8), name, lane)
            build.store(build.add(self.load(self.busy), whole(1)), self.busy)
            self._enter(lane)

    def _end(self, lane: Any, status: Any) -> None:
        """The member leaves its lane."""
        self.put(status, "status", lane)
        self._store(lane)
        self.put(whole(IDLE), "member", lane)
        self.build.store(self.build.sub(self.load(self.busy), whole(1)), self.busy)

    def _store(self, lane: Any) -> None:
        code, build, given = self.code, self.build, self.given
        member = self.get("member", lane)
        with code.loop(self.size, "species") as k:
            target = self.element("states", (member, given["members"]), (k, whole(self.size)))
            build.store(self.get("y", lane, k), target, align=8)
        for i, name in enumerate(CLOCKS):
            target = self.element("clocks", (member, given["members"]), (whole(i), whole(len(CLOCKS))))
            build.store(self.get(name, lane), target, align=8)
        for i, name in enumerate(COUNTERS):
            target = self.element("counts", (member, given["members"]), (whole(i), whole(len(COUNTERS))))
            build.store(self.get(name, lane), target, align=8)
