"""`python -m tests.benchmarks.people [COUNT [FEWER]]`: 300 virtual people under twelve treatments and challenges,
and 50 of them with each interleukin knocked out and blocked; what goes beyond what a living body has is printed."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.biology.people import runaways

WITHOUT = [
    {},
    *(
        {how: [each]}
        for name in ("IL1", "IL2", "IL3", "IL4")
        for how, each in (("knockout", name), ("block", f"{name} 100%"))
    ),
]


def main(count: int = 300, fewer: int = 50) -> int:
    """Prints what runs away, and how many lines that are."""
    total = 0
    for without in WITHOUT:
        began = time.monotonic()
        words = ", ".join(f"{how} {each[0]}" for how, each in without.items()) or "everything there"
        with tempfile.TemporaryDirectory() as folder:
            said = runaways(Path(folder), fewer if without else count, **without)
        print(f"{words}: {len(said)} beyond the bounds, {time.monotonic() - began:.0f} s")
        print("".join(f"  {line}\n" for line in said), end="", flush=True)
        total += len(said)
    return total


if __name__ == "__main__":
    raise SystemExit(min(1, main(*map(int, sys.argv[1:]))))
