"""What a lesson needs beside runs, computed when its page is made: branches, virtual patients, the record of facts."""

from __future__ import annotations

from collections.abc import Sequence

from ..experiments.branches import Branches
from ..experiments.evidence import EvidenceRow, Judgement
from ..experiments.lessons import BranchPicture, EvidencePicture, Lesson, SweepPicture
from ..experiments.solving import Certify
from ..experiments.sweeps.certificate import CertifyMembers
from ..experiments.sweeps.compute import SweepResult
from ..experiments.sweeps.responders import who_responds
from ..files.toml.catalogue import topics
from ..views.report.lesson_pictures import DrawnPicture, branch_picture, evidence_picture, sweep_picture
from .evidence import EvidenceRequest, evidence
from .request import ScenarioRequest
from .steady import SteadyRequest, steady
from .sweep import sweep
from .sweep_request import SweepRequest


def drawn_pictures(lesson: Lesson) -> dict[str, DrawnPicture]:
    """Every picture of a lesson by its name; what several show is computed once. Raises `InputError`."""
    found: dict[str, DrawnPicture] = {}
    swept: dict[str, SweepResult] = {}
    followed: dict[tuple[str, str, str], Branches] = {}
    asked: dict[tuple[str, ...], list[EvidenceRow]] = {}
    for picture in lesson.pictures:
        if isinstance(picture, EvidencePicture):
            if picture.topics not in asked:
                asked[picture.topics] = _rows(picture)
            found[picture.name] = _evidence(picture, asked[picture.topics])
            continue
        if isinstance(picture, BranchPicture):
            which = picture.scenario.id, picture.arm, picture.follow
            if which not in followed:
                followed[which] = _branches(picture)
            found[picture.name] = branch_picture(picture, followed[which])
            continue
        name = picture.scenario.id
        if name not in swept:
            request = SweepRequest(ScenarioRequest(picture.scenario), certify=CertifyMembers.OFF)
            swept[name] = sweep(request).outcome.result
        found[picture.name] = _sweep(picture, swept[name])
    return found


def _branches(picture: BranchPicture) -> Branches:
    request = SteadyRequest(ScenarioRequest(picture.scenario), picture.arm, (picture.of,), follow=picture.follow)
    found = steady(request).branches
    assert found is not None  # as a parameter was followed
    return found


def _sweep(picture: SweepPicture, result: SweepResult) -> DrawnPicture:
    arm = list(result.sweep.arms).index(picture.arms[0])
    measure = next(i for i, each in enumerate(result.sweep.measures) if each.id == picture.measure)
    who = next(each for each in who_responds(result) if (each.arm, each.measure) == (arm, measure))
    return sweep_picture(picture, result, {each.axis.path: abs(each.size) for each in who.effects})


def _rows(picture: EvidencePicture) -> list[EvidenceRow]:
    asked = [name for topic in topics() if topic.title in picture.topics for name in topic.scenarios]
    return evidence(EvidenceRequest(tuple(asked), certify=Certify.OFF)).rows


def _evidence(picture: EvidencePicture, rows: Sequence[EvidenceRow]) -> DrawnPicture:
    facts, held_out = [row for row in rows if row.topic and not row.set_aside], [row for row in rows if row.set_aside]
    counts = {
        "facts": len(facts),
        "met": _met(facts),
        "missed": len(facts) - _met(facts),
        "announced": sum(row.verdict is Judgement.KNOWN_MISS for row in facts),
        "aside": len(held_out),
        "aside_met": _met(held_out),
    }
    return evidence_picture(picture, counts, len({row.id.partition("/")[0] for row in rows}))


def _met(rows: Sequence[EvidenceRow]) -> int:
    return sum(row.verdict is Judgement.MET for row in rows)
