"""What people are told while they wait: on a terminal, in a log, and by whom."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.solving import Certify
from immunesim.numerics import solve as solver
from immunesim.numerics.solve import solve
from immunesim.runtime import progress as module
from immunesim.runtime.progress import QUIET, Progress, notebook_line

CLEARED = "\r\x1b[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(module, "time", found)
    monkeypatch.setattr(module, "QUIET", QUIET)
    return found


def test_a_log_has_a_line_for_each_tenth(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress("members", 1000, 100, stream) as progress:
        for _ in range(90):
            clock.now += 1.0
            progress.add(10, failed=1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 9
    assert lines[0] == "200 of 1,000 members (20 %), 10/s, 80 s left, 10 failed"
    assert lines[-1] == "1,000 of 1,000 members (100 %), 10/s, 90 failed"


def test_a_terminal_has_one_line_that_is_taken_away(clock: Clock) -> None:
    stream = Terminal()
    with Progress("members", 100, stream=stream) as progress:
        for _ in range(50):
            clock.now += 0.1
            progress.add(2)
    said = stream.getvalue().split(CLEARED)
    assert "\n" not in stream.getvalue()
    assert said[0] == said[-1] == ""
    assert said[1] == "40 of 100 members (40 %), 20/s, 3 s left"
    assert 14 <= len(said) - 2 <= 16  # in three seconds, every 0.2


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_nothing_is_said_of_what_takes_under_two_seconds(clock: Clock, stream: io.StringIO) -> None:
    with Progress("members", 10, stream=stream) as progress:
        for _ in range(10):
            clock.now += 0.99 * QUIET / 10
            progress.add()
    assert stream.getvalue() == ""


def test_the_last_tenth_is_said_however_close_it_is_to_the_one_before(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress("arms", 2, stream=stream) as progress:
        clock.now += 30.0
        progress.add()
        clock.now += 0.01
        progress.add()
    assert stream.getvalue().splitlines() == ["1 of 2 arms (50 %), 30 s left", "2 of 2 arms (100 %)"]


def test_the_time_left_counts_down_while_nothing_is_finished(clock: Clock) -> None:
    with Progress("scenarios", 4, stream=Terminal()) as progress:
        clock.now += 10.0
        progress.add()
        left = []
        for _ in range(5):
            clock.now += 8.0
            progress.add(0)
            left.append(progress.line(clock.now).rpartition(", ")[2])
    assert left == ["22 s left", "14 s left", "6 s left", "1 of 4 scenarios (25 %)", "1 of 4 scenarios (25 %)"]


def test_part_of_what_is_under_way_counts(clock: Clock) -> None:
    stream = Terminal()
    with Progress("scenarios", 3, stream=stream) as progress:
        progress.add()
        clock.now += 15.0
        progress.within(0.5)
        assert progress.line(clock.now) == "1 of 3 scenarios (50 %), 15 s left"
        progress.within(0.5, of=2)
        assert progress.line(clock.now) == "2 of 3 scenarios (66 %), 8 s left"
        progress.within(1.0)  # two, half of each: neither is done, and what is done is kept after an interruption
        assert progress.line(clock.now) == "1 of 3 scenarios (66 %), 8 s left"
    with Progress("scenarios", 1, stream=stream) as progress:
        clock.now += 3.0
        progress.within(0.25)
        assert progress.line(clock.now) == "25 %, 9 s left"


def test_of_two_within_each_other_the_outer_speaks(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress("scenarios", 2, stream=stream) as outer:
        for _ in range(2):
            with Progress("arms", 5, stream=stream) as inner:
                for _ in range(5):
                    clock.now += 1.0
                    inner.add()
            outer.add()
    with Progress("arms", 1, stream=stream) as after:
        clock.now += 3.0
        after.add()
    assert stream.getvalue().splitlines() == [
        "1 of 2 scenarios (50 %), 5 s left",
        "2 of 2 scenarios (100 %)",
        "100 %",
    ]


def test_a_line_is_taken_away_when_work_is_interrupted(clock: Clock) -> None:
    stream = Terminal()

    def interrupted() -> None:
        with Progress("arms", 5, stream=stream) as progress:
            clock.now += 3.0
            progress.add()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stream.getvalue().endswith(CLEARED)
    with Progress("arms", 5, stream=stream) as progress:
        clock.now += 3.0
        progress.add()
    assert stream.getvalue().count("1 of 5 arms") == 2


def test_nobody_is_lost_to_a_log_that_cannot_be_written(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stderr", None)  # as a program is that was started with 2>&-
    closed = io.StringIO()
    closed.close()
    for stream in (Full(), closed, None):
        with Progress("members", 10, stream=stream) as progress:
            clock.now += 3.0
            progress.add(10)
        assert progress.done == 10


class Cell:
    """What a notebook shows below a cell, by the handle of each display."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def __call__(self, data: dict[str, str], raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        assert not self.shown, "a second line"
        self.shown.append(data)
        return self

    def update(self, data: dict[str, str], raw: bool) -> None:
        assert raw
        self.shown.append(data)


def test_a_notebook_has_one_line_that_leaves_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell()
    shell = SimpleNamespace(kernel=True)
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=cell))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with Progress("arms", 4) as progress:
        for _ in range(4):
            clock.now += 1.5
            progress.add()
    assert [data["text/plain"] for data in cell.shown] == [
        "2 of 4 arms (50 %), 3 s left",
        "3 of 4 arms (75 %), 2 s left",
        "4 of 4 arms (100 %)",
        "",
    ]
    assert cell.shown[-1]["text/html"] == ""


def test_ipython_on_a_terminal_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert notebook_line() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert notebook_line() is None


TWO_ARMS = """
[[dose]]
name = "push"
target = "drug"
amount = "400 pmol"
at = "2 h"
every = "4 h"
count = 3
[arms.half]
dose.push.amount = "200 pmol"
"""


@pytest.mark.parametrize("certify", [Certify.AGAIN, Certify.OFF])
def test_a_run_on_scipy_tells_how_far_it_is(
    scenario: Callable[..., Scenario], certify: Certify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    monkeypatch.setattr(solver, "PROGRESS_EVERY", 1)
    shares: list[float] = []
    assert run(scenario(TWO_ARMS), certify, on_progress=shares.append).ok
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert 0.5 in shares  # one of two arms
    steps = [later - earlier for earlier, later in zip([0.0, *shares], shares, strict=False)]
    assert max(steps) < 0.25, "no part of the work is passed over in silence"


def test_a_run_on_the_engine_tells_how_far_it_is(scenario: Callable[..., Scenario]) -> None:
    shares: list[float] = []
    question = scenario(TWO_ARMS.replace('"4 h"\ncount = 3', '"0.01 h"\ncount = 2000'))
    assert run(question, on_progress=shares.append).ok
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4


def test_a_solver_counts_time_and_segments(scenario: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch) -> None:
    from immunesim.experiments.schedule import prepare
    from immunesim.numerics.system import System

    monkeypatch.setattr(solver, "PROGRESS_EVERY", 1)
    question = scenario(TWO_ARMS)
    system = System(question.model)
    schedule, times, start, _ = prepare(question, question.arm("main"), system)
    heard: list[tuple[float, int]] = []
    trajectory = solve(system, start, schedule.segments, times, on_progress=lambda *said: heard.append(said))
    assert len(heard) == trajectory.steps
    shares, calls = zip(*heard, strict=True)
    assert list(calls) == sorted(calls)
    assert calls[-1] == trajectory.calls
    ends = [segment.end for segment in schedule.segments]
    for number, end in enumerate(ends, 1):  # 4 segments: until 2, 6, 10 and 24 hours
        assert 0.5 * end / ends[-1] + 0.5 * number / len(ends) == pytest.approx(
            min(shares, key=lambda share: abs(share - 0.5 * end / ends[-1] - 0.5 * number / len(ends))), abs=1e-9
        )


def test_what_takes_long_is_announced_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal, said in ((True, "\r\x1b[Kcompiling\r\x1b[K"), (False, "")):
        stream = io.StringIO()
        stream.isatty = lambda terminal=terminal: terminal  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stderr", stream)
        with Progress("members", 3), Progress.announced("compiling"):
            assert stream.getvalue() == said.removesuffix("\r\x1b[K")
        assert stream.getvalue() == said
