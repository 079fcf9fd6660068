"""The folder of machine code stays small, clean and sound, also where several processes use it at once."""

from __future__ import annotations

import os
import pwd
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from immunesim.runtime import kept

DAY = 86_400.0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(kept, "CLEAN_EVERY", 0.0)
    return tmp_path / "kept" / "immunesim"


def last_used(path: Path, ago: float) -> None:
    os.utime(path, (time.time() - ago,) * 2)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_written_is_read() -> None:
    assert kept.read("a") is None
    kept.write("a", b"code")
    assert kept.read("a") == b"code"


def test_the_least_recently_used_code_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_BYTES", 3 * 132)  # three files of 100 bytes and a checksum
    for days, key in enumerate("abc"):
        kept.write(key, bytes(100))
        last_used(folder / f"{key}.kept", (3 - days) * DAY)
    assert kept.read("a") == bytes(100)  # used again, and now the last
    kept.write("d", bytes(100))
    assert names(folder) == {"a.kept", "c.kept", "d.kept"}


def test_code_that_is_no_longer_used_goes_as_that_of_another_version(folder: Path) -> None:
    for key, ago in (("of_another_version", 31 * DAY), ("of_last_week", 7 * DAY)):
        kept.write(key, b"code")
        last_used(folder / f"{key}.kept", ago)
    kept.write("new", b"code")
    assert names(folder) == {"of_last_week.kept", "new.kept"}


def test_files_that_were_never_finished_go_and_those_being_written_stay(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, ago in (("x.1.1.part", DAY), ("x.2.1.part", 1.0)):
        (folder / name).write_bytes(b"half")
        last_used(folder / name, ago)
    kept.write("x", b"code")
    assert names(folder) == {"x.2.1.part", "x.kept"}


def test_a_broken_file_is_no_code_and_goes(folder: Path) -> None:
    kept.write("a", bytes(100))
    file = folder / "a.kept"
    file.write_bytes(file.read_bytes()[:-10])
    assert kept.read("a") is None
    assert not file.exists()


def test_a_process_cleans_now_and_then(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "CLEAN_EVERY", 60.0)
    kept.write("old", b"code")
    last_used(folder / "old.kept", 31 * DAY)
    kept.write("new", b"code")
    assert names(folder) == {"old.kept", "new.kept"}
    monkeypatch.setattr(kept, "CLEAN_EVERY", 0.0)
    kept.write("newer", b"code")
    assert names(folder) == {"new.kept", "newer.kept"}


def test_files_of_others_stay(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    last_used(folder / "notes.txt", 100 * DAY)
    kept.write("a", b"code")
    assert names(folder) == {"notes.txt", "a.kept"}


def test_many_at_once_read_what_was_written_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_BYTES", 4 * 1032)

    def use(number: int) -> bytes | None:
        key = str(number % 8)
        found = kept.read(key)
        kept.write(key, key.encode() * 1000)
        return found

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(400)))
    assert all(each is None or each == str(number % 8).encode() * 1000 for number, each in enumerate(found))


def test_a_place_that_cannot_be_written_keeps_nothing_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMMUNESIM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(kept, "_noted", [])
    kept.write("a", b"code")
    kept.write("b", b"code")
    assert kept.read("a") is None
    assert capsys.readouterr().err.count("note: models are read and compiled anew each time") == 1


@pytest.mark.parametrize(
    "what", ["folder of another", "file of another", "file that others write", "link", "link to a folder"]
)
def test_code_that_others_could_have_written_is_not_loaded(
    folder: Path, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kept, "_noted", [])
    kept.write("a", b"code")
    file = folder / "a.kept"
    if what == "folder of another":
        me = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    elif what == "file of another":
        if os.geteuid():
            pytest.skip("only root can give a file away")
        os.chown(file, 12345, -1)
    elif what == "file that others write":
        file.chmod(0o666)
    elif what == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    for _ in range(2):
        assert kept.read("a") is None
    expected = f"note: models are read and compiled anew each time: {folder} is no folder of this user alone\n"
    assert capsys.readouterr().err == (expected if "folder" in what else "")


def test_a_folder_that_was_made_open_is_closed(folder: Path) -> None:
    kept.write("a", b"code")
    folder.chmod(0o777)
    assert kept.read("a") == b"code"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMMUNESIM_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    kept.write("a", b"code")
    assert kept.read("a") is None
