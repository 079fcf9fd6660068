"""Machine code that is kept is the code of this plan, this program and this processor, or is made again."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from immunesim.numerics import rodas5p
from immunesim.numerics.compiled import jit
from immunesim.numerics.compiled.jit import Machine
from immunesim.numerics.compiled.memory_layout import Plan
from immunesim.numerics.graph import Graph
from immunesim.numerics.reduced_system import reduce_system

from tests.numerics.compiled.test_engine import ENZYME


def plan(**fixed: float) -> Plan:
    return Plan(reduce_system(ENZYME, set(ENZYME.species), (), fixed), ("S",), ("P",))


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept" / "immunesim"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever code is made."""
    found, make = [], jit._compile
    monkeypatch.setattr(jit, "_compile", lambda *given: found.append(1) or make(*given))
    return found


def test_code_is_made_once(made: list[int], kept: Path) -> None:
    Machine(plan(), 4)
    Machine(plan(), 4)
    assert len(made) == 1
    assert len(list(kept.iterdir())) == 1


def test_another_formula_number_of_lanes_or_constant_is_other_code(made: list[int]) -> None:
    for given, lanes in ((plan(), 4), (plan(), 2), (plan(n=2.0), 4), (plan(n=3.0), 4)):
        Machine(given, lanes)
    assert len(made) == 4


def test_code_is_known_by_its_derivatives_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = jit._digest(plan(), 4)
    assert jit._digest(plan(), 4) == before
    right = Graph._slope
    monkeypatch.setattr(Graph, "_slope", lambda self, node, by: self.apply("neg", right(self, node, by)))
    assert jit._digest(plan(), 4) != before


def test_code_is_known_by_the_files_it_is_written_by(monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = jit._digest(plan(), 4), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + b" " * (self.name == Path(rodas5p.__file__).name))
    assert jit._digest(plan(), 4) != before


def test_code_that_is_not_whole_is_made_again(made: list[int], kept: Path) -> None:
    Machine(plan(), 4)
    (file,) = kept.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    Machine(plan(), 4)
    assert len(made) == 2


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "file"))
    assert Machine(plan(), 4).drive


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch, made: list[int]) -> None:
    for name in ("IMMUNESIM_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    Machine(plan(), 4)
    assert made == [1]
