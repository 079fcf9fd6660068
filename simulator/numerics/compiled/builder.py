"""The words machine code is written in: vectors of lanes, rows of a workspace, loops and choices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

DOUBLE, WHOLE, POINTER = ir.DoubleType(), ir.IntType(64), ir.PointerType()


def whole(value: int) -> Any:
    return ir.Constant(WHOLE, value)


def number(value: float) -> Any:
    return ir.Constant(DOUBLE, value)


class Code:
    """A function under construction. A workspace is a list of rows, each of one double per lane;
    a row is named by its place, a number or one computed while running."""

    def __init__(self, module: ir.Module, name: str, arguments: int, lanes: int, result: Any = None) -> None:
        kind = ir.FunctionType(result or ir.VoidType(), [POINTER] * arguments)
        self.function = ir.Function(module, kind, name)
        for argument in self.function.args:
            argument.add_attribute("noalias")
        self.build = ir.IRBuilder(self.function.append_basic_block())
        self.lanes = lanes
        self.vector = ir.VectorType(DOUBLE, lanes)
        self.bits = ir.VectorType(WHOLE, lanes)

    @property
    def arguments(self) -> list[Any]:
        return list(self.function.args)

    # rows and single numbers in memory

    def address(self, pointer: Any, place: Any, size: int = 1) -> Any:
        """Of the double (or word of 8 bytes) number `place * size` after `pointer`."""
        if isinstance(place, int):
            return self.build.gep(pointer, [whole(place * size)], source_etype=DOUBLE)
        return self.build.gep(pointer, [self.build.mul(place, whole(size))], source_etype=DOUBLE)

    def row(self, pointer: Any, place: Any) -> Any:
        return self.build.load(self.address(pointer, place, self.lanes), typ=self.vector, align=8 * self.lanes)

    def put_row(self, value: Any, pointer: Any, place: Any) -> None:
        self.build.store(value, self.address(pointer, place, self.lanes), align=8 * self.lanes)

    def cell(self, pointer: Any, place: Any, kind: Any = DOUBLE) -> Any:
        return self.build.load(self.address(pointer, place), typ=kind, align=8)

    # vectors

    def all(self, value: float) -> Any:
        """The same number in every lane."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def all_bits(self, value: int) -> Any:
        return ir.Constant(self.bits, [value] * self.lanes)

    def spread(self, value: Any) -> Any:
        """A number computed while running, in every lane."""
        first = self.build.insert_element(ir.Constant(self.vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.build.shuffle_vector(first, ir.Constant(self.vector, ir.Undefined), mask)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once; of vectors or single numbers."""
        return self._intrinsic("fma", a, b, c)

    def magnitude(self, a: Any) -> Any:
        return self._intrinsic("fabs", a)

    def _intrinsic(self, name: str, *arguments: Any) -> Any:
        kind, module = arguments[0].type, self.build.module
        name = f"llvm.{name}.{'f64' if kind == DOUBLE else f'v{self.lanes}f64'}"
        if name not in module.globals:
            ir.Function(module, ir.FunctionType(kind, [kind] * len(arguments)), name)
        return self.build.call(module.globals[name], arguments)

    def sum_of(self, terms: list[tuple[float, Any]], start: Any) -> Any:
        """start + sum of number * vector, rounded once a term."""
        for factor, vector in terms:
            start = self.fma(self.all(factor), vector, start)
        return start

    # loops and choices

    @contextmanager
    def loop(self, count: Any, name: str = "i") -> Iterator[Any]:
        """Runs what is written inside for 0, 1, ... count - 1; count is at least 1."""
        before = self.build.block
        body, after = self.function.append_basic_block(name), self.function.append_basic_block(f"{name}.end")
        self.build.branch(body)
        self.build.position_at_end(body)
        place = self.build.phi(WHOLE, name)
        place.add_incoming(whole(0), before)
        yield place
        following = self.build.add(place, whole(1))
        place.add_incoming(following, self.build.block)
        limit = whole(count) if isinstance(count, int) else count
        self.build.cbranch(self.build.icmp_signed("<", following, limit), body, after)
        self.build.position_at_end(after)

    @contextmanager
    def rows(self, pointer: Any, count: int) -> Iterator[Any]:
        """Runs what is written inside `count` times, with the address of row 0, 1, ... after `pointer`: what is
        `n` rows further is then at a distance that is known beforehand."""
        with self.loop(count, "row") as place:
            yield self.address(pointer, place, self.lanes)

    @contextmanager
    def repeat(self, name: str = "repeat") -> Iterator[Any]:
        """Runs what is written inside until `leave` (given) is branched to by `leave_if`."""
        body, after = self.function.append_basic_block(name), self.function.append_basic_block(f"{name}.end")
        self.build.branch(body)
        self.build.position_at_end(body)
        yield after
        self.build.branch(body)
        self.build.position_at_end(after)

    def leave_if(self, condition: Any, target: Any) -> None:
        on = self.function.append_basic_block("on")
        self.build.cbranch(condition, target, on)
        self.build.position_at_end(on)
