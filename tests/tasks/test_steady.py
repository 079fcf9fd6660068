"""`steady`: states of published models, what it says, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import pytest
from immunesim import cli


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], toy_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple]:
    """``say("toy.toml", "--of", "drug")``: exit code, stdout, stderr."""
    monkeypatch.chdir(toy_file.parent)

    def call(*words: str) -> tuple[int, str, str]:
        code = cli.main(["steady", *words])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return call


def test_an_arthritis_that_lasts_has_health_beside_it_and_a_saddle_between() -> None:
    found = sim.steady("baker", arm="lasts").found
    assert [each.stable for each in found.found] == [True, True, False]
    assert found.resting is found.found[0]
    assert found.found[0].arms == ("lasts",)
    assert found.found[0].period == pytest.approx(13.4, abs=0.05)
    a, p = (found.values(found.found[1].states)[name] for name in "ap")
    assert (1.25 * p, a) == pytest.approx(
        ((0.025 + 7.4 * p**2 / (1 + p**2)) / (1 + a**2), 3.5 * p**2 / (0.25 + p**2)), rel=1e-9
    )


def test_an_infection_ends_in_health_or_in_damage_that_feeds_itself() -> None:
    """The three states of Reynolds et al. 2006 without pathogen, Fig. 5: health, aseptic death, and a saddle."""
    found = sim.steady("reynolds", of=["phagocytes", "damage"])
    without = [each for each in found.found.found if found.found.values(each.states)["pathogen"] < 1e-9]
    assert [each.stable for each in without] == [True, True, False]
    assert found.found.values(without[1].states)["phagocytes"] == pytest.approx(0.635, abs=5e-4)


def test_doses_are_left_out_and_parameters_are_those_of_the_end(say: Callable[..., tuple]) -> None:
    code, out, _ = say("toy.toml")
    assert code == 0
    assert "Doses are left out: push and drip." in out
    assert "Arm main without its doses comes to rest in state 1." in out


def test_files_and_json_hold_the_same(say: Callable[..., tuple]) -> None:
    code, out, _ = say("baker", "--arm", "lasts", "--json", "--out", "rest")
    assert code == 0
    document = json.loads(out)
    assert document == json.loads(Path("rest/steady.json").read_text(encoding="utf-8"))
    rows = {
        row["name"]: row for row in csv.DictReader(Path("rest/states.csv").read_text(encoding="utf-8").splitlines())
    }
    assert float(rows["p"]["state 3"]) == document["states"][2]["values"]["p"]
    assert say("baker", "--out", "rest")[0] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("baker_ageing",), "time stands in feedback, which changes p"),
        (("baker", "--arm", "lats"), "did you mean 'lasts'?"),
        (("baker", "--of", "q"), "no species or observable 'q'"),
        (("baker", "--starts", "-1"), "expected 0 to 10,000 random starts, found -1"),
    ],
)
def test_what_cannot_be_answered_is_refused(say: Callable[..., tuple], words: tuple[str, ...], message: str) -> None:
    code, out, err = say(*words)
    assert (code, out) == (2, "")
    assert message in err


def test_the_human_body_rests_in_one_stable_state() -> None:
    found = sim.steady("stop_signal_missing", arm="healthy", starts=0).found
    assert [each.stable for each in found.found] == [True]
    values = found.values(found.found[0].states)
    assert values["T_regulatory"] == pytest.approx(60, rel=1e-6)
