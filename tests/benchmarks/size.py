"""Models of half and twice the size: ``python -m tests.benchmarks.size``.

Copies of the inflammation of Reynolds et al. 2006, each with a pathogen of its own and trading damage with the next
one, make models of any size and the same stiffness. One thread, engines in turn, milliseconds a trajectory.
"""

from __future__ import annotations

import re
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.scenario_file import read_scenario

from tests.benchmarks.engines import Ours, Question, RoadRunner, errors

COPIES = (9, 18, 36)
PARAMETERS = ("kpg", "kpn", "knd", "mun", "kdn", "mud", "kcn", "sm")
RTOL = {"immunesim": 1e-5, "libRoadRunner": 1e-6}  # of about the same achieved error
MEMBERS, THEIRS, ROUNDS = 256, 8, 5
TRADE = 0.01  # of damage between neighbours, 1/h


def copies_of(document: dict[str, Any], count: int) -> dict[str, Any]:
    """The model's species, reactions and observables `count` times, with one set of parameters."""
    own = "|".join([*document["species"], *document["observables"]])
    tables: dict[str, dict[str, Any]] = {"species": {}, "reactions": {}, "observables": {}}
    for copy in range(count):

        def renamed(text: str, copy: int = copy) -> str:
            return re.sub(rf"\b({own})\b", rf"\1_{copy}", text)

        for table, items in tables.items():
            for name, item in document[table].items():
                formulas = {key: renamed(item[key]) for key in ("equation", "rate", "value") if key in item}
                items[f"{name}_{copy}"] = {**item, **formulas}
        tables["species"][f"pathogen_{copy}"]["initial"] = 1.0 + copy / count
        here, there = f"damage_{copy}", f"damage_{(copy + 1) % count}"
        trade = {"equation": f"{here} -> {there}", "rate": f"trade * {here}", "source": "assumed"}
        tables["reactions"][f"trade_{copy}"] = trade
    trade = {"label": "trade", "value": TRADE, "unit": "1/h", "source": "assumed", "status": "assumed: a benchmark"}
    return {**document, **tables, "parameters": {**document["parameters"], "trade": trade}}


def question(count: int, folder: Path) -> Question:
    document = tomllib.loads(builtin_models()["reynolds_2006"].read_text(encoding="utf-8"))
    (folder / "copies.toml").write_text(tomli_w.dumps(copies_of(document, count)), encoding="utf-8")
    scenario = {"schema": 1, "title": "copies", "model": "copies.toml", "time": {"end": "600 h", "every": "2 h"}}
    (folder / "question.toml").write_text(tomli_w.dumps(scenario), encoding="utf-8")
    return Question(read_scenario(folder / "question.toml"), PARAMETERS, MEMBERS)


def main() -> None:
    for count in COPIES:
        with tempfile.TemporaryDirectory() as name:
            q = question(count, Path(name))
            began = time.perf_counter()
            ours = Ours(q)
            ready = time.perf_counter() - began
            theirs = RoadRunner(q)
            truth = ours.run(slice(0, THEIRS), 1e-11, THEIRS)
            spent: dict[str, list[float]] = {"immunesim": [], "libRoadRunner": []}
            theirs.run(slice(0, 1), RTOL[theirs.name])
            for _ in range(ROUNDS):
                began = time.perf_counter()
                ours.run(slice(0, MEMBERS), RTOL[ours.name])
                spent[ours.name].append((time.perf_counter() - began) / MEMBERS)
                began = time.perf_counter()
                found = theirs.run(slice(0, THEIRS), RTOL[theirs.name])
                spent[theirs.name].append((time.perf_counter() - began) / THEIRS)
            error = {
                ours.name: errors(ours.run(slice(0, THEIRS), RTOL[ours.name], THEIRS), truth, q.system.scales),
                theirs.name: errors(found, truth, q.system.scales),
            }
        ms = {engine: 1e3 * float(np.median(each)) for engine, each in spent.items()}
        words = [f"{engine} {ms[engine]:.3f} ms (error {np.median(error[engine]):.0e})" for engine in ms]
        print(
            f"{len(q.system.species)} states: {', '.join(words)}: {ms['libRoadRunner'] / ms['immunesim']:.0f} x; "
            f"ours ready in {ready:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
