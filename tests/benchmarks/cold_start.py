"""How long a cold command takes, as a ratio to what Python itself takes on the same machine.

Run it by hand: python tests/benchmarks/cold_start.py [ROUNDS]. The commands are timed in turn,
round by round, so that a noisy minute hits all of them; medians and ratios are printed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, str(ROOT / "run_sim.py")]

PASS = "python -c pass"
IMPORTS = "python -c 'import numpy, scipy.integrate'"
COMMANDS = {
    PASS: [sys.executable, "-c", "pass"],
    IMPORTS: [sys.executable, "-c", "import numpy, scipy.integrate"],
    "--help": [*PROGRAM, "--help"],
    "run --help": [*PROGRAM, "run", "--help"],
    "list": [*PROGRAM, "list"],
    "check acute_infection": [*PROGRAM, "check", "acute_infection"],
    "describe IL2": [*PROGRAM, "describe", "IL2"],
    "run acute_infection --no-plots": [*PROGRAM, "run", "acute_infection", "--no-plots"],
}
# What reading and parsing the files alone costs: the same files through the standard library.
_READ = "import tomllib, pathlib; [tomllib.loads(p.read_text()) for g in {!r} for p in pathlib.Path('.').glob(g)]"
READING = {
    "list": _READ.format(["scenarios/*.toml", "simulator/biology/published/*.toml"]),
    "check acute_infection": _READ.format(["simulator/biology/*.toml", "scenarios/acute_infection.toml"]),
    "describe IL2": _READ.format(["simulator/biology/*.toml"]),
}


def seconds(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    reading = {f"reading for {name}": [sys.executable, "-c", code] for name, code in READING.items()}
    commands = COMMANDS | reading
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):  # the first round fills the caches and is not counted
        for name, command in commands.items():
            with tempfile.TemporaryDirectory() as folder:
                taken = seconds(command, ROOT if name in reading else Path(folder))
            if number:
                times[name].append(taken)
    median = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"{'command':45} {'median s':>9} {'least':>7} {'limit s':>8}")
    for name in COMMANDS:
        limit = ""
        if name == "run acute_infection --no-plots":
            limit = f"{1.5 * median[IMPORTS] + 0.5:8.3f}"
        elif name not in (PASS, IMPORTS):
            files = median.get(f"reading for {name}", median[PASS]) - median[PASS]
            limit = f"{4 * median[PASS] + files:8.3f}"
        print(f"{name:45} {median[name]:9.3f} {min(times[name]):7.3f} {limit:>8}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
