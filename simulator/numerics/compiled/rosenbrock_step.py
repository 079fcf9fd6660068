"""One Rosenbrock step of a group of lanes: the functions that a model is compiled to.

Each takes the address of the workspace of a group, whose rows `ProgramLayout.offsets` names. The letters are those
of `rodas5p`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from ...model.expression import TIME
from .. import noise, rodas5p
from ..noise import Level
from ..rodas5p import ALPHA, GROW, SAFETY, SHRINK, STAGES, TAU
from . import vector_math
from .builder import INTEGER, FunctionBuilder, integer
from .codegen import VectorEmitter
from .memory_layout import ProgramLayout

FIRST_CHANGE = 0.3  # the first step changes no state by more than this part of its size, by its derivative there,
FIRST_SHARE = 0.01  # ... and takes at most this part of the segment,
MOST_CANCELLATION = 1e13  # of a pivot, which then has three digits
SMALLEST_STEP = 16 * 2.0**-52  # ... and at least this part of the time, so that it moves the time


class StepFunctions:
    """Writes the functions of a program into `module`, for `lanes` lanes.

    rows_at_once: of which sums are made, where vectors of the processor hold more than one.
    """

    def __init__(self, layout: ProgramLayout, module: ir.Module, lanes: int, rows_at_once: int = 1) -> None:
        self.layout, self.module, self.lanes, self.rows_at_once = layout, module, lanes, rows_at_once
        self.reduced, self.graph, self.at = layout.reduced, layout.reduced.graph, layout.offsets
        self.size = len(self.reduced.species)
        self.prepare = self._prepare()
        self.evaluate = self._evaluate()
        self.begin = self._begin()
        self.factor = self._factor()
        self.add_rhs = self._add_rhs()
        self.solve = self._solve()
        self.attempt = self._attempt()
        self.dense = self._dense()
        self.grid = self._curves("grid", layout.grid)
        self.dense_curves = self._curves("dense_curves", layout.dense_curves)
        if layout.observed:
            self._at_states("observe", [self.reduced.system.names[name] for name in layout.observed])
        if layout.fluxes:
            self._at_states("fluxes", layout.flux_nodes)
        self.watch = self._watch()
        self.accept = self._accept()

    def _code(self, name: str, arguments: int = 1) -> FunctionBuilder:
        return FunctionBuilder(self.module, name, arguments, self.lanes)

    def _reader(self, code: FunctionBuilder, pointer: Any, place: int) -> Callable[[], Any]:
        return lambda: code.load_row(pointer, place)

    def _symbols(self, code: FunctionBuilder, w: Any, states: Any, time: Any) -> dict[int, Callable[[], Any]]:
        """How to load the time, the states, the parameters and the infusions."""
        symbols, rows = self.reduced.system.symbols, (*self.layout.parameters,)
        read = {symbols[TIME]: self._reader(code, time, 0)}
        read |= {symbols[name]: self._reader(code, states, i) for i, name in enumerate(self.reduced.species)}
        nodes = [*(symbols[name] for name in rows), *self.reduced.infusion]
        read |= {node: self._reader(code, w, self.at["parameters"] + i) for i, node in enumerate(nodes)}
        return read

    def _hoisted(self, code: FunctionBuilder, w: Any) -> dict[int, Callable[[], Any]]:
        return {node: self._reader(code, w, self.at["hoisted"] + i) for i, node in enumerate(self.layout.hoisted)}

    def _row(self, code: FunctionBuilder, w: Any, name: str, inner: int = 0) -> Any:
        """The address of a row."""
        return code.address(w, self.at[name] + inner, self.lanes)

    def _prepare(self) -> ir.Function:
        """Computes what depends on parameters alone."""
        code = self._code("prepare")
        [w] = code.arguments
        emitter = VectorEmitter(code, self.graph, self._symbols(code, w, w, w))
        emitter.emit(self.layout.hoisted, lambda i, value: code.store_row(value, w, self.at["hoisted"] + i))
        code.build.ret_void()
        return code.function

    def _evaluate(self) -> ir.Function:
        """Computes right-hand side, time derivative and Jacobian at the start of a step."""
        code = self._code("evaluate")
        [w] = code.arguments
        states, time = self._row(code, w, "y"), self._row(code, w, "t")
        emitter = VectorEmitter(code, self.graph, self._symbols(code, w, states, time) | self._hoisted(code, w))
        offsets = [self.at["right"] + i for i in range(self.size)]
        nodes = list(self.reduced.equations.rhs)
        if self.reduced.equations.time_derivative:
            nodes += self.reduced.equations.time_derivative
            offsets += [self.at["by_time"] + i for i in range(self.size)]
        nodes += self.reduced.equations.jacobian.values()
        offsets += [self.at["jacobian"] + i for i in range(len(self.reduced.equations.jacobian))]
        emitter.emit(nodes, lambda i, value: code.store_row(value, w, offsets[i]))
        code.build.ret_void()
        return code.function

    def _begin(self) -> ir.Function:
        """Finds the length of the first step of a segment in the lanes where h is 0.

        As Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4, where f tells how fast
        the states move: `evaluate` comes before. The error estimate does not see a step that is much too long, since
        an L-stable method damps decay and explosion alike.
        """
        code = self._code("begin")
        [w] = code.arguments
        build, at = code.build, self.at
        fastest = [code.constant(0.0)]
        with code.folded_rows(w, self.size, fastest) as (state_row, before):
            size = build.fadd(code.fabs(code.load_row(state_row, at["y"])), code.load_row(state_row, at["sizes"]))
            share = build.fdiv(code.fabs(code.load_row(state_row, at["right"])), size)
            before[0] = build.select(build.fcmp_ordered(">", share, before[0]), share, before[0])
        h, t = code.load_row(w, at["h"]), code.load_row(w, at["t"])
        longest = build.fmul(build.fsub(code.load_row(w, at["end"]), t), code.constant(FIRST_SHARE))
        found = build.fdiv(code.constant(FIRST_CHANGE), fastest[0])
        found = build.select(build.fcmp_ordered("<", found, longest), found, longest)
        shortest = build.fmul(code.fabs(t), code.constant(SMALLEST_STEP))
        found = build.select(build.fcmp_ordered(">", found, shortest), found, shortest)
        is_new = build.fcmp_ordered("==", h, code.constant(0.0))
        code.store_row(build.select(is_new, found, h), w, at["h"])
        build.ret_void()
        return code.function

    def _factor(self) -> ir.Function:
        """Factorizes I / (h gamma) - J, and fills the row `growing`."""
        code = self._code("factor")
        [w] = code.arguments
        entries, factors = self.layout.entries.values(), self.layout.lu.factors
        read = {node: self._reader(code, w, self.at["jacobian"] + i) for i, node in enumerate(entries)}
        read[self.layout.diagonal] = self._reader(code, w, self.at["diagonal"])
        VectorEmitter(code, self.graph, read).emit(
            list(factors.values()), lambda i, value: code.store_row(value, w, self.at["factors"] + i)
        )
        self._find_growth(code, w)
        code.build.ret_void()
        return code.function

    def _find_growth(self, code: FunctionBuilder, w: Any) -> None:
        """Fills the row `growing`: 1 where the error estimate would not see that the step is too long.

        - A real eigenvalue of J above 1 / (h gamma): the method damps what grows. It turns the sign of the determinant
          of I / (h gamma) - J, which is that of the product of the pivots, in each strongly connected component.
          No stable J does that. States that are zero and stay zero are left out: what they grow to is zero as well.
        - A state below its tolerance that grows by more than exp(noise.LONGEST_GROWTH) by itself.
        - A pivot of which cancellation has left nothing: exchange so fast that what is slow beside it is lost.
        """
        build, at, position = code.build, self.at, {entry: i for i, entry in enumerate(self.layout.lu.factors)}
        entry = {key: at["jacobian"] + i for i, key in enumerate(self.layout.entries)}
        table = self._table(
            "pivots",
            [
                (i, at["factors"] + position[i, i], entry.get((i, i), at["zero"]), -int(i == component[-1]))
                for component in self.layout.components
                for i in component
            ],
        )
        found = [code.constant_bits(0)] * 2  # whether a fault was seen, and the parity of the signs of a component
        diagonal, zero = code.load_row(w, at["diagonal"]), code.constant(0.0)
        limit = build.fmul(diagonal, code.constant(noise.LONGEST_GROWTH * rodas5p.GAMMA))
        with code.folded(len(self.reduced.species), found, "pivot") as (i, before):
            row = code.address(table, i, 4)
            state_row, factor_row, own_row, last = (code.load_scalar(row, place, INTEGER) for place in range(4))
            y, right = (code.load_row(self._row(code, w, name), state_row) for name in ("y", "right"))
            inverse, own = code.load_row(w, factor_row), code.load_row(w, own_row)
            # The sign of the pivot, of states that move
            moves = build.or_(build.fcmp_unordered("!=", y, zero), build.fcmp_unordered("!=", right, zero))
            sign = build.select(moves, build.bitcast(inverse, code.bits), code.constant_bits(0))
            total, ends = build.xor(before[1], sign), code.spread(last)
            before[1] = build.and_(total, build.not_(ends))
            # Growth below the tolerance, and cancellation
            is_small = build.fcmp_ordered("<", code.fabs(y), code.load_row(self._row(code, w, "atol"), state_row))
            grows = build.and_(build.fcmp_ordered("!=", y, zero), build.fcmp_ordered(">", own, limit))
            summed = build.fadd(diagonal, code.fabs(own))
            lost = build.fcmp_ordered(">", build.fmul(code.fabs(inverse), summed), code.constant(MOST_CANCELLATION))
            wrong = build.sext(build.or_(build.and_(is_small, grows), lost), code.bits)
            seen = build.or_(wrong, build.and_(total, ends))
            before[0] = build.or_(before[0], seen)
        negative = build.icmp_signed("<", found[0], code.constant_bits(0))
        code.store_row(build.select(negative, code.constant(1.0), zero), w, at["growing"])

    def _table(self, name: str, rows: Sequence[tuple[int, ...]]) -> Any:
        """The address of integers that are known when the program is written, row after row."""
        numbers = [integer(each) for row in rows for each in row]
        table = ir.GlobalVariable(self.module, ir.ArrayType(INTEGER, len(numbers)), name)
        table.initializer, table.global_constant = ir.Constant(table.value_type, numbers), True
        return table

    def _add_rhs(self) -> ir.Function:
        """(w, states, time, out): adds the right-hand side of the equations to out."""
        code = self._code("add_rhs", 4)
        w, states, time, out = code.arguments
        emitter = VectorEmitter(code, self.graph, self._symbols(code, w, states, time) | self._hoisted(code, w))

        def add(i: int, value: Any) -> None:
            code.store_row(code.build.fadd(code.load_row(out, i), value), out, i)

        emitter.emit(list(self.reduced.equations.rhs), add)
        code.build.ret_void()
        return code.function

    def _solve(self) -> ir.Function:
        """(w, right, x): solves (I / (h gamma) - J) x = right."""
        code = self._code("solve", 3)
        w, right, x = code.arguments
        graph, lu = self.graph, self.layout.lu
        known = {entry: graph.symbol(f"factor {entry}") for entry in lu.factors}
        rights = [graph.symbol(f"right {i}") for i in range(self.size)]
        read = {node: self._reader(code, w, self.at["factors"] + i) for i, node in enumerate(known.values())}
        read |= {node: self._reader(code, right, i) for i, node in enumerate(rights)}
        VectorEmitter(code, graph, read).emit(lu.solution(known, rights), lambda i, value: code.store_row(value, x, i))
        code.build.ret_void()
        return code.function

    def _attempt(self) -> ir.Function:
        """Tries a step of length h from y after `evaluate`: fills the rows new, error, negative, growing and factor."""
        code = self._code("attempt")
        [w] = code.arguments
        build, at, size = code.build, self.at, self.size
        h, t = code.load_row(w, at["h"]), code.load_row(w, at["t"])
        per_h = build.fdiv(code.constant(1.0), h)
        code.store_row(build.fdiv(per_h, code.constant(rodas5p.GAMMA)), w, at["diagonal"])
        build.call(self.factor, [w])
        # Each stage: its state, the right-hand side there, and the linear system
        stage, right = self._row(code, w, "stage"), self._row(code, w, "right")
        for i in range(STAGES):
            self._before_stage(code, w, i, per_h, build.fmul(h, code.constant(TAU[i])))
            if i:
                code.store_row(code.fma(h, code.constant(ALPHA[i]), t), w, at["t_stage"])
                build.call(self.add_rhs, [w, stage, self._row(code, w, "t_stage"), right])
            build.call(self.solve, [w, right, self._row(code, w, "u", i * size)])
        self._estimate_error(code, w)
        code.build.ret_void()
        return code.function

    def _before_stage(self, code: FunctionBuilder, w: Any, i: int, per_h: Any, h_tau: Any) -> None:
        """Fills the rows stage, y + sum_j a_ij u_j, and right, what the right-hand side there is added to.

        Both sums are made in one pass, since the rows u are more than the nearest cache holds.
        """
        by_time = self.reduced.equations.time_derivative is not None
        if not i and not by_time:
            return
        whole = self.size // self.rows_at_once
        self._sum_rows(code.of_rows(self.rows_at_once), w, i, whole, per_h, h_tau)
        if rest := self.size % self.rows_at_once:
            self._sum_rows(code, code.address(w, self.size - rest, self.lanes), i, rest, per_h, h_tau)

    def _sum_rows(self, code: FunctionBuilder, first: Any, i: int, count: int, per_h: Any, h_tau: Any) -> None:
        """The sums of `_before_stage` of `count` rows, or as many times the rows of a vector, from `first` on."""
        a, base = self._row_of_a(i)
        per_h, h_tau = (code.of_each_row(each) for each in (per_h, h_tau))
        with code.rows(first, count) as state_row:
            value = code.load_row(state_row, self.at["right"])  # of stage 0: the right-hand side at y
            if i:
                u = [code.load_row(state_row, self.at["u"] + j * self.size) for j in range(i)]
                terms = [(factor, each) for factor, each in zip(a, u, strict=True) if factor]
                state = code.weighted_sum(terms, code.load_row(state_row, self.at[base]))
                code.store_row(state, state_row, self.at["stage"])
                past = code.build.fmul(code.constant(rodas5p.C[i][0]), u[0])
                past = code.weighted_sum(list(zip(rodas5p.C[i][1:], u[1:], strict=True)), past)
                value = code.build.fmul(past, per_h)
            if self.reduced.equations.time_derivative is not None:
                value = code.fma(h_tau, code.load_row(state_row, self.at["by_time"]), value)
            code.store_row(value, state_row, self.at["right"])

    def _row_of_a(self, i: int) -> tuple[Sequence[float], str]:
        """Row i of A and the rows that its sum is added to: a row that continues the one before it adds its last term
        only."""
        row, before = rodas5p.A[i], rodas5p.A[i - 1] if i else ()
        if i > 1 and row[:-1] == before and row[-1] == 1.0:
            return (*[0.0] * (i - 1), 1.0), "stage"
        return row, "y"

    def _estimate_error(self, code: FunctionBuilder, w: Any) -> None:
        """Fills three rows. error: the largest of all states in terms of its tolerance, NaN where one is not finite.
        negative: 1 where a state is below its lower bound. factor: by which the next step may be longer.

        An amount that rounding takes below zero, by no more than its tolerance, becomes a small positive number: so
        its growth later on is seen, and no noise grows below zero. In as many steps as a member may take this adds no
        more than BELOW_ZERO of the scale of the species.
        """
        build, at = code.build, self.at
        found = [code.constant(0.0)] * 3  # error, what is not finite, negative
        rtol = code.load_row(w, at["rtol"])
        with code.folded_rows(w, self.size, found) as (state_row, worst):
            old, estimate = (code.load_row(state_row, place) for place in (at["y"], at["u"] + (STAGES - 1) * self.size))
            new = build.fadd(code.load_row(state_row, at["stage"]), estimate)  # M continues the last row of A
            a, b = code.fabs(old), code.fabs(new)
            size = build.select(build.fcmp_ordered(">", b, a), b, a)
            atol = code.load_row(state_row, at["atol"])
            tolerance = code.fma(rtol, size, atol)
            share = build.fdiv(code.fabs(estimate), tolerance)
            worst[0] = build.select(build.fcmp_ordered(">", share, worst[0]), share, worst[0])
            worst[1] = code.fma(build.fadd(share, new), code.constant(0.0), worst[1])
            bound = code.load_row(state_row, at["lower_bounds"])
            below = build.and_(
                build.fcmp_ordered("<", new, code.constant(noise.SMALLEST)),
                build.and_(
                    build.fcmp_ordered(">=", new, build.fneg(tolerance)),
                    build.fcmp_ordered(">", bound, code.constant(-math.inf)),
                ),
            )
            left = build.fmul(build.select(build.fcmp_ordered("<", a, atol), a, atol), code.constant(noise.LEFT_OVER))
            left = vector_math.largest(code, left, code.constant(noise.SMALLEST))
            is_zero = build.fcmp_ordered("==", old, code.constant(0.0))
            left = build.select(is_zero, vector_math.largest(code, new, code.constant(0.0)), left)
            code.store_row(build.select(below, left, new), state_row, at["new"])
            worst[2] = build.select(build.fcmp_ordered("<", new, bound), code.constant(1.0), worst[2])
        error = build.fadd(found[0], found[1])
        code.store_row(error, w, at["error"])
        code.store_row(found[2], w, at["negative"])
        root = build.fmul(vector_math.log(code, error), code.constant(-1.0 / rodas5p.ORDER))
        factor = build.fmul(vector_math.exp(code, root), code.constant(SAFETY))
        factor = build.select(build.fcmp_ordered("<", factor, code.constant(GROW)), factor, code.constant(GROW))
        factor = build.select(build.fcmp_ordered(">", factor, code.constant(SHRINK)), factor, code.constant(SHRINK))
        is_number = build.fcmp_ordered("ord", error, error)
        code.store_row(build.select(is_number, factor, code.constant(SHRINK)), w, at["factor"])

    def _dense(self) -> ir.Function:
        """Computes the coefficients d of the dense output, of the species that are recorded."""
        code = self._code("dense")
        [w] = code.arguments
        build, recorded = code.build, self.layout.recorded_species
        if recorded:
            table = self._table("recorded", [(i,) for i in recorded])
            with code.loop(len(recorded)) as i:
                state_row, target = (
                    code.address(w, code.load_scalar(table, i, INTEGER), self.lanes),
                    code.address(w, i, self.lanes),
                )
                u = [code.load_row(state_row, self.at["u"] + j * self.size) for j in range(STAGES)]
                for row, factors in enumerate(rodas5p.H):
                    value = build.fmul(code.constant(factors[0]), u[0])
                    value = code.weighted_sum(list(zip(factors[1:], u[1:], strict=True)), value)
                    code.store_row(value, target, self.at["dense"] + row * len(recorded))
        build.ret_void()
        return code.function

    def _curves(self, name: str, curves: Sequence[str]) -> ir.Function:
        """Computes `curves` at the fraction s of the step, in the rows out."""
        code = self._code(name)
        [w] = code.arguments
        build, at, recorded = code.build, self.at, self.layout.recorded_species
        symbols, states = self.reduced.system.symbols, self._row(code, w, "y")
        s = code.load_row(w, at["s"])
        left = build.fsub(code.constant(1.0), s)

        def between(i: int) -> Callable[[], Any]:
            def load() -> Any:
                d = [code.load_row(w, at["dense"] + row * len(recorded) + i) for row in range(len(rodas5p.H))]
                inner = d[-1]
                for each in reversed(d[:-1]):
                    inner = code.fma(s, inner, each)
                inner = code.fma(left, inner, code.load_row(w, at["new"] + recorded[i]))
                return code.fma(left, code.load_row(w, at["y"] + recorded[i]), build.fmul(s, inner))

            return load

        read = self._symbols(code, w, states, w) | self._hoisted(code, w)
        read |= {symbols[self.reduced.species[k]]: between(i) for i, k in enumerate(recorded)}
        read[symbols[TIME]] = lambda: code.fma(s, code.load_row(w, at["h"]), code.load_row(w, at["t"]))
        nodes = [self.reduced.system.names[curve] for curve in curves]
        VectorEmitter(code, self.graph, read).emit(nodes, lambda i, value: code.store_row(value, w, at["out"] + i))
        build.ret_void()
        return code.function

    def _at_states(self, name: str, nodes: Sequence[int]) -> None:
        """`name`(w, states, times, out, count): computes `nodes` at `count` points, a multiple of lanes, after
        `prepare`. states: a row of `count` numbers for each species; times: one row; out: a row for each node."""
        code = self._code(name, 5)
        w, states, times, out, number = code.arguments
        build, symbols = code.build, self.reduced.system.symbols
        count = code.load_scalar(number, 0, INTEGER)
        with code.loop(build.sdiv(count, integer(self.lanes)), "block") as block:
            first = build.mul(block, integer(self.lanes))

            def place(pointer: Any, row: int) -> Any:
                return code.address(pointer, build.add(build.mul(count, integer(row)), first))

            def reader(pointer: Any, row: int) -> Callable[[], Any]:
                return lambda: build.load(place(pointer, row), typ=code.vector, align=8)

            read = self._symbols(code, w, w, w) | self._hoisted(code, w)
            read |= {symbols[name]: reader(states, i) for i, name in enumerate(self.reduced.species)}
            read[symbols[TIME]] = reader(times, 0)
            VectorEmitter(code, self.graph, read).emit(
                nodes, lambda i, value: build.store(value, place(out, i), align=8)
            )
        build.ret_void()

    def jacobian_rows(self) -> Any:
        """The address of (first entry, number of entries) of each row of the Jacobian."""
        return self.module.globals["jacobian_rows"]

    def jacobian_columns(self) -> Any:
        """The address of the column of each entry of the Jacobian."""
        return self.module.globals["jacobian_columns"]

    def _watch(self) -> ir.Function:
        """Follows the states that fall below their noise, as `noise.Watch`: fills the row `rising` with 1 where one
        rises again, which the caller has to judge."""
        entries = list(self.layout.entries)
        rows = [[i for i, (row, _) in enumerate(entries) if row == k] for k in range(self.size)]
        self._table("jacobian_rows", [(min(places, default=0), len(places)) for places in rows])
        self._table("jacobian_columns", [(column,) for _, column in entries] or [(0,)])
        code = self._code("watch")
        [w] = code.arguments
        build, at = code.build, self.at
        flags = build.load(code.address(w, at["accepted"], self.lanes), typ=code.bits, align=8 * self.lanes)
        accepted = build.icmp_signed("!=", flags, code.constant_bits(0))
        rising = [code.constant(0.0)]
        with code.folded_rows(w, self.size, rising) as (state_row, before):
            new, atol, level = (code.load_row(state_row, at[name]) for name in ("new", "atol", "levels"))
            counts = build.fcmp_ordered(">", code.load_row(state_row, at["lower_bounds"]), code.constant(-math.inf))
            counts = build.and_(counts, accepted)
            is_noise = build.fcmp_ordered("==", level, code.constant(Level.NOISE))
            below = build.fcmp_ordered("<", new, atol)
            above = build.fcmp_ordered(">", new, build.fmul(atol, code.constant(noise.CLEARLY_ABOVE)))
            falls = build.and_(below, build.fcmp_ordered("==", level, code.constant(Level.ABOVE)))
            stays_above = build.and_(above, build.fcmp_ordered("==", level, code.constant(Level.UNKNOWN)))
            following = build.select(falls, code.constant(Level.NOISE), level)
            following = build.select(stays_above, code.constant(Level.ABOVE), following)
            code.store_row(build.select(counts, following, level), state_row, at["levels"])
            rises = build.and_(build.and_(counts, is_noise), above)
            before[0] = build.select(rises, code.constant(1.0), before[0])
        code.store_row(rising[0], w, at["rising"])
        build.ret_void()
        return code.function

    def _accept(self) -> ir.Function:
        """Copies new to y in the lanes whose step was accepted (`accepted` is not 0)."""
        code = self._code("accept")
        [w] = code.arguments
        build, at = code.build, self.at
        flags = build.load(code.address(w, at["accepted"], self.lanes), typ=code.bits, align=8 * self.lanes)
        accepted = build.icmp_signed("!=", flags, code.constant_bits(0))
        with code.rows(w, self.size) as state_row:
            moved = build.select(accepted, code.load_row(state_row, at["new"]), code.load_row(state_row, at["y"]))
            code.store_row(moved, state_row, at["y"])
        build.ret_void()
        return code.function
