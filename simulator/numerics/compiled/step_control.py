"""Step-size control of a group of lanes: how long a step may be, whether it is accepted, and what follows it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..rodas5p import SHRINK
from .builder import double, integer
from .lane_members import LaneMembers
from .lanes import Lanes
from .memory_layout import Status

CHATTER_ATTEMPTS = 2**16  # so many steps, rejected ones included, ...
CHATTER_PROGRESS = 1e-3  # ... that come no further than this part of what is left of the segment will not reach its end


class StepControl:
    """Writes what limits the step of a lane, judges it, and goes on after it."""

    def __init__(self, lanes: Lanes, members: LaneMembers) -> None:
        self.lanes, self.members, self.layout = lanes, members, lanes.layout
        self.code, self.build, self.argument = lanes.code, lanes.build, lanes.argument
        self.get, self.put = lanes.get, lanes.put
        self._stops = self.layout.has_stops or self.layout.follows  # whether steps may have to end before their segment

    def limit_to_segment(self, lane: Any) -> None:
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
            nearly = build.or_(nearly, self.lanes.follows(lane))
        self.put(build.select(nearly, left, h), "h", lane)
        reached = build.select(nearly, limit, build.fadd(self.get("t", lane), h))
        self.put(reached, "reached", lane)

    def _next_stop(self, lane: Any) -> Any:
        """The first stop of a lane after its time; infinite after the last."""
        code, build, member = self.code, self.build, self.get("member", lane)
        member = build.select(self.lanes.is_busy(lane), member, integer(0))

        def stop() -> Any:
            place = (member, self.argument["members"]), (self.get("stop", lane), self.argument["n_stops"])
            return self.lanes.element("stops", *place)

        with code.repeat("stops") as finished:
            code.break_if(build.fcmp_unordered("ugt", stop(), self.get("t", lane)), finished)
            self.lanes.count_up("stop", lane)
        return stop()

    def judge(self, lane: Any) -> None:
        """Step-size control: accepts the step of a lane, or rejects it."""
        build = self.build
        self.lanes.count_up("attempts", lane)
        exact = build.fcmp_ordered("<=", self.get("error", lane), double(1.0))
        good = exact
        for name in ("negative", "growing"):
            good = build.and_(good, build.fcmp_ordered("==", self.get(name, lane), double(0.0)))
        if self.layout.follows:
            error = self.get("error", lane)
            finite = build.fcmp_ordered("ord", error, error)
            good = build.or_(good, build.and_(self.lanes.follows(lane), finite))
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
                self.members.finish(lane, integer(Status.BUFFER_FULL))
            with no:
                self.put(integer(1), "accepted", lane)
                build.store(integer(1), self.lanes.pending)

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
            hopeless = build.or_(hopeless, self.lanes.follows(lane))
        reason = build.select(
            build.fcmp_unordered("uno", self.get("error", lane), double(0.0)),
            integer(Status.NOT_FINITE),
            integer(Status.NO_PROGRESS),
        )
        reason = build.select(build.and_(exact, low), integer(Status.NEGATIVE), reason)
        with build.if_then(build.or_(step_vanishes, hopeless)):
            self.members.finish(lane, reason)

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

    def advance(self, lane: Any) -> None:
        """After an accepted step: the next step size, the next segment at the end of one, or the end of the member."""
        build = self.build
        self.lanes.count_up("steps", lane)
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
        self.members.count_infusions(lane, build.fsub(reached, self.get("t", lane)))
        self.put(reached, "t", lane)
        hopeless = self._is_hopeless(lane)
        with build.if_else(build.fcmp_ordered("==", reached, self.get("end", lane))) as (ended, goes_on):
            with ended:
                self.lanes.count_up("segment", lane)
                more = build.icmp_signed("<", self.get("segment", lane), self.get("segments", lane))
                with build.if_else(more) as (another, last):
                    with another:
                        self.members.begin_segment(lane)
                    with last:
                        self.members.finish(lane, integer(Status.DONE))
            with goes_on, build.if_then(hopeless):
                self.members.finish(lane, integer(Status.NO_PROGRESS))
