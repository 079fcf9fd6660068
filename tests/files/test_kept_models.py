"""A model that is read again is the one of its files as they are now."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from immunesim.files.toml.model_file import read_model
from immunesim.runtime.errors import InputError

MODEL = """
title = "Decay"
time_unit = "h"
modules = ["more"]
[sources]
Toy2020 = { citation = "A toy, 2020", link = "https://example.org/toy" }
[species.x]
label = "x"
unit = "pM"
initial = 1
scale = 1
"""
MORE = """
title = "Loss"
[parameters.k]
label = "k"
value = 1
unit = "1/h"
source = "Toy2020"
status = "secondary"
[reactions.loss]
label = "loss"
equation = "x ->"
rate = "k * x"
source = "Toy2020"
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "decay.toml").write_text(MODEL)
    (folder / "more.toml").write_text(MORE)
    return folder / "decay.toml"


def test_a_model_read_again_is_the_same(model: Path, tmp_path: Path) -> None:
    first = read_model(model)
    assert len(list((tmp_path / "cache" / "immunesim").iterdir())) == 1
    again = read_model(model)
    assert again is not first
    assert again == first
    assert again.laws == first.laws


def test_a_change_of_any_of_its_files_is_seen(model: Path) -> None:
    read_model(model)
    more = model.with_name("more.toml")
    before = more.stat()
    more.write_text(MORE.replace("value = 1", "value = 2"))
    os.utime(more, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time and the size are those of before
    assert read_model(model).parameters["k"].value == 2
    more.unlink()
    with pytest.raises(InputError, match="no module 'more'"):
        read_model(model)


def test_a_model_with_faults_is_not_kept(model: Path, tmp_path: Path) -> None:
    model.with_name("more.toml").write_text(MORE.replace('"k * x"', '"k * y"'))
    for _ in range(2):
        with pytest.raises(InputError, match="'y'"):
            read_model(model)
    assert not (tmp_path / "cache" / "immunesim").exists()


def test_a_module_that_appears_where_it_is_looked_for_first_is_taken(model: Path) -> None:
    model.write_text(MODEL.replace('["more"]', '["more", "infection"]'))
    with pytest.raises(InputError):  # the bundled module needs a whole body around it
        read_model(model)
    model.write_text(MODEL)
    read_model(model)
    model.with_name("infection.toml").write_text("")
    assert read_model(model).parameters.keys() == {"k"}


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_what_somebody_else_could_have_written_is_not_believed(model: Path, tmp_path: Path) -> None:
    read_model(model)
    (file,) = (tmp_path / "cache" / "immunesim").iterdir()
    file.write_bytes(b"no model at all")
    file.chmod(file.stat().st_mode | stat.S_IWOTH)
    assert read_model(model).parameters["k"].value == 1
