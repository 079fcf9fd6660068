"""`describe` from Python: the same facts as on the command line, for people, programs and notebooks."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import immunesim as sim
import pytest
from immunesim import cli


def test_a_description_prints_and_holds_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = sim.describe("IL-2")
    assert cli.main(["describe", "IL-2"]) == 0
    assert capsys.readouterr().out == f"{found}\n"
    assert cli.main(["describe", "IL-2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found.facts))
    assert found.facts["name"] == "IL2"


def test_a_notebook_shows_every_fact_as_a_table() -> None:
    found = sim.describe("tumour", model="kirschner_panetta_1998")
    root = ElementTree.fromstring(found._repr_html_())
    assert root.tag == "table"
    keys = [each.text for each in root.iter("th")]
    assert {"name", "label", "changed_by", "loops"} <= set(keys)
    assert "negative feedback" in [each.text for each in root.iter("td")]


def test_a_model_that_was_read_is_described_too() -> None:
    model = sim.describe("kirschner_panetta_1998")
    assert model.facts["model"] == "kirschner_panetta_1998"
    assumed = sim.describe(model="kirschner_panetta_1998", assumed=True)
    assert isinstance(assumed.facts, list)
    assert assumed._repr_html_() is not None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sim.describe("T_activ"), "nothing is called 'T_activ'; did you mean 'T_active'?"),
        (lambda: sim.describe(model="imune"), r"describe\(\): no model 'imune'; did you mean 'immune'?"),
        (lambda: sim.describe("T_division").figure(), "found T_division"),
        (lambda: sim.describe("IL2", steps=0), "expected 1 or more influences away from the name, found 0"),
    ],
)
def test_what_cannot_be_described_is_refused_with_the_nearest(call, message: str) -> None:
    with pytest.raises(sim.InputError, match=message.rstrip("?")):
        call()


def test_describing_needs_neither_scipy_nor_matplotlib() -> None:
    code = (
        "import sys, immunesim as sim; print(sim.describe('IL2')); "
        "sys.exit(bool({'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_pictures_are_written_as_the_command_writes_them(tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz", reason="the extra 'wiring' is not installed")
    found = sim.describe("kirschner_panetta_1998", wiring=tmp_path / "a.svg")
    assert found.facts["pictures"] == [str(tmp_path / "a.svg")]
    with pytest.raises(sim.OutputError, match=r"a\.svg exists; choose another wiring, or force"):
        sim.describe("kirschner_panetta_1998", wiring=[tmp_path / "a.svg"])
    assert found.figure().axes
