"""Model files: modules joined, everything declared once, and every fault at its line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomli_w
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import find_model, read_model
from immunesim.files.toml.model_sections import model_document
from immunesim.runtime.errors import InputError

MODEL = """\
title = "tiny"
time_unit = "h"
[sources.Here]
citation = "Here (2000)"
[species.A]
label = "a"
unit = "pM"
initial = 1
scale = 1
[parameters.k]
label = "k"
value = 0.5
unit = "1/h"
source = "Here, p. 3"
status = "verified"
[reactions.loss]
equation = "A ->"
rate = "k * A"
source = "Here"
"""


def write(folder: Path, text: str, name: str = "tiny.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(InputError) as caught:
        read_model(path)
    return [(Path(fault.file).name, fault.line, fault.message) for fault in caught.value.faults]


def test_the_tiny_model_is_read(tmp_path: Path) -> None:
    model = read_model(write(tmp_path, MODEL))
    assert (model.id, model.title, model.time_unit_text) == ("tiny", "tiny", "h")
    assert list(model.species) == ["A"]
    assert model.reactions["loss"].stoichiometry == (("A", -1.0),)


PARAMETER = '[parameters.{}]\nlabel = "p"\nvalue = {}\nunit = "1"\nsource = "Here"\nstatus = "verified"\n'
FAULTS = {  # what is replaced, by what, line, message
    "unknown_key": ('label = "a"', 'lable = "a"', 6, "[species.A] has no key 'lable'; did you mean 'label'?"),
    "unknown_section": ("[species.A]", "[spezies.A]", 5, "a model file has no key 'spezies'; did you mean 'species'?"),
    "missing_key": ("scale = 1\n", "", 5, "[species.A] has no scale"),
    "wrong_type": ("scale = 1", 'scale = "1"', 9, "scale must be a number, found '1'"),
    "no_scale": ("scale = 1", "scale = 0", 9, "must be above zero, found 0"),
    "negative_scale": ("scale = 1", "scale = -1", 9, "must be above zero, found -1"),
    "negative_initial": ("initial = 1", "initial = -1", 8, "an initial value cannot be negative, found -1"),
    "unknown_unit": ('unit = "pM"', 'unit = "pMol"', 7, "no unit 'pMol'; nearest: 'pmol'"),
    "nan_value": ("value = 0.5", "value = nan", 12, "value must be a finite number, found nan"),
    "inf_value": ("value = 0.5", "value = inf", 12, "value must be a finite number, found inf"),
    "no_source": ('source = "Here, p. 3"\n', "", 10, "[parameters.k] has no source"),
    "empty_source": ('source = "Here, p. 3"', 'source = ""', 14, "source is empty"),
    "unknown_source": ('source = "Here, p. 3"', 'source = "Hear, p. 3"', 14, "no source 'Hear' is declared; did"),
    "second_source": ('source = "Here, p. 3"', 'source = "Here; There"', 14, "no source 'There' is declared"),
    "assumed_but_verified": ('source = "Here, p. 3"', 'source = "assumed"', 14, "no source 'assumed' is declared"),
    "bad_status": ('status = "verified"', 'status = "sure"', 15, "the status 'sure' is none of: verified, secondary"),
    "unexplained": ('status = "verified"', 'status = "assumed"', 15, "the status 'assumed' is none of"),
    "outside_range": ("value = 0.5", "value = 0.5\nrange = [1, 2]", 13, "the value 0.5 lies outside its range [1, 2]"),
    "half_a_range": ("value = 0.5", "value = 0.5\nrange = [1]", 13, "a range is [lowest, highest], found [1]"),
    "range_of_text": ("value = 0.5", "value = 0.5\nrange = ['0', '1']", 13, "a range is [lowest, highest]"),
    "backward_range": ("value = 0.5", "value = 0.5\nrange = [2, 0]", 13, "range"),
    "endless_range": ("value = 0.5", "value = 0.5\nrange = [0, inf]", 13, "range"),
    "bad_equation": ('equation = "A ->"', 'equation = "A"', 17, "an equation has one arrow"),
    "unknown_species": ('equation = "A ->"', 'equation = "B ->"', 17, "no species 'B'"),
    "bad_formula": ('rate = "k * A"', 'rate = "k * A.x"', 18, "an attribute (a dot) is not part"),
    "undeclared_name": ('rate = "k * A"', 'rate = "kk * A"', 18, "no species, parameter or observable 'kk'; did"),
    "wrong_dimension": ('rate = "k * A"', 'rate = "k * A * A"', 18, "but A [pM] changes by an amount concentration"),
    "unused": ("[reactions", PARAMETER.format("spare", 1) + "[reactions", 16, "the parameter is used nowhere"),
    "declared_twice": ("[reactions", PARAMETER.format("A", 1) + "[reactions", 16, "'A' is declared already, in"),
    "name_of_a_function": ("[reactions", PARAMETER.format("exp", 1) + "[reactions", 16, "'exp' cannot be a name"),
    "name_of_time": ("[reactions", PARAMETER.format("time", 1) + "[reactions", 16, "'time' cannot be a name"),
    "name_with_a_dash": ("[reactions", PARAMETER.format("IL-2", 1) + "[reactions", 16, "'IL-2' cannot be a name"),
    "no_such_module": ('time_unit = "h"', 'time_unit = "h"\nmodules = ["nowhere"]', 3, "no module 'nowhere'"),
    "module_of_itself": ('time_unit = "h"', 'time_unit = "h"\nmodules = ["tiny"]', 3, "name each other: tiny -> tiny"),
    "modules_of_numbers": ('time_unit = "h"', 'time_unit = "h"\nmodules = [3]', 3, "no module 3"),
    "taken_from_nowhere": ("[reactions", "[taken_from]\nnowhere = []\n[reactions", 17, "no module 'nowhere'"),
    "taken_is_not_there": ("[reactions", "[taken_from]\nbody = ['k']\n[reactions", 17, "no parameter or substance 'k'"),
    "taken_is_no_list": ("[reactions", "[taken_from]\nbody = 'body_weight'\n[reactions", 17, "expected a list of"),
    "taken_from_a_list": ("[reactions", "taken_from = [3]\n[reactions", 16, "has no key 'taken_from'"),
    "no_time_unit": ('time_unit = "h"\n', "", 0, "the model has no time_unit, such as 'd'"),
    "time_in_metres": ('time_unit = "h"', 'time_unit = "m"', 2, "'m' is no unit of time"),
    "future": ('title = "tiny"', 'title = "tiny"\nschema = 2', 2, "this version reads schema 1"),
    "unknown_substance": ('unit = "pM"', 'unit = "pM"\nsubstance = "x"', 8, "no substance 'x'"),
    "unknown_volume": ('unit = "pM"', 'unit = "pM"\nvolume = "V"', 8, "no species, parameter or observable 'V'"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_model_is_named_at_its_line(tmp_path: Path, name: str) -> None:
    old, new, line, message = FAULTS[name]
    assert MODEL.count(old) >= 1
    found = faults(write(tmp_path, MODEL.replace(old, new, 1)))
    assert any(each[0] == "tiny.toml" and each[1] == line and message in each[2] for each in found), found


def test_all_faults_of_a_model_come_at_once(tmp_path: Path) -> None:
    text = MODEL.replace("scale = 1", "scale = 0").replace("k * A", "k * * A").replace('unit = "1/h"', 'unit = "1/hh"')
    assert [line for _, line, _ in faults(write(tmp_path, text))] == [9, 13, 18]


def test_modules_are_joined_and_faults_name_their_own_file(tmp_path: Path) -> None:
    write(tmp_path, 'title = "part"\n[species.B]\nlabel = "b"\nunit = "pM"\ninitial = 0\nscale = 1\n', "part.toml")
    top = MODEL.replace('time_unit = "h"', 'time_unit = "h"\nmodules = ["part"]').replace('"A ->"', '"A -> B"')
    model = read_model(write(tmp_path, top))
    assert list(model.species) == ["B", "A"]
    assert model.modules == {"part": ("part", "", ("B",), ())}
    write(tmp_path, 'title = "part"\n[species.B]\nlabel = "b"\nunit = "pMM"\ninitial = 0\nscale = 1\n', "part.toml")
    assert faults(tmp_path / "tiny.toml")[0][:2] == ("part.toml", 4)


def test_a_second_declaration_in_a_module_names_both_places(tmp_path: Path) -> None:
    write(tmp_path, 'title = "part"\n[species.A]\nlabel = "b"\nunit = "pM"\ninitial = 0\nscale = 1\n', "part.toml")
    top = MODEL.replace('time_unit = "h"', 'time_unit = "h"\nmodules = ["part"]')
    ((file, line, message),) = faults(write(tmp_path, top))
    assert (file, line) == ("tiny.toml", 6)
    assert message.startswith("'A' is declared already, in ")
    assert message.endswith("part.toml:2")


def test_modules_may_not_name_each_other(tmp_path: Path) -> None:
    write(tmp_path, 'title = "p"\nmodules = ["tiny"]\n', "part.toml")
    top = MODEL.replace('time_unit = "h"', 'time_unit = "h"\nmodules = ["part"]')
    assert ("part.toml", 2, "modules name each other: tiny -> part -> tiny") in faults(write(tmp_path, top))


def test_a_module_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, 'title = "p"\n[species.B]\nlabel = "b"\nunit = "pM"\ninitial = 0\nscale = 1\n', "part.toml")
    write(tmp_path, 'title = "q"\nmodules = ["part"]\n', "other.toml")
    top = MODEL.replace('time_unit = "h"', 'time_unit = "h"\nmodules = ["part", "other"]').replace('"A ->"', '"A -> B"')
    assert list(read_model(write(tmp_path, top)).species) == ["B", "A"]


LENDER = """\
title = "large"
[sources.There]
citation = "There (2001)"
[parameters.k]
label = "k of the large model"
value = 0.25
unit = "1/h"
source = "There, p. 4"
status = "verified"
[reactions.gain]
equation = "-> A"
rate = "k * A"
source = "There"
"""


def test_a_model_takes_numbers_of_another_without_its_laws(tmp_path: Path) -> None:
    lender = write(tmp_path, LENDER, "large.toml")
    own = MODEL[MODEL.index("[parameters.k]") : MODEL.index("[reactions")]
    path = write(tmp_path, MODEL.replace(own, '[taken_from]\nlarge = ["k"]\n'))
    model = read_model(path)
    assert (model.parameters["k"].value, model.parameters["k"].source) == (0.25, "There, p. 4")
    assert (list(model.reactions), model.modules) == (["loss"], {})
    lender.write_text(LENDER.replace("0.25", "0.75"), encoding="utf-8")
    assert read_model(path).parameters["k"].value == 0.75
    lender.write_text(LENDER.replace("0.25", "'a quarter'"), encoding="utf-8")
    assert faults(path)[0][:2] == ("large.toml", 6)


def test_what_is_taken_cannot_be_declared_too(tmp_path: Path) -> None:
    write(tmp_path, LENDER, "large.toml")
    ((file, line, message),) = faults(write(tmp_path, MODEL + '[taken_from]\nlarge = ["k"]\n'))
    assert (file, line) == ("large.toml", 4)
    assert message.startswith("'k' is declared already, in ")


def test_a_species_of_a_substance_is_held_in_moles(folder: Path) -> None:
    text = (folder / "toy_model.toml").read_text().replace('unit = "pM"\ninitial = 0', 'unit = "pg/mL"\ninitial = 0')
    model = read_model(write(folder, text))
    assert model.unit_text("drug") == "pg/mL"
    assert model.unit("drug").factor == pytest.approx(1e-9 / 20)  # mol/m3 of one pg/mL of 20 kDa


@pytest.mark.parametrize("name", builtin_models())
def test_every_model_of_ours_is_read_and_survives_being_written(name: str, tmp_path: Path) -> None:
    model = read_model(builtin_models()[name])
    text = tomli_w.dumps(model_document(model))
    again = read_model(write(tmp_path, text, f"{name}.toml"))
    assert again.laws == model.laws
    assert (again.parameters, again.reactions) == (model.parameters, model.reactions)
    assert (again.observables, again.substances, again.sources) == (model.observables, model.substances, model.sources)
    assert tomllib.loads(text) == model_document(again) == model_document(model)


def test_there_are_models_of_ours() -> None:
    assert "immune" in builtin_models()


def test_a_model_is_found_by_name_or_beside_the_file_that_names_it(folder: Path) -> None:
    assert find_model("toy_model.toml", folder) == folder / "toy_model.toml"
    assert find_model("immune", folder) == builtin_models()["immune"]
    assert find_model("nothing", folder) is None
    assert find_model("nothing.toml", folder) is None
