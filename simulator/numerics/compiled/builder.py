"""Building blocks of machine code: vectors of lanes, rows of a workspace, loops and branches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from llvmlite import ir

DOUBLE, INTEGER, POINTER = ir.DoubleType(), ir.IntType(64), ir.PointerType()
WASM = "wasm32"  # the processor of a module's triple


def integer(value: int) -> Any:
    """A 64-bit integer constant."""
    return ir.Constant(INTEGER, value)


def double(value: float) -> Any:
    """A double constant."""
    return ir.Constant(DOUBLE, value)


class FunctionBuilder:
    """An LLVM function under construction.

    A workspace is an array of rows, each of one double per lane. A row has an index, which is an int or an LLVM
    value that is computed while the program runs. "Row" and "scalar" name what is read or written in memory.
    """

    def __init__(self, module: ir.Module, name: str, arguments: int, lanes: int, result: Any = None) -> None:
        kind = ir.FunctionType(result or ir.VoidType(), [POINTER] * arguments)
        self.function = ir.Function(module, kind, name)
        for argument in self.function.args:
            argument.add_attribute("noalias")
        self.build = ir.IRBuilder(self.function.append_basic_block())
        self._never: Any = None  # a block that nothing reaches: see `begin_block`
        self.row = lanes  # numbers in a row
        self._set_lanes(lanes)

    def _set_lanes(self, lanes: int) -> None:
        self.lanes = lanes
        self.vector = ir.VectorType(DOUBLE, lanes)
        self.bits = ir.VectorType(INTEGER, lanes)

    def of_rows(self, count: int) -> FunctionBuilder:
        """The same function, with vectors of so many rows that follow one another."""
        found = copy(self)
        found._set_lanes(self.row * count)
        return found

    @property
    def arguments(self) -> list[Any]:
        """The function's arguments: pointers."""
        return list(self.function.args)

    # rows and single numbers in memory

    def address(self, pointer: Any, index: Any, size: int = 1) -> Any:
        """The address of the double (or 8-byte integer) with the index `index * size` after `pointer`."""
        if isinstance(index, int):
            return self.build.gep(pointer, [integer(index * size)], source_etype=DOUBLE)
        return self.build.gep(pointer, [self.build.mul(index, integer(size))], source_etype=DOUBLE)

    def load_row(self, pointer: Any, index: Any) -> Any:
        """The vector in row `index` after `pointer`."""
        return self.build.load(self.address(pointer, index, self.row), typ=self.vector, align=8 * self.row)

    def store_row(self, value: Any, pointer: Any, index: Any) -> None:
        """Writes a vector to row `index` after `pointer`."""
        self.build.store(value, self.address(pointer, index, self.row), align=8 * self.row)

    def load_scalar(self, pointer: Any, index: Any, kind: Any) -> Any:
        """The double, or value of another 8-byte `kind`, with the index `index` after `pointer`."""
        return self.build.load(self.address(pointer, index), typ=kind, align=8)

    # vectors

    def constant(self, value: float) -> Any:
        """The same number in every lane."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def constant_bits(self, value: int) -> Any:
        """The same 64-bit integer in every lane."""
        return ir.Constant(self.bits, [value] * self.lanes)

    def spread(self, value: Any) -> Any:
        """A number that is computed while the program runs, in every lane."""
        nothing = ir.Constant(ir.VectorType(value.type, self.lanes), ir.Undefined)
        first = self.build.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.build.shuffle_vector(first, nothing, mask)

    def of_each_row(self, value: Any) -> Any:
        """A vector of one row, in each of the rows of a vector here."""
        if value.type == self.vector:
            return value
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [i % self.row for i in range(self.lanes)])
        return self.build.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), mask)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once (twice as WebAssembly, which has no such operation); of vectors or single numbers."""
        if self.build.module.triple.startswith(WASM):
            return self.build.fadd(self.build.fmul(a, b), c)
        return self._intrinsic("fma", a, b, c)

    def fabs(self, a: Any) -> Any:
        """|a|, of a vector or a single number."""
        return self._intrinsic("fabs", a)

    def floor(self, a: Any) -> Any:
        """The largest whole number that is not above a, of a vector or a single number."""
        return self._intrinsic("floor", a)

    def _intrinsic(self, name: str, *arguments: Any) -> Any:
        kind, module = arguments[0].type, self.build.module
        name = f"llvm.{name}.{'f64' if kind == DOUBLE else f'v{self.lanes}f64'}"
        if name not in module.globals:
            ir.Function(module, ir.FunctionType(kind, [kind] * len(arguments)), name)
        return self.build.call(module.globals[name], arguments)

    def weighted_sum(self, terms: list[tuple[float, Any]], start: Any) -> Any:
        """start + sum of number * vector, rounded once a term."""
        for factor, vector in terms:
            start = self.fma(self.constant(factor), vector, start)
        return start

    # loops and branches

    @contextmanager
    def loop(self, count: Any, name: str = "i") -> Iterator[Any]:
        """Runs what is written inside for 0, 1, ... count - 1; count is at least 1."""
        before = self.build.block
        body, after = self.function.append_basic_block(name), self.function.append_basic_block(f"{name}.end")
        self.build.branch(body)
        self.build.position_at_end(body)
        index = self.build.phi(INTEGER, name)
        index.add_incoming(integer(0), before)
        yield index
        following = self.build.add(index, integer(1))
        index.add_incoming(following, self.build.block)
        limit = integer(count) if isinstance(count, int) else count
        self.build.cbranch(self.build.icmp_signed("<", following, limit), body, after)
        self.build.position_at_end(after)

    @contextmanager
    def folded(self, count: Any, start: list[Any], name: str) -> Iterator[tuple[Any, list[Any]]]:
        """As `loop`, with values that go from one round to the next, `start` before the first: what is written inside
        replaces them in the list that this yields. Afterwards the last ones are in `start`. In memory they would make
        each round wait for the one before."""
        before = self.build.block
        with self.loop(count, name) as index:
            carried = [self.build.phi(each.type) for each in start]
            values = list(carried)
            yield index, values
            for phi, first, following in zip(carried, start, values, strict=True):
                phi.add_incoming(first, before)
                phi.add_incoming(following, self.build.block)
        start[:] = values

    @contextmanager
    def folded_rows(self, pointer: Any, count: int, start: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
        """As `rows` and `folded`."""
        with self.folded(count, start, "row") as (index, values):
            yield self.address(pointer, index, self.lanes), values

    @contextmanager
    def rows(self, pointer: Any, count: int) -> Iterator[Any]:
        """Runs what is written inside `count` times, with the address of row 0, 1, ... after `pointer`, or of as many
        rows as vectors have. A row that is `n` rows further is then at a distance known at compile time."""
        with self.loop(count, "row") as index:
            yield self.address(pointer, index, self.lanes)

    @contextmanager
    def repeat(self, name: str) -> Iterator[Any]:
        """Runs what is written inside again and again, until `break_if` branches to the block that this yields."""
        body, after = self.function.append_basic_block(name), self.function.append_basic_block(f"{name}.end")
        self.build.branch(body)
        self.build.position_at_end(body)
        yield after
        self.build.branch(body)
        self.build.position_at_end(after)

    def break_if(self, condition: Any, target: Any) -> None:
        """Branches to the block `target` if `condition` holds."""
        on = self.function.append_basic_block("on")
        self.build.cbranch(condition, target, on)
        self.build.position_at_end(on)

    def begin_block(self) -> None:
        """Goes on in a block of its own. So that LLVM does not join the two again, the first one ends in a branch that
        is never taken: to the function's end if its first argument were no address."""
        if self._never is None:
            self._never = self.function.append_basic_block("never")
            with self.build.goto_block(self._never):
                self.build.ret_void()
        first = self.arguments[0]
        self.break_if(self.build.icmp_unsigned("==", first, ir.Constant(first.type, None)), self._never)
