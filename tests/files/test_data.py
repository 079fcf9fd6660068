"""[[data]]: what people's spreadsheets write is read, or refused by file and line before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim import read_scenario
from immunesim.experiments.scenario import Data
from immunesim.files.results.run_folder import resolved
from immunesim.files.toml import scenario_file as files
from immunesim.runtime.errors import InputError

SCENARIO = """
title = "A toy"
model = "toy_model.toml"
[time]
end = "48 h"
[arms.half]
parameters.k_clear = "0.25 1/h"
[[data]]
name = "mine"
"""
OF_FILE = "curve = 'cells'\nfile = 'mine.csv'\n"
OF_DRUG = "curve = 'drug'\n"


def read(folder: Path, block: str, content: str | bytes = "") -> Data:
    (folder / "mine.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "toy.toml").write_text(SCENARIO + block, encoding="utf-8")
    return read_scenario(folder / "toy.toml").data[0]


def faults(folder: Path, block: str, content: str | bytes = "") -> list[tuple[str, int, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, block, content)
    return [(Path(fault.file).name, fault.line, fault.message) for fault in caught.value.faults]


GERMAN = "Time (h);Mean [cells/µL];SD\r\n3,5;1,25;0,5\r\n4;1e3;\r\n"


@pytest.mark.parametrize(
    "content",
    [
        GERMAN.encode("latin-1"),
        GERMAN.encode("utf-8-sig"),
        GERMAN.encode("utf-16"),
        GERMAN.replace(";", "\t").encode(),
        ("sep=;\r\n" + GERMAN).encode(),
        ("# of the clinic\r\n;;\r\n" + GERMAN + ";;\r\n").encode(),
        GERMAN.replace(",", ".").replace(";", ",").encode(),
    ],
)
def test_every_spreadsheet_says_the_same(folder: Path, content: bytes) -> None:
    data = read(folder, OF_FILE, content)
    assert [(point.time, point.value, point.sd) for point in data.points] == [(3.5, 1.25, 0.5), (4.0, 1000.0, None)]
    assert data.unit_text == "cells/µL"


def test_other_columns_are_left_out_where_some_are_named(folder: Path) -> None:
    block = OF_FILE + "columns = { time = 'Zeit', value = 'Wert', n = 'Tiere' }\nunit = 'cells/uL'"
    [point] = read(folder, block, "Zeit [h];Wert;Notiz;Tiere\n3,5;4,25;hallo;6\n").points
    assert (point.time, point.value, point.n) == (3.5, 4.25, 6)


def test_points_here_have_units_of_their_own_and_count_from_a_time_of_the_run(folder: Path) -> None:
    points = "points = [{ time = '1 d', value = '1 ng/mL' }, { time = '2 h', value = '5 pM', sd = '1 ng/mL' }]"
    data = read(folder, OF_DRUG + points + "\ntime_zero = '2 h'")
    assert [point.time for point in data.points] == [4.0, 26.0]
    assert [point.value for point in data.points] == pytest.approx([5, 50])  # 20,000 g/mol
    assert data.points[0].sd == pytest.approx(50)


def test_values_below_a_limit(folder: Path) -> None:
    points = "points = [{ time = '1 h', value = 'BLQ' }, { time = '2 h', value = 5 }, { time = '3 h', value = '<3' }]"
    data = read(folder, OF_DRUG + points + "\nunit = 'pM'\nbelow = '7 pM'")
    assert [(point.value, point.censored) for point in data.points] == [(7, True), (7, True), (3, True)]


def test_an_interval_says_how_large_an_error_is(folder: Path) -> None:
    csv = "time [h],value [cells/uL],low,high\n1,10,8,12\n"
    [half] = read(folder, OF_FILE, csv).points
    [whole] = read(folder, OF_FILE + "interval = '95 %'", csv).points
    assert half.sd == pytest.approx(2)
    assert whole.sd == pytest.approx(2 / 1.959964, rel=1e-6)
    assert (whole.low, whole.high) == (8, 12)


def test_points_of_subjects_are_put_in_order(folder: Path) -> None:
    points = read(folder, OF_FILE, "id,time [h],value [cells/uL]\nb,3,1\na,3,2\nb,1,4\n").points
    assert [(point.subject, point.time) for point in points] == [("b", 1.0), ("b", 3.0), ("a", 3.0)]


def test_a_resolved_scenario_has_the_points_in_it(folder: Path) -> None:
    block = OF_FILE + "error = 'proportional'\ncv = '20 %'\ntime_zero = '1 h'\narm = 'half'"
    data = read(folder, block, "time [min],value [cells/mL],low,high,n\n30,5,4,7,3\n90,<3,,,\n")
    text = resolved(read_scenario(folder / "toy.toml"))[0].replace('"model.toml"', '"toy_model.toml"')
    (folder / "mine.csv").unlink()
    (folder / "again.toml").write_text(text, encoding="utf-8")
    [again] = read_scenario(folder / "again.toml").data
    assert [point._replace(where="") for point in again.points] == [point._replace(where="") for point in data.points]
    assert again._replace(points=()) == data._replace(points=())


REFUSED = {
    "another unit": (OF_FILE, "time [h],value [pM]\n3,4\n", "mine.csv", [1], "the values are in 'pM'"),
    "no unit": (OF_FILE, "time [h],value\n3,4\n", "toy.toml", [9], "the unit of the values is missing"),
    "no unit of time": (OF_FILE, "time,value [cells/uL]\n3,4\n4,5\n", "mine.csv", [1], "the unit of the times is"),
    "no time": (OF_FILE, "time [kg],value [cells/uL]\n3,4\n4,5\n", "mine.csv", [1], "no unit of time"),
    "another unit of an SD": (OF_FILE, "time [h],value [cells/uL],sd [mg]\n3,4,1\n", "mine.csv", [1], "'mg' is a mass"),
    "doubled": (OF_FILE, "time [h],value [cells/uL]\n3,4\n1,2\n3,4\n", "mine.csv", [4], "a second point at this time"),
    "outside the run": (OF_FILE, "time [h],value [cells/uL]\n-1,4\n49,2\n", "mine.csv", [2, 3], "outside the run"),
    "an SD of zero": (OF_FILE, "time [h],value [cells/uL],sd\n3,4,0\n4,4,-1\n", "mine.csv", [2, 3], "above zero"),
    "no value": (OF_FILE, "time [h],value [cells/uL]\n3,\n4,NA\n", "mine.csv", [2, 3], "the value is missing"),
    "no number": (OF_FILE, "time [h],value [cells/uL]\n3,4x\nx,4\n5,inf\n", "mine.csv", [2, 3, 4], "as a number"),
    "negative and lognormal": (
        OF_FILE + "error = 'lognormal'", "time [h],value [cells/uL]\n3,-4\n4,0\n", "mine.csv", [2, 3],
        "needs values above zero",
    ),
    "two errors": (OF_FILE, "time [h],value [cells/uL],sd,se\n3,4,1,1\n", "mine.csv", [1], "errors are given twice"),
    "half an interval": (OF_FILE, "time [h],value [cells/uL],low,high\n3,4,1,\n", "mine.csv", [2], "one of them is"),
    "outside its interval": (OF_FILE, "time [h],value [cells/uL],low,high\n3,4,5,6\n", "mine.csv", [2], "to rise"),
    "half a person": (OF_FILE, "time [h],value [cells/uL],n\n3,4,2.5\n", "mine.csv", [2], "a whole number"),
    "commas of two kinds": (OF_FILE, "time [h];value [cells/uL]\n3,5;1.234\n", "mine.csv", [2], "which is it?"),
    "thousands": (OF_FILE, "time [h],value [cells/uL]\n3,\"1,234\"\n", "mine.csv", [2], "separators of thousands"),
    "German commas": (OF_FILE, "time [h],value [cells/uL]\n3,5,4,25\n", "mine.csv", [2], "separated by semicolons"),
    "a short row": (OF_FILE, "time [h],value [cells/uL]\n3\n", "mine.csv", [2], "1 values in a table of 2 columns"),
    "no names": (OF_FILE, "1,2\n3,4\n", "mine.csv", [1], "a first line of names"),
    "an unknown column": (OF_FILE, "time [h],value [cells/uL],std\n3,4,1\n", "mine.csv", [1], "'std' is no column"),
    "no row": (OF_FILE, "time [h],value [cells/uL]\n", "mine.csv", [1], "there is no point"),
    "nothing": (OF_FILE, "", "mine.csv", [0], "the file is empty"),
    "a workbook": (OF_FILE, b"PK\x03\x04", "mine.csv", [0], "an Excel workbook"),
    "no text": (OF_FILE, bytes(range(256)), "mine.csv", [0], "not text"),
    "no file": ("curve = 'cells'\nfile = 'none.csv'", "", "none.csv", [0], "no such file"),
    "neither": ("curve = 'cells'\n", "", "toy.toml", [9], "give one of the two"),
    "a number": ("curve = 'max(cells)'\npoints = [{ time = '1 h', value = 1 }]", "", "toy.toml", [10], "no curve"),
    "another arm": (
        "curve = \"at(cells, '1 h', arm='half') * cells\"\npoints = [{ time = '1 h', value = 1 }]",
        "", "toy.toml", [10], "leave 'arm' out",
    ),
    "no limit": (
        "curve = 'cells'\nunit = 'cells/uL'\npoints = [{ time = '1 h', value = 'BLQ' }]", "", "toy.toml", [12],
        "below a limit that nobody gave",
    ),
    "no interval": (
        OF_FILE + "interval = '95 %'", "time [h],value [cells/uL],sd\n3,4,1\n", "toy.toml", [12],
        "are none",
    ),
    "an impossible share": (
        OF_FILE + "interval = '200 %'", "time [h],value [cells/uL],low,high\n3,4,3,5\n", "toy.toml", [12], "0 to 100 %",
    ),
    "a CV of an additive error": (
        OF_FILE + "cv = 0.1", "time [h],value [cells/uL]\n3,4\n", "toy.toml", [12], "'cv' belongs to an error that is",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("block", "content", "file", "lines", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(folder: Path, block: str, content: str | bytes, file: str, lines: list[int], message: str) -> None:
    found = faults(folder, block, content)
    about = [fault for fault in found if fault[0] == file]
    assert [line for _, line, _ in about] == lines
    assert all(message in text for _, _, text in about)
    others = [fault for fault in found if fault[0] != file]
    assert all(text.startswith("the points cannot be read from") for _, _, text in others)


def test_every_fault_of_a_block_is_told_at_once(folder: Path) -> None:
    block = "curve = 'cels'\nfile = 'mine.csv'\narm = 'hal'\nerror = 'lognorm'\nsource = 'nobody'\n"
    found = faults(folder, block, "time [h],value\n3,4,5\n")
    wanted = ["no arm 'hal'", "did you mean 'lognormal'?", "no source 'nobody'", "did you mean 'cells'?", "3 values in"]
    assert all(any(each in text for _, _, text in found) for each in wanted)


def test_points_after_an_end_that_is_moved_are_left_out(folder: Path) -> None:
    read(folder, OF_FILE, "time [h],value [cells/uL]\n3,4\n40,5\n")
    scenario = files.read_scenario(folder / "toy.toml", {"time.end": "24 h"})
    assert len(scenario.data[0].points) == 1
    assert scenario.truncated == ("1 point of the data 'mine' after the end",)


def test_own_sources(folder: Path) -> None:
    points = "points = [{ time = '1 h', value = 1 }]\nunit = 'pM'\nsource = 'mine, Table 1'\n"
    read(folder, OF_DRUG + points + "[sources.mine]\ntitle = 'Our clinic, 2026'")
    source = read_scenario(folder / "toy.toml").source("mine")
    assert source is not None
    assert source.citation == "Our clinic, 2026"
    assert faults(folder, OF_DRUG + points + "[sources.mine]\n")[0][2] == "a source has a title or a citation"
    own = "[sources.Toy2020]\ntitle = 'Another toy'\n[sources.mine]\ntitle = 'Our clinic, 2026'"
    assert "a source of the model already" in faults(folder, OF_DRUG + points + own)[0][2]
