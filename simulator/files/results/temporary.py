"""Hidden folders that are filled and then renamed; those of processes that were killed are removed by the next one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...runtime.errors import OutputError
from .locks import lock
from .manifest import MANIFEST, foreign_files

MARK, OLD = ".working", ".old"  # behind the name of the folder: the file that its process locks; what it replaces
_WRITTEN = b"a folder of immunesim that is being filled\n"  # in a mark
_MARKED = re.compile(r"(\.(?P<name>.+)\.|immunesim-sweep-)[a-z0-9_]{8}\.working\Z")
_ours: set[str] = set()  # marks of this process: to open and close one would end its lock


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Yields a new folder in `parent` whose name begins with `prefix`; it is removed at the end if it is still there.

    What processes that have been killed left in `parent` is removed first. `OutputError` if nothing can be written.
    """
    import shutil
    import tempfile  # here, since every command imports this file

    remove_leftovers(parent)
    try:
        file, mark = tempfile.mkstemp(prefix=prefix, suffix=MARK, dir=parent)
    except OSError as error:
        raise OutputError(f"{parent} cannot be written: {error.strerror}") from None
    folder = Path(mark.removesuffix(MARK))
    _ours.add(mark)
    try:
        lock(file)
        try:
            os.write(file, _WRITTEN)
            folder.mkdir(0o700)
        except OSError as error:
            raise OutputError(f"{parent} cannot be written: {error.strerror}") from None
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(file)
        with suppress(OSError):
            os.unlink(mark)
        _ours.discard(mark)


def remove_leftovers(parent: Path) -> None:
    """Removes the hidden folders in `parent` that this user's processes were killed over, and puts results back that
    were about to be replaced. Folders of processes that are still at work, and all others, are left alone."""
    with suppress(OSError):
        for entry in os.scandir(parent):
            match = _MARKED.match(entry.name)
            if match is not None and entry.path not in _ours and entry.is_file(follow_symlinks=False):
                _remove(parent, entry, match["name"])


def _remove(parent: Path, mark: os.DirEntry[str], name: str | None) -> None:
    import shutil

    if hasattr(os, "geteuid") and mark.stat(follow_symlinks=False).st_uid != os.geteuid():
        return
    with suppress(OSError):
        file = os.open(mark.path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            if os.read(file, 100) != _WRITTEN or lock(file) is not True:
                return
            folder = Path(mark.path.removesuffix(MARK))
            shutil.rmtree(folder, ignore_errors=True)
            old = folder.with_name(folder.name + OLD)
            if name is not None and old.is_dir():
                if not (parent / name).exists():
                    old.rename(parent / name)
                elif (old / MANIFEST).is_file() and not any(foreign_files(old)):
                    shutil.rmtree(old, ignore_errors=True)
            os.unlink(mark.path)
        finally:
            os.close(file)
