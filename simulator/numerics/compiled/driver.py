"""Integrates many members in a group of lanes: step-size control, dose events and recording.

Each lane has a member, a time and a step size of its own. A lane whose step is rejected tries a shorter one while
the others go on; a lane whose member is done takes the next. Nothing that a member computes depends on the lane it
is in, nor on its neighbours.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from .. import noise
from ..noise import Level
from ..rodas5p import SHRINK
from .builder import DOUBLE, INTEGER, POINTER, FunctionBuilder, double, integer
from .memory_layout import ARGUMENTS, CLOCKS, COUNTERS, IDLE, SCALARS, ProgramLayout, Status
from .rosenbrock_step import StepFunctions

CHATTER_ATTEMPTS = 2**16  # so many steps, rejected ones included, ...
CHATTER_PROGRESS = 1e-3  # ... that come no further than this part of what is left of the segment will not reach its end


class DriveFunction:
    """Writes the function `drive(arguments)`, which returns the number of steps that the group took."""

    def __init__(self, layout: ProgramLayout, functions: StepFunctions, module: ir.Module, lanes: int) -> None:
        self.layout, self.functions, self.lanes, self.at = layout, functions, lanes, layout.offsets
        self.size, self.infused = len(layout.reduced.species), len(layout.reduced.infused)
        self.code = code = FunctionBuilder(module, "drive", 1, lanes, INTEGER)
        self.build = build = code.build
        [table] = code.arguments
        self.argument: dict[str, Any] = {}
        for i, name in enumerate(ARGUMENTS):
            value = code.load_scalar(table, i, INTEGER)
            self.argument[name] = value if name in SCALARS else build.inttoptr(value, POINTER)
        self.w = self.argument["workspace"]
        # Counters of the group: the next member that waits, steps left to take, busy lanes, whether parameters of a
        # lane are new, and whether a lane has something to record
        self.queue, self.left = (build.alloca(INTEGER, name=name) for name in ("queue", "left"))
        self.busy, self.stale, self.pending = (
            build.alloca(INTEGER, name=name) for name in ("busy", "stale", "pending")
        )
        self.from_noise = build.alloca(DOUBLE, name="from_noise")  # a sum over a row of the Jacobian, as the next
        self.from_others = build.alloca(DOUBLE, name="from_others")
        for cell in (self.queue, self.busy, self.stale):
            build.store(integer(0), cell)
        build.store(self.argument["max_steps"], self.left)
        self.function = code.function
        self._main()

    # Single numbers of a lane in the workspace, and of members in the arrays given

    def _address(self, name: str, lane: Any, inner: Any = 0) -> Any:
        row = (
            integer(self.at[name])
            if isinstance(inner, int) and not inner
            else self.build.add(integer(self.at[name]), inner)
        )
        place = self.build.add(self.build.mul(row, integer(self.lanes)), lane)
        return self.code.address(self.w, place)

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

    def element(self, name: str, *axes: tuple[Any, Any]) -> Any:
        """The address of an element of an array that was given: `axes` are pairs of (index, size of that axis)."""
        flat: Any = integer(0)
        for index, size in axes:
            flat = self.build.add(self.build.mul(flat, size), index)
        return self.code.address(self.argument[name], flat)

    def is_busy(self, lane: Any) -> Any:
        """Whether a lane has a member."""
        return self.build.icmp_signed(">=", self.get("member", lane), integer(0))

    def is_accepted(self, lane: Any) -> Any:
        """Whether the step of a lane was accepted."""
        return self.build.icmp_signed("!=", self.get("accepted", lane), integer(0))

    @property
    def _stops(self) -> bool:
        """Whether steps may have to end before their segment."""
        return self.layout.has_stops or self.layout.follows

    def _follows(self, lane: Any) -> Any:
        """Whether a lane takes the steps that it is given."""
        return self.build.icmp_signed("!=", self.get("follows", lane), integer(0))

    # The loop

    def _main(self) -> None:
        """One step of all lanes after another, until no member waits or the steps of the group are used up."""
        code, build, functions, w = self.code, self.build, self.functions, self.w
        for name in ("t", "h", "end"):  # any number will do for a lane that never has a member
            code.store_row(code.constant(1.0), w, self.at[name])
        with code.loop(self.lanes, "lane") as lane:
            self.put(integer(IDLE), "member", lane)
        with code.repeat("step") as finished:
            # Fill idle lanes
            with code.loop(self.lanes, "lane") as lane, build.if_then(build.not_(self.is_busy(lane))):
                self._load_next_member(lane)
            code.break_if(build.icmp_signed("==", self.load(self.busy), integer(0)), finished)
            code.break_if(build.icmp_signed("<=", self.load(self.left), integer(0)), finished)
            build.store(build.sub(self.load(self.left), integer(1)), self.left)
            # Try a step in every lane
            with build.if_then(build.icmp_signed("!=", self.load(self.stale), integer(0))):
                build.call(functions.prepare, [w])
            build.call(functions.evaluate, [w])
            with build.if_then(build.icmp_signed("!=", self.load(self.stale), integer(0))):
                build.call(functions.begin, [w])
                build.store(integer(0), self.stale)
            with code.loop(self.lanes, "lane") as lane:
                self._limit_to_segment(lane)
            build.call(functions.attempt, [w])
            # Accept or reject it
            build.store(integer(0), self.pending)
            with code.loop(self.lanes, "lane") as lane:
                self.put(integer(0), "accepted", lane)
                with build.if_then(self.is_busy(lane)):
                    self._control_step(lane)
            # Record what was accepted, and move on
            with build.if_then(build.icmp_signed("!=", self.load(self.pending), integer(0))):
                if self.layout.grid or self.layout.dense_curves:
                    build.call(functions.dense, [w])
                if self.layout.dense_curves or self.layout.follows:
                    self._record_dense()
                if self.layout.grid:
                    self._record_grid()
                build.call(functions.watch, [w])
                with code.loop(self.lanes, "lane") as lane:
                    rises = build.fcmp_ordered("!=", self.get("rising", lane), double(0.0))
                    with build.if_then(rises):
                        self._judge_rising(lane)
                build.call(functions.accept, [w])
            with code.loop(self.lanes, "lane") as lane, build.if_then(self.is_accepted(lane)):
                self._advance(lane)
        with code.loop(self.lanes, "lane") as lane, build.if_then(self.is_busy(lane)):
            self._save_member(lane)
        build.ret(build.sub(self.argument["max_steps"], self.load(self.left)))

    def _limit_to_segment(self, lane: Any) -> None:
        """No step passes the end of its segment or the next stop; none leaves less than a hundredth of itself to go."""
        build = self.build
        limit = self.get("end", lane)
        if self._stops:
            stop = self._next_stop(lane)
            limit = build.select(build.fcmp_ordered("<", stop, limit), stop, limit)
            self.put(self.get("h", lane), "h_wanted", lane)
        h, left = self.get("h", lane), build.fsub(limit, self.get("t", lane))
        nearly = build.fcmp_ordered(">=", build.fmul(h, double(1.01)), left)
        if self.layout.follows:
            nearly = build.or_(nearly, self._follows(lane))
        self.put(build.select(nearly, left, h), "h", lane)
        reached = build.select(nearly, limit, build.fadd(self.get("t", lane), h))
        self.put(reached, "reached", lane)

    def _next_stop(self, lane: Any) -> Any:
        """The first stop of a lane after its time; infinite after the last."""
        code, build, member = self.code, self.build, self.get("member", lane)
        member = build.select(self.is_busy(lane), member, integer(0))

        def stop() -> Any:
            place = (member, self.argument["members"]), (self.get("stop", lane), self.argument["n_stops"])
            return build.load(self.element("stops", *place), typ=DOUBLE, align=8)

        with code.repeat("stops") as finished:
            code.break_if(build.fcmp_unordered("ugt", stop(), self.get("t", lane)), finished)
            self.count_up("stop", lane)
        return stop()

    def _control_step(self, lane: Any) -> None:
        """Step-size control: accepts the step of a lane, or rejects it."""
        build = self.build
        self.count_up("attempts", lane)
        exact = build.fcmp_ordered("<=", self.get("error", lane), double(1.0))
        good = exact
        for name in ("negative", "growing"):
            good = build.and_(good, build.fcmp_ordered("==", self.get(name, lane), double(0.0)))
        if self.layout.follows:
            error = self.get("error", lane)
            finite = build.fcmp_ordered("ord", error, error)
            good = build.or_(good, build.and_(self._follows(lane), finite))
        with build.if_else(good) as (then, otherwise):
            with then:
                self._accept(lane)
            with otherwise:
                self._reject(lane, exact)

    def _accept(self, lane: Any) -> None:
        """Marks the lane, unless its buffer of dense output is full: then the step is tried again once it is empty."""
        build = self.build
        after = build.add(self.get("point", lane), integer(self.layout.per_step + 1))
        full = build.icmp_signed(">", after, self.argument["capacity"])
        records = bool(self.layout.dense_curves or self.layout.follows)
        full = build.and_(full, ir.Constant(ir.IntType(1), int(records)))
        with build.if_else(full) as (yes, no):
            with yes:
                self.put(build.sub(self.get("attempts", lane), integer(1)), "attempts", lane)
                if self._stops:
                    self.put(self.get("h_wanted", lane), "h", lane)
                self._finish_member(lane, integer(Status.BUFFER_FULL))
            with no:
                self.put(integer(1), "accepted", lane)
                build.store(integer(1), self.pending)

    def _reject(self, lane: Any, exact: Any) -> None:
        """Shortens the next step of a lane. exact: whether the error was small enough, but a state below its bound, or
        one that grows too fast for the step.

        A member ends where its step no longer moves the time, or its attempts are used up.
        """
        build = self.build
        factor = self.get("factor", lane)
        low = build.fcmp_ordered("!=", self.get("negative", lane), double(0.0))
        factor = build.select(build.and_(exact, low), double(0.5), factor)
        growing = build.fcmp_ordered("!=", self.get("growing", lane), double(0.0))
        factor = build.select(growing, double(SHRINK), factor)
        h = build.fmul(self.get("h", lane), factor)
        self.put(h, "h", lane)
        self.put(integer(1), "rejected", lane)
        t = self.get("t", lane)
        step_vanishes = build.fcmp_ordered("==", build.fadd(t, build.fmul(h, double(0.1))), t)
        hopeless = self._is_hopeless(lane)
        if self.layout.follows:
            hopeless = build.or_(hopeless, self._follows(lane))
        reason = build.select(
            build.fcmp_unordered("uno", self.get("error", lane), double(0.0)),
            integer(Status.NOT_FINITE),
            integer(Status.NO_PROGRESS),
        )
        reason = build.select(build.and_(exact, low), integer(Status.NEGATIVE), reason)
        with build.if_then(build.or_(step_vanishes, hopeless)):
            self._finish_member(lane, reason)

    def _is_hopeless(self, lane: Any) -> Any:
        """Whether the attempts of a lane are used up, or the last CHATTER_ATTEMPTS of them came nowhere."""
        build, attempts = self.build, self.get("attempts", lane)
        used_up = build.icmp_signed(">=", attempts, self.argument["max_attempts"])
        looks = build.icmp_signed("==", build.and_(attempts, integer(CHATTER_ATTEMPTS - 1)), integer(0))
        t, mark = self.get("t", lane), self.get("mark", lane)
        wanted = build.fmul(build.fsub(self.get("end", lane), t), double(CHATTER_PROGRESS))
        chatters = build.and_(looks, build.fcmp_ordered("<", build.fsub(t, mark), wanted))
        self.put(build.select(looks, t, mark), "mark", lane)
        return build.or_(used_up, chatters)

    def _record_dense(self) -> None:
        """`per_step` points of every accepted step, and its start where a segment starts."""
        code, build, curves = self.code, self.build, len(self.layout.dense_curves)
        per_step = self.layout.per_step
        for part in range(per_step + 1):
            s = double(part / per_step)
            code.store_row(code.constant(part / per_step), self.w, self.at["s"])
            if curves:
                build.call(self.functions.dense_curves, [self.w])
            with code.loop(self.lanes, "lane") as lane:
                wanted = self.is_accepted(lane)
                if not part:
                    wanted = build.and_(wanted, build.icmp_signed("!=", self.get("first", lane), integer(0)))
                with build.if_then(wanted):
                    row = (
                        (self.get("member", lane), self.argument["members"]),
                        (self.get("point", lane), self.argument["capacity"]),
                    )
                    start = self.element("dense_curves", *row, (integer(0), integer(1 + curves)))
                    time = code.fma(s, self.get("h", lane), self.get("t", lane))
                    build.store(self.get("reached", lane) if part == per_step else time, start, align=8)
                    self._copy_out(lane, code.address(start, 1), curves)
                    self.count_up("point", lane)

    def _record_grid(self) -> None:
        """Records every output time that the steps have reached; one at the end of a segment belongs to the next."""
        code, build, curves = self.code, self.build, len(self.layout.grid)
        with code.repeat("times") as finished:
            build.store(integer(0), self.pending)
            with code.loop(self.lanes, "lane") as lane, build.if_then(self._is_due(lane)):
                time = self._output_time(lane, self.get("time", lane))
                elapsed = build.fsub(time, self.get("t", lane))
                self.put(build.fdiv(elapsed, self.get("h", lane)), "s", lane)
                build.store(integer(1), self.pending)
            code.break_if(build.icmp_signed("==", self.load(self.pending), integer(0)), finished)
            build.call(self.functions.grid, [self.w])
            with code.loop(self.lanes, "lane") as lane, build.if_then(self._is_due(lane)):
                row = (
                    (self.get("member", lane), self.argument["members"]),
                    (self.get("time", lane), self.argument["n_times"]),
                )
                self._copy_out(lane, self.element("grid", *row, (integer(0), integer(curves))), curves)
                self.count_up("time", lane)

    def _output_time(self, lane: Any, index: Any) -> Any:
        """The output time with this index of the member in a lane; any number for a lane without one."""
        found = self.get("member", lane)
        member = self.build.select(self.is_busy(lane), found, integer(0))
        place = self.element("times", (member, self.argument["members"]), (index, self.argument["n_times"]))
        return self.build.load(place, typ=DOUBLE, align=8)

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
        return build.and_(build.and_(self.is_accepted(lane), inside), before)

    def _copy_out(self, lane: Any, target: Any, curves: int) -> None:
        with self.code.loop(curves, "curve") as i:
            self.build.store(self.get("out", lane, i), self.code.address(target, i), align=8)

    def _judge_rising(self, lane: Any) -> None:
        """Of the states of a lane that rise out of their noise: whether they grow out of it, or are fed by what is no
        noise, perhaps through states that do not yet stand out of theirs.

        `Jacobian * new` gives what other states contribute to a rise. See `noise.Watch`, which does the same for SciPy.
        """
        code, build = self.code, self.build
        with code.loop(noise.LONGEST_CHAIN, "chain"), code.loop(self.size, "species") as k:
            rise = build.fsub(self.get("new", lane, k), self.get("y", lane, k))
            with build.if_then(build.and_(self._is_noise(lane, k), build.fcmp_ordered(">", rise, double(0.0)))):
                self._sum_gains(lane, k)
                others = build.load(self.from_others, typ=DOUBLE)
                fed = build.fcmp_ordered(">=", others, build.fmul(rise, double(noise.FED)))
                with build.if_then(build.and_(fed, build.not_(self._is_by_noise(rise)))):
                    self.put(double(Level.UNKNOWN), "levels", lane, k)
        with code.loop(self.size, "species") as k:
            new, clear = self.get("new", lane, k), build.fmul(self.get("atol", lane, k), double(noise.CLEARLY_ABOVE))
            with build.if_then(build.and_(self._is_noise(lane, k), build.fcmp_ordered(">", new, clear))):
                self._sum_gains(lane, k)
                by_noise = self._is_by_noise(build.fsub(new, self.get("y", lane, k)))
                self.put(double(Level.ABOVE), "levels", lane, k)
                is_first = build.icmp_signed("==", self.get("revived", lane), integer(0))
                with build.if_then(build.and_(by_noise, is_first)):
                    self.put(build.add(k, integer(1)), "revived", lane)
                    self.put(self.get("reached", lane), "revived_at", lane)

    def _is_noise(self, lane: Any, k: Any) -> Any:
        return self.build.fcmp_ordered("==", self.get("levels", lane, k), double(Level.NOISE))

    def _is_by_noise(self, rise: Any) -> Any:
        """Whether a rise comes from noise, by the sums of `_sum_gains`."""
        limit = self.build.fmul(rise, double(noise.FED_BY_NOISE))
        return self.build.fcmp_ordered(">", self.build.load(self.from_noise, typ=DOUBLE), limit)

    def _sum_gains(self, lane: Any, k: Any) -> None:
        """What a state gains in the step from states that are noise, and from the others."""
        code, build, rows = self.code, self.build, self.functions.jacobian_rows()
        sums = self.from_noise, self.from_others
        for each in sums:
            build.store(double(0.0), each)
        first, count = (code.load_scalar(code.address(rows, k, 2), place, INTEGER) for place in range(2))
        with build.if_then(build.icmp_signed(">", count, integer(0))), code.loop(count, "entry") as i:
            entry = build.add(first, i)
            column = code.load_scalar(self.functions.jacobian_columns(), entry, INTEGER)
            gain = build.fmul(self.get("jacobian", lane, entry), self.get("new", lane, column))
            gain = build.fmul(gain, self.get("h", lane))
            gain = build.select(build.fcmp_ordered(">", gain, double(0.0)), gain, double(0.0))
            from_noise = self._is_noise(lane, column)
            for each, counts in zip(sums, (from_noise, build.not_(from_noise)), strict=True):
                total = build.fadd(build.load(each, typ=DOUBLE), build.select(counts, gain, double(0.0)))
                build.store(total, each)

    def _advance(self, lane: Any) -> None:
        """After an accepted step: the next step size, the next segment at the end of one, or the end of the member."""
        build = self.build
        self.count_up("steps", lane)
        h, factor = self.get("h", lane), self.get("factor", lane)
        rejected = build.icmp_signed("!=", self.get("rejected", lane), integer(0))
        no_more = build.select(build.fcmp_ordered("<", factor, double(1.0)), factor, double(1.0))
        following = build.fmul(h, build.select(rejected, no_more, factor))
        if self._stops:  # what ended at a stop goes on as long as it would have been
            wanted = self.get("h_wanted", lane)
            following = build.select(build.fcmp_ordered(">", wanted, following), wanted, following)
        self.put(following, "h", lane)
        for name in ("first", "rejected"):
            self.put(integer(0), name, lane)
        reached = self.get("reached", lane)
        self._count_infusions(lane, build.fsub(reached, self.get("t", lane)))
        self.put(reached, "t", lane)
        hopeless = self._is_hopeless(lane)
        with build.if_else(build.fcmp_ordered("==", reached, self.get("end", lane))) as (ended, goes_on):
            with ended:
                self.count_up("segment", lane)
                more = build.icmp_signed("<", self.get("segment", lane), self.get("segments", lane))
                with build.if_else(more) as (another, last):
                    with another:
                        self._begin_segment(lane)
                    with last:
                        self._finish_member(lane, integer(Status.DONE))
            with goes_on, build.if_then(hopeless):
                self._finish_member(lane, integer(Status.NO_PROGRESS))

    def _count_infusions(self, lane: Any, length: Any) -> None:
        """Adds what flowed in during a step of this length."""
        parameters = len(self.layout.parameters)
        for i, name in enumerate(self.layout.reduced.infused):
            species = self.layout.reduced.species.index(name)
            rate = self.get("parameters", lane, integer(parameters + i))
            total = self.code.fma(rate, length, self.get("added", lane, integer(species)))
            self.put(total, "added", lane, integer(species))

    def _begin_segment(self, lane: Any) -> None:
        """Dilutions, then doses, at the start of a segment, whose first step is still to be found."""
        code, build, argument = self.code, self.build, self.argument
        member, segment = self.get("member", lane), self.get("segment", lane)
        place = ((member, argument["members"]), (segment, argument["segments"]))
        with (
            build.if_then(build.icmp_signed(">", argument["jumps"], integer(0))),
            code.loop(argument["jumps"], "dose") as i,
        ):
            species = build.load(self.element("jumped", (i, integer(1))), typ=INTEGER, align=8)
            amount = build.load(self.element("jump", *place, (i, argument["jumps"])), typ=DOUBLE, align=8)
            given = build.fcmp_ordered("!=", amount, double(0.0))
            level = build.select(given, double(Level.UNKNOWN), self.get("levels", lane, species))
            self.put(level, "levels", lane, species)
            dilution = build.load(self.element("dilution", *place, (i, argument["jumps"])), typ=DOUBLE, align=8)
            for name in ("y", "added"):
                state = build.fmul(self.get(name, lane, species), dilution)
                self.put(build.fadd(state, amount), name, lane, species)
        self.put(double(0.0), "h", lane)
        self.put(integer(1), "first", lane)
        self._set_segment(lane)

    def _set_segment(self, lane: Any) -> None:
        """Loads end, infusions and parameters of the segment that a lane is in."""
        code, build, argument = self.code, self.build, self.argument
        member, segment = self.get("member", lane), self.get("segment", lane)
        place = ((member, argument["members"]), (segment, argument["segments"]))
        self.put(build.load(self.element("ends", *place), typ=DOUBLE, align=8), "end", lane)
        parameters = len(self.layout.parameters)
        if self.infused:
            with code.loop(self.infused, "infusion") as i:
                rate = build.load(self.element("infusion", *place, (i, integer(self.infused))), typ=DOUBLE, align=8)
                self.put(rate, "parameters", lane, build.add(i, integer(parameters)))
        for i, name in enumerate(self.layout.reduced.infused):
            species = integer(self.layout.reduced.species.index(name))
            flows = build.fcmp_ordered("!=", self.get("parameters", lane, integer(parameters + i)), double(0.0))
            level = build.select(flows, double(Level.UNKNOWN), self.get("levels", lane, species))
            self.put(level, "levels", lane, species)
        if parameters:
            which = build.load(self.element("sets", *place), typ=INTEGER, align=8)
            with code.loop(parameters, "parameter") as i:
                source = self.element(
                    "parameters", (which, integer(1)), (member, argument["members"]), (i, integer(parameters))
                )
                self.put(build.load(source, typ=DOUBLE, align=8), "parameters", lane, i)
        build.store(integer(1), self.stale)

    def _load_next_member(self, lane: Any) -> None:
        """Loads the next member that waits, if there is one, into the lane."""
        code, build, argument = self.code, self.build, self.argument
        waits = build.icmp_signed("<", self.load(self.queue), argument["count"])
        with build.if_then(waits):
            member = build.load(self.element("todo", (self.load(self.queue), integer(1))), typ=INTEGER, align=8)
            build.store(build.add(self.load(self.queue), integer(1)), self.queue)
            self.put(member, "member", lane)
            with code.loop(self.size, "species") as k:
                source = self.element("states", (member, argument["members"]), (k, integer(self.size)))
                self.put(build.load(source, typ=DOUBLE, align=8), "y", lane, k)
                source = self.element("atol", (member, argument["members"]), (k, integer(self.size)))
                self.put(build.load(source, typ=DOUBLE, align=8), "atol", lane, k)
                for name in ("added", "levels"):
                    source = self.element(name, (member, argument["members"]), (k, integer(self.size)))
                    self.put(build.load(source, typ=DOUBLE, align=8), name, lane, k)
            source = self.element("rtol", (member, integer(1)))
            self.put(build.load(source, typ=DOUBLE, align=8), "rtol", lane)
            for i, name in enumerate(CLOCKS):
                source = self.element("clocks", (member, argument["members"]), (integer(i), integer(len(CLOCKS))))
                self.put(build.load(source, typ=DOUBLE, align=8), name, lane)
            for i, name in enumerate(COUNTERS):
                source = self.element("counts", (member, argument["members"]), (integer(i), integer(len(COUNTERS))))
                self.put(build.load(source, typ=INTEGER, align=8), name, lane)
            build.store(build.add(self.load(self.busy), integer(1)), self.busy)
            self._set_segment(lane)

    def _finish_member(self, lane: Any, status: Any) -> None:
        """Saves a member with its status, and leaves its lane idle."""
        self.put(status, "status", lane)
        self._save_member(lane)
        self.put(integer(IDLE), "member", lane)
        self.build.store(self.build.sub(self.load(self.busy), integer(1)), self.busy)

    def _save_member(self, lane: Any) -> None:
        """Copies states and counters of a member from its lane to the arrays given."""
        code, build, argument = self.code, self.build, self.argument
        member = self.get("member", lane)
        with code.loop(self.size, "species") as k:
            target = self.element("states", (member, argument["members"]), (k, integer(self.size)))
            build.store(self.get("y", lane, k), target, align=8)
            for name in ("added", "levels"):
                target = self.element(name, (member, argument["members"]), (k, integer(self.size)))
                build.store(self.get(name, lane, k), target, align=8)
        for i, name in enumerate(CLOCKS):
            target = self.element("clocks", (member, argument["members"]), (integer(i), integer(len(CLOCKS))))
            build.store(self.get(name, lane), target, align=8)
        for i, name in enumerate(COUNTERS):
            target = self.element("counts", (member, argument["members"]), (integer(i), integer(len(COUNTERS))))
            build.store(self.get(name, lane), target, align=8)
