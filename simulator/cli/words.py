"""Words that several commands share, and the one JSON document of `--json`."""

from __future__ import annotations

import argparse


def settings_argument(command: argparse.ArgumentParser) -> None:
    text = "a parameter, initial.SPECIES, dose.NAME.KEY, time.end or time.every; may be repeated"
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=text)


def settings_of(options: argparse.Namespace) -> dict[str, str]:
    from ..io.toml_source import COMMAND_LINE, FileError, FileFault

    settings = {}
    for text in options.set:
        name, sign, value = text.partition("=")
        if not sign:
            raise FileError([FileFault(COMMAND_LINE, 0, "expected NAME=VALUE", f"--set {text}")])
        settings[name.strip()] = value.strip()
    return settings


def print_json(document: object) -> None:
    import json

    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))
