"""Output folders and files: filled under a temporary name, then renamed, so that no reader meets half a result.

Also the lock that keeps two processes out of one folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...runtime.errors import OutputError, option
from ...runtime.text import listed, shortened
from .locks import lock
from .manifest import MANIFEST, foreign_files, write_manifest
from .temporary import OLD, temporary_folder

SUMMARY = "summary.json"
LOCK = ".lock"
MAX_NAME = 200  # bytes; file systems hold 255


@contextmanager
def new_folder(folder: Path, force: bool) -> Iterator[Path]:
    """Yields a temporary folder to fill; it is renamed to `folder` once the block ends without an error.

    An existing `folder` is refused with `OutputError`; with `force` it is replaced if this program wrote all of it.
    """
    import shutil  # here, since every command imports this file

    check_folder(folder, force)
    folder = Path(os.path.abspath(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from None
    with temporary_folder(folder.parent, f".{folder.name}.") as tmp_path:
        try:
            yield tmp_path
            write_manifest(tmp_path)
            tmp_path.chmod(0o755)
            old = tmp_path.with_name(tmp_path.name + OLD)
            if folder.exists():
                folder.rename(old)  # kept until the new folder has taken its name
            tmp_path.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be written: {error.strerror}") from None


def check_folder(folder: Path, force: bool, flag: str = "--out") -> None:
    """Raises `OutputError` if `new_folder` would refuse `folder`: for a check before the work, not after it.

    flag: the option that named it.
    """
    _check_length(folder)
    _check_writable(folder.parent)
    if not os.path.exists(folder):
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file, not a folder")
    if not force:
        raise OutputError(f"{folder} exists; choose another {option(flag)}, or {option('--force')} to replace it")
    if any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise OutputError(
            f"{folder} holds no run of this program, so it is not replaced; choose another {option(flag)}"
        )
    foreign = sorted(foreign_files(folder))
    if foreign:
        held = f"{folder} also holds {listed(foreign, 3)}"
        raise OutputError(f"{held}, so it is not replaced; choose another {option(flag)}")


def make_folder(folder: Path) -> None:
    """Makes `folder` with its parents; `OutputError` if that fails or nothing can be written into it."""
    _check_length(folder)
    _check_writable(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from None


def _check_length(path: Path) -> None:
    """`OutputError` if a name in `path` is too long; temporary files are named after it, with some letters more."""
    for each in (path, *path.parents):
        size = len(os.fsencode(each.name))
        if size > MAX_NAME and not os.path.exists(each):
            found = f"found {size} in {shortened(each.name, 40)}"
            raise OutputError(f"the name of a folder or file may have {MAX_NAME} bytes, {found}; choose a shorter one")


def _check_writable(folder: Path) -> None:
    """`OutputError` if nothing can be created in `folder` or, before it exists, in its nearest existing parent."""
    import tempfile  # here, since every command imports this file

    nearest = next((each for each in (folder, *folder.parents) if os.path.exists(each)), Path())
    if not nearest.is_dir():
        raise OutputError(f"{nearest} is a file, not a folder")
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".", dir=nearest))  # os.access would allow root everything, even in /proc
    except OSError as error:
        raise OutputError(f"{nearest} cannot be written: {error.strerror}") from None


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Makes `folder` with its parents; those that are still empty when the block ends are removed again.

    Raises `OutputError` as `make_folder` does, before the block.
    """
    _check_length(folder)
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    make_folder(folder)
    try:
        yield
    finally:
        for each in made:
            with suppress(OSError):  # it is not empty
                each.rmdir()


def check_file(path: Path, force: bool, flag: str = "--out") -> None:
    """Makes the folder of an output file; `OutputError` if `path` exists (unless `force`) or cannot be written.

    For a check before the work, not after it. flag: the option that named the file, for messages.
    """
    _check_length(path)
    check_kind(path, flag)
    if path.exists() and not force:
        raise OutputError(f"{path} exists; choose another {option(flag)}, or {option('--force')} to replace it")
    make_folder(path.absolute().parent)


def check_kind(path: Path, flag: str = "--out") -> None:
    """`OutputError` if `path` is there and no file: a new file would take the place even of a device, as /dev/null."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; {option(flag)} names a file here")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or a pipe; {option(flag)} names a file here")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a temporary file name to write to; the file replaces `path` once the block ends without an error.

    `OutputError` if it cannot be written; `path` is untouched then.
    """
    check_kind(path)
    tmp_path = path.with_name(f".{path.name}.part")
    try:
        yield tmp_path
        tmp_path.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):  # half a file is of no use, least of all on a full disk
            tmp_path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` as UTF-8, atomically; `OutputError` if it cannot be written."""
    with atomic_write(path) as tmp_path:
        tmp_path.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path`, atomically; `OutputError` if it cannot be written."""
    with atomic_write(path) as tmp_path:
        tmp_path.write_bytes(content)


def free_folder(base: Path) -> Path:
    """`base`, or the first of base-2, base-3, ... that does not exist yet."""
    number, folder = 1, base
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes out of `folder`; `OutputError` if another one holds it.

    The lock is the operating system's and ends with the process, even by a kill; the file `.lock` stays. On a file
    system without locks there is none.
    """
    try:
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        if lock(file) is False:
            message = f"another process is at work in {folder}; wait for it, or choose another {option('--out')}"
            raise OutputError(message)
        yield
    finally:
        os.close(file)
