"""`python -m tests.spread [COUNT]`: how far apart the people of the population `adults` are, beside what was published.

Draws COUNT people (300) of the scenarios `people_apart` and `autoimmunity_in_a_lifetime`, and prints for each row a
statistic of a measure over people, the published one, and whether it is within the interval of the register where it
is a fact of it. With `--all` the facts that are set aside are asked too; `--write` writes the short table of the
README again.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import immunesim as sim
import numpy as np
from immunesim.files.toml.facts import register
from immunesim.numerics.trajectory import Array

README = Path(__file__).resolve().parents[1] / "README.md"
LIFE = "autoimmunity_in_a_lifetime"
TREATED = ("IL2", "CTLA4", "little_CTLA4", "much_CTLA4", "PD1", "both", "both_little_CTLA4")
COMPARED = (
    ("low_over_usual", "little_CTLA4", "CTLA4"),
    ("high_over_usual", "much_CTLA4", "CTLA4"),
    ("both_over_CTLA4", "both", "CTLA4"),
)
ILL = 4.5  # self-reactive cells per uL, which keep a twentieth of the tissue damaged: harm of any grade
SEVERE = 1 / 3  # of the tissue, as a rash of 30 % of the skin is of grade 3
BEGIN, END = "<!-- spread -->", "<!-- end of spread -->"


def _cv(x: Array) -> float:
    return float(x.std(ddof=1) / x.mean())


def _quartiles_apart(x: Array) -> float:
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    return float((high - low) / middle)


def _ratio(low: float, high: float) -> Callable[[Array], float]:
    return lambda x: float(np.quantile(x, high) / np.quantile(x, low))


def _above(level: float) -> Callable[[Array], float]:
    return lambda x: float(np.mean(x > level))


def _women_over_men(x: Array) -> float:
    """x: a row a person, 1 for a woman, and 1 for who is ill."""
    return float(x[x[:, 0] == 1, 1].mean() / x[x[:, 0] == 0, 1].mean())


def _odds_of_women_over_men(x: Array) -> float:
    women, men = (x[x[:, 0] == sex, 1].mean() for sex in (1, 0))
    return float(women / (1 - women) / (men / (1 - men)))


def _quotient(x: Array) -> float:
    """x: a row a person, 1 for who is harmed under one treatment, and under the other."""
    return float(x[:, 0].mean() / x[:, 1].mean())


def _below(level: float) -> Callable[[Array], float]:
    return lambda x: float(np.mean(x < level))


class Row(NamedTuple):
    """A statistic over people. fact: the fact of the register that it is, or "" and what was published in words."""

    what: str
    measure: str
    statistic: Callable[[Array], float]
    fact: str = ""
    published: str = ""
    source: str = ""
    form: str = "{:.0%}"
    short: str = ""  # its heading in the README, and what it says there was published
    found: str = ""


ROWS = (
    Row("lymphocytes, coefficient of variation", "lymphocytes", _cv, "spread_lymphocytes_between_people",
        short="lymphocytes (CV)", found="26 to 29 %"),
    Row("CD4 cells, coefficient of variation", "CD4", _cv, "spread_CD4_between_people",
        short="CD4 cells (CV)", found="31 to 33 %"),
    Row("CD8 cells, coefficient of variation", "CD8", _cv, "", "35 to 39 %", "LymphocyteRanges2004"),
    Row("T cells, coefficient of variation (lasting part, without that within a person)", "T_cells", _cv,
        "spread_T_between_people"),
    Row("B cells, coefficient of variation", "B_cells", _cv, "spread_B_between_people"),
    Row("neutrophils below 1500/µL", "neutrophils", _below(1500), "spread_neutrophils_low_tail", form="{:.2%}"),
    Row("IgE, geometric standard deviation", "IgE", lambda x: float(np.exp(np.log(x).std(ddof=1))), "", "3.3 to 3.8",
        "PoDeltaIgE2001", "{:.2g}",
        short="IgE (geometric SD)", found="3.3 to 3.8"),
    Row("antibody after a vaccine, upper over lower quartile", "antibody.vaccine", _ratio(0.25, 0.75),
        "spread_antibody_smallpox_quartiles", form="{:.2g}"),
    Row("antibody after a vaccine, 97.5th over 2.5th percentile", "antibody.vaccine", _ratio(0.025, 0.975), "",
        "10 to 50", "several vaccines", "{:.2g}",
        short="antibody after a vaccine (95 % of people)", found="10- to 50-fold"),
    Row("temperature after 2 ng/kg of endotoxin, standard deviation in °C", "temperature.endotoxin",
        lambda x: float(x.std(ddof=1)), "", "0.3", "HarmonThesis", "{:.2g}",
        short="temperature after endotoxin (SD)", found="0.3 °C"),
    Row("IL-1 antagonist after 1 ng/kg of endotoxin, distance of quartiles over the median",
        "IL1Ra_peak.half_endotoxin", _quartiles_apart, "spread_endotoxin_IL1Ra"),
    Row("C-reactive protein after it, distance of quartiles over the median", "CRP_peak.half_endotoxin",
        _quartiles_apart, "spread_endotoxin_CRP"),
    Row("IL-6 at rest, distance of quartiles over the median", "IL6", _quartiles_apart, "spread_IL6_rest"),
    Row("IL-1 antagonist at rest, coefficient of variation", "IL1Ra", _cv, "spread_IL1Ra_between_people"),
    Row("soluble CD25 at rest, coefficient of variation", "soluble_CD25", _cv, "spread_soluble_CD25_between_people"),
    Row("highest IL-2 after 12 to 18 MIU (simulated 15) under the skin, largest over smallest of 28",
        "IL2_peak.much_IL2", _ratio(0.02, 0.98), "", "5.2", "Piscitelli1996", "{:.2g}",
        short="IL-2 after a dose (range of 28)", found="5.2-fold"),
    Row("regulatory T cells after five days of it, peak fold, 90 % of people", "regulatory_fold.little_IL2",
        _ratio(0.05, 0.95), "", "no number found", "", "{:.2g}"),
    Row("autoimmune disease in a lifetime (fitted)", "life.ill", _above(ILL), "", "7 % of men, 13 % of women",
        "Conrad2023", short="autoimmune disease in life (fitted)", found="7 to 13 %"),
    Row("the same, women over men (fitted)", "life.by_sex.ill", _women_over_men, "autoimmunity_women_over_men",
        form="{:.2g}"),
    Row("age at which it begins, mean in years", "life.onset", lambda x: float(np.nanmean(x)),
        "autoimmunity_age_of_onset", form="{:.0f}"),
    Row("age at which it begins, standard deviation in years", "life.onset", lambda x: float(np.nanstd(x)),
        "autoimmunity_age_of_onset_spread", form="{:.0f}"),
    Row("age at which it begins with one gene of two for CTLA-4, median in days", "life.onset.half_CTLA4",
        lambda x: float(np.nanmedian(x)) * 365.25, "ctla4_half_onset_years", form="{:.0f}"),
    Row("autoimmune disease with one gene of two for CTLA-4", "life.ill.half_CTLA4", _above(ILL),
        "ctla4_half_penetrance", short="the same with one gene of two for CTLA-4", found="60 to 70 %"),
    Row("newly ill in the year after high-dose IL-2 at 50", "life.newly_ill.IL2", _above(0),
        "autoimmunity_IL2_thyroid_treated"),
    Row("the same", "life.newly_ill.IL2", _above(0), "il2_harm_registry"),
    Row("newly ill within a year of an antibody against CTLA-4", "life.newly_ill.CTLA4", _above(0),
        "autoimmunity_CTLA4_any"),
    Row("the same", "life.newly_ill.CTLA4", _above(0), "ctla4_block_harm_any_pooled"),
    Row("the same, 3 mg/kg", "life.newly_ill.CTLA4", _above(0), "ctla4_block_harm_any_3_mg"),
    Row("the same, odds of women over men", "life.by_sex.CTLA4", _odds_of_women_over_men, "sex_harm_checkpoint_odds",
        form="{:.2g}"),
    Row("a third of the tissue damaged within that year", "life.worst_at_50.CTLA4", _above(SEVERE),
        "autoimmunity_CTLA4_severe"),
    Row("the same", "life.worst_at_50.CTLA4", _above(SEVERE), "ctla4_block_harm_severe_pooled"),
    Row("the same, odds of women over men", "life.by_sex.severe_CTLA4", _odds_of_women_over_men,
        "sex_immunotherapy_severe_odds", form="{:.2g}"),
    Row("newly ill within a year of an antibody against PD-1", "life.newly_ill.PD1", _above(0),
        "pd1_block_harm_share"),
    Row("a third of the tissue damaged within that year", "life.worst_at_50.PD1", _above(SEVERE),
        "checkpoint_severe_PD1"),
    Row("a third of the tissue damaged within a year of both antibodies", "life.worst_at_50.both", _above(SEVERE),
        "checkpoint_severe_both"),
    Row("newly ill at a tenth of the dose against CTLA-4", "life.newly_ill.little_CTLA4", _above(0),
        "ctla4_block_harm_any_low_dose"),
    Row("the same, over the usual dose", "life.low_over_usual", _quotient, "ctla4_block_harm_low_over_usual",
        form="{:.2g}"),
    Row("newly ill at three times the dose, over the usual dose", "life.high_over_usual", _quotient,
        "ctla4_block_harm_high_over_usual", form="{:.2g}"),
    Row("a third of the tissue damaged, the same", "life.severe_high_over_usual", _quotient,
        "ctla4_block_severe_high_over_usual", form="{:.2g}"),
    Row("a third of the tissue damaged, both antibodies over one against CTLA-4", "life.severe_both_over_CTLA4",
        _quotient, "checkpoint_severe_both_over_CTLA4", form="{:.2g}"),
    Row("newly ill at three times the dose against CTLA-4", "life.newly_ill.much_CTLA4", _above(0),
        "ctla4_block_harm_any_10_mg"),
    Row("a third of the tissue damaged, the same", "life.worst_at_50.much_CTLA4", _above(SEVERE),
        "ctla4_block_harm_severe_10_mg"),
    Row("a third of the tissue damaged at the usual dose", "life.worst_at_50.CTLA4", _above(SEVERE),
        "ctla4_block_severe_label"),
    Row("newly ill under both antibodies, little of that against CTLA-4", "life.newly_ill.both_little_CTLA4",
        _above(0), "both_block_any_little_ipilimumab"),
    Row("a third of the tissue damaged, the same", "life.worst_at_50.both_little_CTLA4", _above(SEVERE),
        "both_block_severe_little_ipilimumab"),
    Row("lymphocytes, 97.5th over 2.5th percentile", "lymphocytes", _ratio(0.025, 0.975),
        "spread_lymphocytes_percentiles", form="{:.2g}"),
    Row("CD8 cells, 97.5th over 2.5th percentile", "CD8", _ratio(0.025, 0.975), "spread_CD8_percentiles",
        form="{:.2g}"),
    Row("IgE, 80th over 20th percentile", "IgE", _ratio(0.2, 0.8), "spread_IgE_quintiles", form="{:.2g}"),
)  # fmt: skip


def simulated(count: int) -> Mapping[str, Array]:
    """The measures of the first `count` people of the population, by name."""
    people: dict[str, Array] = {}
    for prefix, scenario, arms in (("", "people_apart", ()), ("life.", LIFE, ("main", "half_CTLA4", *TREATED))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what an arm sets itself does not vary there
            options = {"set": {"population.count": str(count)}, "arms": arms, "certify": False}
            found = sim.sweep(scenario, **options).to_pandas()
        people |= {prefix + name: found[name].to_numpy() for name in found.columns}
    well, woman = people["life.ill_at_50"] <= ILL, people["life.patient_sex"]
    for arm in TREATED:
        newly = np.where(well & (people[f"life.ill_at_50.{arm}"] > ILL), 1.0, 0.0)
        people |= {f"life.newly_ill.{arm}": newly, f"life.by_sex.{arm}": np.column_stack([woman, newly])}
        severe = people[f"life.worst_at_50.{arm}"] > SEVERE
        people[f"life.by_sex.severe_{arm}"] = np.column_stack([woman, severe])
    for name, one, other in COMPARED:
        people[f"life.{name}"] = np.column_stack([people[f"life.newly_ill.{arm}"] for arm in (one, other)])
        severe = [people[f"life.worst_at_50.{arm}"] > SEVERE for arm in (one, other)]
        people[f"life.severe_{name}"] = np.column_stack(severe)
    people["life.by_sex.ill"] = np.column_stack([woman, people["life.ill"] > ILL])
    return people


def table(people: Mapping[str, Array], everything: bool = False) -> list[str]:
    """The lines of the table, in Markdown."""
    lines = ["| between people | published | simulated | |", "| --- | --- | ---: | --- |"]
    for row in ROWS:
        fact = register()[row.fact] if row.fact else None
        if fact is not None and fact.set_aside and not everything:
            continue
        value = row.statistic(people[row.measure])
        published, source, verdict = row.published, row.source, ""
        if fact is not None:
            ends = [end for end in (fact.low, fact.high) if np.isfinite(end)]
            bound = "" if len(ends) == 2 else "above " if np.isfinite(fact.low) else "below "
            published = bound + " to ".join(map(row.form.format, ends))
            source, verdict = fact.source.split(",")[0], "met" if fact.low <= value <= fact.high else "missed"
        cited = f" ({source})" if source else ""
        lines.append(f"| {row.what} | {published}{cited} | {row.form.format(value)} | {verdict} |")
    return lines


def short_table(people: Mapping[str, Array]) -> list[str]:
    """The lines of the table of the README: a column for each row that has a heading there."""
    rows = [row for row in ROWS if row.short]
    cells = [row.form.format(row.statistic(people[row.measure])) for row in rows]
    return [
        f"| between people | {' | '.join(row.short for row in rows)} |",
        f"| --- |{' ---: |' * len(rows)}",
        f"| published | {' | '.join(row.found for row in rows)} |",
        f"| simulated | {' | '.join(cells)} |",
    ]


def main() -> None:
    """Prints the table, and writes that of the README."""
    parser = argparse.ArgumentParser(prog="python -m tests.spread", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=300)
    parser.add_argument("--all", action="store_true", help="the facts that are set aside too")
    parser.add_argument("--write", action="store_true", help="write the table of the README again")
    options = parser.parse_args()
    people = simulated(options.count)
    print("\n".join(table(people, options.all)))
    if options.write:
        text = README.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        README.write_text("\n".join([before + BEGIN, *short_table(people), END]) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
