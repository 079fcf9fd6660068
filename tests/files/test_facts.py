"""The register of published facts: what is wrong with a file of it is said with its line, and nobody can widen it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import immunesim as sim
import pytest
from immunesim import read_model, read_scenario
from immunesim.experiments.facts import Fact
from immunesim.experiments.run import run
from immunesim.files.kept_models import REFERENCES
from immunesim.files.results.run_folder import summary
from immunesim.files.toml.catalogue import blind_tests, builtin_models, builtin_scenarios
from immunesim.files.toml.facts import FOLDER, asked_twice, read_facts
from immunesim.files.toml.source import TomlSource
from immunesim.runtime.errors import InputError
from immunesim.tasks.evidence import EvidenceRequest, evidence
from immunesim.tasks.gallery import write_gallery
from immunesim.tasks.influence import InfluenceRequest, influence
from immunesim.views.report.run_page import report
from immunesim.views.text.commands.run import run_text
from immunesim.views.text.evidence_totals import blind_tests_text, not_asked_lines

from tests.pages import Page
from tests.simulated import bundled

FACT = """[facts.toy_peak]
that = "the level is highest after 90 minutes"
setting = "healthy men"
quantity = "time of the highest level"
observable = "TNF"
between = [60, 135]
unit = "min"
rule = "a third"
kind = "time course"
topic = "IL-1"
source = "Copeland2005, abstract: 90 min"
status = "verified"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "toy.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_fact_is_read_with_its_interval(write) -> None:
    found = read_facts([write(FACT), write(FACT.replace("toy_peak", "aside") + "set_aside = true\n", "more.toml")])
    assert list(found) == ["toy_peak", "aside"]
    fact = found["toy_peak"]
    assert (fact.low, fact.high, fact.unit_text, fact.kind, fact.topic) == (60, 135, "min", "time course", "IL-1")
    assert (fact.set_aside, found["aside"].set_aside) == (False, True)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("[facts.toy_peak]", "[facts.exp]", 1, "'exp' cannot be a name"),
        ("that =", "thta =", 2, "has no key 'thta'; did you mean 'that'?"),
        ('observable = "TNF"\n', "", 1, "[facts.toy_peak] has no observable"),
        ('"min"', '"minn"', 7, "no unit 'minn'"),
        ("[60, 135]", "[135, 60]", 6, "expected [low, high] with low below high"),
        ("between = [60, 135]\n", "", 1, "a fact has one of between = [low, high], above, below; found none"),
        ("between = [60, 135]\n", "above = 1\nbelow = 2\n", 1, "found above and below"),
        ("[60, 135]", "[50, 135]", 6, "by the rule 'a third' one end is 2.25 times the other, found 50 and 135"),
        ('"a third"', '"factor 2"', 6, "by the rule 'factor 2' one end is 4 times the other"),
        ("[60, 135]", "[-60, 135]", 6, "by the rule 'a third'"),
        ('"a third"', '"one third"', 8, "no rule 'one third'; did you mean 'a third'?"),
        ('"a third"', '"direction"', 8, "a number with an interval, not a direction"),
        ('"time course"', '"timecourses"', 9, "no kind 'timecourses'; did you mean 'time course'?"),
        ('"IL-1"', '"IL-17"', 10, "no topic 'IL-17'"),
        ("Copeland2005", "Copeland2050", 11, "no source 'Copeland2050'; did you mean 'Copeland2005'?"),
        ('"verified"', '"sure"', 12, "the status 'sure' is none of: verified, secondary, derived: how, from memory"),
        ('"verified"', '"assumed: so"', 12, "the status 'assumed: so' is none of"),
        ('status = "verified"', 'status = "verified"\nset_aside = "yes"', 13, "set_aside must be true or false"),
        ("[facts.toy_peak]", "[fatcs.toy_peak]", 1, "a file of facts has no key 'fatcs'; did you mean 'facts'?"),
    ],
)
def test_what_is_wrong_with_a_fact_is_said_at_its_line(write, old: str, new: str, line: int, message: str) -> None:
    assert old in FACT
    with pytest.raises(InputError) as caught:
        read_facts([write(FACT.replace(old, new, 1))])
    (fault,) = caught.value.faults
    assert message in fault.message
    assert fault.line == line


def test_a_name_stands_once_in_the_register(write) -> None:
    with pytest.raises(InputError, match=r"'toy_peak' is a fact already, in .*toy.toml:1") as caught:
        read_facts([write(FACT), write(FACT, "more.toml")])
    assert caught.value.faults[0].file.endswith("more.toml")


def test_two_scenarios_cannot_ask_the_same_fact(write) -> None:
    ask = '[[expect]]\nfact = "toy_peak"\n'
    one, two, broken = write(ask, "one.toml"), write(ask, "two.toml"), write("[[expect", "broken.toml")
    (fault,) = asked_twice([one, one, broken, two])
    assert fault.file.endswith("two.toml")
    assert fault.line == 2
    assert "is asked already, in " in fault.message
    assert fault.message.endswith("one.toml:2; ask it once")


KNOWN = set(TomlSource(REFERENCES).data["sources"])


def studies(fact: Fact) -> set[str]:
    """The publications that a fact comes from."""
    return {part.split(",")[0].strip() for part in fact.source.split(";")} & KNOWN


FIELDS = {path.stem: list(read_facts([path]).values()) for path in sorted(FOLDER.glob("*.toml"))}
FACTS = [fact for each in FIELDS.values() for fact in each]
ASIDE = [fact for fact in FACTS if fact.set_aside]


def test_there_are_hundreds_of_facts_most_of_them_doses_and_courses() -> None:
    assert len(FACTS) >= 400
    assert sum(fact.kind != "number" for fact in FACTS) > len(FACTS) / 2
    assert [fact.id for fact in FACTS if fact.status == "from memory" and fact.set_aside] == []


@pytest.mark.parametrize("field", FIELDS)
def test_about_half_of_the_facts_of_each_field_are_set_aside(field: str) -> None:
    assert 0.35 < sum(fact.set_aside for fact in FIELDS[field]) / len(FIELDS[field]) < 0.6


def test_no_study_is_on_both_sides() -> None:
    """Facts of one study share their arithmetic, so that those which are fitted would give the others away."""
    fitted = {study for fact in FACTS if not fact.set_aside for study in studies(fact)}
    assert {fact.id: studies(fact) & fitted for fact in ASIDE if studies(fact) & fitted} == {}


def test_no_fact_that_is_set_aside_is_met_where_nothing_happens() -> None:
    """A level of zero, or a ratio of one, which no share of people with something is."""
    for fact in ASIDE:
        assert not fact.low <= 0 <= fact.high, fact.id
        ratio = fact.unit_text == "1" and not fact.log10 and not fact.quantity.startswith("share with ")
        assert not (ratio and fact.low <= 1 <= fact.high), fact.id


@pytest.mark.slow
def test_what_is_set_aside_is_used_nowhere_else() -> None:
    """Neither for a parameter nor for an expectation that does not ask the register."""
    aside = {study for fact in ASIDE for study in studies(fact)}
    model = read_model(builtin_models()["immune"])
    used = {name: each.source for name, each in model.parameters.items()}
    for scenario in bundled():
        used |= {f"{scenario.id}/{each.id}": each.source for each in scenario.expectations if not each.fact}
    cited = {name: re.split(r"[,;]\s*", source) for name, source in used.items()}
    assert {name: found for name, words in cited.items() if (found := aside & set(words))} == {}


def test_each_fact_is_asked_once_at_most() -> None:
    assert asked_twice(list(builtin_scenarios().values())) == []


@pytest.fixture
def scenario(tmp_path: Path):
    """A scenario of the toy model with these expectations."""

    def scenario(expect: str) -> Path:
        shutil.copy(Path(__file__).parent / "toy_model.toml", tmp_path)
        path = tmp_path / "asks.toml"
        path.write_text(f'title = "asks"\nmodel = "toy_model.toml"\n[time]\nend = "24 h"\n{expect}', encoding="utf-8")
        return path

    return scenario


HOURS = [fact for fact in FACTS if fact.unit_text == "h"]
FITTED, APART = (next(fact for fact in HOURS if fact.set_aside is side) for side in (False, True))
ASK = '[[expect]]\nfact = "{}"\nmeasure = "time_of_max(drug)"\n'


def test_an_expectation_takes_words_interval_and_source_from_the_register(scenario) -> None:
    (found,) = read_scenario(scenario(ASK.format(FITTED.id))).expectations
    assert (found.that, found.low, found.high, found.unit_text) == (FITTED.that, FITTED.low, FITTED.high, "h")
    assert (found.source, found.status, found.rule, found.topic) == (
        FITTED.source,
        FITTED.status,
        FITTED.rule,
        FITTED.topic,
    )
    assert (found.fact, found.set_aside, found.id) == (FITTED.id, False, "1")


def test_a_fact_that_is_set_aside_is_marked_in_what_a_run_says(scenario) -> None:
    result = run(read_scenario(scenario(ASK.format(APART.id) + ASK.format(FITTED.id))))
    said = run_text(result)
    assert "expectations: 0 of 1 met; set aside: 0 of 1 met" in said
    assert said.index("MISSED ") < said.index("set aside, missed: ")
    assert [verdict.holds for verdict in result.verdicts] == [True, False]


def test_wherever_a_run_is_told_of_a_fact_that_is_set_aside_is_counted_apart(scenario, tmp_path: Path) -> None:
    path = scenario(ASK.format(APART.id) + ASK.format(FITTED.id))
    made = sim.run(path)
    assert "0 of 1 expectation met" in repr(made)
    assert "Set aside, never used for fitting: 0 of 1 met." in made._repr_html_()
    written = made.save(tmp_path / "out", plots=False)["expectations"]
    assert [(each["fact"], each["set_aside"]) for each in written] == [(APART.id, True), (FITTED.id, False)]
    page = Page(report(made.result, summary(made.result, ["run"], "0123456789ab"), "title = 1", figures=False))
    assert "0 of 1 expectation are met." in page.text
    assert "0 of 1 within the published interval" in page.text
    assert "never used for fitting; missed" in page.text
    (card,) = write_gallery([path], tmp_path / "gallery")
    assert (card.met, card.expected, card.holds) == (0, 1, False)


def test_evidence_counts_facts_apart_that_are_set_aside(scenario) -> None:
    found = evidence(EvidenceRequest((scenario(ASK.format(APART.id)),)))
    assert found.holds
    assert found.totals["all"] == {"met": 0, "of": 0}
    assert found.totals["set_aside"]["of"] == 1
    assert "set aside, never used for fitting: 0 of 1 within" in str(found)
    assert "asks/1" not in str(found)
    assert found.not_asked is None
    assert "blind_tests" not in found.totals


def test_evidence_lists_facts_that_are_set_aside_if_asked(scenario) -> None:
    found = evidence(EvidenceRequest((scenario(ASK.format(APART.id)),), set_aside=True))
    assert "set aside, never used for fitting, whether they are met or not:\nmissed  asks/1" in str(found)


@pytest.mark.parametrize(
    ("name", "more", "line", "message"),
    [
        ("no_such_fact", "", 6, "no fact 'no_such_fact'"),
        (FITTED.id[:-1], "", 6, f"; did you mean '{FITTED.id}'?"),
        (FITTED.id, "above = 1\n", 8, f"above of the fact '{FITTED.id}' comes from the register; leave it out"),
        (FITTED.id, 'source = "Toy2020"\n', 8, "source of the fact"),
        (FITTED.id, 'that = "so"\n', 8, "that of the fact"),
        (FITTED.id, 'topic = "allergy"\n', 8, "topic of the fact"),
        (APART.id, 'missed = "so"\n', 8, f"the fact '{APART.id}' is set aside: it is neither fitted nor known to be"),
        (FITTED.id, ASK.format(FITTED.id), 9, f"the fact '{FITTED.id}' is asked already, by an expectation above"),
        (FITTED.id, 'missed = "so"\nunit = "h"\n', 9, "unit of the fact"),
    ],
)
def test_what_an_expectation_says_beside_its_fact_is_refused(
    scenario, name: str, more: str, line: int, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_scenario(scenario(ASK.format(name) + more))
    (fault,) = caught.value.faults
    assert message in fault.message
    assert fault.line == line


def test_an_expectation_of_a_fact_needs_its_measure(scenario) -> None:
    with pytest.raises(InputError, match="has no measure"):
        read_scenario(scenario(f'[[expect]]\nfact = "{FITTED.id}"\n'))


def test_evidence_refuses_a_fact_that_two_scenarios_ask(scenario, tmp_path: Path) -> None:
    path = scenario(ASK.format(FITTED.id))
    other = tmp_path / "other.toml"
    shutil.copy(path, other)
    with pytest.raises(InputError, match=rf"other.toml:6: the fact '{FITTED.id}' is asked already, in .*asks.toml:6"):
        evidence(EvidenceRequest((path, other)))


def test_the_blind_tests_are_told_with_their_date_and_version() -> None:
    assert blind_tests_text(blind_tests()) == (
        "facts nobody had shown to the model: 14 of 43; probes: 20 of 52 (28 November 2026, version 0.1.0);"
        " probes of our own, written before any of them was run: 49 of 65 (29 November 2026, version 0.1.0)"
    )


def test_the_facts_that_nobody_asks_are_counted() -> None:
    assert not_asked_lines([]) == []
    assert not_asked_lines([FITTED, APART]) == [
        "facts of the register that no expectation asks yet: 2, 1 of them set aside"
    ]


def test_influence_does_not_look_at_what_is_set_aside(scenario) -> None:
    """Neither whether it is met, nor which parameter breaks it."""
    found = influence(InfluenceRequest((scenario(ASK.format(APART.id) + ASK.format(FITTED.id)),))).document
    (model,) = found["models"].values()
    assert model["unclear"] == ["asks/2"]
