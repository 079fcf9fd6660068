"""The gallery: every scenario has its card, whatever becomes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from immunesim import cli
from immunesim.runtime.errors import OutputError
from immunesim.tasks import gallery

from tests.pages import read_page


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
    cards = gallery.write_gallery(files, out, on_progress=lambda card: seen.append(card.name))
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


def fake(path: Path, folder: Path, tables: bool) -> gallery.Card:
    """As `gallery.make`, at once, and in a process that some scenarios kill."""
    if "deadly" in path.name:
        os._exit(9)
    folder.mkdir()
    (folder / "summary.json").write_text('{"files": []}')
    return gallery.Card(folder.name, folder.name)


def test_two_files_of_one_name_have_two_folders_and_a_stop_keeps_what_was_done(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "make", fake)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    files, done = [Path("a.toml"), Path("other/a.toml"), Path("b.toml"), Path("c.toml")], []
    out = tmp_path / "out"
    cards = gallery.write_gallery(
        files, out, stop=lambda: len(done) == 2, on_progress=lambda card: done.append(card.name)
    )
    assert done == ["a", "a-2"]
    assert [card.status for card in cards] == [gallery.DONE] * 2 + [gallery.SKIPPED] * 2
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["a", "a-2"]
    assert "not simulated" in read_page(out / "index.html").text


def test_a_scenario_that_kills_its_process_takes_no_other_with_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "make", fake)
    files = [Path(name) for name in ("a.toml", "deadly.toml", "b.toml", "c.toml")]
    cards = gallery.write_gallery(files, tmp_path / "out")
    assert [card.status for card in cards] == [gallery.DONE, gallery.FAILED, gallery.DONE, gallery.DONE]
    assert cards[1].reason == "ended the process it ran in"


def test_a_gallery_is_replaced_only_if_all_in_it_is_ours(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "_made", lambda *_: iter(()))
    out = tmp_path / "out"
    gallery.write_gallery([Path("a.toml")], out)
    assert json.loads((out / "summary.json").read_text())["files"] == ["index.html"]
    with pytest.raises(OutputError, match="exists"):
        gallery.write_gallery([Path("a.toml")], out)
    gallery.write_gallery([Path("a.toml")], out, force=True)
    (out / "summary.json").write_text('{"files": ["index.html", "a"]}')
    (out / "a").mkdir()
    (out / "a" / "summary.json").write_text('{"files": ["report.html"]}')
    (out / "a" / "thesis.txt").write_text("years")
    with pytest.raises(OutputError, match=r"also holds a/thesis\.txt"):
        gallery.write_gallery([Path("a.toml")], out, force=True)


def test_the_command_says_where_it_is_and_exits_with_1_if_not_all_is_well(files, tmp_path: Path, capsys) -> None:
    code = cli.main(["gallery", "--out", str(tmp_path / "out"), "--json", "--tables", str(files[1]), str(files[0])])
    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [card["status"] for card in found["gallery"]] == [gallery.UNREADABLE, gallery.DONE]
    assert (tmp_path / "out" / "toy" / "trajectory.half.csv").exists()
