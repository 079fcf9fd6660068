"""A scenario's arm as SBML Level 3 Version 2: its model with units and sources, its doses as events.

The numbers in SBML are those of the model: every species is in a compartment of one litre, so that a concentration
in its own unit equals its amount; a species that is not a concentration is an amount. Extents of reactions are pure
numbers, and each rate law starts with the factor that gives it the unit 1/time.
"""

from __future__ import annotations

from typing import Any

from ....experiments.rules import Switching
from ....experiments.scenario import MAIN, Scenario, switches_of
from ....model.declarations import Reaction, Species
from ....model.expression import Apply, Expression, Name, Number
from ....model.units import ONE, Unit
from .events import EventWriter
from .formulas import LITRE, Formulas, Ids, joined, libsbml
from .functions import Functions, names_in
from .notes import cite, name_and_note
from .rules import followed, unwritten

LEVEL, VERSION = 3, 2


def sbml_text(scenario: Scenario, arm_name: str = MAIN) -> str:
    """The SBML document of an arm.

    Species, parameters and observables keep their names. The amount of each dose is the parameter ``dose_NAME``;
    what depends on it, on body weight or on a volume is a formula, so that a simulator that sets parameters and
    resets can sweep them. A parameter that a timed change sets keeps its value from before the change; its current
    value is ``PARAMETER_now``; a parameter that follows an input is set at each of its knots. An arm in a
    steady state, or with a rule that is `unwritten`, is written as `solving.as_simulated` gives it; ValueError
    otherwise.
    """
    arm = scenario.arm(arm_name)
    if unwritten(scenario, arm) or (
        any(dose.steady for dose in arm.doses) and set(arm.initial) != set(scenario.model.species)
    ):
        raise ValueError(f"arm {arm_name} is still to be decided: see `solving.as_simulated`")
    document = libsbml.SBMLDocument(LEVEL, VERSION)
    _DocumentWriter(scenario, arm_name, document.createModel()).write()
    return str(libsbml.writeSBMLToString(document))


class _DocumentWriter:
    """Writes an arm into `out`, a Model of libSBML."""

    def __init__(self, scenario: Scenario, arm_name: str, out: Any) -> None:
        self.scenario, self.arm, self.out = scenario, scenario.arm(arm_name), out
        model = self.model = scenario.model
        self.ids = Ids(*model.species, *model.parameters, *model.observables)
        self.reaction_ids = {name: self.ids.free(name) for name in model.reactions}
        ruled = tuple([rule for rule in self.arm.rules if not isinstance(rule, Switching)])
        self.switches = {rule.parameter: rule for rule in switches_of(self.arm)}
        self.events = EventWriter(scenario, self.arm._replace(rules=ruled), self.ids)
        self.formulas = Formulas(model, out, self.events.now)
        self.functions = Functions(model, out, self.ids)
        self.units: dict[str, str] = {}  # id of a unit of substance: the parameter that is 1 of it

    def write(self) -> None:
        self.head()
        self.parameters()
        self.events.declare(self.formulas)
        for species in self.model.species.values():
            self.species(species)
        self.observables()
        for switch in self.switches.values():
            self.switch(switch)
        for reaction in self.model.reactions.values():
            self.reaction(reaction)
        for rate, dose in self.events.infusions.items():
            self.infusion(rate, dose.name, dose.target)
        self.events.write(self.formulas)

    def head(self) -> None:
        scenario, out = self.scenario, self.out
        out.setId(self.ids.free(scenario.id or "scenario"))
        out.setTimeUnits(self.formulas.unit_id(self.model.time_unit, self.model.time_unit_text))
        out.setExtentUnits("dimensionless")
        lines = [scenario.question, f"Arm: {self.arm.label or self.arm.name}", f"Model: {self.model.title}"]
        lines += ["For teaching and research. Not medical advice; do not use it to treat patients."]
        name_and_note(out, scenario.title, lines)
        litre = self.litre = out.createCompartment()
        litre.setId(self.ids.free("litre"))
        litre.setSpatialDimensions(3.0)
        litre.setSize(1.0)
        litre.setUnits("litre")
        litre.setConstant(True)
        name_and_note(litre, "one litre, so that amounts and concentrations are the same numbers")

    def parameters(self) -> None:
        values = self.scenario.parameters(self.arm)
        for each in self.model.parameters.values():
            switch = self.switches.get(each.id)
            parameter = self.parameter(each.id, each.unit, each.unit_text, constant=switch is None)
            if switch is not None:
                name_and_note(parameter, each.label)
                continue
            parameter.setValue(values[each.id])
            span = f"range: {each.range[0]:g} to {each.range[1]:g} {each.unit_text}" if each.range else ""
            lines = [f"source: {each.source}", f"status: {each.status}", span]
            name_and_note(parameter, each.label, [*lines, *cite(parameter, self.model, each.source)])

    def parameter(self, name: str, unit: Unit, text: str, constant: bool = True) -> Any:
        parameter = self.out.createParameter()
        parameter.setId(name)
        parameter.setUnits(self.formulas.unit_id(unit, text))
        parameter.setConstant(constant)
        return parameter

    def species(self, each: Species) -> None:
        species = self.out.createSpecies()
        species.setId(each.id)
        name_and_note(species, each.label, [f"unit: {each.unit_text}", each.note])
        dissolved = _per_volume(each.unit)
        substance = each.unit * LITRE if dissolved else each.unit
        text = f"{each.unit_text}*L" if dissolved else each.unit_text
        species.setCompartment(self.litre.getId())
        species.setHasOnlySubstanceUnits(not dissolved)
        species.setSubstanceUnits(self.formulas.unit_id(substance, text))
        species.setConversionFactor(self.one_of(substance, text))
        species.setBoundaryCondition(False)
        species.setConstant(False)
        self.initial(species, each, dissolved)

    def one_of(self, substance: Unit, text: str) -> str:
        unit = self.formulas.unit_id(substance, text)
        if unit not in self.units:
            self.units[unit] = self.ids.free("one", unit)
            one = self.parameter(self.units[unit], substance, text)
            one.setValue(1.0)
            name_and_note(one, f"from extents of reactions to {text}")
        return self.units[unit]

    def initial(self, species: Any, each: Species, dissolved: bool) -> None:
        """The value at time 0, doses at time 0 included: a number, or a formula of parameters."""
        tree = self.model.laws.initial[each.id]
        if each.id in self.arm.initial:
            tree = Number(self.arm.initial[each.id])
        if (level := self.events.level_at_start(each.id)) is not None:
            tree = Number(level)
        given = self.events.starts(self.formulas, each.id)
        if isinstance(tree, Number) and not given:
            (species.setInitialConcentration if dissolved else species.setInitialAmount)(tree.value)
            return
        math = self.formulas.in_unit(tree, each.unit, {name: name for name in self.events.now})
        for size in given:
            math = joined("add", math, size)
        assignment = self.out.createInitialAssignment()
        assignment.setSymbol(each.id)
        assignment.setMath(self.functions.once(each.id, math))

    def observables(self) -> None:
        for each in self.model.observables.values():
            name_and_note(self.parameter(each.id, each.unit, each.unit_text, constant=False), each.label)
            rule = self.out.createAssignmentRule()
            rule.setVariable(each.id)
            math = self.formulas.in_unit(self.model.laws.observables[each.id], each.unit)
            rule.setMath(self.functions.once(each.id, math))

    def switch(self, each: Switching) -> None:
        """The parameter of a rate that jumps: 1 while its condition holds and 0 elsewhere, or a floor."""
        rule = self.out.createAssignmentRule()
        rule.setVariable(each.parameter)
        rule.setMath(followed(self.formulas, each))

    def reaction(self, each: Reaction) -> None:
        """A reaction, or several if its rate is divided by different volumes: one for each volume."""
        groups: dict[str | None, dict[str, float]] = {}
        for name, _ in each.stoichiometry:
            coefficient, volume = _coefficient(dict(self.model.laws.changes[name])[each.id])
            groups.setdefault(volume, {})[name] = coefficient
        for number, (volume, coefficients) in enumerate(groups.items()):
            first, coefficient = next(iter(coefficients.items()))
            factor = coefficient / dict(each.stoichiometry)[first]
            own = self.reaction_ids[each.id]
            reaction = self.out.createReaction()
            reaction.setId(self.ids.free(own, "in", volume or "amounts") if number else own)
            lines = [each.equation, f"rate: {each.rate_text}", f"source: {each.source}"]
            name_and_note(reaction, each.label, [*lines, *cite(reaction, self.model, each.source)])
            self.sides(reaction, {name: value / factor for name, value in coefficients.items()})
            self.law(reaction, self.model.laws.rates[each.id], factor, volume)

    def sides(self, reaction: Any, stoichiometry: dict[str, float]) -> None:
        reaction.setReversible(False)
        for name, number in stoichiometry.items():
            side = reaction.createReactant() if number < 0 else reaction.createProduct()
            side.setSpecies(name)
            side.setStoichiometry(float(f"{abs(number):.13g}"))
            side.setConstant(True)

    def law(self, reaction: Any, tree: Expression, factor: float, volume: str | None) -> None:
        rate, unit = self.formulas.node(tree)
        if volume is not None:
            divisor, measured = self.formulas.name(volume)
            rate, unit = joined("div", rate, divisor), unit / measured
        number = self.formulas.number(factor, ONE / self.model.time_unit / unit)
        math = joined("mul", number, rate)
        sides = [*reaction.getListOfReactants(), *reaction.getListOfProducts()]
        written = {side.getSpecies() for side in sides}
        for name in dict.fromkeys(names_in(math)):
            if name in self.model.species and name not in written:
                reaction.createModifier().setSpecies(name)
        reaction.createKineticLaw().setMath(self.functions.once(reaction.getId(), math))

    def infusion(self, rate: str, dose: str, target: str) -> None:
        reaction = self.out.createReaction()
        reaction.setId(self.ids.free("infusion", dose))
        name_and_note(reaction, f"{dose} is infused")
        self.sides(reaction, {target: 1.0})
        self.law(reaction, Name(rate), 1.0, None)


def _per_volume(unit: Unit) -> bool:
    return (unit * LITRE).powers[0] == 0 and unit.powers[0] != 0


def _coefficient(tree: Expression) -> tuple[float, str | None]:
    """The number in a coefficient of `laws.changes`, and the volume it is divided by."""
    if isinstance(tree, Number):
        return tree.value, None
    if isinstance(tree, Apply) and tree.op == "div":
        (above, volume) = tree.args
        if isinstance(above, Number) and isinstance(volume, Name):
            return above.value, volume.id
    if isinstance(tree, Apply) and tree.op == "mul" and isinstance(tree.args[0], Number):
        coefficient, volume_name = _coefficient(tree.args[1])
        return tree.args[0].value * coefficient, volume_name
    raise TypeError(f"{tree!r} is not a coefficient of a change")
