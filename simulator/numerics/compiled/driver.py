"""Integrates many members in a group of lanes.

Each lane has a member, a time and a step size of its own. A lane whose step is rejected tries a shorter one while
the others go on; a lane whose member is done takes the next. Nothing that a member computes depends on the lane it
is in, nor on its neighbours.
"""

from __future__ import annotations

from llvmlite import ir

from .builder import INTEGER, FunctionBuilder, double, integer
from .lane_members import LaneMembers
from .lane_noise import LaneNoise
from .lane_recorder import LaneRecorder
from .lanes import Lanes
from .memory_layout import IDLE, ProgramLayout
from .rosenbrock_step import StepFunctions
from .step_control import StepControl


class DriveFunction:
    """Writes the function `drive(arguments)`, which returns the number of steps that the group took."""

    def __init__(self, layout: ProgramLayout, functions: StepFunctions, module: ir.Module, lanes: int) -> None:
        self.layout, self.functions = layout, functions
        self.code = FunctionBuilder(module, "drive", 1, lanes, INTEGER)
        self.build = self.code.build
        self.lanes = Lanes(layout, self.code)
        self.members = LaneMembers(self.lanes)
        self.control = StepControl(self.lanes, self.members)
        self.recorder = LaneRecorder(self.lanes, functions)
        self.noise = LaneNoise(self.lanes, functions)
        self._begin()
        self._steps()
        self._end()

    def _begin(self) -> None:
        """All lanes are idle, and any number will do for a lane that never has a member."""
        code, build, lanes = self.code, self.build, self.lanes
        for cell in (lanes.queue, lanes.busy, lanes.stale):
            build.store(integer(0), cell)
        build.store(lanes.argument["max_steps"], lanes.left)
        for name in ("t", "h", "end"):
            code.store_row(code.constant(1.0), lanes.workspace, lanes.at[name])
        with code.loop(lanes.count, "lane") as lane:
            lanes.put(integer(IDLE), "member", lane)

    def _steps(self) -> None:
        """One step of all lanes after another, until no member waits or the steps of the group are used up."""
        code, build, functions, lanes = self.code, self.build, self.functions, self.lanes
        w = lanes.workspace
        with code.repeat("step") as finished:
            # Fill idle lanes
            with code.loop(lanes.count, "lane") as lane, build.if_then(build.not_(lanes.is_busy(lane))):
                self.members.load_next(lane)
            code.break_if(build.icmp_signed("==", lanes.load(lanes.busy), integer(0)), finished)
            code.break_if(build.icmp_signed("<=", lanes.load(lanes.left), integer(0)), finished)
            build.store(build.sub(lanes.load(lanes.left), integer(1)), lanes.left)
            # Try a step in every lane
            with build.if_then(build.icmp_signed("!=", lanes.load(lanes.stale), integer(0))):
                build.call(functions.prepare, [w])
            build.call(functions.evaluate, [w])
            with build.if_then(build.icmp_signed("!=", lanes.load(lanes.stale), integer(0))):
                build.call(functions.begin, [w])
                build.store(integer(0), lanes.stale)
            with code.loop(lanes.count, "lane") as lane:
                self.control.limit_to_segment(lane)
            build.call(functions.attempt, [w])
            # Accept or reject it
            build.store(integer(0), lanes.pending)
            with code.loop(lanes.count, "lane") as lane:
                lanes.put(integer(0), "accepted", lane)
                with build.if_then(lanes.is_busy(lane)):
                    self.control.judge(lane)
            # Record what was accepted, and move on
            with build.if_then(build.icmp_signed("!=", lanes.load(lanes.pending), integer(0))):
                self._record()
                build.call(functions.accept, [w])
            with code.loop(lanes.count, "lane") as lane, build.if_then(lanes.is_accepted(lane)):
                self.control.advance(lane)

    def _record(self) -> None:
        """Curves of the accepted steps, and what is found of the noise in their states."""
        code, build, functions, lanes, layout = self.code, self.build, self.functions, self.lanes, self.layout
        if layout.grid or layout.dense_curves:
            build.call(functions.dense, [lanes.workspace])
        if layout.dense_curves or layout.follows:
            self.recorder.record_dense()
        if layout.grid:
            self.recorder.record_grid()
        build.call(functions.watch, [lanes.workspace])
        with code.loop(lanes.count, "lane") as lane:
            rises = build.fcmp_ordered("!=", lanes.get("rising", lane), double(0.0))
            with build.if_then(rises):
                self.noise.judge(lane)

    def _end(self) -> None:
        """Saves the members that are under way, and returns the number of steps."""
        build, lanes = self.build, self.lanes
        with self.code.loop(lanes.count, "lane") as lane, build.if_then(lanes.is_busy(lane)):
            self.members.save(lane)
        build.ret(build.sub(lanes.argument["max_steps"], lanes.load(lanes.left)))
