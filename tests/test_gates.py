"""The gates of the house: style, types, the one direction of imports, and a README that is true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from immunesim.cli import COMMANDS
from immunesim.files.toml.model_file import read_model
from immunesim.files.toml.scenario_file import read_scenario

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
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command):
    assert f"run_sim.py {command}" in README


def test_the_files_shown_in_the_readme_are_read_without_faults(tmp_path):
    addition, alone, scenario, data, fit, fact, sweep = blocks("toml")
    (tmp_path / "drug.toml").write_text(alone, encoding="utf-8")
    assert list(read_model(tmp_path / "drug.toml").species) == ["central", "tissue"]
    (tmp_path / "my_model.toml").write_text(addition, encoding="utf-8")
    (tmp_path / "my_scenario.toml").write_text(scenario, encoding="utf-8")
    model = read_model(tmp_path / "my_model.toml")
    assert set(tomllib.loads(addition)["reactions"]) <= set(model.reactions)
    assert read_scenario(tmp_path / "my_scenario.toml").model.title == model.title
    (tmp_path / "treg.csv").write_text("time [d],value,sd\n5,1.2,0.2\n9,2.1,0.3\n", encoding="utf-8")
    (tmp_path / "fit.toml").write_text(f'title = "fit"\nextends = "low_dose_il2"\n{data}{fit}', encoding="utf-8")
    assert read_scenario(tmp_path / "fit.toml").fit.estimates[0].axis.path == "K_IL2_regulatory"
    (tmp_path / "asks.toml").write_text(f'title = "asks"\nextends = "endotoxin"\n{fact}', encoding="utf-8")
    assert [each.fact for each in read_scenario(tmp_path / "asks.toml").expectations] == ["endotoxin_4ng_fever_onset"]
    (tmp_path / "sweep.toml").write_text(sweep, encoding="utf-8")
    assert read_scenario(tmp_path / "sweep.toml").sweep.design.shape == (5, 2, 200)


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
