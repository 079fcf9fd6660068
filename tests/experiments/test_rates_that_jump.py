"""Rates that jump while a run goes on, against closed forms: each jump is the end of a step."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.numerics.compiled.availability import VARIABLE
from immunesim.numerics.trajectory import Array

TIMES = np.arange(0.0, 20.5, 0.5)
Exact = Callable[[float], float]


def _parameter(name: str, value: float, unit: str) -> str:
    known = 'source = "assumed", status = "assumed: a test"'
    return f'{name} = {{ label = "{name}", value = {value}, unit = "{unit}", {known} }}\n'


def written(
    folder: Path, rates: dict[str, str], more: str = "", signed: bool = False, start: float = 0.0, y: float = 0.0
) -> str:
    """A scenario of 20 h of species x and y, whose rates these are."""
    sign = ", signed = true" if signed else ""
    parameters = {"K": (1.0, "pM"), "L": (-1.0, "pM"), "two": (2.0, "pM/h"), "one": (1.0, "pM/h"), "k": (0.5, "1/h"),
                  "T": (5.0, "h"), "none": (0.0, "pM/h"), "a": (1.0, "1/h"), "b": (1.0, "pM/h")}  # fmt: skip
    used = {
        name: each
        for name, each in parameters.items()
        if any(re.search(rf"\b{name}\b", rate) for rate in rates.values())
    }
    text = 'title = "A model"\ntime_unit = "h"\n[species]\n'
    text += f'x = {{ label = "x", unit = "pM", initial = {start}, scale = 1{sign} }}\n'
    text += f'y = {{ label = "y", unit = "pM", initial = {y}, scale = 1{sign} }}\n[parameters]\n'
    text += "".join(_parameter(name, *each) for name, each in used.items()) + "[reactions]\n"
    for name, rate in rates.items():
        text += f'of_{name} = {{ equation = "-> {name[0]}", rate = "{rate}", source = "assumed" }}\n'
    (folder / "model.toml").write_text(text, encoding="utf-8")
    path = folder / "question.toml"
    head = 'title = "A question"\nmodel = "model.toml"\n[time]\nend = "20 h"\nevery = "30 min"\n'
    path.write_text(head + more, encoding="utf-8")
    return str(path)


def levels(path: str, name: str = "x") -> Array:
    r = sim.run(path)
    assert r.reliable
    return np.interp(TIMES, r["time"], r[name])


def there_and_back(t: float, v: float = 2.0) -> float:
    """x' = v, at a rate of -1 above 1 and of 1 below -1, from 0."""
    period = 2 * (2 / v + 2 * v)
    t = (t % period) + 0.0
    if t > period / 2:
        return -there_and_back(t - period / 2)
    first = 1 / v
    if t <= first:
        return v * t
    if t <= first + 2 * v:
        s = t - first
        return 1 + v * s - s * s / 2
    return 1 - v * (t - first - 2 * v)


def bounces(t: float) -> float:
    """x' = 1 from 0, at a rate of -1 above 0 and of 1 below."""
    s = t % 2.0
    sign = 1.0 if (t % 4.0) < 2.0 else -1.0
    return sign * (s - s * s / 2)


def swings(t: float) -> float:
    """x'' is -4 x above 0, and -x below, from 0 at a speed of 2."""
    s = t % (1.5 * math.pi)
    return math.sin(2 * s) if s < math.pi / 2 else -2 * math.sin(s - math.pi / 2)


C = 2 * math.log(2.0)  # when 4 (1 - exp(-t/2)) is 2, and its slope 1
CASES: dict[str, tuple[dict[str, str], bool, float, Exact]] = {
    "once": ({"x": "if(x < K, two, one)"}, False, 0.0, lambda t: 2 * t if t < 0.5 else 0.5 + t),
    "at a level it has at the start": ({"x": "if(x >= K, two, one)"}, False, 1.0, lambda t: 1 + 2 * t),
    "it falls from the level": ({"x": "-if(x >= K, two, one)", }, True, 1.0, lambda t: 1 - t),
    "a loss that halves": (
        {"x": "-k * if(x > K, x, 0.5 * x)"}, False, 4.0,
        lambda t: 4 * math.exp(-0.5 * t) if t < 2 * math.log(4) else math.exp(-0.25 * (t - 2 * math.log(4))),
    ),
    "by time": ({"x": "if(time > T, two, one)"}, False, 0.0, lambda t: t + max(t - 5, 0)),
    "between times": (
        {"x": "if(time > T and not time >= 2 * T, two, none)"}, False, 0.0, lambda t: 2 * min(max(t - 5, 0), 5)
    ),
    "a stair in time": (
        {"x": "one * floor(time / T)"}, False, 0.0, lambda t: sum(max(t - 5 * n, 0) for n in (1, 2, 3))
    ),
    "a stair in a state": (
        {"y": "one", "x": "one * floor(y / K)"}, False, 0.0, lambda t: sum(max(t - n, 0) for n in range(1, 21))
    ),
    "a relaxation between two levels": (
        {"x": "a * y", "y": "if(x > K, -one, if(x < L, one, none))"}, True, 0.0, there_and_back
    ),
    "a swing with two springs": (
        {"x": "a * y", "y": "-a * if(x > 0, 4 * x, x)"}, True, 0.0, swings
    ),
    "a bounce at zero": ({"x": "a * (y + K)", "y": "if(x > 0, -one, one)"}, True, 0.0, bounces),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rate_jumps_where_its_condition_is_crossed(case: str, tmp_path: Path) -> None:
    rates, signed, start, exact = CASES[case]
    y = 2.0 if exact in (there_and_back, swings) else 0.0
    got = levels(written(tmp_path, rates, signed=signed, start=start, y=y))
    want = np.array([exact(t) for t in TIMES])
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", ["a loss that halves", "a relaxation between two levels", "a stair in time"])
def test_scipy_finds_the_same_jumps(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "scipy")
    test_a_rate_jumps_where_its_condition_is_crossed(case, tmp_path)


def test_every_lane_of_a_sweep_has_its_own_jumps(tmp_path: Path) -> None:
    path = written(tmp_path, {"x": "-k * if(x > K, x, 0.5 * x)"}, start=4.0)
    levels_of = np.array([0.5, 1.0, 2.0, 3.0, 3.999])
    find = sim.batch(path, vary="K", curves="x", at=["3 h", "8 h"], sensitivities="K")
    found = find(levels_of[:, None])
    assert found.ok
    for row, level in enumerate(levels_of):
        crossed = 2 * math.log(4 / level)
        for place, t in enumerate((3.0, 8.0)):
            before = t < crossed
            x = 4 * math.exp(-0.5 * t) if before else 2 * math.sqrt(level) * math.exp(-0.25 * t)
            slope = 0.0 if before else math.exp(-0.25 * t) / math.sqrt(level)
            assert found.curves["x"][row, place] == pytest.approx(x, rel=1e-5)
            assert found.sensitivities["x"][row, place, 0] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_sliding_ends_by_name(tmp_path: Path) -> None:
    """The other arm never comes to where the rate jumps, and is kept."""
    path = written(tmp_path, {"x": "if(x < K, one, -one)"}, '[arms.far]\nparameters.K = "100 pM"\n', signed=True)
    run = sim.run(path)
    slides, far = (arm.trajectory for arm in run.result.arms.values())
    message = r"the rate of 'of_x'.*at 1 h.*push back to there \(sliding\)"
    assert re.search(message, slides.outcome.message)
    assert re.search(f"arm main: FAILED, {message}", str(run))
    assert (len(slides.times), far.outcome.ok) == (0, True)
    assert far["x"][-1] == pytest.approx(far.times[-1])


def test_what_does_not_follow_jumps_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, {"x": "if(x < K, two, one)"})
    with pytest.raises(sim.InputError, match=r"of_x', if.* jumps, and steady states are those of smooth rates"):
        sim.steady(path)
    with pytest.raises(sim.InputError, match=r"of_x', if.* jumps while a run goes on, which a page does not follow"):
        sim.explore(path, tmp_path / "page.html")


def test_a_dose_takes_a_rate_over_its_jump(tmp_path: Path) -> None:
    more = '[[dose]]\nname = "more"\ntarget = "x"\namount = "3 pM"\nat = "5 h"\n'
    path = written(tmp_path, {"x": "-k * if(x > K, x, 0.5 * x)"}, more, start=0.9)
    before, jumped = 0.9 * math.exp(-0.25 * 5), 0.9 * math.exp(-0.25 * 5) + 3
    crossed = 5 + 2 * math.log(jumped)

    def exact(t: float) -> float:
        if t < 5:
            return 0.9 * math.exp(-0.25 * t)
        return jumped * math.exp(-0.5 * (t - 5)) if t < crossed else math.exp(-0.25 * (t - crossed))

    assert before < 1 < jumped
    r = sim.run(path)
    hours = np.array([0, 4.5, 5, 6, crossed, 15, 20])
    found = [float(r.measure(f"at(x, '{t!r} h')")) for t in hours.tolist()]
    np.testing.assert_allclose(found, list(map(exact, hours)), rtol=1e-6)
    assert not [name for name in r.names if "switch" in name]
    assert f"the rate of 'of_x', -k * if(x > K, x, 0.5 * x): jumped 2 times (at 5 h and at {crossed:.3g} h)" in str(r)


@pytest.mark.parametrize(
    ("rate", "exact"),
    [
        ("max(two - k * x, b)", lambda t: 4 * (1 - math.exp(-0.5 * t)) if t < C else 2 + t - C),
        ("abs(two - k * x * 2) + b", None),
    ],
)
def test_a_kink_is_left_to_the_control_of_the_error(rate: str, exact: Exact | None, tmp_path: Path) -> None:
    """Where max() bends, the solver's steps shorten by themselves."""
    got = levels(written(tmp_path, {"x": rate}))
    if exact is None:  # x' = 3 - x below 2, then x' = x - 1
        two = math.log(3.0)
        exact = lambda t: 3 - 3 * math.exp(-t) if t < two else 1 + math.exp(t - two)  # noqa: E731
    np.testing.assert_allclose(got, [exact(t) for t in TIMES], rtol=1e-5)
