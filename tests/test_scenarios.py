"""Every bundled scenario: it runs in every arm, its doses add up, its expectations hold, and its results are known."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.answers import arms_read, condition_holds
from immunesim.experiments.certificate import WANTED
from immunesim.experiments.conditions import sides_of
from immunesim.experiments.evidence import Judgement
from immunesim.experiments.expectations import replaced_arm
from immunesim.experiments.measured import curves_of
from immunesim.experiments.run import run
from immunesim.experiments.scenario import MAIN, Scenario
from immunesim.experiments.solving import Certify
from immunesim.files.toml.catalogue import builtin_lessons, evidence_terms
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.numerics.compiled.engine import COMPILED_RTOL
from immunesim.views.figures import run as run_figures
from immunesim.views.figures.style import FIRST, PAPER, SLIDES, Medium
from immunesim.views.text.answers import spoken_answer

from tests import readme, results
from tests.boxes import covered
from tests.simulated import HUMAN, PATHS, each_scenario, evidence_of, result_of
from tests.slow import thinned

CLAIMS = evidence_terms()["claims"]
KEPT = results.read()
AGAIN = {  # human scenarios whose main arm may be computed a second time, and why
    "dupilumab_ige": "mast cells fire from one level of granules on, a bend that months of exposure cross each day",
    "il1_and_graft": "organs come into debt where the pressure falls below what they need, a kink",
    "il1_and_marrow": "organs come into debt where the pressure falls below what they need, a kink",
    "precursors_compete": "all its effectors are CD4 cells: others are a difference, cut at zero",
    "sequential_infections": "IL-3, of which nothing was left, rises out of rounding with the second virus",
    "vaccine_then_another_virus": "IL-3, of which nothing was left, rises out of rounding with the second virus",
}
SMALL_FIRST = sorted(PATHS, key=lambda name: (not name.startswith("core_"), name))


def test_there_are_scenarios() -> None:
    assert PATHS
    assert all(isinstance(path, Path) and path.exists() for path in PATHS.values())


@each_scenario
def test_every_arm_succeeds(name: str) -> None:
    failed = {arm: result.trajectory.outcome.message for arm, result in result_of(name).arms.items()
              if not result.trajectory.outcome.ok}  # fmt: skip
    assert failed == {}


@each_scenario
def test_every_arm_has_four_digits(name: str) -> None:
    certificates = {arm: result.certificate for arm, result in result_of(name).arms.items()}
    assert {arm: each for arm, each in certificates.items() if each.digits is None or each.digits < WANTED} == {}


@pytest.mark.parametrize("name", thinned(HUMAN, every=16))
def test_the_first_attempt_at_a_main_arm_is_enough(name: str) -> None:
    """A rate with a kink that a run crosses costs the digits for which everything is computed again."""
    solver = result_of(name).arms[MAIN].trajectory.solver
    assert name in AGAIN or solver.endswith(f"rtol {COMPILED_RTOL:g}"), solver


@each_scenario
def test_every_arm_ends_at_the_end_and_is_finite(name: str) -> None:
    result = result_of(name)
    for arm, found in result.arms.items():
        assert found.trajectory.times[-1] == pytest.approx(result.scenario.end), arm
        bad = [curve for curve, values in found.trajectory.values.items() if not np.isfinite(values).all()]
        assert bad == [], arm


@each_scenario
def test_every_dose_is_counted(name: str) -> None:
    for arm, result in result_of(name).arms.items():
        for line in result.ledger:
            assert line.delivered + line.held + line.remaining == pytest.approx(line.ordered), (arm, line)
            assert 0 < line.given <= line.count, (arm, line)


@each_scenario
def test_no_state_is_below_zero(name: str) -> None:
    result = result_of(name)
    for arm, found in result.arms.items():
        for species in result.scenario.model.species.values():
            lowest = found.trajectory[species.id].min()
            assert lowest >= -1e-6 * species.scale, f"{arm}: {species.id} falls to {lowest}"


@each_scenario
def test_every_expectation_is_met_or_known_to_be_missed_and_breaks_without_its_mechanism(
    name: str, shared: Path
) -> None:
    result = result_of(name)
    wrong = [
        f"{each.expectation.id}: {each.simulated:.4g}, expected {each.expectation.interval_text}; "
        f"{each.without_mechanism}"
        for each in result.verdicts
        if not each.holds
    ]
    assert wrong == []
    assert len(result.verdicts) == len(result.scenario.expectations) == len(evidence_of(name, shared))


@each_scenario
def test_results_change_only_with_a_line_in_the_changelog(name: str) -> None:
    before = {key: row for key, row in KEPT.items() if key.scenario == name}
    lines = results.differences(before, results.rows_of(result_of(name)))
    assert not lines, results.changelog(lines)


@each_scenario
def test_every_scenario_asks_a_question_and_says_what_it_shows(name: str) -> None:
    scenario = read_scenario(PATHS[name])
    assert scenario.title
    assert scenario.question.endswith("?")
    assert scenario.plots


@each_scenario
def test_the_answer_holds_and_each_sentence_fails_without_its_mechanism(name: str) -> None:
    """In an arm of the scenario, or in a changed run of it."""
    result = result_of(name)
    scenario = result.scenario
    assert 1 <= len(scenario.answer) <= 3
    assert len(result.answer) == len(scenario.answer)
    wrong = [each.text for each in spoken_answer(result) if not each.holds]
    for number, said in enumerate(result.answer):
        sentence, ends = said.sentence, [*said.without_mechanism.values()]
        if sentence.breaks_with is not None:
            ends.append(holds_when_changed(scenario, number))
        wrong += [f"seen to fail nowhere: {sentence.says}"] if not ends or any(ends) else []
    assert wrong == []


def holds_when_changed(scenario: Scenario, number: int) -> bool:
    """Whether the condition of a sentence holds in the run that its `breaks_with` describes."""
    sentence = scenario.answer[number]
    assert sentence.breaks_with is not None
    changed = sentence.breaks_with._replace(label="changed")
    read = [arm for arm in arms_read(sentence) if arm != changed.name]
    asked = replace(scenario, arms=(*scenario.arms, changed), expectations=(), data=(), answer=())
    result = run(asked, Certify.OFF, [*dict.fromkeys(read), changed.name])
    curves = {arm: curves_of(each.trajectory.dense) for arm, each in result.arms.items()}
    replaced = replaced_arm(list(sides_of(sentence.condition)))
    return condition_holds(scenario, sentence.condition, {**curves, replaced: curves[changed.name]})


HARD_TO_READ = re.compile(
    r"\bbeside\b|\bloud\b|\bwhoever\b|\bfor want of\b|\bby way of\b|"
    r"(?:^|[.:] |\b(?:for|is|by) )who (?![^.]*\?)",  # "protected is who has none": of no known person, out of order
    re.IGNORECASE,
)


def spoken_texts(table: object, key: str = "") -> Iterator[str]:
    """What a scenario or a lesson says to its reader."""
    if isinstance(table, dict):
        for name, each in table.items():
            if name != "expect":
                yield from spoken_texts(each, name)
    elif isinstance(table, list):
        for each in table:
            yield from spoken_texts(each, key)
    elif isinstance(table, str) and key in ("question", "says", "asks", "wrong", "aims", "note"):
        yield table


def test_questions_and_answers_are_said_as_people_say_them() -> None:
    texts = [
        (path.name, each)
        for path in [*PATHS.values(), *builtin_lessons().values()]
        for each in spoken_texts(tomllib.loads(path.read_text(encoding="utf-8")))
    ]
    assert len(texts) > 500
    assert [(name, text) for name, text in texts if HARD_TO_READ.search(text)] == []


@pytest.mark.slow
def test_the_readme_says_what_the_evidence_adds_up_to(shared: Path) -> None:
    rows = [row for name in PATHS for row in evidence_of(name, shared)]
    found = readme.TOTALS.search(readme.README.read_text(encoding="utf-8"))
    assert found is not None
    assert found.group() == readme.totals(rows), "python -m tests.readme writes it again"


def test_the_readme_shows_the_pictures_that_are_made_for_it() -> None:
    text = readme.README.read_text(encoding="utf-8")
    shown = re.findall(r"\((scenarios/pictures/\w+\.png)\)\]\((scenarios/\w+\.toml)\)", text)
    made = [each.scenario for each in (*readme.GALLERY, *readme.SWEEPS)]
    assert sorted(shown) == sorted((f"scenarios/pictures/{name}.png", f"scenarios/{name}.toml") for name in made)
    assert all((readme.ROOT / path).exists() for pair in shown for path in pair)


@pytest.mark.slow
def test_every_claim_is_shown_and_breaks_without_its_mechanism(shared: Path) -> None:
    """The arms that `breaks_in` names are those without the mechanism."""
    rows = [row for name in PATHS for row in evidence_of(name, shared)]
    shown = {row.claim for row in rows if row.without_mechanism and row.verdict == Judgement.MET and not row.missed}
    assert set(CLAIMS) - shown == set()


@pytest.mark.parametrize("name", thinned(SMALL_FIRST, every=200))
def test_no_text_covers_another_or_a_curve_in_any_figure(name: str) -> None:
    assert_nothing_is_covered(name, PAPER)


@pytest.mark.parametrize("name", thinned(SMALL_FIRST, every=200))
def test_no_text_covers_another_or_a_curve_in_any_slide(name: str) -> None:
    assert_nothing_is_covered(name, SLIDES)


@pytest.mark.parametrize("name", thinned(SMALL_FIRST, every=200))
def test_no_text_covers_another_or_a_curve_in_the_first_picture_of_a_page(name: str) -> None:
    result = result_of(name)
    first = replace(result, scenario=replace(result.scenario, plots=(result.scenario.drawn[:1],)), data=())
    (picture,) = run_figures.pictures(first, FIRST)
    assert covered(picture.figure, over_curves=True) == []


def assert_nothing_is_covered(name: str, medium: Medium) -> None:
    faults = {picture.stem: covered(picture.figure, over_curves=True)
              for picture in run_figures.pictures(result_of(name), medium)}  # fmt: skip
    assert faults
    assert {stem: found for stem, found in faults.items() if found} == {}
