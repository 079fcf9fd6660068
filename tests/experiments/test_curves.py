"""The mathematics of curves against polynomials that are known, of many members at once."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.experiments import curves
from immunesim.numerics.pieces import PIECE, Pieces, first_not_finite, points_of, refined, segment_starts

FINE = 20_001


def quartics(members: int, seed: int) -> tuple[Pieces, list[list[np.ndarray]]]:
    """Members of one to five pieces, each a random polynomial, and its coefficients in the fraction of the piece."""
    random = np.random.default_rng(seed)
    start, end, values, first, known = [], [], [], [0], []
    for _ in range(members):
        time, own = random.uniform(-2, 2), []
        for _ in range(random.integers(1, 6)):
            coefficients = random.normal(size=5) * 10.0 ** random.integers(-3, 1, 5)
            own.append(coefficients)
            values.append(np.polynomial.polynomial.polyval(np.arange(PIECE + 1) / PIECE, coefficients))
            start.append(time)
            time += random.exponential()
            end.append(time)
        known.append(own)
        first.append(len(start))
    return Pieces(np.array(start), np.array(end), np.array(values).T, np.array(first)), known


PIECES, KNOWN = quartics(200, 1)
S = np.linspace(0, 1, FINE)


def along(member: int) -> tuple[np.ndarray, np.ndarray]:
    """A member at many times."""
    part = range(PIECES.first[member], PIECES.first[member + 1])
    times = [PIECES.start[i] + S * (PIECES.end[i] - PIECES.start[i]) for i in part]
    values = [np.polynomial.polynomial.polyval(S, coefficients) for coefficients in KNOWN[member]]
    return np.concatenate(times), np.concatenate(values)


def test_extremes_are_those_of_the_polynomials() -> None:
    for time, value, sign in ((*curves.peak(PIECES), 1.0), (*curves.trough(PIECES), -1.0)):
        for member in range(len(KNOWN)):
            _, values = along(member)
            best = int((sign * values).argmax())
            span = np.ptp(values)
            assert 0 <= sign * (value[member] - values[best]) < 1e-7 * span
            found = curves.values_at(PIECES, np.full((len(KNOWN), 1), time[member]))[member, 0]
            jumps = np.isclose(PIECES.end[PIECES.first[member] : PIECES.first[member + 1]], time[member]).any()
            assert jumps or found == pytest.approx(value[member], abs=1e-12 * span)


def test_an_area_is_that_of_the_polynomials() -> None:
    for member, area in enumerate(curves.area(PIECES)):
        part = range(PIECES.first[member], PIECES.first[member + 1])
        exact = sum(
            (PIECES.end[i] - PIECES.start[i]) * (coefficients / np.arange(1, 6)).sum()
            for i, coefficients in zip(part, KNOWN[member], strict=True)
        )
        assert area == pytest.approx(exact, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("level", [-0.3, 0.0, 0.05, 0.7])
def test_crossings_are_those_of_the_polynomials(level: float) -> None:
    above, below = curves.time_above(PIECES, level), curves.time_below(PIECES, level)
    first_above, first_below = curves.first_above(PIECES, level), curves.first_below(PIECES, level)
    for member in range(len(KNOWN)):
        times, values = along(member)
        step, span = np.diff(times), times[-1] - times[0]
        middle = (values[1:] + values[:-1]) / 2
        assert above[member] == pytest.approx((step * (middle >= level)).sum(), abs=6 * span / FINE)
        assert above[member] + below[member] == pytest.approx(span, rel=1e-12)
        for found, holds in ((first_above[member], values >= level), (first_below[member], values <= level)):
            if holds.any():
                assert found == pytest.approx(times[holds.argmax()], abs=span / FINE)
            elif not np.isnan(found):  # a touch between two of the points
                touched = curves.values_at(PIECES, np.full((len(KNOWN), 1), found))[member, 0]
                assert touched == pytest.approx(level, abs=1e-6)


def test_a_window_cuts_every_member_and_changes_no_value() -> None:
    start, end = (max(PIECES.start[PIECES.first[:-1]]), min(PIECES.end[PIECES.first[1:] - 1]))
    early = np.flatnonzero(PIECES.end[PIECES.first[1:] - 1] > start + 0.5)
    for member in early[:20]:
        own = slice(PIECES.first[member], PIECES.first[member + 1])
        alone = Pieces(PIECES.start[own], PIECES.end[own], PIECES.values[:, own], np.array([0, own.stop - own.start]))
        a, b = start, start + 0.5
        part = curves.cut(alone, a, b)
        at = np.linspace(a, b, 50)[None, 1:-1]
        np.testing.assert_allclose(curves.values_at(part, at), curves.values_at(alone, at), rtol=1e-9, atol=1e-12)
        assert (part.start[0], part.end[-1]) == (a, b)
    assert len(early) > 5
    assert end < start  # so that no window is in all of them


def test_members_do_not_depend_on_their_neighbours() -> None:
    for member in (0, 7, 199):
        own = slice(PIECES.first[member], PIECES.first[member + 1])
        alone = Pieces(PIECES.start[own], PIECES.end[own], PIECES.values[:, own], np.array([0, own.stop - own.start]))
        for function in (curves.peak, curves.trough, curves.area, curves.mean, curves.final):
            together, single = np.array(function(PIECES)), np.array(function(alone))
            np.testing.assert_array_equal(together[..., member], single[..., 0])


def test_a_jump_separates_segments_and_a_single_point_is_a_piece_of_no_length() -> None:
    times = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0.0, 1, 2, 3, 4, 5, 6, 7, 8])
    members = np.array([0, 10, 19])
    starts = segment_starts(times, members)
    assert starts.tolist() == [0, 9, 10]
    points, first = points_of(starts, len(times), members)
    assert points.T.tolist() == [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8], [9] * 5, [10, 11, 12, 13, 14], [14, 15, 16, 17, 18]]
    assert first.tolist() == [0, 3, 5]


def refined_in_two_steps(function) -> Pieces:
    """The curve from 0 to 1 that the engine would have recorded in two steps."""
    start, end = np.array([0.0, 0.25]), np.array([0.25, 1.0])
    at = start + np.arange(9)[:, None] / 8 * (end - start)
    return refined(
        start,
        end,
        function(at),
        np.array([0, 2]),
        lambda step, s: function(start[step] + s * (end - start)[step])[None],
    )


@pytest.mark.parametrize(
    ("function", "area"),
    [
        (lambda t: np.abs(t - 0.3123), (0.3123**2 + 0.6877**2) / 2),  # a kink
        (lambda t: np.where(t < 0.777, 0.0, 1.0), 0.223),  # a jump
        (lambda t: t**50 / (0.5**50 + t**50), 0.49967),  # steep
        (lambda t: 5 + 1e-9 * t, 5.0),
    ],
)
def test_a_curve_that_its_points_do_not_determine_is_refined(function, area: float) -> None:
    pieces = refined_in_two_steps(function)
    fine = np.linspace(0, 1, 2_000_001)
    exact = np.trapezoid(function(fine), fine) if hasattr(np, "trapezoid") else np.trapz(function(fine), fine)
    assert exact == pytest.approx(area, rel=1e-3)
    assert curves.area(pieces)[0] == pytest.approx(exact, rel=2e-6)
    assert pieces.start[1:].tolist() == pieces.end[:-1].tolist()
    assert len(pieces.start) < 300


def test_noise_is_not_refined_for_ever() -> None:
    random = np.random.default_rng(1)
    pieces = refined(
        np.zeros(1),
        np.ones(1),
        random.normal(size=(9, 1)),
        np.array([0, 1]),
        lambda step, s: random.normal(size=(1, len(s))),
    )
    assert len(pieces.start) < 1_200
    np.testing.assert_allclose(np.diff(pieces.values, 2, axis=0), 0.0, atol=1e-12)  # lines, which go beyond no point


def test_a_share_that_is_constant_but_for_rounding_is_not_refined() -> None:
    steps, random = 100, np.random.default_rng(1)
    start, end = np.arange(steps) * 1.0, np.arange(1, steps + 1) * 1.0

    def share(count: int) -> np.ndarray:
        return 0.05 + random.choice([-1.0, 0.0, 1.0], count) * np.spacing(0.05)

    pieces = refined(
        start,
        end,
        share(9 * steps).reshape(9, steps),
        np.array([0, steps]),
        lambda step, s: share(len(s))[None],
    )
    assert np.ptp(pieces.values) > 0
    assert len(pieces.start) == 2 * steps  # two pieces a step


@pytest.mark.parametrize("power", [1, 2, -0.5])
def test_a_curve_that_goes_through_infinity_is_infinite_there(power: float) -> None:
    def function(t: np.ndarray) -> np.ndarray:
        return np.abs(t - 0.31) ** power if power < 0 else 1 / (t - 0.31) ** power

    pieces = refined_in_two_steps(function)
    assert first_not_finite(pieces)[0] == pytest.approx(0.31, abs=1e-8)


@pytest.mark.parametrize(
    "function",
    [
        lambda t: 1e6 / (1 + ((t - 0.31) * 1e5) ** 2),
        lambda t: np.where(t < 0.31, -1e9, 1.0),
        lambda t: np.where((t > 0.25) & (t < 0.2501), 1e9, 1e-9),
    ],
)
def test_a_narrow_peak_and_a_jump_are_not_infinite(function) -> None:
    at = np.linspace(0, 1, 9)[:, None]
    pieces = refined(np.zeros(1), np.ones(1), function(at), np.array([0, 1]), lambda step, s: function(s)[None])
    assert np.isfinite(pieces.values).all()
