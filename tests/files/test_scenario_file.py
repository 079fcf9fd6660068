"""Scenario files: read, resolved, written and read again; parents, settings, and random damage."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.files.results.run_folder import MODEL_FILE, resolved
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.interventions import Interventions
from immunesim.files.toml.scenario_file import find_scenario, is_scenario, read_scenario
from immunesim.runtime.errors import InputError, InputFault

from tests.slow import thinned
from tests.toys import SCENARIO, TOY_MODEL

VALID = sorted((Path(__file__).parent / "valid").glob("*.toml"))
ALL = [*VALID, *builtin_scenarios().values()]


def write_resolved(scenario: Scenario, folder: Path) -> Path:
    text, model = resolved(scenario)
    folder.mkdir(exist_ok=True)
    (folder / MODEL_FILE).write_text(model, encoding="utf-8")
    path = folder / f"{scenario.id}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_scenarios_to_read() -> None:
    assert len(VALID) >= 8
    assert builtin_scenarios()


@pytest.mark.parametrize("path", thinned(ALL, every=30), ids=lambda path: path.stem)
def test_a_scenario_survives_being_resolved_and_written(path: Path, tmp_path: Path) -> None:
    first = read_scenario(path)
    second = read_scenario(write_resolved(first, tmp_path / "one"))
    for name in ("title", "question", "end", "every", "arms", "plots", "expectations", "formulas", "sources"):
        assert getattr(second, name) == getattr(first, name), name
    assert second.model.laws == first.model.laws
    assert resolved(second) == resolved(read_scenario(write_resolved(second, tmp_path / "two")))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_toy_runs(path: Path) -> None:
    assert run(read_scenario(path)).ok


def test_the_resolved_text_says_every_default(toy_file: Path) -> None:
    toy_file.write_text('title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "50 h"\n')
    text, _ = resolved(read_scenario(toy_file))
    for line in ("schema = 1", 'question = ""', 'every = "0.1 h"', '"drug"', "plots"):
        assert line in text


def test_the_toy_is_what_it_says(toy_file: Path) -> None:
    scenario = read_scenario(toy_file)
    assert (scenario.id, scenario.title, scenario.end, scenario.every) == ("toy", "A toy question", 48.0, 1.0)
    assert [arm.name for arm in scenario.arms] == ["main", "untreated", "half"]
    main, untreated, half = scenario.arms
    assert [dose.name for dose in main.doses] == ["push", "drip"]
    assert [dose.time(2) for dose in main.doses[:1]] == [26.0]
    assert untreated.doses == ()
    assert (half.doses[0].amount, half.doses[0].count, half.initial) == (200.0, 3, {"drug": 1.0})
    assert main.parameters == {"k_clear": 0.25}
    assert [(change.start, change.end) for change in main.changes] == [(20.0, 30.0)]
    assert scenario.plots == (("drug",), ("cells",))


# parents


@pytest.fixture
def family(folder: Path) -> Path:
    """child.toml on parent.toml on grandparent.toml."""
    (folder / "grandparent.toml").write_text(
        'title = "g"\nquestion = "why?"\nmodel = "toy_model.toml"\n[time]\nend = "20 h"\nevery = "2 h"\n'
        '[parameters]\nk_clear = "0.3 1/h"\nk_leave = "0.2 1/h"\n'
        '[[dose]]\nname = "a"\ntarget = "drug"\namount = "1 pmol"\nat = "1 h"\n'
        '[[change]]\nat = "3 h"\nparameters = { k_leave = "0.1 1/h" }\n'
        '[[expect]]\nthat = "so"\nmeasure = "max(drug)"\nabove = 0\nunit = "pM"\nsource = "Toy2020"\n'
    )
    (folder / "parent.toml").write_text(
        'title = "p"\nextends = "grandparent.toml"\n[time]\nend = "30 h"\n[parameters]\nk_clear = "0.4 1/h"\n'
        '[[dose]]\nname = "b"\ntarget = "depot"\namount = "2 pmol"\nat = "1 h"\n'
    )
    (folder / "child.toml").write_text(
        'title = "c"\nextends = "parent.toml"\n\n[parameters]\nk_absorb = "0.5 1/h"\n\n'
        '[[dose]]\nname = "a"\namount = "9 pmol"\n[[change]]\nat = "5 h"\nparameters = { k_clear = "1 1/h" }\n'
    )
    return folder / "child.toml"


def test_a_child_overrides_key_by_key(family: Path) -> None:
    scenario = read_scenario(family)
    (main,) = scenario.arms
    assert (scenario.title, scenario.end, scenario.every) == ("c", 30.0, 2.0)
    assert main.parameters == {"k_clear": 0.4, "k_leave": 0.2, "k_absorb": 0.5}
    assert [(dose.name, dose.target, dose.amount) for dose in main.doses] == [("a", "drug", 9.0), ("b", "depot", 2.0)]
    assert [change.start for change in main.changes] == [3.0, 5.0]
    assert scenario.expectations == ()  # what a parent expects is not a claim of the child
    assert scenario.question == "why?"


@pytest.mark.parametrize(
    ("key", "where"),
    [
        (("title",), "child.toml:1"),
        (("time", "end"), "parent.toml:4"),
        (("time", "every"), "grandparent.toml:6"),
        (("parameters", "k_clear"), "parent.toml:6"),
        (("parameters", "k_leave"), "grandparent.toml:9"),
        (("parameters", "k_absorb"), "child.toml:5"),
        (("dose", "a", "amount"), "child.toml:9"),
        (("dose", "a", "target"), "grandparent.toml:12"),
        (("dose", "b", "amount"), "parent.toml:10"),
        (("change", 0, "at"), "grandparent.toml:16"),
        (("change", 1, "at"), "child.toml:11"),
        (("model",), "grandparent.toml:3"),
    ],
)
def test_every_value_says_which_file_and_line_it_came_from(family: Path, key: tuple, where: str) -> None:
    assert read_scenario(family).origins[key].endswith(where)


def test_a_fault_in_an_inherited_value_names_the_parent(family: Path) -> None:
    parent = family.parent / "parent.toml"
    parent.write_text(parent.read_text().replace("0.4 1/h", "-0.4 1/h"))
    with pytest.raises(InputError) as caught:
        read_scenario(family)
    (fault,) = caught.value.faults
    assert (Path(fault.file).name, fault.line) == ("parent.toml", 6)


def test_a_model_is_looked_for_beside_the_file_that_names_it(family: Path) -> None:
    inner = family.parent / "inner"
    inner.mkdir()
    (inner / "far.toml").write_text('title = "f"\nextends = "../child.toml"\n')
    assert read_scenario(inner / "far.toml").end == 30.0


# settings of the command line


def test_a_setting_lies_on_top_of_everything(toy_file: Path) -> None:
    settings = {
        "k_clear": "0.7 1/h",
        "initial.drug": "4 pM",
        "dose.push.count": "2",
        "time.end": "50 h",
        "dose.drip.amount": "1 nmol",
    }
    scenario = read_scenario(toy_file, settings)
    main = scenario.arm("main")
    assert main.parameters == {"k_clear": 0.7}
    assert main.initial == {"drug": 4.0}
    assert (main.doses[0].count, main.doses[1].amount, main.doses[1].unit_text) == (2, 1.0, "nmol")
    assert scenario.end == 50.0
    assert scenario.origins["parameters", "k_clear"] == "--set k_clear=0.7 1/h"
    assert 'k_clear = "0.7 1/h"' in resolved(scenario)[0]


def test_a_setting_spelt_otherwise_wins_over_the_file(toy_file: Path) -> None:
    """The file says k_clear; K-Clear is the same parameter."""
    scenario = read_scenario(toy_file, {"K-Clear": "0.7 1/h"})
    assert scenario.arm("main").parameters == {"k_clear": 0.7}
    again = read_scenario(write_resolved(scenario, toy_file.parent / "again"))
    assert again.arms == scenario.arms


def test_two_spellings_of_one_name_in_one_file_are_refused(scenario) -> None:
    with pytest.raises(InputError, match="k_clear"):
        scenario('[parameters]\nk_clear = "0.3 1/h"\nK_CLEAR = "0.9 1/h"\n')


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("nothing", "3", "no parameter 'nothing'"),
        ("k_clear", "fast", "expected k_clear in 1/h such as '1 1/h', found 'fast'"),
        ("k_clear", "3 pM", "wrong unit: expected k_clear in 1/h"),
        ("k_clear", "", "expected k_clear in 1/h such as '1 1/h', found ''"),
        ("initial.nothing", "3", "no species 'nothing'"),
        ("dose.nothing.amount", "3", "--set names a parameter, initial.SPECIES, dose.NAME.KEY"),
        ("dose.push.colour", "3", "--set names a parameter, initial.SPECIES, dose.NAME.KEY"),
        ("dose.push.count", "many", "expected a whole number from 1 to 100000, found 'many'"),
        ("dose.push.count", "0", "expected a whole number from 1 to 100000, found 0"),
        ("dose.push.name", "other", "--set names"),
        ("time.start", "3 h", "time"),
        ("time.end", "0 h", "expected a time above zero, found '0 h'"),
        ("a.b.c.d", "3", "--set names"),
        ("", "3", "--set names"),
        ("title", "3", "no parameter 'title'"),
        ("arms.half.label", "x", "--set names"),
        ("initial.drug.x", "3", "--set names"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(toy_file: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_scenario(toy_file, {name: value})
    fault = next(fault for fault in caught.value.faults if message in fault.message)
    assert (fault.file, fault.line, fault.text) == ("command line", 0, f"--set {name}={value}")


def test_a_scenario_is_found_by_path_or_by_name(toy_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_scenario(str(toy_file)) == toy_file
    monkeypatch.chdir(toy_file.parent)
    name, path = next(iter(builtin_scenarios().items()))
    for word in (name, f"{name}.toml", f"scenarios/{name}.toml"):
        assert find_scenario(word) == path
    for word, kind in (("no_such", "scenario"), ("no_such.toml", "file"), (f"elsewhere/{name}.toml", "file")):
        with pytest.raises(InputError, match=f"no such {kind}"):
            find_scenario(word)
    with pytest.raises(InputError, match=f"did you mean '{name}'"):
        find_scenario(name[:-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('model = "immune"\n[species]\n[sources]\n', True),
        ('extends = "other"\n[sources]\n', True),
        ('title = "no model yet"\n', True),
        ('[time]\nend = "3 d"\n[observables]\n', True),
        ('time_unit = "h"\n[parameters]\n', False),
        ("[species]\n", False),
        ('modules = ["a"]\n', False),
    ],
)
def test_a_scenario_is_told_from_a_model_by_its_keys(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "file.toml"
    path.write_text(text, encoding="utf-8")
    assert is_scenario(path) is expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CON", "a scenario cannot be named 'CON', which is reserved on Windows"),
        ("nul.2", "a scenario cannot be named 'nul.2', which is reserved on Windows"),
        ("ä" * 51, "a scenario may have a name of 100 bytes, found 102"),
        ("a:b?", "a scenario cannot be named 'a:b?': file names on Windows cannot have : ?"),
        ("a\tb", "the name of a scenario must not contain control characters"),
    ],
)
def test_a_scenario_whose_name_no_file_can_have_everywhere_is_refused(toy_file: Path, name: str, message: str) -> None:
    path = toy_file.rename(toy_file.with_name(f"{name}.toml"))
    with pytest.raises(InputError) as caught:
        read_scenario(path)
    (fault,) = caught.value.faults
    assert message in fault.message


def test_a_wrong_body_weight_is_one_fault() -> None:
    for value in ("70", "seventy kg", "-70 kg", "70 m"):
        with pytest.raises(InputError) as caught:
            read_scenario(builtin_scenarios()["il2_therapy"], {"body_weight": value})
        assert len(caught.value.faults) == 1, value


def test_an_end_that_is_none_brings_no_other_fault() -> None:
    asked = Interventions(add=("IL-2 18 MIU at 3 d every 1 d",))
    with pytest.raises(InputError) as caught:
        read_scenario(builtin_scenarios()["il2_therapy"], {"time.end": "soon"}, None, asked)
    assert [fault.text for fault in caught.value.faults] == ["--set time.end=soon"]


def test_true_is_not_the_number_one(folder: Path) -> None:
    model = TOY_MODEL.read_text().replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * share"')
    model += '\n[parameters.share]\nlabel = "s"\nvalue = 0.5\nunit = "1"\nsource = "Toy2020"\nstatus = "secondary"\n'
    (folder / "toy_model.toml").write_text(model)
    path = folder / "t.toml"
    for value in ("0.25", '"0.25"', '"25 %"'):
        path.write_text(f'title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "1 h"\n[parameters]\nshare = {value}\n')
        assert read_scenario(path).arm("main").parameters["share"] == pytest.approx(0.25)
    for value in ("true", "nan", "inf", "-inf", "[0.25]", "{ a = 1 }", "2020-01-01", "12:00:00", '"nan"', '""'):
        path.write_text(f'title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "1 h"\n[parameters]\nshare = {value}\n')
        with pytest.raises(InputError) as caught:
            read_scenario(path)
        assert caught.value.faults[0].line == 6, value


def test_keys_nested_thousandfold_are_refused(scenario) -> None:
    with pytest.raises(InputError, match="nested"):
        scenario("[parameters]\n" + "a." * 5000 + "a = 1\n")
    with pytest.raises(InputError, match="nested"):
        scenario("[parameters." + "a." * 5000 + "a]\nb = 1\n")


# random damage

ODD: list[Any] = ["x", "0", "5 d", "-1 h", "nan", "1e999 h", "drug", "push", "\0", "é", "../x.toml", "max(drug)", ""]
ODD += [0, 1, -1, 3.5, 10**30, True, float("nan"), float("inf"), "a" * 3000]
ODD += [[], [[]], [1, "x"], [{}], [["drug"], 3], ["drug", "drug"]]
ODD += [{}, {"a": {"b": 1}}, {"amount": "1 pmol"}, {"push": 3}, {"": ""}]
KEYS = ["at", "every", "count", "over", "target", "amount", "name", "while", "parameters", "initial", "without", "dose"]
KEYS += ["change", "label", "between", "above", "plots", "extends", "sweep", "arms", "main", "title", "drug", "K_CLEAR"]


def toy_tree() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(SCENARIO)


def paths(value: Any, path: tuple = ()) -> list[tuple]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += paths(inner, (*path, number))
    return found


def read_or_refused(path: Path) -> Scenario | list[InputFault]:
    try:
        return read_scenario(path)
    except InputError as error:
        return error.faults


def assert_read_or_refused(path: Path) -> None:
    found = read_or_refused(path)
    if isinstance(found, Scenario):
        assert found.end > 0
        assert read_scenario(write_resolved(found, path.parent / "again")).arms == found.arms
    else:
        assert found
        assert all(fault.message and "\n" not in fault.message for fault in found)


def mutate(tree: dict[str, Any], draw) -> None:
    path = draw(st.sampled_from(paths(tree) or [()]))
    if not path:
        return
    table: Any = tree
    for key in path[:-1]:
        table = table[key]
    kind = draw(st.sampled_from(["drop", "replace", "insert", "double"]))
    if kind == "drop":
        del table[path[-1]]
    elif kind == "replace":
        table[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
    elif isinstance(table, dict):
        value = copy.deepcopy(table[path[-1]]) if kind == "double" else copy.deepcopy(draw(st.sampled_from(ODD)))
        table[draw(st.sampled_from(KEYS))] = value
    else:
        table.append(copy.deepcopy(table[path[-1]]) if kind == "double" else copy.deepcopy(draw(st.sampled_from(ODD))))


@st.composite
def damaged(draw) -> dict[str, Any]:
    tree = toy_tree()
    for _ in range(draw(st.integers(1, 4))):
        mutate(tree, draw)
    return tree


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "toy_model.toml").write_text(TOY_MODEL.read_text())
    return folder


@how(max_examples=300)
@given(tree=damaged())
def test_a_damaged_scenario_is_read_or_refused_and_nothing_else(somewhere: Path, tree: dict[str, Any]) -> None:
    path = somewhere / "damaged.toml"
    path.write_bytes(tomli_w.dumps(tree).encode("utf-8", "replace"))
    assert_read_or_refused(path)


@how(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2000), st.sampled_from(['"', "[", "]", "=", "\n", "#", "{", "}", "9", "-", "'", " ", ""])
        ),
        max_size=6,
    )
)
def test_a_scenario_with_random_characters_is_read_or_refused(somewhere: Path, edits: list[tuple[int, str]]) -> None:
    text = SCENARIO
    for place, character in edits:
        place %= len(text)
        text = text[:place] + character + text[place + 1 :]
    path = somewhere / "edited.toml"
    path.write_text(text)
    assert_read_or_refused(path)
