"""A lesson: steps that show, ask and judge. What is right is found by simulating, never written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from .scenario import Scenario

TIMES = ("time_of_max", "time_of_min")
JUDGED = ("max", "min", "final", "mean", *TIMES)  # what a curve that was drawn can be judged by
JUMP = "jump"  # of a drawn branch: the value of the parameter at which it rises most
SHARE = "share"  # of drawn patients: how many of them, the lowest first, are below the level that counts
COUNTS = ("facts", "met", "missed", "announced", "aside", "aside_met")  # what is counted of facts


class Judge(NamedTuple):
    """How a drawn curve is judged: by one of `JUDGED`, or by `JUMP` or `SHARE` on a picture.

    within: right within this share of the simulated value; or, if it is `absolute`, within this much of it, in the unit
    of the curve, of time for `TIMES`, of the parameter for `JUMP`, and a share of all patients for `SHARE`.
    """

    measure: str
    within: float
    absolute: bool = False


class BranchPicture(NamedTuple):
    """Where an arm of a scenario comes to rest, followed along a parameter; computed when the page is made.

    scenario: as it was read. follow: ``PARAMETER=FROM:TO``. of: a species or observable. way_up: whether only the
    states are drawn that are passed while the parameter rises from rest. Sentences may name
    ``NAME_lost`` and ``NAME_regained``, where the state of rest is lost as the parameter rises and where it comes back.
    """

    name: str
    scenario: Scenario
    arm: str
    follow: str
    of: str
    label: str = ""
    way_up: bool = False

    @property
    def numbers(self) -> tuple[str, ...]:
        """What sentences may name."""
        return f"{self.name}_lost", f"{self.name}_regained"


class SweepPicture(NamedTuple):
    """A measure of every virtual patient of a scenario's sweep, the lowest first; computed when the page is made.

    Sentences may name ``NAME_patients``, ``NAME_share_ARM``, the share of patients that the measure counts, and
    ``NAME_effect_PARAMETER``, how far these differ from the others in a parameter in the first of the arms, between 0
    and 1.
    """

    name: str
    scenario: Scenario
    measure: str
    arms: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """What sentences may name."""
        shares = [f"{self.name}_share_{arm}" for arm in self.arms]
        return f"{self.name}_patients", *shares, *(f"{self.name}_effect_{each}" for each in self.parameters)


class EvidencePicture(NamedTuple):
    """How many published facts the bundled scenarios meet; computed when the page is made.

    topics: those whose scenarios are asked; empty: all. aside: whether facts that are set aside are drawn too.
    Sentences may name ``NAME_`` and one of `COUNTS`: the published facts, of them those that are met, missed, and
    missed as the scenario says; and of the facts set aside, which were never used to choose a number, how many there
    are and how many are met.
    """

    name: str
    topics: tuple[str, ...] = ()
    aside: bool = False

    @property
    def numbers(self) -> tuple[str, ...]:
        """What sentences may name."""
        return tuple([f"{self.name}_{each}" for each in COUNTS])


Picture = BranchPicture | SweepPicture | EvidencePicture


class Choice(NamedTuple):
    """One choice: in words, and what makes it right: the place of a sentence whose condition holds, or an expectation
    of the scenario that the simulation misses."""

    says: str
    sentence: int | None = None
    misses: str = ""


class Window(NamedTuple):
    """A part of a run. start, end: in the model's time. unit: in which it is shown, counted from its start; a time in
    the model's unit times `factor` is in it."""

    start: float
    end: float
    unit: str
    factor: float


class Step(NamedTuple):
    """One step.

    scenario: the key of the scenario that it is about. says: plain words; spoken: the place of a computed sentence in
    the answer of that scenario, instead. asks: the question. show: species and observables, of these `arms`; labels: by
    arm, where the lesson has its own. picture: the name of a picture, instead. choices: of which one is right. judge:
    the first curve of `show`, or the picture, is drawn by the student before it is shown. why: the place of the
    sentence that says why. explain: whether the reactions behind the first curve are named, against: which arm it is
    compared with. expect: expectations of the scenario that are shown with what was published. sliders: those that the
    student has at this step. window: the part of the run that is shown, if not the whole.
    """

    title: str
    scenario: str
    says: str = ""
    spoken: int | None = None
    asks: str = ""
    show: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    labels: Mapping[str, str] = MappingProxyType({})
    picture: str = ""
    choices: tuple[Choice, ...] = ()
    judge: Judge | None = None
    why: int | None = None
    explain: bool = False
    against: str | None = None
    expect: tuple[str, ...] = ()
    sliders: tuple[str, ...] = ()
    window: Window | None = None


class Lesson(NamedTuple):
    """A lesson. scenario: that of the page for free play, as it was read. scenarios: all, by what the file calls them;
    the answer of each holds the sentences of the steps about it. pictures: what is computed when the page is made,
    beside runs. aims, minutes, wrong (usual wrong predictions) and note: for the teacher.

    sliders: those that the page for free play shows first; empty: those of the steps, or else eight are found.
    """

    id: str
    title: str
    question: str
    scenario: Scenario
    scenarios: Mapping[str, Scenario]
    steps: tuple[Step, ...]
    pictures: tuple[Picture, ...] = ()
    aims: tuple[str, ...] = ()
    minutes: int = 0
    note: str = ""
    wrong: tuple[str, ...] = ()
    sliders: tuple[str, ...] = ()

    @property
    def every_slider(self) -> tuple[str, ...]:
        """The sliders of the page and of its steps, each once."""
        return tuple(dict.fromkeys([*self.sliders, *(each for step in self.steps for each in step.sliders)]))

    def names(self) -> Iterator[str]:
        """Every number that sentences may name."""
        for picture in self.pictures:
            yield from picture.numbers
