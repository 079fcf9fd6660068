"""What Python code is given that shows itself: a number with its unit, and an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..experiments.explanation.explain import Explanation
from ..views.text.numbers import with_unit

if TYPE_CHECKING:
    from ..views.figures.sheet import Sheet


class Measured(float):
    """A number with its unit: computes as a float, prints as ``12.3 pM``."""

    unit: str

    def __new__(cls, value: float, unit: str) -> Measured:
        made = super().__new__(cls, value)
        made.unit = unit
        return made

    def __repr__(self) -> str:
        return with_unit(float(self), self.unit, 4)

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return Measured, (float(self), self.unit)


@dataclass(frozen=True, repr=False, eq=False)
class Explained:
    """Why a curve does what it does: prints itself in sentences, and shows itself as a picture in a notebook."""

    explanation: Explanation

    @property
    def sentences(self) -> list[str]:
        from ..views.text.explain import sentences

        return sentences(self.explanation)

    def figure(self) -> Sheet:
        """The curve, and below it what makes it and what takes from it."""
        from ..views.figures.explain import picture

        return picture(self.explanation).figure

    def __repr__(self) -> str:
        from ..views.text.explain import explanation_text

        return explanation_text(self.explanation)

    def _repr_png_(self) -> Any:
        return self.figure()._repr_png_()
