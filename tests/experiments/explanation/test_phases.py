"""Phases and turning points of curves whose shape is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from immunesim.experiments.explanation.phases import PhaseKind, phases, scaled_to_one, turning_points

T = np.linspace(0, 10, 2001)


def kinds(times, values, breaks=()):
    y, _ = scaled_to_one(values)
    return [(phase.kind, round(float(times[phase.first]), 1), round(float(times[phase.last]), 1)) for phase in
            phases(times, y, breaks)]  # fmt: skip


def test_a_curve_turns_where_it_leaves_a_peak_or_trough_by_more_than_the_least() -> None:
    y = np.sin(T)  # tops at pi/2 and 5/2 pi, a bottom at 3/2 pi
    assert [round(T[i], 1) for i in turning_points(y, 0.1)] == [0, 1.6, 4.7, 7.9, 10]
    assert turning_points(y + 0.01 * np.sin(100 * T), 0.1)[1] == pytest.approx(314, abs=15)
    assert len(turning_points(y + 0.01 * np.sin(100 * T), 0.1)) == 5
    assert turning_points(np.zeros(5), 0.1) == [0, 4]


def test_a_rise_from_rest_is_a_level_phase_and_a_rise() -> None:
    pulse = np.exp(-((T - 5) ** 2) / 0.5)
    assert kinds(T, 1 + pulse) == [
        (PhaseKind.LEVEL, 0, 3.6),
        (PhaseKind.RISE, 3.6, 5),
        (PhaseKind.FALL, 5, 6.4),
        (PhaseKind.LEVEL, 6.4, 10),
    ]


def test_a_rise_ends_at_its_top_though_the_curve_falls_too_little_behind_it_for_a_turn() -> None:
    humped = np.where(T < 5, T, 5 - 0.04 * (T - 5))
    assert kinds(T, humped) == [(PhaseKind.RISE, 0, 5), (PhaseKind.LEVEL, 5, 10)]


def test_a_curve_over_many_decades_is_judged_by_its_logarithm() -> None:
    grows = 10.0 ** (1 + 4 * np.abs(np.sin(T / 4)))
    assert scaled_to_one(grows)[1]
    assert not scaled_to_one(1 + grows / grows.max())[1]
    assert not scaled_to_one(T - 5)[1]  # below zero
    assert kinds(T, 10.0 ** (0.7 * np.where(T < 5, T, 10 - T))) == [(PhaseKind.RISE, 0, 5), (PhaseKind.FALL, 5, 10)]
    low = np.where(T < 5, 1e-30, 1.0)
    assert scaled_to_one(low)[0].min() == 0  # what is far below counts as the lowest that is seen


def test_a_clear_jump_ends_a_phase_and_a_small_one_does_not() -> None:
    times = np.sort(np.append(T, [5.0]))
    behind = np.arange(len(times)) > 1000
    falls = np.exp(-times)
    assert [kind for kind, *_ in kinds(times, falls + 0.8 * behind * np.exp(5 - times))] == [
        PhaseKind.FALL,
        PhaseKind.LEVEL,
        PhaseKind.FALL,
        PhaseKind.LEVEL,
    ]
    assert [kind for kind, *_ in kinds(times, falls + 0.01 * behind)] == [PhaseKind.FALL, PhaseKind.LEVEL]


def test_many_short_swings_are_one_oscillation_that_counts_its_peaks() -> None:
    wave = np.where((T > 3) & (T < 5.875), np.sin(2 * np.pi * 4 * T), 0.0)
    y, _ = scaled_to_one(wave)
    found = phases(T, y)
    waves = [phase for phase in found if phase.kind == PhaseKind.OSCILLATION]
    assert [phase.peaks for phase in waves] == [12]
    assert len(found) <= 4


def test_phases_cover_the_run_without_gaps() -> None:
    generator = np.random.default_rng(5)
    for _ in range(50):
        y, _ = scaled_to_one(np.cumsum(generator.normal(size=500)))
        found = phases(np.linspace(0, 1, 500), y)
        assert found[0].first == 0
        assert found[-1].last == 499
        assert all(one.last == other.first for one, other in pairwise(found))
