"""The store of a sweep: whole blocks or none, nothing twice, nothing of another model, nothing lost to damage."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.sweeps.compute import Block, compute, killed_member, values_of
from immunesim.files.results.member_index import ABSENT, UNSORTED, MemberIndex, member_keys
from immunesim.files.results.member_store import MemberStore, open_store
from immunesim.files.results.netcdf_block import (
    DamagedBlockError,
    decode_block,
    encode_block,
    measure_names,
    stored_axes,
)
from immunesim.files.results.sweep_tables import columns
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.runtime.errors import OutputError
from scipy.io import netcdf_file

from tests.sweeps import CLEAR, PUSH, Members, grid, swept
from tests.toys import SCENARIO, TOY_MODEL

ROWS = (*grid(2, 2).rows, (-60.0, 400.0))


@pytest.fixture
def toy(toy_file: Path) -> Scenario:
    return swept(read_scenario(toy_file), Members(ROWS), ("main", "half"), ("drug", "total_cells"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Block:
    """All members of `toy`; the last fails, which takes both solvers a while."""
    folder = tmp_path_factory.mktemp("toy")
    shutil.copy(TOY_MODEL, folder / TOY_MODEL.name)
    (folder / "toy.toml").write_text(SCENARIO, encoding="utf-8")
    scenario = swept(read_scenario(folder / "toy.toml"), Members(ROWS), ("main", "half"), ("drug", "total_cells"))
    return compute(scenario, np.arange(5))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def numbers(*those: int) -> np.ndarray:
    return np.array(those, dtype=np.int64)


def offsets(store: MemberStore) -> np.ndarray:
    design = store.scenario.sweep.design
    return store.find(store.keys(design.values(0, design.count)))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same(one: Block, other: Block) -> None:
    for name in ("values", "measures", "failed", "curves"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.outcomes == other.outcomes


# a block as a file


def test_a_block_reads_back_to_the_last_bit_with_its_failures(toy: Scenario, whole: Block) -> None:
    assert whole.outcomes
    axes, again = decode_block(encode_block(whole, toy, stored_axes(toy)), toy, curves=True)
    assert [(axis.path, axis.unit_text) for axis in axes] == [("k_clear", "1/h"), ("dose.push.amount", "pmol")]
    same(again, whole)


def test_a_block_is_a_netcdf_file_with_labels_and_units(toy: Scenario, whole: Block, tmp_path: Path) -> None:
    (tmp_path / "block.nc").write_bytes(encode_block(whole.take(numbers(0, 4)), toy, stored_axes(toy)))
    with netcdf_file(tmp_path / "block.nc", mmap=False) as file:
        assert file.version_byte == 2
        assert file.variables["k_clear"].units == b"1/h"
        assert file.variables["peak"].dimensions == ("member", "arm")
        assert file.variables["curve.drug"].units == b"pM"
        assert file.variables["curve.drug"].long_name == b"drug in plasma"
        assert file.variables["time"].units == b"h"
        assert b"".join(file.variables["failure_reaction"].data[0]) == b"clearance"


def test_a_measure_named_as_an_axis_keeps_its_own_column(toy: Scenario) -> None:
    sweep = toy.sweep
    named = replace(sweep, measures=(sweep.measures[0]._replace(id="k_clear"), *sweep.measures[1:]))
    block = compute(toy, numbers(0, 1))
    other = replace(toy, sweep=named)
    same(decode_block(encode_block(block, other, stored_axes(other)), other, curves=True)[1], block)


@pytest.mark.parametrize(
    "ids",
    [
        ("failed", "arm_name", "time"),
        ("failure_row", "failure_time", "failure"),
        ("curve.drug", "measure.curve.drug", "drug"),
        ("k_clear", "measure.k_clear", "arm"),
        ("number", "outcome", "axis.k_clear"),
        ("Entzündung", "µg", "炎症"),
    ],
)
def test_a_measure_may_have_any_name(toy: Scenario, whole: Block, ids: tuple[str, ...]) -> None:
    named = renamed(toy, ids)
    axes, again = decode_block(encode_block(whole, named, stored_axes(named)), named, curves=True)
    same(again, whole)
    back = renamed(toy, ids[::-1])  # of the same identity
    moved = measure_names(back, axes)
    assert moved[::-1] == measure_names(named, axes)
    header = columns(named)[0]
    assert len({"number", "outcome", *header}) == 2 + len(header)


def renamed(toy: Scenario, ids: Sequence[str]) -> Scenario:
    measures = [each._replace(id=id) for each, id in zip(toy.sweep.measures, ids, strict=True)]
    return replace(toy, sweep=replace(toy.sweep, measures=tuple(measures)))


def test_a_measure_named_as_another_in_an_arm_keeps_its_own_column(toy: Scenario) -> None:
    named = renamed(toy, ("peak", "peak.half", "measure.peak.half"))
    header = columns(named)[0]
    assert len(set(header)) == len(header) == 2 + 2 * 3


@pytest.mark.parametrize("path", ["failed", "time", "arm", "arm_name", "failure_row", "number", "outcome"])
def test_an_axis_may_have_any_name(toy: Scenario, whole: Block, path: str) -> None:
    named = replace(toy, sweep=replace(toy.sweep, design=Members(ROWS, (CLEAR._replace(path=path), PUSH))))
    axes, again = decode_block(encode_block(whole, named, stored_axes(named)), named, curves=True)
    assert axes[0].path == path
    same(again, whole)
    header = columns(named)[0]
    assert len({"number", "outcome", *header}) == 2 + len(header)


def test_titles_labels_units_and_names_are_utf_8(toy: Scenario, tmp_path: Path) -> None:
    named = renamed(replace(toy, title="Entzündung"), ("Größe", "left", "when"))
    axes = [axis._replace(label="µg-Dosis", unit_text="µg") for axis in stored_axes(named)]
    block = compute(toy, numbers(0, 1))
    content = encode_block(block, named, axes)
    again = decode_block(content, named, curves=True)
    assert again[0] == axes
    same(again[1], block)
    (tmp_path / "block.nc").write_bytes(content)
    with netcdf_file(tmp_path / "block.nc", mmap=False) as file:
        assert file.title.decode() == "Entzündung"
        assert file.variables["k_clear"].long_name.decode() == "µg-Dosis"
        assert file.variables["k_clear"].units.decode() == "µg"
    assert "Größe".encode() in content


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_what_is_no_whole_file_is_no_block(toy: Scenario, cut: int) -> None:
    with pytest.raises(DamagedBlockError):
        decode_block(encode_block(compute(toy, numbers(0, 1)), toy, stored_axes(toy))[:cut], toy)


def test_bytes_that_were_changed_anywhere_are_damage_or_a_block_and_nothing_else(toy: Scenario, whole: Block) -> None:
    content, rng = encode_block(whole, toy, stored_axes(toy)), random.Random(1)
    damaged = 0
    for turn in range(400):
        harmed = bytearray(content)
        at = rng.randrange(min(len(content), 3000))
        harmed[at : at + 4] = (b"", rng.randbytes(1), rng.randbytes(8), b"\x7f\xff\xff\xff")[turn % 4]
        try:
            decode_block(bytes(harmed), toy, curves=True)
        except DamagedBlockError:
            damaged += 1
    assert damaged > 200


@pytest.mark.parametrize("error", [MemoryError, TypeError, ZeroDivisionError])
def test_a_bug_or_a_lack_of_memory_is_no_damage(
    toy: Scenario, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    content = encode_block(compute(toy, numbers(0, 1)), toy, stored_axes(toy))

    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("immunesim.files.results.netcdf_block.Block", failing)
    with pytest.raises(error):
        decode_block(content, toy)


# the index


def test_a_key_is_that_of_the_values_and_not_of_their_order() -> None:
    design = Members(((0.25, 400.0), (0.5, 400.0)))
    scenario_axes = [CLEAR, PUSH]
    from immunesim.files.results.netcdf_block import StoredAxis

    axes = [StoredAxis(axis.path, axis.unit_text, axis.label) for axis in scenario_axes]
    keys = member_keys(axes, design.values(0, 2))
    assert keys[0] != keys[1]
    np.testing.assert_array_equal(member_keys(axes[::-1], design.values(0, 2)[:, ::-1]), keys)
    assert member_keys([axes[0]._replace(unit_text="1/d"), axes[1]], design.values(0, 1))[0] != keys[0]
    assert member_keys(axes, np.array([[-0.0, 1.0]])) == member_keys(axes, np.array([[0.0, 1.0]]))
    assert member_keys(axes, np.array([[0.25, np.nextafter(400.0, 0.0)]]))[0] != keys[0]


def test_an_index_finds_what_was_added_and_keeps_the_first() -> None:
    index, count = MemberIndex(), UNSORTED + 10
    keys = np.array([number.to_bytes(16, "little") for number in range(count)], dtype="S16")
    rng = np.random.default_rng(1)
    for part in np.array_split(rng.permutation(count), 7):
        index.add(keys[part], part)
        index.add(keys[part], part + 1)
    assert len(index) == count
    assert len(index._keys) > UNSORTED  # sorted in at least once
    np.testing.assert_array_equal(index.find(keys), np.arange(count))
    assert index.find(np.array([b"\xff" * 16], dtype="S16"))[0] == ABSENT


# the folder


def test_what_was_added_is_found_again_and_read_in_any_order(toy: Scenario, whole: Block, out: Path) -> None:
    first, second = whole.take(numbers(0, 3)), whole.take(numbers(1, 4))
    with open_store(out, toy) as store:
        store.add(first)
        store.add(second)
        assert (offsets(store) == ABSENT).tolist() == [False, False, True, False, False]
    with open_store(out, toy) as store:
        found = offsets(store)
        chosen = numbers(4, 0, 1)
        block = store.block(chosen, values_of(toy.sweep.design, np.sort(chosen))[[2, 0, 1]], found[chosen], curves=True)
        same(block, whole.take(chosen))
        assert not store.missing(store.keys(toy.sweep.design.values(0, 2))).any()


def test_a_member_is_known_by_its_values_whatever_its_number(toy: Scenario, toy_file: Path, out: Path) -> None:
    with open_store(out, toy) as store:
        store.add(compute(toy, numbers(0, 1)))
    refined = swept(
        read_scenario(toy_file), Members((ROWS[2], ROWS[1], ROWS[0])), ("main", "half"), ("drug", "total_cells")
    )
    with open_store(out, refined) as store:
        assert (offsets(store) == ABSENT).tolist() == [True, False, False]
    swapped = Members(tuple(row[::-1] for row in ROWS), (PUSH, CLEAR))
    with open_store(out, swept(read_scenario(toy_file), swapped, ("main", "half"), ("drug", "total_cells"))) as store:
        assert (offsets(store) == ABSENT).tolist() == [False, False, True, True, True]


def test_a_failure_of_the_machine_is_tried_again_and_one_of_the_model_is_not(toy: Scenario, out: Path) -> None:
    with open_store(out, toy) as store:
        store.add(killed_member(toy, 0, "a power cut"))
        store.add(compute(toy, numbers(4)))
        assert store.missing(store.keys(toy.sweep.design.values(0, 5))).tolist() == [True, True, True, True, False]
        assert (offsets(store) == ABSENT).tolist() == [False, True, True, True, False]  # and yet it is in the tables
        store.add(compute(toy, numbers(0)))
    with open_store(out, toy) as store:
        found = offsets(store)[:1]
        assert not store.block(numbers(0), np.empty((1, 2)), found).failed.any()


CHANGES = {
    "parameters.k_clear was '0.25 1/h', is '0.26 1/h'": ('k_clear = "0.25 1/h"', 'k_clear = "0.26 1/h"'),
    "dose.push.count was 3, is 4": ("count = 3", "count = 4"),
    "end was 48": ('end = "48 h"', 'end = "47 h"'),
    "scenario.arms.third is new": ("[show]", "[arms.third]\ninitial.drug = '2 pM'\n[show]"),
}


@pytest.mark.parametrize("difference", CHANGES)
def test_a_store_of_another_scenario_is_refused_and_stays_as_it_is(
    toy: Scenario, toy_file: Path, out: Path, difference: str
) -> None:
    with open_store(out, toy) as store:
        store.add(compute(toy, numbers(0)))
    before = everything(out)
    old, new = CHANGES[difference]
    assert old in toy_file.read_text()
    toy_file.write_text(toy_file.read_text().replace(old, new))
    other = swept(read_scenario(toy_file), Members(ROWS), ("main", "half"), ("drug", "total_cells"))
    with (
        pytest.raises(OutputError, match="is a sweep of something else, and stays as it is") as error,
        open_store(out, other),
    ):
        pass
    assert difference in str(error.value)
    assert everything(out) == before


def test_another_model_solver_version_or_measure_is_another_sweep(
    toy: Scenario, toy_file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(out, toy):
        pass
    model = toy_file.with_name("toy_model.toml")
    text = model.read_text()

    def refused(scenario: Scenario) -> str:
        with pytest.raises(OutputError) as error, open_store(out, scenario):
            pass
        return str(error.value)

    fewer = swept(read_scenario(toy_file), Members(ROWS), ("main",), ("drug",))
    assert "sweep.arms was" in refused(fewer)
    with monkeypatch.context() as patch:
        patch.setenv("IMMUNESIM_ENGINE", "scipy")
        assert "solver was 'Rodas5P, compiled, rtol 1e-06, atol rtol * 0.001 * scale', is 'LSODA" in refused(toy)
    with monkeypatch.context() as patch:
        patch.setattr("immunesim.files.results.sweep_identity.versions", lambda: {"immunesim": "99"})
        assert "is '99'" in refused(toy)
    model.write_text(text.replace('rate = "k_clear * drug"', 'rate = "2 * k_clear * drug"'))
    changed = swept(read_scenario(toy_file), Members(ROWS), ("main", "half"), ("drug", "total_cells"))
    assert "model.reactions.clearance.rate was 'k_clear * drug', is '2 * k_clear * drug'" in refused(changed)


def test_words_of_the_model_and_the_design_make_no_other_sweep(toy: Scenario, toy_file: Path, out: Path) -> None:
    with open_store(out, toy):
        pass
    model = toy_file.with_name("toy_model.toml")
    model.write_text(model.read_text().replace('label = "clearance of the drug"', 'label = "how fast it goes"'))
    toy_file.write_text(toy_file.read_text().replace("A toy question", "Another title"))
    same_numbers = swept(read_scenario(toy_file), grid(3, 3), ("main", "half"), ("drug", "total_cells"))
    with open_store(out, same_numbers):
        pass


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"thesis.txt": "years"}, "holds thesis.txt and no sweep; choose another folder"),
        ({"blocks/0123.nc": "CDF"}, r"out holds members and no sweep.json that says of which sweep"),
        ({"sweep.json": "{"}, r"sweep.json cannot be read \(.*\); choose another --out"),
        ({"sweep.json": "[]"}, "sweep.json cannot be read"),
        ({"sweep.json": '{"identity": "0"}'}, "is a sweep of something else"),
    ],
)
def test_a_folder_of_something_else_is_refused(toy: Scenario, out: Path, files: dict[str, str], message: str) -> None:
    (out / "blocks").mkdir(parents=True)
    for name, text in files.items():
        (out / name).write_text(text)
    with pytest.raises(OutputError, match=message), open_store(out, toy):
        pass
    with pytest.raises(OutputError, match=message):  # as in a merge
        MemberStore(out, toy)
    assert everything(out) == {name: text.encode() for name, text in files.items()}


def test_a_file_is_no_folder(toy: Scenario, out: Path) -> None:
    out.write_text("precious")
    with pytest.raises(OutputError, match="is a file, not a folder"), open_store(out, toy):
        pass


def test_a_kill_before_the_first_block_leaves_a_folder_to_go_on_in(toy: Scenario, out: Path) -> None:
    (out / "blocks").mkdir(parents=True)
    (out / ".lock").touch()
    with open_store(out, toy) as store:
        assert len(store) == 0


def test_what_a_kill_left_half_written_is_taken_away(toy: Scenario, out: Path) -> None:
    with open_store(out, toy):
        pass
    (out / "blocks" / "0123.nc.part").write_bytes(b"CDF")
    with open_store(out, toy) as store:
        assert len(store) == 0
    assert list((out / "blocks").iterdir()) == []


@pytest.mark.parametrize("harm", ["cut", "flip", "other name", "other sweep"])
def test_a_damaged_block_is_named_and_set_aside_and_its_members_are_missing(
    toy: Scenario, toy_file: Path, out: Path, harm: str
) -> None:
    with open_store(out, toy) as store:
        store.add(compute(toy, numbers(0, 1)))
        store.add(compute(toy, numbers(2)))
        name = store.names[0]
    path = out / "blocks" / name
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "flip":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif harm == "other name":
        path = path.rename(path.with_name("mine.nc"))
        name = "mine.nc"
    else:
        path.write_bytes(b"")
    with open_store(out, toy) as store:
        assert list(store.damaged) == [name]
        assert (offsets(store)[:3] == ABSENT).tolist() == [True, True, False]
    assert not path.exists()
    assert path.with_name(name + ".damaged").exists()
    with open_store(out, toy) as store:
        assert not store.damaged


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_loses_the_block_and_nothing_else(
    toy: Scenario, out: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str]
) -> None:
    with open_store(out, toy) as store:
        store.add(compute(toy, numbers(0)))
        before = everything(out)
        with monkeypatch.context() as patch:
            patch.setattr(*place, full)
            with pytest.raises(OutputError, match=r"out cannot be written: No space left on device"):
                store.add(compute(toy, numbers(1)))
        assert everything(out) == before
        assert len(store) == 1


def test_a_block_has_its_name_only_when_all_of_it_is_on_the_disk(
    toy: Scenario, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, fsync = [], os.fsync

    def watched(file: int) -> None:
        seen.append(sorted(path.suffix for path in (out / "blocks").iterdir()))
        fsync(file)

    with open_store(out, toy) as store:
        monkeypatch.setattr(os, "fsync", watched)
        store.add(compute(toy, numbers(0)))
    assert seen[0] == [".part"]
    assert seen[1:] in ([[".nc"]], [])


def test_a_block_that_has_room_for_its_beginning_alone_leaves_nothing(toy: Scenario, out: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_store(out, toy) as store:
        before = everything(out)
        block = compute(toy, numbers(0, 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(OutputError, match=r"out cannot be written: File too large"):
                store.add(block)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert everything(out) == before
        store.add(block)
        assert len(store) == 2


def test_a_read_only_folder_is_said_before_anything_is_computed(
    toy: Scenario, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with open_store(out, toy):
        pass
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(OutputError, match="out cannot be written: Read-only file system"), open_store(out, toy):
        pass


def test_a_second_process_is_refused_and_a_kill_leaves_no_lock(toy: Scenario, out: Path) -> None:
    with open_store(out, toy):
        pass
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom immunesim.files.results.folder import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(OutputError, match=r"another process is at work in .*out; wait for it"),
            open_store(out, toy),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with open_store(out, toy):
        pass


# shards


def test_merged_members_stand_once_and_the_folders_merged_stay_as_they_are(toy: Scenario, tmp_path: Path) -> None:
    for name, those in (("a", (0, 1, 2)), ("b", (1, 3)), ("c", (1, 2))):
        with open_store(tmp_path / name, toy) as store:
            store.add(compute(toy, numbers(*those)))
    before = everything(tmp_path)
    with open_store(tmp_path / "all", toy) as store:
        taken = [store.merge(MemberStore(tmp_path / name, toy)) for name in "abc"]
        assert taken == [3, 1, 0]
    kept = [content for name, content in everything(tmp_path / "all").items() if name.endswith(".nc")]
    assert sum(len(decode_block(content, toy)[1].numbers) for content in kept) == 4  # in the files too
    assert {name: content for name, content in everything(tmp_path).items() if not name.startswith("all")} == before
    with open_store(tmp_path / "all", toy) as store:
        there = numbers(0, 1, 2, 3)
        block = store.block(there, toy.sweep.design.values(0, 4), offsets(store)[:4], curves=True)
        same(block, compute(toy, there))


def test_a_merge_puts_a_good_member_over_a_failure_of_the_machine_and_never_the_other_way(
    toy: Scenario, tmp_path: Path
) -> None:
    with open_store(tmp_path / "good", toy) as good:
        good.add(compute(toy, numbers(0, 1)))
    with open_store(tmp_path / "killed", toy) as store:
        store.add(killed_member(toy, 0, "a power cut"))
        store.add(killed_member(toy, 2, "a power cut"))
        assert store.merge(MemberStore(tmp_path / "good", toy)) == 2
        found = offsets(store)
        block = store.block(numbers(0, 1, 2), np.empty((3, 2)), found[:3])
        assert block.failed[:, 0].tolist() == [False, False, True]
    with open_store(tmp_path / "good", toy) as store:
        assert store.merge(MemberStore(tmp_path / "killed", toy)) == 0
        assert len(store.names) == 2  # member 2 alone came with its failure
        assert not store.block(numbers(0), np.empty((1, 2)), offsets(store)[:1]).failed.any()
        store.merge(MemberStore(tmp_path / "killed", toy))
        assert len(store.names) == 2


def test_the_identity_is_plain_json_with_readable_parts(toy: Scenario, out: Path) -> None:
    with open_store(out, toy):
        pass
    found = json.loads((out / "sweep.json").read_text())
    assert len(found["identity"]) == 32
    assert found["scenario"]["parameters"] == {"k_clear": "0.25 1/h"}
    assert found["model"]["reactions"]["clearance"] == {"equation": "drug ->", "rate": "k_clear * drug"}
    assert found["measures"]["peak"] == "max(drug) [pM]"
