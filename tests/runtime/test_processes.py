"""Worker processes: results in order, one that dies takes nobody with it, and nothing outlives Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from immunesim.runtime.processes import OnProgress, ProcessPool, WorkerDiedError, parallel_map, results_as_completed
from immunesim.runtime.progress import Progress

MODULE = """
import time

def endless(item, on_progress):
    open(item, "w").close()
    while True:
        time.sleep(0.01)

def double(item, on_progress):
    return 2 * item
"""
ENDLESS = """
import sys
from immunesim.runtime.processes import parallel_map
from work import endless

try:
    parallel_map("items", endless, sys.argv[1:])
except KeyboardInterrupt:
    raise SystemExit(130)
"""
UNGUARDED = """
from immunesim.runtime.processes import parallel_map
from work import double

print(parallel_map("items", double, [1, 2, 3]))
"""


def _twice(item: int, on_progress: OnProgress) -> tuple[int, int]:
    on_progress(0.5)
    return 2 * item, os.getpid()


def _fails_at_two(item: int, on_progress: OnProgress) -> int:
    return 1 // (item - 2)


def _dies_at_two(item: int, on_progress: OnProgress) -> int:
    if item == 2:
        os._exit(9)
    return item


def _half_done(folder: Path, on_progress: OnProgress) -> None:
    on_progress(0.5)
    while not (folder / "seen").exists():
        time.sleep(0.01)


def test_a_parallel_map_keeps_the_order_and_uses_processes_for_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    found = parallel_map("numbers", _twice, [3, 1, 2])
    assert [value for value, _ in found] == [6, 2, 4]
    assert os.getpid() not in {process for _, process in found}
    assert parallel_map("numbers", _twice, [5]) == [(10, os.getpid())]


@pytest.mark.parametrize("items", [[1, 2, 3], [2]])
def test_a_parallel_map_ends_with_the_first_error(items: list[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        parallel_map("numbers", _fails_at_two, items)


def test_a_worker_that_dies_loses_its_own_item_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with Progress("numbers", 4) as progress:
        found = dict(results_as_completed(_dies_at_two, [1, 2, 3, 4], progress))
    assert {number: found[number] for number in (0, 2, 3)} == {0: 1, 2: 3, 3: 4}
    assert isinstance(found[1], WorkerDiedError)
    with pytest.raises(WorkerDiedError, match="ended the process it ran in"):
        parallel_map("numbers", _dies_at_two, [1, 2, 3])


def test_workers_tell_how_far_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    class Heard(Progress):
        def within(self, share: float, of: int = 1) -> None:
            if share == 1.0:  # both are half done
                (tmp_path / "seen").touch()

    with Heard("folders", 2, stream=io.StringIO()) as progress:
        assert dict(results_as_completed(_half_done, [tmp_path, tmp_path], progress)) == {0: None, 1: None}


def test_a_worker_ends_with_the_process_that_started_it_however_that_ends(tmp_path: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        (tmp_path / "script.py").write_text(ENDLESS)
        (tmp_path / "work.py").write_text(MODULE)
        begun = [tmp_path / f"{number}.{name}" for name in "ab"]
        process = subprocess.Popen(
            [sys.executable, "script.py", *map(str, begun)],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(600):
            if any(path.exists() for path in begun):
                break
            time.sleep(0.05)
        asked = time.monotonic()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does: to the workers too
        else:
            process.kill()
        _, said = process.communicate(timeout=60)  # ends when no worker holds stderr any longer
        assert process.returncode == code
        assert "Traceback" not in said
        assert time.monotonic() - asked < 2.0
        assert gone(process.pid)


def test_a_script_without_a_guard_is_run_once(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    (tmp_path / "work.py").write_text(MODULE)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[2, 4, 6]\n", "")


def gone(group: int) -> bool:
    """Whether every process of the group has ended, soon."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_pool_ends_workers_that_are_at_work() -> None:
    began = time.monotonic()
    with ProcessPool(1) as pool:
        pid = pool.submit(os.getpid).result()
        endless = pool.submit(time.sleep, 600)
        while not endless.running():
            time.sleep(0.01)
    assert time.monotonic() - began < 60
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
