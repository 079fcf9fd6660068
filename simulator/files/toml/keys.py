"""Every table of the files that users write, with its keys: what the reference of the handbook lists."""

from __future__ import annotations

from collections.abc import Mapping

from . import facts, lesson_judge, lesson_pictures, lesson_shape, model_file
from .accept import ACCEPT
from .answer import ANSWER
from .data import DATA
from .design import SWEEP, VARY
from .explore import EXPLORE, PRESET, SLIDER
from .fit import ESTIMATE, FIT, PREDICT, PRIOR
from .inputs import INPUT
from .model_sections import SECTIONS
from .population import PATIENT, POPULATION
from .rules import RULE
from .scenario_shape import ARM, CHANGE, DOSE, EXPECT, FILE, SHOW, TIME
from .source import Field
from .sources import SOURCE
from .subjects import SUBJECTS
from .sweep import MEASURE

SCENARIO_TABLES: dict[str, Mapping[str, Field]] = {
    "a scenario": FILE,
    "[time]": TIME,
    "[[dose]]": DOSE,
    "[[change]]": CHANGE,
    "[arms.NAME]": ARM,
    "[show]": SHOW,
    "[[answer]]": ANSWER,
    "[[expect]]": EXPECT,
    "[[rule]]": RULE,
    "[inputs.NAME]": INPUT,
    "[[data]]": DATA,
    "[subjects]": SUBJECTS,
    "[sources.NAME] of a scenario": SOURCE,
    "[fit]": FIT,
    "[[fit.estimate]]": ESTIMATE,
    "prior of [[fit.estimate]]": PRIOR,
    "[[fit.predict]]": PREDICT,
    "[sweep]": SWEEP,
    "[[sweep.vary]]": VARY,
    "[sweep.measures]": MEASURE,
    "[population]": POPULATION,
    "[[population.vary]]": PATIENT,
    "[[population.accept]]": ACCEPT,
    "[explore]": EXPLORE,
    "[[explore.slider]]": SLIDER,
    "[[explore.preset]]": PRESET,
}
LESSON_TABLES: dict[str, Mapping[str, Field]] = {
    "a lesson": lesson_shape.FILE,
    "[[step]] of a lesson": lesson_shape.STEP,
    "[[step.choice]] of a lesson": lesson_shape.CHOICE,
    "draw of a step": lesson_judge.DRAW,
    "why of a step": lesson_shape.WHY,
    "[branch.NAME] of a lesson": lesson_pictures.BRANCH,
    "[sweep.NAME] of a lesson": lesson_pictures.SWEEP,
    "[evidence.NAME] of a lesson": lesson_pictures.EVIDENCE,
}
MODEL_TABLES: dict[str, Mapping[str, Field]] = {
    "a model": model_file.FILE,
    **{f"[{name}.NAME]": section.fields for name, section in SECTIONS.items()},
    "[facts.NAME]": facts.FACT,
}


def type_text(field: Field) -> str:
    """What a key may hold, in words: "text or a number, required"."""
    return field.words + (", required" if field.required else "")
