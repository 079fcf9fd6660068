"""From the arguments of a command line to one command, and from what goes wrong to an exit code."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..runtime.exit_codes import (
    BAD_FILE,
    DONE,
    INTERRUPTED,
    NO_PACKAGE,
    TERMINATED,
    USAGE,
)
from ..runtime.interrupt import interrupted_by, signals_as_interrupts
from ..runtime.text import is_text, shortened
from .streams import safe_streams

COMMANDS = {
    "run": "simulate scenarios and write their tables and figures",
    "sweep": "simulate many members of a scenario, and continue where it was interrupted",
    "check": "report all faults of scenario and model files, without simulating",
    "list": "list the bundled scenarios, with the question of each, and models",
    "show": "print a scenario with every default, and the origin of each value",
    "describe": "describe a model, or a species, parameter, reaction, module or source in it",
    "compare": "compare the curves of scenarios or arms, with a table of measures",
    "explain": "say which reactions drive a curve, why it turns, and how arms differ in it",
    "fit": "estimate values of a scenario from its data, with their uncertainty",
    "steady": "find steady states, their stability, and where they are lost",
    "evidence": "compare every expectation with the simulation",
    "explore": "write a page that simulates a scenario while its sliders are moved",
    "lesson": "write a page that asks for a prediction before it shows the curve, and its handout",
    "slides": "simulate scenarios and write one deck for a lecture, as PDF or PowerPoint's",
    "gallery": "simulate all scenarios and write a page that shows them, with a report of each",
    "influence": "vary each parameter and say which expectations fail",
    "export": "write an arm of a scenario for other simulators",
    "replay": "simulate the run of an output directory again, and compare the numbers",
    "help": "the handbook: a chapter, or what it says of a word",
}
EXAMPLES = """examples:
  immunesim run il2_therapy --out out
  immunesim check my_scenario.toml
  immunesim describe IL2

exit codes, of which 4 counts before 6, and 6 before 1:
  0 done; 1 an expectation was missed, or a simulation of several failed; 2 usage; 3 a file is wrong;
  4 the solver failed; 5 a package is missing; 6 numbers are not reliable: fewer than three digits;
  130 interrupted (143 by SIGTERM)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that `arguments`, or else the command line, name; returns its exit code.

    Raises SystemExit for `--help`, as argparse does.
    """
    if arguments is None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the largest matrix has some hundred rows: NumPy's threads
        # make its factors no sooner, and on a busy machine they wait for one another ten times as long
        gc.disable()  # most commands are short, and imports leave nothing to collect: 5 % of a run, cold
    argv = sys.argv[1:] if arguments is None else list(arguments)
    with safe_streams() as out, signals_as_interrupts():
        try:
            code = _main(argv)
        except KeyboardInterrupt:
            code = _refuse(f"interrupted; {_kept(argv)}", argv, INTERRUPTED, before="")
        if code == INTERRUPTED and interrupted_by() == signal.SIGTERM:
            code = TERMINATED
        out.flush()
        if out.error is not None:  # a full disk behind it, most likely
            print(f"error: the answer cannot be written: {out.error.strerror}", file=sys.stderr)
            code = code or BAD_FILE
        if arguments is None and interrupted_by():
            sys.stderr.flush()
            os._exit(code)  # Python would wait for threads that are still at work
    return code


def _main(argv: Sequence[str]) -> int:
    for word in argv:
        if not is_text(word):
            message = f"command line: the bytes of {word!r} are not UTF-8; rename the file"
            return _refuse(message, argv, USAGE)
    try:
        options = parser_of(argv).parse_args(argv)
    except _UsageError as error:
        return _refuse(str(error), argv, USAGE, before=f"{error.usage}error: ")
    if options.version:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"immunesim {version('immunesim')}")
        except PackageNotFoundError:
            print("immunesim, from a checkout that is not installed")
        return DONE
    if options.command is None:
        parser_of(argv).print_help()
        return USAGE
    options.argv = argv
    try:
        return _execute(options)
    except OSError as error:
        return _refuse(f"{error.filename or 'a file'}: {error.strerror}", argv, BAD_FILE)
    except MemoryError:
        return _refuse("there is not enough memory for this", argv, BAD_FILE)
    except ModuleNotFoundError as error:
        return _refuse(f"the package '{error.name}' is missing: pip install {error.name}", argv, NO_PACKAGE, before="")


def _refuse(message: str, argv: Sequence[str], code: int, before: str = "error: ") -> int:
    """Prints an error, as JSON too where that was asked for; returns `code`."""
    print(f"{before}{message}", file=sys.stderr)
    if "--json" in argv:
        from .options import print_json

        print_json({"ok": False, "faults": [{"message": message}]})
    return code


def _kept(argv: Sequence[str]) -> str:
    """What is left of an interrupted command, as its file says in `KEPT`."""
    name = next((word for word in argv if word in COMMANDS), None)
    return str(getattr(command_file(name), "KEPT", "nothing was written")) if name else "nothing was written"


def _execute(options: argparse.Namespace) -> int:
    from ..runtime.errors import COMMAND_LINE, InputError, OutputError
    from .options import print_json

    try:
        return int(command_file(options.command).execute(options))
    except InputError as error:
        for line in error.lines:
            print(f"error: {line}", file=sys.stderr)
        if options.json:
            print_json({"ok": False, "faults": [fault.document() for fault in error.faults]})
        return USAGE if all(fault.file == COMMAND_LINE for fault in error.faults) else BAD_FILE
    except OutputError as error:
        return _refuse(str(error), options.argv, BAD_FILE)


def command_file(name: str) -> Any:
    """The module of a command, loaded when it is needed, since `--help` must not wait for all of them."""
    return import_module(f".{name}", __package__)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Examples unchanged, and a column that the longest command fits in."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = 13  # before Python 3.12 the indent of commands is forgotten


class _UsageError(Exception):
    """What is wrong with the arguments; usage: how they should be."""

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(message)
        self.usage = usage


class _Parser(argparse.ArgumentParser):
    """Usage errors name the nearest command."""

    def error(self, message: str) -> Any:
        """Raises `_UsageError`."""
        if "COMMAND: invalid choice" in message:
            from ..runtime.names import nearest

            word = message.split("invalid choice: ")[1].split(" ")[0].strip("'")
            message = f"no command '{word}'{nearest(word, list(COMMANDS))}"
        if message == "argument --block: expected 2 arguments":
            message += ", such as --block IL1 90%"
        raise _UsageError(shortened(message), self.format_usage())


def parser_of(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of every command's name, and of the arguments of the one that `argv` names."""
    parser = _Parser(
        prog="immunesim",
        description="Simulates macrophages, T cells and B cells driven by IL-1, IL-2, IL-3 and IL-4.",
        epilog=EXAMPLES,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    asked = next((word for word in argv if not word.startswith("-")), None)
    is_first = argv[:1] == [asked] and asked in COMMANDS  # then nothing is said of the others, nor read by them
    for name, help in COMMANDS.items():
        if is_first and name != asked:
            continue
        if name == asked:
            file = command_file(name)
            sentence = help[0].upper() + help[1:] + "."
            command = commands.add_parser(
                name, help=help, description=sentence, epilog=file.EXAMPLES, formatter_class=_Help
            )
            command.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
            file.arguments(command)
        else:
            commands.add_parser(name, help=help)
    return parser
