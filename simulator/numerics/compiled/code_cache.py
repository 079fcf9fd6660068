"""Machine code kept on disk between runs: found by its key, checked when it is read, bounded in size and age.

Several processes may read, write and clean at once: a file appears whole or not at all, and one that vanishes
under its reader is only made again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 64 * 2**20  # five hundred programs of the human model; the least recently used go first
MAX_IDLE = 30 * 86_400.0  # s without use, which is how the code of other versions ends
MAX_PARTIAL = 3_600.0  # s until a file that was never finished is abandoned
CHECKSUM = 32  # bytes of SHA-256 at the end of each file


def read(key: str) -> bytes | None:
    """The code kept under `key`, or None. A broken file is deleted."""
    folder = _folder()
    if folder is None:
        return None
    path = folder / f"{key}.o"
    try:
        data = path.read_bytes()
    except OSError:
        return None
    code, checksum = data[:-CHECKSUM], data[-CHECKSUM:]
    is_sound = hashlib.sha256(code).digest() == checksum
    with suppress(OSError):
        if is_sound:
            os.utime(path)  # the time of its last use
        else:
            path.unlink()
    return code if is_sound else None


def write(key: str, code: bytes) -> None:
    """Keeps `code` under `key`, and cleans up. Where nothing can be written nothing is kept."""
    folder = _folder()
    if folder is None:
        return
    partial = folder / f"{key}.{os.getpid()}.{threading.get_ident()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(code + hashlib.sha256(code).digest())
        partial.replace(folder / f"{key}.o")
        _clean(folder)
    except OSError:
        with suppress(OSError):
            partial.unlink()


def _clean(folder: Path) -> None:
    """Deletes what has not been used for long, and the least recently used beyond `MAX_BYTES`."""
    found = []
    for path in (*folder.glob("*.o"), *folder.glob("*.part")):
        with suppress(OSError):  # another process may have deleted it
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    now, total = time.time(), 0
    for used, size, path in sorted(found, reverse=True):
        total += size
        if now - used > (MAX_PARTIAL if path.suffix == ".part" else MAX_IDLE) or total > MAX_BYTES:
            with suppress(OSError):
                path.unlink()


def _folder() -> Path | None:
    """Where code is kept; None for a user without a home."""
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
