"""Regimens as trials write them, against the closed forms of one and two compartments, on both engines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.cli.program import main
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.views.text.notes import notes

from tests.experiments.test_members import assert_same, axis

V, CL, KA, WEIGHT = 4.0, 2.0, 1.5, 80.0
K = CL / V
V2, Q = 10.0, 1.5


def _parameter(name: str, value: float, unit: str, more: str = "") -> str:
    keys = f'label = "{name}", value = {value}, unit = "{unit}", source = "assumed", status = "assumed: a test"'
    return f"{name} = {{ {keys}{more} }}\n"


def model(*parameters: str, species: str = "", reactions: str = "") -> str:
    """A gut and plasma, and what a test adds; some parameters are for doses alone."""
    for_doses = ", for_doses = true"
    return "".join(
        [
            'title = "A drug"\ntime_unit = "h"\n[species]\n',
            'gut = { label = "drug in the gut", unit = "mg", initial = 0, scale = 1 }\n',
            'central = { label = "drug in plasma", unit = "mg/L", initial = 0, scale = 1, volume = "V" }\n',
            species,
            "[parameters]\n",
            _parameter("V", V, "L") + _parameter("CL", CL, "L/h") + _parameter("ka", KA, "1/h"),
            _parameter("body_weight", WEIGHT, "kg"),
            _parameter("F", 0.6, "1", f", range = [0, 1]{for_doses}") + _parameter("Tlag", 30, "min", for_doses),
            _parameter("Tinf", 2, "h", for_doses) + _parameter("D", 1.25, "mg/kg", for_doses),
            _parameter("speed", 0.5, "mg/kg/h", for_doses),
            *parameters,
            "[reactions]\n",
            'absorbed = { equation = "gut ->", rate = "ka * gut", source = "assumed" }\n',
            'entering = { equation = "-> central", rate = "ka * gut", source = "assumed" }\n',
            'elimination = { equation = "central ->", rate = "CL * central", source = "assumed" }\n',
            reactions,
        ]
    )


ONE = model()
TWO = model(
    _parameter("V2", V2, "L") + _parameter("Q", Q, "L/h"),
    species='tissue = { label = "drug in tissue", unit = "mg/L", initial = 0, scale = 1, volume = "V2" }\n',
    reactions='exchange = { equation = "central -> tissue", rate = "Q * (central - tissue)", source = "assumed" }\n',
)


def question(folder: Path, text: str, end: str = "48 h", model_text: str = ONE) -> str:
    (folder / "model.toml").write_text(model_text, encoding="utf-8")
    path = folder / "question.toml"
    head = f'title = "A regimen"\nmodel = "model.toml"\n[time]\nend = "{end}"\nevery = "1 h"\n'
    path.write_text(head + text, encoding="utf-8")
    return str(path)


def dose(amount: str = "100 mg", target: str = "central", **more: object) -> str:
    lines = [f'name = "drug"\ntarget = "{target}"\namount = "{amount}"']
    more = {"at": "0 h"} | more
    lines += [f"{key} = {value!r}".replace("'", '"').replace("True", "true") for key, value in more.items()]
    return "[[dose]]\n" + "\n".join(lines) + "\n"


def bolus(t: float) -> float:
    """Plasma after 1 mg at time 0."""
    return math.exp(-K * t) / V if t >= 0 else 0.0


def infusion(t: float, length: float) -> float:
    """Plasma during and after 1 mg over `length` from time 0."""
    if t <= 0:
        return 0.0
    during = (1 - math.exp(-K * min(t, length))) / (length * CL)
    return during * math.exp(-K * max(0.0, t - length))


def oral(t: float) -> float:
    """Plasma after 1 mg into the gut at time 0."""
    return KA / (V * (KA - K)) * (math.exp(-K * t) - math.exp(-KA * t)) if t > 0 else 0.0


def two_compartments() -> tuple[np.ndarray, np.ndarray]:
    """The rates and the amplitudes of plasma after a bolus of 1 mg."""
    a = np.array([[-(CL + Q) / V, Q / V], [Q / V2, -Q / V2]])
    values, vectors = np.linalg.eig(a)
    weights = np.linalg.solve(vectors, [1 / V, 0.0])
    return -values, vectors[0] * weights


CASES: dict[str, tuple[str, Callable[[float], float]]] = {
    "times in a list": (
        dose(at=["0 h", "8 h", "20 h"]),
        lambda t: 100 * sum(bolus(t - at) for at in (0, 8, 20)),
    ),
    "infusions at listed times": (
        dose(at=["1 h", "600 min", "20 h"], over="2 h"),
        lambda t: 100 * sum(infusion(t - at, 2) for at in (1, 10, 20)),
    ),
    "a rate": (dose(rate="25 mg/h", at="1 h"), lambda t: 100 * infusion(t - 1, 4)),
    "a rate that repeats": (
        dose(rate="0.5 mg/min", at="1 h", every="8 h", count=3),
        lambda t: 100 * sum(infusion(t - at, 100 / 30) for at in (1, 9, 17)),
    ),
    "an amount per kg at a rate": (dose("1 mg/kg", rate="20 mg/h"), lambda t: WEIGHT * infusion(t, 4)),
    "both per kg": (dose("1 mg/kg", rate="0.25 mg/kg/h"), lambda t: WEIGHT * infusion(t, 4)),
    "a lag": (dose(lag="30 min", every="12 h", count=2), lambda t: 100 * (bolus(t - 0.5) + bolus(t - 12.5))),
    "a share": (dose(target="gut", share="60 %"), lambda t: 60 * oral(t)),
    "a share and a lag by their parameters": (
        dose(target="gut", share="F", lag="Tlag", at=["0 h", "9 h"]),
        lambda t: 60 * (oral(t - 0.5) + oral(t - 9.5)),
    ),
    "amount and length by their parameters": (dose("D", over="Tinf"), lambda t: 100 * infusion(t, 2)),
    "amount and rate by their parameters": (dose("D", rate="speed"), lambda t: 100 * infusion(t, 2.5)),
}


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_plasma_is_the_closed_form(name: str, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "scipy":
        monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    text, exact = CASES[name]
    run = sim.run(question(folder, text))
    times = run["time"]
    wanted = np.array([exact(t + 1e-12) for t in times])
    scale = wanted.max()
    np.testing.assert_allclose(run["central"], wanted, rtol=1e-6, atol=1e-6 * scale)
    assert run.reliable


def test_two_compartments_with_listed_times(folder: Path) -> None:
    run = sim.run(question(folder, dose(at=["0 h", "8 h", "20 h"]), end="72 h", model_text=TWO))
    rates, sizes = two_compartments()
    times = run["time"]
    wanted = sum(
        np.where(times >= at, np.exp(-np.outer((times - at).clip(min=0), rates)) @ sizes, 0.0) for at in (0, 8, 20)
    )
    np.testing.assert_allclose(run["central"], 100 * wanted, rtol=1e-6)


# measures


def test_the_value_before_a_dose_is_its_trough(folder: Path) -> None:
    run = sim.run(question(folder, dose(every="8 h", count=4)))
    troughs = [float(run.measure(f"before(central, '{at} h')")) for at in (8, 16, 24)]
    r = math.exp(-8 * K)
    assert troughs == pytest.approx([100 / V * sum(r**i for i in range(1, n + 1)) for n in (1, 2, 3)], rel=1e-6)
    assert float(run.measure("at(central, '8 h')")) == pytest.approx(troughs[0] + 25, rel=1e-6)
    assert float(run.measure("before(central, '8.5 h')")) == pytest.approx(
        float(run.measure("at(central, '8.5 h')")), rel=1e-12
    )


def test_areas_and_half_lives_go_on_to_infinity(folder: Path) -> None:
    run = sim.run(question(folder, dose(), end="12 h"))
    assert float(run.measure("auc_inf(central)")) == pytest.approx(100 / CL, rel=1e-6)
    assert float(run.measure("terminal_half_life(central)")) == pytest.approx(math.log(2) / K, rel=2e-6)
    assert float(run.measure("auc_inf(central, '0 h', '8 h')")) == pytest.approx(100 / CL, rel=1e-6)
    two = sim.run(question(folder, dose(), end="80 h", model_text=TWO))
    rates, _ = two_compartments()
    assert float(two.measure("auc_inf(central)")) == pytest.approx(100 / CL, rel=1e-6)
    assert float(two.measure("terminal_half_life(central)")) == pytest.approx(math.log(2) / rates.min(), rel=2e-6)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (dose(), "2 h"),  # less than two half-lives
        (dose(every="2 h", count=4), "8 h"),  # a dose within them
        (dose("0 mg"), "12 h"),
    ],
)
def test_without_two_half_lives_there_is_no_terminal_one(text: str, end: str, folder: Path) -> None:
    run = sim.run(question(folder, text, end=end))
    for measure in ("auc_inf(central)", "terminal_half_life(central)"):
        found = run.measure(measure)
        assert math.isnan(float(found))
        assert "no exponential fall over two half-lives" in str(found)


def test_a_curve_that_bends_at_its_end_has_no_terminal_half_life(folder: Path) -> None:
    run = sim.run(question(folder, dose(), end="5 h", model_text=TWO))
    assert math.isnan(float(run.measure("terminal_half_life(central)")))


# members


MOVING = dose("D", rate="speed", lag="Tlag", share="F", every="12 h", count=2)


def test_members_have_their_own_rate_lag_and_share(folder: Path) -> None:
    names = ["D", "speed", "Tlag", "F", "body_weight", "dose.drug.rate", "dose.drug.share", "dose.drug.lag"]
    units = ["mg/kg", "mg/kg/h", "min", "1", "kg", "mg/kg/h", "1", "h"]
    rng = np.random.default_rng(1)
    own = np.array([1.25, 0.5, 30, 0.6, 80, 0.5, 0.6, 0.5])
    scenario = sim.run(question(folder, MOVING)).result.scenario
    for some in itertools.chain(([i] for i in range(8)), ([0, 1, 2, 3, 4], [0, 5, 6, 7])):
        axes = [axis(names[i], units[i]) for i in some]
        values = own[some] * rng.uniform(0.8, 1.2, (5, len(some)))
        assert_same(scenario, scenario.arm("main"), axes, values)


def test_a_batch_of_lags_and_lengths_is_the_closed_form(folder: Path) -> None:
    path = question(folder, dose(over="Tinf", lag="Tlag", share="F"))
    f = sim.batch(path, vary=["Tinf", "Tlag", "F"], curves=["central"], at=["7 h"])
    rows = np.array([[1.0, 30.0, 0.5], [3.0, 60.0, 1.0], [2.5, 0.0, 0.25]])
    found = f(rows)
    wanted = [100 * share * infusion(7 - lag / 60, length) for length, lag, share in rows]
    np.testing.assert_allclose(found.curves["central"][:, 0], wanted, rtol=1e-6)


def test_a_member_whose_infusions_would_overlap_fails_alone(folder: Path) -> None:
    f = sim.batch(
        question(folder, dose(over="Tinf", every="4 h", count=3)), vary=["Tinf"], measures={"top": "max(central)"}
    )
    found = f([[2.0], [5.0]])
    assert np.isfinite(found.measures["top"][0])
    assert list(found.failures) == [1]
    assert "longer than its interval" in found.failures[1].message


# the ledger


def test_the_ledger_tells_given_from_absorbed(folder: Path) -> None:
    run = sim.run(question(folder, dose(share="F", lag="4 h", at=["0 h", "20 h", "46 h", "60 h"])))
    (line,) = run.ledger
    assert (line["given"], line["count"]) == (3, 4)
    assert (line["ordered"], line["delivered"], line["remaining"]) == (400, 300, 100)
    assert line["absorbed"] == pytest.approx(120)  # the third enters after the end
    assert run.result.arms["main"].trajectory.added["central"] == pytest.approx(120 / V)


def test_an_infusion_that_is_cut_is_given_in_part(folder: Path) -> None:
    run = sim.run(question(folder, dose(rate="10 mg/h", at="40 h", lag="2 h")))
    (line,) = run.ledger
    assert line["delivered"] == pytest.approx(80)
    assert line["absorbed"] == pytest.approx(60)


def test_an_arm_replaces_a_length_by_a_rate_and_an_interval_by_a_list(folder: Path) -> None:
    text = dose(over="2 h", every="8 h", count=3)
    text += '[arms.slow]\ndose.drug.rate = "20 mg/h"\n[arms.listed]\ndose.drug.at = ["0 h", "30 h"]\n'
    run = sim.run(question(folder, text))
    assert [arm.arm.doses[0].over for arm in run.result.arms.values()] == [2, 5, 2]
    assert [row["count"] for row in run.ledger] == [3, 3, 2]
    assert float(run.measure("at(central, '32 h', arm='listed')")) == pytest.approx(
        100 * (infusion(32, 2) + infusion(2, 2)), rel=1e-6
    )


def test_a_rate_that_is_set_replaces_the_length(folder: Path) -> None:
    path = question(folder, dose(over="2 h"))
    assert sim.run(path, set={"dose.drug.rate": "20 mg/h"}).result.arms["main"].arm.doses[0].over == 5
    with pytest.raises(sim.InputError, match="either 'over', its length, or 'rate'"):
        sim.run(path, set={"dose.drug.rate": "20 mg/h", "dose.drug.over": "1 h"})


def test_parameters_of_an_arm_decide_its_lags(folder: Path) -> None:
    text = dose(lag="Tlag") + '[arms.late]\nparameters.Tlag = "3 h"\n'
    run = sim.run(question(folder, text))
    assert float(run.measure("at(central, '5 h', arm='late')")) == pytest.approx(100 * bolus(2), rel=1e-6)
    assert float(run.measure("at(central, '5 h')")) == pytest.approx(100 * bolus(4.5), rel=1e-6)


# steady states


def recurring(one: Callable[[float], float], t: float, every: float) -> float:
    """A dose each `every` for ever: all that was given before, until it is nothing."""
    first = math.floor(t / every)
    return sum(one(t - number * every) for number in range(first, first - 2000, -1))


STEADY: dict[str, tuple[str, Callable[[float], float]]] = {
    "a bolus": (dose(every="8 h"), lambda t: 100 * recurring(bolus, t, 8)),
    "later than the start": (dose(at="3 h", every="8 h"), lambda t: 100 * recurring(bolus, t - 3, 8)),
    "an infusion": (dose(every="6 h", over="2 h"), lambda t: 100 * recurring(lambda s: infusion(s, 2), t, 6)),
    "an infusion under way at the start": (
        dose(at="5 h", every="6 h", over="2 h"),
        lambda t: 100 * recurring(lambda s: infusion(s, 2), t - 5, 6),
    ),
    "by mouth, late, in part": (
        dose(target="gut", every="4 h", lag="Tlag", share="F"),
        lambda t: 60 * recurring(oral, t - 0.5, 4),
    ),
    "a lag of more than an interval": (
        dose(every="4 h", lag="9 h", over="2 h"),
        lambda t: 100 * recurring(lambda s: infusion(s, 2), t - 9, 4),
    ),
    "a lag of an interval": (dose(every="4 h", lag="4 h"), lambda t: 100 * recurring(bolus, t, 4)),
    "often": (dose(every="15 min", count=40), lambda t: 100 * recurring(bolus, min(t, 9.75), 0.25) * cut(t, 9.75)),
}


def cut(t: float, last: float) -> float:
    """What is left of plasma since the last dose."""
    return math.exp(-K * max(0.0, t - last))


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", STEADY)
def test_a_steady_state_is_the_closed_form_from_the_start(
    name: str, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "scipy":
        monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    text, exact = STEADY[name]
    run = sim.run(question(folder, text + "steady_state = true\n", end="30 h"))
    wanted = np.array([exact(t + 1e-9) for t in run["time"]])
    # LSODA starts again at each of many doses, at the lowest order
    np.testing.assert_allclose(run["central"], wanted, rtol=3e-6 if (name, engine) == ("often", "scipy") else 1e-6)


def test_a_steady_state_of_two_compartments(folder: Path) -> None:
    run = sim.run(question(folder, dose(every="12 h") + "steady_state = true\n", model_text=TWO))
    rates, sizes = two_compartments()
    wanted = [
        100 * float((sizes * np.exp(-rates * (t % 12 if t < 48 else 12.0)) / (1 - np.exp(-rates * 12))).sum())
        for t in run["time"]
    ]
    np.testing.assert_allclose(run["central"], wanted, rtol=1e-6)
    assert [row["count"] for row in run.ledger] == [4]  # until the end of the run


def test_two_regimens_have_their_common_period(folder: Path) -> None:
    text = dose(every="4 h") + "steady_state = true\n"
    text += dose("30 mg", every="6 h", at="2 h").replace('"drug"', '"other"') + "steady_state = true\n"
    text += dose("50 mg", at="1 h").replace('"drug"', '"extra"')
    run = sim.run(question(folder, text, end="24 h"))
    wanted = [
        100 * recurring(bolus, t + 1e-9, 4) + 30 * recurring(bolus, t - 2 + 1e-9, 6) + 50 * bolus(t - 1)
        for t in run["time"][:-1]
    ]
    np.testing.assert_allclose(run["central"][:-1], wanted, rtol=1e-6)


SATURABLE = model(
    _parameter("Vmax", 12, "mg/h") + _parameter("Km", 3, "mg/L"),
    species='urine = { label = "drug in urine", unit = "mg", initial = 0, scale = 1 }\n',
    reactions='saturable = { equation = "central -> urine", rate = "Vmax * saturation(central, Km)",'
    ' source = "assumed" }\n',
)


def test_a_saturable_drug_reaches_the_state_that_many_doses_reach(folder: Path) -> None:
    steady = sim.run(question(folder, dose(every="8 h") + "steady_state = true\n", end="8 h", model_text=SATURABLE))
    long = sim.run(question(folder, dose(every="8 h", count=100), end="800 h", model_text=SATURABLE))
    last = float(long.measure("at(central, '792 h')"))
    assert steady["central"][0] == pytest.approx(last, rel=1e-5)
    assert steady["urine"][0] == 0.0  # it is only counted


def test_members_start_in_their_own_steady_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = question(folder, dose(every="8 h", over="Tinf", lag="Tlag") + "steady_state = true\n", end="24 h")
    rows = np.array([[1.0, 2.0, 30.0], [3.0, 1.0, 0.0], [2.0, 5.0, 120.0]])

    def troughs() -> np.ndarray:
        f = sim.batch(path, vary=["CL", "Tinf", "Tlag"], measures={"trough": "before(central, '16 h')"})
        return f(rows).measures["trough"]

    k = rows[:, 0] / V
    since = 8 - rows[:, 1] - rows[:, 2] / 60  # the last infusion ended so long ago
    wanted = 100 / rows[:, 1] / rows[:, 0] * (1 - np.exp(-k * rows[:, 1])) * np.exp(-k * since) / (1 - np.exp(-k * 8))
    np.testing.assert_allclose(troughs(), wanted, rtol=1e-6)
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    np.testing.assert_allclose(troughs(), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (dose(every="8 h") + "steady_state = true\n" + '[parameters]\nCL = "0 L/h"\n', "nothing takes central away"),
        (
            dose(every="8 h") + 'steady_state = true\n' + dose(every="8.0000001 h").replace('"drug"', '"other"')
            + "steady_state = true\n",
            "no common period",
        ),
    ],
)  # fmt: skip
def test_a_regimen_without_a_steady_state_is_refused_by_name(text: str, message: str, folder: Path) -> None:
    path = question(folder, text)
    with pytest.raises(sim.InputError, match=message):
        sim.run(path)
    found = sim.batch(path, vary=["ka"], measures={"top": "max(central)"})([[1.0]])
    assert message in found.failures[0].message


# dose by dose


def test_each_dose_has_its_peak_trough_and_area(folder: Path) -> None:
    load = dose("250 mg").replace('"drug"', '"load"')
    text = load + dose(at="8 h", every="8 h", count=3) + "[arms.steady]\ndose.drug.at = '0 h'\nwithout = ['load']\n"
    text += "dose.drug.steady_state = true\n"
    run = sim.run(question(folder, text, end="30 h"))
    table = run.nca("central")
    first = [row for row in table if row["arm"] == "main"]
    assert [(row["dose"], row["number"], row["start"]) for row in first] == [
        ("load", 1, 0), ("drug", 1, 8), ("drug", 2, 16), ("drug", 3, 24)
    ]  # fmt: skip
    r, high = math.exp(-8 * K), 250 / V
    for row, amount in zip(first, (100, 100, 100, 0), strict=True):
        length = 8 if row["number"] != 3 else 6
        assert row["peak"] == pytest.approx(high, rel=1e-6)
        assert row["time_of_peak"] == 0
        assert row["trough"] == pytest.approx(high * math.exp(-length * K), rel=1e-6)
        assert row["area"] == pytest.approx(high / K * (1 - math.exp(-length * K)), rel=1e-6)
        high = high * r + amount / V
    assert [row["accumulation"] for row in first] == [1, None, None, None]  # the others are no load, or cut by the end
    steady = [row for row in table if row["arm"] == "steady"]
    assert [row["accumulation"] for row in steady] == pytest.approx([1, 1, 1], rel=1e-6)
    assert steady[0]["area"] == pytest.approx(100 / CL, rel=1e-6)


def test_accumulation_is_that_of_the_closed_form(folder: Path) -> None:
    run = sim.run(question(folder, dose(target="gut", every="6 h", count=4), end="24 h"))
    rows = run.nca("central")
    areas = [sum(_area_of_oral(6 * n) - _area_of_oral(6 * (n - 1)) for n in range(1, k + 1)) for k in range(1, 5)]
    assert [row["area"] for row in rows] == pytest.approx([100 * area for area in areas], rel=1e-6)
    assert [row["accumulation"] for row in rows] == pytest.approx([area / areas[0] for area in areas], rel=1e-6)
    assert rows[0]["time_of_peak"] == pytest.approx(math.log(KA / K) / (KA - K), rel=1e-4)


def _area_of_oral(t: float) -> float:
    return KA / (V * (KA - K)) * ((1 - math.exp(-K * t)) / K - (1 - math.exp(-KA * t)) / KA)


def test_the_table_of_doses_is_printed_and_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = question(folder, dose(every="8 h", count=2))
    assert main(["run", path, "--nca", "central", "--out", str(folder / "out"), "--no-plots"]) == 0
    assert "central, dose by dose" in capsys.readouterr().out
    header, *rows = (folder / "out" / "nca.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("name,arm,dose,number,start,end,peak,time_of_peak,trough,area,accumulation")
    assert len(rows) == 2
    assert main(["run", path, "--nca", "centrl"]) == 2
    assert "did you mean 'central'?" in capsys.readouterr().err
    assert main(["run", question(folder, ""), "--nca", "central"]) == 2
    assert "there is no dose to look at" in capsys.readouterr().err


# bad input


WRONG = {
    "rate and over": (dose(rate="5 mg/h", over="2 h"), "either 'over', its length, or 'rate'"),
    "a rate of another kind": (dose(rate="5 mg"), "no amount of central per time"),
    "a rate of nothing": (dose(rate="0 mg/h"), "a rate must be above zero"),
    "a rate that is no quantity": (dose(rate="fast enough"), "expected an amount per time such as '5 mg/h'"),
    "a rate of a concentration": (dose(rate="5 mg/L/h"), "both be of the drug itself, or both of its concentration"),
    "a lag below zero": (dose(lag="-1 h"), "expected a time at or after zero"),
    "a lag of another unit": (dose(lag="1 mg"), "expected a time such as"),
    "a share above 1": (dose(share="120 %"), "lies between 0 and 1, found '120 %'"),
    "a share below 0": (dose(share=-0.1), "lies between 0 and 1"),
    "a share with a unit": (dose(share="1 mg"), "expected a share such as '70 %'"),
    "a share by no share": (dose(share="V"), "expected a parameter with unit '1' and range [0, 1]"),
    "a lag by no time": (dose(lag="V"), "expected a time, found V in L"),
    "an amount by a time": (dose("Tinf"), "expected an amount that becomes mg/L of central"),
    "a rate by an amount": (dose(rate="D"), "no amount of central per time"),
    "nearly a parameter": (dose(lag="Tlagg"), "no parameter 'Tlagg'; did you mean 'Tlag'?"),
    "times that fall": (dose(at=["0 h", "9 h", "8 h"]), "'8 h' comes after '9 h'"),
    "times given twice": (dose(at=["0 h", "8 h", "480 min"]), "'480 min' is the same as '8 h'"),
    "no times": (dose(at=[]), "expected from 1 to 100000 times, found 0"),
    "a time of another unit": (dose(at=["0 h", "8 mg"]), "expected a time such as"),
    "a list and an interval": (dose(at=["0 h", "8 h"], every="8 h"), "leave out 'every'"),
    "a list and a count": (dose(at=["0 h", "8 h"], count=2), "leave out 'count'"),
    "infusions that overlap": (dose(at=["0 h", "8 h", "9 h"], over="2 h"), "doses at 8 and 9 h"),
    "a rate too slow": (dose(rate="10 mg/h", every="8 h", count=2), "longer than its interval"),
    "times after the end": (dose(at=["50 h", "60 h"]), "but the run ends at"),
    "a steady state without an interval": (dose() + "steady_state = true\n", "a steady state needs 'every'"),
    "a steady state of listed times": (dose(at=["0 h", "8 h"]) + "steady_state = true\n", "leave out 'steady_state'"),
    "a steady state that begins later": (
        dose(at="9 h", every="8 h") + "steady_state = true\n",
        "'at' comes before '8 h', found '9 h'",
    ),
    "a change of what a dose names": (
        dose(over="Tinf") + '[[change]]\nat = "5 h"\nparameters = { Tinf = "1 h" }\n',
        "the dose 'drug' depends on Tinf, which a timed change sets",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_one_fault(name: str, folder: Path) -> None:
    text, message = WRONG[name]
    with pytest.raises(sim.InputError) as caught:
        sim.run(question(folder, text))
    assert len(caught.value.faults) == 1, caught.value
    assert message in str(caught.value)


def test_a_steady_state_of_a_model_that_knows_the_time_is_refused(folder: Path) -> None:
    clock = ONE.replace('"CL * central"', '"CL * central * (1 + 0.1 * min(time / body_weight, 0))"')
    clock = clock.replace("body_weight, 0", "Tinf, 0").replace("time / body_weight", "time / Tinf")
    with pytest.raises(sim.InputError, match="elimination depends on time itself"):
        sim.run(question(folder, dose(every="8 h") + "steady_state = true\n", model_text=clock))


def test_a_parameter_that_no_dose_names_is_worth_a_note(folder: Path) -> None:
    set_in_vain = '[parameters]\nTlag = "1 h"\n'
    said = notes(read_scenario(question(folder, dose() + set_in_vain)))
    assert said == ["Tlag is for doses, and no dose of arm main names it, so that it has no effect there"]
    assert notes(read_scenario(question(folder, dose(lag="Tlag") + set_in_vain))) == []


def test_an_arm_s_own_dose_in_steady_state_goes_on_until_the_end(folder: Path) -> None:
    text = "[arms.own.dose.extra]\n" + dose(every="6 h").partition("\n")[2].partition("\n")[2] + "steady_state = true\n"
    run = sim.run(question(folder, text, end="24 h"))
    assert [row["count"] for row in run.ledger] == [4]


def test_the_start_of_the_run_has_nothing_before_it(folder: Path) -> None:
    run = sim.run(question(folder, dose()))
    with pytest.raises(sim.InputError, match="needs a time after the start"):
        run.measure("before(central, '0 h')")


def test_the_interval_in_which_a_run_fails_has_no_values(failing: Path) -> None:
    """The arm half fails at 5 d, in the interval of its second dose; that of the first was whole."""
    rows = [row for row in sim.run(failing).nca("y") if row["arm"] == "half"]
    assert [(row["start"], row["reason"]) for row in rows] == [(1, ""), (4, "the run failed before")]
    assert rows[0]["area"] > 0
    assert [rows[1][key] for key in ("peak", "time_of_peak", "trough", "area", "accumulation")] == [None] * 5
    once = sim.run(failing, set={"dose.push.count": 1}, arms=["half"]).nca("y")
    assert [row["reason"] for row in once] == [""]  # the interval ends with that of the dose, before the run fails
