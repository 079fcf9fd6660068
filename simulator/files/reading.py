"""The one reader of files that people give: regular files of a limited size, or an `InputError` of one line."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ..runtime.errors import InputError, InputFault

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_bytes(path: Path, most: int, expected: str = "a file") -> bytes:
    """The content of a regular file of at most `most` bytes.

    Args:
        path: a pipe or a device is never opened: reading it could wait for ever, or never end.
        expected: what it should be, for the message: "a TOML file".

    Raises:
        InputError: it is missing, of another kind, too large, or cannot be read.
    """
    problem = ""
    try:
        problem = _wrong_kind(os.stat(path), expected)
        if not problem:
            with open(path, "rb", opener=_open) as file:
                status = os.fstat(file.fileno())
                problem = _wrong_kind(status, expected)
                if not problem and status.st_size <= most:
                    content = file.read(most + 1)  # what the system makes up, as in /proc, has no size
                    if len(content) <= most:
                        return content
                size = f"{status.st_size:,}" if status.st_size > most else f"more than {most:,}"
                problem = problem or f"{size} bytes; {expected} may have at most {most:,}"
    except FileNotFoundError:
        problem = "no such file"
    except ValueError:  # a name that no file can have
        problem = "no file has a NUL character in its name"
    except OSError as error:
        looped = error.errno == errno.ELOOP
        problem = "a link that leads back to itself" if looped else f"cannot be read: {error.strerror}"
    raise InputError([InputFault(short_path(path), 0, problem, "")])


def read_text(path: Path, most: int, expected: str = "a file") -> str:
    """The text of a regular file, as `read_bytes`; also an `InputError` if it is not UTF-8."""
    try:
        return read_bytes(path, most, expected).decode("utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        raise InputError([not_utf8(path, error)]) from None


def not_utf8(path: Path, error: UnicodeDecodeError) -> InputFault:
    """Where the text of a file cannot be read, and what to do."""
    content, place = error.object, error.start
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return InputFault(short_path(path), 0, "text in UTF-16; save it as UTF-8", "")
    if b"\0" in content[:1000]:
        return InputFault(short_path(path), 0, f"expected text in UTF-8, found another kind of file (byte {place})", "")
    message = f"not UTF-8 text (byte {place}); save it as UTF-8"
    return InputFault(short_path(path), content.count(b"\n", 0, place) + 1, message, "")  # it may be a secret of others


def _open(path: str, flags: int) -> int:
    """Opens without waiting for the other end of a pipe that has just taken the place of the file."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _wrong_kind(status: os.stat_result, expected: str) -> str:
    kind = stat.S_IFMT(status.st_mode)
    return "" if kind == stat.S_IFREG else f"expected {expected}, found {_KINDS.get(kind, 'something else')}"


def short_path(path: Path) -> str:
    """`path` relative to the current directory if it lies below it."""
    try:
        return str(Path(os.path.realpath(path)).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def exists(path: Path) -> bool:
    """Whether something has this name, be it a link that leads nowhere; what cannot be a name does not exist."""
    return os.path.lexists(path)


def same_file(path: Path) -> str:
    """A text that is equal for two names of one file; also for names that no file can have."""
    try:
        return os.path.realpath(path)
    except (ValueError, OSError):
        return str(path)
