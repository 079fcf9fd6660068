"""[sweep] and [population] in files and in words of the command line become one checked sweep."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from immunesim.experiments.measures import unit_of, unit_text_of
from immunesim.experiments.scenario import MAIN
from immunesim.experiments.sweeps.compute import compute
from immunesim.experiments.sweeps.designs import member_ids
from immunesim.files.toml.overrides import SweepOptions
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.units import unit
from immunesim.runtime.errors import COMMAND_LINE, InputError
from immunesim.views.text.notes import notes

from tests.simulated import bundled

DOSE = '[[dose]]\nname = "push"\ntarget = "drug"\namount = "400 pmol"\nat = "2 h"\nevery = "4 h"\ncount = 2\n'
CHANGE = '[[change]]\nwhile = ["5 h", "8 h"]\nparameters = { k_clear = "0.9 1/h" }\n'
ARMS = '[arms.without]\nwithout = ["push"]\n[arms.own]\nparameters.k_clear = "0.3 1/h"\n'
BASE = DOSE + CHANGE + ARMS

FULL = """
[sweep]
sample = "lhs"
count = 64
seed = 3
arms = ["main", "own"]
keep = ["drug"]
[[sweep.vary]]
parameter = "K_Clear"
[[sweep.vary]]
parameter = "dose.push.amount"
from = "0 nmol"
to = "1 nmol"
[[sweep.vary]]
parameter = "initial.drug"
from = "20 pg/mL"
to = "2000 pg/mL"
scale = "log"
[sweep.measures]
peak = "max(drug)"
late = { measure = "at(cells, '20 h')", unit = "cells/mL", label = "cells at the end" }
[population]
count = 10
seed = 9
correlations = [["body_weight", "plasma_volume", 0.7]]
[[population.vary]]
parameter = "body_weight"
distribution = "lognormal"
median = "70 kg"
cv = 0.2
within = ["45 kg", "120 kg"]
[[population.vary]]
parameter = "plasma_volume"
distribution = "lognormal"
mean = "4000 mL"
sd = "0.8 L"
[[population.vary]]
parameter = "change.1.at"
distribution = "choice"
values = ["5 h", "300 min"]
weights = [3, 1]
"""


def same_members(one, other) -> bool:
    first, second = one.sweep.design, other.sweep.design
    return first == second and np.array_equal(first.values(0, first.count), second.values(0, second.count))


def test_a_whole_sweep_is_read_in_the_units_of_the_model(scenario) -> None:
    sweep = scenario(BASE + FULL).sweep
    assert (sweep.design.kind, sweep.design.shape, sweep.design.count) == ("product", (64, 10), 640)
    assert [axis.path for axis in sweep.design.axes] == [
        "k_clear", "dose.push.amount", "initial.drug", "body_weight", "plasma_volume", "change.1.at"
    ]  # fmt: skip
    clear, amount, start, weight, volume, at = sweep.design.axes
    assert (clear.low, clear.high, clear.default, clear.unit_text) == (0.25, 1.0, 0.5, "1/h")
    assert (amount.low, amount.high, amount.unit_text) == (0.0, 1.0, "nmol")
    assert amount.default == pytest.approx(0.4)
    assert (start.low, start.high) == pytest.approx((1, 100))  # pg/mL over 20 kDa in pM
    assert (start.unit_text, start.log, start.default) == ("pM", True, 0.0)
    assert (weight.low, weight.high, weight.log, weight.default) == (45, 120, True, 80)
    assert volume.default == 4
    assert (at.low, at.high, at.unit_text, at.default) == (5, 5, "h", 5)
    assert sweep.arms == ("main", "own")
    assert sweep.keep == ("drug",)
    assert [(each.id, each.label, each.unit_text) for each in sweep.measures] == [
        ("peak", "peak", "pM"),
        ("late", "cells at the end", "cells/mL"),
    ]
    assert np.mean(sweep.design.inner.values(0, 10)[:, 1]) == pytest.approx(4, rel=0.25)


def test_the_document_of_a_sweep_is_the_same_sweep(scenario, tmp_path: Path, folder: Path) -> None:
    (folder / "m.csv").write_text("k_clear [1/h]\n0.3\n", encoding="utf-8")
    texts = [FULL, '[[sweep.vary]]\nparameter = "k_clear"\n', '[sweep]\nmembers = "m.csv"\n']
    texts += ['[sweep]\nsample = "one_at_a_time"\n[[sweep.vary]]\nparameter = "k_clear"\n']
    for text in texts:
        first = scenario(BASE + text)
        again = folder / "again.toml"
        again.write_text(tomli_w.dumps({**first.document, "model": "toy_model.toml"}), encoding="utf-8")
        second = read_scenario(again)
        assert same_members(first, second)
        assert second.document == {**first.document, "model": "toy_model.toml"}
        assert second.sweep == replace(first.sweep, document=second.sweep.document)
        assert second.sweep.document == first.sweep.document


def test_an_axis_covers_the_range_of_its_parameter_where_it_says_nothing(scenario) -> None:
    sweep = scenario('[[sweep.vary]]\nparameter = "k_clear"\nto = "0.5 1/h"\n').sweep
    (axis,) = sweep.design.axes
    assert (axis.low, axis.high, sweep.design.shape) == (0.25, 0.5, (11,))
    assert sweep.document["sweep"]["vary"] == [
        {"parameter": "k_clear", "from": "0.25 1/h", "to": "0.5 1/h", "count": 11, "scale": "linear"}
    ]


def test_a_default_of_an_initial_value_is_computed(scenario) -> None:
    text = '[parameters]\ncells_at_rest = "7 cells/uL"\n[[sweep.vary]]\nparameter = "initial.cells"\nvalues = [{}]\n'
    (axis,) = scenario(text.format('"5 cells/uL", "6000 cells/mL"')).sweep.design.axes
    assert (axis.default, axis.low, axis.high) == (7, 5, 6)


def test_members_are_read_from_a_table(scenario, folder: Path) -> None:
    table = (
        "k_clear [1/h],note,dose.push.amount [nmol],dose.push.count,initial.drug [pg/mL]\n0.5,first,1,2,20\n2,b,0,3,0\n"
    )
    (folder / "m.csv").write_text(table.replace("note,", "").replace("first,", "").replace("b,", ""), encoding="utf-8")
    sweep = scenario(BASE + '[sweep]\nmembers = "m.csv"\n').sweep
    assert (sweep.design.kind, sweep.design.shape) == ("list", (2,))
    assert [axis.unit_text for axis in sweep.design.axes] == ["1/h", "nmol", "1", "pM"]
    np.testing.assert_allclose(sweep.design.values(0, 2), [[0.5, 1, 2, 1], [2, 0, 3, 0]], rtol=1e-14)
    (folder / "m.csv").write_text(table, encoding="utf-8")
    chosen = '[sweep]\nmembers = "m.csv"\n[[sweep.vary]]\nparameter = "k_clear"\nscale = "log"\n'
    sweep = scenario(BASE + chosen).sweep
    assert [(axis.path, axis.log) for axis in sweep.design.axes] == [("k_clear", True)]


def test_a_list_is_what_the_table_says_to_the_last_bit(scenario, folder: Path) -> None:
    numbers = np.random.default_rng(1).uniform(0.3, 0.9, 200)
    (folder / "m.csv").write_text("k_clear [1/h]\n" + "\n".join(map(repr, numbers.tolist())), encoding="utf-8")
    design = scenario('[sweep]\nmembers = "m.csv"\n').sweep.design
    np.testing.assert_array_equal(design.values(0, 200)[:, 0], numbers)


# measures


EXPECT = '[[expect]]\nthat = "{}"\nmeasure = "{}"\nabove = 1\nunit = "{}"\nsource = "assumed"\n'


def test_measures_are_those_of_the_expectations_about_one_arm_or_else_the_largest_of_what_is_shown(scenario) -> None:
    axis = '[[sweep.vary]]\nparameter = "k_clear"\n'
    expect = EXPECT.format("it peaks", "max(drug)", "nM") + EXPECT.format("again", "max(drug)", "nM")
    expect += EXPECT.format("it helps", "max(drug) / max(drug, arm='own')", "1")
    expect += EXPECT.format("cells stay", "min(cells)", "cells/uL").replace("[[expect]]", '[[expect]]\nid = "stay"')
    sweep = scenario(BASE + axis + expect).sweep
    assert [(each.id, each.label, each.unit_text) for each in sweep.measures] == [
        ("max(drug)", "it peaks", "nM"),
        ("stay", "cells stay", "cells/uL"),
    ]
    sweep = scenario(BASE + axis + '[show]\nplots = [["drug"], ["cells"], ["drug"]]\n').sweep
    assert [(each.id, each.text) for each in sweep.measures] == [("max(drug)",) * 2, ("max(cells)",) * 2]


def test_a_measure_has_the_interval_that_members_are_counted_in_and_its_scale(scenario, folder: Path) -> None:
    axis = '[[sweep.vary]]\nparameter = "k_clear"\n[sweep.measures]\n'
    tables = 'low = { measure = "min(drug)", below = 0.35, scale = "log" }\n'
    tables += 'high = { measure = "max(drug)", above = 3 }\nnone = "final(drug)"\n'
    tables += 'both = { measure = "max(drug)", unit = "nM", above = 3, below = 4, scale = "linear" }\n'
    low, high, none, both = scenario(BASE + axis + tables).sweep.measures
    assert [each.level_text for each in (low, high, both, none)] == [
        "below 0.35 pM", "above 3 pM", "3 to 4 nM", ""
    ]  # fmt: skip
    assert [each.log for each in (low, high, both, none)] == [True, None, False, None]
    values = np.array([-1.0, 0.35, 3.0, 3.5, 4.0, 9.0, np.nan])
    assert [each.inside(values) for each in (low, high, both)] == [2, 4, 3]
    again = folder / "again.toml"
    again.write_text(tomli_w.dumps(dict(scenario(BASE + axis + tables).document)), encoding="utf-8")
    assert read_scenario(again).sweep.measures == (low, high, none, both)


def test_an_axis_is_called_as_the_file_calls_it(scenario) -> None:
    text = BASE + '[[sweep.vary]]\nparameter = "k_clear"\nlabel = "how fast it goes"\n'
    text += '[population]\ncount = 3\n[[population.vary]]\nparameter = "body_weight"\nlabel = "weight"\n'
    text += 'distribution = "choice"\nvalues = ["70 kg", "80 kg"]\nsource = "assumed"\nstatus = "assumed: two"\n'
    assert [axis.label for axis in scenario(text).sweep.design.axes] == ["how fast it goes", "weight"]


def test_every_patient_that_ships_differs_for_a_reason_that_is_written_down() -> None:
    found = 0
    for each_scenario in bundled():
        for each in each_scenario.document.get("population", {}).get("vary", []):
            assert {"source", "status"} <= set(each), (each_scenario.id, each["parameter"])
            found += 1
    assert found >= 10


def test_the_unit_of_every_measure_can_be_written_down() -> None:
    texts = set()
    for scenario in bundled():
        for each in scenario.expectations:
            text = unit_text_of(each.measure, scenario.model)
            found = unit_of(each.measure, scenario.model, [arm.name for arm in scenario.arms], math.inf)
            if unit(text).same_dimension(found):  # not so where a mass of a substance is written, and moles are meant
                texts.add(text)
                assert unit(text).factor == pytest.approx(found.factor, rel=1e-12), each.measure_text
    assert {"1", "d", "pM", "cells/uL"} <= texts
    assert len(texts) > 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max(drug)", "pM"),
        ("auc(drug)", "pM*h"),
        ("auc(cells) / 2", "(cells/uL)*h"),
        ("2 * max(cells)", "cells/uL"),
        ("max(drug) / max(cells)", "pM/(cells/uL)"),
        ("max(drug) * time_of_max(drug) / auc(drug)", "1"),
        ("time_of_max(drug) - '30 min'", "h"),
        ("-final(drug) / '2 nM'", "pM/nM"),
    ],
)
def test_the_unit_of_a_measure_is_made_of_what_it_measures(scenario, text: str, expected: str) -> None:
    (measure,) = scenario(f'[[sweep.vary]]\nparameter = "k_clear"\n[sweep.measures]\nx = "{text}"\n').sweep.measures
    assert measure.unit_text == expected
    assert unit(expected).powers == measure.unit.powers
    assert unit(expected).factor == pytest.approx(measure.unit.factor, rel=1e-12)


# files that extend others, and shortened runs


def test_a_child_inherits_the_sweep_and_the_patients(scenario, folder: Path) -> None:
    first = scenario(BASE + FULL)
    child = folder / "child.toml"
    child.write_text('title = "child"\nextends = "question.toml"\n[sweep]\ncount = 32\n', encoding="utf-8")
    second = read_scenario(child)
    assert second.sweep.design.shape == (32, 10)
    assert second.sweep.measures == first.sweep.measures
    assert second.sweep.design.inner == first.sweep.design.inner
    assert second.origins["sweep", "count"].startswith(str(child))
    assert second.origins["population", "count"].startswith(str(folder / "question.toml"))


def test_a_run_cut_short_leaves_measures_about_later_times_out(folder: Path, scenario) -> None:
    scenario(BASE + FULL)
    short = read_scenario(folder / "question.toml", {"time.end": "10 h"})
    assert [each.id for each in short.sweep.measures] == ["peak"]
    assert any("'late'" in each for each in short.truncated)


LATE_CHANGE = '[[sweep.vary]]\nparameter = "{}"\nvalues = ["1 h", "3 h"]\n[sweep.measures]\ntop = "max(drug)"\n'


@pytest.mark.parametrize(
    ("path", "what"), [("change.1.at", "change 1 starts at 5 h"), ("dose.push.at", "dose push starts at 2 h")]
)
def test_what_a_run_cut_short_left_out_cannot_vary_and_that_is_the_reason_given(
    folder: Path, scenario, path: str, what: str
) -> None:
    scenario(BASE + LATE_CHANGE.format(path))
    with pytest.raises(InputError) as caught:
        read_scenario(folder / "question.toml", {"time.end": "2 h"})
    assert f"{what}, not before the end of the run, 2 h, and was left out" in str(caught.value)
    assert "numbered" not in str(caught.value)


def test_expectations_about_the_whole_run_are_not_judged_on_a_part_of_it(folder: Path, scenario) -> None:
    expect = '[[expect]]\nthat = "{0}"\nmeasure = "{0}"\nabove = 0\nunit = "pM"\nsource = "assumed"\n'
    texts = ["max(drug)", "final(drug)", "at(drug, '3 h')", "max(drug, '1 h', '4 h')", "at(drug, '12 h')"]
    scenario(BASE + "".join(expect.format(text) for text in texts))
    short = read_scenario(folder / "question.toml", {"time.end": "10 h"})
    assert [each.measure_text for each in short.expectations] == ["at(drug, '3 h')", "max(drug, '1 h', '4 h')"]
    assert [each["measure"] for each in short.document["expect"]] == ["at(drug, '3 h')", "max(drug, '1 h', '4 h')"]
    assert "2 expectations about the whole run, which is shorter: not simulated" in short.truncated
    longer = read_scenario(folder / "question.toml", {"time.end": "30 h"})
    assert len(longer.expectations) == 5


INFUSIONS = """
[[dose]]
name = "push"
target = "drug"
amount = "400 pmol"
at = "2 h"
over = "1 h"
every = "2 h"
count = 4
[sweep]
sample = "{}"
[[sweep.vary]]
parameter = "dose.push.over"
values = ["1 h", "5 h"]
[[sweep.vary]]
parameter = "dose.push.every"
values = ["2 h", "6 h"]
[sweep.measures]
top = "max(drug)"
"""


def test_members_of_a_zip_are_held_against_their_own_values_only(scenario) -> None:
    found = scenario(INFUSIONS.format("zip"))
    assert found.sweep.design.count == 2
    said = "in 1 of 2 members of the sweep the dose 'push' is not given in full before the end"  # 5 h from 20 h on
    assert found.sweep.remarks == (said,)
    assert said in notes(found)


def test_combinations_of_a_grid_that_cannot_be_are_counted_and_fail_alone(scenario) -> None:
    found = scenario(INFUSIONS.format("grid"))
    assert found.sweep.remarks[0] == (
        "1 of 4 members of the sweep cannot be simulated and fail, such as one where an infusion of 'push' of 5 h is "
        "longer than its interval, 2 h"
    )
    block = compute(found, np.arange(4, dtype=np.int64))
    assert block.failed[:, 0].tolist() == [False, False, True, False]
    outcome = block.outcomes[2, MAIN]
    assert outcome.kind == "impossible"
    assert outcome.message == "an infusion of 'push' of 5 h is longer than its interval, 2 h"
    assert np.isfinite(block.measures[[0, 1, 3]]).all()


def test_patients_whose_infusions_are_too_long_are_counted_in_the_tail_of_their_distribution_too(scenario) -> None:
    patients = '[population]\ncount = 4000\n[[population.vary]]\nparameter = "dose.push.over"\n'
    patients += 'distribution = "lognormal"\nmedian = "1 h"\ncv = 0.3\nsource = "assumed"\n'
    text = INFUSIONS.split("[sweep]")[0].replace("count = 4", "count = 2").replace('every = "2 h"', 'every = "2.2 h"')
    found = scenario(text + patients)
    high = found.sweep.design.axes[0].high
    assert high < 2.2  # what figures cover
    late = int((found.sweep.design.values(0, 4000)[:, 0] > 2.2).sum())
    assert late > 0
    (said,) = found.sweep.remarks
    assert said.startswith(f"{late} of 4,000 members of the sweep cannot be simulated")


def test_doses_behind_the_end_are_told_where_no_time_varies_too(scenario) -> None:
    text = DOSE.replace("count = 2", "count = 9") + '[[sweep.vary]]\nparameter = "k_clear"\n'
    said = "in all members of the sweep the dose 'push' is not given in full before the end"
    assert scenario(text).sweep.remarks == (said,)
    assert scenario(text.replace("count = 9", "count = 6")).sweep.remarks == ()  # the last at 22 h of 24


def test_an_arm_that_sets_an_axis_itself_is_noted(scenario) -> None:
    found = scenario(BASE + FULL.replace('["main", "own"]', '["main", "own", "without"]'))
    said = notes(found)
    assert "arm own sets k_clear itself, so the sweep does not vary it there" in said
    assert "arm without does not give the dose of dose.push.amount, so the sweep does not vary it there" in said


def test_a_check_loads_neither_numpy_nor_scipy(scenario, folder: Path) -> None:
    scenario(BASE + FULL)
    code = (
        "import sys; from pathlib import Path; from immunesim.tasks.check import CheckRequest, check;"
        f"print(check(CheckRequest(({str(folder / 'question.toml')!r},))));"
        f"print(sorted({{'numpy', 'scipy'}} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "a sweep of 640 members (product of 6 axes)" in out
    assert out.strip().splitlines()[-1].endswith("[]")


# words


def read(folder: Path, text: str, words: SweepOptions, settings: dict[str, str] | None = None):
    path = folder / "words.toml"
    path.write_text(f'title = "t"\nmodel = "toy_model.toml"\n[time]\nend = "24 h"\n{text}', encoding="utf-8")
    return read_scenario(path, settings, words)


GRID = '[[sweep.vary]]\nparameter = "k_clear"\nfrom = "0.3 1/h"\nto = "0.6 1/h"\ncount = 4\n'


def test_words_say_what_a_file_says(folder: Path) -> None:
    words = SweepOptions(
        vary=("k_clear=0.3 1/h:0.6 1/h:4", "initial.drug=1 pM:100 pM:3:log", "dose.push.amount=1 pmol, 2 pmol"),
        measures=("peak=max(drug)", "max(drug, arm='own') / max(drug)"),
        arms=("main", "without"),
        keep=("cells",),
    )
    sweep = read(folder, BASE, words).sweep
    text = BASE + '[sweep]\nkeep = ["cells"]\narms = ["main", "without"]\n' + GRID
    text += '[[sweep.vary]]\nparameter = "initial.drug"\nfrom = "1 pM"\nto = "100 pM"\ncount = 3\nscale = "log"\n'
    text += '[[sweep.vary]]\nparameter = "dose.push.amount"\nvalues = ["1 pmol", "2 pmol"]\n[sweep.measures]\n'
    text += 'peak = "max(drug)"\n"max(drug, arm=\'own\') / max(drug)" = "max(drug, arm=\'own\') / max(drug)"\n'
    assert sweep == read(folder, text, SweepOptions()).sweep
    assert (sweep.design.kind, sweep.design.shape) == ("grid", (4, 3, 2))


def test_a_sample_asked_for_takes_the_axes_of_the_file(folder: Path) -> None:
    sweep = read(folder, GRID, SweepOptions(sample="sobol:16", seed=5)).sweep
    assert (sweep.design.kind, sweep.design.count, sweep.design.seed) == ("sobol", 16, 5)
    assert (sweep.design.axes[0].low, sweep.design.axes[0].high) == (0.3, 0.6)
    lhs = '[sweep]\nsample = "lhs"\ncount = 9\nseed = 4\n[[sweep.vary]]\nparameter = "k_clear"\n'
    assert read(folder, lhs, SweepOptions(sample="grid")).sweep.design.shape == (11,)
    assert read(folder, lhs, SweepOptions(vary=("plasma_volume=3 L:5 L",))).sweep.design.kind == "lhs"
    assert read(folder, lhs, SweepOptions(sample="one_at_a_time")).sweep.design.count == 3


def test_a_parameter_alone_is_an_axis_over_its_range(folder: Path) -> None:
    (axis,) = read(folder, "", SweepOptions(vary=("k_clear",))).sweep.design.axes
    assert (axis.low, axis.high) == (0.25, 1.0)


def test_members_asked_for_take_the_place_of_axes_and_are_relative_to_where_one_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "m.csv").write_text("k_clear [1/h]\n0.5\n0.7\n", encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    assert read(folder, GRID, SweepOptions(members="m.csv")).sweep.design.count == 2


def test_members_may_have_an_id_which_is_kept(scenario, folder: Path) -> None:
    (folder / "m.csv").write_text('id,k_clear [1/h]\nP-01,0.5\n" P 2",0.7\nP-01,0.6\n', encoding="utf-8")
    design = scenario('[sweep]\nmembers = "m.csv"\n').sweep.design
    assert [axis.path for axis in design.axes] == ["k_clear"]
    assert member_ids(design) == ("P-01", "P 2", "P-01")
    chosen = scenario('[sweep]\nmembers = "m.csv"\n[[sweep.vary]]\nparameter = "k_clear"\n').sweep.design
    assert member_ids(chosen) == member_ids(design)
    patients = '[population]\ncount = 2\n[[population.vary]]\nparameter = "plasma_volume"\ndistribution = "uniform"\n'
    both = scenario(f'[sweep]\nmembers = "m.csv"\n{patients}from = "3 L"\nto = "5 L"\n').sweep.design
    assert member_ids(both) == ("P-01", "P-01", "P 2", "P 2", "P-01", "P-01")
    assert member_ids(scenario(GRID).sweep.design) == ()


def test_a_seed_is_that_of_the_patients_too_and_their_number_can_be_set(scenario, folder: Path) -> None:
    scenario(BASE + FULL)
    path = folder / "question.toml"
    found = read_scenario(path, {"population.count": "4"}, SweepOptions(seed=77)).sweep.design
    assert (found.outer.seed, found.inner.seed, found.inner.count) == (77, 77, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (SweepOptions(vary=("k_claer",)), "nothing called 'k_claer' can vary; did you mean 'k_clear'?"),
        (SweepOptions(vary=("k_clear=",)), "expected NAME=FROM:TO:COUNT"),
        (
            SweepOptions(vary=("k_clear=1 1/h:2 1/h:many",)),
            "expected a whole number of points after FROM:TO, found 'many'",
        ),
        (SweepOptions(vary=("k_clear=1 1/h:2 1/h:3:4",)), "expected NAME=FROM:TO, NAME=FROM:TO:COUNT"),
        (SweepOptions(vary=("k_clear=0.1:0.5",)), "the unit is missing"),
        (SweepOptions(vary=("k_clear=0.5 1/h:0.1 1/h",)), "expected 'from' below 'to'"),
        (SweepOptions(vary=("k_clear=0 1/h:0.1 1/h:3:log",)), "a log axis starts above zero"),
        (SweepOptions(vary=("k_clear=0.1 1/h:0.2 1/h:0",)), "expected a whole number from 2 to 10000000, found 0"),
        (SweepOptions(vary=("k_clear",), sample="latin"), "no sample 'latin'"),
        (SweepOptions(vary=("k_clear",), sample="lhs"), "how many members? 'lhs' needs a count"),
        (SweepOptions(vary=("k_clear",), sample="lhs:many"), "expected SAMPLE:COUNT such as lhs:1000, found 'many'"),
        (
            SweepOptions(vary=("k_clear",), sample="grid:5"),
            "'count' belongs to the samples lhs, sobol, random, morris, saltelli",
        ),
        (
            SweepOptions(vary=("k_clear",), measures=("max(drog)",)),
            "no species or observable 'drog'; did you mean 'drug'?",
        ),
        (SweepOptions(vary=("k_clear",), arms=("owen",)), "no arm 'owen'; did you mean 'own'?"),
        (SweepOptions(vary=("k_clear",), keep=("drog",)), "no species or observable 'drog'"),
        (
            SweepOptions(vary=("k_clear",), seed=3),
            "nothing is drawn at random: a seed is for lhs, sobol, random, morris, saltelli and [population]",
        ),
        (SweepOptions(measures=("max(drug)",)), "nothing varies: give --vary NAME=VALUES, or add [[sweep.vary]]"),
    ],
)
def test_wrong_words_are_faults_of_the_command_line(folder: Path, words: SweepOptions, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(folder, BASE, words)
    assert [fault.file for fault in caught.value.faults] == [COMMAND_LINE] * len(caught.value.faults)
    assert any(message in fault.message for fault in caught.value.faults), caught.value.faults
    assert all(fault.text.startswith("--") for fault in caught.value.faults)


def test_a_scenario_without_a_sweep_has_none(scenario) -> None:
    plain = scenario(BASE)
    assert plain.sweep is None
    assert plain.arm(MAIN).own == frozenset()
    assert plain.arm("own").own == {"k_clear"}
