"""Models that were read before, kept with digests of the files they were made of."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from ..model.model import Model
from ..runtime import kept
from ..runtime.errors import InputError
from .reading import read_bytes
from .toml.catalogue import BIOLOGY
from .toml.source import MAX_BYTES

REFERENCES = BIOLOGY / "references.toml"  # the sources that every model may name
_PACKAGE = Path(__file__).parents[1]
_READERS = _PACKAGE / "model", _PACKAGE / "files", _PACKAGE / "runtime"  # the code that makes a model of files


def kept_model(path: Path) -> Model | None:
    """The model that was made of the file `path`, unless one of its files has changed since; None if there is none."""
    data = kept.read(_key(path))
    if data is None:
        return None
    files, absent, model = _content(data)
    if any(os.path.lexists(each) for each in absent) or _digests(files) != files:
        return None
    return model


@lru_cache(maxsize=4)
def _content(data: bytes) -> tuple[dict[str, bytes], list[str], Model]:
    """Unpickled, of a file that this user alone can write; scenarios of one model share the object."""
    found: tuple[dict[str, bytes], list[str], Model] = pickle.loads(data)
    return found


def keep_model(path: Path, model: Model, modules: Iterable[Path], absent: Sequence[Path]) -> None:
    """Keeps a model without faults.

    modules: the files that it was made of, besides the shared references. absent: where files would have been taken
    from, had they been there.
    """
    files = _digests([os.path.abspath(each) for each in (*modules, REFERENCES)])
    content = files, [os.path.abspath(each) for each in absent], model
    kept.write(_key(path), pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL))


def _key(path: Path) -> str:
    """Known by its place and by the code that reads it."""
    place = f"{os.path.abspath(path)}\0{kept.fingerprint(*_READERS)}"
    return hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()


def _digests(files: Iterable[str]) -> dict[str, bytes]:
    """By path, a digest of the content; empty where it cannot be read."""
    found = {}
    for path in files:
        try:  # not by open(): what has become a pipe since would be waited for
            found[path] = hashlib.sha256(read_bytes(Path(path), MAX_BYTES)).digest()
        except InputError:
            found[path] = b""
    return found
