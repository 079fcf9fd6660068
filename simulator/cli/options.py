"""Words that several commands share, and the one JSON document of `--json`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` is to be quick
    from ..experiments.scenario import Scenario
    from ..files.toml.interventions import Interventions
    from ..files.toml.overrides import SweepWords


def settings_argument(command: argparse.ArgumentParser) -> None:
    """What is changed in a scenario, of all its arms: `--set` and the words for immunologists."""

    def add(option: str, **more: object) -> None:
        command.add_argument(option, action="append", default=[], **more)  # type: ignore[arg-type]

    text = "a parameter, initial.SPECIES, dose.NAME.KEY, time.end or time.every; may be repeated, as may these:"
    add("--set", metavar="NAME=VALUE", help=text)
    add("--knockout", metavar="NAME", help="the body cannot make it: IL4; 'describe' lists what can be knocked out")
    add("--block", nargs=2, metavar=("NAME", "SHARE"), help="this share of its effect is blocked: IL1 90%%")
    add("--add", metavar="DOSE", help='a dose: "IL-2 18 MIU into skin at 3 d every 1 d x 5 over 15 min"')


def settings_of(options: argparse.Namespace) -> dict[str, str]:
    from ..runtime.errors import InputError, request_fault

    settings = {}
    for text in options.set:
        name, sign, value = text.partition("=")
        if not sign:
            raise InputError([request_fault("expected NAME=VALUE", f"--set {text}")])
        settings[name.strip()] = value.strip()
    return settings


def interventions_of(options: argparse.Namespace) -> Interventions:
    from ..files.toml.interventions import Interventions

    blocks = tuple((name, share) for name, share in options.block)
    return Interventions(tuple(options.knockout), blocks, tuple(options.add))


def scenario_of(word: str, options: argparse.Namespace, sweep_words: SweepWords | None = None) -> Scenario:
    """The scenario that `word` names, changed as the options say."""
    from ..files.toml.scenario_file import find_scenario, read_scenario

    return read_scenario(find_scenario(word), settings_of(options), sweep_words, interventions_of(options))


def change_in_words(options: argparse.Namespace, scenario: Scenario) -> str:
    """What the options change, for people: "without IL4, IL1 blocked by 90 %"."""
    settings = [f"{name} = {value}" for name, value in settings_of(options).items()]
    return ", ".join([*interventions_of(options).in_words(scenario.model), *settings])


def print_json(document: object) -> None:
    import json

    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))
