"""A lesson on a scenario: steps that show, ask and judge. What is right is found by simulating, never written down."""

from __future__ import annotations

from typing import NamedTuple

from .scenario import Scenario

JUDGED = ("max", "min", "final", "mean", "time_of_max")  # what a curve that was drawn can be judged by


class Judge(NamedTuple):
    """How a drawn curve is judged: by one of `JUDGED`, right within this share of the simulated value."""

    measure: str
    within: float


class Step(NamedTuple):
    """One step.

    says: plain words; spoken: the place of a computed sentence in the answer of the lesson's scenario, instead. asks:
    the question. show: species and observables, of these `arms`. choices: words, and the place of the sentence whose
    condition makes each right. judge: the first curve of `show` is drawn by the student before it is shown. why: the
    place of the sentence that says why. explain: whether the reactions behind the first curve are named, against: which
    arm it is compared with.
    """

    title: str
    says: str = ""
    spoken: int | None = None
    asks: str = ""
    show: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    choices: tuple[tuple[str, int], ...] = ()
    judge: Judge | None = None
    why: int | None = None
    explain: bool = False
    against: str | None = None


class Lesson(NamedTuple):
    """A lesson. scenario: whose answer holds all sentences of the lesson. aims, minutes and note: for the teacher.

    sliders: those that the page for free play shows first; empty: eight are found.
    """

    id: str
    title: str
    scenario: Scenario
    steps: tuple[Step, ...]
    aims: tuple[str, ...] = ()
    minutes: int = 0
    note: str = ""
    sliders: tuple[str, ...] = ()
