"""The model: declarations that were checked together, and the laws that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .declarations import BODY, Declarations
from .laws import Laws, write_laws
from .units import Unit, UnitError, in_moles


@dataclass(frozen=True)
class Model(Declarations):
    """Declarations that have been checked: every name is declared and used, every rate law has the right dimension.

    laws: what the numerics reads, the same formulas with every unit factor written in.

    Raises:
        ModelError: with everything that is wrong.
    """

    laws: Laws = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "laws", write_laws(self))


def dose_unit_factor(model: Model, target: str, given: Unit) -> tuple[float, tuple[str, ...], str | None]:
    """How an amount of a dose in the unit `given` becomes the unit of the species `target`.

    Returns:
        The factor, the body parameters to multiply by (``body_weight`` for an amount per kg), and the name of the
        volume to divide by, or None.

    Raises:
        UnitError: if `given` is no amount of the target.
    """
    species = model.species[target]
    substance = model.substance_of(target)

    def moles(value: Unit) -> Unit:
        return in_moles(value, substance) if substance else value

    for body in ("", *BODY):
        if body and body not in model.parameters:
            continue
        amount = moles(given * model.parameters[body].unit if body else given)
        multiply = (body,) if body else ()
        if amount.same_dimension(species.unit):
            return amount.to(species.unit), multiply, None
        if species.volume is not None:
            needed = species.unit * model.unit(species.volume)
            if amount.same_dimension(needed):
                return amount.to(needed), multiply, species.volume
    per_body = " (per kg or per m2 needs the parameters body_weight, body_surface)"
    wanted = f"an amount that becomes {species.unit_text} of {target}"
    if species.volume is not None:
        wanted += f" in the volume {species.volume}"
    raise UnitError(f"expected {wanted}{'' if BODY[0] in model.parameters else per_body}")
