"""`list`: what comes with the simulator."""

from __future__ import annotations

import argparse

from .options import print_json
from .program import DONE

EXAMPLES = """examples:
  immunesim list
  immunesim list --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    pass


def execute(options: argparse.Namespace) -> int:
    from ..files.toml.catalogue import catalogue

    found = catalogue()
    if options.json:
        print_json(found)
        return DONE
    for kind, rows in found.items():
        print(f"{kind}:")
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            print(f"  {row['name']:{width}}  {row.get('title', '')}")
            if "question" in row:
                print(f"  {'':{width}}  {row['question']}")
    return DONE
