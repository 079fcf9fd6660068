"""`gallery`: every scenario with its report, and a page that shows them all."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json
from .program import DONE, INTERRUPTED, MISSED

EXAMPLES = """examples:
  immunesim gallery --out gallery
  immunesim gallery --out gallery il2_therapy my_scenario.toml --tables"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all that come with the simulator")
    command.add_argument("--out", metavar="DIR", required=True, help="new folder for the gallery")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds a gallery and nothing else")
    text = "keep the curves as CSV too, which is hundreds of MB for all scenarios"
    command.add_argument("--tables", action="store_true", help=text)


def execute(options: argparse.Namespace) -> int:
    from ..files.results import folder
    from ..files.toml.catalogue import builtin_scenarios
    from ..files.toml.scenario_file import find_scenario
    from ..runtime.interrupt import Stop
    from ..tasks import gallery

    paths = [find_scenario(word) for word in options.scenarios] or list(builtin_scenarios().values())
    target = Path(options.out)
    folder.check_folder(target, options.force)
    with Stop("stopping: the gallery is written with the scenarios that are done") as stop:
        cards = gallery.write_gallery(paths, target, options.tables, options.force, stop)
    if options.json:
        print_json({"folder": str(target), "gallery": [card._asdict() for card in cards]})
    else:
        print(gallery.text(cards, target))
    if any(card.status == gallery.SKIPPED for card in cards):
        return INTERRUPTED
    return DONE if all(card.status == gallery.DONE and card.holds for card in cards) else MISSED
