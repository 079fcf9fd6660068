"""A change acts whatever holds it and however it is spelt, or it is refused; none is dropped."""

from __future__ import annotations

import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli

Change = Callable[[], Any]  # made when it is used, since a generator can be read once
K_CLEAR = "k_clear=0.9 1/h"
WEIGHT = "body_weight=90 kg"

SETTINGS: dict[str, Change] = {
    "dict": lambda: {"k_clear": "0.9 1/h", "body_weight": "90 kg"},
    "ordered dict": lambda: OrderedDict(k_clear="0.9 1/h", body_weight="90 kg"),
    "read-only dict": lambda: types.MappingProxyType({"k_clear": "0.9 1/h", "body_weight": "90 kg"}),
    "list": lambda: [K_CLEAR, WEIGHT],
    "tuple": lambda: (K_CLEAR, WEIGHT),
    "generator": lambda: (each for each in [K_CLEAR, WEIGHT]),
    "array of texts": lambda: np.array([K_CLEAR, WEIGHT]),
    "texts of NumPy": lambda: {np.str_("k_clear"): np.str_("0.9 1/h"), "body_weight": np.str_("90 kg")},
    "other spelling": lambda: {"K-Clear": "0.9 / h", "Body weight".replace(" ", "_"): "90kg"},
    "other units": lambda: {"k_clear": "0.015 1/min", "body_weight": "90000 g"},
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # a change of the toy sets k_clear too
@pytest.mark.parametrize("kind", SETTINGS)
def test_a_setting_acts_whatever_holds_it(toy: str, kind: str) -> None:
    for scenario in (
        sim.run(toy, set=SETTINGS[kind](), certify=False).scenario,
        sim.read_scenario(toy, set=SETTINGS[kind]()),
        sim.sweep(toy, vary={"k_absorb": ["1 1/h"]}, measures="max(drug)", set=SETTINGS[kind]()).result.scenario,
    ):
        values = scenario.parameters(scenario.arm("main"))
        assert (values["k_clear"], values["body_weight"]) == (pytest.approx(0.9), 90.0)


class Magnitude:
    """As the quantities of pint and astropy: a number and a unit that print as a text, and are none."""

    def __str__(self) -> str:
        return "0.9 1/h"

    __repr__ = __str__  # the name of a test must be the same in every process


@pytest.mark.parametrize(
    "given",
    [
        {"k_clear": 0.9},
        {"k_clear": np.float32(0.9)},
        {"k_clear": np.float64(0.9)},
        {"k_clear": np.array(0.9)},
        {"k_clear": np.array([0.9])},
        {"k_clear": [0.9]},
        {"k_clear": ["0.9 1/h"]},
        {"k_clear": (0.9, "1/h")},
        {"k_clear": Magnitude()},
        {"k_clear": b"0.9 1/h"},
        {"k_clear": True},
        {"k_clear": None},
        {"k_clear": np.nan},
        {3: "0.9 1/h"},
        {K_CLEAR},
        frozenset([K_CLEAR]),
        [("k_clear", "0.9 1/h")],
        K_CLEAR.encode(),
        f"{K_CLEAR}, {WEIGHT}",
        "k_clear",
        "",
        [K_CLEAR, ""],
        0.9,
        [{"k_clear": "0.9 1/h"}],
    ],
    ids=str,
)
def test_a_setting_that_cannot_act_is_refused(toy: str, given: Any) -> None:
    for ask in (sim.run, sim.read_scenario):
        with pytest.raises(sim.InputError, match=r"set|k_clear"):
            ask(toy, set=given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "k_clear=0.9 1/h", "--set", "k_clear=0.7 1/h"], "k_clear is set twice; leave one out"),
        (["--set", "k_clear=0.9 1/h", "--set", "K-Clear=0.7 1/h"], "K-Clear sets the same; leave one out"),
        (["--set", "initial.drug=1 pM", "--set", "initial.Drug=2 pM"], "Drug sets the same; leave one out"),
        (["--set", "dose.push.count=1", "--set", "dose.push.count=2"], "dose.push.count is set twice"),
    ],
)
def test_of_two_settings_of_one_name_none_is_dropped(toy: str, capsys: Any, options: list[str], message: str) -> None:
    assert cli.main(["run", toy, "--no-plots", "--out", "out", *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()
    with pytest.raises(sim.InputError, match=message.replace(".", r"\.")):
        sim.run(toy, set=options[1::2])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("given", ["IL4", ["IL4"], ("IL4",), np.array(["IL4"]), ["IL4", "IL4"], "il-4"], ids=str)
def test_a_knockout_acts_whatever_holds_it(given: Any) -> None:
    scenario = sim.read_scenario("acute_infection", knockout=given)
    assert scenario.parameters(scenario.arm("main"))["IL4_made"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"knockout": {"IL4": False}},
        {"knockout": {"IL4"}},
        {"block": [("IL1", "90%")]},
        {"block": {"IL1"}},
        {"block": {"IL1": 90}},
        {"add": {"IL-2 18 MIU at 3 d": 1}},
        {"add": b"IL-2 18 MIU at 3 d"},
    ],
    ids=str,
)
def test_a_change_whose_container_loses_something_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(sim.InputError, match="expected"):
        sim.run("acute_infection", **change)


def test_a_dose_that_is_added_twice_is_given_twice(toy: str) -> None:
    twice = sim.run(toy, add=["drug 5 pmol at 3 h"] * 2, certify=False)
    assert [row["dose"] for row in twice.ledger if row["arm"] == "main"][-2:] == ["added drug", "added drug 2"]


def test_the_values_of_an_axis_have_an_order_and_none_is_lost(toy: str) -> None:
    for values in (
        ["0.25 1/h", "0.5 1/h"],
        ("0.25 1/h", "0.5 1/h"),
        "0.25 1/h,0.5 1/h",
        np.array(["0.25 1/h", "0.5 1/h"]),
    ):
        assert sim.sweep(toy, vary={"k_clear": values}, measures="max(drug)")["k_clear"].tolist() == [0.25, 0.5]
    for values in ({"0.25 1/h", "0.5 1/h"}, {"0.2 1/h": 1}, [True], np.array([[0.2, 0.4]]), [None]):
        with pytest.raises(sim.InputError, match="vary"):
            sim.sweep(toy, vary={"k_clear": values}, measures="max(drug)")  # type: ignore[dict-item]


TWO_NAMES = """
title = "Two parameters whose names differ by case"
time_unit = "h"

[species]
A = { label = "a", unit = "mg", initial = 1, scale = 1 }

[parameters]
k = { label = "gain", value = 1, unit = "1/h", source = "assumed", status = "assumed: an example" }
K = { label = "loss", value = 1, unit = "1/h", source = "assumed", status = "assumed: an example" }

[reactions]
gain = { equation = "-> A", rate = "k * A", source = "assumed" }
loss = { equation = "A ->", rate = "K * A", source = "assumed" }
"""


def test_two_parameters_whose_names_differ_by_case_are_two(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(TWO_NAMES)
    (tmp_path / "base.toml").write_text(
        'title = "t"\nmodel = "model.toml"\n[time]\nend = "2 h"\n[parameters]\nk = "0.5 1/h"\n'
        '[arms.b.parameters]\nK = "0.25 1/h"\n'
    )
    (tmp_path / "t.toml").write_text('title = "t"\nextends = "base.toml"\n[arms.b.parameters]\nk = "0.75 1/h"\n')
    for settings, main, other in (
        ((), (0.5, 1.0), (0.75, 0.25)),
        (["K=0.1 1/h"], (0.5, 0.1), (0.75, 0.25)),
        (["K=0.1 1/h", "k=0.2 1/h"], (0.2, 0.1), (0.75, 0.25)),
    ):
        scenario = sim.read_scenario(tmp_path / "t.toml", set=settings)
        for arm, expected in (("main", main), ("b", other)):
            values = scenario.parameters(scenario.arm(arm))
            assert (values["k"], values["K"]) == expected


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_later_setting_counts_in_any_spelling(toy: str) -> None:
    scenario = sim.read_scenario(toy, set={"k_clear": "0.9 1/h"})
    for name in ("k_clear", "K-Clear", "k-clear"):
        changed = sim.run(scenario, set={name: "0.7 1/h"}, certify=False).scenario
        assert changed.parameters(changed.arm("main"))["k_clear"] == 0.7
