"""Many trajectories at once: exact answers, and no member that depends on another."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.numerics.compiled.engine import BatchResult
from immunesim.numerics.compiled.memory_layout import Status

from tests.numerics.compiled.runs import on_lanes
from tests.numerics.order import Run, order_of
from tests.systems import EXACT, ExactSystem, Stretch, hastening, logistic, make_model, simulate

each_system = pytest.mark.parametrize("exact", EXACT, ids=lambda exact: exact.name)


def error(exact: ExactSystem, rtol: float) -> float:
    """Largest difference from the truth, relative to the largest value of each species."""
    found = on_lanes(exact.model, exact.stretches, exact.times, rtol=rtol)
    assert found.done.all()
    truth = exact.truth(exact.times)
    columns = zip(exact.model.species, found.grid[0].T, strict=True)
    return max(float(np.abs(values - truth[name]).max() / np.abs(truth[name]).max()) for name, values in columns)


@each_system
def test_the_exact_time_course_is_met(exact: ExactSystem) -> None:
    assert error(exact, 1e-7) < 1e-6


@each_system
def test_the_error_falls_with_the_tolerance(exact: ExactSystem) -> None:
    loose, middle, tight = (error(exact, rtol) for rtol in (1e-3, 1e-6, 1e-9))
    assert loose > 10 * middle
    assert middle > 10 * tight
    assert tight < 1e-8


@pytest.mark.parametrize(("exact", "end"), [(logistic(), 8.0), (hastening(), 6.0)], ids=["logistic", "hastening"])
@pytest.mark.parametrize("place", ["at the end of a step", "between"])
def test_the_error_falls_by_the_order_of_the_method(exact: ExactSystem, end: float, place: str) -> None:
    time = end if place == "at the end of a step" else 0.61 * end

    def run(rtol: float) -> Run:
        found = on_lanes(exact.model, end, np.array([time]), rtol=rtol)
        ((_, truth),) = exact.truth(np.array([time])).items()
        return Run(int(found.steps[0]), float(abs(found.grid[0, 0, 0] - truth[0])))

    order = 4.7 if place == "at the end of a step" else 3.7
    assert order_of(run, np.geomspace(1e-6, 1e-10, 9)) > order


ENZYME = make_model(
    {"S": ("pM", 100, 100), "E": ("pM", 10, 10), "C": ("pM", 0, 10), "P": ("pM", 0, 100), "still": ("pM", 0, 1)},
    {"on": (3.0, "1/(pM*h)"), "off": (20.0, "1/h"), "cat": (5.0, "1/h"), "n": (1.7, "1"), "K": (40.0, "pM")},
    {
        "binding": ("S + E -> C", "on * S * E"),
        "release": ("C -> S + E", "off * C"),
        "making": ("C -> E + P", "cat * C"),
        "back": (
            "P -> S",
            "hill(P, K, n) * P * cat / 20 * exp(-K / 100 / K * time * cat)".replace("K / 100 / K", "0.01"),
        ),
        "fading": ("still ->", "cat * still"),
    },
)
STRETCHES = (
    Stretch(0, 3, jump={"S": 20.0}),
    Stretch(3, 4, infusion={"E": 4.0}),
    Stretch(4, 9, jump={"S": 30.0}, parameters={"cat": 8.0}),
    Stretch(9, 20),
)
TIMES = np.linspace(0, 20, 81)
VARIED = {
    "on": 10.0 ** np.random.default_rng(3).uniform(-1, 2, 23),
    "n": np.random.default_rng(4).uniform(0.5, 3, 23),
}


def several(lanes: int = 4, rows: slice = slice(None), dense: tuple[str, ...] = ("P", "S")) -> BatchResult:
    varied = {name: values[rows].tolist() for name, values in VARIED.items()}
    return on_lanes(ENZYME, STRETCHES, TIMES, lanes=lanes, varied=varied, dense=dense)


def same(a: BatchResult, b: BatchResult) -> bool:
    grids = a.grid.tobytes() == b.grid.tobytes()
    dense = [[part.tobytes() for part in each] for each in a.dense_curves] == [
        [p.tobytes() for p in each] for each in b.dense_curves
    ]
    return grids and dense and a.steps.tolist() == b.steps.tolist()


def test_members_agree_with_scipy_through_doses_and_changes() -> None:
    found = several()
    assert found.done.all()
    for member in (0, 7, 22):
        own = {name: values[member] for name, values in VARIED.items()}
        stretches = [
            Stretch(each.start, each.end, each.jump, each.infusion, {**own, **(each.parameters or {})})
            for each in STRETCHES
        ]
        wanted = simulate(ENZYME, stretches, TIMES, "Radau", 1e-10)
        for name, values in zip(ENZYME.species, found.grid[member].T, strict=True):
            np.testing.assert_allclose(values, wanted[name], rtol=3e-5, atol=1e-5, err_msg=f"{name} of {member}")


@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_the_number_of_lanes_changes_no_bit(lanes: int) -> None:
    assert same(several(4), several(lanes))


def test_the_order_of_members_changes_no_bit() -> None:
    forward, backward = several(), several(rows=slice(None, None, -1))
    assert forward.grid.tobytes() == backward.grid[::-1].copy().tobytes()


def test_the_batch_that_a_member_is_in_changes_no_bit() -> None:
    whole, part = several(), several(rows=slice(5, 9))
    assert whole.grid[5:9].tobytes() == part.grid.tobytes()


def test_what_is_recorded_changes_no_step() -> None:
    assert several(dense=()).grid.tobytes() == several().grid.tobytes()


def test_each_member_may_have_tolerances_of_its_own() -> None:
    rtol, floor = np.geomspace(1e-4, 1e-8, 23), np.geomspace(1e-2, 1e-12, 23)
    varied = {name: values.tolist() for name, values in VARIED.items()}
    found = on_lanes(ENZYME, STRETCHES, TIMES, varied=varied, rtol=rtol, floor=floor)
    for member in (0, 9, 22):
        own = {name: [values[member]] for name, values in VARIED.items()}
        alone = on_lanes(ENZYME, STRETCHES, TIMES, varied=own, rtol=rtol[member], floor=floor[member])
        assert alone.grid[0].tobytes() == found.grid[member].tobytes()
    assert found.steps[22] > 2 * found.steps[0]


def test_a_lower_floor_keeps_the_digits_of_a_small_state() -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"loss": ("A ->", "k * A")})
    times, truth = np.array([0.0, 300.0]), np.exp(-300.0)
    low = on_lanes(model, 300.0, times, floor=1e-290)
    assert low.grid[0, 1, 0] == pytest.approx(truth, rel=1e-3)
    assert simulate(model, 300.0, times, floor=1e-290)["A"][1] == pytest.approx(truth, rel=1e-3)


def test_a_species_with_a_sign_keeps_its_floor() -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"loss": ("A ->", "k * (A + 0.5)")}, signed=["A"])
    low, usual = (on_lanes(model, 5.0, np.array([0.0, 5.0]), floor=floor) for floor in (1e-290, 1e-3))
    assert low.grid.tobytes() == usual.grid.tobytes()


def test_a_curve_along_the_steps_has_two_points_at_a_jump() -> None:
    times, curves = several().dense_curves[0]
    substrate = curves[:, 1]
    at = np.flatnonzero(times == 4.0)
    assert len(at) == 2
    assert substrate[at[1]] - substrate[at[0]] == pytest.approx(30.0)
    assert times[0] == 0.0
    assert substrate[0] == pytest.approx(120.0)
    assert times[-1] == 20.0
    assert (np.diff(times) >= 0).all()
    assert (np.diff(times) == 0).sum() == len(STRETCHES) - 1


def test_a_value_saved_at_a_dose_is_the_value_after_it() -> None:
    found = several()
    times, curves = found.dense_curves[3]
    after = np.flatnonzero(times == 4.0)[1]
    assert found.grid[3, np.searchsorted(TIMES, 4.0), 0] == curves[after, 1]


def test_the_arrays_of_members_cannot_be_changed() -> None:
    found = several()
    for array in (found.grid, *found.dense_curves[0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_a_long_run_puts_its_points_aside_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = several()
    monkeypatch.setattr("immunesim.numerics.compiled.engine.BUFFER_POINTS", 40)
    assert same(whole, several())


def test_a_look_at_the_clock_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = several()
    monkeypatch.setattr("immunesim.numerics.compiled.engine.MAX_GROUP_STEPS", 3)
    assert same(whole, several())


BLOWING_UP = make_model(
    {"A": ("pM", 1, 1)}, {"k": (0.1, "1/(pM*h)")}, {"growth": ("-> A", "k * A^2")}
)  # A = 1 / (1 - k t)


def test_a_member_that_fails_stops_nobody_else() -> None:
    rates = [0.01, 0.02, 2.3, 0.03, 0.55, 0.04]
    found = on_lanes(BLOWING_UP, 10.0, np.linspace(0, 10, 21), varied={"k": rates})
    assert found.done.tolist() == [True, True, False, True, False, True]
    for member, k in enumerate(rates):
        passed = np.isfinite(found.grid[member, :, 0])
        assert passed.sum() == (np.linspace(0, 10, 21) < 1 / k).sum() if k > 0.1 else passed.all()
        np.testing.assert_allclose(
            found.grid[member, passed, 0], 1 / (1 - k * np.linspace(0, 10, 21)[passed]), rtol=1e-4
        )


@pytest.mark.parametrize(
    ("rate", "status"), [("v * log(2 - k * time)", Status.NOT_FINITE), ("v * k / k", Status.NEGATIVE)]
)
def test_the_reason_of_a_failure_is_known(rate: str, status: int) -> None:
    model = make_model({"A": ("pM", 5, 5)}, {"k": (1.0, "1/h"), "v": (1.0, "pM/h")}, {"loss": ("A ->", rate)})
    found = on_lanes(model, 1000.0, np.linspace(0, 1000, 3))
    assert found.status.tolist() == [status]


def test_a_member_that_never_comes_to_an_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immunesim.numerics.compiled.engine.MAX_ATTEMPTS", 20)
    assert set(several().status.tolist()) == {Status.NO_PROGRESS}


def test_a_state_that_sleeps_is_zero() -> None:
    from immunesim.numerics.reduced_system import reduce_system

    reduced = reduce_system(ENZYME, {"S", "E"}, (), {})
    assert reduced.identically_zero == ("still",)
    assert reduced.species == ("S", "E", "C", "P")


def test_what_is_added_is_counted_while_the_members_run() -> None:
    stretches = [
        Stretch(0.0, 1.0, {"A": 2.0}, {"A": 3.0}),
        Stretch(1.0, 4.0, {"B": 5.0}, {"A": 1.0}, dilution={"A": 0.5}),
        Stretch(4.0, 6.0, dilution={"A": 4.0}),
    ]
    model = make_model(
        {"A": ("mM", 7, 1), "B": ("mM", 1, 1)},
        {"k": (0.3, "1/h")},
        {"loss": ("A ->", "k * A"), "turn": ("A -> B", "k * A")},
    )
    found = on_lanes(model, stretches, np.array([0.0, 6.0]), varied={"k": [0.0, 0.3, 30.0]}, dense=["A"])
    np.testing.assert_allclose(found.added, [[4.0 * (0.5 * (2.0 + 3.0) + 3.0), 5.0]] * 3, rtol=1e-14)
    assert found.grid[0, -1].tolist() == pytest.approx([4.0 * (0.5 * (7.0 + 5.0) + 3.0), 6.0])
