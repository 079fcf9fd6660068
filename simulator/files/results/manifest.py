"""What this program wrote into a folder, known by content, so that nothing else is ever removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

MANIFEST = "manifest.json"


def write_manifest(folder: Path) -> None:
    """Writes the SHA-256 of every file in `folder`; of a folder in it that has a manifest, that of its manifest."""
    import json

    text = json.dumps({"sha256": _digests(folder)}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def foreign_files(folder: Path) -> Iterator[str]:
    """The files in `folder` that are not as this program wrote them: others, and those that were changed since."""
    written = _read(folder)
    for name, digest in _digests(folder).items():
        if name not in written:
            yield name
        elif written[name] != digest:
            yield f"{name} (changed since)"
        elif name.endswith("/"):
            yield from (f"{name}{inner}" for inner in foreign_files(folder / name))


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 by the path of each file in `folder`; a folder with a manifest of its own counts as one, `NAME/`."""
    import hashlib  # here, since every command imports this file

    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            found[path.name] = "a link"
        elif path.is_dir() and not (path / MANIFEST).is_file():
            found |= {f"{path.name}/{name}": digest for name, digest in _digests(path).items()}
        elif path.name != MANIFEST:
            is_folder = path.is_dir()
            with (path / MANIFEST if is_folder else path).open("rb") as file:
                found[path.name + "/" * is_folder] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _read(folder: Path) -> dict[str, str]:
    """The manifest of `folder`; nothing where it has none."""
    import json

    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        return {str(name): str(digest) for name, digest in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
