"""Lesson files: TOML text becomes one checked `Lesson`.

::

    title = "Memory"
    scenario = "core_memory"                    # a bundled scenario, or a file: that of the page for free play
    question = "Why is the second time faster?" # that of the scenario without it
    minutes = 25
    aims = ["say why the second response is faster"]
    wrong = ["the second response is only higher"]   # usual wrong predictions
    note = "Let students draw first."           # for the teacher
    sliders = ["T_frequency"]                   # of the page for free play

    [[step]]
    title = "The first response"
    says = "Effectors peak after {time_of_max(T_active)}."
    if = "time_of_max(T_active) < '30 d'"       # needed where numbers stand in braces; plain words need none
    show = ["T_active"]
    arms = ["main"]                             # the default
    labels.main = "you"                         # what this step calls an arm
    from = "1 d"                                # the part of the run that is shown, in the unit of its span
    span = "20 min"
    sliders = ["T_frequency"]                   # that the student has at this step; none without it

    [[step]]
    title = "Predict"
    scenario = "core_rest"                      # a step may be about another scenario
    asks = "Draw the effectors."
    show = ["T_active"]
    draw = { judge = "time_of_max", within = "20 %" }   # or an amount: within = "2 d"
    why = { says = "It peaks after {time_of_max(T_active)}.", if = "..." }
    explain = true                              # names the reactions behind it, in the first of the arms
    against = "ARM"                             # compared with this arm

    [[step]]
    title = "Choose"
    asks = "Without IL-1 the first response is"
    expect = ["early_peak"]                     # expectations of the scenario, shown with what was published
    [[step.choice]]
    says = "smaller"
    if = "max(T_active, arm='without_IL1') < 0.8 * max(T_active)"   # of one choice, and of no other, this must hold
    [[step.choice]]
    says = "as it was measured in people"
    misses = "early_peak"                       # right where the simulation misses this expectation

What takes more than a run is computed when the page is made, and a step shows it as its ``picture``; the numbers of the
picture may stand in sentences: ::

    [branch.block]                              # steady states along a parameter; block_lost, block_regained
    scenario = "stop_signal_tipping"            # that of the lesson without it
    follow = "stop_block=0:1"
    of = "tissue_damage"

    [sweep.trial]                               # virtual patients; trial_patients, trial_share_ARM, trial_effect_NAME
    measure = "tumour_left"
    arms = ["main", "untreated"]

    [evidence.record]                           # record_facts, _met, _missed, _announced, _aside, _aside_met
    topics = ["Marrow and IL-3"]                # of the scenarios that are asked; all without it

    [[step]]
    title = "Draw the branch"
    asks = "Draw the damage against the block."
    picture = "block"
    draw = { judge = "jump", within = "10 %" }  # of a sweep: judge = "share"
    why = { says = "Health is lost at {block_lost as percent}.", if = "block_regained < block_lost" }
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...experiments.explorer.sliders import sliders_of
from ...experiments.lessons import (
    JUDGED,
    JUMP,
    SHARE,
    TIMES,
    Choice,
    Judge,
    Lesson,
    Picture,
    Step,
    SweepPicture,
    Window,
)
from ...experiments.measures import NO_NUMBERS
from ...experiments.scenario import MAIN, Arm, Scenario
from ...model.model import Model
from ...model.units import UnitError, quantity
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest, unknown_name
from ..reading import exists
from .answer import read_answer
from .catalogue import builtin_lessons
from .layers import KeyPath, Layers, Origin
from .lesson_judge import read_judge
from .lesson_pictures import read_pictures
from .lesson_shape import PICTURES, WHY, shape, usable
from .quantities import Context
from .scenario_file import find_scenario, read_scenario
from .source import (
    Table,
    TomlSource,
)


def find_lesson(word: str) -> Path:
    """The file that `word` names: a path, or a bundled lesson. Raises `InputError`."""
    if exists(Path(word)) and Path(word).suffix == ".toml":
        return Path(word)
    found = builtin_lessons()
    if word in found:
        return found[word]
    hint = nearest(Path(word).stem, found) or f"; lessons are {', '.join(found)}"
    kind = "file" if Path(word).suffix == ".toml" else "lesson"
    raise InputError([InputFault(word, 0, f"no such {kind}{hint}", "")])


def read_lesson(path: Path, numbers: Mapping[str, float] = NO_NUMBERS) -> Lesson:
    """The lesson in a file, with its scenarios.

    numbers: of its pictures, by their names, where they were computed; sentences hold NaN for those that are not there.
    Raises `InputError` with everything that is wrong with the lesson or its scenarios.
    """
    return _LessonReader(TomlSource(path), numbers).read(path.stem)


class _Sentences:
    """The sentences of the steps about one scenario, and where they stand in the file."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.places: dict[KeyPath, KeyPath] = {}

    def add(self, path: KeyPath, table: Table, says: str) -> int:
        """Notes a sentence with its condition; returns its place."""
        self.places["answer", len(self.tables)] = path
        self.tables.append({"says": says, "if": table["if"]})
        return len(self.tables) - 1


class _LessonReader:
    def __init__(self, source: TomlSource, numbers: Mapping[str, float]) -> None:
        self.source, self.numbers = source, numbers
        self.faults: list[InputFault] = []
        self.scenarios: dict[str, Scenario] = {}
        self.broken: set[str] = set()  # scenarios that cannot be read, which is said once
        self.sentences: dict[str, _Sentences] = {}
        self.pictures: dict[str, Picture] = {}
        self.usual: str | None = None  # what the file calls the scenario of the lesson

    def read(self, name: str) -> Lesson:
        keys = self.source.data.keys()
        if not keys & {"scenario", "step"} and keys & {"model", "extends"}:
            message = "this is a scenario; a lesson names it in scenario = '...' and has [[step]]"
            raise InputError([self.source.fault((), message)])
        wrong = shape(self.source.data)
        self.faults = [self.source.fault(place, message) for place, message in wrong]
        data, bad = usable(self.source.data, [place for place, _ in wrong]), {place[:2] for place, _ in wrong}
        self.usual = data.get("scenario")
        if self.usual is not None:
            self.scenario(("scenario",), self.usual)
        given = {kind: {each: table for each, table in data.get(kind, {}).items() if (kind, each) not in bad}
                 for kind in PICTURES}  # fmt: skip
        self.pictures = read_pictures(given, self.scenario, self.usual, self.fault)
        found = []
        for i, table in enumerate(data.get("step", [])):
            if table is not None and ("step", i) not in bad:
                self.check_step(("step", i), table)
            found.append(None if table is None else self.step(("step", i), table))
        if data.get("minutes", 1) < 1:
            self.fault(("minutes",), f"a lesson takes a minute or more, found {data['minutes']}")
        sliders = self.sliders(("sliders",), data)
        scenarios = {key: self.with_answer(key) for key in self.scenarios}
        own = self.scenarios.get(str(self.usual))
        if self.faults or own is None:
            raise InputError(self.faults)
        aims, mistakes = (tuple(map(str, data.get(key, []))) for key in ("aims", "wrong"))
        steps, note = tuple([step for step in found if step is not None]), " ".join(data.get("note", "").split())
        return Lesson(
            id=name,
            title=data["title"],
            question=data.get("question", own.question),
            scenario=own,
            scenarios=scenarios,
            steps=steps,
            pictures=tuple(self.pictures.values()),
            aims=aims,
            minutes=data.get("minutes", 0),
            note=note,
            wrong=mistakes,
            sliders=sliders,
        )

    def scenario(self, path: KeyPath, word: str) -> Scenario | None:
        """The scenario that `word` names, read once; None, with a fault, where it cannot be."""
        if word in self.scenarios or word in self.broken:
            return self.scenarios.get(word)
        near = self.source.path.parent / word
        try:
            file = near if exists(near) and near.is_file() else find_scenario(word)
        except InputError as error:
            self.broken.add(word)
            for each in error.faults:
                self.fault(path, f"'{word}': {each.message}")
            return None
        try:
            self.scenarios[word] = read_scenario(file)
        except InputError as error:
            self.broken.add(word)
            self.faults += error.faults
        return self.scenarios.get(word)

    def with_answer(self, key: str) -> Scenario:
        """A scenario whose answer holds the sentences of the lesson about it."""
        scenario, sentences = self.scenarios[key], self.sentences.get(key, _Sentences())
        layers = Layers.of({"answer": sentences.tables}, Origin(self.source, sentences.places))
        named = [each for picture in self.pictures.values() for each in picture.numbers]
        numbers = {name: self.numbers.get(name, math.nan) for name in named}
        context = Context(layers, layers.data, scenario.model, self.faults, scenario.end, numbers=numbers)
        answer = read_answer(context, [arm.name for arm in scenario.arms], _no_arm).sentences
        return replace(scenario, answer=answer)

    def step(self, path: KeyPath, table: Table) -> Step | None:
        key = table.get("scenario", self.usual)
        scenario = None if key is None else self.scenario((*path, "scenario"), key)
        if key is None or scenario is None:
            return None
        arms = tuple([self.arm((*path, "arms"), scenario, each) for each in table.get("arms", [MAIN])])
        show = tuple([self.curve((*path, "show"), scenario.model, each) for each in table.get("show", [])])
        sentences = self.sentences.setdefault(key, _Sentences())
        spoken = sentences.add(path, table, table["says"]) if "if" in table and "says" in table else None
        why, labels = table.get("why", {}), table.get("labels", {})
        expected = tuple([self.expectation((*path, "expect"), scenario, each) for each in table.get("expect", [])])
        against = self.arm((*path, "against"), scenario, table["against"]) if "against" in table else None
        return Step(
            title=table.get("title", ""),
            scenario=key,
            says="" if spoken is not None else " ".join(table.get("says", "").split()),
            spoken=spoken,
            asks=table.get("asks", ""),
            show=show,
            arms=arms,
            labels={self.arm((*path, "labels"), scenario, arm): str(text) for arm, text in labels.items()},
            picture=table.get("picture", ""),
            choices=tuple(
                [
                    self.choice((*path, "choice", k), scenario, sentences, each)
                    for k, each in enumerate(table.get("choice", []))
                    if each is not None and "says" in each
                ]
            ),
            judge=self.judge(path, table, scenario, show) if "judge" in table.get("draw", {}) else None,
            why=sentences.add((*path, "why"), why, why["says"]) if why.keys() >= WHY.keys() else None,
            explain=table.get("explain", False),
            against=against,
            expect=expected,
            sliders=self.step_sliders(path, table, key),
            window=self.window(path, table, scenario),
        )

    def window(self, path: KeyPath, table: Table, scenario: Scenario) -> Window | None:
        """The part of the run that is shown; None for the whole, and for what is wrong."""
        if "from" not in table and "span" not in table:
            return None
        found, unit = {"from": 0.0, "span": math.nan}, scenario.model.time_unit
        shown, factor = "", 1.0
        for key in found:
            try:
                value, given, text = quantity(str(table.get(key, "0 s" if key == "from" else "")))
                found[key] = value * given.to(unit)
            except UnitError:
                found[key] = math.nan
            else:
                shown, factor = text, unit.to(given)
        start, end = found["from"], found["from"] + found["span"]
        if not (0.0 <= start < end <= scenario.end):
            last = f"{scenario.end:,.10g} {scenario.model.time_unit_text}"
            self.fault(
                (*path, "span" if "span" in table else "from"),
                f"expected a part of the run, which ends at {last}, such as from = '1 h' and span = '30 min'",
            )
            return None
        return Window(start, end, shown, factor)

    def check_step(self, path: KeyPath, table: Table) -> None:
        """Faults of what does not go together in a step."""
        picture = table.get("picture", "")
        if table.get("explain") and not table.get("show"):
            self.fault((*path, "explain"), 'a curve is explained: show = ["NAME"]')
        if "if" not in table and "{" in table.get("says", ""):
            self.fault((*path, "says"), "numbers in braces need an 'if': the condition under which this may be said")
        if "draw" in table and not picture and len(table.get("show", [])) != 1:
            self.fault((*path, "draw"), 'one curve is drawn: show = ["NAME"]')
        if ("draw" in table or "choice" in table) and "asks" not in table:
            self.fault(path, 'what is asked is missing: asks = "..."')
        if "draw" in table and not {"from", "span"}.isdisjoint(table):
            self.fault((*path, "draw"), "the whole curve is drawn and judged, without 'from' and 'span'")
        if "draw" in table and "choice" in table:
            self.fault((*path, "draw"), "a step asks for a drawing or for a choice, not for both")
        if "choice" in table and len(table["choice"]) < 2:
            self.fault((*path, "choice"), "a question has two choices or more")
        if picture and picture not in self.pictures:
            declared = {name for kind in PICTURES for name in self.source.data.get(kind, {})}
            if picture not in declared:
                self.fault((*path, "picture"), unknown_name("the lesson has no picture", picture, self.pictures))
        if picture and "show" in table:
            self.fault((*path, "picture"), "a step shows curves or a picture, not both")

    def choice(self, path: KeyPath, scenario: Scenario, sentences: _Sentences, table: Table) -> Choice:
        if ("if" in table) == ("misses" in table):
            self.fault(path, "what makes a choice right is one of if = CONDITION and misses = EXPECTATION")
            return Choice(table["says"])
        if "misses" in table:
            return Choice(table["says"], None, self.expectation((*path, "misses"), scenario, table["misses"]))
        return Choice(table["says"], sentences.add(path, table, "right"))

    def judge(self, path: KeyPath, table: Table, scenario: Scenario, show: tuple[str, ...]) -> Judge:
        picture, wanted = self.pictures.get(table.get("picture", "")), None
        known: tuple[str, ...] = JUDGED
        if picture is not None:
            known = (SHARE,) if isinstance(picture, SweepPicture) else (JUMP,)
        elif show and scenario.model.find(show[0], "species", "observables"):
            in_time = table["draw"]["judge"] in TIMES
            wanted = scenario.model.time_unit if in_time else scenario.model.unit(show[0])
        return read_judge((*path, "draw"), table["draw"], known, wanted, self.fault)

    def sliders(self, path: KeyPath, table: Table) -> tuple[str, ...]:
        """The sliders at `path`, each as the page of the lesson knows it."""
        words, first = [str(each) for each in table.get("sliders", [])], self.scenarios.get(str(self.usual))
        if first is None or not words:
            return ()
        known = {each: first.model.find(each, "parameters") or each for each in words}
        try:
            sliders_of(first, (), list(known.values()))
        except InputError as error:
            for each in error.faults:
                self.fault(path, each.message)
        return tuple(known.values())

    def step_sliders(self, path: KeyPath, table: Table, key: str) -> tuple[str, ...]:
        if "sliders" in table and key != self.usual:
            self.fault((*path, "sliders"), "sliders are those of the lesson's own scenario, and this step has another")
            return ()
        return self.sliders((*path, "sliders"), table)

    def arm(self, path: KeyPath, scenario: Scenario, word: object) -> str:
        names = [arm.name for arm in scenario.arms]
        if word not in names:
            self.fault(path, unknown_name("the scenario has no arm", str(word), names))
        return str(word)

    def expectation(self, path: KeyPath, scenario: Scenario, word: object) -> str:
        names = {each.id: each for each in scenario.expectations}
        if word not in names:
            self.fault(path, unknown_name("the scenario has no expectation", str(word), names))
        elif names[str(word)].set_aside:
            self.fault(path, f"'{word}' asks a fact that is set aside, which is counted and never shown")
        return str(word)

    def curve(self, path: KeyPath, model: Model, word: object) -> str:
        found = model.find(str(word), "species", "observables")
        if found is None:
            self.fault(path, model.unknown(str(word), "species", "observables"))
        return found or str(word)

    def fault(self, path: KeyPath, message: str) -> None:
        self.faults.append(self.source.fault(path, message))


def _no_arm(table: Table, path: KeyPath) -> Arm:
    raise AssertionError("a lesson has no breaks_with")
