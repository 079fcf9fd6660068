"""Seven questions of an immunologist, each as a family: doses x 0.1 and x 10, times x 0.5 and x 2, and other people.

``python -m tests.benchmarks.families [PEOPLE]`` prints a line for each member and one for all PEOPLE (30) of the
population `adults`. A member holds if its measure is within the bounds of its family; it is a cliff if it differs from
the usual member by more than `CLIFF`, as people do if theirs differ by more than that.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import immunesim as sim
import numpy as np

CHANGES = ((1.0, 1.0), (0.1, 1.0), (10.0, 1.0), (1.0, 0.5), (1.0, 2.0))  # of doses, of times
CLIFF = 30  # times the usual member, where ten times the dose was given


class Family(NamedTuple):
    """Scenario text with {dose} and {time} as factors, a measure, its bounds, and where they come from."""

    name: str
    text: str
    measure: str
    low: float
    high: float


HEAD = (
    'schema = 1\ntitle = "{name}"\nquestion = "Does it hold at other doses and times?"\nmodel = "immune"\n'
    'label = "main"\n'
)
SHOW = '[show]\nplots = [["{curve}"]]\n'


def _scenario(end: float, every: str, curve: str, body: str) -> str:
    return HEAD + f'[time]\nend = "{end:g} d"\nevery = "{every}"\n' + body + SHOW.replace("{curve}", curve)


def families(dose: float, time: float) -> Iterator[Family]:
    """The families with doses and times multiplied by these factors."""

    def given(name: str, target: str, amount: float, unit: str, at: float, more: str = "") -> str:
        return f'[[dose]]\nname = "{name}"\ntarget = "{target}"\namount = "{amount:g} {unit}"\nat = "{at:g} d"\n{more}'

    def over(days: float) -> str:
        return f'over = "{days:g} d"\n'

    def vaccine(number: int, at: float, ug: float) -> str:
        return given(f"protein {number}", "vaccine", ug, "ug", at) + given(
            f"adjuvant {number}", "endotoxin", 0.3, "ug", at, over(1)
        )

    yield Family(
        "shock: lowest pressure after IL-1, under the usual 95 mmHg",
        _scenario(3, "20 min", "blood_pressure", given("IL-1", "IL1", 100 * dose, "ng/kg", 1, over(0.1 * time))),
        "95 - min(blood_pressure) / '1 mmHg'", 3, 70,
    )  # fmt: skip
    yield Family(
        "lasting antigen: memory T cells of one antigen (per uL)",
        _scenario(10 + 730 * time, "5 d", "T_memory",
                  given("antigen", "antigen", 200 * dose * time, "mg", 5, over(730 * time))),
        "max(T_memory) / '1 cells/uL'", 0.5, 250,
    )  # fmt: skip
    yield Family(
        "interval: IgG after a second dose at 12 weeks over that at 3",
        _scenario(10 + 84 * time + 60, "12 h", "antibody",
                  vaccine(1, 5, 20 * dose) + vaccine(2, 5 + 84 * time, 20 * dose)
                  + f'[arms.sooner]\nlabel = "sooner"\ndose."protein 2".at = "{5 + 21 * time:g} d"\n'
                  + f'dose."adjuvant 2".at = "{5 + 21 * time:g} d"\n'),
        "max(antibody) / max(antibody, arm='sooner')", 1.2, 100,
    )  # fmt: skip
    few = '[arms.few]\nlabel = "few"\nparameters = { T_cells_absent = 0.99 }\n'
    yield Family(
        "one T cell in a hundred: peak of effectors, over the usual",
        _scenario(200 * time, "6 h", "T_active", given("virus", "pathogen", 1e6 * dose, "PFU", 5) + few),
        "max(T_active, arm='few') / max(T_active)", 0.005, 0.5,
    )  # fmt: skip
    yield Family(
        "passive antibody (100 nM): pathogen in all, over that without",
        _scenario(200 * time, "6 h", "pathogen", '[initial]\nantibody = "100 nM"\n'
                  + given("virus", "pathogen", 1e6 * dose, "PFU", 5 * time)
                  + '[arms.none]\nlabel = "none"\ninitial = { antibody = "0 nM" }\n'),
        "auc(pathogen) / auc(pathogen, arm='none')", 0, 1,
    )  # fmt: skip
    yield Family(
        "endotoxin five days running: fifth peak of TNF over the first",
        _scenario(1 + 5 * time, "10 min", "TNF",
                  given("endotoxin", "endotoxin", 2 * dose, "ng/kg", 1, f'every = "{time:g} d"\ncount = 5\n')),
        f"max(TNF, '{1 + 4 * time:g} d', '{1 + 5 * time:g} d') / max(TNF, '1 d', '{1 + time:g} d')", 0, 0.6,
    )  # fmt: skip
    tenfold = "".join(f'dose."protein {n}".amount = "{500 * dose:g} ug"\n' for n in (1, 2))
    yield Family(
        "vaccine: IgG after two doses of 500 ug over that after 50 ug",
        _scenario(10 + 60 * time + 60, "12 h", "antibody",
                  vaccine(1, 5, 50 * dose) + vaccine(2, 5 + 60 * time, 50 * dose)
                  + '[arms.tenfold]\nlabel = "tenfold"\n' + tenfold),
        "max(antibody, arm='tenfold') / max(antibody)", 0.8, 5,
    )  # fmt: skip


def written(family: Family, folder: Path) -> Path:
    """The scenario of a member."""
    path = folder / "family.toml"
    path.write_text(family.text.replace("{name}", family.name), encoding="utf-8")
    return path


def line(change: str, values: np.ndarray, usual: float, family: Family) -> str:
    """What is printed of the measures of one change, shape (people,)."""
    low, high = values.min(), values.max()
    number = f"{low:10.4g}" if len(values) == 1 else f"{low:10.4g} to {high:.4g}, median {np.median(values):.4g}"
    held = int(((family.low <= values) & (values <= family.high)).sum())
    holds = "holds" if held == len(values) else "FAILS" if len(values) == 1 else f"{held} of {len(values)} hold"
    ends = (usual, low, high) if len(values) == 1 else (low, high)
    return f"  {change:12} {number}  {holds}{', a cliff' if min(ends) > 0 and max(ends) > CLIFF * min(ends) else ''}"


def main(people: int = 30) -> None:
    """Simulate all members and print the table; it takes some minutes."""
    said: dict[str, list[str]] = {}
    usual: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for dose, time in CHANGES:
            change = "as it is" if dose == time else f"doses x {dose:g}" if dose != 1 else f"times x {time:g}"
            for family in families(dose, time):
                number = float(sim.run(written(family, Path(folder))).measure(family.measure))
                found = said.setdefault(family.name, [])
                found.append(line(change, np.array([number]), usual.setdefault(family.name, number), family))
        for family in families(1, 1):
            swept = sim.sweep(
                written(family, Path(folder)), population=f"adults:{people}", measures={"found": family.measure}
            )
            said[family.name].append(line(f"{people} people", swept["found", "main"], usual[family.name], family))
    print("\n".join(row for name, rows in said.items() for row in (name, *rows)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
