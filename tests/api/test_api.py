"""The simulator from Python: what a run answers, shows and becomes."""

from __future__ import annotations

import copy
import doctest
import json
import pickle
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import immunesim as sim
import numpy as np
import pytest
from immunesim.experiments.measured import curve_measures
from immunesim.runtime.errors import OutputError
from immunesim.tasks import run as tasks
from immunesim.tasks.request import ScenarioRequest
from immunesim.tasks.run import RunRequest
from immunesim.views.text.tables import Table

from tests.toys import SCENARIO

ROOT = Path(__file__).resolve().parents[2]
ARMS = """
[arms.late]
dose.push.at = "3.5 h"

[arms.later]
dose.push.at = "3.7 h"
"""


@pytest.fixture
def toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scenario of five arms, of which two are dosed at times of their own."""
    monkeypatch.chdir(folder)
    Path("toy.toml").write_text(SCENARIO + ARMS)
    return "toy.toml"


# asking


@pytest.mark.filterwarnings("ignore::UserWarning")  # of what a new end leaves out
@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({"set": {"k_clear": "0.9 1/h"}}, {"set": {"k_clear": "0.8 1/h", "dose.push.amount": "3 nmol"}}),
        ({"set": {"time.end": "6 h"}}, {"set": {"time.end": "12 h"}}),
        ({}, {"set": {"time.end": "2 h"}}),
    ],
)
def test_a_scenario_that_was_read_takes_changes_as_its_file_does(toy: str, first: dict, later: dict) -> None:
    read = pickle.loads(pickle.dumps(sim.read_scenario(toy, **first)))
    Path("toy.toml").rename("gone.toml")  # nothing is read again
    changed = sim.show(read, **later).scenario
    Path("gone.toml").rename("toy.toml")
    assert changed == sim.read_scenario(toy, set={**first.get("set", {}), **later["set"]})
    assert read == sim.read_scenario(toy, **first)


def test_a_scenario_that_was_read_takes_interventions() -> None:
    read = sim.read_scenario("acute_infection", knockout="IL4")
    both = sim.show(read, block={"IL1": "90%"}).scenario
    assert both == sim.read_scenario("acute_infection", knockout="IL4", block={"IL1": "90%"})


def test_a_scenario_is_a_path_a_name_or_one_that_was_read(toy: str) -> None:
    by_text, by_path, read = sim.run(toy), sim.run(Path(toy)), sim.run(sim.read_scenario(toy))
    assert by_text.arms == by_path.arms == read.arms == ("main", "untreated", "half", "late", "later")
    assert np.array_equal(by_text["drug"], read["drug"])
    assert sim.run("scenarios/friberg.toml", certify=False).scenario.id == "friberg"


@pytest.mark.filterwarnings("ignore::UserWarning")  # of a change that sets it too
def test_values_are_set_as_on_the_command_line(toy: str) -> None:
    fast, usual = sim.run(toy, set={"k_clear": "0.9 1/h"}), sim.run(toy)
    assert fast.scenario.parameters(fast.scenario.arm("main"))["k_clear"] == 0.9
    assert fast.measure("auc(drug)") < 0.5 * usual.measure("auc(drug)")
    assert fast.command == ("run", "toy.toml", "--set=k_clear=0.9 1/h")


@pytest.mark.filterwarnings("ignore::UserWarning")  # of what the words do not reach
def test_the_words_for_immunologists_are_those_of_the_command_line() -> None:
    from immunesim.cli.options import request_of
    from immunesim.cli.program import parser_of

    changes = {"knockout": "T_regulatory", "block": {"IL1": "90%"}, "add": ["IL-2 18 MIU into skin at 3 d"]}
    run = sim.run("core_memory", **changes, arms="main", certify=False)
    assert run.scenario.parameters(run.scenario.arm("main"))["T_regulatory_removal"] == 5
    options = parser_of(run.command).parse_args(run.command)
    typed = request_of("core_memory", options).read()
    assert typed == run.scenario
    assert options.arm == ["main"]
    with pytest.raises(sim.InputError, match=r"run\(\): .*IL9") as caught:
        sim.run("core_memory", knockout="IL9")
    assert str(caught.value).endswith("    knockout IL9")


def test_arms_are_chosen_by_name(toy: str) -> None:
    assert sim.run(toy, arms=["half", "main"]).arms == ("main", "half")
    alone = sim.run(toy, arms="late")
    assert alone.arms == ("late",)
    assert np.array_equal(alone["drug"], alone["drug", "late"]), "the only arm needs no name"
    assert alone.measure("max(drug)") == alone.measure("max(drug, arm='late')")


def test_the_second_solver_can_be_asked_for_and_switched_off(toy: str) -> None:
    certified = [sim.run(toy, certify=each).result.arms["main"].certificate.digits for each in (True, False)]
    assert certified[0] is not None
    assert certified[1] is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: r["drg"], KeyError, "run of toy: no species or observable 'drg'; did you mean 'drug'?"),
        (lambda r: r["drug", "halv"], KeyError, "run of toy: no arm 'halv'; did you mean 'half'?"),
        (
            lambda r: r["drug", "elsewhere"],
            KeyError,
            "run of toy: no arm 'elsewhere'; there are main, untreated, half, late, later",
        ),
        (lambda r: r.table("drg"), KeyError, "run of toy: no species or observable 'drg'; did you mean 'drug'?"),
        (lambda r: r.figure("drug", arms="halv"), KeyError, "run of toy: no arm 'halv'; did you mean 'half'?"),
        (lambda r: r.to_pandas("drg"), KeyError, "run of toy: no species or observable 'drg'; did you mean 'drug'?"),
        (
            lambda r: r.measure("max(drg)"),
            sim.InputError,
            "measure(): max() measures a species or observable: no species or observable 'drg'",
        ),
        (lambda r: r.measure("drug"), sim.InputError, "measure(): 'drug' alone is a curve"),
        (lambda r: r.to_xarray("drug", join="left"), ValueError, "join is 'outer' or 'inner', not 'left'"),
        (
            lambda r: sim.run("toy.toml", arms="halv"),
            sim.InputError,
            "run(): toy has no arm 'halv'; did you mean 'half'?",
        ),
        (lambda r: sim.run("tyo.toml"), sim.InputError, "tyo.toml: no such file"),
        (
            lambda r: sim.run("toy.toml", set={"k_claer": 1}),
            sim.InputError,
            "run(): no parameter 'k_claer'; did you mean 'k_clear'?\n    set k_claer=1",
        ),
        (
            lambda r: sim.run(r.scenario, set={"k_claer": 1}),
            sim.InputError,
            "run(): no parameter 'k_claer'; did you mean 'k_clear'?\n    set k_claer=1",
        ),
        (
            lambda r: sim.run(replace(r.scenario, end=3.0), set={"k_clear": "1 1/h"}),
            sim.InputError,
            "run(): toy was altered in Python: expected a file, a name, or what was read from one",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_is_right(toy: str, call, error: type[Exception], message: str) -> None:
    run = sim.run(toy, certify=False)
    with pytest.raises(error, match=re.escape(message)) as caught:
        call(run)
    assert str(caught.value).startswith(message)


@pytest.mark.filterwarnings("ignore::UserWarning")  # SciPy computes the sweep of a toy
@pytest.mark.parametrize("out", ["afile/x", "afile/x/y", "/proc/x"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda out: tasks.run(RunRequest(ScenarioRequest("toy.toml"), out=Path(out))),
        lambda out: tasks.run(RunRequest(ScenarioRequest("toy.toml"), out=Path(out), new_name=True)),
        lambda out: sim.compare("toy.toml", out=out),
        lambda out: sim.explain("toy.toml", "drug", out=out),
        lambda out: sim.sweep("toy.toml", vary="k_clear=0.1 1/h,0.2 1/h", out=out),
        lambda out: sim.evidence("toy.toml", out=out),
        lambda out: sim.influence("toy.toml", out=f"{out}/influence.json"),
        lambda out: sim.gallery(out, "toy.toml"),
    ],
)
def test_an_output_folder_is_tried_before_anything_is_simulated(
    toy: str, monkeypatch: pytest.MonkeyPatch, ask, out: str
) -> None:
    def simulated(*arguments: object, **options: object) -> None:
        raise AssertionError("simulated first")

    Path("afile").write_text("")
    for task in ("run", "explain"):
        monkeypatch.setattr(f"immunesim.tasks.{task}.experiment", SimpleNamespace(run=simulated))
    for name in ("compare.run", "evidence.parallel_map", "influence.parallel_map", "gallery.parallel_map"):
        monkeypatch.setattr(f"immunesim.tasks.{name}", simulated, raising=False)
    place = "afile is a file, not a folder" if out.startswith("afile") else "/proc cannot be written"
    with pytest.raises(OutputError, match=rf"^(/.*/)?{place}"):
        ask(out)
    assert sorted(path.name for path in Path().iterdir() if path.suffix != ".toml") == ["afile"]


def test_all_faults_of_a_file_are_in_the_error_with_their_lines(toy: str) -> None:
    Path(toy).write_text(SCENARIO.replace('amount = "400 pmol"', 'amount = "400 pmo"').replace("k_clear", "k_claer"))
    with pytest.raises(sim.InputError) as caught:
        sim.run(toy)
    places = [line.split(" ")[0] for line in str(caught.value).splitlines() if line.startswith("toy.toml")]
    assert len(set(places)) == len(places) >= 2
    assert all(re.fullmatch(r"toy\.toml:\d+:", place) for place in places)


def test_what_is_out_of_its_range_is_warned_of(toy: str) -> None:
    with pytest.warns(UserWarning, match="k_clear"):
        sim.run(toy, set={"k_clear": "90 1/h"}, certify=False)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what Python says of a lost one
def test_an_interruption_reaches_the_caller(toy: str) -> None:
    heard = threading.Event()

    def press() -> None:
        while not heard.wait(
            0.5
        ):  # again and again, since Python loses one that arrives in a weak reference's callback
            signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012, since one run would be over before the signal
        for _ in range(10_000):
            sim.run(toy, certify=False)
    heard.set()


# answers


def test_a_curve_and_its_times_are_those_of_the_arm(toy: str) -> None:
    run = sim.run(toy)
    late = run.result.arms["late"].trajectory
    assert np.array_equal(run["Drug", "late"], late["drug"])
    assert np.array_equal(run["time", "late"], late.times)
    assert np.array_equal(run.times, run["time"])
    assert len(run["time", "late"]) != len(run["time", "untreated"])
    assert (run.unit("drug"), run.time_unit) == ("pM", "h")


def test_a_measure_is_a_number_with_its_unit(toy: str) -> None:
    run = sim.run(toy)
    peak = run.measure("max(drug)")
    assert peak == pytest.approx(curve_measures(run.scenario.model, run.result.arms["main"].trajectory, "drug").peak)
    assert str(peak) == repr(peak) == f"{float(peak):.4g} pM"
    assert 2 * peak == 2 * float(peak)
    assert run.measure("max(drug) / max(drug, arm='late')").unit == "1"
    assert str(run.measure("first_above(drug, '1 M')")) == "never"
    assert pickle.loads(pickle.dumps(peak)).unit == "pM"


def test_a_table_is_a_list_of_rows_with_the_numbers_of_the_summary(toy: str) -> None:
    run = sim.run(toy)
    table = run.table("drug", "cells")
    assert isinstance(table, list)
    assert [(row["name"], row["arm"]) for row in table[:4]] == [
        ("drug", "main"), ("drug", "untreated"), ("drug", "half"), ("drug", "late")
    ]  # fmt: skip
    found = run.save("out", plots=False)["arms"]["late"]["measures"]["drug"]
    row = table[3]
    assert {key: row[key] for key in ("unit", "peak", "lowest", "final", "area", "area_unit")} == {
        key: found[key] for key in ("unit", "peak", "lowest", "final", "area", "area_unit")
    }
    assert (row["time_of_peak"], row["time_unit"]) == (found["time_of_peak"], "h")
    assert f"{row['peak']:.4g} pM" in str(table)
    assert f">{row['peak']:.4g} pM</td>" in table._repr_html_()


def test_times_in_a_table_are_in_the_unit_of_the_scenario(toy: str) -> None:
    text = Path(toy).read_text()
    Path("days.toml").write_text(text.replace('end = "48 h"', 'end = "2 d"'))
    hours, days = sim.run(toy, certify=False).table("drug"), sim.run("days.toml", certify=False).table("drug")
    assert days[0]["time_unit"] == "d"
    assert days[0]["time_of_peak"] == pytest.approx(hours[0]["time_of_peak"] / 24)


def test_doses_and_expectations_are_tables(toy: str) -> None:
    run = sim.run(toy)
    assert [(row["arm"], row["dose"], row["given"]) for row in run.ledger][:2] == [
        ("main", "push", 3),
        ("main", "drip", 1),
    ]
    (row,) = run.expectations
    assert row["verdict"] == "met"
    assert row["that"] in str(run.expectations)


def test_a_table_folds_long_texts_and_shows_nothing_as_nothing() -> None:
    table = Table(
        [{"what": "a word " * 20, "size": 2e-38, "unit": "pM"}, {"what": "<b>", "size": None, "unit": "1"}],
        {"what": ("what",), "size": ("size", "unit")},
    )
    lines = str(table).splitlines()
    assert max(map(len, lines)) < 75
    assert lines[1].endswith("  0 pM")
    assert lines[-1].split() == ["<b>", "none"]
    assert "&lt;b&gt;" in table._repr_html_()
    assert table[0]["size"] == 2e-38


# showing


def test_a_run_tells_its_story(toy: str) -> None:
    run = sim.run(toy)
    assert repr(run) == "<Run of toy: 5 arms, 1 of 1 expectation met>"
    assert run.scenario.question in str(run)
    assert "3 of 3 doses" in str(run)
    assert "results in" not in str(run)


def test_a_failed_run_says_so_and_keeps_what_there_is(toy: str) -> None:
    text = Path("toy_model.toml").read_text()
    Path("toy_model.toml").write_text(
        text.replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * (1 - drug / K_drug * 200)"')
    )
    run = sim.run(toy)
    assert not run.ok
    assert repr(run).endswith(", FAILED>")
    assert len(run.times) < len(run["time", "untreated"])
    assert "Arm main FAILED: " in run._repr_html_()


def test_a_notebook_shows_question_verdict_figure_and_measures(toy: str) -> None:
    run = sim.run(toy)
    shown = run._repr_html_()
    places = [
        shown.index(each)
        for each in (run.scenario.question, "Expectations: 1 of 1 met.", "<img", "data:image/png;base64,", "<table>")
    ]
    assert places == sorted(places)
    alt = re.search(r'alt="([^"]+)"', shown)
    assert alt is not None
    assert "drug" in alt[1]
    for arm in run.arms:
        assert f">{arm}</td>" in shown


def test_a_figure_shows_itself_without_pyplot(toy: str) -> None:
    code = """
import sys, immunesim as sim
figure = sim.run("toy.toml", certify=False).figure("drug")
data, size = figure._repr_png_()
assert data.startswith(b"\\x89PNG")
wide, high = (int.from_bytes(data[at:at + 4], "big") for at in (16, 20))
assert (wide, high) == (2 * size["width"], 2 * size["height"]), (wide, high, size)
assert "matplotlib.pyplot" not in sys.modules
figure.savefig("drug.pdf")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Path("drug.pdf").stat().st_size > 1000


# going on


def test_a_frame_has_a_row_for_every_arm_and_time(toy: str) -> None:
    run = sim.run(toy)
    frame = run.to_pandas("drug", "cells")
    assert list(frame.columns) == ["drug", "cells"]
    assert frame.index.names == ["arm", "time"]
    assert frame.attrs["units"] == {"time": "h", "drug": "pM", "cells": run.unit("cells")}
    for arm in run.arms:
        assert np.array_equal(frame.loc[arm].index, run["time", arm])
        assert np.array_equal(frame.loc[arm, "drug"], run["drug", arm])
    assert list(run.to_pandas().columns) == list(run.names)


def test_a_dataset_has_nan_where_an_arm_was_not_saved_and_invents_nothing(toy: str) -> None:
    run = sim.run(toy)
    outer, inner = run.to_xarray("drug"), run.to_xarray("drug", join="inner")
    assert outer["drug"].dims == ("arm", "time")
    assert outer["drug"].attrs["units"] == "pM"
    assert outer["time"].attrs["units"] == "h"
    assert outer.sizes["time"] > len(run["time", "late"]) > inner.sizes["time"]
    assert not inner["drug"].isnull().any()
    for arm in run.arms:
        kept = outer["drug"].sel(arm=arm).dropna("time")
        assert np.array_equal(kept["time"], run["time", arm])
        assert np.array_equal(kept, run["drug", arm])
    assert list(run.to_xarray().data_vars) == list(run.names)


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_a_package_that_is_missing_is_named(
    toy: str, package: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sim.run(toy, certify=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        getattr(run, method)()


@pytest.mark.parametrize(
    ("module", "package", "ask"),
    [
        ("pandas", "pandas", lambda: sim.explain("toy.toml", "drug").to_pandas()),
        ("pygraphviz", "pygraphviz", lambda: sim.describe("IL-2", wiring="x.svg")),
        ("libsbml", "python-libsbml", lambda: sim.export("toy.toml")),
    ],
)
def test_a_package_that_is_missing_is_named_in_the_same_words(
    toy: str, module: str, package: str, ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for name in [each for each in sys.modules if each.startswith("immunesim.files.formats.sbml")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=f"^this needs {package}: pip install {package}$"):
        ask()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_is_saved_as_the_command_saves_it(toy: str) -> None:
    from immunesim.cli import main

    summary = sim.run(toy, set={"k_clear": "0.5 1/h"}, arms=["main"]).save("saved")
    assert main(summary["command"] + ["--out", "typed"]) == 0  # what it says it does is what it did
    saved, typed = (sorted(path.name for path in Path(folder).iterdir()) for folder in ("saved", "typed"))
    assert saved == typed
    assert (Path("saved") / "trajectory.csv").read_text() == (Path("typed") / "trajectory.csv").read_text()
    assert json.loads((Path("saved") / "summary.json").read_text())["run"] == summary["run"]


@pytest.mark.slow
def test_the_example_of_the_readme_says_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    example = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
    assert len(example.examples) >= 4
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_an_explanation_is_said_and_drawn_and_a_report_is_one_file(toy: str, tmp_path: Path) -> None:
    r = sim.run(toy)
    why = r.explain("drug", against="untreated")
    assert "drug" in repr(why)
    assert why.sentences
    html = why._repr_html_()
    assert "data:image/png;base64,iVBORw0KGgo" in html
    assert "<li>Start at " in html
    path = r.report(tmp_path / "page.html")
    assert "In short" in path.read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="exists"):
        r.report(path)
    with pytest.raises(KeyError, match="did you mean 'drug'"):
        r.explain("drg")


# the other commands


def test_every_command_is_a_function_with_its_words() -> None:
    from immunesim.cli import COMMANDS

    assert set(COMMANDS) <= set(dir(sim))
    for name in COMMANDS:
        function = getattr(sim, name)
        assert function.__name__ == name
        assert function.__doc__


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("words", "ask"),
    [
        (["check", "toy.toml"], lambda: sim.check("toy.toml")),
        (["list"], lambda: sim.list()),
        (["help", "rules"], lambda: sim.help("rules")),
        (["show", "toy.toml", "--set", "k_absorb=0.9 1/h"], lambda: sim.show("toy.toml", set={"k_absorb": "0.9 1/h"})),
        (["compare", "toy.toml", "--of", "drug"], lambda: sim.compare("toy.toml", of="drug")),
        (
            ["compare", "toy.toml", "--set", "k_clear=0.5 1/h", "--arm", "half"],
            lambda: sim.compare("toy.toml", set={"k_clear": "0.5 1/h"}, arms="half"),
        ),
        (["evidence", "toy.toml"], lambda: sim.evidence("toy.toml")),
        (["influence", "toy.toml"], lambda: sim.influence("toy.toml")),
        (["export", "toy.toml", "--to", "sbml", "--force"], lambda: sim.export("toy.toml", force=True)),
        (["replay", "saved"], lambda: sim.replay("saved")),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_result_prints_what_its_command_prints(toy: str, words: list[str], ask, capsys) -> None:
    from immunesim.cli import main

    if words[0] == "replay":
        sim.run(toy, certify=False).save("saved", plots=False)
    main(words)
    printed = capsys.readouterr().out.replace("--set ", "set ")  # options have no dashes in Python
    found = ask()
    assert f"{found}\n" == printed
    assert repr(found) == str(found)
    assert found._repr_html_().startswith("<")


def test_tables_become_data_frames(toy: str) -> None:
    assert list(sim.evidence(toy).to_pandas()["id"]) == ["toy/1"]
    assert set(sim.compare(toy, of="drug").to_pandas()["arm"]) == {"main", "untreated", "half", "late", "later"}
    assert "acute_infection" in set(sim.list().to_pandas()["name"])
    assert set(sim.influence(toy).to_pandas()["breaks"]) == {"toy/1"}
    assert list(sim.run(toy, certify=False).table("drug").to_pandas()["name"]) == ["drug"] * 5


def test_a_comparison_draws_and_is_written(toy: str) -> None:
    found = sim.compare(toy, of="drug", out="compared")
    assert (Path("compared") / "comparison.csv").exists()
    assert found.figure("drug").axes
    with pytest.raises(sim.OutputError, match="compared exists; choose another out, or force=True to replace it"):
        sim.compare(toy, of="drug", out="compared")


def test_a_gallery_is_made_from_python(toy: str) -> None:
    found = sim.gallery("all", toy, tables=True)
    assert [(card.name, card.status) for card in found.cards] == [("toy", "done")]
    assert found.page.exists()
    assert (found.page.parent / "toy" / "trajectory.half.csv").exists()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: sim.compare("toy.toml", arms="halv"), "compare(): toy has no arm 'halv'; did you mean 'half'?"),
        (lambda: sim.compare("toy.toml", of="drg"), "compare(): toy: "),
        (lambda: sim.export("toy.toml", "sbm"), "export(): no format 'sbm'; did you mean 'sbml'?\n    to sbm"),
        (lambda: sim.export("toy.toml", arm="halv"), "export(): toy has no arm 'halv'; did you mean 'half'?"),
        (lambda: sim.show("toy.toml", knockout="IL9"), "show(): nothing called 'IL9'"),
        (lambda: sim.read_scenario("toy.toml", set={"k_claer": 1}), "read_scenario(): no parameter 'k_claer'"),
        (lambda: sim.evidence("tyo.toml"), "tyo.toml: no such file"),
        (lambda: sim.replay("nowhere"), "nowhere: no results folder"),
    ],
)
def test_what_is_asked_wrongly_is_said_with_the_function_that_was_called(toy: str, ask, message: str) -> None:
    with pytest.raises(sim.InputError) as caught:
        ask()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: sim.run(["toy.toml"]),
            "run(): scenario: expected a file, the name of a scenario, or a Scenario, found",
        ),
        (lambda: sim.run("toy.toml", set="k_clear"), "run(): set: expected 'NAME=VALUE', found 'k_clear'"),
        (lambda: sim.run("toy.toml", set={3: "x"}), "run(): set: expected names with texts or numbers, found {3: 'x'}"),
        (lambda: sim.run("toy.toml", set=3), "run(): set: expected a text or a list of texts, found 3"),
        (lambda: sim.run("toy.toml", knockout=4), "run(): knockout: expected a text or a list of texts, found 4"),
        (lambda: sim.run("toy.toml", add=3), "run(): add: expected a text or a list of texts, found 3"),
        (lambda: sim.run("toy.toml", arms=[3]), "run(): arms: expected a text or a list of texts, found [3]"),
        (
            lambda: sim.run("toy.toml", block="IL1"),
            "run(): block: expected a name and a share such as 'IL1 90%', found",
        ),
        (
            lambda: sim.run("toy.toml", certify="yes"),
            "run(): certify: expected True, False, \"independent\" or None, found 'yes'",
        ),
        (lambda: sim.sweep("toy.toml", vary=3), "sweep(): vary: expected a text or a list of texts, found 3"),
        (lambda: sim.sweep("toy.toml", vary={"k": {}}), "sweep(): vary: expected names with values"),
        (lambda: sim.sweep("toy.toml", vary={"k": [None]}), "sweep(): vary: expected names with values"),
        (lambda: sim.sweep("toy.toml", merge=3), "sweep(): merge: expected folders of sweeps, found 3"),
        (lambda: sim.evidence(3), "evidence(): scenarios: expected files, or names of scenarios, found 3"),
        (lambda: sim.sweep("toy.toml"), "sweep(): nothing to vary in toy: add a [sweep] table, or vary NAME=VALUES"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named_with_what_was_expected(toy: str, ask, message: str) -> None:
    with pytest.raises(sim.InputError) as caught:
        ask()
    assert str(caught.value).startswith(message)


def test_an_index_of_a_run_that_means_nothing_is_said_with_what_does(toy: str) -> None:
    run = sim.run(toy, arms="untreated", certify=False)
    for asked, message in (
        (3, "expected r[NAME] or r[NAME, ARM] with names as texts, found 3"),
        (("drug", "main", "x"), "expected r[NAME] or r[NAME, ARM] with names as texts, found ('drug', 'main', 'x')"),
        (("drug", "half"), "arm 'half' was not run; these were: untreated"),
        ("xyz", "no species or observable 'xyz'"),
    ):
        with pytest.raises(sim.InputError) as caught:
            run[asked]  # type: ignore[index]
        assert str(caught.value).startswith(f"run of toy: {message}")
    assert str(caught.value).endswith("(all are in r.names)")
    with pytest.raises(sim.InputError, match=r"measure\(\): formula: expected a text"):
        run.measure(3)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_changes_are_also_texts_and_scenarios_also_a_list(toy: str) -> None:
    by_name = sim.read_scenario(toy, set={"k_clear": "0.9 1/h"})
    for settings in ("k_clear=0.9 1/h", ["k_clear = 0.9 1/h"]):
        again = sim.read_scenario(toy, set=settings)
        assert again.origins == by_name.origins
        assert again.parameters(again.arm("main")) == by_name.parameters(by_name.arm("main"))
    Path("other.toml").write_text(Path(toy).read_text())
    assert str(sim.compare([toy, "other.toml"])) == str(sim.compare(toy, "other.toml"))
    assert sim.evidence([toy]).rows == sim.evidence(toy).rows
    assert list(sim.check([toy, "other.toml"]).valid) == [toy, "other.toml"]


def test_a_check_is_false_if_a_file_is_faulty(toy: str) -> None:
    Path("faulty.toml").write_text("[model]")
    assert sim.check(toy)
    assert not sim.check(toy, "faulty.toml")


def test_a_replay_is_false_if_the_numbers_differ(toy: str) -> None:
    sim.run(toy, arms="half", certify=False).save("out", plots=False)
    assert sim.replay("out")
    (table,) = Path("out").glob("*half*.csv")
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    assert not sim.replay("out")


@pytest.mark.parametrize("ask", [sim.run, sim.compare])
def test_a_warning_points_to_the_line_of_the_caller(toy: str, ask) -> None:
    with pytest.warns(UserWarning, match="k_clear") as caught:
        ask(toy, set={"k_clear": "90 1/h"})
    assert {Path(each.filename) for each in caught} == {Path(__file__)}


def test_notes_and_origins_name_arguments_of_python(toy: str) -> None:
    with pytest.warns(UserWarning, match="sets dose.push.amount itself, so set= does not change it there"):
        shown = sim.run(toy, set={"dose.push.amount": "300 pmol"}, certify=False).scenario
    assert shown.origins["dose", "push", "amount"] == "set dose.push.amount=300 pmol"
    assert sim.show(toy, set={"k_clear": "1 1/h"}).document["origins"]["parameters.k_clear"] == "set k_clear=1 1/h"


def test_what_a_run_gives_cannot_be_changed_by_accident(toy: str) -> None:
    run = sim.run(toy, certify=False)
    for array in (run["drug"], run.times, run["time", "late"], run["cells", "half"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_a_run_can_be_pickled(toy: str) -> None:
    run = sim.run(toy, certify=False)
    again = pickle.loads(pickle.dumps(run))
    assert np.array_equal(again["drug", "late"], run["drug", "late"])
    assert again.measure("auc(drug)") == run.measure("auc(drug)")
    assert str(again) == str(run)


TO_FIT = """
[[data]]
name = "levels"
curve = "drug"
unit = "pM"
points = [{ time = "4 h", value = 3 }, { time = "6 h", value = 1 }]
error = "proportional"
cv = "20 %"

[[fit.estimate]]
parameter = "k_clear"
"""


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
@pytest.mark.parametrize(
    "ask",
    [
        lambda file: sim.fit(file, starts=1),
        lambda file: sim.steady(file),
        lambda file: sim.explain(file, "drug"),
        lambda file: sim.compare(file, arms=["main", "late"]),
        lambda file: sim.sweep(file, vary={"k_clear": "0.3 1/h,0.6 1/h"}, measures={"top": "max(drug)"}, keep="drug"),
    ],
)
def test_what_a_command_gives_can_be_pickled_and_copied(toy: str, ask, copied) -> None:
    with Path(toy).open("a") as file:
        file.write(TO_FIT)
    given = ask(toy)
    again = copied(given)
    assert type(again) is type(given)
    assert str(again) == str(given)


def test_a_copied_fit_and_steady_state_compute_as_before(toy: str) -> None:
    with Path(toy).open("a") as file:
        file.write(TO_FIT)
    fit, steady = sim.fit(toy, starts=1), sim.steady(toy).found
    place = fit.result.best.place[None, :]
    again = copy.deepcopy(fit).result.problem.simulate(place)
    assert np.array_equal(again.values[0], fit.result.problem.simulate(place).values[0])
    states = steady.found[0].states
    copied = copy.deepcopy(steady).equations.evaluate(states, 0.0)
    assert np.array_equal(copied.jacobian, steady.equations.evaluate(states, 0.0).jacobian)


def test_a_model_is_read_by_its_name_or_from_its_file(toy: str) -> None:
    assert "MTT" in sim.read_model("friberg_2002").parameters
    assert "k_clear" in sim.read_model(Path("toy_model.toml")).parameters
    with pytest.raises(sim.InputError, match="no model 'friberg_2003'; did you mean 'friberg_2002'"):
        sim.read_model("friberg_2003")


@pytest.mark.filterwarnings("ignore::UserWarning")  # of what a new end leaves out
def test_a_new_end_leaves_expectations_with_ids_out(toy: str) -> None:
    one = "\n[[expect]]\nid = '{}'\nthat = 'x'\nmeasure = \"at(drug, '{} h')\"\nabove = 0\nunit = 'pM'\n"
    with Path(toy).open("a") as file:
        file.write("".join(one.format(*each) + "source = 'assumed'" for each in (("early", 3), ("late", 20))))
    run = sim.run(toy, set={"time.end": "6 h"}, arms="main", certify=False)
    assert [row["that"] for row in run.expectations] == ["x"]
