"""`steady`: states of published models, what it says, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import pytest
from immunesim import cli
from immunesim.tasks.steady import SteadyOutput

from tests.experiments.test_inputs import POINTS, question


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


@pytest.mark.slow
def test_the_human_body_rests_in_one_stable_state() -> None:
    found = sim.steady("stop_signal_missing", arm="healthy", starts=0).found
    assert [each.stable for each in found.found] == [True]
    values = found.values(found.found[0].states)
    assert values["T_regulatory"] == pytest.approx(60, rel=1e-6)


@pytest.fixture(scope="module")
def arthritis() -> SteadyOutput:
    return sim.steady("baker", set={"alpha4": 7}, follow="alpha2=1:30")


def test_the_published_diagram_of_arthritis_with_two_stable_states() -> None:
    """Baker et al. 2013 with alpha4 = 3.5: health and disease between alpha2 = 7.331 and 15.666."""
    found = sim.steady("baker", starts=0, follow="alpha2=1:30").branches
    assert [(each.kind, round(each.point.q, 3)) for each in found.special] == [("fold", 7.331), ("fold", 15.666)]
    (two,) = [each for each in found.stretches if each.stable == 2]
    assert (two.low, two.high) == (pytest.approx(7.331, abs=5e-4), pytest.approx(15.666, abs=5e-4))
    up, down = found.losses
    assert (up.upwards, up.kind, round(up.q, 3), round(up.back, 3)) == (True, "fold", 15.666, 7.331)
    assert down.kind is None


def test_the_published_diagram_of_arthritis_with_flares(arthritis: SteadyOutput) -> None:
    """The same with alpha4 = 7: waves between Hopf points, and health that is lost at a fold."""
    found = arthritis.branches
    assert [(each.kind, round(each.point.q, 3)) for each in found.special] == [
        ("fold", 10.159),
        ("Hopf point", 10.802),
        ("fold", 15.713),
        ("Hopf point", 20.833),
    ]
    up = found.losses[0]
    assert (up.kind, round(up.q, 3), up.then) == ("fold", 15.713, None)  # waves, no steady state
    assert [each.stable for each in found.stretches] == [1, 2, 1, 0, 1]


def test_the_published_diagram_of_acute_inflammation() -> None:
    """Reynolds et al. 2006, Fig. 6: septic death from kpg = 0.5137 on, health to 1.5, aseptic death to 1.755."""
    found = sim.steady("reynolds", follow="kpg").branches
    known = {round(each.point.q, 4): each.kind for each in found.special}
    assert {0.5137: "fold", 1.5: "branch point", 1.7547: "branch point"}.items() <= known.items()
    assert [each.stable for each in found.stretches] == [2, 3, 2, 1]
    up = found.losses[0]
    assert (round(up.q, 6), round(up.back, 4)) == (1.5, 0.5137)
    assert found.states.values(up.then, up.q)["pathogen"] == pytest.approx(13.2, abs=0.05)


def test_the_published_diagram_of_a_tumour_and_il2() -> None:
    """Kirschner and Panetta 1998: the tumour is large below c = 8.55e-5, waxes and wanes up to 0.032, then stays."""
    output = sim.steady("kirschner_panetta", follow="c")
    found = output.branches
    assert [(each.kind, float(f"{each.point.q:.4g}")) for each in found.special] == [
        ("fold", 8.552e-5),
        ("Hopf point", 0.03246),
    ]
    assert [each.stable for each in found.stretches] == [1, 0, 1]
    assert output.found.rest.waves  # the scenario is between the two
    assert "does not come to rest" in str(output)
    assert "it goes round a state that is not stable" in str(output)


@pytest.mark.slow
def test_the_human_stop_signal_has_a_fold_where_health_is_lost(tmp_path: Path) -> None:
    found = sim.steady("stop_signal_tipping", starts=0, follow="stop_block", out=tmp_path / "out")
    up = found.branches.losses[0]
    assert up.kind == "fold"
    arms = {each.name: each.parameters.get("stop_block", 0.0) for each in found.found.scenario.arms}
    assert arms["regained"] < up.back < arms["kept"] == arms["ill"] < up.q < arms["lost"]  # as their runs end
    files = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    assert {"branches.csv", "branches.png", "branches.svg", "states.csv", "steady.json"} <= set(files)


def test_a_range_with_the_default_in_its_middle_has_one_state_there() -> None:
    found = sim.steady("friberg", starts=0, follow="gamma=0.063:0.263").branches
    assert [(each.low, each.high, each.stable) for each in found.stretches] == [(0.063, 0.263, 1)]
    assert [(each.kind, each.upwards) for each in found.losses] == [(None, True), (None, False)]


def test_what_is_followed_is_told_drawn_and_written(arthritis: SteadyOutput) -> None:
    text = str(arthritis)
    assert "is lost as alpha2 rises above 15.713, at a fold; no stable state was found behind it." in text
    assert "No stable steady state between 15.713 and 20.833." in text
    follow = json.loads(json.dumps(arthritis.document, allow_nan=False))["follow"]
    assert follow["rest_lost"][0] == {
        "direction": "up",
        "value": pytest.approx(15.713, abs=5e-4),
        "kind": "fold",
        "comes_back_at": None,
    }
    figure = arthritis.figure()
    (upper, _) = figure.axes
    dashes = {line.get_linestyle() for line in upper.lines if len(line.get_xdata()) > 2}
    assert {"-", "--"} <= dashes
    said = [each.get_text() for each in upper.texts]
    assert said == ["default", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("follow", "message"),
    [
        ("nonsense=1:2", "nothing called 'nonsense' can vary; 'describe' lists the parameters of a model"),
        ("alpha2=3:2", "expected a range that rises, found 3:2"),
        ("alpha2=-1:2", "alpha2 must be at least 0, found '-1'"),
        ("alpha2=1", "expected alpha2=FROM:TO, found 'alpha2=1'"),
        ("alpha2=1 d:2 d", "alpha2"),
        ("initial.p=1:2", "'initial.p' is none"),
        ("alpha2", "alpha2 has no published range; give one, alpha2=FROM:TO"),
        ("alpha2_T=1:2", "nothing that is there without doses in arm main of baker depends on alpha2_T"),
        ("alpha2_rise", "time stands in feedback"),
    ],
)
def test_what_cannot_be_followed_is_refused(say: Callable[..., tuple], follow: str, message: str) -> None:
    code, out, err = say("baker", "--starts", "0", "--follow", follow)
    assert (code, out) == (2, "")
    assert message in err


def test_an_input_counts_as_it_is_at_the_end_and_is_refused_while_it_moves(tmp_path: Path) -> None:
    table = f'[inputs.feed]\ninterpolation = "linear"\n{POINTS}'
    found = sim.steady(question(tmp_path, table, "12 h"), starts=2).found
    assert found.values(found.resting.states)["central"] == pytest.approx(3.0 / 0.5, rel=1e-9)
    assert found.changed == ("feed",)
    with pytest.raises(sim.InputError, match="time"):
        sim.steady(question(tmp_path, table, "8 h"))


def test_without_any_branch_there_are_tables_and_a_word_instead_of_a_figure(failing: Path, tmp_path: Path) -> None:
    found = sim.steady(failing, starts=2, follow="k=0.5 mg/d:2 mg/d", out=tmp_path / "out")
    assert "No steady state was found to follow, so there is no figure." in str(found)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"steady.json", "states.csv", "branches.csv"} <= names
    assert not [name for name in names if Path(name).suffix in (".png", ".svg", ".pdf")]
    with pytest.raises(ValueError, match="there is no figure"):
        found.figure()


def test_an_arm_that_failed_is_not_said_to_move_on(failing: Path, say: Callable[..., tuple]) -> None:
    code, out, _ = say(str(failing), "--arm", "half", "--starts", "2")
    assert code == 4
    assert "Arm half without its doses: FAILED, the derivative of y is not finite at 5" in out
    assert "does not come to rest" not in out
    code, out, _ = say(str(failing), "--starts", "2", "--json")
    document = json.loads(out)
    assert (code, document["failed"], list(document["failed_arms"])) == (1, None, ["half", "start"])
    assert document["fastest_at_end"]["species"] == "x"
    found = sim.steady(failing, arm="start", starts=2)
    assert "Arm start without its doses: FAILED, the derivative of y is not finite at 0 d" in str(found)
    assert "Arm half: FAILED, the derivative of y is not finite at 5" in str(found)
    assert found.document["fastest_at_end"] is None
