"""Files that are given: pipes, devices, links to themselves, impossible names, and far too much of anything."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from immunesim.files.reading import read_bytes
from immunesim.files.toml.overrides import SweepOptions
from immunesim.files.toml.scenario_file import find_scenario, read_scenario
from immunesim.runtime.errors import InputError

from tests.toys import SCENARIO

SECRET = "root:$6$topsecret:19000:0:99999:7:::\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices have no names there")


SPECIAL = {  # made in a folder, and called special.toml there where it has no other name
    "a device": (lambda path: path.symlink_to("/dev/zero"), "found a device"),
    "a pipe": (os.mkfifo, "found a pipe"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "a link that leads back to itself"),
    "a directory": (Path.mkdir, "found a directory"),
}
NO_NAMES = {"a NUL": "a\0b.toml", "a long name": "x" * 5000 + ".toml"}


def refused(read: Callable[[], object], message: str) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match=message) as caught:
        read()
    assert time.monotonic() - began < 1
    assert len(str(caught.value)) < 2000


def readers(toy_file: Path, name: str) -> Iterator[Callable[[], object]]:
    """Everything that reads the file `name`, which lies beside the scenario."""
    yield lambda: read_scenario(find_scenario(str(toy_file.parent / name)))
    members = SweepOptions(members=str(toy_file.parent / name))
    yield lambda: read_scenario(toy_file, sweep_options=members)
    quoted = name.replace("\0", "\\u0000")
    toy_file.write_text(f'extends = "{quoted}"\ntitle = "child"\n')
    yield lambda: read_scenario(toy_file)
    toy_file.write_text(SCENARIO.replace("toy_model.toml", quoted))
    yield lambda: read_scenario(toy_file)
    toy_file.write_text(SCENARIO)
    (toy_file.parent / "toy_model.toml").write_text(f'title = "m"\ntime_unit = "d"\nmodules = ["{quoted}"]\n')
    yield lambda: read_scenario(toy_file)


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_regular_file_is_an_error_of_one_line(toy_file: Path, kind: str) -> None:
    make, message = SPECIAL[kind]
    make(toy_file.parent / "special.toml")
    for read in readers(toy_file, "special.toml"):
        refused(read, message)


@pytest.mark.parametrize("kind", NO_NAMES)
def test_a_name_that_no_file_can_have_is_an_error_of_one_line(toy_file: Path, kind: str) -> None:
    for read in readers(toy_file, NO_NAMES[kind]):
        refused(read, "NUL|control characters|too long|no file|no such scenario|no such file|no model|no module")


def test_a_file_that_the_system_makes_up_is_read_to_the_limit_and_no_further() -> None:
    if not Path("/proc/self/maps").exists():
        pytest.skip("no /proc")
    with pytest.raises(InputError, match="more than 100 bytes"):
        read_bytes(Path("/proc/self/maps"), 100)


@pytest.mark.parametrize("header", ["x" * 1_000_000, ",".join(f"c{i}" for i in range(100_000)), "x" * 140_000 + "\n1"])
def test_a_first_line_of_a_megabyte_is_an_error_of_one_line(toy_file: Path, header: str) -> None:
    (toy_file.parent / "m.csv").write_text(header)
    refused(lambda: read_scenario(toy_file, sweep_options=SweepOptions(members="m.csv")), "first line|cannot be read")


def test_a_field_of_more_than_python_reads_is_a_fault(toy_file: Path) -> None:
    (toy_file.parent / "m.csv").write_text("k_clear [1/h]\n" + "1" * 200_000 + "\n")
    options = SweepOptions(members=str(toy_file.parent / "m.csv"))
    refused(lambda: read_scenario(toy_file, sweep_options=options), "not CSV")


@pytest.mark.parametrize("name", ["passwords", "a key", "settings"])
def test_nothing_is_quoted_of_a_file_that_is_no_file_of_ours(toy_file: Path, name: str) -> None:
    content = {
        "passwords": SECRET,
        "a key": "-----BEGIN KEY-----\ntopsecret\n-----END KEY-----\n",
        "settings": '[registry]\ntoken = "topsecret"\n',
    }[name]
    secret = toy_file.parent / "secret.toml"
    secret.write_text(content)
    for read in readers(toy_file, "secret.toml"):
        with pytest.raises(InputError) as caught:
            read()
        assert not any("topsecret" in str(fault) for fault in caught.value.faults)


def test_control_characters_of_a_file_never_reach_a_message(toy_file: Path) -> None:
    toy_file.write_text(SCENARIO.replace('k_clear = "0.25', '"k\\u001b]0;x\\u202e" = "0.25'), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_scenario(toy_file)
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    for character in ("\\u0085", "\\u202e", "\\u2066"):
        toy_file.write_text(SCENARIO.replace("A toy question", f"A {character} question"), encoding="utf-8")
        with pytest.raises(InputError, match="must not contain control characters"):
            read_scenario(toy_file)


def test_a_message_is_no_longer_than_a_screen(toy_file: Path) -> None:
    toy_file.write_text(SCENARIO + "".join(f'[arms.a{i}]\nparameters = {{ nothing{i} = "1" }}\n' for i in range(500)))
    with pytest.raises(InputError) as caught:
        read_scenario(toy_file)
    assert len(caught.value.faults) == 500
    assert str(caught.value).endswith("and 480 more")
    toy_file.write_text(SCENARIO.replace("count = 3", "count = [" + "1, " * 20_000 + "]"))
    with pytest.raises(InputError) as caught:
        read_scenario(toy_file)
    assert len(str(caught.value)) < 1000


def test_a_module_that_has_become_a_pipe_since_is_an_error_of_one_line(toy_file: Path) -> None:
    model = toy_file.parent / "toy_model.toml"
    model.write_text('modules = ["part"]\n' + model.read_text())
    part = toy_file.parent / "part.toml"
    part.write_text('title = "part"\n')
    read_scenario(toy_file)
    part.unlink()
    os.mkfifo(part)
    refused(lambda: read_scenario(toy_file), "found a pipe")
