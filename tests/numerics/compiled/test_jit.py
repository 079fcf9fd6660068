"""Machine code that is kept is the code of this plan, this program and this processor, or is made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim.numerics import rodas5p
from immunesim.numerics.compiled import jit
from immunesim.numerics.compiled.jit import CompiledProgram, code_key
from immunesim.numerics.compiled.memory_layout import ProgramLayout
from immunesim.numerics.graph import Graph
from immunesim.numerics.reduced_system import reduce_system

from tests.numerics.compiled.test_engine import ENZYME


def program(**fixed: float) -> ProgramLayout:
    return ProgramLayout(reduce_system(ENZYME, set(ENZYME.species), (), fixed), ("S",), ("P",))


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept" / "immunesim"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever code is made."""
    found, make = [], jit.compile_program
    monkeypatch.setattr(jit, "compile_program", lambda *given: found.append(1) or make(*given))
    return found


def test_code_is_made_once(made: list[int], kept: Path) -> None:
    CompiledProgram(program(), 4)
    CompiledProgram(program(), 4)
    assert len(made) == 1
    assert len(list(kept.iterdir())) == 1


def test_another_formula_number_of_lanes_or_constant_is_other_code(made: list[int]) -> None:
    for given, lanes in ((program(), 4), (program(), 2), (program(n=2.0), 4), (program(n=3.0), 4)):
        CompiledProgram(given, lanes)
    assert len(made) == 4


def test_code_is_known_by_its_derivatives_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_key(program(), 4)
    assert code_key(program(), 4) == before
    right = Graph.derivative
    monkeypatch.setattr(Graph, "derivative", lambda self, node, by: self.apply("neg", right(self, node, by)))
    assert code_key(program(), 4) != before


def test_code_is_known_by_the_files_it_is_written_by(monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = code_key(program(), 4), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + b" " * (self.name == Path(rodas5p.__file__).name))
    assert code_key(program(), 4) != before


def test_code_that_is_not_whole_is_made_again(made: list[int], kept: Path) -> None:
    CompiledProgram(program(), 4)
    (file,) = kept.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    CompiledProgram(program(), 4)
    assert len(made) == 2
