"""What a scenario says of its page: which sliders it shows first, how far they go, and where it can start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MOST_SHOWN = 8  # sliders at first: more are no longer seen at once


class ChosenSlider(NamedTuple):
    """A slider of ``[[explore.slider]]``. path: as for ``--set``. unit_text: of `value`, that of the main arm, `low`
    and `high`. low, high, log: None where the page finds them. label: '' where the model says it."""

    path: str
    unit_text: str
    value: float
    low: float | None = None
    high: float | None = None
    log: bool | None = None
    label: str = ""


class ChosenPreset(NamedTuple):
    """A setting of ``[[explore.preset]]``: its label, and sliders at the values to be set."""

    label: str
    sliders: tuple[ChosenSlider, ...]

    @property
    def values(self) -> Mapping[str, float]:
        """By path, the values that it sets."""
        return {each.path: each.value for each in self.sliders}


class Explore(NamedTuple):
    """``[explore]``: sliders in the order in which they are shown (the page chooses if there are none), and presets."""

    sliders: tuple[ChosenSlider, ...] = ()
    presets: tuple[ChosenPreset, ...] = ()
