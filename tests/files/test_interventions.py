"""Words for immunologists: what a model names, and what --knockout, --block and --add make of a scenario."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomli_w
from immunesim.experiments.scenario import Scenario
from immunesim.files.toml.interventions import Interventions, notes_of, number_of_doses, parse_dose
from immunesim.files.toml.model_file import read_model
from immunesim.files.toml.model_sections import model_document
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.instants import ticks_of
from immunesim.model.units import unit
from immunesim.runtime.errors import COMMAND_LINE, InputError
from immunesim.views.text.commands.describe import model_facts
from immunesim.views.text.notes import notes

from tests.toys import SCENARIO

KNOBS = """
title = "the toy, with words for what may be done to it"
time_unit = "h"
modules = ["toy_model"]
[parameters.IL_9_made]
label = "the drug that cells make"
value = 1
unit = "1/h"
source = "assumed"
status = "assumed: it is a toy"
[parameters.drug_block]
label = "share that is blocked"
value = 0
unit = "1"
range = [0, 1]
source = "assumed"
status = "assumed: it is a toy"
[parameters.hearing]
label = "share that is heard"
value = 1
unit = "1"
range = [0, 1]
source = "assumed"
status = "assumed: it is a toy"
[reactions.made]
equation = "-> cells"
rate = "IL_9_made * hearing * (1 - drug_block) * cells_at_rest"
source = "assumed"
[interventions.IL_9]
label = "interleukin nine"
knockout = { IL_9_made = 0 }
block = "drug_block"
dose = { vein = "drug", skin = "depot" }
note = "a toy"
[interventions.ears]
label = "hearing"
remaining = "hearing"
[interventions.depot]
label = "what is under the skin"
dose = "depot"
"""


@pytest.fixture
def model_file(folder: Path) -> Path:
    path = folder / "words.toml"
    path.write_text(KNOBS, encoding="utf-8")
    (folder / "question.toml").write_text(SCENARIO.replace("toy_model.toml", "words.toml"), encoding="utf-8")
    return path


def asked(path: Path, settings: dict[str, str] | None = None, **words: tuple[object, ...]) -> Scenario:
    return read_scenario(path.parent / "question.toml", settings, None, Interventions(**words))


def refused(path: Path, settings: dict[str, str] | None = None, **words: tuple[object, ...]) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        asked(path, settings, **words)
    (fault,) = caught.value.faults
    assert fault.file == COMMAND_LINE
    assert "\n" not in fault.message
    return fault.message, fault.text


# what a model says


FAULTS = {  # what is replaced, by what, how the line begins that is blamed, message
    "no_parameter": (
        "IL_9_made = 0 }",
        "IL9_made = 0 }",
        "knockout",
        "no parameter 'IL9_made'; did you mean 'IL_9_made'",
    ),
    "no_number": ("IL_9_made = 0 }", 'IL_9_made = "no" }', "knockout", "expected a number in the unit of IL_9_made"),
    "negative": ("IL_9_made = 0 }", "IL_9_made = -1 }", "knockout", "IL_9_made cannot be negative, found -1"),
    "share": ("{ IL_9_made = 0 }", "{ hearing = 2 }", "knockout", "hearing is a share, from 0 to 1, found 2"),
    "no_block": ('"drug_block"', '"drug_blok"', "block", "no parameter 'drug_blok'; did you mean 'drug_block'?"),
    "no_share": ('"drug_block"', '"k_clear"', "block", "needs a share: a parameter with unit '1' and range [0, 1]"),
    "no_remaining": ('remaining = "hearing"', 'remaining = "IL_9_made"', "remaining", "remaining needs a share"),
    "no_species": (
        'skin = "depot"',
        'skin = "depto"',
        "dose",
        "no species 'depto' to give IL_9 to; did you mean 'depot'",
    ),
    "no_target": ('dose = "depot"', 'dose = "hearing"', "dose", "no species 'hearing' to give depot to"),
    "route": ('vein = "drug"', "vein = 3", "dose", "expected the name of a species, found 3"),
    "nothing": ('remaining = "hearing"', "", "[interventions.ears]", "has knockout, block or remaining, or dose"),
    "both": ('remaining = "hearing"', 'remaining = "hearing"\nblock = "drug_block"', "remaining", "give one of them"),
    "key": (
        'remaining = "hearing"',
        'remainin = "hearing"',
        "remainin",
        "has no key 'remainin'; did you mean 'remaining'?",
    ),
    "label": ('label = "hearing"\nremaining', "remaining", "[interventions.ears]", "[interventions.ears] has no label"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_an_intervention_has_its_place_and_the_nearest_name(model_file: Path, case: str) -> None:
    old, new, blamed, message = FAULTS[case]
    assert KNOBS.count(old) == 1
    wrong = KNOBS.replace(old, new)
    model_file.write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_model(model_file)
    (fault,) = caught.value.faults
    assert message in fault.message
    assert fault.file.endswith("words.toml")
    assert wrong.split("\n")[fault.line - 1].startswith(blamed)


def test_interventions_survive_the_round_trip_of_a_model(model_file: Path, tmp_path: Path) -> None:
    model = read_model(model_file)
    again = tmp_path / "again.toml"
    again.write_text(tomli_w.dumps(model_document(model)), encoding="utf-8")
    assert read_model(again).interventions == model.interventions
    assert model.interventions["IL_9"].dose == {"vein": "drug", "skin": "depot"}
    assert model.interventions["depot"].dose == {"": "depot"}


def test_describe_lists_what_can_be_done_and_shows_each(model_file: Path) -> None:
    model = read_model(model_file)
    assert model_facts(model, None)["interventions"] == {
        "--knockout": ["IL_9"],
        "--block": ["IL_9", "ears"],
        "--add": ["IL_9", "depot"],
    }
    shown = model_facts(model, "il-9")
    assert shown == model_facts(model, "Interleukin Nine")
    assert shown["kind"] == "intervention"
    assert shown["--knockout IL_9"] == "IL_9_made = 0"
    assert shown["--block IL_9 SHARE"] == "drug_block = SHARE"
    assert shown["--add 'IL_9 AMOUNT at TIME'"] == "into vein: drug, into skin: depot"
    assert model_facts(model, "ears")["--block ears SHARE"] == "hearing = 1 - SHARE"
    assert model_facts(model, "depot")["interventions"]["--add 'depot AMOUNT at TIME'"] == "a dose: depot"
    assert model_facts(model, "drug").get("interventions") is None


# what words make of a scenario


def test_words_become_values_of_every_arm_and_say_where_they_come_from(model_file: Path) -> None:
    scenario = asked(
        model_file, knockout=("il-9",), block=(("IL9", "90%"), ("ears", "0.3")), add=("IL-9 5 pmol at 3 h",)
    )
    for arm in scenario.arms:
        assert dict(arm.parameters).items() >= {"IL_9_made": 0.0, "drug_block": 0.9, "hearing": 0.7}.items(), arm.name
        assert [dose.target for dose in arm.doses if dose.name == "added IL_9"] == ["drug"]
    assert (
        scenario.title
        == "A toy question: without interleukin nine, interleukin nine blocked by 90 %, hearing blocked by 30 %,"
        " with IL-9 5 pmol at 3 h into vein"
    )
    assert scenario.origins["parameters", "IL_9_made"] == "--knockout il-9"
    assert scenario.origins["parameters", "drug_block"] == "--block IL9 90%"
    assert scenario.origins["dose", "added IL_9", "amount"] == '--add "IL-9 5 pmol at 3 h"'
    assert scenario.document["parameters"]["IL_9_made"] == "0 1/h"


def test_a_dose_typed_in_several_lines_leaves_a_title_of_one_line(model_file: Path) -> None:
    assert asked(model_file, add=("IL-9 5 pmol\n\tinto skin  at 3 h",)).title.endswith(
        "with IL-9 5 pmol into skin at 3 h"
    )


def test_the_resolved_scenario_needs_no_words(model_file: Path, tmp_path: Path) -> None:
    scenario = asked(
        model_file, knockout=("IL9",), add=("IL9 5 pmol into skin at 3 h every 1 h until 6 h over 30 min",)
    )
    path = tmp_path / "resolved.toml"
    path.write_text(tomli_w.dumps(dict(scenario.document)), encoding="utf-8")
    assert read_scenario(path).arms == scenario.arms
    assert tomllib.loads(path.read_text(encoding="utf-8"))["dose"][-1] == {
        "name": "added IL_9", "target": "depot", "amount": "5 pmol", "at": "3 h", "every": "1 h", "over": "30 min",
        "count": 4,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["90%", "90 %", "0.9", "9e-1", "900e-3", " 90 %"])
def test_a_share_is_said_in_percent_or_as_a_number(model_file: Path, text: str) -> None:
    scenario = asked(model_file, block=(("IL9", text),))
    assert scenario.arm("main").parameters["drug_block"] == 0.9
    assert scenario.title.endswith("interleukin nine blocked by 90 %")


def test_two_added_doses_have_two_names_and_one_may_be_of_a_species(model_file: Path) -> None:
    scenario = asked(model_file, add=("IL9 5 pmol at 3 h", "il-9 6 pmol at 4 h", "cells 10 cells/uL at 5 h"))
    added = {dose.name: dose.target for dose in scenario.arm("untreated").doses}
    assert added == {"added IL_9": "drug", "added IL_9 2": "drug", "added cells": "cells"}


REFUSED = {
    "unknown": ({"knockout": ("IL99",)}, "'IL99' can be knocked out in this model; did you mean 'IL_9'?"),
    "number": ({"knockout": ("IL8",)}, "nothing called 'IL8' can be knocked out in this model; what can be: IL_9"),
    "far": ({"knockout": ("zebra",)}, "nothing called 'zebra' can be knocked out in this model; what can be: IL_9"),
    "cannot": ({"knockout": ("ears",)}, "ears cannot be knocked out in this model; what can be: IL_9"),
    "no_block": ({"block": (("depot", "1"),)}, "depot cannot be blocked in this model; what can be: IL_9, ears"),
    "above": ({"block": (("IL9", "90"),)}, "found '90'; a share lies between 0 and 100 %"),
    "below": ({"block": (("IL9", "-5%"),)}, "expected a share such as 90% or 0.9, found '-5%'"),
    "no_share": ({"block": (("IL9", "much"),)}, "expected a share such as 90% or 0.9, found 'much'"),
    "unit": ({"block": (("IL9", "3 d"),)}, "expected a share such as 90% or 0.9, found '3 d'"),
    "no_time": ({"add": ("IL9 5 pmol",)}, "no time: say when, as in 'at 3 d'; the form is NAME AMOUNT"),
    "no_amount": ({"add": ("IL9 at 3 h",)}, "expected a name and then an amount; the form is NAME AMOUNT"),
    "no_name": ({"add": ("5 pmol at 3 h",)}, "expected a name and then an amount"),
    "no_drug": ({"add": ("durg 5 pmol at 3 h",)}, "nothing called 'durg' to give; did you mean 'drug'?"),
    "no_route": ({"add": ("IL9 5 pmol into vien at 3 h",)}, "no route 'vien'; did you mean 'vein'?"),
    "one_route": ({"add": ("depot 5 pmol into skin at 3 h",)}, "no route 'skin'; depot has only one"),
    "no_routes": ({"add": ("cells 5 cells/uL into skin at 3 h",)}, "cells has no routes to choose from"),
    "word": ({"add": ("IL9 5 pmol at 3 h evry 1 h",)}, "'evry' is not understood after 'at 3 h'; did you mean 'every'"),
    "twice": ({"add": ("IL9 5 pmol at 3 h at 4 h",)}, "'at' is given twice"),
    "empty": ({"add": ("IL9 5 pmol at 3 h every",)}, "nothing follows 'every'"),
    "count": ({"add": ("IL9 5 pmol at 3 h x 4",)}, "'x' needs 'every TIME', the interval between doses"),
    "until": ({"add": ("IL9 5 pmol at 3 h every 1 h x 4 until 9 h",)}, "both a count and 'until': give one of them"),
    "backwards": ({"add": ("IL9 5 pmol at 3 h every 1 h until 2 h",)}, "the doses end before the first of them"),
    "never": ({"add": ("IL9 5 pmol at 3 h every 0 h",)}, "expected an interval above zero, found '0 h'"),
    "time": ({"add": ("IL9 5 pmol at 3 kg",)}, "wrong unit: expected a time such as '10 h', found '3 kg', a mass"),
    "late": ({"add": ("IL9 5 pmol at 300 h",)}, "starts at '300 h', but the run ends at 48 h"),
    "amount": ({"add": ("IL9 5 mmHg at 3 h",)}, "found '5 mmHg'"),
    "contradiction": ({"block": (("IL9", "90%"), ("il-9", "50%"))}, "drug_block is set by --block IL9 90% too"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_words_are_refused_in_one_line_with_what_was_meant(model_file: Path, case: str) -> None:
    words, message = REFUSED[case]
    found, text = refused(model_file, None, **words)
    assert message in found
    assert text.startswith(f"--{next(iter(words))} ")


def test_a_setting_that_contradicts_a_word_is_refused(model_file: Path) -> None:
    message, _ = refused(model_file, {"drug-block": "0.5"}, block=(("IL9", "90%"),))
    assert message == "drug_block is set by --set drug-block=0.5 too: leave out one of the two"
    assert asked(model_file, {"drug_block": "0.9"}, block=(("IL9", "90%"),)).arm("main").parameters["drug_block"] == 0.9


def test_a_model_without_interventions_says_so(folder: Path) -> None:
    (folder / "question.toml").write_text(SCENARIO, encoding="utf-8")
    message, _ = refused(folder / "toy_model.toml", knockout=("drug",))
    assert message == "nothing called 'drug' can be knocked out in this model"
    assert asked(folder / "toy_model.toml", add=("drug 5 pmol at 3 h",)).arm("main").doses[-1].name == "added drug"


# doses in words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("IL-2 18 MIU at 3 d", 1),
        ("IL-2 18 MIU at 3 d every 1 d x 5", 5),
        ("IL-2 18 MIU at 3 d every 1 d x5", 5),
        ("IL-2 18 MIU at 3 d every 1 d ×5 over 15 min", 5),
        ("IL-2 18 MIU at 3 d every 8 h until 4 d", 4),
        ("IL-2 18 MIU at 72 h every 0.1 h until 73 h", 11),
        ("IL-2 18 MIU at 3 d every 1 d", 7),  # 3 d to 9 d, the last before the end
        ("IL-2 18 MIU at 3 d every 2 d", 4),
        ("IL-2 18 MIU every 1 d at 3 d over 1 h", 7),
        ("IL-2 18 MIU at 3 d, 4 d,6 d over 1 h lag 10 min share 80 %", 3),
        ("IL-2 18 MIU at 3 d every 1 d x 2 rate 9 MIU/h", 2),
        ("IL-2 18 MIU at 20 d every 1 d", 1),
    ],
)
def test_a_line_of_words_is_a_number_of_doses(text: str, count: int) -> None:
    words = parse_dose(text)
    assert (words.name, words.amount) == ("IL-2", "18 MIU")
    assert number_of_doses(words, ticks_of(10.0, unit("d"))) == count


def test_a_name_may_have_blanks_and_an_amount_any_unit() -> None:
    words = parse_dose("interleukin nine 600000 IU/kg INTO skin AT 1 d")
    assert words[:4] == ("interleukin nine", "600000 IU/kg", "1 d", "skin")


# what is worth a note


def test_an_arm_or_a_change_that_sets_the_same_is_noted_for_words_as_for_set(model_file: Path) -> None:
    text = SCENARIO.replace("toy_model.toml", "words.toml")
    text = text.replace("initial.drug = ", 'parameters.drug_block = "0.2"\ninitial.drug = ')
    text = text.replace(
        "[arms.untreated]", "[[change]]\nat = '5 h'\nparameters = { hearing = 0.5 }\n[arms.untreated]", 1
    )
    (model_file.parent / "question.toml").write_text(text, encoding="utf-8")
    scenario = asked(model_file, block=(("IL9", "90%"), ("ears", "20%")))
    assert scenario.arm("half").parameters["drug_block"] == 0.2
    assert [note for note in notes(scenario) if "--block" in note] == [
        "arm half sets drug_block itself, so --block does not change it there",
        "the change from 5 h on sets hearing, so --block has no effect during that time",
    ]
    assert not [note for note in notes(asked(model_file, block=(("ears", "50%"),))) if "--block" in note]


def test_a_knockout_is_no_wrong_value_and_its_note_is_told(model_file: Path) -> None:
    knobs = KNOBS.replace('value = 1\nunit = "1/h"\n', 'value = 1\nunit = "1/h"\nrange = [0.5, 2]\n').replace(
        'status = "assumed: it is a toy"\n[parameters.hearing]', 'status = "knob: a toy"\n[parameters.hearing]'
    )
    model_file.write_text(
        knobs.replace('source = "assumed"\nstatus = "knob', 'source = "knob"\nstatus = "knob'), encoding="utf-8"
    )
    words = Interventions(knockout=("IL9",))
    scenario = asked(model_file, **words._asdict())
    assert [note for note in notes(scenario, words) if "IL_9" in note] == ["IL_9: a toy"]
    by_hand = notes(asked(model_file, {"IL_9_made": "0.1 1/h"}))
    assert any("IL_9_made = 0.1 1/h is outside its range" in note for note in by_hand)
    assert any("IL_9_made is a fixed constant" in note for note in by_hand)
    assert list(notes_of(scenario.model, Interventions(block=(("IL9", "1"),)))) == ["IL_9: a toy"]


def test_a_target_that_is_a_route_in_words_is_answered_with_its_species(model_file: Path) -> None:
    scenario = model_file.parent / "question.toml"
    scenario.write_text(scenario.read_text().replace('target = "drug"', 'target = "under the skin"'))
    with pytest.raises(InputError, match=r"to give .drip. to; .*; species that a dose into skin goes to are depot"):
        read_scenario(scenario)
