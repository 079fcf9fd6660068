"""SBML: libSBML finds no fault, units included, and libRoadRunner computes from it what our solver computes.

Two values agree if they differ by less than 1e-5 of ours, or where the state is below its noise
floor, a thousandth of its scale, by less than 1e-5 of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import libsbml
import numpy as np
import pytest
import roadrunner
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import prepare
from immunesim.experiments.solving import as_simulated
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.files.formats.sbml.notes import addresses
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.declarations import Source
from immunesim.model.model import Model
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import ATOL_OF_SCALE
from immunesim.tasks.export import ExportRequest, export
from immunesim.tasks.request import ScenarioRequest

from tests import copasi
from tests.libroadrunner import loaded, simulated
from tests.simulated import OTHERS
from tests.slow import thinned
from tests.tight import engine_of, states

TOLERANCE = 1e-5
RTOL = 1e-9  # of libRoadRunner; ours takes ten times that
EDGES = 40  # from the start: more of the same doses show nothing new, and take as long as all the rest
FEW_EDGES = 8  # in the quick set
TIGHTER = {"kirschner_panetta": 1e-12}  # 5000 days of spikes, each of which moves the next
SCENARIOS = sorted(builtin_scenarios())
# in degC, d, mg*min/mL and mmHg, which are no units of substance in SBML
NO_AMOUNTS = {"temperature", "chemotherapy", "perfusion_debt"}
ODD_SUBSTANCE = 20608  # libSBML's warning for these


@cache
def system(model_id: str, names: tuple[str, ...]) -> dict[str, System]:
    return {}


def system_of(model: Model) -> System:
    """The model's system, made once for all scenarios of the same model."""
    made = system(model.id, (*model.reactions, *model.parameters))
    if "it" not in made:
        made["it"] = System(model)
    return made["it"]


def assert_agree(
    runner: Any,
    scenario: Scenario,
    arm_name: str = "main",
    every: int = 1,
    rtol: float = RTOL,
    most: int = EDGES,
    live: bool = False,
) -> None:
    """Species and observables of both, at every edge and some of the scenario's times between.

    live: the other finds edges itself, so that at one both may stand on its other sides; only times between count.
    """
    ours_of = system_of(scenario.model)
    arm = scenario.arm(arm_name)
    schedule, times, _, _ = prepare(scenario, arm, ours_of)
    edges = [*schedule.edges, scenario.end][:most]
    chosen = np.union1d(times[times <= edges[-1]][::every], edges)
    chosen = np.array([each for each in chosen if each in (0.0, scenario.end) or each not in edges]) if live else chosen
    ours = states(engine_of(scenario, [arm]), scenario, arm, ours_of, chosen, 10 * rtol)
    theirs = simulated(runner, scenario, chosen, ours_of.species, rtol)
    for column, own, name in zip(theirs.T, ours.T, ours_of.species, strict=True):
        floor = np.maximum(np.abs(own), ATOL_OF_SCALE * scenario.model.species[name].scale)
        error = np.abs(column - own) / floor
        at = int(error.argmax())
        assert error[at] < TOLERANCE, f"{name} at {chosen[at]:g}: ours {own[at]:.9g}, theirs {column[at]:.9g}"


def assert_same(found: Mapping[str, np.ndarray], scenario: Scenario, times: np.ndarray) -> None:
    """Of COPASI, which saved all whole times, at some of them."""
    arm, system = scenario.arm("main"), system_of(scenario.model)
    ours = states(engine_of(scenario, [arm]), scenario, arm, system, times, 10 * RTOL)
    for column, name, scale in zip(ours.T, system.species, system.scales, strict=True):
        small = TOLERANCE * ATOL_OF_SCALE * scale
        np.testing.assert_allclose(found[name][times.astype(int)], column, rtol=TOLERANCE, atol=small, err_msg=name)


def faults(text: str) -> list[tuple[int, str]]:
    """Everything that libSBML finds, warnings and units included."""
    document = libsbml.readSBMLFromString(text)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, True)
    document.checkConsistency()
    found = [document.getError(number) for number in range(document.getNumErrors())]
    return [(error.getErrorId(), error.getMessage()) for error in found]


@cache
def document_of(text: str) -> Any:
    return libsbml.readSBMLFromString(text)


def model_of(text: str) -> Any:
    """The Model of a document; the document is kept, since libSBML frees its parts with it."""
    return document_of(text).getModel()


# every scenario


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 60


@pytest.mark.parametrize("most", [FEW_EDGES, pytest.param(EDGES, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", thinned(OTHERS, every=8))
def test_libroadrunner_agrees_with_our_solver(name: str, most: int) -> None:
    """On small models; `tests/test_agreement.py` does so for some scenarios of the human model."""
    scenario = read_scenario(builtin_scenarios()[name])
    every = max(1, round(scenario.end / scenario.every / 40))
    runner = loaded(sbml_text(scenario))
    assert_agree(runner, scenario, every=every, rtol=TIGHTER.get(name, RTOL), most=most)


@pytest.mark.parametrize(
    "name", thinned(["il2_therapy", "friberg", "sensitisation", "kirschner_panetta", "lcmv", "omalizumab"], 6)
)
def test_libsbml_finds_no_fault(name: str) -> None:
    found = faults(sbml_text(read_scenario(builtin_scenarios()[name])))
    assert [message for error, message in found if error != ODD_SUBSTANCE] == []
    immune = name in ("il2_therapy", "sensitisation")
    assert len(found) == (len(NO_AMOUNTS) if immune else 0)


def test_an_arm_is_exported_as_it_differs(toy_file: Path) -> None:
    scenario = read_scenario(toy_file)
    for arm in ("main", "untreated", "half"):
        text = sbml_text(scenario, arm)
        assert faults(text) == []
        assert_agree(loaded(text), scenario, arm)
    assert sbml_text(scenario, "half") != sbml_text(scenario)


# doses and changes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "0 h"', id="a dose at time 0"),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "0 h"\nover = "3 h"',
            id="an infusion from time 0",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "2 IU/kg"\nat = "1 h"\n'
            'over = "4 h"\nevery = "4 h"\ncount = 3\n'
            '[[dose]]\nname = "b"\ntarget = "drug"\namount = "90 pmol"\nat = "2 h"\nover = "5 h"',
            id="infusions that follow at once and overlap another",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "90 pmol"\nat = "20 h"\nover = "9 h"',
            id="an infusion beyond the end",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "2 IU/m2"\nat = "0 h"\nevery = "6 h"\ncount = 9\n'
            '[[dose]]\nname = "b"\ntarget = "depot"\namount = "40 pmol"\nat = "6 h"',
            id="two doses at one time, some after the end",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "4 h"\n'
            '[[change]]\nwhile = ["4 h", "9 h"]\nparameters = { k_clear = "1 1/h" }\n'
            '[[change]]\nwhile = ["6 h", "12 h"]\nparameters = { k_clear = "0.1 1/h", k_absorb = "1 1/h" }',
            id="changes that overlap",
        ),
        pytest.param(
            '[initial]\ndepot = "100 pmol"\n'
            '[[change]]\nat = "0 h"\nparameters = { cells_at_rest = "10 cells/uL", k_absorb = "0.5 1/h" }',
            id="a change at time 0 that an initial value does not see",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "5 h"\nevery = "5 h"\ncount = 3\n'
            '[[dose]]\nname = "b"\ntarget = "drug"\namount = "80 pmol/kg"\nat = "3 h"\nover = "4 h"\n'
            '[[change]]\nat = "5 h"\nparameters = { plasma_volume = "2 L", body_weight = "50 kg" }',
            id="a dose at the time its volume changes",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\n'
            'at = ["0 h", "5 h", "9 h"]\nrate = "40 pmol/h"\n'
            '[[dose]]\nname = "b"\ntarget = "depot"\namount = "80 pmol/kg"\nat = "3 h"\n'
            'lag = "90 min"\nshare = "60 %"\n'
            '[[dose]]\nname = "c"\ntarget = "drug"\namount = "9 pmol"\nat = "23 h"\nlag = "2 h"',
            id="listed times, a rate, a lag and a share",
        ),
        pytest.param(
            '[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "1 h"\n'
            '[inputs.k_clear]\npoints = [{ time = "0 h", value = "0.5 1/h" }, { time = "6 h", value = "0.25 1/h" }, '
            '{ time = "9 h", value = "1 1/h" }]\n'
            '[inputs.k_leave]\ninterpolation = "steps"\n'
            'points = [{ time = "2 h", value = "0 1/h" }, { time = "5 h", value = "0.2 1/h" }]',
            id="inputs in lines and in steps",
        ),
    ],
)  # fmt: skip
def test_doses_and_changes_are_events(scenario, text: str) -> None:
    asked = scenario(text)
    written = sbml_text(asked)
    assert faults(written) == []
    assert_agree(loaded(written), asked)


GIVEN = '[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\n'


def decided(scenario: Scenario) -> Scenario:
    """With what the rules of its main arm decide, and the steady state that this starts in."""
    return replace(scenario, arms=(as_simulated(scenario, scenario.arm("main"), system_of(scenario.model)),))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('at = "2 h"\nevery = "4 h"\nover = "3 h"\nsteady_state = true', id="an infusion under way"),
        pytest.param('at = "0 h"\nevery = "4 h"\nlag = "5 h"\nsteady_state = true', id="a lag of over an interval"),
        pytest.param(
            'at = "0 h"\nevery = "2 h"\ncount = 10\nover = "1 h"\n'
            '[[rule]]\nname = "later"\ncheck_before = "a"\nif = "drug > \'15 pM\'"\nthen = "delay 1 h"',
            id="a rule that delays",
        ),
    ],
)
def test_what_is_found_while_an_arm_runs_is_exported_as_it_was(scenario, text: str) -> None:
    asked = scenario(GIVEN + text)
    with pytest.raises(ValueError, match="still to be decided"):
        sbml_text(asked)
    asked = decided(asked)
    written = sbml_text(asked)
    assert faults(written) == []
    assert_agree(loaded(written), asked)


CHECKED = '[[rule]]\nname = "{0}"\ncheck_before = "a"\nif = "{1}"\nthen = "{2}"\n'
B = '[[dose]]\nname = "b"\ntarget = "drug"\namount = "40 pmol"\n'


RULES = pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            'at = "0 h"\nevery = "2 h"\ncount = 10\nover = "1 h"\n'
            + CHECKED.format("less", "drug > '15 pM'", "40 %")
            + "at_most = 2\n"
            + CHECKED.format("hold", "drug > '0.015 nM'", "skip"),
            id="infusions that are held",
        ),
        pytest.param(
            'at = "0 h"\nevery = "2 h"\ncount = 10\n'
            + B
            + 'at = "4 h"\nevery = "4 h"\ncount = 4\n'
            + CHECKED.format("end", "drug > '8 pM' and not drug - '1 pM' > 2 * drug", "stop").replace(
                '"a"', '["a", "b"]'
            ),
            id="two doses that are stopped",
        ),
        pytest.param(
            f'at = "1 h"\n{B}every = "1 h"\ncount = 2\n'
            '[[rule]]\nname = "low"\nwhen = "drug < \'5 pM\'"\ngive = "b"\nparameters = { k_clear = "0.3 1/h" }\n'
            'lasting = "3 h"\nfires = "every time"\nat_most = 4\n'
            '[[rule]]\nname = "high"\nwhen = "drug > \'15 pM\'"\nset = { drug = "12 pM", depot = "7 pmol" }',
            id="crossings",
        ),
        pytest.param(
            f'at = "1 h"\nevery = "1 h"\ncount = 3\n{B}every = "1 h"\ncount = 3\n'
            '[[rule]]\nname = "low"\nwhen = "drug < \'5 pM\'"\ngive = "b"\nfires = "every time"\n'
            + CHECKED.format("hold", "drug > '15 pM'", "skip"),
            id="doses at the times of those that a rule gives",
        ),
        pytest.param(
            f'at = "1 h"\n{B}over = "90 min"\nlag = "30 min"\n'
            '[[rule]]\nname = "low"\nwhen = "drug < \'5 pM\'"\ngive = "b"\nset = { drug = "1 pM" }\n'
            'fires = "every time"\n[[rule]]\nname = "more"\nwhen = "drug < \'5 pM\'"\nset = { depot = "9 pmol" }',
            id="rules that are true at the start, and an infusion that follows later",
        ),
        pytest.param(
            'at = "0 h"\nevery = "6 h"\ncount = 3\n'
            "[[rule]]\nname = \"gone\"\nwhen = \"drug < '4 pM' and cells > '1 cells/uL'\"\n"
            'parameters = { k_absorb = "1 1/h" }\nset = { depot = "20 pmol" }\n'
            + CHECKED.format("hold", "depot > '3 pmol'", "skip"),
            id="rules of both kinds",
        ),
    ],
)


@RULES
def test_another_simulator_decides_what_the_rules_of_an_export_say(scenario, text: str) -> None:
    """At the values of the scenario, and at another that moves what the rules do and when."""
    asked = scenario(GIVEN + text)
    written = sbml_text(asked)
    assert faults(written) == []
    runner, done = loaded(written), []
    for loss in (0.5, 0.42):
        asked = scenario(f'[parameters]\nk_clear = "{loss} 1/h"\n{GIVEN}{text}')
        if done:  # just loaded it needs none, which would leave what it has delayed already
            runner["k_clear"] = loss
            runner.reset()
        own = decided(asked)
        assert_agree(runner, own, live=True)
        done.append([own.arm("main").changes, own.arm("main").settings, own.arm("main").doses])
    assert done[0] != done[1]


@RULES
def test_copasi_decides_the_same(scenario, text: str) -> None:
    copasi.needed()
    written = sbml_text(scenario(GIVEN + text))
    for loss in (0.5, 0.42):
        own = decided(scenario(f'[parameters]\nk_clear = "{loss} 1/h"\n{GIVEN}{text}'))
        arm, system = own.arm("main"), system_of(own.model)
        edges = prepare(own, arm, system).schedule.edges
        times = np.array([each for each in np.arange(25.0) if each == 0.0 or each not in edges])
        assert_same(copasi.simulated(written, 24.0, 24, {"k_clear": loss}), own, times)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(CHECKED.format("late", "drug > '1 pM'", "delay 1 h"), "'late' delays doses", id="a delay"),
        pytest.param(
            CHECKED.format("few", "drug > '1 pM'", "skip").replace('"a"', '["a", "b"]') + "at_most = 2",
            "'few' counts over several doses",
            id="a count over several doses",
        ),
        pytest.param(
            '[[rule]]\nname = "thin"\nwhen = "drug > \'1 pM\'"\nparameters = { plasma_volume = "2 L" }',
            "'thin' sets plasma_volume, on which a volume or the size of a dose depends",
            id="a volume",
        ),
        pytest.param(
            '[[rule]]\nname = "on"\nwhen = "drug > \'1 pM\'"\nparameters = { k_absorb = "2 1/h" }\n'
            '[[change]]\nat = "5 h"\nparameters = { k_absorb = "1 1/h" }',
            "'on' sets k_absorb, which also changes at times",
            id="a change",
        ),
        pytest.param(
            '[[dose]]\nname = "c"\ntarget = "drug"\namount = "40 pmol"\nover = "2 h"\n'
            '[[rule]]\nname = "on"\nwhen = "drug > \'1 pM\'"\ngive = "c"\n'
            '[[change]]\nat = "2 h"\nparameters = { plasma_volume = "2 L" }',
            "'on' gives the infusion 'c', whose rate depends on plasma_volume, which changes at times",
            id="an infusion into a volume that changes",
        ),
    ],
)
def test_an_export_says_which_rule_is_written_as_what_it_decided(scenario, folder: Path, text: str, why: str) -> None:
    asked = scenario(f'{GIVEN}at = "1 h"\nevery = "5 h"\ncount = 2\n{B}at = "3 h"\n{text}')
    found = export(ExportRequest(ScenarioRequest(str(folder / "question.toml")), out=folder / "out.xml"))
    assert found.decided == f"the rule {why}"
    assert found.decided in str(found)
    assert_agree(loaded((folder / "out.xml").read_text()), decided(asked))


def test_a_value_at_the_time_of_a_dose_is_the_value_after_it(scenario) -> None:
    asked = scenario('[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "0 h"\nevery = "12 h"\ncount = 2')
    values = simulated(loaded(sbml_text(asked)), asked, np.array([0.0, 6.0, 12.0]), ["drug"], RTOL)[:, 0]
    assert values[0] == pytest.approx(20)
    assert values[2] == pytest.approx(20 + 20 * np.exp(-0.5 * 12), rel=1e-6)


@pytest.mark.parametrize("minutes", [7, 67, 97, 100, 607, 1003, 1387])
def test_a_dose_at_a_time_that_is_no_decimal_number_is_given_at_that_time(scenario, minutes: int) -> None:
    asked = scenario(f'[[dose]]\nname = "a"\ntarget = "drug"\namount = "80 pmol"\nat = "{minutes} min"')
    at = prepare(asked, asked.arm("main"), system_of(asked.model)).schedule.edges[-1]
    (value,) = simulated(loaded(sbml_text(asked)), asked, np.array([0.0, at]), ["drug"], RTOL)[1]
    assert value == pytest.approx(20)


def test_amounts_weights_and_changed_parameters_can_be_set_and_reset(scenario) -> None:
    text = (
        '[[dose]]\nname = "first push"\ntarget = "drug"\namount = "AMOUNT IU/kg"\nat = "0 h"\n'
        '[[dose]]\nname = "drip"\ntarget = "drug"\namount = "90 pmol"\nat = "20 h"\nover = "9 h"\n'
        '[[change]]\nat = "10 h"\nparameters = { k_absorb = "1 1/h", k_clear = "0.1 1/h" }\n'
    )
    runner = loaded(sbml_text(scenario(text.replace("AMOUNT", "2"))))
    for amount, weight, clearance in ((2, 80, 0.5), (5, 60, 0.8), (1, 100, 0.3)):
        runner["dose_first_push"], runner["body_weight"], runner["k_clear"] = amount, weight, clearance
        runner.reset()
        values = f'[parameters]\nbody_weight = "{weight} kg"\nk_clear = "{clearance} 1/h"\n'
        assert_agree(runner, scenario(values + text.replace("AMOUNT", str(amount))))


# models


def written_for(folder: Path, model: str, more: str = "") -> Scenario:
    (folder / "model.toml").write_text(model)
    (folder / "q.toml").write_text(f'title = "q"\nmodel = "model.toml"\n[time]\nend = "9 h"\nevery = "1 h"\n{more}')
    return read_scenario(folder / "q.toml")


TWO_VOLUMES = """
title = "A drug in two compartments"
time_unit = "h"

[species]
central = { label = "drug in plasma", unit = "mg/L", initial = 0, scale = 1, volume = "V1" }
tissue = { label = "drug in tissue", unit = "mg/L", initial = 0, scale = 1, volume = "V2" }

[parameters]
V1 = { label = "plasma volume", value = 3, unit = "L", source = "assumed", status = "assumed: an example" }
V2 = { label = "tissue volume", value = 10, unit = "L", source = "assumed", status = "assumed: an example" }
Q = { label = "exchange", value = 2, unit = "L/d", source = "assumed", status = "assumed: an example" }

[reactions]
exchange = { equation = "central -> tissue", rate = "Q * (central - tissue)", source = "assumed" }
"""

EVERYTHING = """
title = "Every word of the formula language, below zero too"
time_unit = "h"

[species]
x = { label = "x", unit = "1", initial = "2 * start", scale = 1, signed = true }
litre = { label = "a name that SBML has", unit = "nM", initial = 3, scale = 1 }

[parameters]
start = { label = "start", value = 0.75, unit = "1", source = "assumed", status = "assumed: an example" }
pi = { label = "no constant", value = 2.5, unit = "1", source = "assumed", status = "assumed: an example" }
n = { label = "an exponent", value = 1.7, unit = "1", source = "assumed", status = "assumed: an example" }
K = { label = "half", value = 700, unit = "pM", source = "assumed", status = "assumed: an example" }
k = { label = "pace", value = 2, unit = "1/d", source = "assumed", status = "assumed: an example" }
per_hour = { label = "pace", value = 1, unit = "1/h", source = "assumed", status = "assumed: an example" }

[reactions]
down = { equation = "x ->", rate = "per_hour * (1 + 0.1 * x)", source = "assumed" }
up = { equation = "-> 2 litre", rate = "k * litre * inhibition(litre, K, n) + per_hour * K / 10", source = "assumed" }
clipped_power = { equation = "litre ->", rate = "k * saturation(litre, K) * hill(litre, K, 2) * K", source = "assumed" }

[observables]
cubed = { label = "sign kept", unit = "1", value = "x ^ 3 - x ^ 2 / pi" }
clipped = { label = "sign lost", unit = "1", value = "x ^ n + x ^ 0.5 + hill(x, 2, n) + inhibition(x, 2, 3)" }
ninth = { label = "sign lost", unit = "1", value = "x ^ 9 + sqrt(x) + hill(x, 0.5, 2)" }
other = { label = "the rest", unit = "1", value = "exp(-x) + log(max(x, 1e-3)) + min(x, pi) + max(0, x) - -x" }
rooted = { label = "a root with a unit", unit = "nM", value = "sqrt(litre * litre + max(litre - K, 0) * K)" }
elapsed = { label = "time", unit = "d", value = "time * 2" }
joined = { label = "units that differ", unit = "nM", value = "litre + K - min(K, litre)" }
chosen = { label = "1 of 2", unit = "nM", value = "if(litre > K and not x >= 2 or x < 0, litre, K) + if(x > 2, 0, K)" }
waves = { label = "waves", unit = "1", value = "sin(x) + cos(3 * x) * floor(x / 2) + log10(abs(x) + 1)" }
"""


@pytest.fixture
def everything(folder: Path) -> Scenario:
    return written_for(folder, EVERYTHING)


def test_every_formula_has_the_same_value_below_zero_too(everything: Scenario) -> None:
    text = sbml_text(everything)
    assert faults(text) == []
    runner = loaded(text)
    assert_agree(runner, everything)
    model = everything.model
    states = np.array([[x, y] for x in (-2.0, -0.5, 0.0, 0.4, 3.0) for y in (0.0, 0.2, 5.0)])
    values = [everything.parameters(everything.arm("main"))[name] for name in model.parameters]
    runner.reset()
    expected = system_of(model).observe(np.zeros(len(states)), states, values)
    for row, (x, y) in enumerate(states):
        runner.setValue("x", x)
        runner.setValue("litre", y)
        found = [runner.getValue(name) for name in model.observables]
        np.testing.assert_allclose(found, expected[:, row], rtol=1e-12, atol=1e-12)


def test_a_name_of_ours_that_sbml_needs_keeps_its_meaning(everything: Scenario) -> None:
    model = model_of(sbml_text(everything))
    assert model.getSpecies("litre").getCompartment() == model.getCompartment(0).getId() != "litre"
    assert model.getParameter("pi").getValue() == 2.5
    assert model.getReaction("clipped_power") is not None


def test_an_exchange_between_two_volumes_keeps_matter(folder: Path) -> None:
    dose = '[[dose]]\nname = "a"\ntarget = "central"\namount = "60 mg"\nat = "1 h"'
    scenario = written_for(folder, TWO_VOLUMES, dose)
    text = sbml_text(scenario)
    assert faults(text) == []
    runner = loaded(text)
    assert_agree(runner, scenario)
    runner.reset()
    central, tissue = simulated(runner, scenario, np.array([0.0, 1.0, 9.0]), ["central", "tissue"], RTOL).T
    np.testing.assert_allclose(3 * central + 10 * tissue, [0, 60, 60], rtol=1e-8)
    model = model_of(text)
    assert [each.getId() for each in model.getListOfReactions()] == ["exchange", "exchange_in_V2"]


def test_species_of_one_volume_stay_in_one_reaction_with_its_modifiers(toy_file: Path) -> None:
    leaving = model_of(sbml_text(read_scenario(toy_file))).getReaction("leaving")
    assert [(each.getSpecies(), each.getStoichiometry()) for each in leaving.getListOfReactants()] == [("cells", 1.0)]
    assert [(each.getSpecies(), each.getStoichiometry()) for each in leaving.getListOfProducts()] == [
        ("cells_away", 1.0)
    ]
    assert [each.getSpecies() for each in leaving.getListOfModifiers()] == ["drug"]


# what other simulators can load: they write the formula of a name wherever it stands


LINKS = 24
LENGTHS = {"rates": 50_000, "initial values": 40_000, "longest": 5_000}  # of the human model; 41, 29 and 4.1 thousand


def written_out(text: str) -> dict[str, int]:
    """Nodes of the formulas of a document where every name stands for its formula, but once in a call's arguments."""
    model = model_of(text)
    rules = {each.getVariable(): each.getMath() for each in model.getListOfRules()}
    initial = {each.getSymbol(): each.getMath() for each in model.getListOfInitialAssignments()}

    def length(math: Any, meant: dict[str, Any]) -> int:
        if math.isName() and math.getName() in meant:
            return of_name(math.getName(), meant)
        own = sum(length(math.getChild(number), meant) for number in range(math.getNumChildren()))
        function = model.getFunctionDefinition(math.getName()) if math.getType() == libsbml.AST_FUNCTION else None
        return 1 + own + (length(function.getBody(), {}) if function else 0)

    def of_name(name: str, meant: dict[str, Any]) -> int:
        key = name, meant is rules
        if key not in known:
            known[key] = length(meant[name], meant)
        return known[key]

    known: dict[tuple[str, bool], int] = {}
    rates = [length(each.getKineticLaw().getMath(), rules) for each in model.getListOfReactions()]
    starts = [of_name(name, {**rules, **initial}) for name in initial]
    return {"rates": sum(rates), "initial values": sum(starts), "longest": max(*rates, *starts)}


def test_the_formulas_of_the_human_model_stay_short_where_names_are_written_out() -> None:
    lengths = written_out(sbml_text(read_scenario(builtin_scenarios()["acute_infection"])))
    assert {name: lengths[name] for name in LENGTHS if lengths[name] > LENGTHS[name]} == {}


@pytest.fixture
def chain(folder: Path) -> Scenario:
    """Formulas and constants that each name the one before twice: written out, they would have 2^24 parts."""
    links = [
        f'f{n} = {{ label = "f{n}", unit = "1", value = "{form.format(f"f{n - 1}")}" }}\n'
        f'c{n} = {{ label = "c{n}", unit = "1", value = "{form.format(f"c{n - 1}")}" }}\n'
        for n, form in enumerate(
            ["saturation({0}, 0.9) + 0.2", "hill({0}, 0.5, 3) + 0.2", "{0} * (2 - {0} / 2)"] * 8, 1
        )
    ]
    model = (
        'title = "A chain"\ntime_unit = "h"\n[species]\n'
        f'x = {{ label = "x", unit = "1", initial = "c{LINKS}", scale = 1 }}\n[parameters]\n'
        'c0 = { label = "c0", value = 0.7, unit = "1", source = "assumed", status = "assumed: an example" }\n'
        'k = { label = "k", value = 1, unit = "1/h", source = "assumed", status = "assumed: an example" }\n'
        '[reactions]\nloss = { equation = "x ->", rate = "k * x * fLINKS", source = "assumed" }\n'
        '[observables]\nf0 = { label = "f0", unit = "1", value = "x / (1 + x)" }\n'
    )
    return written_for(folder, model.replace("LINKS", str(LINKS)) + "".join(links))


def test_a_chain_of_formulas_and_constants_does_not_grow_as_powers_of_two(chain: Scenario) -> None:
    text = sbml_text(chain)
    assert faults(text) == []
    assert written_out(text)["longest"] < 20 * LINKS
    assert_agree(loaded(text), chain)


def test_what_is_derived_from_a_parameter_follows_it_after_a_reset(chain: Scenario, folder: Path) -> None:
    runner = loaded(sbml_text(chain))
    for value in (0.2, 3.0):
        runner["c0"] = value
        runner.reset()
        asked = written_for(folder, (folder / "model.toml").read_text(), f"[parameters]\nc0 = {value}")
        ours = system_of(asked.model).observe(np.zeros(1), np.array([[0.5]]), [value, 1.0])
        place = list(asked.model.observables).index(f"c{LINKS}")
        assert runner[f"c{LINKS}"] == pytest.approx(ours[place, 0], rel=1e-12)
        assert_agree(runner, asked)


@pytest.mark.slow
def test_libroadrunner_loads_the_human_model_as_it_comes_and_resets_it() -> None:
    """With nothing chosen; a parameter that is set changes the state at rest after a reset."""
    scenario = read_scenario(builtin_scenarios()["acute_infection"])
    runner = roadrunner.RoadRunner(sbml_text(scenario))
    main = scenario.arm("main")
    arm = main._replace(parameters={**main.parameters, "M_number": 600.0})
    for asked in (scenario, replace(scenario, arms=(arm,))):
        for name, value in asked.parameters(asked.arm("main")).items():
            runner[name] = value
        runner.reset()
        assert_agree(runner, asked, every=20)


@pytest.mark.slow
def test_copasi_computes_the_human_model() -> None:
    copasi.needed()
    scenario = read_scenario(builtin_scenarios()["acute_infection"])
    steps = round(scenario.end)
    found = copasi.simulated(sbml_text(scenario), scenario.end, steps)
    assert_same(found, scenario, np.arange(steps + 1.0))


# what people read


def test_sources_are_notes_and_where_known_links_to_the_paper() -> None:
    scenario = read_scenario(builtin_scenarios()["acute_infection"])
    model = model_of(sbml_text(scenario))
    division = model.getParameter("Th2_division")
    assert "Bocharov2015" in division.getNotesString()
    assert "status: derived: ln 2 / 14 h" in division.getNotesString()
    term = division.getCVTerm(0)
    assert term.getBiologicalQualifierType() == libsbml.BQB_IS_DESCRIBED_BY
    assert term.getResourceURI(0) == "https://identifiers.org/doi:10.1155/2015/739706"
    known = {key for key, source in scenario.model.sources.items() if addresses(source)}
    assert len(known) > 50
    for group, written in (
        (scenario.model.parameters, model.getParameter),
        (scenario.model.reactions, model.getReaction),
    ):
        for name, each in group.items():
            cites = {part.split(",")[0].strip() for part in each.source.split(";")} & known
            assert bool(cites) == bool(written(name).getNumCVTerms()), name
            assert written(name).getName() == each.label


@pytest.mark.parametrize(
    ("citation", "link", "address"),
    [
        ("A 2007, J 1:2", "https://doi.org/10.1/ab(c)", "doi:10.1/ab(c)"),
        ("A 2007, J 1:2 (PMC2000760)", "", "pmc:PMC2000760"),
        ("A 2007, PMID 123", "", "pubmed:123"),
        ("A 2007", "https://pubmed.ncbi.nlm.nih.gov/456/", "pubmed:456"),
        ("A 2007, BioModels BIOMD0000000608", "", "biomodels.db:BIOMD0000000608"),
    ],
)
def test_the_address_of_a_paper_is_found(citation: str, link: str, address: str) -> None:
    assert addresses(Source("A", citation, link)) == [f"https://identifiers.org/{address}"]


def test_every_name_and_unit_of_a_model_is_there(toy_file: Path) -> None:
    scenario = read_scenario(toy_file)
    written = model_of(sbml_text(scenario))
    for group, get in (
        (scenario.model.parameters, written.getParameter),
        (scenario.model.observables, written.getParameter),
    ):
        for name, each in group.items():
            assert get(name).getName() == each.label
            assert written.getUnitDefinition(get(name).getUnits()) or get(name).getUnits() in ("dimensionless", "litre")
    assert written.getParameter("k_clear").getValue() == 0.25
    assert written.getSpecies("drug").getName() == "drug in plasma"
    assert "medical advice" in written.getNotesString()


def test_markup_in_a_label_is_text(toy_file: Path) -> None:
    edited = toy_file.parent / "toy_model.toml"
    text = edited.read_text().replace("drug in plasma", "drug <b>&</b> plasma")
    edited.write_text(text.replace("Toy2020, p. 2", "Toy2020, p < 0.05 & more"))
    text = sbml_text(read_scenario(toy_file))
    assert faults(text) == []
    assert model_of(text).getSpecies("drug").getName() == "drug <b>&</b> plasma"
    assert "p &lt; 0.05 &amp; more" in model_of(text).getParameter("k_clear").getNotesString()
