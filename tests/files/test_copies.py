"""Modules used more than once: what a copy has of its own, what it shares, and what is wrong with an entry."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
from immunesim.files.toml.model_file import read_model
from immunesim.files.toml.model_sections import model_document
from immunesim.model.model import Model
from immunesim.runtime.errors import InputError

from tests.toys import CLONE
from tests.toys import TWO_CLONES as TOP


def write(folder: Path, top: str = TOP, clone: str = CLONE) -> Path:
    (folder / "clone.toml").write_text(clone, encoding="utf-8")
    path = folder / "two.toml"
    path.write_text(top, encoding="utf-8")
    return path


@pytest.fixture
def two(tmp_path: Path) -> Model:
    return read_model(write(tmp_path))


def faults(path: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(InputError) as caught:
        read_model(path)
    return [(Path(fault.file).name, fault.line, fault.message) for fault in caught.value.faults]


def test_a_copy_has_its_own_species_and_what_contains_them(two: Model) -> None:
    assert list(two.species) == ["cells", "antigen", "shed", "factor", "cells_tumour"]
    assert two.reactions["division_tumour"].equation == "cells_tumour -> 2 cells_tumour"
    assert two.reactions["feeding_tumour"].rate_text == "used * division_rate_tumour * cells_tumour"
    assert two.reactions["feeding_tumour"].stoichiometry == (("factor", -1.0),)
    assert two.observables["division_rate_tumour"].text == "fastest * fed * saturation(shed, K)"
    assert two.species["cells_tumour"].label == "cells of the clone (tumour)"


def test_what_contains_nothing_of_the_copy_is_shared(two: Model) -> None:
    assert list(two.parameters) == ["cells_start", "fastest", "K", "used", "factor_half", "cells_start_tumour"]
    assert [each for each in two.observables if each.startswith("fed")] == ["fed"]
    assert two.species["cells_tumour"].initial_text == "cells_start_tumour"
    assert two.parameters["cells_start_tumour"].value == two.parameters["cells_start"].value


def test_a_name_that_the_module_refers_to_is_another_one_in_the_copy(two: Model) -> None:
    assert two.reactions["antigen_fades_tumour"].equation == "shed ->"


def test_interventions_of_a_copy_act_on_its_own_names(two: Model) -> None:
    assert dict(two.interventions["cells_tumour"].dose) == {"vein": "cells_tumour"}
    assert dict(two.interventions["start_tumour"].knockout) == {"cells_start_tumour": 0.0}


def test_a_copy_is_a_module_of_the_model(two: Model) -> None:
    assert list(two.modules) == ["clone", "clone_tumour"]
    copy = two.modules["clone_tumour"]
    assert copy.title == "A clone (tumour): cells that divide on their antigen"
    assert (copy.limitations, copy.interventions) == ("As clone.", ("cells_tumour", "start_tumour"))
    assert set(copy.names) == {
        *("cells_tumour", "cells_start_tumour", "division_tumour", "feeding_tumour", "antigen_fades_tumour"),
        "division_rate_tumour",
    }


def test_a_model_with_copies_reads_back_as_the_same_model(two: Model, tmp_path: Path) -> None:
    path = tmp_path / "two_again.toml"
    path.write_text(tomli_w.dumps(model_document(two)), encoding="utf-8")
    again = read_model(path)
    assert (again.species, again.reactions) == (two.species, two.reactions)
    assert (again.observables, again.parameters) == (two.observables, two.parameters)


def test_a_model_with_copies_alone_shares_what_is_the_same(tmp_path: Path) -> None:
    top = TOP.replace('  "clone",\n', '  { use = "clone", as = "virus" },\n')
    model = read_model(write(tmp_path, top))
    assert list(model.species) == ["antigen", "shed", "factor", "cells_virus", "cells_tumour"]
    assert [each for each in model.parameters if "fastest" in each] == ["fastest"]
    assert "fed" in model.modules["clone_virus"].names
    assert "fed" not in model.modules["clone_tumour"].names


def test_a_name_renamed_to_itself_is_shared(tmp_path: Path) -> None:
    top = TOP.replace('antigen = "shed"', 'antigen = "shed", cells = "cells", feeding = "feeding"')
    top = top.replace(', cells_start = "cells_start_tumour"', "")
    model = read_model(write(tmp_path, top))
    assert "cells_tumour" not in model.species
    assert "feeding_tumour" not in model.reactions
    assert model.reactions["division_tumour"].equation == "cells -> 2 cells"


def test_what_is_declared_elsewhere_takes_the_place_of_a_parameter_or_observable(tmp_path: Path) -> None:
    own = 'slow = { label = "slow", value = 1, unit = "1/d", source = "assumed", status = "assumed: toy" }\n'
    half = '[observables]\nhalf = { label = "half", unit = "1", value = "0.5 * fed" }\n'
    top = TOP.replace('antigen = "shed"', 'antigen = "shed", fastest = "slow", fed = "half"') + own + half
    model = read_model(write(tmp_path, top))
    assert model.observables["division_rate_tumour"].text == "slow * half * saturation(shed, K)"
    assert model.parameters["slow"].value == 1
    assert model.observables["half"].text == "0.5 * fed"


SPARE = '[reactions]\nshed_fades = { equation = "shed ->", rate = "fastest * shed", source = "assumed" }\n'


def test_a_sum_is_one_observable_over_the_module_and_its_copies(two: Model, tmp_path: Path) -> None:
    assert two.observables["all_cells"].text == "cells + cells_tumour"
    assert two.observables["all_cells"].label == "cells of all clones"
    assert [each for each in two.observables if each.startswith("all_cells")] == ["all_cells"]
    third = TOP.replace("]\n\n", '  { use = "clone", as = "x" },\n]\n\n', 1).replace('  "clone",\n', "")
    assert read_model(write(tmp_path, third)).observables["all_cells"].text == "cells_tumour + cells_x"
    alone = read_model(write(tmp_path, TOP.replace(f"{ENTRY},", "") + SPARE))
    assert alone.observables["all_cells"].text == "cells"


def test_the_label_of_an_entry_stands_behind_the_labels_of_the_copy(tmp_path: Path) -> None:
    model = read_model(write(tmp_path, TOP.replace('as = "tumour"', 'as = "tumour", label = "of the tumour"')))
    assert model.species["cells_tumour"].label == "cells of the clone (of the tumour)"
    assert model.modules["clone_tumour"].title == "A clone (of the tumour): cells that divide on their antigen"


HELP = """\
title = "Help for a clone"
[species.helped]
label = "helped cells"
unit = "cells/uL"
initial = 0
scale = 1
[reactions]
helping = { label = "help", equation = "-> helped", rate = "fastest * cells", source = "assumed" }
"""


def test_copies_of_one_word_belong_together(tmp_path: Path) -> None:
    (tmp_path / "help.toml").write_text(HELP, encoding="utf-8")
    top = TOP.replace("]\n\n", '  "help",\n  { use = "help", as = "tumour" },\n]\n\n', 1)
    model = read_model(write(tmp_path, top))
    assert model.reactions["helping_tumour"].rate_text == "fastest * cells_tumour"
    assert model.reactions["helping"].rate_text == "fastest * cells"


ENTRY = '{ use = "clone", as = "tumour", rename = { antigen = "shed", cells_start = "cells_start_tumour" } }'
WRONG = {  # the entry, line, message
    "unknown_module": ('{ use = "klone", as = "x" }', "no module 'klone'"),
    "near_module": ('{ use = "tumor", as = "x" }', "no module 'tumor'; did you mean 'tumour'?"),
    "no_as": ('{ use = "clone" }', "a module that is used under another name has no as"),
    "no_use": ('{ as = "clone" }', "a module that is used under another name has no use"),
    "unknown_key": ('{ use = "clone", as = "x", renames = {} }', "has no key 'renames'; did you mean 'rename'?"),
    "as_with_a_dash": ('{ use = "clone", as = "x-y" }', "letters, digits and _ only; found 'x-y'"),
    "no_label": ('{ use = "clone", as = "x", label = "" }', "label is empty; without it the word of as"),
    "rename_to_a_number": ('{ use = "clone", as = "x", rename = { K = 3 } }', "rename K: expected a name"),
    "rename_to_a_formula": ('{ use = "clone", as = "x", rename = { K = "2 * K" } }', "expected a name of letters"),
    "rename_of_nothing": (
        '{ use = "clone", as = "x", rename = { cell = "y" } }',
        "rename: clone has no name 'cell'; did you mean 'cells'?",
    ),
    "rename_of_a_function": ('{ use = "clone", as = "x", rename = { saturation = "y" } }', "no name 'saturation'"),
    "rename_to_nothing": (
        '{ use = "clone", as = "x", rename = { antigen = "sched" } }',
        "rename: nothing is called 'sched', which is to stand for 'antigen'; did you mean 'shed'?",
    ),
    "of_itself": ('{ use = "two", as = "x" }', "modules name each other: two -> two"),
    "twice_without_as": ('"clone"', "'clone' is named twice; to use it again under another name: { use ="),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_is_named_at_its_line(tmp_path: Path, name: str) -> None:
    entry, message = WRONG[name]
    found = faults(write(tmp_path, TOP.replace(ENTRY, entry)))
    line = 4 if name == "twice_without_as" else 5
    assert any(each[:2] == ("two.toml", line) and message in each[2] for each in found), found


def test_a_word_used_twice_names_the_first_entry(tmp_path: Path) -> None:
    found = faults(write(tmp_path, TOP.replace(ENTRY, f"{ENTRY},\n  {ENTRY}")))
    assert any("clone is used as 'tumour' in " in each[2] and ":5 already" in each[2] for each in found), found


def test_copies_of_one_word_that_rename_differently_are_told(tmp_path: Path) -> None:
    (tmp_path / "help.toml").write_text(HELP, encoding="utf-8")
    entry = '{ use = "help", as = "tumour", rename = { cells = "shed" } }'
    one = ENTRY.replace("rename = {", 'rename = { cells = "killers",')
    found = faults(write(tmp_path, TOP.replace(ENTRY, f"{one},\n  {entry}")))
    assert any("'cells' is 'killers' for 'tumour' in " in each[2] and "here 'shed'" in each[2] for each in found), found


def test_a_name_of_a_copy_that_is_taken_names_copy_and_both_places(tmp_path: Path) -> None:
    top = TOP.replace(
        'factor = { label = "growth',
        'cells_tumour = { label = "other", unit = "1", initial = 0, scale = 1 }\nfactor = { label = "growth',
    )
    ((file, line, message),) = faults(write(tmp_path, top))
    assert (file, line) == ("clone.toml", 4)
    assert "in the copy 'tumour' in " in message
    assert "two.toml:5: 'cells_tumour' is declared already, in " in message
    assert message.endswith('two.toml:11; rename = { cells = "NAME" } gives it another')


def test_a_copy_called_as_a_module_is_told(tmp_path: Path) -> None:
    (tmp_path / "clone_tumour.toml").write_text(HELP, encoding="utf-8")
    found = faults(write(tmp_path, TOP.replace('  "clone",', '  "clone_tumour", "clone",')))
    assert any("the copy would be called clone_tumour, as another module is" in each[2] for each in found), found


def test_a_copy_that_differs_in_nothing_is_told(tmp_path: Path) -> None:
    rates = CLONE[: CLONE.index("[species")] + CLONE[CLONE.index("[parameters]") : CLONE.index("[reactions]")]
    (tmp_path / "rates.toml").write_text(rates, encoding="utf-8")
    found = faults(write(tmp_path, TOP.replace(ENTRY, f'{ENTRY},\n  {{ use = "rates", as = "x" }}')))
    assert any(each[1] == 6 and "nothing of rates differs in this copy" in each[2] for each in found), found


def test_a_formula_that_is_wrong_in_the_copy_alone_names_the_copy(tmp_path: Path) -> None:
    found = faults(write(tmp_path, TOP.replace('antigen = "shed"', 'antigen = "factor"')))
    assert any(each[0] == "clone.toml" and "in the copy 'tumour' in " in each[2] for each in found), found
    assert not any("division_rate'" in each[2] for each in found)


def test_a_fault_of_the_module_is_told_once(tmp_path: Path) -> None:
    found = faults(write(tmp_path, clone=CLONE.replace("* fed * sat", "* * fed * sat")))
    assert len([each for each in found if each[0] == "clone.toml"]) == 1


def test_a_kept_model_is_read_again_when_a_copied_file_changes(tmp_path: Path) -> None:
    path = write(tmp_path, TOP.replace('  "clone",\n', ""))
    assert read_model(path).parameters["fastest"].value == 3
    write(tmp_path, TOP.replace('  "clone",\n', ""), CLONE.replace("value = 3", "value = 5"))
    assert read_model(path).parameters["fastest"].value == 5
