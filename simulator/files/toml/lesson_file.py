"""Lesson files: TOML text becomes one checked `Lesson`.

::

    title = "Memory"
    scenario = "core_memory"                    # a bundled scenario, or a file
    minutes = 25
    aims = ["say why the second response is faster"]
    note = "Most students expect ..."           # for the teacher
    sliders = ["T_frequency"]                   # of the page for free play

    [[step]]
    title = "The first response"
    says = "Effectors peak after {time_of_max(T_active)}."
    if = "time_of_max(T_active) < '30 d'"       # needed where numbers stand in braces; plain words need none
    show = ["T_active"]
    arms = ["main"]                             # the default

    [[step]]
    title = "Predict"
    asks = "Draw the effectors."
    show = ["T_active"]
    draw = { judge = "time_of_max", within = "20 %" }
    why = { says = "It peaks after {time_of_max(T_active)}.", if = "..." }
    explain = true                              # names the reactions behind it, in the first of the arms
    against = "ARM"                             # compared with this arm

    [[step]]
    title = "Choose"
    asks = "Without IL-1 the first response is"
    [[step.choice]]
    says = "smaller"
    if = "max(T_active, arm='without_IL1') < 0.8 * max(T_active)"   # of one choice, and of no other, this must hold
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ...experiments.lessons import JUDGED, Judge, Lesson, Step
from ...experiments.scenario import MAIN, Arm, Scenario
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest, unknown_name
from ..reading import exists
from .answer import read_answer
from .catalogue import builtin_lessons
from .layers import KeyPath, Layers, Origin
from .quantities import Context
from .scenario_file import find_scenario, read_scenario
from .source import (
    INTEGER,
    LIST,
    QUANTITY,
    REQUIRED_LINE,
    REQUIRED_TEXT,
    TABLE,
    TEXT,
    Field,
    Table,
    TomlSource,
    check_fields,
)

FILE = {
    "title": REQUIRED_LINE,
    "scenario": REQUIRED_TEXT,
    "minutes": INTEGER,
    "aims": LIST,
    "note": TEXT,
    "sliders": LIST,
    "step": Field((list,), True),
}
STEP = {
    "title": REQUIRED_LINE,
    "says": TEXT,
    "if": TEXT,
    "asks": TEXT,
    "show": LIST,
    "arms": LIST,
    "draw": TABLE,
    "choice": LIST,
    "why": TABLE,
    "explain": Field((bool,)),
    "against": TEXT,
}
DRAW = {"judge": REQUIRED_LINE, "within": QUANTITY}
CHOICE = {"says": REQUIRED_LINE, "if": REQUIRED_TEXT}
WHY = {"says": REQUIRED_TEXT, "if": REQUIRED_TEXT}
WITHIN = 0.3  # of the simulated value, where a lesson says nothing


def find_lesson(word: str) -> Path:
    """The file that `word` names: a path, or a bundled lesson. Raises `InputError`."""
    if exists(Path(word)) and Path(word).suffix == ".toml":
        return Path(word)
    found = builtin_lessons()
    if word in found:
        return found[word]
    hint = nearest(word, found) or f"; lessons are {', '.join(found)}"
    raise InputError([InputFault(word, 0, f"no such lesson{hint}", "")])


def read_lesson(path: Path) -> Lesson:
    """The lesson in a file, with its scenario. Raises `InputError` with everything that is wrong with either."""
    source = TomlSource(path)
    faults = [source.fault(place, message) for place, message in _shape(source.data)]
    if faults:
        raise InputError(faults)
    return _LessonReader(source, _scenario(source)).read(path.stem)


def _scenario(source: TomlSource) -> Scenario:
    word = source.data["scenario"]
    near = source.path.parent / word
    return read_scenario(near if exists(near) and near.is_file() else find_scenario(word))


def _shape(data: Table) -> list[tuple[KeyPath, str]]:
    """Unknown, missing and wrong keys, each with its path."""
    found: list[tuple[KeyPath, str]] = list(check_fields(data, FILE, "a lesson"))
    steps = data.get("step")
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        parts: list[tuple[KeyPath, Any, Any, str]] = [(("step", i), step, STEP, "[[step]]")]
        if isinstance(step, dict):
            parts += [
                (("step", i, key), step[key], fields, f"{key} of a step")
                for key, fields in (("draw", DRAW), ("why", WHY))
                if key in step
            ]
            choices = step.get("choice")
            parts += [
                (("step", i, "choice", k), choice, CHOICE, "[[step.choice]]")
                for k, choice in enumerate(choices if isinstance(choices, list) else [])
            ]
        for place, table, fields, what in parts:
            found += [((*place, *inner), message) for inner, message in check_fields(table, fields, what)]
    return found


class _LessonReader:
    def __init__(self, source: TomlSource, scenario: Scenario) -> None:
        self.source, self.scenario = source, scenario
        self.arms = [arm.name for arm in scenario.arms]
        self.faults: list[InputFault] = []
        self.sentences: list[Table] = []
        self.places: dict[KeyPath, KeyPath] = {}  # of sentences: where their keys stand in the file

    def read(self, name: str) -> Lesson:
        data = self.source.data
        steps = tuple([self.step(("step", i), table) for i, table in enumerate(data["step"])])
        layers = Layers.of({"answer": self.sentences}, Origin(self.source, self.places))
        context = Context(layers, layers.data, self.scenario.model, self.faults, self.scenario.end)
        answer = read_answer(context, self.arms, _no_arm).sentences
        if self.faults:
            raise InputError(self.faults)
        scenario = replace(self.scenario, answer=answer)
        aims, sliders = (tuple(map(str, data.get(key, []))) for key in ("aims", "sliders"))
        return Lesson(
            name, data["title"], scenario, steps, aims, data.get("minutes", 0), data.get("note", "").strip(), sliders
        )

    def step(self, path: KeyPath, table: Table) -> Step:
        arms = tuple(self.arm((*path, "arms"), each) for each in table.get("arms", [MAIN]))
        show = tuple(self.curve((*path, "show"), each) for each in table.get("show", []))
        spoken = self.sentence(path, table) if "if" in table and "says" in table else None
        if "if" not in table and "{" in table.get("says", ""):
            self.fault((*path, "says"), "numbers in braces need an 'if': the condition under which this may be said")
        if "draw" in table and len(show) != 1:
            self.fault((*path, "draw"), 'one curve is drawn: show = ["NAME"]')
        if ("draw" in table or "choice" in table) and "asks" not in table:
            self.fault(path, 'what is asked is missing: asks = "..."')
        if "choice" in table and len(table["choice"]) < 2:
            self.fault((*path, "choice"), "a question has two choices or more")
        against = self.arm((*path, "against"), table["against"]) if "against" in table else None
        return Step(
            title=table["title"],
            says="" if spoken is not None else " ".join(table.get("says", "").split()),
            spoken=spoken,
            asks=table.get("asks", ""),
            show=show,
            arms=arms,
            choices=tuple(
                [
                    (each["says"], self.sentence((*path, "choice", k), each))
                    for k, each in enumerate(table.get("choice", []))
                ]
            ),
            judge=self.judge((*path, "draw"), table["draw"]) if "draw" in table else None,
            why=self.sentence((*path, "why"), table["why"]) if "why" in table else None,
            explain=table.get("explain", False),
            against=against,
        )

    def judge(self, path: KeyPath, table: Table) -> Judge:
        if table["judge"] not in JUDGED:
            self.fault((*path, "judge"), unknown_name("a drawing is not judged by", table["judge"], JUDGED))
        within = table.get("within", WITHIN)
        if isinstance(within, str):
            number, sign, rest = within.partition("%")
            try:
                within = float(number) / (100 if sign else 1)
            except ValueError:
                within = -1.0
            within = -1.0 if rest.strip() else within
        if not 0 < within <= 2:
            self.fault((*path, "within"), f"expected a share such as '20 %', found {table.get('within')!r}")
        return Judge(table["judge"], within)

    def sentence(self, path: KeyPath, table: Table) -> int:
        """Notes a sentence with its condition; returns its place."""
        self.places["answer", len(self.sentences)] = path
        self.sentences.append({"says": table["says"], "if": table["if"]})
        return len(self.sentences) - 1

    def arm(self, path: KeyPath, word: object) -> str:
        if word not in self.arms:
            self.fault(path, unknown_name("the scenario has no arm", str(word), self.arms))
        return str(word)

    def curve(self, path: KeyPath, word: object) -> str:
        model = self.scenario.model
        found = model.find(str(word), "species", "observables")
        if found is None:
            self.fault(path, model.unknown(str(word), "species", "observables"))
        return found or str(word)

    def fault(self, path: KeyPath, message: str) -> None:
        self.faults.append(self.source.fault(path, message))


def _no_arm(table: Table, path: KeyPath) -> Arm:
    raise AssertionError("a lesson has no breaks_with")
