"""Output folders: written beside, then renamed, so they are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUMMARY = "summary.json"  # what tells a folder of ours from any other


class OutputError(Exception):
    """The folder exists, or cannot be written."""


@contextmanager
def new_folder(folder: Path, force: bool) -> Iterator[Path]:
    """A folder to fill; it takes its name only when everything in it is written.

    An existing folder is refused; with `force` it is replaced if it holds a run of ours.
    """
    import shutil
    import tempfile  # here, since every command imports this file

    check_folder(folder, force)
    folder = Path(os.path.abspath(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        yield beside
        beside.chmod(0o755)
        old = beside.with_name(beside.name + ".old")
        if folder.exists():
            folder.rename(old)  # both are there until the new one has its name
        beside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_folder(folder: Path, force: bool) -> None:
    """`OutputError` if `folder` may not be written: asked before the work, not after it."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder")
    if not force:
        raise OutputError(f"{folder} exists; choose another --out, or --force to replace it")
    if any(folder.iterdir()) and not _written(folder):
        raise OutputError(f"{folder} holds no run of this program, so it is not replaced; choose another --out")
    foreign = sorted(_foreign(folder))
    if foreign:
        raise OutputError(f"{folder} also holds {', '.join(foreign[:3])}, so it is not replaced; choose another --out")


def make_folder(folder: Path) -> None:
    """`folder` is there and can be written, or `OutputError`: asked before the work, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OutputError(f"{folder} is a file, not a folder") from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder} cannot be written")


def check_file(path: Path, force: bool, option: str = "--out") -> None:
    """`path`, given by `option`, may be written and its folder is there, or `OutputError`: asked before the work,
    not after it."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; {option} names a file here")
    if path.exists() and not force:
        raise OutputError(f"{path} exists; choose another {option}, or --force to replace it")
    make_folder(path.absolute().parent)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file to write in place of `path`, which it replaces when all is written; or `OutputError`."""
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):  # part of a file is of no use, least of all on a full disk
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`path` with `text` in it, whole or not at all, or `OutputError`."""
    with whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """`path` with `content` in it, whole or not at all, or `OutputError`."""
    with whole(path) as beside:
        beside.write_bytes(content)


def _foreign(folder: Path) -> Iterator[str]:
    """What this program did not write into `folder`, or into the runs of a gallery in it."""
    written = _written(folder)
    for path in folder.iterdir():
        if path.name not in written:
            yield path.name
        elif path.is_dir():
            yield from (f"{path.name}/{name}" for name in _foreign(path))


def _written(folder: Path) -> set[str]:
    """What a run, a comparison or a gallery of this program wrote into `folder`, by its own word."""
    import json

    try:
        files = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["files"]
        return {SUMMARY, *map(str, files)}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def free_folder(base: Path) -> Path:
    """`base`, or the first of base-2, base-3, ... that does not exist yet."""
    number, folder = 1, base
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder
