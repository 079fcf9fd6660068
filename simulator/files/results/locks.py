"""Locks of files that end with the process that holds them."""

from __future__ import annotations

import errno
import sys

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not flock: this one works over NFS


def lock(file: int) -> bool | None:
    """Locks an open file for this process: True; False if another one holds it; None on a file system without locks."""
    try:
        _lock(file)
    except OSError as error:
        return False if error.errno in (errno.EACCES, errno.EAGAIN) else None
    return True
