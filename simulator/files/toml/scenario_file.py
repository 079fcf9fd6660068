"""Scenario files: TOML text, its parents and options of the command line become one checked `Scenario`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from ...experiments.scenario import Scenario
from ...model.model import Model
from ...runtime.errors import InputError, InputFault, request_fault
from ...runtime.names import fold, nearest
from ..reading import exists
from .catalogue import builtin_scenarios
from .inputs import read_inputs, with_inputs
from .interventions import Interventions, apply_interventions
from .layers import Layers, Origins
from .model_file import find_model, no_model, read_model
from .overrides import SweepOptions, apply_settings, apply_sweep_options, settings_without_effect, shorten
from .quantities import NOTHING_LEFT_OUT, Context
from .scenario import build_scenario, read_end, with_defaults
from .scenario_layers import read_layers
from .scenario_names import check_scenario_name
from .scenario_shape import is_model
from .source import TomlSource
from .subjects import expand_subjects
from .switches import with_jumps


def find_scenario(word: str) -> Path:
    """The file that `word` names: a path, or a built-in scenario by its name or by its path in the checkout."""
    path = Path(word)
    if os.path.isfile(path) or (exists(path) and path.stem not in builtin_scenarios()):
        return path
    builtin = builtin_scenarios()
    if path.stem in builtin and path.suffix in ("", ".toml") and path.parent in (Path(), Path("scenarios")):
        return builtin[path.stem]
    hint = nearest(path.stem, builtin) or "; 'list' shows the built-in scenarios"
    kind = "file" if path.suffix == ".toml" else "scenario"
    raise InputError([InputFault(word, 0, f"no such {kind}{hint}", "")])


def is_scenario(path: Path) -> bool:
    """Whether a TOML file is meant as a scenario rather than a model: by the keys that only one of them has."""
    source = TomlSource(path)
    source.check_ours()
    return not is_model(source.data)


class Reading(NamedTuple):
    """How a scenario was read: the tables of its file and of those that it extends, and the options on top of them."""

    id: str
    layers: Layers
    model: Model | None = None  # None where it is still to be read
    settings: Mapping[str, str] = MappingProxyType({})
    sweep_options: tuple[SweepOptions, ...] = ()
    interventions: Interventions = Interventions()

    def with_options(
        self, settings: Mapping[str, str], sweep_options: SweepOptions | None, interventions: Interventions
    ) -> Reading:
        """The same with further options; of two values of one setting the later one counts."""
        kept = {
            name: value
            for name, value in self.settings.items()
            if not any(self._is_same(name, later) for later in settings)
        }
        old, new = self.interventions, interventions
        return self._replace(
            settings=kept | dict(settings),
            sweep_options=(*self.sweep_options, *([sweep_options] if sweep_options is not None else [])),
            interventions=Interventions(
                tuple(dict.fromkeys(old.knockout + new.knockout)), old.block + new.block, old.add + new.add
            ),
        )

    def _is_same(self, one: str, other: str) -> bool:
        """Whether two settings are of one name, perhaps in two spellings; k and K may be two names of the model."""
        known = {*self.model.parameters, *self.model.species} if self.model is not None else set()
        two_names = {one.rpartition(".")[2], other.rpartition(".")[2]} <= known
        return one == other or (fold(one) == fold(other) and not two_names)


class ReadOrigins(Origins):
    """The origins of a scenario that was read, and how, so that it can be read again with other options."""

    def __init__(self, layers: Layers, reading: Reading) -> None:
        super().__init__(layers)
        self.reading = reading


def read_scenario(
    path: str | Path,
    settings: Mapping[str, str] | None = None,
    sweep_options: SweepOptions | None = None,
    interventions: Interventions | None = None,
) -> Scenario:
    """The scenario in a file, with options on top of it.

    Args:
        settings: values by name, ``{"dose.aldesleukin.amount": "0 IU/kg"}``.
        sweep_options: what varies and what is measured, instead of what the file says.
        interventions: what is knocked out, blocked and added: ``Interventions(knockout=("IL4",))``.

    Raises:
        InputError: with everything that is wrong with the file, its parents, its model and the options.
    """
    path = Path(path)
    faults: list[InputFault] = list(check_scenario_name(path))
    reading = Reading(path.stem, read_layers(path, faults))
    return _scenario(reading.with_options(settings or {}, sweep_options, interventions or Interventions()), faults)[0]


def changed_scenario(
    scenario: Scenario,
    settings: Mapping[str, str],
    sweep_options: SweepOptions | None,
    interventions: Interventions | None,
) -> Scenario:
    """A scenario that was read, as if these options had been given too. Its files are not read again.

    Raises `InputError` with everything that is wrong with the options, or if `scenario` is not as it was read.
    """
    reading = reading_of(scenario)
    return _scenario(reading.with_options(settings, sweep_options, interventions or Interventions()), [])[0]


def reading_of(scenario: Scenario) -> Reading:
    """How `scenario` was read; `InputError` if it was made or altered in Python, where its file says nothing of it."""
    origins = scenario.origins
    if not isinstance(origins, ReadOrigins) or _scenario(origins.reading, [])[0] != scenario:
        made = "altered" if isinstance(origins, ReadOrigins) else "made"
        message = f"{scenario.id or 'this scenario'} was {made} in Python: expected a file, a name, or what was read"
        raise InputError([request_fault(f"{message} from one; alter it further with dataclasses.replace")])
    return origins.reading


def read_again(reading: Reading) -> Scenario:
    """The scenario that is read so; `InputError` with everything that is wrong."""
    return _scenario(reading, [])[0]


def context_of(scenario: Scenario) -> Context:
    """What readers of further texts about `scenario` need; it has no fault yet. Raises `InputError` as `reading_of`."""
    return _scenario(reading_of(scenario), [])[1]


def _scenario(reading: Reading, faults: list[InputFault]) -> tuple[Scenario, Context]:
    """The scenario, and the context that it was read in; `InputError` with these faults and all that are found."""
    layers = reading.layers.copy()  # options are written into it
    for options in reading.sweep_options:
        faults += apply_sweep_options(layers, options)
    before = layers.data.get("time", {}).get("end")
    faults += apply_settings(layers, reading.settings)
    model = reading.model or _read_model(layers, faults)
    faults += layers.keep_apart({*model.species, *model.parameters})
    wrong, unread = expand_subjects(layers, model)
    faults += wrong
    if "population" in layers.data:
        from .populations import expand_population  # what few scenarios have is loaded with them: `check` starts fast

        expand_population(layers, model)
    end = read_end(Context(layers, layers.data, model, faults))
    left_out = NOTHING_LEFT_OUT
    if "time.end" in reading.settings and end is not None:
        left_out = shorten(layers, end, before, model.time_unit)
    faults += apply_interventions(layers, model, reading.interventions, end)
    context = Context(layers, with_defaults(layers.data, model, end), model, faults, end, left_out)
    inputs = read_inputs(context)
    context, switches = with_jumps(with_inputs(context, inputs))
    scenario = build_scenario(context, reading.id, inputs, switches)
    if scenario is not None and reading.sweep_options:
        faults += settings_without_effect(scenario, reading.settings)
    if faults or scenario is None:
        raise InputError(faults)
    scenario = replace(scenario, truncated=(*unread, *scenario.truncated))
    return replace(scenario, origins=ReadOrigins(layers, reading._replace(model=model))), context


def _read_model(layers: Layers, faults: list[InputFault]) -> Model:
    """The model that a scenario names; without one nothing more can be said, and `InputError` has all faults."""
    word = layers.data.get("model")
    if not isinstance(word, str):
        raise InputError([*faults, layers.fault((), "the scenario has no model, such as 'immune'")])
    path = find_model(word, layers.folder_of(("model",)))
    if path is None:
        raise InputError([*faults, layers.fault(("model",), no_model(word))])
    try:
        return read_model(path)
    except InputError as error:
        raise InputError([*faults, *error.faults]) from None
