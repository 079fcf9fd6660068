"""Machine code that is kept is the code of this model, these files and this processor, or is made again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from immunesim.model.model import Model
from immunesim.numerics import reduced_system, rodas5p
from immunesim.numerics.compiled import codegen, programs
from immunesim.numerics.compiled.arms import ModelEngine
from immunesim.numerics.compiled.memory_layout import ProgramLayout
from immunesim.numerics.compiled.programs import program_for, program_key
from immunesim.numerics.reduced_system import reduce_system
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Problem, Segment

from tests.numerics.compiled.test_engine import ENZYME
from tests.systems import make_model

PACKAGE = Path(rodas5p.__file__).parents[1]


def layout(**fixed: float) -> ProgramLayout:
    return ProgramLayout(reduce_system(ENZYME, set(ENZYME.species), (), fixed), ("S",), ("P",))


def program(lanes: int = 4, **fixed: float) -> None:
    given = layout(**fixed)
    program_for(given.reduced, given.grid, given.dense_curves, lanes)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(programs, "_asleep", {})
    monkeypatch.setattr(reduced_system, "FEWEST_LEFT_OUT", 1)  # the models here are small
    return tmp_path / "kept" / "immunesim"


def files(kept: Path) -> set[tuple[str, int]]:
    """Names and inodes: a file that is written anew has another inode."""
    return {(path.name, path.stat().st_ino) for path in kept.iterdir()}


def test_code_is_made_once(kept: Path) -> None:
    program()
    before = files(kept)
    program()
    assert files(kept) == before
    assert len(before) == 1


def test_another_formula_number_of_lanes_or_constant_is_other_code(kept: Path) -> None:
    for number, (lanes, fixed) in enumerate([(4, {}), (2, {}), (4, {"n": 2.0}), (4, {"n": 3.0})], start=1):
        program(lanes, **fixed)
        assert len(files(kept)) == number


def test_code_of_another_processor_is_never_loaded(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a cluster, whose machines share a home: what one of them cannot run must not be read by it."""
    program()
    monkeypatch.setattr(programs, "processor", lambda: ("another", "+avx512f"))
    program()
    assert len(files(kept)) == 2


def test_code_is_known_by_the_files_it_is_written_by(tmp_path: Path) -> None:
    """A copy of the package with one comment more has other keys."""
    copy = tmp_path / "copy" / "immunesim"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from immunesim.numerics.compiled.programs import _digest\n"
        "print(_digest('x'))\n"
    )

    def digest() -> str:
        command = [sys.executable, "-c", script, str(copy.parent)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    before = digest()
    assert digest() == before
    with (copy / "numerics" / "rodas5p.py").open("a", encoding="utf-8") as file:
        file.write("# another coefficient\n")
    assert digest() != before


def test_code_that_is_not_whole_is_made_again(kept: Path) -> None:
    program()
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    program()
    (again,) = kept.iterdir()
    assert again.read_bytes() == whole


def test_the_same_layout_has_the_same_key() -> None:
    assert program_key(layout(), 4) == program_key(layout(), 4)


def decay(rate: float, scale: float = 1.0) -> Model:
    return make_model({"x": ("pM", 100, scale)}, {"k": (rate, "1/h")}, {"loss": ("x ->", "k * x")})


def problem(model: Model, end: float = 2.0) -> Problem:
    system = System(model)
    parameters = np.array([each.value for each in model.parameters.values()])
    nothing = np.zeros(len(system.species))
    return Problem(
        np.full(1, 100.0), [Segment(0.0, end, nothing, nothing, parameters)], np.array([0.0, end]), 1e-8, 1e-3, True
    )


def final(model: Model) -> float:
    (found,), interrupted = ModelEngine(System(model), model.species).solve([problem(model)])
    assert found is not None
    assert not interrupted
    return float(found["x"][-1])


def test_models_that_differ_in_numbers_alone_share_a_program_and_not_its_results(kept: Path) -> None:
    assert final(decay(1.0)) == pytest.approx(100 * np.exp(-2.0), rel=1e-6)
    before = files(kept)
    assert final(decay(3.0, 7.0)) == pytest.approx(100 * np.exp(-6.0), rel=1e-6)
    assert files(kept) == before


def test_code_kept_for_another_model_is_never_used(kept: Path) -> None:
    thrice = make_model({"x": ("pM", 100, 1)}, {"k": (1.0, "1/h")}, {"loss": ("x ->", "3 * k * x")})
    assert final(thrice) == pytest.approx(100 * np.exp(-6.0), rel=1e-6)
    twice = make_model({"x": ("pM", 100, 1)}, {"k": (1.0, "1/h")}, {"loss": ("x ->", "2 * k * x")})
    assert final(twice) == pytest.approx(100 * np.exp(-4.0), rel=1e-6)
    assert len(files(kept)) == 2


def test_lanes_and_the_length_of_blocks_change_no_bit_of_a_trajectory(monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.array([100.0, 10.0, 0.0, 0.0, 0.0])
    parameters = np.array([each.value for each in ENZYME.parameters.values()])
    nothing = np.zeros(5)
    given = Problem(start, [Segment(0.0, 3.0, nothing, nothing, parameters)], np.linspace(0, 3, 7), 1e-6, 1e-3, True)
    found = []
    for lanes, longest in ((4, 1_000), (2, 1_000), (2, 5)):
        monkeypatch.setattr(codegen, "LONGEST_BLOCK", longest)
        monkeypatch.setattr(programs, "_held", {})
        (one,), _ = ModelEngine(System(ENZYME), ENZYME.species, lanes=lanes).solve([given])
        assert not isinstance(one, str)
        found.append(np.array([one[name] for name in ENZYME.species]))
        monkeypatch.setenv("IMMUNESIM_CACHE", str(Path(os.environ["IMMUNESIM_CACHE"]) / str(longest)))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_the_code_of_a_model_is_held_against_its_formulas() -> None:
    engine = ModelEngine(System(ENZYME), ENZYME.species)
    system = engine.system
    start = np.array([100.0, 10.0, 0.0, 0.0, 0.0])
    parameters = np.array([each.value for each in ENZYME.parameters.values()])
    nothing = np.zeros(5)
    given = Problem(start, [Segment(0.0, 3.0, nothing, nothing, parameters)], np.array([0.0, 3.0]), 1e-6, 1e-3, True)
    trajectories, _ = engine.solve([given])
    assert engine.disagreement([each for each in trajectories if not isinstance(each, str)]) == ""
    # The same code with the formulas of another model: the catalytic rate is doubled
    other = make_model(
        {name: (each.unit_text, 0, each.scale) for name, each in ENZYME.species.items()},
        {name: (each.value, each.unit_text) for name, each in ENZYME.parameters.items()},
        {
            name: (each.equation, f"2 * ({each.rate_text})" if name == "making" else each.rate_text)
            for name, each in ENZYME.reactions.items()
        },
    )
    engine.formulas = ModelEngine(System(other), other.species).formulas
    assert "the derivative of" in engine.disagreement([each for each in trajectories if not isinstance(each, str)])
    assert system.species == ("S", "E", "C", "P", "still")


def test_what_stays_at_zero_is_left_out_and_changes_nothing(kept: Path) -> None:
    start, nothing = np.array([100.0, 10.0, 0.0, 0.0, 0.0]), np.zeros(5)
    parameters = np.array([each.value for each in ENZYME.parameters.values()])
    given = Problem(start, [Segment(0.0, 3.0, nothing, nothing, parameters)], np.linspace(0, 3, 7), 1e-6, 1e-3, True)
    reduced, whole = (ModelEngine(System(ENZYME), awake) for awake in ({"S", "E"}, ENZYME.species))
    assert reduced.engine.description.identically_zero == ("still",)  # the others are woken by these two
    assert not whole.engine.description.identically_zero
    ((found,), _), ((expected,), _) = reduced.solve([given]), whole.solve([given])
    assert not isinstance(found, str)
    assert not isinstance(expected, str)
    for name in ENZYME.species:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
    assert reduced.disagreement([found]) == ""
    awake = Problem(np.array([100.0, 10.0, 0.0, 0.0, 1.0]), *given[1:])
    with pytest.raises(ValueError, match="still does not start at zero"):
        reduced.solve([awake])


def test_species_that_wake_the_same_share_a_program() -> None:
    two, three, other = (ModelEngine(System(ENZYME), each) for each in ({"S", "E"}, {"S", "E", "C"}, {"S", "still"}))
    assert two.engine.code is three.engine.code
    assert two.engine.code is not other.engine.code


def test_scenarios_share_a_program_that_wake_only_a_few_species_of_their_own(monkeypatch) -> None:
    """Two drugs of two species each, and an antigen that wakes four more."""
    monkeypatch.setattr(reduced_system, "FEWEST_LEFT_OUT", 5)
    answer = ["antigen", "a1", "a2", "a3", "a4"]
    steps = {"x": "x", "drug": "blood", "other": "plasma"} | dict(pairwise(answer))
    model = make_model(
        {name: ("pM", 100 if name == "x" else 0, 1) for name in ("x", "drug", "blood", "other", "plasma", *answer)},
        {"k": (1.0, "1/h")},
        {
            f"from_{name}": (f"{name} ->" if name == to else f"{name} -> {to}", f"k * {name}")
            for name, to in steps.items()
        },
    )
    engines = [ModelEngine(System(model), {"x", name}).engine for name in ("x", "drug", "other", "antigen", "a1")]
    assert [each.description.identically_zero for each in engines] == [tuple(answer)] * 3 + [(), ("antigen",)]
    assert engines[0].code is engines[1].code is engines[2].code


def test_a_species_that_code_leaves_out_but_formulas_wake_is_named() -> None:
    """As if a fault had left out what does move."""
    engine = ModelEngine(System(ENZYME), {"S", "E"})
    waking = make_model(
        {name: (each.unit_text, 0, each.scale) for name, each in ENZYME.species.items()},
        {name: (each.value, each.unit_text) for name, each in ENZYME.parameters.items()},
        {
            **{name: (each.equation, each.rate_text) for name, each in ENZYME.reactions.items()},
            "waking": ("-> still", "cat * P"),
        },
    )
    parameters = np.array([each.value for each in ENZYME.parameters.values()])
    nothing, start = np.zeros(5), np.array([100.0, 10.0, 0.0, 0.0, 0.0])
    given = Problem(start, [Segment(0.0, 3.0, nothing, nothing, parameters)], np.array([0.0, 3.0]), 1e-6, 1e-3, True)
    (found,), _ = engine.solve([given])
    assert not isinstance(found, str)
    engine.formulas = ModelEngine(System(waking), waking.species).formulas
    assert "the derivative of still" in engine.disagreement([found])


def test_observables_by_machine_code_are_those_of_the_formulas() -> None:
    model = make_model(
        {"x": ("pM", 100, 1), "off": ("pM", 0, 1)},
        {"k": (1.0, "1/h"), "n": (2.5, "1"), "K": (3.0, "pM")},
        {"loss": ("x ->", "k * x"), "fading": ("off ->", "k * off")},
        {"steep": ("1", "hill(x, K, n) + k * time"), "plain": ("pM", "2 * x - off"), "same": ("1/h", "2 * k")},
    )
    engine = ModelEngine(System(model), {"x"}).engine
    assert engine.description.identically_zero == ("off",)
    system, count = engine.system, 301  # no multiple of the lanes, and more than one block
    times = np.linspace(0.0, 7.0, count)
    states = np.stack([np.geomspace(1e-3, 1e3, count), np.zeros(count)], axis=1)
    parameters = np.array([0.7, 3.5, 9.0])
    expected = system.observe(times, states, parameters)
    names = ("plain", "same", "steep")
    found = engine.observe(names, times, states, parameters)
    np.testing.assert_allclose(found, expected[[system.observables.index(name) for name in names]], rtol=1e-13)
    with pytest.raises(KeyError):
        engine.observe(["x"], times, states, parameters)


def test_a_parameter_that_is_always_zero_lets_sleep_what_it_would_wake() -> None:
    model = make_model(
        {"x": ("pM", 100, 1), "y": ("pM", 0, 1)},
        {"k": (1.0, "1/h"), "leak": (0.0, "1/h"), "idle": (0.0, "1/h")},
        {"loss": ("x ->", "(k + idle) * x"), "leaking": ("x -> y", "leak * x")},
    )
    engine = ModelEngine(System(model), {"x"}, {"leak", "idle"})
    assert engine.engine.description.identically_zero == ("y",)
    assert engine.engine.description.zeros == ("leak",)  # and not what wakes nothing: a program for fewer scenarios
    nothing = np.zeros(2)

    def solved(leak: float) -> float:
        segment = Segment(0.0, 2.0, nothing, nothing, np.array([1.0, leak, 0.5]))
        given = Problem(np.array([100.0, 0.0]), [segment], np.array([0.0, 2.0]), 1e-8, 1e-3, True)
        ((found,), _) = engine.solve([given])
        assert not isinstance(found, str)
        assert engine.disagreement([found]) == ""
        return float(found["x"][-1])

    assert solved(0.0) == pytest.approx(100 * np.exp(-3.0), rel=1e-6)
    with pytest.raises(ValueError, match="leak is not zero"):
        solved(0.1)
