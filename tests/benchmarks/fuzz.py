"""`python -m tests.benchmarks.fuzz [COUNT [FIRST]]`: files that are nearly right, ten thousand by default; each that
makes the program fail is printed with its number, its command and its files."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz import failures

COUNT = 10_000


def main(count: int = COUNT, first: int = 0) -> int:
    """Runs the cases; returns how many failed."""
    warnings.simplefilter("ignore")
    began = time.monotonic()

    def report(number: int) -> None:
        done = number + 1 - first
        if not done % 500:
            print(f"{done:,} of {count:,}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        found = failures(range(first, first + count), Path(folder), report)
    for failed in found:
        print(f"case {failed.number}: {' '.join(failed.case.words)}\n{failed.why}")
    print(f"{count:,} cases, {len(found)} failed, {time.monotonic() - began:.0f} s")
    return len(found)


if __name__ == "__main__":
    raise SystemExit(min(1, main(*map(int, sys.argv[1:]))))
