"""`explain` on the toy: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim import cli, read_scenario
from immunesim.experiments.explanation.explain import explain
from immunesim.files.results.run_folder import read_table
from immunesim.files.toml.scenario_file import find_scenario
from immunesim.views.figures.explain import picture
from immunesim.views.text.explain import explanation_text, sentences
from matplotlib.text import Annotation, Text

from tests.slow import thinned
from tests.toys import RATIO_MODEL


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], toy_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple]:
    """``say("--of", "drug")`` explains the toy: exit code, stdout, stderr."""
    monkeypatch.chdir(toy_file.parent)

    def call(*words: str) -> tuple[int, str, str]:
        try:
            code = cli.main(["explain", "toy.toml", *words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return call


def test_the_terminal_says_what_turns_the_drug_and_balances_it_at_a_time(say) -> None:
    code, out, err = say("--of", "DRUG", "--at", "6 h", "--at", "0.5 d")
    assert (code, err) == (0, "")
    assert out.startswith("Drug in plasma (drug) in toy, arm main\n")
    assert "At 2 h it jumps to 100 pM by dosing (push)." in out
    assert "“clearance”" in out
    balance = out[out.index("At 6 h: ") : out.index("At 12 h: ")]
    value = float(re.search(r"At 6 h: ([\d.]+) pM", balance)[1])
    assert value == pytest.approx(100 * np.exp(-0.25 * 4), rel=5e-3)
    given = 2 * 80 * 50 / 20_000 / 4 / 3  # 2 IU/kg of 80 kg at 50 pg/IU of 20 kg/mol, in 4 L, over 3 h: pmol/L/h
    found = (re.search(rf"{word} +([\d.]+) +100 %  (\w+)", balance).groups() for word in ("gain", "loss"))
    gain, loss = ((float(size), id) for size, id in found)
    assert gain == (pytest.approx(given, rel=5e-3), "doses")
    assert loss == (pytest.approx(0.25 * value, rel=5e-3), "clearance")


def test_the_document_adds_up_and_is_alone_on_stdout(say) -> None:
    code, out, _ = say("--of", "drug", "--against", "half", "--json", "--set", "dose.drip.amount=1 IU/kg")
    assert code == 0
    found = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    whole = found["whole"]
    assert whole["gain"] - whole["loss"] == pytest.approx(whole["final"] - whole["initial"], abs=1e-6 * whole["gain"])
    for phase in found["phases"]:
        parts = phase["balance"]["contributions"]
        assert sum(part["gain"] for part in parts) == pytest.approx(phase["balance"]["gain"], rel=1e-9)
        assert sum(part["loss"] for part in parts) == pytest.approx(phase["balance"]["loss"], rel=1e-9)
    assert found["against"]["arm"] == "half"
    assert found["sentences"]
    assert "Changed in all arms: k_clear = 1 1/h.\n" in say("--of", "drug", "--set", "k_clear=1 1/h")[1]
    assert found["loops"] == []


def test_the_table_holds_the_curve_and_what_adds_up_to_its_derivative(say) -> None:
    assert say("--of", "drug", "--out", "why")[0] == 0
    assert sorted(path.name for path in Path("why").iterdir()) == [
        "explain.csv", "explain.json", "explain.png", "explain.svg", "manifest.json"
    ]  # fmt: skip
    header, table = read_table(Path("why/explain.csv"))
    assert header[:3] == ["time [h]", "drug [pM]", "derivative [pM/h]"]
    assert any(name.startswith("clearance ") for name in header)
    np.testing.assert_allclose(table[:, 3:].sum(axis=1), table[:, 2], atol=1e-12 * np.abs(table[:, 3:]).max())
    assert json.loads(Path("why/explain.json").read_text())["name"] == "drug"
    svg = Path("why/explain.svg").read_text()
    assert "It peaks" in svg or "it jumps" in svg  # the description in words
    code, _, err = say("--of", "drug", "--out", "why")
    assert code == 3
    assert "exists; choose another --out" in err
    assert say("--of", "cells", "--out", "why", "--force")[0] == 0


@pytest.fixture(scope="module")
def endotoxin() -> sim.Run:
    return sim.run("endotoxin", arms="main", certify=False)


def test_what_turned_a_curve_is_told_before_the_phase_that_it_began(endotoxin: sim.Run) -> None:
    heads = [" ".join(sentence.split()[:2]) for sentence in endotoxin.explain("TNF").sentences]
    assert heads.index("It begins") < heads.index("It rises") < heads.index("It peaks") < heads.index("It falls")


@pytest.mark.slow
def test_the_table_of_an_observable_has_its_species_and_not_their_turnover(endotoxin: sim.Run, tmp_path: Path) -> None:
    found = endotoxin.explain("blood_pressure")
    assert all(part.id != "histamine" for phase in found.explanation.phases for part in phase.balance.contributions[:1])
    header, table = read_table(found.save(tmp_path / "why") / "explain.csv")
    assert "through vascular_leak [mmHg/d]" in header
    assert not any("histamine_" in name for name in header)
    np.testing.assert_allclose(table[:, 3:].sum(axis=1), table[:, 2], atol=1e-9 * np.abs(table[:, 2]).max())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--of", "drgu"], "no species or observable 'drgu'; did you mean 'drug'?"),
        (["--of", "k_clear"], "'k_clear' is a parameter and has no curve; explain a species or observable"),
        (["--of", "drug", "--at", "3 kg"], "expected a time such as '3 h', found '3 kg'"),
        (["--of", "drug", "--at", "49 h"], "expected a time from 0 to 48 h, found '49 h'"),
        (["--of", "drug", "--at", "soon"], "soon"),
        (["--of", "drug", "--arm", "haf"], "no arm 'haf'; did you mean 'half'?"),
        (["--of", "drug", "--against", "haf"], "--against haf"),
        ([], "--of"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_nearest(say, words: list[str], message: str) -> None:
    code, out, err = say(*words)
    assert (code, out) == (2, "")
    assert message in err


def test_a_run_that_fails_is_explained_up_to_there(say) -> None:
    path = Path("toy_model.toml")
    path.write_text(
        path.read_text().replace('rate = "k_clear * drug"', 'rate = "k_clear * drug * (1 - drug / K_drug * 200)"')
    )
    code, out, err = say("--of", "drug", "--json")
    assert code == 4
    assert "arm main failed: " in err
    assert json.loads(out)["whole"]["end"] < 48


def test_sentences_read_right_whatever_a_label_says(say, toy_file: Path) -> None:
    path = Path("toy_model.toml")
    path.write_text(
        path.read_text().replace("[reactions.clearance]", '[reactions.clearance]\nlabel = "the kidneys, at $5 a day"')
    )
    found = sentences(explain(read_scenario(toy_file), "main", "drug"))
    assert any("by “the kidneys, at $5 a day”" in sentence for sentence in found)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in found)
    picture(explain(read_scenario(toy_file), "main", "drug")).figure.canvas.draw()


DRAWN = [
    ("kirschner_panetta", "tumour", None),
    ("acute_infection", "IL2", None),
    ("acute_infection", "pathogen", "without_IL2"),
    ("il2_therapy", "IL2", None),
    ("il2_therapy", "blood_pressure", "half_dose"),
    ("transient_stop", "T_self", "healthy"),
]


@pytest.mark.parametrize(
    ("name", "curve", "against"),
    thinned(DRAWN, every=len(DRAWN), unpack=True),
    ids=[":".join(each[:2]) for each in DRAWN],
)
def test_no_text_of_the_picture_covers_another_and_nothing_is_cut(name: str, curve: str, against: str | None) -> None:
    found = explain(read_scenario(find_scenario(name)), "main", curve, against=against)
    assert len(explanation_text(found).splitlines()) > 5
    figure = picture(found).figure
    figure.canvas.draw()
    texts = [each for each in figure.findobj(Text) if each.get_text() and each.get_visible()]
    texts = [each for each in texts if not isinstance(each, Annotation)]  # turning points may be close
    boxes = [(each.get_text(), each.get_window_extent()) for each in texts]
    width, height = figure.canvas.get_width_height()
    for words, box in boxes:
        assert -1 <= box.x0 <= box.x1 <= width + 1, words
        assert -1 <= box.y0 <= box.y1 <= height + 1, words
    for i, (words, box) in enumerate(boxes):
        for other, there in boxes[i + 1 :]:
            apart = box.x1 <= there.x0 + 1 or there.x1 <= box.x0 + 1 or box.y1 <= there.y0 + 1 or there.y1 <= box.y0 + 1
            assert apart, (words, other)


def test_python_explains_as_the_command_does(say, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(UserWarning, match="sets k_clear") as warned:
        found = sim.explain("toy.toml", "DRUG", against="half", at="6 h", set={"k_clear": "1 1/h"})
    asked = ["--of", "DRUG", "--against", "half", "--at", "6 h", "--set", "k_clear=1 1/h"]
    code, out, err = say(*asked)
    assert (code, out) == (0, f"{found}\n")
    assert err.replace("--set", "set=") == f"note: {warned[0].message}\n"
    assert warned[0].filename == __file__
    assert json.loads(say(*asked, "--json")[1]) == found.document
    assert found.save("why") == Path("why")
    with pytest.raises(sim.OutputError, match=r"why exists; choose another out, or force"):
        sim.explain("toy.toml", "drug", out="why")
    assert json.loads(Path("why/explain.json").read_text()) == found.document


def test_contributions_as_a_frame_add_up_to_the_balance_of_each_phase(say) -> None:
    pytest.importorskip("pandas")
    found = sim.explain("toy.toml", "drug")
    frame = found.to_pandas()
    assert frame.attrs["units"] == {"start": "h", "end": "h", "gain": "pM", "loss": "pM", "background": "pM"}
    whole = frame[frame.phase == "whole run"]
    assert whole.gain.sum() == pytest.approx(found.explanation.whole.gain, rel=1e-9)
    assert set(whole.contributor) == {"clearance", "doses"}
    sums = frame.groupby(["phase", "start"])[["gain_share", "loss_share"]].sum()
    assert all(each == pytest.approx(1) or each == 0 for each in sums.to_numpy().ravel())


def test_all_faults_of_a_request_are_said_at_once_in_the_words_of_the_caller(say) -> None:
    with pytest.raises(sim.InputError) as error:
        sim.explain("toy.toml", "drgu", arm="main", against="main", at=["3 kg", 49.0])
    assert [fault.file for fault in error.value.faults] == ["explain()"] * 4
    assert [fault.text for fault in error.value.faults] == ["of drgu", "against main", "at '3 kg'", "at '49.0'"]


def test_a_run_is_explained_without_simulating_it_again(say) -> None:
    run = sim.run("toy.toml", arms=["main", "half"])
    found = run.explain("drug", arm="half", at=3)
    assert found.explanation.arm.name == "half"
    assert found.explanation.at[0].start == 3
    assert found.explanation.flux.values[-1] == run["drug", "half"][-1]
    assert str(found) == str(sim.explain("toy.toml", "drug", arm="half", at="3 h"))


N = r"[0-9.]+"  # which changes with the model
SENTENCES = [
    rf"Start at {N} cells/µL, peak of {N} cells/µL on day {N}, end at {N} cells/µL\.",
    rf"It rises from {N} cells/µL \(day 5\) to {N} cells/µL \(day {N}\)\. All gain is by “[^”]+”; {N} % of it is "
    r"lost again, by “[^”]+”\.",
    rf"It begins to fall on day 89\. If the level were {N} cells/µL on both days, “[^”]+” would add {N} cells/µL per d "
    rf"on day {N} and {N} on day {N}, because “[^”]+” \(stop_brake\) is {N} instead of 1\b",
    rf"In the arm healthy it goes from {N} cells/µL to {N} cells/µL by day 240, in this arm to {N} cells/µL\.",
    rf"T_self raises tissue_damage, which raises T_self: positive feedback, adds {N} % to a disturbance; delay "
    rf"(about {N} d|unclear)",
]


def test_an_immune_curve_is_explained_in_plain_sentences() -> None:
    found = sim.explain("transient_stop", "T_self", against="healthy")
    said = " ".join(str(found).split())
    for sentence in SENTENCES:
        assert re.search(sentence, said), sentence
    html = found._repr_html_()
    assert html.count("<li>") == len(found.sentences) + len(found.explanation.loops)
    assert "positive feedback" in html


def test_a_curve_that_stays_at_zero_has_an_explanation_without_contributions(say) -> None:
    pytest.importorskip("pandas")
    found = sim.explain("toy.toml", "drug", arm="untreated", at=3)
    assert "Constant at 0 pM." in str(found)
    assert "At 3 h: 0 pM, at rest" in str(found)
    assert "matches the curve to rounding error." in str(found)
    assert found.to_pandas().empty
    assert "gain" in found.to_pandas()
    assert found.figure().axes


ENDS = 'end = { label = "end", unit = "1", value = "log(1 - A / (k * T))" }\n'  # a logarithm that ends, at 2 h
POLE = 'start = { label = "start", unit = "1", value = "k * T / A" }\n'  # a pole at the start


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "cause"), [("ratio", "0/0 at 0 h"), ("end", "log("), ("start", "2/0 at 0 h")])
def test_a_curve_that_has_no_value_somewhere_is_explained_with_a_word_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, cause: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.toml").write_text(RATIO_MODEL + ENDS + POLE)
    Path("s.toml").write_text(
        'title = "s"\nmodel = "model.toml"\ntime = { end = "4 h" }\nshow = { plots = [["ratio"]] }\n'
    )
    text = " ".join(str(sim.explain("s.toml", name)).split())
    assert f"{name} is undefined: {cause}" in text
    assert "what follows is told of the times at which it has a value" in text
    assert "is undefined" not in str(sim.explain("s.toml", "A"))
    sim.run("s.toml", certify=False).report("page.html")


def test_an_arm_without_steps_is_named(failing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", str(failing), "--of", "y", "--arm", "main", "--against", "start"]) == 4
    assert "that of arm start has none: the derivative of y is not finite at 0 d" in capsys.readouterr().err
