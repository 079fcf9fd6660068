"""Sweeps from the command line as they grow, and a cold start: ``python -m tests.benchmarks.growth [MEMBERS ...]``.

Each is a process of its own with three measures a member: wall time, time a member, and the largest memory.
Cold means that no machine code is kept from before; the later ones find it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.throughput import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = (100, 1_000, 10_000, 100_000)
MEASURES = ("max(pathogen)", "time_of_max(T_active)", "auc(temperature)")


class Spent(NamedTuple):
    seconds: float
    megabytes: float


def swept(members: int, folder: Path, cache: Path, *words: str) -> Spent:
    """One process: wall seconds and the largest resident memory."""
    varied = [word for name in PARAMETERS for word in ("--vary", name)]
    measured = [word for text in MEASURES for word in ("--measure", text)]
    command = [sys.executable, str(ROOT / "run_sim.py"), "sweep", "acute_infection", "--out", str(folder), "--no-plots"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--sample", f"lhs:{members}", *varied, *measured, *words],
        env={**os.environ, "IMMUNESIM_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0
    kilobytes = used.ru_maxrss / (1 if sys.platform != "darwin" else 1024)
    return Spent(time.perf_counter() - began, kilobytes / 1024)


def main(sizes: Sequence[int] = MEMBERS) -> None:
    print(
        f"{platform.platform()}, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores; "
        f"acute_infection, {len(MEASURES)} measures"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for attempt in range(2):
            cold = swept(1_000, folder / f"cold-{attempt}", folder / f"nothing-{attempt}")
            warm = swept(1_000, folder / f"warm-{attempt}", folder / f"nothing-{attempt}")
            print(f"1,000 members: {cold.seconds:.2f} s cold, {warm.seconds:.2f} s with the code kept", flush=True)
        for members in sizes:
            spent = swept(members, folder / str(members), folder / "nothing-0")
            again = swept(members, folder / str(members), folder / "nothing-0")
            each = 1e6 * spent.seconds / members
            print(
                f"{members:9,} members: {spent.seconds:8.2f} s, {each:8.0f} us each, {spent.megabytes:5.0f} MB; "
                f"once more, all stored: {again.seconds:.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or MEMBERS)
