"""States that rise out of the noise of the solver: whether anything but noise feeds them."""

from __future__ import annotations

from typing import Any

from .. import noise
from ..noise import Level
from .builder import DOUBLE, INTEGER, double, integer
from .lanes import Lanes
from .rosenbrock_step import StepFunctions


class LaneNoise:
    """Writes what judges the states of a lane that rise, as `noise.Watch` does for SciPy."""

    def __init__(self, lanes: Lanes, functions: StepFunctions) -> None:
        self.functions, self.code, self.build = functions, lanes.code, lanes.build
        self.get, self.put = lanes.get, lanes.put
        self.size = len(lanes.layout.reduced.species)
        # sums over a row of the Jacobian
        self.from_noise, self.from_others = (
            self.build.alloca(DOUBLE, name=name) for name in ("from_noise", "from_others")
        )

    def judge(self, lane: Any) -> None:
        """Of the states of a lane that rise out of their noise: whether they grow out of it, or are fed by what is no
        noise, perhaps through states that do not yet stand out of theirs.

        `Jacobian * new` gives what other states contribute to a rise.
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
