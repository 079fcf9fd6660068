"""Standard output and error that are closed, full, no files, or of an encoding without Greek letters: no result is lost
and no traceback is shown."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from immunesim import cli, read_scenario
from immunesim.runtime.errors import InputError

from tests.toys import SCENARIO

ROOT = Path(cli.__file__).resolve().parents[2]
RUN = ["run", "toy.toml", "--no-plots", "--no-certify", "--out", "out"]
GREEK = SCENARIO.replace("A toy question", "How IL-1β, at 37 °C and 10² times, acts")


@pytest.fixture
def toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    (folder / "toy.toml").write_text(GREEK, encoding="utf-8")
    return folder


def shell(command: str, words: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """`command` with "$@" for the program and `words`."""
    program = [sys.executable, str(ROOT / "run_sim.py"), *words]
    environment = {"PATH": "/usr/bin:/bin", **more}
    return subprocess.run(["sh", "-c", command, "sh", *program], cwd=folder, env=environment, capture_output=True)


@pytest.mark.parametrize("command", ['"$@" >&-', '"$@" 2>&-', '"$@" >&- 2>&-', '"$@" <&- >&- 2>&-'])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_closed_stream_costs_no_result(toy: Path, command: str, more: list[str]) -> None:
    done = shell(command, [*RUN, *more], toy)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((toy / "out" / "summary.json").read_text())["ok"]
    assert not any(b"How IL-1" in path.read_bytes()[:8] for path in (toy / "out").iterdir())


def test_notes_do_not_go_to_stdout_where_stderr_is_closed(toy: Path) -> None:
    done = shell('"$@" 2>&-', [*RUN, "--json", "--set", "k_clear=2 1/h"], toy)
    json.loads(done.stdout)


def test_a_full_disk_behind_stdout_costs_no_result(toy: Path) -> None:
    done = shell('"$@" > /dev/full', RUN, toy)
    assert done.returncode == 3
    assert done.stderr.decode() == "error: the answer cannot be written: No space left on device\n"
    assert (toy / "out" / "summary.json").exists()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_an_encoding_cannot_show_is_spelt_out(toy: Path, encoding: str) -> None:
    done = shell('"$@"', RUN, toy, PYTHONIOENCODING=encoding)
    title = done.stdout.decode(encoding).splitlines()[0]
    shown = {
        "ascii": "How IL-1beta, at 37 degC and 10^2 times, acts",
        "cp1252": "How IL-1beta, at 37 °C and 10² times, acts",
    }
    assert (done.returncode, done.stderr, title) == (0, b"", shown[encoding])
    found = json.loads(shell('"$@"', ["show", "toy.toml", "--json"], toy, PYTHONIOENCODING=encoding).stdout)
    assert found["scenario"]["title"] == "How IL-1β, at 37 °C and 10² times, acts"


class Host:
    """What a host program puts in place of stdout: no file, of an encoding of its own."""

    encoding = "ascii"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        text.encode(self.encoding)
        self.text += text
        return len(text)


class Broken(Host):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("kind", [Host, Broken])
def test_a_host_without_files_gets_its_answer(toy: Path, kind: type[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    host = kind()
    monkeypatch.setattr(sys, "stdout", host)
    assert cli.main(RUN) == 0
    assert (toy / "out" / "summary.json").exists()
    assert ("IL-1beta" in host.text) == (kind is Host)
    assert sys.stdout is host


def test_a_closed_object_is_no_traceback(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    assert cli.main(RUN) == 0


@pytest.mark.parametrize("words", [["-m", "immunesim"], [str(ROOT / "run_sim.py")]])
def test_the_package_is_a_program(words: list[str]) -> None:
    done = subprocess.run([sys.executable, *words, "--version"], cwd=ROOT.parent, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("immunesim")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not Unicode")
def test_a_file_name_that_is_no_utf8_is_told_by_command_line_and_python(toy: Path) -> None:
    (toy / "toy.toml").rename(toy / "caf\udce9.toml")
    for words in (
        ["run", "caf\udce9.toml"],
        ["check", "caf\udce9.toml", "--json"],
        ["run", "friberg", "--out", "\udce9"],
    ):
        done = shell('"$@"', words, toy, PYTHONUTF8="1")
        assert done.returncode == 2
        assert b"are not UTF-8; rename the file" in done.stderr
        assert b"Traceback" not in done.stderr
    with pytest.raises(InputError, match=r"cannot be named 'caf.udce9', whose bytes are not UTF-8"):
        read_scenario(toy / "caf\udce9.toml")
