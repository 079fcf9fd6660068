"""Hidden folders of processes that were killed are removed by the next one in the same place, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from immunesim.files.results.folder import new_folder

FILL = """
import os, signal, sys
from pathlib import Path
from immunesim.files.results.folder import new_folder

with new_folder(Path(sys.argv[1]), force=True) as folder:
    (folder / "table.csv").write_text("half")
    if sys.argv[2] == "between":
        rename = Path.rename
        def stop(self, target):
            rename(self, target)
            os.kill(os.getpid(), signal.SIGKILL)
        Path.rename = stop
    elif sys.argv[2] == "wait":
        print("filling", flush=True)
        sys.stdin.read()
    else:
        os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot kill itself")


def fill(out: Path, how: str) -> None:
    killed = subprocess.run([sys.executable, "-c", FILL, str(out), how])
    assert killed.returncode == -signal.SIGKILL


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    fill(tmp_path / "out", "at once")
    assert len(names(tmp_path)) == 2  # the folder and its mark
    with new_folder(tmp_path / "other", force=False):
        pass
    assert names(tmp_path) == ["other"]


def test_results_that_were_about_to_be_replaced_come_back(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out", force=False) as folder:
        (folder / "table.csv").write_text("whole")
    fill(tmp_path / "out", "between")
    assert not (tmp_path / "out").exists()
    with new_folder(tmp_path / "other", force=False):
        pass
    assert names(tmp_path) == ["other", "out"]
    assert (tmp_path / "out" / "table.csv").read_text() == "whole"


def test_folders_of_others_and_of_processes_at_work_are_left_alone(tmp_path: Path) -> None:
    for name in (".out.abcdefgh", ".git", ".out.12345678.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious.txt").write_text("years")
    (tmp_path / ".out.abcdefgh.working").write_text("mine")
    (tmp_path / ".out.ijklmnop.working").symlink_to(tmp_path / ".git")
    before = names(tmp_path)
    command = [sys.executable, "-c", FILL, str(tmp_path / "out"), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with new_folder(tmp_path / "a", force=False), new_folder(tmp_path / "b", force=False):
            pass
        assert len(names(tmp_path)) == len(before) + 4
    assert process.returncode == 0
    assert names(tmp_path) == sorted([*before, "a", "b", "out"])
    assert (tmp_path / "out" / "table.csv").read_text() == "half"
    assert not os.path.exists(tmp_path / "out" / ".working")
