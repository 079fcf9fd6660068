"""A model, or one name in it, as facts for JSON and as text: from the same objects that are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....files.toml.catalogue import builtin_scenarios
from ....files.toml.interventions import available_interventions, find_intervention
from ....files.toml.model_sections import model_document
from ....model.declarations import BODY, Intervention, Parameter, Replaced
from ....model.expression import names
from ....model.model import Model
from ....runtime.errors import InputError, InputFault, request_fault
from ....runtime.names import nearest
from ..causal_graph import causal_facts

_SECTIONS = ("species", "parameters", "reactions", "observables", "substances", "sources")

Facts = dict[str, Any]  # key -> text, number, list of texts, or facts


def model_facts(model: Model, word: str | None) -> Facts:
    """Everything that a model says about one name, or its table of contents.

    Args:
        model: The model.
        word: A name (case and hyphens do not matter), a module as `NAME` or `NAME.toml`, an intervention, or a part
            of labels; if several labels contain it, these are listed. None for the table of contents.

    Raises:
        InputError: Nothing in the model is called that.
    """
    if word is None:
        return _contents(model)
    name = model.find(word, *_SECTIONS)
    if name is None and word.removesuffix(".toml") in model.modules:
        return _module(model, word.removesuffix(".toml"))
    if name is None and (intervention := find_intervention(model, word)):
        return {"name": intervention.id, "kind": "intervention", **_intervention(intervention)}
    if name is None and (labelled := _by_label(model, word)):
        exact = [each for each, label in labelled.items() if label.lower() == word.lower()]
        if len(exact) != 1:
            return {f"labels with '{word}'": labelled}
        (name,) = exact
    if name is None and word in builtin_scenarios():
        raise InputError([request_fault(f"'{word}' is a scenario; 'show {word}' prints it", word)])
    if name is None:
        known = [each for section in _SECTIONS for each in model_document(model)[section]]
        raise InputError([InputFault(f"model {model.id}", 0, f"nothing is called '{word}'{nearest(word, known)}", "")])
    return _named(model, name)


def subject(facts: Facts) -> str | None:
    """What `graph_view` draws for these facts: a species or observable, `MODULE.toml`, or None for the whole model.

    Raises `InputError` if the facts are about anything else.
    """
    if "model" in facts:
        return None
    if "module" in facts:
        return f"{facts['module']}.toml"
    if facts.get("kind") in ("species", "observables"):
        return str(facts["name"])
    found = f"{facts['name']} ({facts['kind']})" if "kind" in facts else f"several {next(iter(facts))}"
    message = f"only a model, a module, a species or an observable can be drawn; found {found}"
    raise InputError([request_fault(message, "--wiring")])


def facts_text(facts: Facts) -> str:
    """Facts for the terminal: a line for each, those within others indented."""
    return "\n".join(_lines(facts, 0))


def _contents(model: Model) -> Facts:
    document = model_document(model)
    return {
        "model": model.id,
        "title": model.title,
        "time_unit": model.time_unit_text,
        "limitations": model.limitations,
        "counts": {section: len(document[section]) for section in _SECTIONS},
        "assumed_parameters": sum(parameter.assumed for parameter in model.parameters.values()),
        "interventions": available_interventions(model),
        "replaced": {name: _replaced(each) for name, each in model.replaced.items()},
        "modules": {name: module.title for name, module in model.modules.items()},
        "species": {item.id: f"{item.label} [{item.unit_text}]" for item in model.species.values()},
        "observables": {item.id: f"{item.label} [{item.unit_text}]" for item in model.observables.values()},
        **causal_facts(model, None),
    }


def _named(model: Model, name: str) -> Facts:
    """A name of one of `_SECTIONS`."""
    document = model_document(model)
    section = next(section for section in _SECTIONS if name in document[section])
    found: Facts = {"name": name, "kind": section, **document[section][name]}
    if (replaced := model.replaced.get(name)) is not None:
        found["replaces"] = _replaced(replaced)
    if section == "species":
        found["changed_by"] = {
            reaction.id: f"{reaction.equation}   at {reaction.rate_text}"
            for reaction in model.reactions.values()
            if name in dict(reaction.stoichiometry)
        }
    if section in ("species", "parameters", "observables"):
        found["used_in"] = sorted(_users(model, name))
    if section in ("species", "observables"):
        found |= causal_facts(model, name)
    if name in model.modules:
        found["module_of_that_name"] = f"{name}.toml"
    if (intervention := model.interventions.get(name)) is not None:
        found["interventions"] = _intervention(intervention)
    cited = [part.split(",")[0].strip() for part in str(found.get("source", "")).split(";")]
    citations = {key: _citation(model, key) for key in cited if key in model.sources}
    return {**found, "citations": citations} if citations else found


def _module(model: Model, name: str) -> Facts:
    """A file of the model: its knobs first, since these are what scenarios change."""
    module = model.modules[name]
    mine = set(module.names)
    parameters = [each for each in model.parameters.values() if each.id in mine]
    return {
        "module": name,
        "title": module.title,
        "limitations": module.limitations,
        "knobs": {each.id: _parameter(each) for each in parameters if each.knob},
        "parameters": {each.id: _parameter(each) for each in parameters if not each.knob},
        "species": {each.id: f"{each.label} [{each.unit_text}]" for each in model.species.values() if each.id in mine},
        "reactions": {each.id: each.label for each in model.reactions.values() if each.id in mine},
        "observables": {
            each.id: f"{each.label} [{each.unit_text}]" for each in model.observables.values() if each.id in mine
        },
        **causal_facts(model, f"{name}.toml"),
        "interventions": {each: _intervention(model.interventions[each]) for each in module.interventions},
    }


def _intervention(each: Intervention) -> dict[str, str]:
    """An intervention: what each of its options does."""
    share = f"{each.block} = SHARE" if each.block else f"{each.remaining} = 1 - SHARE" if each.remaining else ""
    routes = {(f"into {route}" if route else "a dose"): target for route, target in each.dose.items()}
    lines = {
        "label": each.label,
        f"--knockout {each.id}": ", ".join(f"{name} = {value:g}" for name, value in each.knockout.items()),
        f"--block {each.id} SHARE": share,
        f"--add '{each.id} AMOUNT at TIME'": ", ".join(f"{route}: {target}" for route, target in routes.items()),
        "note": each.note,
    }
    return {key: text for key, text in lines.items() if text}


def _replaced(each: Replaced) -> str:
    return f"{each.text}   of {each.module}, since {each.by}"


def _parameter(parameter: Parameter) -> str:
    unit = "" if parameter.unit_text == "1" else f" {parameter.unit_text}"
    span = f" ({parameter.range[0]:g} to {parameter.range[1]:g})" if parameter.range else ""
    knob = f"; {parameter.status.removeprefix('knob:').strip()}" if parameter.knob else ""
    return f"{parameter.value:g}{unit}{span}: {parameter.label}{knob}"


def _by_label(model: Model, text: str) -> dict[str, str]:
    """The names whose label contains `text`, with these labels."""
    tables = (model.species, model.observables, model.parameters, model.reactions)
    labels = {name: each.label for table in tables for name, each in table.items()}
    return {name: label for name, label in labels.items() if text.lower() in label.lower()}


def _users(model: Model, name: str) -> Iterator[str]:
    """The reactions, observables and species that read a name."""
    if name in BODY:
        yield "doses per kg or m2"
    if name in model.parameters and model.parameters[name].for_doses:
        yield "doses that name it"
    for reaction in model.reactions.values():
        if name in names(reaction.rate):
            yield reaction.id
    for observable in model.observables.values():
        if name in names(observable.value):
            yield observable.id
    for species in model.species.values():
        if name in names(species.initial) or name == species.volume:
            yield species.id


def _citation(model: Model, key: str) -> str:
    source = model.sources[key]
    return f"{source.citation} {source.link}".strip()


def _lines(facts: Facts, depth: int) -> Iterator[str]:
    pad = "  " * depth
    width = max((len(str(key)) for key in facts), default=0)
    for key, value in facts.items():
        if isinstance(value, dict):
            if value:
                yield f"{pad}{key}:"
                yield from _lines(value, depth + 1)
        elif isinstance(value, list):
            yield f"{pad}{key:{width}}  {', '.join(map(str, value))}"
        elif value != "":
            yield f"{pad}{key:{width}}  {value}"
