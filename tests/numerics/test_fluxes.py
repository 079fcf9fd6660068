"""What moves a curve adds up: to its derivative, and over any time to what it does."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import find_scenario
from immunesim.numerics.dense_output import POINTS_PER_STEP
from immunesim.numerics.fluxes import Fluxes, fluxes

from tests.slow import thinned
from tests.systems import Stretch, make_model, simulate

CURVES = {  # species and observables: fast, slow, stiff, dosed, changed, explicit in time
    "core_memory": ("IL2", "T_active"),
    "acute_infection": ("IL2", "pathogen", "T_active", "IL1", "lymphocytes", "CRP"),
    "il2_therapy": ("IL2_plasma", "IL2", "tumour", "blood_pressure", "heart_rate"),
    "transient_stop": ("T_self", "stop_heard", "tissue_damage"),
    "vaccination": ("antibody", "B_memory"),
    "kirschner_panetta": ("tumour", "IL2"),
}
CASES = [(scenario, name) for scenario, names in CURVES.items() for name in names]
MODEL = make_model(
    {"A": ("pM", 5, 10), "B": ("pM", 1, 10), "silent": ("pM", 0, 10)},
    {"k": (0.5, "1/h"), "gain": (2.0, "1"), "day": (24.0, "h"), "K": (3.0, "pM")},
    {
        "loss": ("A ->", "k * A"),
        "turns": ("A -> B", "k * saturation(A, K) * B"),
        "comes_back": ("B -> A", "k * hill(B, K, 1.5) * B"),
        "wave": ("-> A", "k * K * (1 + time / day)"),
        "never": ("-> silent", "k * silent"),
    },
    {
        "seen": ("pM^2", "gain * A * B + K * A * (time / day)"),
        "clock": ("1", "(time / day)^2"),
        "bent": ("1", "(A / K)^1.5 + (B / K)^(A / K)"),
    },
)
STRETCHES = [
    Stretch(0, 4),
    Stretch(4, 9, jump={"A": 20.0}),
    Stretch(9, 12, infusion={"B": 3.0}),
    Stretch(12, 20, jump={"B": 4.0}, parameters={"gain": 5.0}),
]


@pytest.fixture(scope="module")
def curves():
    """The steps of each scenario's main arm, simulated once."""
    kept = {}

    def of(scenario: str):
        if scenario not in kept:
            found = run(read_scenario(find_scenario(scenario)), certify=False, arms=["main"])
            kept[scenario] = found.arms["main"].trajectory.dense
        return kept[scenario]

    return of


@pytest.fixture(scope="module")
def toy():
    return simulate(MODEL, STRETCHES, np.linspace(0, 20, 41)).dense


def gross(flux: Fluxes):
    return sum(np.abs(row) for row in flux.reactions.values()) + np.abs(flux.infusion) + np.abs(flux.explicit_time)


def check_derivative(flux: Fluxes) -> None:
    """The derivative of the curve in the middle of each step, from the five points of the step."""
    for part in flux.segment_slices:
        first = np.arange(part.start, part.stop - 1, POINTS_PER_STEP)
        y = flux.values[first[:, None] + np.arange(POINTS_PER_STEP + 1)]
        between = (flux.times[first + POINTS_PER_STEP] - flux.times[first]) / POINTS_PER_STEP
        numerical = (y[:, 0] - 8 * y[:, 1] + 8 * y[:, 3] - y[:, 4]) / (12 * between)
        middle = first + POINTS_PER_STEP // 2
        size = gross(flux)[middle] + 1e-3 * gross(flux).max()
        rounding = 1e-14 * np.abs(y).max(axis=1) / between
        off = (np.abs(numerical - flux.derivative[middle]) - rounding) / size
        # The derivative of a polynomial through a step that is right to 1e-6 (1e-7 with LSODA, and 2e-4 here)
        assert off.max() < 1e-3, (flux.name, flux.times[middle[off.argmax()]], off.max())


def check_windows(flux: Fluxes) -> None:
    """Between any two points integrals and jumps come to what the curve does."""
    parts = [*flux.reactions.values(), flux.infusion, flux.explicit_time]
    total = sum(flux.integral(row) for row in parts) + flux.cumulative_jumps("dosed") + flux.cumulative_jumps("changed")
    off = total - (flux.values - flux.values[0])
    turnover = flux.integral(gross(flux))[-1] + np.ptp(flux.values)
    assert np.ptp(off) < 1e-6 * turnover, (flux.name, np.ptp(off) / turnover)  # the worst of all windows


@pytest.mark.parametrize(
    ("scenario", "name"), thinned(CASES, every=len(CASES), unpack=True), ids=[":".join(case) for case in CASES]
)
def test_fluxes_add_up_to_the_derivative_and_to_the_curve(curves, scenario: str, name: str) -> None:
    flux = fluxes(curves(scenario), name)
    assert flux.reactions
    check_derivative(flux)
    check_windows(flux)


@pytest.mark.parametrize("name", ["A", "B", "seen", "clock", "bent"])
def test_fluxes_of_the_toy_add_up(toy, name: str) -> None:
    flux = fluxes(toy, name)
    check_derivative(flux)
    check_windows(flux)


@pytest.mark.parametrize("scenario", thinned(CURVES, every=len(CURVES)))
def test_fluxes_of_a_species_are_its_slope_to_rounding(curves, scenario: str) -> None:
    dense = curves(scenario)
    system = dense.system
    for name in CURVES[scenario]:
        if name in system.species:
            flux, place = fluxes(dense, name), system.species.index(name)
            for steps, part in zip(dense.segments, dense.segment_slices(), strict=True):
                slope = system.rhs_along(dense.times()[part], dense.states()[part], steps.parameters)[place]
                off = np.abs(flux.derivative[part] - slope - steps.infusion[place])
                assert (off <= 1e-14 * gross(flux)[part]).all()


@pytest.mark.slow
def test_what_comes_through_species_is_what_their_reactions_add(curves) -> None:
    flux = fluxes(curves("acute_infection"), "lymphocytes")
    assert len(flux.species) > 3
    through, added = sum(flux.species.values()), sum(flux.reactions.values())
    np.testing.assert_allclose(through, added, rtol=0, atol=1e-12 * gross(flux).max())


def test_what_adds_nothing_is_left_out(toy) -> None:
    assert list(fluxes(toy, "A").reactions) == ["loss", "turns", "comes_back", "wave"]
    assert not fluxes(toy, "silent").reactions


def test_a_jump_is_told_apart_into_doses_and_changes_of_parameters(toy) -> None:
    flux = fluxes(toy, "seen")
    assert [flux.times[jump.point] for jump in flux.jumps] == [4, 12]
    dose, both = flux.jumps
    a, b = (toy.values(name) for name in ("A", "B"))
    assert dose.dosed == pytest.approx(20 * (2 * b[dose.point] + 3 * 4 / 24), rel=1e-12)
    assert dose.changed == 0
    assert both.dosed == pytest.approx(2 * a[both.point] * 4, rel=1e-12)
    assert both.changed == pytest.approx((5 - 2) * a[both.point] * b[both.point], rel=1e-12)


def test_an_infusion_reaches_an_observable_by_the_chain_rule(toy) -> None:
    flux = fluxes(toy, "seen")
    inside = (flux.times > 9) & (flux.times < 12)
    np.testing.assert_allclose(flux.infusion[inside], 3 * 2 * toy.values("A")[inside], rtol=1e-12)
    assert not flux.infusion[~((flux.times >= 9) & (flux.times <= 12))].any()


def test_formulas_of_time_move_an_observable_that_names_it(toy) -> None:
    flux = fluxes(toy, "clock")
    assert not flux.reactions
    np.testing.assert_allclose(flux.explicit_time, 2 * flux.times / 24**2, rtol=1e-12)


def test_integrals_are_exact_for_what_a_quartic_holds(toy) -> None:
    flux = fluxes(toy, "A")
    np.testing.assert_allclose(flux.integral(flux.times**4), flux.times**5 / 5, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(("name", "dosed", "changed"), [("A", 20.0, -1), ("seen", None, -1), ("B", 0.0, 0)])
def test_a_dilution_is_a_change_and_what_is_given_then_is_a_dose(name: str, dosed: float | None, changed: int) -> None:
    stretches = [Stretch(0, 4), Stretch(4, 9, jump={"A": 20.0}, dilution={"A": 0.5})]
    flux = fluxes(simulate(MODEL, stretches, np.linspace(0, 9, 10)).dense, name)
    if name == "B":
        assert flux.jumps == ()
        return
    (jump,) = flux.jumps
    before, after = flux.values[jump.point - 1 : jump.point + 1]
    assert jump.dosed + jump.changed == pytest.approx(after - before)
    assert np.sign(jump.changed) == changed
    if dosed is not None:
        assert jump.dosed == pytest.approx(dosed)
        assert jump.changed == pytest.approx(-before / 2)
