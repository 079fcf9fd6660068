"""Sweeps from Python: the same members as on the command line, as arrays, a table, a dataset and a page."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli
from immunesim.runtime.errors import OutputError

from tests.toys import SCENARIO

VARY = {"k_clear": "0.25 1/h:1 1/h:4:log"}


@pytest.fixture
def toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    (folder / "toy.toml").write_text(SCENARIO)
    return "toy.toml"


@pytest.fixture
def swept(toy: str) -> sim.Ensemble:
    return sim.sweep(toy, vary=VARY, measures={"peak": "max(drug)"}, keep="drug", arms=["main", "half"])


def test_a_sweep_of_one_equals_a_run(toy: str) -> None:
    run = sim.run(toy, set={"k_clear": "0.5 1/h"}, certify=False)
    one = sim.sweep(
        toy, vary={"k_clear": ["0.5 1/h"]}, measures=["max(drug)", "auc(drug)"], keep=["drug", "total_cells"]
    )
    assert len(one) == 1
    for measure in ("max(drug)", "auc(drug)"):
        assert one[measure][0] == pytest.approx(run.measure(measure), rel=1e-5)
        assert one.unit(measure) == run.measure(measure).unit
    curves = one.to_xarray()
    for name in ("drug", "total_cells"):
        at = np.searchsorted(run.times, curves["time"].values)
        np.testing.assert_allclose(curves[name].values[0, 0], run[name][at], rtol=1e-5, atol=1e-9)


def test_a_scenario_that_was_read_is_swept_as_its_file(toy: str) -> None:
    by_name, read = (sim.sweep(each, vary=VARY, measures="max(drug)") for each in (toy, sim.read_scenario(toy)))
    np.testing.assert_array_equal(by_name["max(drug)"], read["max(drug)"])


def test_axes_and_measures_are_read_by_name(swept: sim.Ensemble) -> None:
    assert (swept.axes, swept.measures, swept.arms, len(swept), swept.ok) == (
        ("k_clear",), ("peak",), ("main", "half"), 4, True
    )  # fmt: skip
    np.testing.assert_allclose(swept["k_clear"], np.geomspace(0.25, 1.0, 4))
    assert (swept.unit("k_clear"), swept.unit("peak")) == ("1/h", "pM")
    np.testing.assert_allclose(swept["peak"], 2 * swept["peak", "half"], rtol=0.01)
    swept["peak"][:] = 0.0  # a copy
    assert (swept["peak"] > 0.0).all()
    for asked, message in (
        ("peek", "no axis or measure 'peek'; did you mean 'peak'?"),
        (("peak", "haf"), "no arm 'haf'; did you mean 'half'?"),
    ):
        with pytest.raises(KeyError, match=message.replace("?", r"\?")):
            swept[asked]


def test_members_become_a_data_frame_with_units(swept: sim.Ensemble) -> None:
    pytest.importorskip("pandas")
    frame = swept.to_pandas()
    assert list(frame.columns) == ["k_clear", "peak", "peak.half", "failed"]
    assert frame.index.name == "number"
    assert frame.attrs["units"] == {"k_clear": "1/h", "peak": "pM", "peak.half": "pM"}
    assert frame["peak.half"].tolist() == swept["peak", "half"].tolist()
    assert not frame["failed"].any()


def test_the_ids_of_a_list_of_members_are_a_column(toy: str) -> None:
    pytest.importorskip("pandas")
    Path("patients.csv").write_text("id,k_clear [1/h]\nAnna,0.3\nBert,0.6\n")
    frame = sim.sweep(toy, members="patients.csv", measures="max(drug)").to_pandas()
    assert frame[["id", "k_clear"]].values.tolist() == [["Anna", 0.3], ["Bert", 0.6]]


def test_curves_become_a_dataset_from_memory_and_from_a_folder_alike(swept: sim.Ensemble, toy: str) -> None:
    pytest.importorskip("xarray")
    stored = sim.sweep(
        toy, vary=VARY, measures={"peak": "max(drug)"}, keep="drug", arms=["main", "half"], out="out", parquet=True
    )
    kept = swept.to_xarray()
    assert stored.to_xarray().identical(kept)
    assert kept["drug"].dims == ("member", "arm", "time")
    assert (kept["drug"].attrs["units"], kept["time"].attrs["units"]) == ("pM", "h")
    assert kept["k_clear"].values.tolist() == swept["k_clear"].tolist()
    assert kept["drug"].sel(arm="half").max("time").values == pytest.approx(swept["peak", "half"], rel=0.05)
    assert Path("out/members.parquet").exists()


def test_nothing_stays_on_disk_without_a_folder_and_with_one_it_goes_on_there(toy: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    sim.sweep(toy, vary=VARY)
    assert sorted(tmp_path.iterdir()) == before
    first, second = (sim.sweep(toy, vary=VARY, out="out") for _ in range(2))
    assert (first.output.outcome.computed, second.output.outcome.computed) == (4, 0)
    with pytest.raises(OutputError, match="is a sweep of something else"):
        sim.sweep(toy, vary=VARY, out="out", set={"k_absorb": "0.3 1/h"})


def test_the_command_line_computes_the_same(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = sim.sweep(toy, vary={"k_clear": "0.3 1/h:0.9 1/h"}, sample="lhs:5", seed=3, measures="max(drug)", out="a")
    assert asked.output.summary["command"][:2] == ["sweep", "toy.toml"]
    assert cli.main([*asked.output.summary["command"], "--out", "b", "--no-plots"]) == 0, shlex.join(
        asked.output.summary["command"]
    )
    capsys.readouterr()
    assert Path("a/members.csv").read_bytes() == Path("b/members.csv").read_bytes()


def test_shards_are_merged(toy: str) -> None:
    for number in (1, 2):
        sim.sweep(toy, vary=VARY, shard=f"{number}/2", out=f"part-{number}")
    merged = sim.sweep(toy, vary=VARY, merge=["part-1", "part-2"])
    assert (len(merged), merged.output.outcome.computed, merged.ok) == (4, 0, True)


def test_it_prints_itself_in_words_and_shows_itself_in_a_notebook(swept: sim.Ensemble) -> None:
    assert repr(swept) == "<Ensemble of toy: 4 members>"
    assert "4 members (grid of k_clear): 4 computed" in str(swept)
    assert "results in" not in str(swept)
    page = swept._repr_html_()
    assert "data:image/png;base64," in page
    assert "4 members (grid of k_clear): 4 computed" in page
    assert "peak, half" in page
    assert "peak, as described" in page
    assert len(swept.figures()) == 2  # the measure along the axis, and the curves


def test_figures_are_drawn_into_the_folder(toy: str) -> None:
    sim.sweep(toy, vary=VARY, measures="max(drug)", out="out", figures=True)
    assert len(list(Path("out").glob("01_*.svg"))) == 1
    assert json.loads(Path("out/summary.json").read_text())["folder"] == "out"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, r"sweep\(\): nothing to vary in toy"),
        (
            {"vary": {"k_cler": "0:1"}},
            r"sweep\(\): nothing called 'k_cler' can vary; did you mean 'k_clear'\?",
        ),
        ({"vary": VARY, "shard": "3/2"}, r"sweep\(\): a shard is I/N, such as 3/16"),
        ({"vary": VARY, "figures": True}, r"sweep\(\): tables and figures need a folder"),
        ({"vary": VARY, "measures": "max(drg)"}, r"sweep\(\): .*'drg'"),
    ],
)
def test_what_is_wrong_is_an_input_error_of_sweep(toy: str, how: dict[str, object], message: str) -> None:
    with pytest.raises(sim.InputError, match=message):
        sim.sweep(toy, **how)


def test_a_number_is_the_only_value_of_an_axis(toy: str) -> None:
    swept = sim.sweep(toy, vary={"plasma_volume": "0.5 L"}, measures="max(drug)")
    assert swept["plasma_volume"].tolist() == [0.5]


def test_no_text_of_a_table_is_run_by_a_spreadsheet(toy_file: Path, tmp_path: Path) -> None:
    members = tmp_path / "patients.csv"
    members.write_text('id,k_clear [1/h]\n"=HYPERLINK(""http://x"")",0.5\n@sum,0.6\nplain,0.7\n')
    sim.sweep(toy_file, members=members, measures="-max(drug)", out=tmp_path / "out")
    rows = (tmp_path / "out" / "members.csv").read_text().splitlines()
    assert rows[0].split(",")[3].startswith("'-max(drug)")
    assert [row.split(",")[1] for row in rows[1:]] == ['"\'=HYPERLINK(""http://x"")"', "'@sum", "plain"]
    assert all(float(row.split(",")[3]) < 0 for row in rows[1:])
