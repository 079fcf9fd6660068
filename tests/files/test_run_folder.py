"""Results folders: whole or not there at all, strict to read, and run again to the same numbers."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.run import RunResult, run
from immunesim.files.results.folder import check_folder, free_folder
from immunesim.files.results.run_folder import read_table, table_name
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.runtime.errors import InputError, OutputError
from immunesim.tasks.replay import Replayed, ReplayRequest
from immunesim.tasks.replay import replay as replay_task
from immunesim.tasks.run import write


@pytest.fixture
def result(toy_file: Path) -> RunResult:
    return run(read_scenario(toy_file))


@pytest.fixture
def out(result: RunResult, tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "toy"
    write(result, folder, ["run", "toy.toml"])
    return folder


def refuse_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def strict(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)


# what is in the folder


def test_a_folder_holds_the_scenario_the_model_a_table_per_arm_and_a_summary(out: Path) -> None:
    names = {path.name for path in out.iterdir()}
    tables = {"trajectory.csv", "trajectory.untreated.csv", "trajectory.half.csv"}
    assert names == {"scenario.toml", "model.toml", "summary.json", "manifest.json"} | tables
    assert [path.name for path in out.parent.iterdir()] == ["toy"]


def test_a_table_reads_back_the_same_numbers(result: RunResult, out: Path) -> None:
    for name, arm in result.arms.items():
        header, rows = read_table(out / table_name(name))
        assert header[:3] == ["time [h]", "drug [pM]", "depot [pmol]"]
        assert header[-1] == "total_cells [cells/uL]"
        np.testing.assert_array_equal(rows[:, 0], arm.trajectory.times)
        for column, values in enumerate(arm.trajectory.values.values(), 1):
            np.testing.assert_array_equal(rows[:, column], values)


def test_a_table_is_plain_text_with_one_kind_of_line_end(out: Path) -> None:
    content = (out / "trajectory.csv").read_bytes()
    assert content.startswith(b"time [h],drug [pM],")
    assert content.endswith(b"\n")
    assert b"\r" not in content
    assert b"," in content.splitlines()[1]


def test_a_summary_is_strict_json_that_says_everything(result: RunResult, out: Path) -> None:
    summary = strict(out / "summary.json")
    assert summary["scenario"] == "toy"
    assert summary["command"] == ["run", "toy.toml"]
    assert summary["ok"] is True
    assert set(summary["arms"]) == {"main", "untreated", "half"}
    main = summary["arms"]["main"]
    assert main["outcome"]["kind"] == "success"
    assert main["digits_certified"] > 5
    push, drip = main["ledger"]
    assert (push["ordered"], push["delivered"], push["remaining"], push["unit"]) == (1200, 1200, 0, "pmol")
    assert (drip["unit"], drip["given"]) == ("IU/kg", 1)
    trajectory = result.arms["main"].trajectory
    assert main["measures"]["drug"]["peak"] == trajectory["drug"].max()
    assert main["measures"]["drug"]["final"] == trajectory["drug"][-1]
    assert summary["expectations"][0]["met"] is True
    assert {"python", "numpy", "scipy", "immunesim"} <= set(summary["versions"])
    assert len(summary["run"]) == 12


def test_a_summary_has_no_nan_even_if_a_measure_has(toy_file: Path, tmp_path: Path) -> None:
    text = toy_file.read_text().replace('"max(drug)"', "\"max(drug) + first_above(drug, '1 nM') * '0 pM/h'\"")
    toy_file.write_text(text)
    write(run(read_scenario(toy_file)), tmp_path / "out", [])
    assert strict(tmp_path / "out" / "summary.json")["expectations"][0]["simulated"] is None


def test_the_run_number_is_that_of_the_question_and_nothing_else(toy_file: Path, tmp_path: Path) -> None:
    question = read_scenario(toy_file)
    first, second = (write(run(question), tmp_path / name, [name])["run"] for name in ("a", "b"))
    other = write(run(read_scenario(toy_file, {"k_clear": "0.26 1/h"})), tmp_path / "c", [])["run"]
    assert first == second != other


def test_the_folder_alone_tells_the_whole_question(result: RunResult, out: Path) -> None:
    again = read_scenario(out / "scenario.toml")
    assert again.arms == result.scenario.arms
    assert again.model.laws == result.scenario.model.laws
    assert tomllib.loads((out / "scenario.toml").read_text())["model"] == "model.toml"


# whole or not at all


def test_a_fault_while_drawing_leaves_nothing_behind(result: RunResult, tmp_path: Path) -> None:
    def draw(result: RunResult, folder: Path, run: str) -> None:
        (folder / "half.svg").write_text("<svg")
        raise RuntimeError("out of ink")

    inner = tmp_path / "inner"
    with pytest.raises(RuntimeError, match="out of ink"):
        write(result, inner / "out", [], draw=draw)
    assert list(inner.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_an_interruption_while_writing_leaves_nothing_behind(result: RunResult, tmp_path: Path, error) -> None:
    def draw(*_) -> None:
        raise error

    inner = tmp_path / "inner"
    with pytest.raises((KeyboardInterrupt, MemoryError, OutputError)):
        write(result, inner / "out", [], draw=draw)
    assert list(inner.iterdir()) == []


def test_a_fault_while_replacing_leaves_the_old_run(result: RunResult, out: Path) -> None:
    def draw(*_) -> None:
        raise RuntimeError("out of ink")

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(RuntimeError, match="out of ink"):
        write(result, out, [], force=True, draw=draw)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_draw_is_given_the_run_and_writes_into_the_folder(result: RunResult, tmp_path: Path) -> None:
    def draw(drawn: RunResult, folder: Path, run: str) -> None:
        assert drawn is result
        (folder / "figure.svg").write_text(run)

    summary = write(result, tmp_path / "out", [], draw=draw)
    assert (tmp_path / "out" / "figure.svg").read_text() == summary["run"]


def test_a_folder_is_never_overwritten(result: RunResult, out: Path) -> None:
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(OutputError, match="exists; choose another --out, or --force to replace it"):
        write(result, out, ["again"])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_force_replaces_a_run(result: RunResult, out: Path) -> None:
    write(result, out, ["again"], force=True)
    assert strict(out / "summary.json")["command"] == ["again"]
    assert [path.name for path in out.parent.iterdir()] == ["toy"]


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.txt": "years"},
        {"summary.json": '{"mine": 1}', "thesis.txt": "years"},
        {"summary.json": "?"},
        {"summary.json": '{"files": ["thesis.txt"]}', "thesis.txt": "years"},
    ],
)
def test_force_does_not_replace_what_is_no_run(result: RunResult, tmp_path: Path, files: dict[str, str]) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(OutputError, match="holds no run of this program, so it is not replaced"):
        write(result, folder, [], force=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == files


def test_force_fills_an_empty_folder(result: RunResult, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(result, tmp_path / "empty", [], force=True)
    assert (tmp_path / "empty" / "summary.json").exists()


def test_a_file_is_no_folder(result: RunResult, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    for force in (False, True):
        with pytest.raises(OutputError, match="is a file, not a folder"):
            write(result, tmp_path / "file", [], force=force)
    with pytest.raises(OutputError, match="file is a file, not a folder"):
        write(result, tmp_path / "file" / "below", [])
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_that_may_not_be_written_is_refused_in_words(result: RunResult) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write(result, Path("/proc/nowhere/out"), [])


def test_a_free_folder_counts_up(tmp_path: Path) -> None:
    assert free_folder(tmp_path / "out") == tmp_path / "out"
    (tmp_path / "out").mkdir()
    (tmp_path / "out-2").write_text("")
    assert free_folder(tmp_path / "out") == tmp_path / "out-3"


def test_a_folder_is_asked_for_before_the_work(tmp_path: Path) -> None:
    check_folder(tmp_path / "new", force=False)
    with pytest.raises(OutputError, match="exists"):
        check_folder(tmp_path, force=False)


# run again


def replay(folder: Path) -> Replayed:
    return replay_task(ReplayRequest(folder))


def test_a_run_again_is_identical(out: Path) -> None:
    found = replay(out)
    assert found.match is True
    assert {name: arm["identical"] for name, arm in found.arms.items()} == dict.fromkeys(
        ["main", "untreated", "half"], True
    )
    assert str(found).endswith("the numbers match to within 10⁻⁵")
    assert "arm main: identical to the last digit" in str(found)


def test_a_run_moved_elsewhere_is_still_identical(out: Path, tmp_path: Path) -> None:
    moved = out.rename(tmp_path / "moved")
    assert replay(moved).match is True


def change_cell(path: Path, row: int, column: int, text: str) -> None:
    lines = path.read_text().splitlines()
    cells = lines[row].split(",")
    cells[column] = text
    lines[row] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("table", ["trajectory.csv", "trajectory.half.csv"])
def test_one_edited_number_is_found(out: Path, table: str) -> None:
    cells = (out / table).read_text().splitlines()[4].split(",")
    change_cell(out / table, 4, 1, repr(float(cells[1]) * 1.001))
    found = replay(out)
    arm = "half" if "half" in table else "main"
    assert found.match is False
    assert found.arms[arm]["of"] == "drug"
    assert 1e-5 < found.arms[arm]["difference"] < 2e-3
    assert str(found).endswith("the numbers do NOT match")


def test_an_edit_below_the_tolerance_matches_but_is_not_identical(out: Path) -> None:
    cells = (out / "trajectory.csv").read_text().splitlines()[4].split(",")
    change_cell(out / "trajectory.csv", 4, 1, repr(float(cells[1]) * (1 + 1e-9)))
    found = replay(out)
    assert found.match is True
    assert found.arms["main"]["identical"] is False


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_does_not_match(out: Path, text: str) -> None:
    change_cell(out / "trajectory.csv", 4, 1, text)
    found = replay(out)
    assert found.match is False
    json.dumps(found.document, allow_nan=False)


def test_other_rows_or_columns_do_not_match(out: Path) -> None:
    lines = (out / "trajectory.csv").read_text().splitlines()
    (out / "trajectory.csv").write_text("\n".join(lines[:-1]) + "\n")
    change_cell(out / "trajectory.half.csv", 0, 1, "other [pM]")
    found = replay(out)
    assert found.match is False
    assert found.arms["main"]["difference"] is None
    assert found.arms["half"]["difference"] is None
    assert "arm main: other columns or rows than before" in str(found)


def test_a_unit_changed_in_the_header_does_not_match(out: Path) -> None:
    change_cell(out / "trajectory.csv", 0, 1, "drug [nM]")
    assert replay(out).match is False


def test_a_changed_parameter_does_not_match(out: Path) -> None:
    path = out / "scenario.toml"
    path.write_text(path.read_text().replace("0.25 1/h", "0.26 1/h"))
    assert replay(out).match is False


def test_a_missing_table_does_not_match(out: Path) -> None:
    (out / "trajectory.half.csv").unlink()
    assert replay(out).match is False


@pytest.mark.parametrize("content", ["", "\n", "time [h]\nx\n", "time [h],drug [pM]\n1\n", "\0\n", "a,b\n1,2,3\n"])
def test_a_broken_table_is_named(out: Path, content: str) -> None:
    (out / "trajectory.csv").write_text(content)
    message = ""
    try:
        match = replay(out).match
    except InputError as error:
        match, message = False, str(error)
    assert match is False
    assert not message or "trajectory.csv" in message


def test_what_is_no_results_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no results folder: it has no scenario\.toml"):
        replay(tmp_path)
    with pytest.raises(InputError, match=r"no results folder"):
        replay(tmp_path / "nowhere")


def test_a_run_of_some_arms_is_replayed_for_those(toy_file: Path, tmp_path: Path) -> None:
    write(run(read_scenario(toy_file), arms=["half"]), tmp_path / "half", [])
    found = replay(tmp_path / "half")
    assert list(found.arms) == ["half"]
    assert found.match is True


def test_a_failed_run_is_written_and_replayed(folder: Path, tmp_path: Path) -> None:
    """The drug multiplies itself: what came before the blow-up is in the table, the reason in the summary."""
    model = (folder / "toy_model.toml").read_text()
    model = model.replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * (1 - drug / K_drug * 20)"')
    (folder / "toy_model.toml").write_text(model)
    text = 'title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "24 h"\nevery = "0.1 h"\n[initial]\ndrug = "200 pM"\n'
    (folder / "t.toml").write_text(text)
    result = run(read_scenario(folder / "t.toml"))
    assert not result.ok
    write(result, tmp_path / "out", [])
    summary = strict(tmp_path / "out" / "summary.json")
    assert summary["ok"] is False
    assert summary["arms"]["main"]["outcome"]["state"] == "drug"
    assert summary["arms"]["main"]["digits_certified"] is None
    _, rows = read_table(tmp_path / "out" / "trajectory.csv")
    assert 5 < len(rows) < 30
    assert replay(tmp_path / "out").match is True


def test_a_run_that_fails_at_once_is_written_with_an_empty_table(folder: Path, tmp_path: Path) -> None:
    model = (folder / "toy_model.toml").read_text()
    (folder / "toy_model.toml").write_text(
        model.replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * log(0 * drug / K_drug)"')
    )
    (folder / "t.toml").write_text('title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "24 h"\n')
    result = run(read_scenario(folder / "t.toml"))
    assert result.arms["main"].trajectory.outcome.kind == "not finite"
    write(result, tmp_path / "out", [])
    assert strict(tmp_path / "out" / "summary.json")["ok"] is False
    header, rows = read_table(tmp_path / "out" / "trajectory.csv")
    assert header[0] == "time [h]"
    assert len(rows) <= 1


def test_numbers_at_the_edge_of_what_can_be_stored_are_written(folder: Path, tmp_path: Path) -> None:
    text = 'title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "5 h"\n[initial]\ncells = "1e308 cells/uL"\n'
    (folder / "t.toml").write_text(text)
    result = run(read_scenario(folder / "t.toml"))
    assert result.ok
    write(result, tmp_path / "out", [])
    measures = strict(tmp_path / "out" / "summary.json")["arms"]["main"]["measures"]
    assert measures["cells"]["peak"] == 1e308
    assert measures["cells"]["area"] is None


def test_force_spares_a_file_that_no_run_wrote(result: RunResult, out: Path) -> None:
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"also holds notes.txt, so it is not replaced"):
        write(result, out, ["again"], force=True)
    assert (out / "notes.txt").read_text() == "mine"


def test_force_spares_a_file_that_was_changed_since(result: RunResult, out: Path) -> None:
    with (out / "trajectory.csv").open("a") as file:
        file.write("# my remark\n")
    with pytest.raises(OutputError, match=r"also holds trajectory.csv \(changed since\), so it is not replaced"):
        write(result, out, ["again"], force=True)
    assert (out / "trajectory.csv").read_text().endswith("# my remark\n")


def test_a_list_that_anyone_could_have_written_gives_nothing_away(result: RunResult, tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years")
    (folder / "manifest.json").write_text('{"sha256": {"thesis.txt": "0"}}')
    with pytest.raises(OutputError, match=r"also holds thesis.txt \(changed since\)"):
        write(result, folder, [], force=True)
    assert (folder / "thesis.txt").read_text() == "years"
