"""The gates of the house: style, types, the one direction of imports, and a README that is true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from immunesim.cli import COMMANDS

from tests import results

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GATES = {
    "ruff check": ["ruff", "check", "simulator", "tests", "run_sim.py"],
    "ruff format": ["ruff", "format", "--check", "simulator", "tests", "run_sim.py"],
    "mypy --strict": ["mypy", "--strict", "-p", "simulator"],
    "import-linter": ["importlinter.cli", "lint"],
}


@pytest.mark.parametrize(
    "gate", [pytest.param(gate, marks=pytest.mark.slow if gate.startswith("mypy") else ()) for gate in GATES]
)
def test_gate(gate):
    module, *arguments = GATES[gate]
    if gate == "import-linter":
        command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    else:
        command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_two_shell_blocks_are_one_line_each():
    first, second = blocks("sh")[:2]
    assert first.count("\n") == second.count("\n") == 1
    assert "run scenarios/il2_therapy.toml" in first
    assert "pytest" in second


def test_ci_runs_the_command_of_the_readme():
    assert "README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_is_short_and_what_it_names_is_there():
    assert README.count("\n") <= 150
    assert len(re.findall(r"(?m)^python run_sim.py (\w+)", README)) == 8
    assert set(re.findall(r"(?m)^python run_sim.py (\w+)", README)) <= set(COMMANDS)
    paths = [path for path in re.findall(r"\]\(([^)#]+)\)", README) if not path.startswith("https:")]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    chapters = {path.relative_to(ROOT).as_posix() for path in (ROOT / "simulator" / "handbook").glob("*.md")}
    assert chapters - set(paths) == set()


def test_no_file_names_a_place_on_one_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    place = re.compile(r"[\s\"'(`]/(?:home|root|tmp|Users|mnt|opt)/")
    texts = [
        ROOT / name for name in tracked if name.endswith((".py", ".toml", ".md")) and name != "tests/test_gates.py"
    ]
    assert [path.name for path in texts if place.search(path.read_text(encoding="utf-8"))] == []


def test_every_entry_of_the_changelog_says_which_results_change():
    _, *entries = re.split(r"(?m)^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert entries
    assert [entry.splitlines()[0] for entry in entries if f"\n### {results.HEADING}\n" not in entry] == []


def test_the_gates_of_the_tests_are_those_before_a_commit():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(declared["dependency-groups"]["lint"]) <= set(declared["project"]["optional-dependencies"]["test"])
    hooks = re.findall(r"- id: (\S+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert hooks == ["ruff", "ruff-format", "mypy", "import-linter"]
