"""Every file in invalid/ is refused with the messages in its first lines, at the lines it marks."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.runtime.errors import InputError

FOLDER = Path(__file__).parent / "invalid"
FILES = sorted(FOLDER.glob("*.toml"))
EXPECT, HERE = "# expect: ", "# <- here"


def test_there_are_files_to_refuse() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_refused_with_its_message_and_its_line(path: Path) -> None:
    rows = path.read_text(encoding="utf-8").splitlines()
    expected = [row.removeprefix(EXPECT) for row in rows if row.startswith(EXPECT)]
    assert rows[0].startswith(EXPECT)
    with pytest.raises(InputError) as caught:
        read_scenario(path)
    faults = caught.value.faults
    for message in expected:
        assert any(message.strip() in fault.message for fault in faults), f"nothing says {message!r}: {faults}"
    for fault in faults:
        assert any(message.strip() in fault.message for message in expected), f"unexpected: {fault}"
    marked = {number for number, row in enumerate(rows, 1) if row.endswith(HERE)}
    assert {fault.line for fault in faults if fault.file.endswith(path.name) and fault.line} == marked


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_fault_shows_the_file_the_line_and_the_text(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_scenario(path)
    for fault in caught.value.faults:
        where, _, shown = str(fault).partition("\n")
        assert where.startswith(f"{fault.file}:{fault.line}: " if fault.line else f"{fault.file}: ")
        assert shown.strip()[:80] == fault.text[:80]
        assert len(where) < 600
