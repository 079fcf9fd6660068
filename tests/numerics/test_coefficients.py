"""The coefficients of Rodas5P against what they promise: order, damping, and an estimate of the error.

The letters are those of Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.7:
theorem 7.3 says that a Rosenbrock method has order p if sum_i b_i Phi_i(t) = 1 / gamma(t) for every
tree t of up to p nodes, where a node with one branch counts beta = alpha + Gamma, and one with more alpha.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import pytest
from immunesim.numerics import rodas5p, rosenbrock
from immunesim.numerics.trajectory import Array

Tree = tuple["Tree", ...]  # the branches at the root


def trees(nodes: int) -> list[Tree]:
    """Every rooted tree of so many nodes."""

    def forests(left: int, largest: int) -> Iterator[Tree]:
        if left == 0:
            yield ()
        for size in range(min(left, largest), 0, -1):
            for count in range(left // size, 0, -1):
                for some in combinations_with_replacement(trees(size), count):
                    for others in forests(left - size * count, size - 1):
                        yield some + others

    return list(forests(nodes - 1, nodes - 1))


def size(tree: Tree) -> int:
    return 1 + sum(map(size, tree))


def density(tree: Tree) -> int:
    """gamma(t)"""
    return size(tree) * math.prod(map(density, tree))


class Method(NamedTuple):
    """Coefficients in the letters of `rodas5p`: A and C shape (stages, stages), M and E (stages,), H (3, stages)."""

    gamma: float
    a: Array
    c: Array
    m: Array
    e: Array
    h: Array

    @property
    def lower(self) -> Array:
        """Gamma, the inverse of I / gamma - C."""
        return np.linalg.inv(np.eye(len(self.m)) / self.gamma - self.c)

    def misses(self, weights: Array, nodes: int, s: float = 1.0) -> float:
        """How far `weights`, shape (stages,), are from the conditions of all trees of so many nodes, at a fraction s
        of the step; relative to the terms of each sum, which is what rounding is relative to."""
        lower = self.lower
        alpha = self.a @ lower
        beta = alpha + lower
        b = weights @ lower

        def inner(tree: Tree) -> Array:
            matrix = beta if len(tree) == 1 else alpha
            return math.prod((matrix @ inner(branch) for branch in tree), start=np.ones(len(b)))

        return max(
            abs(float(b @ inner(tree)) - s**nodes / density(tree)) / float(np.abs(b) @ np.abs(inner(tree)) + 1e-3)
            for tree in trees(nodes)
        )

    def between(self, s: float) -> Array:
        """The weights of the u at a fraction s of the step."""
        first, second, third = self.h
        return s * (self.m + (1 - s) * (first + s * (second + s * third)))


OURS = Method(rodas5p.GAMMA, rosenbrock.A, rosenbrock.C, rosenbrock.M, rosenbrock.E, rosenbrock.H)

ROUNDING = 1e-12


def faults(method: Method) -> dict[str, float]:
    """How far each promise is from kept: all but rounding is a wrong coefficient."""
    misses = {f"order {n}": method.misses(method.m, n) for n in range(1, 6)}
    misses.update({f"estimate, order {n}": method.misses(method.m - method.e, n) for n in range(1, 5)})
    for s in (0.2, 0.4, 0.6, 0.8):
        misses.update({f"at {s}, order {n}": method.misses(method.between(s), n, s) for n in range(1, 5)})
    b, beta = method.m @ method.lower, (np.eye(len(method.m)) + method.a) @ method.lower
    misses["at infinity"] = abs(1.0 - b @ np.linalg.solve(beta, np.ones(len(b))))
    misses["stiffly accurate"] = float(np.abs(beta[-1] - b).max())
    return misses


def test_there_are_as_many_trees_as_there_must_be() -> None:
    assert [len(trees(n)) for n in range(1, 8)] == [1, 1, 2, 4, 9, 20, 48]
    assert sorted(map(density, trees(4))) == [4, 8, 12, 24]


def test_the_order_is_five_that_of_the_estimate_four_and_that_between_the_ends_four() -> None:
    assert max(faults(OURS).values()) < ROUNDING
    assert OURS.misses(OURS.m, 6) > 1e-2
    assert OURS.misses(OURS.m - OURS.e, 5) > 1e-2
    assert OURS.misses(OURS.between(0.5), 5, 0.5) > 1e-2


# The last stage is the difference of two values of order 4 or more: how much of it an estimate or a value between the
# ends takes changes no condition up to order 4, and nothing here can find it wrong.
FREE = {("e", (7,)), *(("h", (row, 7)) for row in range(3))}
COEFFICIENTS = [
    (name, place)
    for name, values in OURS._asdict().items()
    for place in np.ndindex(np.shape(values))
    if np.asarray(values)[place] and (name, place) not in FREE
]


@pytest.mark.parametrize(("name", "place"), COEFFICIENTS, ids=lambda part: str(part).replace(" ", ""))
def test_a_coefficient_that_is_wrong_in_its_sixth_digit_is_found(name: str, place: tuple[int, ...]) -> None:
    wrong = np.array(getattr(OURS, name), dtype=float)
    wrong[place] *= 1 + 3e-6
    assert max(faults(OURS._replace(**{name: wrong})).values()) > 100 * ROUNDING


def test_the_estimate_is_the_step_less_what_the_last_stage_starts_from() -> None:
    assert (OURS.m - OURS.e == OURS.a[7]).all()


def test_time_is_taken_as_one_more_state() -> None:
    lower = OURS.lower
    np.testing.assert_allclose(rosenbrock.TAU, lower.sum(axis=1), atol=1e-13)
    np.testing.assert_allclose(rosenbrock.ALPHA, (OURS.a @ lower).sum(axis=1), atol=1e-13)


def test_it_is_l_stable() -> None:
    """All poles are at 1 / gamma > 0, so |R| <= 1 on the imaginary axis is enough, and R vanishes at infinity."""
    b, beta = OURS.m @ OURS.lower, (np.eye(len(OURS.m)) + OURS.a) @ OURS.lower
    np.testing.assert_allclose(np.diag(beta), OURS.gamma, rtol=1e-12)

    def stability(z: complex) -> complex:
        return complex(1 + z * (b @ np.linalg.solve(np.eye(len(b)) - z * beta, np.ones(len(b)))))

    assert abs(stability(-0.1) - math.exp(-0.1)) < 1e-8
    assert max(abs(stability(1j * y)) for y in np.geomspace(1e-3, 1e6, 400)) <= 1 + 1e-12
    assert abs(stability(-1e9)) < 1e-7
