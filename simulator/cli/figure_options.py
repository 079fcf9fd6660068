"""Words about figures that several commands share: in which look, and as which files."""

from __future__ import annotations

import argparse

FORMATS = ("svg", "png", "pdf")


def figure_arguments(command: argparse.ArgumentParser) -> None:
    text = "figures for a lecture: 16:9, large type, a slide for each panel"
    command.add_argument("--slides", action="store_true", help=text)
    text = f"files of each figure: of {', '.join(FORMATS)} (default: svg,png)"
    command.add_argument("--format", metavar="FORMAT,...", default="svg,png", help=text)


def formats_of(options: argparse.Namespace) -> list[str]:
    """The formats that are asked for, each once; `InputError` if one is unknown or there is none."""
    from ..runtime.errors import InputError, request_fault
    from ..runtime.names import nearest

    asked = [word.strip().lower() for word in options.format.split(",") if word.strip()]
    known = f"formats are {', '.join(FORMATS)}"
    faults = [
        request_fault(f"no format '{word}'{nearest(word, list(FORMATS))}; {known}", f"--format {word}")
        for word in asked
        if word not in FORMATS
    ]
    if not asked:
        faults = [request_fault(f"expected a format; {known}", f"--format {options.format!r}")]
    if faults:
        raise InputError(faults)
    return list(dict.fromkeys(asked))
