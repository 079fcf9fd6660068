"""The toy, in a folder of its own that is the current one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys import SCENARIO


@pytest.fixture
def toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    Path("toy.toml").write_text(SCENARIO)
    return "toy.toml"
