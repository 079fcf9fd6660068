"""One step of a group of lanes: the functions that a model becomes.

Each takes the workspace of a group. The letters are those of `rodas5p`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from ...model.expression import TIME
from .. import rodas5p
from ..rodas5p import ALPHA, GROW, SAFETY, SHRINK, STAGES, TAU
from . import vector_math
from .builder import WHOLE, Code, whole
from .codegen import Arithmetic
from .memory_layout import Plan


class Kernel:
    """Writes the functions of `plan` into `module`, for `lanes` lanes."""

    def __init__(self, plan: Plan, module: ir.Module, lanes: int) -> None:
        self.plan, self.module, self.lanes = plan, module, lanes
        self.reduced, self.graph, self.at = plan.reduced, plan.reduced.graph, plan.places
        self.size = len(self.reduced.species)
        self.prepare = self._prepare()
        self.begin = self._begin()
        self.factor = self._factor()
        self.slopes = self._slopes()
        self.solve = self._solve()
        self.attempt = self._attempt()
        self.dense = self._dense()
        self.grid = self._curves("grid", plan.grid)
        self.dense_curves = self._curves("dense_curves", plan.dense_curves)
        self.move = self._move()

    def _code(self, name: str, arguments: int = 1) -> Code:
        return Code(self.module, name, arguments, self.lanes)

    def _reader(self, code: Code, pointer: Any, place: int) -> Callable[[], Any]:
        return lambda: code.row(pointer, place)

    def _symbols(self, code: Code, w: Any, states: Any, time: Any) -> dict[int, Callable[[], Any]]:
        """How to load the time, the states, the parameters and what was computed of them."""
        symbols, rows = self.reduced.system.symbols, (*self.plan.parameters,)
        read = {symbols[TIME]: self._reader(code, time, 0)}
        read |= {symbols[name]: self._reader(code, states, i) for i, name in enumerate(self.reduced.species)}
        nodes = [*(symbols[name] for name in rows), *self.reduced.infusion]
        read |= {node: self._reader(code, w, self.at["parameters"] + i) for i, node in enumerate(nodes)}
        return read

    def _hoisted(self, code: Code, w: Any) -> dict[int, Callable[[], Any]]:
        return {node: self._reader(code, w, self.at["hoisted"] + i) for i, node in enumerate(self.plan.hoisted)}

    def _row(self, code: Code, w: Any, name: str, inner: int = 0) -> Any:
        """The address of a row."""
        return code.address(w, self.at[name] + inner, self.lanes)

    def _prepare(self) -> ir.Function:
        """What depends on parameters alone."""
        code = self._code("prepare")
        [w] = code.arguments
        arithmetic = Arithmetic(code, self.graph, self._symbols(code, w, w, w))
        arithmetic.write(self.plan.hoisted, lambda i, value: code.put_row(value, w, self.at["hoisted"] + i))
        code.build.ret_void()
        return code.function

    def _begin(self) -> ir.Function:
        """Slopes, their slopes in time, and the Jacobian at the start of a step."""
        code = self._code("begin")
        [w] = code.arguments
        states, time = self._row(code, w, "y"), self._row(code, w, "t")
        arithmetic = Arithmetic(code, self.graph, self._symbols(code, w, states, time) | self._hoisted(code, w))
        places = [self.at["right"] + i for i in range(self.size)]
        nodes = list(self.reduced.slopes)
        if self.reduced.by_time:
            nodes += self.reduced.by_time
            places += [self.at["by_time"] + i for i in range(self.size)]
        nodes += self.reduced.jacobian.values()
        places += [self.at["jacobian"] + i for i in range(len(self.reduced.jacobian))]
        arithmetic.write(nodes, lambda i, value: code.put_row(value, w, places[i]))
        code.build.ret_void()
        return code.function

    def _factor(self) -> ir.Function:
        code = self._code("factor")
        [w] = code.arguments
        entries, factors = self.plan.entries.values(), self.plan.elimination.factors
        read = {node: self._reader(code, w, self.at["jacobian"] + i) for i, node in enumerate(entries)}
        read[self.plan.diagonal] = self._reader(code, w, self.at["diagonal"])
        Arithmetic(code, self.graph, read).write(
            list(factors.values()), lambda i, value: code.put_row(value, w, self.at["factors"] + i)
        )
        code.build.ret_void()
        return code.function

    def _slopes(self) -> ir.Function:
        """(w, states, time, out): the right side of the equations."""
        code = self._code("slopes", 4)
        w, states, time, out = code.arguments
        arithmetic = Arithmetic(code, self.graph, self._symbols(code, w, states, time) | self._hoisted(code, w))
        arithmetic.write(list(self.reduced.slopes), lambda i, value: code.put_row(value, out, i))
        code.build.ret_void()
        return code.function

    def _solve(self) -> ir.Function:
        """(w, right, x): the solution of (I / (h gamma) - J) x = right."""
        code = self._code("solve", 3)
        w, right, x = code.arguments
        graph, elimination = self.graph, self.plan.elimination
        known = {entry: graph.symbol(f"factor {entry}") for entry in elimination.factors}
        rights = [graph.symbol(f"right {i}") for i in range(self.size)]
        read = {node: self._reader(code, w, self.at["factors"] + i) for i, node in enumerate(known.values())}
        read |= {node: self._reader(code, right, i) for i, node in enumerate(rights)}
        Arithmetic(code, graph, read).write(
            elimination.solution(known, rights), lambda i, value: code.put_row(value, x, i)
        )
        code.build.ret_void()
        return code.function

    def _attempt(self) -> ir.Function:
        """A step of length h from y: the rows new, error, low and factor."""
        code = self._code("attempt")
        [w] = code.arguments
        build, at, size = code.build, self.at, self.size
        h, t = code.row(w, at["h"]), code.row(w, at["t"])
        per_h = build.fdiv(code.all(1.0), h)
        code.put_row(build.fdiv(per_h, code.all(rodas5p.GAMMA)), w, at["diagonal"])
        build.call(self.begin, [w])
        build.call(self.factor, [w])
        stage, right = self._row(code, w, "stage"), self._row(code, w, "right")
        for i in range(STAGES):
            if i:
                self._state_of_stage(code, w, i, at["stage"])
                code.put_row(code.fma(h, code.all(ALPHA[i]), t), w, at["t_stage"])
                build.call(self.slopes, [w, stage, self._row(code, w, "t_stage"), right])
            if i or self.reduced.by_time:
                slant = build.fmul(h, code.all(TAU[i]))
                with code.rows(w, size) as here:
                    value = code.row(here, at["right"])
                    if i:
                        past = code.sum_of(self._terms(code, here, rodas5p.C[i]), code.all(0.0))
                        value = code.fma(past, per_h, value)
                    if self.reduced.by_time:
                        value = code.fma(slant, code.row(here, at["by_time"]), value)
                    code.put_row(value, here, at["right"])
            build.call(self.solve, [w, right, self._row(code, w, "u", i * size)])
        self._state_of_stage(code, w, STAGES, at["new"])
        self._judge(code, w)
        code.build.ret_void()
        return code.function

    def _terms(self, code: Code, here: Any, factors: Sequence[float]) -> list[tuple[float, Any]]:
        """(factor, u_j of the state whose row is `here`) of the stages whose factor is not zero."""
        return [(float(x), code.row(here, self.at["u"] + j * self.size)) for j, x in enumerate(factors) if x]

    def _state_of_stage(self, code: Code, w: Any, i: int, target: int) -> None:
        """y + sum_j a_ij u_j. A row of A that continues the one before it adds its last term only."""
        rows = [*rodas5p.A, rodas5p.M]
        row, before = list(rows[i]), list(rows[i - 1])
        continues = i > 1 and row[:-1] == before and row[-1] == 1.0
        base, terms = (self.at["stage"], [0.0] * (i - 1) + [1.0]) if continues else (self.at["y"], row)
        with code.rows(w, self.size) as here:
            code.put_row(code.sum_of(self._terms(code, here, terms), code.row(here, base)), here, target)

    def _judge(self, code: Code, w: Any) -> None:
        """error: the largest of all states in terms of its tolerance, NaN where one is not finite.
        low: 1 where a state is below its lowest. factor: by which the step may change."""
        build, at = code.build, self.at
        error, spoiled, low = (code.build.alloca(code.vector, name=name) for name in ("error", "spoiled", "low"))
        for cell in (error, spoiled, low):
            build.store(code.all(0.0), cell)
        rtol = code.row(w, at["rtol"])
        with code.rows(w, self.size) as here:
            old, new = (code.row(here, at[name]) for name in ("y", "new"))
            estimate = code.sum_of(self._terms(code, here, rodas5p.E), code.all(0.0))
            a, b = code.magnitude(old), code.magnitude(new)
            size = build.select(build.fcmp_ordered(">", b, a), b, a)
            tolerance = code.fma(rtol, size, code.row(here, at["atol"]))
            share = build.fdiv(code.magnitude(estimate), tolerance)
            worst = build.load(error, typ=code.vector)
            build.store(build.select(build.fcmp_ordered(">", share, worst), share, worst), error)
            noise = code.fma(build.fadd(share, new), code.all(0.0), build.load(spoiled, typ=code.vector))
            build.store(noise, spoiled)
            lowest = code.row(here, at["lowest"])
            under = build.select(build.fcmp_ordered("<", new, lowest), code.all(1.0), build.load(low, typ=code.vector))
            build.store(under, low)
        worst = build.fadd(build.load(error, typ=code.vector), build.load(spoiled, typ=code.vector))
        code.put_row(worst, w, at["error"])
        code.put_row(build.load(low, typ=code.vector), w, at["low"])
        root = build.fmul(vector_math.log(code, worst), code.all(-1.0 / rodas5p.ORDER))
        factor = build.fmul(vector_math.exp(code, root), code.all(SAFETY))
        factor = build.select(build.fcmp_ordered("<", factor, code.all(GROW)), factor, code.all(GROW))
        factor = build.select(build.fcmp_ordered(">", factor, code.all(SHRINK)), factor, code.all(SHRINK))
        is_number = build.fcmp_ordered("ord", worst, worst)
        code.put_row(build.select(is_number, factor, code.all(SHRINK)), w, at["factor"])

    def _dense(self) -> ir.Function:
        """The rows d of the species that are recorded."""
        code = self._code("dense")
        [w] = code.arguments
        build, recorded = code.build, self.plan.recorded
        if recorded:
            table = ir.Constant(ir.ArrayType(WHOLE, len(recorded)), [whole(i) for i in recorded])
            places = ir.GlobalVariable(self.module, table.type, "recorded")
            places.initializer, places.global_constant = table, True
            with code.loop(len(recorded)) as i:
                here, there = code.address(w, code.cell(places, i, WHOLE), self.lanes), code.address(w, i, self.lanes)
                for row, factors in enumerate(rodas5p.H):
                    value = code.sum_of(self._terms(code, here, factors), code.all(0.0))
                    code.put_row(value, there, self.at["dense"] + row * len(recorded))
        build.ret_void()
        return code.function

    def _curves(self, name: str, curves: Sequence[str]) -> ir.Function:
        """Values of `curves` at the fraction s of the step, in the rows out."""
        code = self._code(name)
        [w] = code.arguments
        build, at, recorded = code.build, self.at, self.plan.recorded
        symbols, states = self.reduced.system.symbols, self._row(code, w, "y")
        s = code.row(w, at["s"])
        left = build.fsub(code.all(1.0), s)

        def between(i: int) -> Callable[[], Any]:
            def load() -> Any:
                d = [code.row(w, at["dense"] + row * len(recorded) + i) for row in range(len(rodas5p.H))]
                inner = d[-1]
                for each in reversed(d[:-1]):
                    inner = code.fma(s, inner, each)
                inner = code.fma(left, inner, code.row(w, at["new"] + recorded[i]))
                return code.fma(left, code.row(w, at["y"] + recorded[i]), build.fmul(s, inner))

            return load

        read = self._symbols(code, w, states, w) | self._hoisted(code, w)
        read |= {symbols[self.reduced.species[k]]: between(i) for i, k in enumerate(recorded)}
        read[symbols[TIME]] = lambda: code.fma(s, code.row(w, at["h"]), code.row(w, at["t"]))
        nodes = [self.reduced.system.names[curve] for curve in curves]
        Arithmetic(code, self.graph, read).write(nodes, lambda i, value: code.put_row(value, w, at["out"] + i))
        build.ret_void()
        return code.function

    def _move(self) -> ir.Function:
        """y becomes new in the lanes whose step was accepted (`passed` is not 0)."""
        code = self._code("move")
        [w] = code.arguments
        build, at = code.build, self.at
        passed = build.load(code.address(w, at["passed"], self.lanes), typ=code.bits, align=8 * self.lanes)
        accepted = build.icmp_signed("!=", passed, code.all_bits(0))
        with code.rows(w, self.size) as here:
            moved = build.select(accepted, code.row(here, at["new"]), code.row(here, at["y"]))
            code.put_row(moved, here, at["y"])
        build.ret_void()
        return code.function
