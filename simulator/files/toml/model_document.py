"""A model as one TOML table: the same words, so that it can be read again without its modules."""

from __future__ import annotations

from typing import Any

from ...model.expression import Number
from ...model.model import Model


def model_document(model: Model) -> dict[str, Any]:
    """The tables of a model file that reads back as `model`."""
    return {
        "schema": 1,
        "title": model.title,
        "time_unit": model.time_unit_text,
        "limitations": model.limitations,
        "substances": {
            item.id: _given(
                label=item.label,
                molar_mass=item.molar_mass_text,
                unit_mass=item.unit_mass_text,
                source=item.source,
                status=item.status,
            )
            for item in model.substances.values()
        },
        "species": {
            item.id: _given(
                label=item.label,
                unit=item.unit_text,
                initial=item.initial.value if isinstance(item.initial, Number) else item.initial_text,
                scale=item.scale,
                substance=item.substance,
                volume=item.volume,
                signed=item.signed or None,
                note=item.note,
            )
            for item in model.species.values()
        },
        "parameters": {
            item.id: _given(
                label=item.label,
                value=item.value,
                unit=item.unit_text,
                range=list(item.range) if item.range else None,
                source=item.source,
                status=item.status,
                substance=item.substance,
            )
            for item in model.parameters.values()
        },
        "reactions": {
            item.id: _given(label=item.label, equation=item.equation, rate=item.rate_text, source=item.source)
            for item in model.reactions.values()
        },
        "observables": {
            item.id: _given(label=item.label, unit=item.unit_text, value=item.text)
            for item in model.observables.values()
        },
        "interventions": {
            item.id: _given(
                label=item.label,
                knockout=dict(item.knockout) or None,
                block=item.block,
                heard=item.heard,
                dose=item.dose[""] if "" in item.dose else dict(item.dose) or None,
                note=item.note,
            )
            for item in model.interventions.values()
        },
        "sources": {item.id: _given(citation=item.citation, link=item.link) for item in model.sources.values()},
    }


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ""}
