"""Parameters that follow tables over time, against closed forms on both engines."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest

from tests.experiments.test_members import assert_same, axis

V, K = 4.0, 0.5

MODEL = """\
title = "A drug that is fed"
time_unit = "h"
[species]
central = { label = "drug in plasma", unit = "mg/L", initial = 0, scale = 1, volume = "V" }
[parameters]
V = { label = "volume", value = 4, unit = "L", source = "assumed", status = "assumed: a test" }
k = { label = "loss", value = 0.5, unit = "1/h", source = "assumed", status = "assumed: a test" }
feed = { label = "feed", value = 1, unit = "mg/L/h", source = "assumed", status = "assumed: a test" }
spare = { label = "spare", value = 1, unit = "h", for_doses = true, source = "assumed", status = "assumed: a test" }
[observables]
fed = { label = "what is fed", unit = "mg/h", value = "feed * V" }
[reactions]
feeding = { equation = "-> central", rate = "feed * V", source = "assumed" }
elimination = { equation = "central ->", rate = "k * V * central", source = "assumed" }
"""
KNOTS = [(1.0, 2.0), (3.0, 6.0), (4.5, 0.0), (9.0, 3.0)]
POINTS = "points = [" + ", ".join(f'{{ time = "{t} h", value = "{v} mg/L/h" }}' for t, v in KNOTS) + "]\n"


def question(folder: Path, text: str, end: str = "12 h") -> str:
    (folder / "model.toml").write_text(MODEL, encoding="utf-8")
    path = folder / "question.toml"
    head = f'title = "An input"\nmodel = "model.toml"\n[time]\nend = "{end}"\nevery = "30 min"\n'
    path.write_text(head + text, encoding="utf-8")
    return str(path)


def feed(t: float, linear: bool) -> float:
    times, values = zip(*KNOTS, strict=True)
    if linear:
        return float(np.interp(t, times, values))
    return next((value for time, value in reversed(KNOTS) if t >= time), values[0])


def plasma(t: float, linear: bool, k: float = K) -> float:
    """Plasma at t, from nothing at time 0: on each piece the feed is a + b s."""
    edges = [0.0, *(time for time, _ in KNOTS if time < t), t]
    found = 0.0
    for start, end in pairwise(edges):
        if end == start:
            continue
        length, a = end - start, feed(start, linear)
        b = (feed(end, linear) - a) / length if linear else 0.0

        def settled(s: float, a: float = a, b: float = b) -> float:
            return a / k + b * s / k - b / k**2

        found = settled(length) + (found - settled(0.0)) * math.exp(-k * length)
    return found


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
@pytest.mark.parametrize("way", ["linear", "steps"])
def test_plasma_is_the_closed_form(way: str, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "scipy":
        monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    run = sim.run(question(folder, f'[inputs.feed]\n{POINTS}interpolation = "{way}"\n'))
    linear = way == "linear"
    wanted = [plasma(t, linear) for t in run["time"]]
    np.testing.assert_allclose(run["central"], wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(run["fed"], [V * feed(t, linear) for t in run["time"]], rtol=1e-12, atol=1e-12)
    assert run.reliable


def test_an_input_is_read_from_a_file(folder: Path) -> None:
    rows = [f"{60 * t:g};{24 * v:g}".replace(".", ",") for t, v in KNOTS]
    text = "\n".join(["time [min];value [mg/L/d]", *rows])
    (folder / "feed.csv").write_text(text, encoding="latin-1")
    of_file = sim.run(question(folder, '[inputs.feed]\nfile = "feed.csv"\n'))
    here = sim.run(question(folder, f"[inputs.feed]\n{POINTS}"))
    np.testing.assert_allclose(of_file["central"], here["central"], rtol=1e-12)
    saved = of_file.save(folder / "out")
    assert saved["ok"]
    again = sim.run(folder / "out" / "scenario.toml")  # with its points, and its model
    np.testing.assert_array_equal(again["central"], of_file["central"])


def test_an_arm_that_sets_the_parameter_follows_no_input(folder: Path) -> None:
    text = f'[inputs.feed]\n{POINTS}[arms.constant]\nparameters.feed = "2 mg/L/h"\n'
    run = sim.run(question(folder, text))
    wanted = 2 / K * (1 - np.exp(-K * run["time", "constant"]))
    np.testing.assert_allclose(run["central", "constant"], wanted, rtol=1e-6, atol=1e-9)
    set_here = sim.run(question(folder, f"[inputs.feed]\n{POINTS}"), set={"feed": "2 mg/L/h"})
    np.testing.assert_allclose(set_here["central"], 2 / K * (1 - np.exp(-K * set_here["time"])), rtol=1e-6, atol=1e-9)


def test_members_follow_the_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"[inputs.feed]\n{POINTS}"
    text += '[[dose]]\nname = "drug"\ntarget = "central"\namount = "8 mg"\nat = "2 h"\nover = "spare"\n'
    path = question(folder, text)
    scenario = sim.run(path).scenario
    values = np.array([[0.5, 1.0], [1.0, 0.25], [0.25, 2.0]])
    assert_same(scenario, scenario.arm("main"), [axis("k", "1/h"), axis("spare", "h")], values)

    def ends() -> np.ndarray:
        return sim.batch(path, vary=["k", "dose.drug.amount"], measures={"at": "at(central, '12 h')"})(
            [[0.5, 0.0], [1.0, 0.0]]
        ).measures["at"]

    wanted = [plasma(12, True, k) for k in (0.5, 1.0)]
    np.testing.assert_allclose(ends(), wanted, rtol=1e-6)
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    np.testing.assert_allclose(ends(), wanted, rtol=1e-6)


def test_many_knots_are_followed(folder: Path) -> None:
    times = np.linspace(0, 12, 1500)
    rows = [f"{t!r},{math.sin(t) ** 2!r}" for t in times.tolist()]
    (folder / "feed.csv").write_text("\n".join(["time [h],value [mg/L/h]", *rows]), encoding="utf-8")
    run = sim.run(question(folder, '[inputs.feed]\nfile = "feed.csv"\n'))
    t = run["time"]
    w, phase = math.hypot(K, 2), math.atan2(2, K)  # sin^2 t = (1 - cos 2 t) / 2
    wanted = 0.5 / K - 0.5 / w * np.cos(2 * t - phase)
    wanted = wanted - (0.5 / K - 0.5 / w * math.cos(phase)) * np.exp(-K * t)
    np.testing.assert_allclose(run["central"], wanted, atol=2e-5)  # a line between knots differs so much from a sine


DOSE = '[[dose]]\nname = "drug"\ntarget = "central"\namount = "8 mg"\nat = "0 h"\nevery = "2 h"\nsteady_state = true\n'
WRONG = {
    "no parameter": (f"[inputs.fed]\n{POINTS}", "no parameter 'fed'; did you mean 'feed'?"),
    "a volume": ('[inputs.V]\npoints = [{ time = "0 h", value = "4 L" }]\n', "V is a volume"),
    "nothing reads it": ('[inputs.spare]\npoints = [{ time = "0 h", value = "4 h" }]\n', "no observable reads spare"),
    "no points": ("[inputs.feed]\npoints = []\n", "there is no point"),
    "neither": ('[inputs.feed]\ninterpolation = "steps"\n', "give one of the two"),
    "no file": ('[inputs.feed]\nfile = "none.csv"\n', "the points cannot be read from none.csv"),
    "another way": (f'[inputs.feed]\n{POINTS}interpolation = "liner"\n', "did you mean 'linear'?"),
    "another unit": ('[inputs.feed]\npoints = [{ time = "0 h", value = "4 mg" }]\n', "point 1: wrong unit"),
    "no unit": ("[inputs.feed]\npoints = [{ time = '0 h', value = 4 }]\n", "point 1: the unit is missing"),
    "below zero": ('[inputs.feed]\npoints = [{ time = "0 h", value = "-4 mg/L/h" }]\n', "cannot be negative"),
    "times that fall": (
        '[inputs.feed]\npoints = [{ time = "1 h", value = "4 mg/L/h" }, { time = "0 h", value = "4 mg/L/h" }]\n',
        "'0 h' comes before '1 h'",
    ),
    "times twice": (
        '[inputs.feed]\npoints = [{ time = "1 h", value = "4 mg/L/h" }, { time = "60 min", value = "4 mg/L/h" }]\n',
        "'60 min' is the same time as '1 h'",
    ),
    "a change too": (
        f'[inputs.feed]\n{POINTS}[[change]]\nat = "3 h"\nparameters = {{ feed = "2 mg/L/h" }}\n',
        "feed follows an input, so that no timed change can set it",
    ),
    "a value too": (f'[inputs.feed]\n{POINTS}[parameters]\nfeed = "2 mg/L/h"\n', "feed is set in [parameters] too"),
    "a steady state": (f'[inputs.feed]\n{POINTS}interpolation = "steps"\n{DOSE}', "where feed follows an input"),
    "a sweep of it": (
        f'[inputs.feed]\n{POINTS}[[sweep.vary]]\nparameter = "feed"\nvalues = ["1 mg/L/h"]\n',
        "feed follows an input, so that it cannot vary",
    ),
    "a key that is none": (f"[inputs.feed]\n{POINTS}kind = 'steps'\n", "[inputs.feed] has no key 'kind'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_told(name: str, folder: Path) -> None:
    text, message = WRONG[name]
    with pytest.raises(sim.InputError) as caught:
        sim.run(question(folder, text))
    assert message in str(caught.value)
    assert len(caught.value.faults) <= 2


def test_a_wrong_row_of_a_file_is_told_by_its_line(folder: Path) -> None:
    (folder / "feed.csv").write_text("time [h],value [mg/L/h]\n0,1\n1,much\n2,-1\n", encoding="utf-8")
    with pytest.raises(sim.InputError) as caught:
        sim.run(question(folder, '[inputs.feed]\nfile = "feed.csv"\n'))
    assert [(fault.line, fault.text) for fault in caught.value.faults] == [(3, "1,much"), (4, "2,-1")]
