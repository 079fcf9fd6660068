"""A sweep in a process of its own, killed at some moment, and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.toys import SCENARIO, TOY_MODEL

ROOT = Path(__file__).resolve().parents[1]
SWEEP = """
[sweep]
arms = ["main", "half"]
keep = ["drug"]
measures.peak = { measure = "max(drug)", unit = "pM", label = "peak" }
measures.left = { measure = "final(drug) / final(drug, arm='half')", unit = "1", label = "what is left" }
[[sweep.vary]]
parameter = "k_clear"
from = "0.25 1/h"
to = "1 1/h"
count = 40
scale = "log"
[[sweep.vary]]
parameter = "dose.push.amount"
from = "100 pmol"
to = "800 pmol"
count = 25
"""
MEMBERS = 40 * 25
TABLES = ("members.csv", "bands.csv")
ONE_BY_ONE = "import sys\nfrom immunesim.experiments.sweeps import workers\nworkers.LARGEST_BLOCK = 1\n"
RUN = "if __name__ == '__main__':\n    from immunesim.cli import main\n    raise SystemExit(main())\n"


def write_question(folder: Path) -> None:
    """The toy with a sweep of `MEMBERS`, and a program whose blocks have one member each."""
    (folder / "toy_model.toml").write_text(TOY_MODEL.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "toy.toml").write_text(SCENARIO + SWEEP, encoding="utf-8")
    (folder / "small_blocks.py").write_text(ONE_BY_ONE + RUN, encoding="utf-8")


def start(folder: Path, out: str, *words: str, program: str | None = None) -> subprocess.Popen[str]:
    """`sweep toy.toml --out OUT` in a session of its own, so that what it leaves running can be seen."""
    script = folder / program if program else ROOT / "run_sim.py"
    return subprocess.Popen(
        [sys.executable, str(script), "sweep", "toy.toml", "--out", out, "--no-plots", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str], seconds: float = 120.0) -> tuple[int, str, str]:
    """Exit code and what was said."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def kill(process: subprocess.Popen[str], after: float) -> bool:
    """kill -9, `after` seconds from now; whether it was still at work. Waits until its workers are gone too."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    for _ in range(300):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("workers live on without the process that started them")
    process.communicate()
    return killed


def tables(folder: Path, out: str) -> dict[str, bytes]:
    return {name: (folder / out / name).read_bytes() for name in TABLES}


def blocks(folder: Path, out: str) -> int:
    return len(list((folder / out / "blocks").glob("*.nc")))
