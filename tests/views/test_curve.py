"""A curve in words: the same for figures, reports and comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.views.text.curve import describe_curve, extremes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([5, 5, 5], "constant at 5 pM"),
        ([1, 2, 4], "rise from 1 to 4 pM, 4-fold"),
        ([10, 9], "fall from 10 to 9 pM, by 10 %"),
        ([1e-6, 1], "rise from 10⁻⁶ to 1 pM"),
        ([-1, 3], "rise from −1 to 3 pM"),
        ([4, 2, 3.6], "start at 4 pM, low of 2 pM on day 1, end at 3.6 pM"),
        ([1, 9, 3], "start at 1 pM, peak of 9 pM on day 1, end at 3 pM"),
        ([1, 9, 0.1, 2], "start at 1 pM, peak of 9 pM on day 1, low of 0.1 pM on day 2, end at 2 pM"),
        ([0, 9, 1e-12], "start at 0 pM, peak of 9 pM on day 1, end at nearly 0"),
        ([1, 1e-3, 100], "start at 1 pM, low of 0.001 pM on day 1, end at 100 pM"),
        ([0, *[3, 1] * 4, 5, 1], "start at 0 pM, 5 peaks (the highest 5 pM on day 9), end at 1 pM"),
        (
            [2, *[3, 1] * 4, 0.5, 4, 2],
            "start at 2 pM, 5 peaks (the highest 4 pM on day 10, the lowest",
        ),
        ([np.nan, np.nan], "no finite value"),
        ([1, np.nan, 4], "rise from 1 to 4 pM, 4-fold"),
    ],
)
def test_a_curve_in_words(values: list[float], said: str) -> None:
    corners = np.repeat(np.array(values, float), 2)  # a level before and after each time: nothing to interpolate
    times = np.repeat(np.arange(len(values)), 2) + np.tile([0.0, 1e-9], len(values))
    assert describe_curve(times, corners, "pM", "d").startswith(said)


def test_what_moves_less_than_a_twentieth_of_the_span_is_no_turn() -> None:
    times = np.linspace(0, 10, 1001)
    assert extremes(times, times + 0.1 * np.sin(20 * times)) == []
    assert len(extremes(times, times + 2 * np.sin(3 * times))) == 9
    assert extremes(times, np.ones(1001)) == []


def test_a_peak_between_two_points_is_where_tables_have_it() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0])
    (peak,) = extremes(times, -((times - 1.4) ** 2), (1.4, 0.0))
    assert peak == (1.4, 0.0, True)
