"""The model: declarations that were checked together, and the laws that follow from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .declarations import BODY, Declarations
from .expression import TIME, names
from .laws import Laws, write_laws
from .units import Unit, UnitError, in_moles, unit

_KILOGRAM = unit("kg")


@dataclass(frozen=True)
class Model(Declarations):
    """Declarations that have been checked: every name is declared and used, every rate law has the right dimension.

    laws: what the numerics reads, the same formulas with every unit factor written in.
    as_written: the model before `switches` made parameters of what jumps in its rates; None where nothing does.
    switched: what `with_switches` made of it, once it was asked: scenarios of one model share that object too.

    Raises:
        ModelError: with everything that is wrong.
    """

    laws: Laws = field(init=False, repr=False, compare=False)
    as_written: Model | None = field(init=False, default=None, repr=False, compare=False)
    switched: tuple[Model, tuple[Any, ...]] | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "laws", write_laws(self))

    def formulas_of_time(self) -> list[str]:
        """The reactions and observables whose formulas name the time."""
        found = [name for name, each in self.reactions.items() if TIME in names(each.rate)]
        return [*found, *(name for name, each in self.observables.items() if TIME in names(each.value))]


_PER_BODY = re.compile(r"(.+?)\s*(?:/\s*(kg|g|m(?:\^?2|²))|[\s*·](?:(kg)(?:\^?-1|⁻¹)|m(?:\^?-2|⁻²)))\s*\Z", re.DOTALL)

_MASS_OR_MOLES = re.compile(r"\b[a-zA-Zµμ]{0,3}?(?:(?P<mass>g)|(?P<moles>mol|M)|(?P<IU>IU))\b")


def dose_unit_factor(model: Model, target: str, unit_text: str) -> tuple[float, tuple[str, ...], str | None]:
    """How an amount of a dose in the unit `unit_text` becomes the unit of the species `target`.

    A dose per body weight or body surface says so in its last words: ``/kg``, ``/g`` or ``/m2``. The dimension alone
    would let any ratio through: mL/L is a pure number as mg/kg is.

    Returns:
        The factor, the body parameters to multiply by (``body_weight`` for an amount per kg), and the name of the
        volume to divide by, or None.

    Raises:
        UnitError: if `unit_text` is no unit, or no amount of the target.
    """
    found = _amount_factor(model, target, unit(unit_text))
    if found is not None:
        return found[0], (), found[1]
    per_body, missing = _PER_BODY.match(unit_text), ""
    if per_body is not None:
        per = unit(per_body[2] or per_body[3] or "m2")
        body = BODY[0] if per.same_dimension(_KILOGRAM) else BODY[1]
        found = _amount_factor(model, target, unit(per_body[1]))
        if found is not None and body in model.parameters:
            return found[0] * model.parameters[body].unit.to(per), (body,), found[1]
        if found is not None:
            missing = f"; per {per_body[2] or per_body[3] or 'm2'} needs the parameter {body}, which the model has not"
    species = model.species[target]
    given, own = (_MASS_OR_MOLES.search(text) for text in (unit_text, species.unit_text))
    if not missing and model.substance_of(target) is None and given and own and given.lastgroup != own.lastgroup:
        missing = f"; mass, moles and IU become one another by the masses of a substance, and {target} names none"
    wanted = f"an amount that becomes {species.unit_text} of {target}"
    if species.volume is not None:
        wanted += f" in the volume {species.volume}"
    raise UnitError(f"expected {wanted}{missing}")


def rate_unit_factor(model: Model, target: str, unit_text: str) -> tuple[float, tuple[str, ...], str | None]:
    """How a rate of infusion in the unit `unit_text`, such as ``mg/h`` or ``ug/kg/min``, becomes an amount of the
    species `target` per time unit of the model; returned and raised as by `dose_unit_factor`."""
    found = _amount_factor(model, target, unit(unit_text) * model.time_unit)
    if found is not None:
        return found[0], (), found[1]
    parts = [part.strip() for part in unit_text.split("/")]
    for place, part in enumerate(parts[1:], 1):
        try:
            per = unit(part)
        except UnitError:
            continue
        if per.same_dimension(model.time_unit):
            amount = "/".join(parts[:place] + parts[place + 1 :])
            factor, body, volume = dose_unit_factor(model, target, amount)
            return factor * model.time_unit.to(per), body, volume
    raise UnitError(f"'{unit_text}' is no amount of {target} per time, such as mg/h or mg/kg/h")


def _amount_factor(model: Model, target: str, given: Unit) -> tuple[float, str | None] | None:
    """The factor and the volume of an amount that is not per body; None if `given` is no amount of the target."""
    species = model.species[target]
    amount = in_moles(given, model.substance_of(target))
    if amount.same_dimension(species.unit):
        return amount.to(species.unit), None
    if species.volume is not None:
        needed = species.unit * model.unit(species.volume)
        if amount.same_dimension(needed):
            return amount.to(needed), species.volume
    return None
