"""Makes what the README shows of the simulation: its pictures and the totals of the evidence.

``python -m tests.readme`` makes both again, after the numbers have moved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from immunesim import read_scenario
from immunesim.experiments import evidence
from immunesim.experiments.run import run
from immunesim.experiments.sweeps.compute import sweep_of
from immunesim.files.toml.catalogue import blind_tests, builtin_scenarios, evidence_terms
from immunesim.files.toml.facts import not_asked_by
from immunesim.tasks.evidence import EvidenceRequest
from immunesim.tasks.evidence import evidence as evidence_of
from immunesim.tasks.request import ScenarioRequest
from immunesim.tasks.sweep import sweep
from immunesim.tasks.sweep_request import SweepRequest
from immunesim.views.figures import run as run_figures
from immunesim.views.figures.style import CARD
from immunesim.views.figures.sweep import pictures
from immunesim.views.text.evidence_totals import blind_tests_text, not_asked_lines, totals_lines
from immunesim.views.text.figure import Curve

ROOT = Path(__file__).resolve().parents[1]
README, PICTURES = ROOT / "README.md", ROOT / "scenarios" / "pictures"
TOTALS = re.compile(r"(?<=<!-- totals -->\n).*?(?=<!-- end of totals -->)", re.DOTALL)
DPI = 80
CARD_DPI = 140


class SweepPicture(NamedTuple):
    """A scenario, which of its measures are drawn, and which of the pictures of the sweep the README shows."""

    scenario: str
    measures: tuple[str, ...]
    stem: str


class Picture(NamedTuple):
    """A scenario and which of its curves and arms, all of them if none is named, the README shows."""

    scenario: str
    curves: tuple[str, ...]
    arms: tuple[str, ...]


GALLERY = (
    Picture("il2_therapy", ("IL2_plasma", "blood_pressure", "tumour"), ("main", "half_dose", "untreated")),
    Picture("transient_stop", ("stop_heard", "T_self", "tissue_damage"), ()),
)

SWEEPS = (SweepPicture("il2_virtual_trial", ("tumour_left",), "spread_tumour_left"),)


def draw(picture: Picture) -> None:
    scenario = read_scenario(builtin_scenarios()[picture.scenario])
    results = run(scenario, certify=False, arms=picture.arms or None).arms.values()
    curves = [Curve(result.arm.title, result.trajectory) for result in results]
    drawn = run_figures.draw_group(scenario, picture.curves, curves, [result.arm for result in results], medium=CARD)
    metadata = {"Title": scenario.title, "Description": drawn.text}
    drawn.figure.savefig(PICTURES / f"{picture.scenario}.png", dpi=CARD_DPI, metadata=metadata)


def draw_sweep(picture: SweepPicture) -> None:
    scenario = read_scenario(builtin_scenarios()[picture.scenario])
    whole = sweep_of(scenario)
    measures = tuple([each for each in whole.measures if each.id in picture.measures])
    scenario = replace(scenario, sweep=replace(whole, measures=measures, keep=()))
    result = sweep(SweepRequest(ScenarioRequest(scenario))).outcome.result
    (drawn,) = [each for each in pictures.pictures(result) if each.stem == picture.stem]
    drawn.figure.savefig(PICTURES / f"{picture.scenario}.png", dpi=DPI, metadata={"Title": scenario.title})


def totals(rows: Sequence[evidence.EvidenceRow]) -> str:
    """What the evidence of all bundled scenarios adds up to, as the README says it."""
    found, topics = evidence.totals(rows), evidence_terms()["topics"]
    known = sum(row.verdict == evidence.Judgement.KNOWN_MISS for row in rows)
    parts = found["claims"].items()  # C32a, C32b and C32c are one claim in three parts
    claims = {name.rstrip("abc") for name, _ in parts}
    missing = {name.rstrip("abc") for name, each in parts if not each["met"]}
    in_part = [f"{name} ({each['met']} of {each['of']})" for name, each in parts if 0 < each["met"] < each["of"]]
    partly = f"; met in part only: {', '.join(in_part)}" if in_part else ""
    lines = ["| published facts | met | of |", "| --- | ---: | ---: |"]
    lines += [f"| {topics[name]} | {each['met']} | {each['of']} |" for name, each in found["topics"].items()]
    lines += [f"| **all** | **{found['facts']['met']}** | **{found['facts']['of']}** |", ""]
    lines.append(
        f"{len(claims) - len(missing)} of the {len(claims)} claims about interleukins that this project"
        " set out to show are shown, each by an expectation that fails in an arm without the mechanism"
        f"{partly}."
        f" In all, {found['all']['met']} of {found['all']['of']} expectations are met;"
        f" {known} are known misses, which `evidence` lists with the reason. By what they rest on:"
    )
    not_asked = not_asked_lines(not_asked_by(row.fact for row in rows))
    lines += ["", *(f"- {line}" for line in [*totals_lines(found), *not_asked])]
    lines += [f"- {blind_tests_text(blind_tests())}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for picture in GALLERY:
        draw(picture)
    for swept in SWEEPS:
        draw_sweep(swept)
    text = totals(evidence_of(EvidenceRequest()).rows)
    README.write_text(TOTALS.sub(lambda _: text, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
