"""A user's module changes what the model says, and names are found by other words for them."""

from __future__ import annotations

from pathlib import Path

import immunesim as sim
import pytest
from immunesim.cli import main
from immunesim.files.toml.catalogue import BIOLOGY, builtin_models
from immunesim.files.toml.source import TomlSource
from immunesim.runtime.names import fold

from tests.toys import TOY_MODEL

HEAD = 'title = "mine"\ntime_unit = "h"\nmodules = ["toy_model"]\n'
SLOWER = '[reactions.clearance]\nreplace = true\nequation = "drug ->"\nrate = "k_slow * drug"\nsource = "assumed"\n'
K_SLOW = (
    '[parameters]\nk_slow = { label = "slow", value = 0.1, unit = "1/h", range = [0, 1], source = "assumed", '
    'status = "assumed: a toy" }\n'
)


@pytest.fixture
def mine(toy_file: Path):
    def write(text: str) -> Path:
        path = toy_file.with_name("mine.toml")
        path.write_text(HEAD + text)
        return path

    return write


def test_a_reaction_is_replaced_and_says_what_it_was(mine, capsys) -> None:
    path = mine(K_SLOW + SLOWER)
    model, before = sim.read_model(path), sim.read_model(TOY_MODEL)
    assert model.reactions["clearance"].rate_text == "k_slow * drug"
    assert set(model.reactions) == set(before.reactions)
    assert set(before.parameters) - set(model.parameters) == {"k_clear"}  # which only the old rate named
    assert main(["describe", "clearance", "--model", str(path)]) == 0
    said = capsys.readouterr().out
    assert before.reactions["clearance"].rate_text in said
    assert "of toy_model, since mine.toml:6" in said
    scenario = path.with_name("asks.toml")
    scenario.write_text('title = "asks"\nmodel = "mine.toml"\ntime = { end = "1 h" }\n')
    assert main(["show", str(scenario)]) == 0
    assert "mine.toml:6 replaces clearance of toy_model" in capsys.readouterr().out
    assert main(["run", str(scenario), "--no-plots", "--out", str(path.with_name("out"))]) == 0
    assert sim.read_model(path.with_name("out") / "model.toml").reactions == model.reactions


def test_a_parameter_and_an_observable_are_replaced(toy_file: Path) -> None:
    path = toy_file.with_name("mine.toml")
    model = sim.read_model(toy_file.with_name("toy_model.toml"))
    name, observable = "k_clear", next(iter(model.observables.values()))
    path.write_text(
        f'{HEAD}[parameters.{name}]\nreplace = true\nlabel = "ours"\nvalue = 0.7\nunit = "1/h"\nsource = "assumed"\n'
        f'status = "assumed: ours"\n[observables.{observable.id}]\nreplace = true\nlabel = "twice"\n'
        f'unit = "{observable.unit_text}"\nvalue = "2 * ({observable.text})"\n'
    )
    changed = sim.read_model(path)
    assert (changed.parameters[name].value, changed.parameters[name].label) == (0.7, "ours")
    assert changed.observables[observable.id].label == "twice"
    assert set(changed.replaced) == {name, observable.id}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (K_SLOW + SLOWER.replace("clearance", "clearence"), "no module declares the reaction 'clearence'; did"),
        (K_SLOW + SLOWER.replace("replace = true\n", ""), "'clearance' is declared already, in"),
        (K_SLOW + SLOWER.replace("true", '"yes"'), "replace must be true or false, found 'yes'"),
        (SLOWER, "'k_slow'"),
        ('[synonyms]\ndrugg = ["pill"]\n', "the model has no name 'drugg'; did you mean 'drug'?"),
        ('[synonyms]\ndrug = "pill"\n', "expected a list of other words for drug"),
        ('[synonyms]\ndrug = ["K-clear"]\n', "'K-clear' is a name of the model already: k_clear"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(mine, text: str, message: str) -> None:
    with pytest.raises(sim.InputError) as error:
        sim.read_model(mine(text))
    assert message in str(error.value)


def test_own_words_find_a_name(mine) -> None:
    model = sim.read_model(mine('[synonyms]\ndrug = ["the pill"]\n'))
    assert model.find("The-Pill", "species") == "drug"
    assert model.find("the pill", "parameters") is None


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Treg", "T_regulatory"), ("regulatory T cells", "T_regulatory"), ("CD4 T cells", "CD4"),
        ("effector", "T_active"), ("interferon gamma", "gamma_near_T"), ("IFN-γ", "gamma_near_T"),
        ("neutrophils", "neutrophils_blood"), ("MAP", "blood_pressure"), ("fever", "fever"),
    ],
)  # fmt: skip
def test_what_people_say_is_found(word: str, name: str, capsys) -> None:
    assert main(["describe", word]) == 0
    assert capsys.readouterr().out.split()[1] == name


def test_people_s_words_stand_for_interventions_and_curves(capsys) -> None:
    assert main(["show", "acute_infection", "--knockout", "Treg"]) == 0
    assert "--knockout Treg" in capsys.readouterr().out
    assert main(["show", "acute_infection", "--add", "aldesleukin 1 MIU at 1 d"]) == 0
    model = sim.read_model(builtin_models()["core"])
    assert model.find("Tregs", "species") == "T_regulatory"


def test_no_shared_word_means_two_things() -> None:
    model = sim.read_model(builtin_models()["immune"])
    names = {*model.species, *model.parameters, *model.observables, *model.reactions, *model.interventions}
    table = TomlSource(BIOLOGY / "synonyms.toml").data["synonyms"]
    words = [fold(word) for found in table.values() for word in found]
    assert sorted(set(words)) == sorted(words)
    assert set(table) - names == set()
    others = {fold(name): name for name in names}
    assert {word for word in words if word in map(fold, model.modules)} == set()
    assert {word: others[word] for word in words if others.get(word, "") not in ("", *table)} == {}
