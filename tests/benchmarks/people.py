"""`python -m tests.benchmarks.people [COUNT [FEWER]]`: 300 people of the population `adults` under twelve treatments
and challenges, and 50 of them with everything knocked out that can be; what no living body has is printed."""

from __future__ import annotations

import sys
import time

from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model

from tests.biology.people import runaways


def without() -> list[dict[str, list[str]]]:
    """Nothing, then each knockout of the human model, then each of the four interleukins blocked."""
    known = read_model(builtin_models()["immune"]).interventions
    knockouts = [name for name, each in known.items() if each.knockout]
    return [{}, *({"knockout": [name]} for name in knockouts), *({"block": [f"IL{n} 100%"]} for n in range(1, 5))]


def main(count: int = 300, fewer: int = 50) -> int:
    """Prints what runs away, and how many lines that are."""
    total = 0
    for change in without():
        began = time.monotonic()
        words = ", ".join(f"{how} {each[0]}" for how, each in change.items()) or "everything there"
        said = runaways(fewer if change else count, **change)
        print(f"{words}: {len(said)} beyond the bounds, {time.monotonic() - began:.0f} s")
        print("".join(f"  {line}\n" for line in said), end="", flush=True)
        total += len(said)
    return total


if __name__ == "__main__":
    raise SystemExit(min(1, main(*map(int, sys.argv[1:]))))
