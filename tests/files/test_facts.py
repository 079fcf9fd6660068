"""The register of published facts: what is wrong with a file of it is said with its line, and nobody can widen it."""

from __future__ import annotations

from pathlib import Path

import pytest
from immunesim.files.toml.facts import FOLDER, asked_twice, read_facts, register
from immunesim.runtime.errors import InputError

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


def test_every_second_fact_of_each_field_is_set_aside() -> None:
    register()
    for path in FOLDER.glob("*.toml"):
        apart = [fact.set_aside for fact in read_facts([path]).values()]
        assert apart == [bool(number % 2) for number in range(len(apart))], path.stem
