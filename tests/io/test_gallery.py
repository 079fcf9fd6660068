"""The gallery: every scenario has its card, whatever becomes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from simulator.io import gallery
from simulator.io.folder import OutputError
from tests.pages import read_page

TOY = "toy.toml"


@pytest.fixture
def files(toy_file: Path) -> list[Path]:
    """A toy, one that cannot be read, and one whose solver fails."""
    broken = toy_file.with_name("broken.toml")
    broken.write_text(toy_file.read_text().replace("k_clear =", "k_cler ="))
    model = toy_file.with_name("growing.toml")
    growing = 'rate = "-k_clear * drug * drug / K_drug * 4000"'
    model.write_text(toy_file.with_name("toy_model.toml").read_text().replace('rate = "k_clear * drug"', growing))
    failing = toy_file.with_name("failing.toml")
    failing.write_text(toy_file.read_text().replace("toy_model.toml", "growing.toml"))
    return [toy_file, broken, failing]


def test_every_scenario_has_its_card_whatever_becomes_of_it(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen: list[str] = []
    cards = gallery.write_gallery(files, out, told=lambda card: seen.append(card.name))
    assert [(card.name, card.status) for card in cards] == [
        ("toy", gallery.DONE), ("broken", gallery.UNREADABLE), ("failing", gallery.FAILED)
    ]  # fmt: skip
    assert sorted(seen) == ["broken", "failing", "toy"]
    assert (cards[0].met, cards[0].expected, cards[0].holds) == (1, 1, True)
    assert "no parameter 'k_cler'; did you mean 'k_clear'?" in cards[1].reason
    assert "clearance" in cards[2].reason
    assert not cards[2].holds
    assert (out / "toy" / "report.html").exists()
    assert (out / "failing" / "report.html").exists()
    assert not (out / "broken").exists()
    assert list(out.glob("*/trajectory*.csv")) == []
    page = read_page(out / "index.html")
    linked = [a["href"] for tag, a in page.elements if tag == "a" and not (a["href"] or "").startswith("#")]
    assert linked == ["toy/report.html", "failing/report.html"]
    assert all((out / str(a["src"])).exists() for tag, a in page.elements if tag == "img")
    assert "A toy question" in page.text
    assert "1 of 1 met" in page.text


def test_tables_are_kept_if_asked_for(toy_file: Path, tmp_path: Path) -> None:
    gallery.write_gallery([toy_file], tmp_path / "out", tables=True)
    assert (tmp_path / "out" / "toy" / "trajectory.half.csv").exists()


def test_two_files_of_one_name_have_two_folders(toy_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in (TOY, "toy_model.toml"):
        (other / name).write_text(toy_file.with_name(name).read_text())
    cards = gallery.write_gallery([toy_file, other / TOY], tmp_path / "out")
    assert [card.name for card in cards] == ["toy", "toy-2"]
    assert (tmp_path / "out" / "toy-2" / "report.html").exists()


def test_what_was_done_before_a_stop_is_kept(toy_file: Path, tmp_path: Path) -> None:
    files = [toy_file]
    for number in range(8):
        files.append(toy_file.with_name(f"toy{number}.toml"))
        files[-1].write_text(toy_file.read_text())
    done: list[str] = []
    cards = gallery.write_gallery(files, tmp_path / "out", stop=lambda: bool(done), told=lambda c: done.append(c.name))
    states = [card.status for card in cards]
    assert states.count(gallery.DONE) == len(done) >= 1
    assert states.count(gallery.SKIPPED) == len(files) - len(done) >= 1
    assert all((tmp_path / "out" / name / "report.html").exists() for name in done)
    assert "not simulated" in read_page(tmp_path / "out" / "index.html").text


def dies(path: Path, folder: Path, tables: bool) -> gallery.Card:
    """As `gallery.make`, in a process that some scenarios kill."""
    if "deadly" in path.name:
        os._exit(9)
    return gallery.Card(folder.name, folder.name)


def test_a_scenario_that_kills_its_process_takes_no_other_with_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "make", dies)
    files = [Path(name) for name in ("a.toml", "deadly.toml", "b.toml", "c.toml")]
    cards = gallery.write_gallery(files, tmp_path / "out")
    assert [card.status for card in cards] == [gallery.DONE, gallery.FAILED, gallery.DONE, gallery.DONE]
    assert cards[1].reason == "ended the process it ran in"


def test_a_gallery_is_replaced_only_if_all_in_it_is_ours(toy_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    gallery.write_gallery([toy_file], out)
    with pytest.raises(OutputError, match="exists"):
        gallery.write_gallery([toy_file], out)
    gallery.write_gallery([toy_file], out, force=True)
    (out / "toy" / "thesis.txt").write_text("years")
    with pytest.raises(OutputError, match=r"also holds toy/thesis\.txt"):
        gallery.write_gallery([toy_file], out, force=True)
    document = json.loads((out / "summary.json").read_text())
    assert document["files"] == ["index.html", "toy"]
    assert document["gallery"][0]["title"] == "A toy question"
