"""What is kept on disk between runs, machine code and models that were read: found by its key, checked when it is
read, bounded in size and age.

Several processes may read, write and clean at once: a file appears whole or not at all, and one that vanishes
under its reader is only made again.

What is loaded from here is run. So it is loaded only from a folder and a file that belong to this user and that nobody
else can write; the checksum finds damage, not malice. Where that cannot be had nothing is kept, and a note says so.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

MAX_BYTES = 128 * 2**20  # a hundred programs of the human model, of 0.6 to 0.9 MB; the least recently used go first
MAX_IDLE = 30 * 86_400.0  # s without use, which is how the code of other versions ends
MAX_PARTIAL = 3_600.0  # s until a file that was never finished is abandoned
CLEAN_EVERY = 60.0  # s from one cleaning by a process to its next: it looks at hundreds of files
CHECKSUM = 32  # bytes of SHA-256 at the end of each file


def read(key: str) -> bytes | None:
    """What is kept under `key`, or None. A broken file is deleted."""
    folder = _folder()
    if folder is None or not os.path.lexists(folder) or not _is_safe_folder(folder):
        return None
    path = folder / f"{key}.kept"
    try:
        data = _own_bytes(path)
    except OSError:
        return None
    kept, checksum = data[:-CHECKSUM], data[-CHECKSUM:]
    is_sound = hashlib.sha256(kept).digest() == checksum
    with suppress(OSError):
        if is_sound:
            os.utime(path)  # the time of its last use
        else:
            path.unlink()
    return kept if is_sound else None


def write(key: str, data: bytes) -> None:
    """Keeps `data` under `key`, and cleans up now and then. Where nothing can be written nothing is kept."""
    folder = _folder()
    if folder is None:
        _note("this user has no home folder")
        return
    partial = folder / f"{key}.{os.getpid()}.{threading.get_ident()}.part"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(0o700)
        if not _is_safe_folder(folder):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(partial, flags, 0o600), "wb") as file:
            file.write(data + hashlib.sha256(data).digest())
        partial.replace(folder / f"{key}.kept")
        _clean(folder)
    except OSError as error:
        _note(f"{folder} cannot be written ({error.strerror})")
        with suppress(OSError):
            partial.unlink()


def _own_bytes(path: Path) -> bytes:
    """The content of a regular file of this user that nobody else can write; OSError for any other."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _is_own(status):
            raise PermissionError(path)
        return file.read()


def _is_safe_folder(folder: Path) -> bool:
    """Whether `folder` is one of this user that nobody else can write; a note says if it is not.

    One that others can write only because it was made so is closed to them: no file in it is believed by its place.
    """
    try:
        status = os.lstat(folder)
        if stat.S_ISDIR(status.st_mode) and not _is_own(status) and _is_ours(status):
            os.chmod(folder, 0o700)
            status = os.lstat(folder)
    except OSError as error:
        _note(f"{folder} cannot be used ({error.strerror})")
        return False
    if stat.S_ISDIR(status.st_mode) and _is_own(status):
        return True
    _note(f"{folder} is no folder of this user alone")
    return False


def _is_own(status: os.stat_result) -> bool:
    return _is_ours(status) and (sys.platform == "win32" or not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _is_ours(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.geteuid()


_noted: list[str] = []


def _note(reason: str) -> None:
    """Says once, on stderr and not in each worker process, why nothing is kept."""
    processes = sys.modules.get("multiprocessing.process")  # a worker has loaded it
    if _noted or sys.stderr is None or (processes is not None and processes.parent_process() is not None):
        return
    _noted.append(reason)
    print(f"note: models are read and compiled anew each time: {reason}", file=sys.stderr)


_cleaned: dict[Path, float] = {}  # when this process cleaned a folder last


def _clean(folder: Path) -> None:
    """Deletes what has not been used for long, and the least recently used beyond `MAX_BYTES`, unless it was done just
    now."""
    if time.monotonic() - _cleaned.get(folder, -math.inf) < CLEAN_EVERY:
        return
    _cleaned[folder] = time.monotonic()
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".kept", ".part")):
                with suppress(OSError):  # another process may have deleted it
                    status = entry.stat()
                    found.append((status.st_mtime, status.st_size, entry.path))
    now, total = time.time(), 0
    for used, size, path in sorted(found, reverse=True):
        total += size
        if now - used > (MAX_PARTIAL if path.endswith(".part") else MAX_IDLE) or total > MAX_BYTES:
            with suppress(OSError):
                os.unlink(path)


@cache  # a process goes on with the code that it has loaded, whatever becomes of the files
def fingerprint(*folders: Path) -> str:
    """A digest of the names, sizes and times of our own Python files in `folders` and below, with that of Python."""
    found = hashlib.sha256(sys.version.encode())
    for folder in folders:
        for top, inner, names in os.walk(folder):
            inner.sort()
            for name in sorted(names):
                if name.endswith(".py"):
                    status = os.stat(os.path.join(top, name))
                    found.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _folder() -> Path | None:
    """Where things are kept; None for a user without a home."""
    try:
        return _user_cache() / "immunesim"
    except RuntimeError:
        return None


def _user_cache() -> Path:
    given = os.environ.get("IMMUNESIM_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
