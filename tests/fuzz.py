"""Structure-aware fuzzing: scenario, model and CSV files that are nearly right, through `check` and short runs.

Each case is made from its number alone. It must end by itself, without a traceback, with a documented exit code and
with a message of no more than a screen.
"""

from __future__ import annotations

import contextlib
import copy
import io
import os
import random
import shutil
import signal
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import tomli_w
from immunesim import cli

from tests.toys import SCENARIO, TOY_MODEL

CODES = {0, 1, 2, 3, 4, 5, 6}  # documented, of commands that nobody interrupts
SECONDS = 15.0  # that a case may take; a short run takes a hundredth of that
MOST_WRITTEN = 20_000  # characters on stderr
SWEEP = """
[sweep]
sample = "list"
members = "members.csv"
keep = ["drug"]
measures.peak = { measure = "max(drug)", unit = "pM", label = "peak" }
"""
MEMBERS = "id,k_clear [1/h],dose.push.amount [pmol]\na,0.3,100\nb,0.5,200\nc,0.7,300\n"
EXPECT = """
[[expect]]
id = "falls"
that = "the drug falls"
measure = "final(drug) / max(drug)"
below = 1
unit = "1"
source = "assumed"
status = "assumed: an example"
rule = "model"
"""
DATA = """
[sources.mine]
title = "Ours"
[[data]]
name = "fold"
curve = "drug / max(drug)"
error = "lognormal"
interval = "95 %"
points = [{ time = "3 h", value = 0.5, low = 0.3, high = 0.8, n = 3 }, { time = "6 h", value = "<0.1" }]
[[data]]
name = "cells"
file = "points.csv"
curve = "cells"
arm = "half"
below = "5 cells/uL"
time_zero = "1 h"
source = "mine"
"""
POINTS = "time [h];value [cells/uL];sd;subject\n1,5;900;50;a\n4;800;;a\n2;<7;3;b\n"
QUANTITIES = ["0 h", "-1 h", "1e300 h", "1e-300 h", "5 d", "1 500 pmol", "1,5 h", "nan h", "inf", "3", "h", "", "1 /0",
              "5 mL/L", "7 %", "1e9 mg/kg", "2 pM", "5 cells", "1 month", "١٢ h", "1e400 h", "10^6 pmol", "1 h^99",
              "0.1 us", "3 MIU", "1 1", "+", "1e", "-0 h"]  # fmt: skip
FORMULAS = ["drug", "max(drug)", "1/0", "drug/0", "exp(1e9)", "log(-1)", "sqrt(drug - 1e9)", "hill(drug, 0, 50)",
            "at(drug, 3 d)", "at(drug, '3 h')", "max(max(drug))", "(" * 80 + "1" + ")" * 80, "drug ^ drug", "time ^ 99",
            "min(drug, -drug)", "final(drug, arm='half')", "first_above(drug, '1 pM')", "k_clear *", "drug drug", "é",
            "0 ^ -1", "saturation(drug, drug)", "drug - drug", "1e308 * 1e308 * drug", "", " "]  # fmt: skip
OTHERS: list[Any] = [None, True, False, 0, -1, 1, 3, 10**30, 1e300, -1e-300, float("nan"), float("inf"), [], {}, [[]],
          {"a": {"b": 1}}, ["x"] * 5, "main", "drug", "half", "push", "k_clear", "no such thing",
          "\u202eabc", "a\x1b[2J",
          "=cmd()", "x" * 3000, "../..", "/dev/zero", "members.csv", "toy_model.toml", "immune"]  # fmt: skip
CELLS = ["", "nan", "inf", "-1", "1e400", "x", "1 500", "=1", "\x00", '"', "0", "é", ",", "1e-320", "0x10"]


class Case(NamedTuple):
    """Files by name, and the words of a command."""

    files: dict[str, bytes]
    words: list[str]


class Failed(NamedTuple):
    """A case that did not end as it must, and why."""

    number: int
    why: str
    case: Case


class HangError(BaseException):
    """A case takes too long. No code of the program may catch it."""


def case_of(number: int) -> Case:
    """The case with this number."""
    chance = random.Random(number)
    scenario = tomllib.loads(SCENARIO + (SWEEP if chance.random() < 0.4 else "") + EXPECT)
    model = tomllib.loads(TOY_MODEL.read_text(encoding="utf-8"))
    scenario["time"] |= {"end": "12 h"} if chance.random() < 0.8 else {}
    members, points = MEMBERS, POINTS
    with_data = random.Random(-number).random() < 0.4  # apart, so that every other case stays what it is
    if with_data:
        scenario |= tomllib.loads(DATA)
    target = chance.choice(["scenario", "scenario", "scenario", "model", "model", "members", "text", "bytes"])
    times = chance.choice([1, 1, 1, 2, 3, 6])
    for _ in range(times):
        if target in ("scenario", "model"):
            change(scenario if target == "scenario" else model, chance)
        elif target == "members":
            members = changed_rows(members, chance)
            points = changed_rows(points.replace(";", ","), random.Random(number)).replace(",", ";")
    files = {"toy.toml": dumped(scenario), "toy_model.toml": dumped(model), "members.csv": members.encode()}
    files |= {"points.csv": points.encode()} if with_data else {}
    if target in ("text", "bytes"):
        name = chance.choice(list(files))
        files[name] = (changed_text if target == "text" else changed_bytes)(files[name], chance)
    words = ["check", "toy.toml", "toy_model.toml"]
    kind = chance.random()
    if kind < 0.35:
        words = ["run", "toy.toml", "--no-plots", "--out", "out"]
        if chance.random() < 0.3:
            words += ["--set", f"{chance.choice(['k_clear', 'dose.push.amount', 'time.end', 'x'])}={text(chance)}"]
        if chance.random() < 0.2:
            words += ["--add", f"drug {text(chance)} at {text(chance)} every 3 h x 2"]
    elif kind < 0.45:
        words = ["sweep", "toy.toml", "--no-plots", "--out", "out", "--workers", "1"]
        if chance.random() < 0.5:
            words += ["--vary", f"k_clear={text(chance)}:{text(chance)}:2", "--measure", chance.choice(FORMULAS)]
    elif kind < 0.5:
        words = ["show", "toy.toml"]
    return Case(files, [*words, *(["--json"] if chance.random() < 0.2 else [])])


def text(chance: random.Random) -> str:
    """A quantity, more or less."""
    return chance.choice(QUANTITIES)


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of everything in a document."""
    for key, value in list(data.items()) if isinstance(data, dict) else list(enumerate(data)):
        yield data, key
        if isinstance(value, (dict, list)):
            yield from places(value)


def change(data: dict[str, Any], chance: random.Random) -> None:
    """Changes a document at one place: another value, no value, another key, a value of elsewhere."""
    every = list(places(data))
    if not every:
        return
    where, key = chance.choice(every)
    old, how = where[key], chance.random()
    if how < 0.45:
        pool: list[Any] = OTHERS
        if isinstance(old, str):
            pool = FORMULAS if chance.random() < 0.4 else QUANTITIES if chance.random() < 0.6 else OTHERS
        where[key] = copy.deepcopy(chance.choice(pool))
    elif how < 0.6:
        del where[key]
    elif how < 0.7 and isinstance(where, dict):
        where[str(key) + chance.choice(["x", "_", " ", ".", "\u202e", "\x07"])] = where.pop(key)
    elif how < 0.8:
        other, name = chance.choice(every)
        with contextlib.suppress(KeyError, IndexError):
            where[key] = copy.deepcopy(other[name])
    elif how < 0.9 and isinstance(old, (int, float)) and not isinstance(old, bool):
        where[key] = old * chance.choice([-1, 0, 1e-12, 1e12, 1e300])
    elif isinstance(old, str):
        at = chance.randrange(len(old) + 1)
        where[key] = old[:at] + chance.choice(["0", "-", " ", "e", "(", "'", "/", "é", "9" * 40, "\n"]) + old[at:]
    else:
        where[key] = [old, copy.deepcopy(old)]


def dumped(data: dict[str, Any]) -> bytes:
    """The document as TOML, without what TOML cannot hold."""
    return tomli_w.dumps(_without_none(data)).encode("utf-8", "replace")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_none(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_none(each) for each in value if each is not None]
    return value


def changed_rows(table: str, chance: random.Random) -> str:
    """A table with another cell, a row more or less, or a column twice."""
    rows = [row.split(",") for row in table.splitlines()]
    if not rows:
        return table
    row = chance.choice(rows)
    how = chance.random()
    if how < 0.6 and row:
        row[chance.randrange(len(row))] = chance.choice(CELLS)
    elif how < 0.7:
        row.append(chance.choice(CELLS))
    elif how < 0.8:
        rows.remove(row)
    elif how < 0.9:
        rows.append(list(row))
    else:
        rows = [[*each, each[-1]] for each in rows if each]
    return "".join(",".join(each) + "\n" for each in rows)


def changed_text(content: bytes, chance: random.Random) -> bytes:
    """A text with lines left out, twice, or cut."""
    lines = content.decode("utf-8", "replace").split("\n")
    for _ in range(chance.choice([1, 2, 4])):
        at = chance.randrange(len(lines))
        how = chance.random()
        if how < 0.3:
            lines[at : at + 1] = []
        elif how < 0.6:
            lines.insert(at, chance.choice(lines or [""]))
        elif lines:
            line = lines[min(at, len(lines) - 1)]
            cut = chance.randrange(len(line) + 1)
            lines[min(at, len(lines) - 1)] = line[:cut] + chance.choice(["", '"', "[", "=", "#", ".", "''' "])
        lines = lines or [""]
    return "\n".join(lines).encode()


def changed_bytes(content: bytes, chance: random.Random) -> bytes:
    """A file with some bytes that are others."""
    found = bytearray(content)
    for _ in range(chance.choice([1, 2, 8])):
        found[chance.randrange(len(found))] = chance.choice([0, 10, 27, 34, 61, 91, 128, 255, chance.randrange(256)])
    return bytes(found[: chance.randrange(1, len(found) + 1)] if chance.random() < 0.2 else found)


def failures(numbers: range, folder: Path, report: Callable[[int], object] = lambda number: None) -> list[Failed]:
    """The cases of these numbers that do not end as they must; `folder` is used and left."""
    found, before = [], Path.cwd()
    try:
        for number in numbers:
            place = folder / str(number)
            place.mkdir()
            os.chdir(place)
            case = case_of(number)
            why = problem(case)
            if why:
                found.append(Failed(number, why, case))
            os.chdir(before)
            shutil.rmtree(place, ignore_errors=True)
            report(number)
    finally:
        os.chdir(before)
    return found


def problem(case: Case) -> str:
    """What is wrong with how a case ends in the current folder; empty if nothing is."""
    for name, content in case.files.items():
        Path(name).write_bytes(content)
    out, err, code = io.StringIO(), io.StringIO(), -1
    began = time.monotonic()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), deadline(SECONDS):
            code = cli.main(case.words)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else -1
    except HangError:
        return f"still at work after {time.monotonic() - began:.0f} s"
    except BaseException:
        return traceback.format_exc(limit=-6)
    if code not in CODES:
        return f"exit code {code}"
    if code and not err.getvalue() and not out.getvalue():
        return f"exit code {code} and no word"
    if len(err.getvalue()) > MOST_WRITTEN or "Traceback" in err.getvalue():
        return f"{len(err.getvalue())} characters on stderr: {err.getvalue()[:500]}"
    controls = set(out.getvalue() + err.getvalue()) & set("\x00\x07\x1b\x9b\u202e")
    return f"control characters {controls!r}" if controls else ""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises `HangError` in the main thread after so many seconds."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
