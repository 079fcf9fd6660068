"""What several commands share: options, the request they stand for, and how answers and notes are printed."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` must not wait for NumPy
    from ..experiments.solving import Certify
    from ..tasks.request import FigureOptions, ScenarioRequest


def settings_argument(command: argparse.ArgumentParser) -> None:
    """What is changed in a scenario, in all of its arms: `--set`, `--knockout`, `--block` and `--add`."""

    def add(option: str, **more: object) -> None:
        command.add_argument(option, action="append", default=[], **more)  # type: ignore[arg-type]

    text = "a parameter, initial.SPECIES, dose.NAME.KEY, time.end or time.every; may be repeated, as may these:"
    add("--set", metavar="NAME=VALUE", help=text)
    add("--knockout", metavar="NAME", help="the body cannot make it: IL4; 'describe' lists what can be knocked out")
    add("--block", nargs=2, metavar=("NAME", "SHARE"), help="this share of its effect is blocked: IL1 90%%")
    text = 'a dose: "IL-2 18 MIU into skin at 3 d every 1 d x 5 over 15 min"; also at 1 d, 2 d, 4 d, rate 9 MIU/h, '
    add("--add", metavar="DOSE", help=text + "lag 1 h, share 70%%")


def request_of(scenario: str, options: argparse.Namespace) -> ScenarioRequest:
    """The scenario of that name or file, changed as the options of `settings_argument` say."""
    from ..runtime.errors import InputError, request_fault
    from ..tasks.request import ScenarioRequest, each_once

    settings = []
    for text in options.set:
        name, sign, value = text.partition("=")
        if not sign:
            raise InputError([request_fault("expected NAME=VALUE", f"--set {text}")])
        settings.append((name.strip(), value.strip()))
    blocks = tuple((name, share) for name, share in options.block)
    return ScenarioRequest(scenario, each_once(settings), tuple(options.knockout), blocks, tuple(options.add))


def figure_arguments(command: argparse.ArgumentParser) -> None:
    """What figures are drawn for, and their file formats."""
    text = "figures for a lecture: 16:9, large type, a slide for each panel"
    command.add_argument("--slides", action="store_true", help=text)
    text = "files of each figure: of svg, png, pdf (default: svg,png)"
    command.add_argument("--format", metavar="FORMAT,...", default="svg,png", help=text)


def figures_of(options: argparse.Namespace) -> FigureOptions:
    """The options of `figure_arguments`. Raises `InputError` for an unknown format, or for none."""
    from ..tasks.request import FigureOptions

    words = [word.strip().lower() for word in options.format.split(",") if word.strip()]
    return FigureOptions(options.slides, tuple(dict.fromkeys(words)))


def certify_arguments(command: argparse.ArgumentParser) -> None:
    """How digits are checked, and what follows where there are too few."""
    certify = command.add_mutually_exclusive_group()
    text = "how the digits are checked: again (default: by a tighter tolerance), or independent (by LSODA, far slower)"
    ways = ["again", "independent"]
    certify.add_argument("--certify", nargs="?", choices=ways, const="again", default=None, metavar="HOW", help=text)
    certify.add_argument("--no-certify", dest="certify", action="store_const", const="off", help="never check them")
    accept_argument(command)


def accept_argument(command: argparse.ArgumentParser) -> None:
    """Whether numbers of too few digits are an error."""
    text = "do not end with exit code 6 where numbers have fewer than three digits; they are still said to"
    command.add_argument("--accept-unreliable", action="store_true", help=text)


def certify_of(options: argparse.Namespace) -> Certify | None:
    """The options of `certify_arguments`; None: as usual."""
    from ..experiments.solving import Certify

    return Certify(options.certify) if options.certify else None


def print_answer(answer: object) -> None:
    """The text of an answer on stdout; lines that say that numbers are not reliable in red, on a terminal."""
    from ..views.text.reliability import WARNING

    lines = str(answer).split("\n")
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        lines = [f"\x1b[31m{line}\x1b[0m" if line.startswith(WARNING) else line for line in lines]
    print("\n".join(lines))


def print_note(note: str) -> None:
    """A remark on a valid scenario, on stderr."""
    print(f"note: {note}", file=sys.stderr)


def print_json(document: object) -> None:
    """The one document that `--json` puts on stdout."""
    import json

    plain = "utf" not in str(getattr(sys.stdout, "encoding", None) or "utf-8").lower()  # escapes, which lose nothing
    print(json.dumps(document, indent=1, ensure_ascii=plain, allow_nan=False))
