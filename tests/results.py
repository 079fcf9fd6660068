"""Peak, final value and area of every curve that a bundled scenario shows, in every arm: what the simulator computes.

``python -m tests.results`` simulates all scenarios, writes `results.csv` again and prints what has changed, as
CHANGELOG.md must say it; ``python -m tests.results NAME ...`` does so for these scenarios. With ``--certify`` the
digits on which two computations agree are written again; those of a new scenario always are.
`test_scenarios.py` compares the file with each simulation.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from immunesim.experiments.measured import curve_measures
from immunesim.experiments.run import RunResult, run
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario

KEPT = Path(__file__).parent / "results.csv"
HEADING = "Results which change"
MEASURES = ("peak", "final", "area")
MOST_DIGITS = 6  # of those that are compared: processors round differently
NOISE = 1e-3  # of the largest peak, or area, among the arms: smaller values are compared as if they were this large


class Key(NamedTuple):
    """Whose measures: one curve in one arm of a scenario."""

    scenario: str
    arm: str
    curve: str


class Row(NamedTuple):
    """The measures of a curve, in its unit and in its unit times the model's unit of time.

    digits: those on which two solvers agree in this arm, at the time when the file was written.
    """

    digits: float
    peak: float
    final: float
    area: float


Rows = Mapping[Key, Row]


def rows_of(result: RunResult) -> dict[Key, Row]:
    """Of every arm and every curve that is shown; digits are infinite where they were not certified."""
    found = {}
    for arm, each in result.arms.items():
        digits = math.inf if each.certificate.digits is None else each.certificate.digits
        for curve in result.scenario.shown:
            measures = curve_measures(result.scenario.model, each.trajectory, curve)
            values = [getattr(measures, name) for name in MEASURES]
            values = [math.nan if value is None else value for value in values]
            found[Key(result.scenario.id, arm, curve)] = Row(digits, *values)
    return found


def differences(before: Rows, now: Rows) -> list[str]:
    """What has changed, a line for each curve: as many digits are compared as MOST_DIGITS or, where two solvers agreed
    on fewer, one fewer than these."""
    old, new = {key.scenario for key in before}, {key.scenario for key in now}
    lines = [f"{name} is new" for name in sorted(new - old)] + [f"{name} is gone" for name in sorted(old - new)]
    lines += [f"{_words(key)} is new" for key in now if key not in before and key.scenario in old]
    lines += [f"{_words(key)} is gone" for key in before if key not in now and key.scenario in new]
    for key in [key for key in now if key in before]:
        arms = [row for each, row in before.items() if (each.scenario, each.curve) == (key.scenario, key.curve)]
        moved = list(_moved(before[key], now[key], arms))
        lines += [f"{_words(key)}: {', '.join(moved)}"] if moved else []
    return lines


def _moved(before: Row, now: Row, arms: Sequence[Row]) -> Iterator[str]:
    """What has changed in a row; arms: those of the same curve in every arm, which tell what is noise."""
    allowed = 10 ** -min(MOST_DIGITS, before.digits - 1)
    for name in MEASURES:
        a, b = getattr(before, name), getattr(now, name)
        highest = max(abs(row.area if name == "area" else row.peak) for row in arms)
        same = abs(b - a) <= allowed * max(abs(a), NOISE * highest) or (math.isnan(a) and math.isnan(b))
        if not same:
            share = f" ({100 * (b / a - 1):+.2g} %)" if a else ""
            yield f"{name} {a:.7g} -> {b:.7g}{share}"


def _words(key: Key) -> str:
    return f"{key.scenario}, arm {key.arm}: {key.curve}"


def changelog(lines: Sequence[str]) -> str:
    """What to do about results that have changed, and the lines for the changelog."""
    what = f'If that is meant, say so in CHANGELOG.md under "{HEADING}" and run `python -m tests.results`:'
    return "\n".join([f"{len(lines)} results are not those of tests/results.csv. {what}", *(f"- {x}" for x in lines)])


def read(path: Path = KEPT) -> dict[Key, Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return {Key(*line[:3]): Row(*map(float, line[3:])) for line in list(csv.reader(file))[1:]}


def write(rows: Rows, path: Path = KEPT) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*Key._fields, *Row._fields))
        writer.writerows(
            (*key, f"{row.digits:.1f}", *(f"{value:.9g}" for value in row[1:])) for key, row in rows.items()
        )


def simulate(name: str) -> dict[Key, Row]:
    """The rows of a bundled scenario, as a run gives them: an arm with too few digits is computed more tightly, which
    moves its numbers."""
    return rows_of(run(read_scenario(builtin_scenarios()[name])))


def main(names: Sequence[str], certify: bool) -> None:
    before = read() if KEPT.exists() else {}
    chosen = names or list(builtin_scenarios())
    with ProcessPoolExecutor() as pool:
        found = pool.map(simulate, chosen)
        now = {key: row for rows in found for key, row in rows.items()}
    if not certify:
        now = {key: row._replace(digits=before[key].digits) if key in before else row for key, row in now.items()}
    others = {key: row for key, row in before.items() if key.scenario not in chosen}
    write(dict(sorted({**{k: row for k, row in others.items() if k.scenario in builtin_scenarios()}, **now}.items())))
    lines = differences({key: row for key, row in before.items() if key not in others}, now)
    print("\n".join(f"- {line}" for line in lines) if lines else "nothing has changed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.results", description="Makes tests/results.csv anew.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bundled scenario (default: all of them)")
    parser.add_argument("--certify", action="store_true", help="write the digits of every arm again")
    options = parser.parse_args()
    main(options.names, options.certify)
