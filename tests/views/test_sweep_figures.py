"""Pictures of sweeps: which are drawn, what can be seen on them, and that no text covers another."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.sweeps import statistics
from immunesim.experiments.sweeps.compute import SweepResult
from immunesim.experiments.sweeps.designs import OneAtATime, Product, Spaced, Zip
from immunesim.experiments.sweeps.sampling import LatinHypercube, Random
from immunesim.views.figures import page, scales
from immunesim.views.figures.page import Picture
from immunesim.views.figures.panel import ends_of as ends_of_run
from immunesim.views.figures.slide import on_slide
from immunesim.views.figures.sweep import pictures
from immunesim.views.figures.sweep.lines import binned, curves
from immunesim.views.figures.sweep.tornado import bars_of
from immunesim.views.text import sweep_measures
from immunesim.views.text.numbers import number, text_for
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.text import Text

from tests.boxes import covered
from tests.slow import thinned
from tests.views.sweep_results import axis, grid, made, measure

LONG = (
    "the fraction of regulatory T cells of the draining lymph node that carry the high-affinity receptor "
    "for interleukin 2 after the second cycle"
)
SEVEN = [LONG[: 20 + 15 * number] for number in range(7)]
PEAK, LOW = measure(), measure("low", "lowest number of cells in blood", "cells/uL")
CLEARANCE = axis()
AMOUNT = axis("dose.push.amount", "amount of push", "pmol", 100, 10, 1000, True)


def last_picture(result: SweepResult) -> Picture:
    """The last figure of a sweep, here of a curve that is kept; those before it are not drawn."""
    return pictures.drawings(result)[-1]()


def patients(count: int, axes: int = 4) -> Random:
    design = Random(tuple(many(axes)), count, 3)
    object.__setattr__(design, "kind", "population")
    return design


def many(count, label="parameter"):
    return [
        axis(f"p{i}", f"{label} {i}", "1/h" if i % 2 else "cells/uL", 1.0, 0.1, 10, i % 3 > 0) for i in range(count)
    ]


def over_clearance(values, arm, _):
    return 10 * (1 + arm) / values[:, 0]


def over_both(values, arm, _):
    return (1 + arm) * values[:, 0] * np.exp(-3 * values[:, 1])


def of_three(values, arm, _):
    return (values[:, 0] ** 2 + values[:, 1] / 2) * (1 + arm)


def noisy(values, arm, _):
    return (arm + 1) ** 3 * np.exp(3 * np.random.default_rng(5).normal(size=len(values))) * values[:, 0]


def some_fail(values, arm):
    return np.random.default_rng(arm).random(len(values)) < 0.1


def all_fail(values, _):
    return np.ones(len(values), bool)


def list_of(axes, count: int) -> Zip:
    return Zip(tuple(axes), tuple(Spaced(a.low, a.high, count, a.log) for a in axes), "list")


HUGE = axis(low=1e-12, high=1e9, log=True, default=1e9)
UGLY = {
    "one member": lambda to: made(to, grid([CLEARANCE], 1), over_clearance),
    "two points below zero": lambda to: made(to, grid([CLEARANCE], 2), lambda v, a, j: -1e-12 * v[:, 0]),
    "all failed": lambda to: made(to, grid([CLEARANCE], 9), over_clearance, [PEAK, LOW], ["a", "b"], all_fail),
    "constant": lambda to: made(to, grid([CLEARANCE], 9), lambda v, a, j: np.full(len(v), 3.14159e6)),
    "no measure has a value": lambda to: made(to, grid([CLEARANCE], 9), lambda v, a, j: np.full(len(v), np.nan)),
    "infinite": lambda to: made(to, grid([CLEARANCE], 9), lambda v, a, j: np.where(v[:, 0] < 0.5, np.inf, v[:, 0])),
    "21 decades": lambda to: made(to, grid([HUGE], 40), lambda v, a, j: v[:, 0]),
    "values that agree in nine digits": lambda to: made(to, grid([CLEARANCE], 9), lambda v, a, j: 1 + 1e-5 * v[:, 0]),
    "seven arms with long names": lambda to: made(
        to, grid([axis(label=LONG, log=True, low=1e-6, high=1e3, default=0)], 25),
        lambda v, a, j: -np.log(v[:, 0]) * (a - 3), [measure("m", LONG, "cells/uL")], SEVEN, some_fail, LONG + LONG,
    ),
    "dollars and percent": lambda to: made(
        to, grid([axis(label="cost in $ and $ and % of _x_")], 5), over_clearance, [measure("m", "a $x^2$ b")],
        title="$a$",
    ),
    "six measures": lambda to: made(
        to, grid([CLEARANCE], 5), over_clearance, [measure(f"m{n}", f"measure {n}") for n in range(6)]
    ),
    "a zip": lambda to: made(
        to, Zip((CLEARANCE, AMOUNT), (Spaced(0.25, 1, 12, False), Spaced(50, 400, 12, False))), over_both
    ),
    "a list that repeats": lambda to: made(to, list_of([axis(low=1, high=1), CLEARANCE], 5), over_clearance),
    "a map": lambda to: made(to, grid([AMOUNT, CLEARANCE], 20, 15), over_both, failed=some_fail),
    "a map of seven arms": lambda to: made(
        to, grid([AMOUNT, CLEARANCE], 9, 9), lambda v, a, j: over_both(v, a, j) * 1e-12 * 100.0 ** (a == 3),
        [measure("m", LONG, "cells/uL")], SEVEN, some_fail, LONG,
    ),
    "a map of two by two": lambda to: made(to, grid([AMOUNT, CLEARANCE], 2, 2), over_both),
    "a map with the default in a corner": lambda to: made(
        to, grid([axis(default=1.0), axis("b", LONG, default=0.25)], 5, 5), lambda v, a, j: v[:, 0] - v[:, 1]
    ),
    "a map that failed": lambda to: made(to, grid([AMOUNT, CLEARANCE], 5, 5), over_both, failed=all_fail),
    "a flat map below zero": lambda to: made(to, grid([AMOUNT, CLEARANCE], 5, 5), lambda v, a, j: 0 * v[:, 0] - 2),
    "half a map": lambda to: made(to, grid([AMOUNT, CLEARANCE], 20, 15), over_both, there=range(140)),
    "points of two": lambda to: made(
        to, LatinHypercube((AMOUNT, CLEARANCE), 80, 1), over_both, [PEAK], ["as dosed", "untreated"], some_fail
    ),
    "thirty parameters with long names": lambda to: made(
        to, LatinHypercube(tuple(many(30, LONG)), 100, 1), of_three, [measure("m", LONG)], failed=some_fail
    ),
    "a sample that failed": lambda to: made(to, LatinHypercube(tuple(many(4)), 20, 1), of_three, failed=all_fail),
    "one of a sample": lambda to: made(to, LatinHypercube(tuple(many(4)), 1, 1), of_three),
    "a grid of three": lambda to: made(to, grid(many(3), 4, 5, 6), of_three),
    "a tornado of thirty": lambda to: made(
        to, OneAtATime(tuple(many(30, LONG))), lambda v, a, j: (v * np.arange(1, 31)).sum(1),
        failed=lambda v, a: (v[:, 29] > 5) | (v[:, 28] < 0.5),
    ),
    "a tornado to one side over decades": lambda to: made(
        to, OneAtATime(tuple(many(5))), lambda v, a, j: np.exp((np.abs(np.log(v)) * np.arange(1, 6)).sum(1))
    ),
    "a tornado that failed": lambda to: made(to, OneAtATime(tuple(many(3))), of_three, failed=all_fail),
    "a flat tornado": lambda to: made(to, OneAtATime(tuple(many(3))), lambda v, a, j: 0 * v[:, 0]),
    "patients in seven arms": lambda to: made(
        to, patients(60), noisy, [measure("m", LONG, "cells/uL")], SEVEN, some_fail, keep=["drug"]
    ),
    "one patient": lambda to: made(to, patients(1), noisy, [PEAK], ["as dosed", "untreated"], keep=["drug"]),
    "patients who all failed": lambda to: made(to, patients(10), noisy, [PEAK], ["as dosed", "x"], all_fail),
    "patients counted": lambda to: made(
        to, patients(60), noisy, [measure("m", LONG, "cells/uL", low=-1e5, high=20, log=False)], SEVEN, some_fail
    ),
    "patients below zero": lambda to: made(to, patients(50), lambda v, a, j: -v[:, 0] * a, [PEAK], ["a", "b", "c"]),
    "patients along a grid": lambda to: made(
        to, Product(grid([AMOUNT], 8), patients(30)), of_three, [PEAK, LOW], ["as dosed", "untreated"], some_fail
    ),
    "patients along a zip": lambda to: made(
        to, Product(Zip((CLEARANCE, AMOUNT), (Spaced(0.25, 1, 5, False), Spaced(50, 400, 5, False))), patients(9)),
        over_both,
    ),
    "patients on a map": lambda to: made(to, Product(grid([AMOUNT, CLEARANCE], 6, 5), patients(9)), over_both,
                                         failed=some_fail),
}  # fmt: skip


@pytest.mark.parametrize("name", thinned(UGLY, every=3))
def test_no_text_covers_another_or_leaves_the_figure(name: str, tmp_path: Path) -> None:
    drawn = list(pictures.pictures(UGLY[name](tmp_path)))
    assert drawn
    for picture in drawn:
        assert covered(picture.figure) == []
        assert "nan" not in picture.text


def test_a_covered_text_is_noticed(tmp_path: Path) -> None:
    (picture,) = pictures.pictures(made(tmp_path, grid([CLEARANCE], 9), over_clearance))
    picture.figure.text(0.02, 0.98, "over the title", va="top")
    picture.figure.text(0.9, 0.5, "far too long for the figure it is in")
    faults = covered(picture.figure)
    assert any("'over the title'" in fault and "'A toy question'" in fault for fault in faults)
    assert any(fault.startswith("outside") for fault in faults)


@pytest.mark.parametrize(
    ("design", "stems"),
    [
        (grid([CLEARANCE], 9), ["curves_peak"]),
        (LatinHypercube((CLEARANCE,), 9, 1), ["curves_peak"]),
        (grid([AMOUNT, CLEARANCE], 4, 3), ["map_peak"]),
        (grid([AMOUNT, CLEARANCE], 4, 1), ["curves_peak"]),
        (LatinHypercube((AMOUNT, CLEARANCE), 9, 1), ["points_peak"]),
        (grid(many(3), 3, 3, 3), ["parallel_main", "against_peak"]),
        (OneAtATime(tuple(many(3))), ["tornado_peak"]),
        (patients(9), ["spread_peak", "parallel_main", "against_peak", "time_drug"]),
        (Product(grid([AMOUNT], 3), patients(9)), ["bands_peak", "spread_peak"]),
        (Product(grid([AMOUNT, CLEARANCE], 3, 3), patients(9)), ["map_peak", "spread_peak"]),
    ],
)
def test_the_design_says_which_pictures_there_are(design, stems, tmp_path: Path) -> None:
    keep = ["drug"] if design.kind == "population" else []
    result = made(tmp_path, design, of_three if len(design.axes) > 1 else over_clearance, keep=keep)
    assert [picture.stem for picture in pictures.pictures(result)] == stems


def panels_with(figure, label):
    """For each panel, how many marks of that label it shows."""
    found = []
    for panel in figure.axes:
        lines = [len(line.get_xdata()) for line in panel.lines if line.get_label() == label]
        cells = [len(c.get_paths()) for c in panel.collections if c.get_label() == label]
        found.append(sum(lines) + sum(cells))
    return found


def words_on(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_each_failed_member_of_a_curve_is_a_cross_where_it_stands(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 16), over_clearance, failed=lambda v, a: v[:, 0] > 0.8)
    (picture,) = pictures.pictures(result)
    (crosses,) = [line for panel in picture.figure.axes for line in panel.lines if line.get_label() == "failed"]
    assert crosses.get_xdata().tolist() == result.values[result.failed[:, 0], 0].tolist()
    assert "4 of 16 failed (×)" in words_on(picture.figure)
    (curve,) = [line for line in picture.figure.axes[0].lines if len(line.get_xdata()) == 16]
    assert np.isnan(curve.get_ydata()).sum() == 4


def test_a_member_without_a_value_is_told_from_one_that_failed(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 16), lambda v, a, j: np.where(v[:, 0] > 0.8, np.nan, 1.0),
                  failed=lambda v, a: v[:, 0] < 0.3)  # fmt: skip
    (picture,) = pictures.pictures(result)
    assert sum(panels_with(picture.figure, "failed")) == 1
    assert sum(panels_with(picture.figure, "no value")) == 4
    assert "1 of 16 failed (×)\n4 of 16 without value (○)" in words_on(picture.figure)


def test_failed_cells_of_a_map_are_hatched_and_counted(tmp_path: Path) -> None:
    result = made(tmp_path, grid([AMOUNT, CLEARANCE], 6, 5), over_both, arms=["as dosed", "untreated"],
                  failed=lambda v, a: (v[:, 0] > 500) & (v[:, 1] > 0.5) & (a == 1))  # fmt: skip
    (picture,) = pictures.pictures(result)
    assert panels_with(picture.figure, "failed")[:2] == [0, 3]
    hatched = [c for c in picture.figure.axes[1].collections if isinstance(c, PolyCollection) and c.get_hatch()]
    assert [c.get_hatch() for c in hatched] == ["xxxx"]
    assert "untreated\n3 of 30 failed (hatched)" in words_on(picture.figure)


def test_a_map_shows_each_member_in_its_own_cell(tmp_path: Path) -> None:
    result = made(tmp_path, grid([AMOUNT, CLEARANCE], 6, 5), over_both)
    (picture,) = pictures.pictures(result)
    (mesh,) = [c for c in picture.figure.axes[0].collections if isinstance(c, QuadMesh)]
    x, y = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
    for row, value in zip(result.values, result.measures[:, 0, 0], strict=True):
        assert mesh.get_array()[np.searchsorted(y, row[1]) - 1, np.searchsorted(x, row[0]) - 1] == value


def test_the_colour_bar_covers_the_values_and_has_their_unit(tmp_path: Path) -> None:
    result = made(tmp_path, grid([AMOUNT, CLEARANCE], 4, 4), lambda v, a, j: v[:, 0] - 1000, arms=["a", "b"])
    (picture,) = pictures.pictures(result)
    (bar,) = [axis for axis in picture.figure.axes if axis.get_label() == "bar"]
    assert bar.get_ylabel() == "highest drug in plasma [pM]"
    assert bar.get_ylim() == (-990, 0)
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["−800", "−600", "−400", "−200", "0"]


def test_a_map_of_patients_shows_medians_and_where_only_some_failed(tmp_path: Path) -> None:
    result = made(tmp_path, Product(grid([AMOUNT, CLEARANCE], 3, 3), patients(9)), noisy,
                  failed=lambda v, a: (v[:, 0] > 500) & (v[:, 2] > 4))  # fmt: skip
    picture = next(pictures.pictures(result))
    (mesh,) = [c for c in picture.figure.axes[0].collections if isinstance(c, QuadMesh)]
    corner = (result.values[:, 0] == 10) & (result.values[:, 1] == 0.25)
    assert corner.sum() == 9
    assert mesh.get_array()[0, 0] == np.median(result.measures[corner, 0, 0])
    assert panels_with(picture.figure, "some failed")[0] == 3


def test_failed_members_of_a_sample_are_dashed_lines_and_crosses(tmp_path: Path) -> None:
    result = made(tmp_path, LatinHypercube(tuple(many(4)), 20, 1), of_three, failed=lambda v, a: v[:, 0] > 8)
    lines, small = pictures.pictures(result)
    failed = int(result.failed.sum())
    assert failed > 2
    dashed = [line for line in lines.figure.axes[0].lines if line.get_label() == "failed"]
    assert len(dashed) == failed
    assert all(line.is_dashed() for line in dashed)
    assert sorted(panels_with(small.figure, "failed"))[-4:] == [failed] * 4
    assert f"{failed} of 20 failed" in lines.text


def test_failed_patients_stand_beside_the_others(tmp_path: Path) -> None:
    result = made(tmp_path, patients(50), noisy, arms=["as dosed", "untreated"], failed=some_fail)
    spread, pairs = itertools.islice(pictures.pictures(result), 2)
    assert panels_with(spread.figure, "failed") == [int(result.failed.sum())]
    both = 50 - int(result.failed.any(axis=1).sum())
    assert any(f"of {both}" in text.replace("\n", " ") for text in words_on(pairs.figure))
    assert f"Up to {50 - both} have no value in one of the two arms" in pairs.text


def test_a_level_is_a_line_and_members_beyond_it_are_counted(tmp_path: Path) -> None:
    beyond = measure(low=8.0)
    result = made(tmp_path, patients(40), lambda v, a, j: v[:, 0], [beyond], ["as dosed", "less"],
                  failed=lambda v, a: v[:, 0] < 2)  # fmt: skip
    spread = next(pictures.pictures(result))
    assert panels_with(spread.figure, "level") == [2]  # the ends of one line
    known = result.measures[~result.failed[:, 0], 0, 0]
    share = f"above 8 pM: {100 * (known > 8).mean():.3g} %"
    assert 0 < (known > 8).mean() < 1
    assert sum(share in text.replace("\n", " ") for text in words_on(spread.figure)) == 2
    assert share in spread.text
    (curve,) = pictures.pictures(made(tmp_path, grid([CLEARANCE], 9), over_clearance, [measure(high=500.0)]))
    assert panels_with(curve.figure, "level") == [2]
    assert curve.figure.axes[0].get_ylim()[1] > 500
    assert "highest drug in plasma [pM]; dash-dotted: 500" in words_on(curve.figure)


@pytest.mark.parametrize(("log", "scale"), [(None, "log"), (False, "linear"), (True, "log")])
def test_a_measure_is_drawn_on_the_scale_that_it_asks_for(log, scale, tmp_path: Path) -> None:
    result = made(tmp_path, grid([HUGE], 9), lambda v, a, j: v[:, 0], [measure(log=log)])
    (picture,) = pictures.pictures(result)
    assert picture.figure.axes[0].get_yscale() == scale


def test_a_measure_that_reaches_zero_is_never_drawn_on_a_logarithmic_scale(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 9), lambda v, a, j: v[:, 0] - 0.25, [measure(log=True)])
    (picture,) = pictures.pictures(result)
    assert picture.figure.axes[0].get_yscale() == "linear"


def test_two_axes_of_one_name_and_the_same_values_are_one_thing(tmp_path: Path) -> None:
    both, spaced = (AMOUNT._replace(label="each dose"), CLEARANCE._replace(label="each dose")), Spaced(1, 2, 9, False)
    one = [each._replace(unit_text="pmol", default=None, log=False) for each in both]
    (picture,) = pictures.pictures(made(tmp_path, Zip(tuple(one), (spaced, spaced)), over_both))
    assert "each dose [pmol]" in words_on(picture.figure)
    (picture,) = pictures.pictures(made(tmp_path, Zip(tuple(one), (spaced, Spaced(1, 3, 9, False))), over_both))
    assert "each dose [pmol]" not in words_on(picture.figure)


@pytest.mark.parametrize("axes", [[CLEARANCE], [AMOUNT, CLEARANCE], many(3)])
def test_the_default_is_marked_by_a_line_and_its_name(axes, tmp_path: Path) -> None:
    result = made(tmp_path, grid(axes, *[4] * len(axes)), over_clearance)
    figure = list(pictures.pictures(result))[-1].figure
    assert [text for text in words_on(figure) if text == "default"] == ["default"] * (3 if len(axes) == 3 else 1)
    lines = [line for line in figure.axes[0].lines if line.get_label() == "default"]
    assert lines[0].get_xdata()[0] == pytest.approx(axes[0].default)


def test_a_default_that_is_not_on_the_axis_is_said(tmp_path: Path) -> None:
    far = axis(default=7.0)
    (picture,) = pictures.pictures(made(tmp_path, grid([far], 9), over_clearance))
    assert "clearance of the drug [1/h]; default 7 1/h, not on this axis" in words_on(picture.figure)
    assert "default" not in words_on(picture.figure)
    (picture,) = pictures.pictures(made(tmp_path, grid([AMOUNT, far], 4, 4), over_both))
    assert "default of clearance of the drug 7 1/h, not on this map" in words_on(picture.figure)


def test_the_words_of_a_curve_give_its_extremes_and_where_they_are(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 16), over_clearance, failed=lambda v, a: v[:, 0] < 0.3)
    (picture,) = pictures.pictures(result)
    assert "smallest 10 pM at clearance of the drug 1 1/h" in picture.text
    assert "largest 33.3 pM at clearance of the drug 0.3 1/h" in picture.text
    assert "1 of 16 failed" in picture.text
    assert "Default: clearance of the drug 0.5 1/h." in picture.text


def test_the_words_of_patients_give_quantiles_and_how_many_differ(tmp_path: Path) -> None:
    result = made(tmp_path, patients(40), lambda v, a, j: v[:, 0] - 2.0 * a * (v[:, 0] > 5), arms=["as dosed", "less"])
    spread, pairs = itertools.islice(pictures.pictures(result), 2)
    values = result.measures[:, 0, 0]
    low, middle, top = (sweep_measures.number(value) for value in np.quantile(values, (0.05, 0.5, 0.95)))
    assert f"median {middle} pM, 5 to 95 % from {low} to {top} pM" in spread.text
    assert f"higher in 0, lower in {(values > 5).sum()} of 40" in pairs.text


def test_a_tornado_is_sorted_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    weights = np.array([*range(1, 18)])
    result = made(tmp_path, OneAtATime(tuple(many(17))), lambda v, a, j: (v * weights).sum(1))
    (picture,) = pictures.pictures(result)
    middle, bars = bars_of(result, 0, 0)
    assert middle == weights.sum()
    assert [bar.axis.path for bar in bars] == [f"p{i}" for i in reversed(range(17))]
    assert bars[0].measure == pytest.approx((middle - 17 * 0.9, middle + 17 * 9))
    assert len(picture.figure.axes[0].patches) == 30
    assert "2 others smaller and not shown" in words_on(picture.figure)
    assert words_on(picture.figure).count("10 cells/µL") + words_on(picture.figure).count("10 1/h") == 15
    assert "parameter 16 at 0.1 cells/µL gives 138 pM, at 10 cells/µL gives" not in picture.text
    assert "parameter 16 at 0.1 cells/µL gives 138 pM, at 10 cells/µL 306 pM" in picture.text


def test_a_failed_end_of_a_tornado_is_a_cross_with_its_name(tmp_path: Path) -> None:
    result = made(tmp_path, OneAtATime(tuple(many(4))), of_three, failed=lambda v, a: v[:, 1] > 5)
    (picture,) = pictures.pictures(result)
    assert "10 1/h: failed" in words_on(picture.figure)
    assert panels_with(picture.figure, "failed") == [1]
    assert "no value at an end of parameter 1" in picture.text


def test_an_end_of_a_tornado_without_a_value_is_no_failure(tmp_path: Path) -> None:
    result = made(tmp_path, OneAtATime(tuple(many(4))), lambda v, a, j: np.where(v[:, 1] > 5, np.nan, v[:, 0]))
    (picture,) = pictures.pictures(result)
    assert "10 1/h: no value" in words_on(picture.figure)
    assert panels_with(picture.figure, "no value") == [1]
    assert panels_with(picture.figure, "failed") == [0]


def test_the_strongest_parameter_comes_first(tmp_path: Path) -> None:
    result = made(tmp_path, LatinHypercube(tuple(many(5)), 100, 1), lambda v, a, j: v[:, 3] + v[:, 1])
    lines, _ = pictures.pictures(result)
    names = [text for text in words_on(lines.figure) if text.startswith("parameter")]
    assert [name[:11] for name in names[:2]] == ["parameter 3", "parameter 1"]


def test_a_parameter_counts_as_strong_as_it_is_in_any_arm(tmp_path: Path) -> None:
    result = made(tmp_path, LatinHypercube(tuple(many(4)), 100, 1), lambda v, a, j: v[:, 1 + a],
                  arms=["as dosed", "less"])  # fmt: skip
    *_, small = pictures.pictures(result)
    names = [text for text in words_on(small.figure) if text.startswith("parameter")]
    assert {name[:11] for name in names[:2]} == {"parameter 1", "parameter 2"}
    assert "parameter 2 +1.00" in small.text


def test_rank_correlation_is_that_of_scipy(tmp_path: Path) -> None:
    from scipy.stats import spearmanr

    result = made(tmp_path, LatinHypercube(tuple(many(3)), 50, 1), lambda v, a, j: np.round(v[:, 0] / 3))
    found = statistics.rank_correlation(result, 0, 0)
    wanted = [spearmanr(result.values[:, i], result.measures[:, 0, 0]).statistic for i in range(3)]
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("wanted", [[0.0] * 5, [0.5] * 5, [1.0] * 5, [0.1, 0.15, 0.5, 0.95, 1.0]])
def test_labels_stay_in_order_apart_and_beside_their_panel(wanted) -> None:
    heights = [0.1, 0.3, 0.1, 0.2, 0.1]
    places = page.spread(wanted, heights)
    edges = [(place - height / 2, place + height / 2) for place, height in zip(places, heights, strict=True)]
    assert edges[0][0] >= -1e-12
    assert edges[-1][1] <= 1.05 + 1e-12
    assert all(low[1] <= high[0] + 1e-12 for low, high in itertools.pairwise(edges))


def test_no_dollar_is_read_as_mathematics(tmp_path: Path) -> None:
    result = made(tmp_path, grid([axis(label="$a$ and $b$")], 5), over_clearance, [measure("m", "a $x^2$ b")])
    (picture,) = pictures.pictures(result)
    texts = [text._preprocess_math(text.get_text()) for text in picture.figure.findobj(Text)]
    assert {"a $x^2$ b [pM]", "$a$ and $b$ [1/h]"} <= {text for text, _ in texts}
    assert not any(mathematics for _, mathematics in texts)


def test_bins_hold_every_member_once_and_give_its_quantiles() -> None:
    x = np.repeat([1.0, 2.0, 3.0], 21)
    values = np.concatenate([np.arange(21.0), np.full(21, 5.0), np.full(21, np.nan)])
    bins = binned(x, values, False)
    assert bins.x.tolist() == [1, 2, 3]
    assert (bins.low[0], bins.middle[0], bins.high[0]) == (1, 10, 19)
    assert np.isnan(bins.middle[2])
    wide = np.random.default_rng(0).random(1000)
    assert binned(wide, wide, False).middle == pytest.approx(np.quantile(wide, (np.arange(12) + 0.5) / 12), abs=0.01)


def value_of(text: str) -> float:
    """A number as it stands on an axis."""
    plain = text_for(text, "ascii").replace(",", "").replace("x 10^", "e").replace(" ", "")
    return float(plain.replace("10^", "1e"))


@pytest.mark.parametrize(
    ("ends", "log"),
    [((0, 1), False), ((-2e-13, -1e-13), False), ((1e9, 1e9 + 3), False), ((0.31, 0.87), True), ((1e-12, 1e9), True)],
)
@pytest.mark.parametrize("most", [2, 4, 7])
def test_ticks_are_few_inside_and_told_apart(ends, log, most) -> None:
    found = scales.round_numbers(*ends, log, most)
    assert 1 <= len(found) <= most
    assert all(ends[0] <= value <= ends[1] for value in found)
    texts = scales.in_words(found)
    assert len(set(texts)) == len(texts)
    assert [value_of(text) for text in texts] == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 10, 500], True), ([1, 50], False), ([0, 1, 1e6], False), ([-1, 1e6], False), ([np.nan], False)],
)
def test_a_scale_is_logarithmic_where_positive_values_span_two_decades(values, log) -> None:
    assert scales.wants_log(np.array(values, dtype=float)) is log


def test_arms_differ_in_colour_and_in_dash(tmp_path: Path) -> None:
    (picture,) = pictures.pictures(made(tmp_path, grid([CLEARANCE], 9), over_clearance, arms=["a", "b", "c"]))
    lines = [line for line in picture.figure.axes[0].lines if len(line.get_xdata()) == 9]
    assert len(lines) == 3
    for one, other in itertools.combinations(lines, 2):
        assert one.get_color() != other.get_color()
        assert one._dash_pattern != other._dash_pattern


def test_bands_over_time_show_the_quantiles_and_the_doses(tmp_path: Path) -> None:
    result = made(tmp_path, patients(9), noisy, arms=["as dosed", "untreated"], keep=["drug"])
    figure = last_picture(result).figure
    strip, first, _ = figure.axes  # the doses of the first arm, its panel, that of the other, which has none
    lines = [line.get_ydata() for line in first.lines if len(line.get_xdata()) == 49]
    assert np.array(lines) == pytest.approx(result.bands["main", "drug"])
    assert [list(line.get_xdata()) for line in strip.lines if line.get_marker() == "v"] == [[2.0, 14.0, 26.0]]


def test_files_say_what_they_show_and_are_the_same_each_time(tmp_path: Path) -> None:
    result = made(tmp_path, patients(9), noisy, arms=["as dosed", "untreated"])
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = (pictures.draw(result, folder, "0123456789ab") for folder in folders)
    assert [path.name for path in first][:4] == [
        "01_spread_peak.svg", "01_spread_peak.png", "02_pairs_peak.svg", "02_pairs_peak.png",
    ]  # fmt: skip
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    text = first[0].read_text(encoding="utf-8")
    assert "A toy question" in text
    assert "Run 0123456789ab." in text
    assert "highest drug in plasma (untreated): median" in text
    assert b"0123456789ab" in first[1].read_bytes()


def test_a_measure_named_by_its_formula_makes_a_plain_file_name(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 5), over_clearance, [measure("max(drug) / '1 pM'")])
    assert [path.name for path in pictures.draw(result, tmp_path, "0")] == [
        "01_curves_max_drug_1_pM.svg",
        "01_curves_max_drug_1_pM.png",
    ]


def test_bands_say_that_the_smallest_values_are_drawn_at_the_edge(tmp_path: Path) -> None:
    result = made(tmp_path, patients(9), noisy, keep=["drug"])
    figure = last_picture(result).figure
    assert not any("at the lower edge" in text for text in words_on(figure))
    result.bands["main", "drug"][:, 10:] *= 1e-3
    result.bands["main", "drug"][:, 30:] *= 1e-6
    figure = last_picture(result).figure
    assert any("at the lower edge" in text.replace("\n", " ") for text in words_on(figure))


def test_a_sweep_without_members_or_measures_has_no_picture(tmp_path: Path) -> None:
    assert pictures.draw(made(tmp_path, grid([CLEARANCE], 9), over_clearance, there=[]), tmp_path, "0") == []
    assert pictures.draw(made(tmp_path, grid([CLEARANCE], 9), over_clearance, []), tmp_path, "0") == []


COUNTED = measure("left", "tumour left", "cells/uL", low=0.5, log=True)


def few_at_zero(values, arm, _):
    found = np.exp(np.random.default_rng(1 + arm).normal(size=len(values))) * values[:, 0] * (1 + arm)
    found[:6] *= 1e-19
    found[8] *= 1e54 if arm else 1
    return found


def ends_of(panel, which):
    return panel.get_xlim() if which == "x" else panel.get_ylim()


def beyond_on(panel, which):
    """Where on the axis each triangle stands."""
    lines = [line for line in panel.lines if line.get_label() == "outside"]
    return [float(place) for line in lines for place in (line.get_xdata() if which == "x" else line.get_ydata())]


def test_a_few_members_near_zero_or_huge_do_not_empty_a_panel_and_are_counted(tmp_path: Path) -> None:
    result = made(tmp_path, patients(60), few_at_zero, [COUNTED], ["as dosed", "untreated"])
    spread, pairs = itertools.islice(pictures.pictures(result), 2)
    panel = spread.figure.axes[0]
    low, high = ends_of(panel, "x")
    assert high / low <= 1e10
    assert low <= 0.5 <= high
    values = result.measures[:, :, 0]
    assert ((values > low) & (values < high)).mean() > 0.85
    assert sorted(beyond_on(panel, "x")) == pytest.approx([low] * 12 + [high])
    said = " ".join(words_on(spread.figure)).replace("\n", " ")
    assert f"6 below {number(low)} cells/µL, 1 above {number(high)} cells/µL" in said
    low, high = ends_of(pairs.figure.axes[0], "y")
    assert low < 1 < high <= 1e4
    assert beyond_on(pairs.figure.axes[0], "y") == pytest.approx([high])
    assert any("1 above 10,000" in text.replace("\n", " ") for text in words_on(pairs.figure))


def test_a_curve_that_falls_to_nothing_ends_at_the_edge_of_six_decades(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 30), lambda v, a, j: np.exp(-360 * (v[:, 0] - 0.25) ** 2), [COUNTED])
    (picture,) = pictures.pictures(result)
    low, high = ends_of(picture.figure.axes[0], "y")
    gone = int((result.measures < low).sum())
    assert high / low < 1e10
    assert 0 < gone < 25
    assert beyond_on(picture.figure.axes[0], "y") == pytest.approx([low] * gone)
    assert f"{gone} below {number(low)} cells/µL" in words_on(picture.figure)


def test_a_bar_of_a_tornado_that_is_too_long_ends_in_its_number(tmp_path: Path) -> None:
    design = OneAtATime(tuple(many(5)))
    (picture,) = pictures.pictures(made(tmp_path, design, lambda v, a, j: v[:, 4] ** 25 * v[:, 1]))
    assert "10 cells/µL: 10²⁵" in words_on(picture.figure)
    assert "10 1/h" in words_on(picture.figure)
    assert len(beyond_on(picture.figure.axes[0], "x")) == 2


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1e-3, 1, 1e3], (1e-3, 1e3)),
        ([1e-20, *[1.0] * 30], (1e-6, 1)),
        ([1e54, *[1.0] * 30], (1, 1e3)),
        ([*[1e-20] * 18, *[2.0] * 12], (1e-6, 2)),
        ([*[1e54] * 3, *[1.0] * 27], (1, 1e3)),
    ],
)
def test_a_logarithmic_axis_shows_six_decades_and_never_nothing(values, shown) -> None:
    assert scales.frame(np.array(values)) == pytest.approx(shown)


def test_what_hardly_moves_is_drawn_nearly_flat() -> None:
    for low, high in (scales.limits(np.array([94.8, 95.0]), False), ends_of_run([np.array([94.8, 95.0])], False, [])):
        assert low < 94.8 < 95.0 < high
        assert high - low > 0.9


def test_each_measure_has_a_slide_in_type_that_the_last_row_can_read(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 9), over_clearance, [PEAK, LOW], ["a", "b"])
    drawn = [on_slide(each) for each in curves(result, 0, slides=True)]
    assert [each.stem for each in drawn] == [f"curves_{each.id}" for each in (PEAK, LOW)]
    for each in drawn:
        wide, high = each.figure.get_size_inches()
        assert wide / high == pytest.approx(16 / 9)
        smallest = min(text.get_fontsize() for text in each.figure.findobj(Text) if text.get_text())
        assert smallest * 40 / 3 / wide > 11  # points on a slide of 13.3 inches
        assert covered(each.figure) == []


@pytest.mark.parametrize("same", [1.0, 1e-9])
def test_one_is_inside_the_frame_of_ratios(same) -> None:
    low, high = scales.limits(np.array([same] * 20 + [1e54]), True, 0.0, [1.0], scales.frame_of_ratios)
    assert low < same < high
    assert low < 1 < high <= 1e3


def lines_over_time(figure):
    return [line for panel in figure.axes for line in panel.lines if line.get_label() == "member"]


@pytest.mark.parametrize(
    ("design", "lines"),
    [(grid([CLEARANCE], 9), 9), (grid([AMOUNT, CLEARANCE], 4, 3), 12), (grid([CLEARANCE], 13), 0), (patients(9), 0)],
)
def test_few_members_that_are_no_patients_are_drawn_one_by_one(design, lines, tmp_path: Path) -> None:
    result = made(tmp_path, design, lambda v, a, j: v[:, 0], keep=["drug"])
    picture = last_picture(result)
    assert covered(picture.figure) == []
    found = lines_over_time(picture.figure)
    assert len(found) == lines
    if lines:
        assert np.array([line.get_ydata() for line in found]) == pytest.approx(result.curves["main", "drug"])
        assert len({(line.get_color(), str(line._dash_pattern)) for line in found}) == lines
    note = " ".join(words_on(picture.figure)).replace("\n", " ")
    assert "Sampled every 1 h: shorter peaks may be missed." in note
    assert ("dotted: 5 to 95 %" in note) == (not lines)


def test_a_member_that_failed_has_no_line_over_time(tmp_path: Path) -> None:
    result = made(tmp_path, grid([CLEARANCE], 9), over_clearance, keep=["drug"], failed=lambda v, a: v[:, 0] > 0.95)
    figure = last_picture(result).figure
    assert len(lines_over_time(figure)) == 8


def test_a_measure_whose_label_is_a_sentence_is_called_by_all_of_it(tmp_path: Path) -> None:
    (picture,) = pictures.pictures(made(tmp_path, grid([CLEARANCE], 9), over_clearance, [measure("m1", LONG)]))
    assert f"{LONG} [pM]" in [words.replace("\n", " ") for words in words_on(picture.figure)]
    assert LONG in picture.text


def test_parallel_lines_say_what_their_colour_means(tmp_path: Path) -> None:
    result = made(tmp_path, grid(many(3), 3, 3, 3), of_three)
    low, high = (sweep_measures.number(end) for end in (result.measures.min(), result.measures.max()))
    note = " ".join(words_on(next(pictures.pictures(result)).figure)).replace("\n", " ")
    assert f"Colour: highest drug in plasma, dark (blue) is low ({low}), light (yellow) is high ({high})" in note


def contour_lines(figure):
    sets = [each for each in figure.axes[0].collections if isinstance(each, ContourSet)]
    return [line for each in sets for path in each.get_paths() for line in path.to_polygons(closed_only=False)]


def test_a_contour_around_one_cell_is_noise_and_not_drawn(tmp_path: Path) -> None:
    design = grid([CLEARANCE, AMOUNT], 9, 9)
    (one,) = pictures.pictures(made(tmp_path, design, lambda v, a, j: 1 + 8.0 * (np.arange(81) == 38)))
    assert contour_lines(one.figure) == []
    (edge,) = pictures.pictures(made(tmp_path, design, lambda v, a, j: v[:, 0]))
    assert contour_lines(edge.figure)
