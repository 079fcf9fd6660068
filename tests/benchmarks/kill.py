"""Kills a sweep with kill -9 at random moments and resumes it: ``python -m tests.benchmarks.kill [KILLS] [SEED]``.

Each line is a kill: when, and how many blocks were stored by then. When a sweep is finished in spite of them its
tables are compared with those of one that nobody killed, bit by bit, and the next sweep begins.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.kills import blocks, finished, kill, start, tables, write_question


def main(kills: int = 50, seed: int = 0) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder, moments = Path(name), random.Random(seed)
        write_question(folder)
        began = time.monotonic()
        code, _, err = finished(start(folder, "whole", "--workers", "2"))
        assert code == 0, err
        longest, expected = time.monotonic() - began, tables(folder, "whole")
        print(f"uninterrupted: {longest:.1f} s, {blocks(folder, 'whole')} blocks; seed {seed}", flush=True)
        done, sweeps, wrong = 0, 0, 0
        while done < kills:
            out = f"sweep-{sweeps}"
            words = ["--workers", str(moments.choice([1, 2, 3]))]
            program = moments.choice([None, "small_blocks.py"])
            after = moments.uniform(0.0, longest * (4 if program else 1))  # small blocks take that much longer
            if kill(start(folder, out, *words, program=program), after):
                done += 1
                print(f"kill {done}: after {after:.2f} s, {blocks(folder, out)} blocks", flush=True)
                if done < kills and moments.random() < 0.8:
                    continue
            code, _, err = finished(start(folder, out))
            same = code == 0 and tables(folder, out) == expected
            wrong += not same
            told = "identical to the last bit" if same else f"DIFFERENT, exit {code}: {err}"
            print(f"sweep {sweeps}: {told}", flush=True)
            sweeps += 1
        print(f"{done} kills, {sweeps} sweeps, {wrong} different")
        return wrong


if __name__ == "__main__":
    raise SystemExit(min(1, main(*map(int, sys.argv[1:]))))
