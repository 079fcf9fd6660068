"""Sweeps from a folder and back: resumed, extended, cut into shards, interrupted, and put into tables."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import signal
import struct
import sys
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import saved_times
from immunesim.experiments.sweeps import workers
from immunesim.experiments.sweeps.compute import QUANTILES, compute, values_of
from immunesim.experiments.sweeps.outcome import SweepOutcome
from immunesim.experiments.sweeps.shards import shard_numbers
from immunesim.experiments.sweeps.workers import Threads
from immunesim.files.results import sweep_tables
from immunesim.files.results.member_store import MemberStore
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.runtime.errors import InputError, OutputError
from immunesim.runtime.interrupt import SIGNALS, Stop
from immunesim.tasks.request import FIGURES, FigureOptions, ScenarioRequest
from immunesim.tasks.sweep import sweep
from immunesim.tasks.sweep_estimate import estimate
from immunesim.tasks.sweep_request import SweepRequest
from immunesim.views.text.commands.sweep import damage_notes, estimate_text, resume_command, resume_text, sweep_text

from tests.sweeps import Counted, Members, grid, swept

FAILING = (-60.0, 400.0)


@pytest.fixture
def toy(toy_file: Path) -> Scenario:
    return read_scenario(toy_file)


@pytest.fixture(autouse=True)
def in_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No processes, whose start takes a second; collects the numbers that were computed, but not again."""
    seen: list[int] = []
    timed = workers.compute_timed

    def watched(scenario: Scenario, numbers: np.ndarray, *rest: object):
        seen.extend([] if scenario.sweep.again else numbers.tolist())
        return timed(scenario, numbers, *rest)

    monkeypatch.setattr(workers, "compute_timed", watched)
    monkeypatch.setattr("immunesim.tasks.sweep_members.Processes", Threads)
    return seen


def request(scenario: Scenario, folder: Path | None, **how: object) -> SweepRequest:
    return SweepRequest(ScenarioRequest(scenario), out=folder, **{"workers": 2, **how})


def swept_into(scenario: Scenario, folder: Path, **how: object) -> SweepOutcome:
    return sweep(request(scenario, folder, **how)).outcome


def table(folder: Path) -> tuple[list[str], list[list[str]]]:
    with (folder / "members.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


# going on


def test_the_tables_keep_the_ids_of_members(toy_file: Path, tmp_path: Path) -> None:
    (toy_file.parent / "m.csv").write_text("id,k_clear [1/h]\nP-01,0.5\nP-02,0.7\n", encoding="utf-8")
    toy_file.write_text(toy_file.read_text() + '[sweep]\nmembers = "m.csv"\n')
    sweep(request(read_scenario(toy_file), tmp_path / "out", parquet=True))
    with (tmp_path / "out" / "members.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["number"], row["id"]) for row in rows] == [("0", "P-01"), ("1", "P-02")]
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(tmp_path / "out" / "members.parquet")["id"].to_pylist() == ["P-01", "P-02"]


def test_a_sweep_that_is_there_is_not_computed_again(toy: Scenario, tmp_path: Path, in_threads: list[int]) -> None:
    sweep_of_six = swept(toy, Members((*grid(2, 3).rows[:5], FAILING)))
    first = swept_into(sweep_of_six, tmp_path / "out")
    before = (tmp_path / "out" / "members.csv").read_bytes()
    assert (first.computed, first.missing, first.failed) == (6, 0, 1)
    assert sorted(in_threads) == [0, 1, 2, 3, 4, 5]
    in_threads.clear()
    second = swept_into(sweep_of_six, tmp_path / "out")
    assert in_threads == []
    assert second.computed == 0
    assert (tmp_path / "out" / "members.csv").read_bytes() == before


def test_a_refined_grid_computes_its_new_points_alone(toy: Scenario, tmp_path: Path, in_threads: list[int]) -> None:
    swept_into(swept(toy, grid(2, 2)), tmp_path / "out")
    in_threads.clear()
    finer = swept(toy, grid(3, 3))
    done = swept_into(finer, tmp_path / "out")
    assert sorted(in_threads) == [1, 3, 4, 5, 7]  # all but the four corners
    block = compute(finer, np.arange(9))
    np.testing.assert_array_equal(done.result.measures, block.measures)
    np.testing.assert_array_equal(done.result.values, block.values)


def test_a_member_that_stands_twice_is_computed_once(toy: Scenario, tmp_path: Path, in_threads: list[int]) -> None:
    rows = grid(2, 2).rows
    done = swept_into(swept(toy, Members((*rows, *rows))), tmp_path / "out")
    assert sorted(in_threads) == [0, 1, 2, 3]
    np.testing.assert_array_equal(done.result.measures[:4], done.result.measures[4:])
    assert done.missing == 0


def test_shards_together_are_the_whole(toy: Scenario, tmp_path: Path, in_threads: list[int]) -> None:
    whole = swept(toy, grid(3, 3), ("main", "half"), ("drug",))
    expected = swept_into(whole, tmp_path / "whole")
    parts = [tmp_path / name for name in ("a", "b")]
    for number, folder in enumerate(parts, 1):
        done = swept_into(whole, folder, shard=(number, 2))
        assert done.result.numbers.tolist() == list(range(number - 1, 9, 2))
        assert done.missing == 0
    in_threads.clear()
    done = swept_into(whole, tmp_path / "merged", merge=tuple(parts))
    assert in_threads == []
    assert done.missing == 0
    for name in ("members.csv", "bands.csv"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    np.testing.assert_array_equal(done.result.measures, expected.result.measures)


@pytest.mark.parametrize("parquet", [False, True])
def test_a_shard_of_nobody_is_empty(toy: Scenario, tmp_path: Path, parquet: bool) -> None:
    if parquet:
        pytest.importorskip("pyarrow.parquet")
    three = swept(toy, grid(3, 1), ("main", "half"), ("drug",))
    asked = request(three, tmp_path / "out", shard=(5, 8), parquet=parquet)
    done = sweep(asked).outcome
    assert (done.asked, done.missing, done.failed, len(done.result.numbers)) == (0, 0, 0, 0)
    assert len(table(tmp_path / "out")[1]) == 0
    assert "0 members (list of k_clear, dose.push.amount): 0 computed" in sweep_text(done)
    assert "median" not in sweep_text(done)
    assert estimate(asked).members == 0


@pytest.mark.parametrize("done_before", [0, 1, 3])
def test_a_sweep_stopped_before_whole_chunks_of_it_has_its_tables(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done_before: int
) -> None:
    monkeypatch.setattr("immunesim.files.results.stored_members.shard_numbers", partial(shard_numbers, chunk=2))
    out, question = tmp_path / "out", swept(toy, grid(3, 3), ("main", "half"), ("drug",))
    swept_into(swept(toy, Members(grid(3, 3).rows[:done_before]), ("main", "half"), ("drug",)), out)
    done = sweep(request(question, out), stop=lambda: True).outcome
    assert (done.interrupted, done.missing) == (True, 9 - done_before)
    assert [row[0] for row in table(tmp_path / "out")[1]] == [str(number) for number in range(done_before)]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["members"]["missing"] == 9 - done_before


@pytest.mark.parametrize("count", [1, 7, 40, 1_000, 100_003])
@pytest.mark.parametrize("shards", [1, 2, 16])
def test_every_member_is_in_one_shard_and_shards_are_alike(count: int, shards: int) -> None:
    parts = [
        np.concatenate([np.empty(0, dtype=np.int64), *shard_numbers(count, (number, shards))])
        for number in range(1, shards + 1)
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(count))
    assert all((np.diff(part) > 0).all() for part in parts)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= max(1, count / shards / 8)
    for number, part in enumerate(parts, 1):
        larger = np.concatenate([np.empty(0, dtype=np.int64), *shard_numbers(2 * count, (number, shards))])
        np.testing.assert_array_equal(larger[: len(part)], part)


@pytest.mark.parametrize("shards", [16, 1_000, 1_001])
def test_the_values_of_a_shard_are_drawn_in_runs(shards: int) -> None:
    design = Counted()
    for numbers in islice(shard_numbers(design.count, (3, shards)), 1):
        np.testing.assert_array_equal(values_of(design, numbers)[:, 0], numbers)
        assert len(design.drawn) < len(numbers) / 20
        assert sum(design.drawn) <= 20 * len(numbers)


def test_a_merge_of_an_empty_folder_has_its_tables(toy: Scenario, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    done = swept_into(swept(toy, grid(2, 2)), tmp_path / "merged", merge=(tmp_path / "a",))
    assert (done.missing, len(table(tmp_path / "merged")[1])) == (4, 0)


def test_a_merge_says_what_is_missing_and_computes_nothing(
    toy: Scenario, tmp_path: Path, in_threads: list[int]
) -> None:
    whole = swept(toy, grid(3, 3))
    swept_into(whole, tmp_path / "a", shard=(1, 3))
    in_threads.clear()
    done = swept_into(whole, tmp_path / "merged", merge=(tmp_path / "a",))
    assert (in_threads, done.missing) == ([], 6)
    assert "3 members (list of k_clear, dose.push.amount), 6 missing" in sweep_text(done)
    with pytest.raises(OutputError, match="nowhere is no folder of a sweep"):
        swept_into(whole, tmp_path / "merged", merge=(tmp_path / "nowhere",))


def test_a_damaged_block_is_computed_again_and_named(toy: Scenario, tmp_path: Path, in_threads: list[int]) -> None:
    question = swept(toy, grid(2, 3))
    expected = swept_into(question, tmp_path / "out")
    path = next((tmp_path / "out" / "blocks").iterdir())
    path.write_bytes(path.read_bytes()[:-50])
    in_threads.clear()
    done = swept_into(question, tmp_path / "out")
    assert 0 < len(in_threads) < 6
    np.testing.assert_array_equal(done.result.measures, expected.result.measures)
    (line,) = damage_notes(done)
    assert line == (
        f"{path.name} is damaged (its content is not what was written); "
        "its members are computed again; it is kept as *.damaged"
    )


def test_a_full_disk_keeps_what_is_stored_and_says_so(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_threads: list[int]
) -> None:
    question, add, added = swept(toy, grid(3, 3)), MemberStore.add, []

    def full(store: MemberStore, block: object) -> None:
        if added:
            raise OutputError(f"{store.folder} cannot be written: {os.strerror(errno.ENOSPC)}")
        add(store, block)
        added.append(block)

    with monkeypatch.context() as patch:
        patch.setattr(MemberStore, "add", full)
        message = r"No space left on device; \d members are kept, and the same command continues"
        with pytest.raises(OutputError, match=message):
            swept_into(question, tmp_path / "out")
    in_threads.clear()
    assert swept_into(question, tmp_path / "out").missing == 0
    assert sorted(in_threads) == sorted(set(range(9)) - set(added[0].numbers.tolist()))


# interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_done_and_the_same_sweep_goes_on(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    question, add = swept(toy, grid(4, 4)), MemberStore.add

    def interrupted(store: MemberStore, block: object) -> None:
        add(store, block)
        if not stop():  # a second signal would end it at once
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch, Stop("stopping") as stop:
        patch.setattr(MemberStore, "add", interrupted)
        done = sweep(request(question, tmp_path / "out", workers=1), stop=stop).outcome
    assert done.interrupted
    assert 0 < len(done.result.numbers) < 16
    assert len(table(tmp_path / "out")[1]) == len(done.result.numbers)
    again = swept_into(question, tmp_path / "out")
    assert again.computed == 16 - done.computed
    assert not again.interrupted
    np.testing.assert_array_equal(again.result.measures, compute(question, np.arange(16)).measures)


def test_a_second_signal_ends_it_at_once_and_the_handlers_of_before_come_back() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with Stop("stopping") as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_the_command_that_goes_on_is_the_one_that_began(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["immunesim"])
    words = ["sweep", "toy.toml", "--vary", "dose.first cycle.amount=0:1:2"]
    line = "immunesim sweep toy.toml --vary 'dose.first cycle.amount=0:1:2' --out results/toy-sweep"
    assert resume_command(words, Path("results/toy-sweep")) == line
    assert resume_command([*words, "--out=there"], Path("there")) == line.replace(
        "--out results/toy-sweep", "--out=there"
    )
    assert resume_command(["sweep", "t", "--merge", "a", "b", "--out", "c"], Path("c")) == "immunesim sweep t --out c"
    monkeypatch.setattr("sys.argv", ["run_sim.py"])
    assert resume_command(["sweep", "t", "--out", "c"], Path("c")) == "python run_sim.py sweep t --out c"
    done = swept_into(swept(toy, grid(2, 2)), tmp_path / "out", merge=())
    assert resume_text(replace(done, asked=1234), tmp_path, ["sweep"]).startswith(
        f"4 of 1,234 members kept in {tmp_path}; continue with\n  "
    )


# tables


def test_a_table_has_a_row_per_member_with_units_and_outcomes(toy: Scenario, tmp_path: Path) -> None:
    rows = (*grid(2, 2).rows, FAILING)
    done = swept_into(swept(toy, Members(rows), ("main", "half")), tmp_path / "out")
    header, found = table(tmp_path / "out")
    measures = ["peak [pM]", "left [1]", "when [h]", "peak.half [pM]", "left.half [1]", "when.half [h]"]
    assert header == ["number", "k_clear [1/h]", "dose.push.amount [pmol]", *measures, "outcome"]
    assert [row[0] for row in found] == list("01234")
    numbers = np.array([[float(cell or "nan") for cell in row[1:-1]] for row in found])
    np.testing.assert_array_equal(numbers[:, :2], np.array(rows))
    np.testing.assert_array_equal(numbers[:, 2:], done.result.measures.reshape(5, -1))
    assert found[0][-1] == "success"
    assert found[4][-1].startswith("main: ")
    assert "; half: " in found[4][-1]


def test_bands_are_quantiles_over_members_that_did_not_fail(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = swept(toy, Members((*grid(3, 3).rows, FAILING)), ("main", "half"), ("drug", "cells"))
    block = compute(question, np.arange(9))
    whole = swept_into(question, tmp_path / "out").result.bands
    monkeypatch.setattr(sweep_tables, "IN_MEMORY", 8 * 2 * 2 * 10 * 7)  # seven times, and then two members, at once
    parts = swept_into(question, tmp_path / "out").result.bands
    assert list(whole) == [("main", "drug"), ("main", "cells"), ("half", "drug"), ("half", "cells")]
    for key, found in whole.items():
        place, name = ("main", "half").index(key[0]), ("drug", "cells").index(key[1])
        np.testing.assert_array_equal(found, np.quantile(block.curves[:, place, name], QUANTILES, axis=0))
        np.testing.assert_array_equal(parts[key], found)
    with (tmp_path / "out" / "bands.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:3] == ["time [h]", "drug 5% [pM]", "drug 25% [pM]"]
    assert header[11] == "drug.half 5% [pM]"
    assert [float(row[0]) for row in rows] == saved_times(question).tolist()
    assert [float(row[3]) for row in rows] == whole["main", "drug"][2].tolist()


def test_curves_of_few_members_are_kept_one_by_one(toy: Scenario, tmp_path: Path) -> None:
    question = swept(toy, Members((*grid(3, 3).rows, FAILING)), ("main", "half"), ("drug", "cells"))
    block = compute(question, np.arange(10))
    found = swept_into(question, tmp_path / "few").result.curves
    assert np.isnan(found["main", "drug"][9]).all()
    for key, curves in found.items():
        place, name = ("main", "half").index(key[0]), ("drug", "cells").index(key[1])
        np.testing.assert_array_equal(curves[:9], block.curves[:9, place, name])
    assert len(found) == 4
    many = swept(toy, grid(4, 4), ("main",), ("drug",))
    assert swept_into(many, tmp_path / "many").result.curves == {}


def test_a_long_label_is_wrapped_and_not_dropped(toy: Scenario, tmp_path: Path) -> None:
    question = swept(toy, grid(2, 2), ("main", "half"))
    sentence = "the highest concentration of the drug in plasma that is ever reached after a push"
    first = question.sweep.measures[0]._replace(label=sentence, id="peak_of_the_drug_in_plasma_after_the_push_is_high")
    question = replace(question, sweep=replace(question.sweep, measures=(first, *question.sweep.measures[1:])))
    lines = sweep_text(swept_into(question, tmp_path / "out")).splitlines()
    first, second = [place for place, line in enumerate(lines) if line.startswith("the highest concentration")]
    assert max(map(len, lines[first : second + 2])) <= 130
    for place, arm in ((first, ", as described"), (second, ", half")):
        assert " ".join([lines[place].split("  ")[0], lines[place + 1].strip()]) == sentence + arm


def test_parquet_is_the_same_table(toy: Scenario, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    done = swept_into(swept(toy, Members((*grid(2, 2).rows, FAILING))), tmp_path / "out", parquet=True)
    found = parquet.read_table(tmp_path / "out" / "members.parquet")
    assert found.column_names == ["number", "k_clear", "dose.push.amount", "peak", "left", "when", "outcome"]
    assert found.schema.field("peak").metadata == {b"unit": b"pM"}
    peaks = found.column("peak").to_pylist()
    assert peaks[:4] == done.result.measures[:4, 0, 0].tolist()
    assert peaks[4] is None


def test_without_pyarrow_parquet_is_refused_before_the_work(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_threads: list[int]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError) as error:
        swept_into(swept(toy, grid(2, 2)), tmp_path / "out", parquet=True)
    assert error.value.name in ("pyarrow", "pyarrow.parquet")
    assert in_threads == []
    assert not (tmp_path / "out").exists()


def test_a_summary_is_strict_json_that_says_everything(toy: Scenario, tmp_path: Path) -> None:
    question = swept(toy, Members((*grid(2, 2).rows, FAILING)), ("main", "half"))
    output = sweep(request(question, tmp_path / "out", command=("sweep", "toy")))
    done = output.outcome
    found = json.loads((tmp_path / "out" / "summary.json").read_text(), parse_constant=pytest.fail)
    assert found == json.loads(json.dumps(output.summary))
    assert found["command"] == ["sweep", "toy"]
    assert found["members"] == {"asked": 5, "present": 5, "computed": 5, "missing": 0, "failed": 1}
    assert sum(found["failures"].values()) == 2  # in each arm
    assert found["first_failures"][0]["number"] == 4
    assert found["design"]["axes"][0]["path"] == "k_clear"
    peak = found["measures"][0]
    assert (peak["id"], peak["unit"], peak["arm"], peak["members"], peak["failed"]) == ("peak", "pM", "main", 4, 1)
    assert peak["median"] == np.median(done.result.measures[:4, 0, 0])
    assert found["measures"][2]["never"] == 2  # 100 pmol never reach 40 pM
    text = str(output)
    assert "5 members (list of k_clear, dose.push.amount): 5 computed in " in text
    assert "1 member failed: " in text
    assert "member 4, arm main: " in text


def test_what_a_sweep_leaves_out_stands_in_its_summary(toy: Scenario, tmp_path: Path) -> None:
    question = replace(swept(toy, grid(1, 1)), truncated=("the dose 'late'",))
    question = replace(question, sweep=replace(question.sweep, remarks=("in all members of the sweep ...",)))
    notes: list[str] = []
    output = sweep(request(question, None, workers=1), on_note=notes.append)
    assert output.summary["left_out"] == ["the dose 'late'"]
    assert output.summary["remarks"] == ["in all members of the sweep ..."]
    assert {"left out: the dose 'late'", "in all members of the sweep ..."} <= set(notes)


def test_the_pictures_are_drawn_beside_the_tables_and_listed(toy: Scenario, tmp_path: Path) -> None:
    sweep(request(swept(toy, grid(2, 2)), tmp_path / "out", figures=FIGURES))
    drawn = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*.svg")]
    assert len(drawn) >= 1
    assert any("peak" in each for each in drawn)


def test_slides_have_their_shape_and_the_report_is_one_file(toy: Scenario, tmp_path: Path) -> None:
    swept_toy = swept(toy, grid(3, 3))
    sweep(request(swept_toy, tmp_path / "out", figures=FigureOptions(True, ("png",)), report=True, command=("sweep",)))
    for path in (tmp_path / "out").glob("*.png"):
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert width / height == pytest.approx(16 / 9, rel=2e-3)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert toy.question in page
    assert re.search(r"<li>Peak: from [\d.,]+.pM \([^)]*\) to [\d.,]+.pM \([^)]*\), median", page)
    assert "digits certified in the worst" in page
    assert "immunesim sweep" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_without_matplotlib_figures_are_refused_before_the_work(
    toy: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_threads: list[int]
) -> None:
    for name in [each for each in sys.modules if each.startswith(("immunesim.views.figures", "matplotlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match="matplotlib"):
        sweep(request(swept(toy, grid(2, 2)), tmp_path / "out", figures=FIGURES))
    assert in_threads == []
    assert not (tmp_path / "out").exists()


# without a folder


def test_a_sweep_without_a_folder_is_the_same_in_memory(toy: Scenario, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    question = swept(toy, Members((*grid(2, 2).rows, FAILING)), ("main", "half"), ("drug",))
    stored, kept = sweep(request(question, tmp_path / "out")), sweep(request(question, None))
    assert list((tmp_path / "temporary").iterdir()) == []
    for name in ("numbers", "values", "measures", "failed"):
        np.testing.assert_array_equal(getattr(kept.outcome.result, name), getattr(stored.outcome.result, name))
    np.testing.assert_array_equal(kept.read_curves(), stored.read_curves())
    assert kept.read_curves().shape == (5, 2, 1, len(saved_times(question)))
    assert np.isnan(kept.read_curves()[4]).all()
    assert (kept.outcome.folder, kept.summary["folder"]) == (None, None)
    assert "results in" not in str(kept)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"workers": 2, "dask": "local"}, "a Dask cluster has its own workers"),
        ({"workers": -1}, "a number of 1 or more, found -1"),
        ({"merge": (Path("a"),), "shard": (1, 2)}, "a merge takes the members of all shards"),
        ({"parquet": True}, "need a folder"),
        ({"figures": True}, "need a folder"),
    ],
)
def test_what_cannot_go_together_is_refused(toy: Scenario, how: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        request(swept(toy, grid(2, 2)), None, **{"workers": 0, **how})


# before it begins, and meanwhile


def test_an_estimate_counts_and_times_and_writes_nothing(toy: Scenario, tmp_path: Path) -> None:
    question = swept(toy, grid(3, 3), keep=("drug",))
    asked = request(question, tmp_path / "out")
    found = estimate(asked)
    assert (found.members, found.stored, found.timed) == (9, 0, 3)
    assert found.seconds == pytest.approx(9 * found.seconds_each / 2)
    assert found.bytes_each == 8 * (2 + 3 + 49 + 1)
    assert not (tmp_path / "out").exists()
    assert "9 to compute: about " in estimate_text(found)
    swept_into(question, tmp_path / "out")
    again = estimate(asked)
    assert (again.stored, again.seconds) == (9, 0.0)
    assert estimate_text(again).endswith("; nothing to compute")
