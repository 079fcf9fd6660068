"""The gallery: every scenario has its card, whatever becomes of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from immunesim import cli
from immunesim.files.toml.catalogue import builtin_scenarios, topics
from immunesim.runtime.errors import OutputError
from immunesim.runtime.processes import OnProgress
from immunesim.tasks import gallery
from immunesim.views.text.answers import SpokenSentence

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


def test_every_scenario_has_its_card_whatever_becomes_of_it(files: list[Path], tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    code = cli.main(["gallery", "--out", str(out), "--json", *map(str, files)])
    assert code == 1  # not all is well
    cards = json.loads(capsys.readouterr().out)["gallery"]
    assert [(card["name"], card["status"]) for card in cards] == [
        ("toy", gallery.DONE), ("broken", gallery.UNREADABLE), ("failing", gallery.FAILED)
    ]  # fmt: skip
    assert (cards[0]["met"], cards[0]["expected"], cards[0]["holds"]) == (1, 1, True)
    assert "no parameter 'k_cler'; did you mean 'k_clear'?" in cards[1]["reason"]
    assert "clearance" in cards[2]["reason"]
    assert not cards[2]["holds"]
    assert (out / "toy" / "report.html").exists()
    assert (out / "failing" / "report.html").exists()
    assert not (out / "broken").exists()
    assert list(out.glob("*/trajectory*.csv")) == []
    page = read_page(out / "index.html")
    linked = [a["href"] for tag, a in page.elements if tag == "a" and not (a["href"] or "").startswith("#")]
    pages = ("report", "explorer", "report")
    assert linked == ["handbook/index.html", *(f"{name}/{page}.html" for name in ("toy", "failing") for page in pages)]
    assert (out / "handbook" / "first-steps.html").exists()
    assert all((out / str(a["src"])).exists() for tag, a in page.elements if tag == "img")
    assert "A toy question" in page.text
    assert "1 of 1 met" in page.text


def fake(job: gallery.Job, on_progress: OnProgress) -> gallery.Card:
    """As `gallery.make`, at once, and in a process that some scenarios kill or never leave."""
    path, folder, *_ = job
    if "deadly" in path.name:
        os._exit(9)
    if "endless" in path.name:
        folder.with_name(f".{folder.name}.part").mkdir()
        time.sleep(600)
    folder.mkdir()
    (folder / "summary.json").write_text('{"files": []}')
    return gallery.Card(folder.name, folder.name)


@pytest.mark.slow
def test_two_files_of_one_name_have_two_folders(toy_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("toy.toml", "toy_model.toml"):
        shutil.copy(toy_file.with_name(name), other / name)
    cards = gallery.write_gallery([toy_file, other / "toy.toml"], tmp_path / "out")
    assert [(card.name, card.status) for card in cards] == [("toy", gallery.DONE), ("toy-2", gallery.DONE)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == ["handbook", "toy", "toy-2"]


def test_a_stop_keeps_what_is_done_and_gives_up_what_is_under_way(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "make", fake)
    out, asked = tmp_path / "out", []

    def stop() -> bool:
        """Once the last scenario has begun, and so all before it are done, but for one on another core."""
        if not asked and list(tmp_path.glob(".out.*/.endless.part")):
            asked.append(time.monotonic())
        return bool(asked)

    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    cards = gallery.write_gallery([Path("a.toml"), Path("endless.toml"), Path("b.toml")], out, stop=stop)
    assert time.monotonic() - asked[0] < 2.0
    assert [card.status for card in cards] == [gallery.DONE, gallery.SKIPPED, gallery.SKIPPED]
    assert sorted(path.name for path in out.iterdir()) == [
        "a", "handbook", "index.html", "manifest.json", "summary.json",
    ]  # fmt: skip
    assert "not simulated" in read_page(out / "index.html").text
    assert str(gallery.Gallery(out, cards)).splitlines()[-3:-1] == [
        "2 scenarios not simulated, as the gallery was interrupted",
        "",
    ]


@pytest.mark.slow
def test_a_scenario_that_kills_its_process_takes_no_other_with_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "make", fake)
    files = [Path(name) for name in ("a.toml", "deadly.toml", "b.toml", "c.toml")]
    cards = gallery.write_gallery(files, tmp_path / "out")
    assert [card.status for card in cards] == [gallery.DONE, gallery.FAILED, gallery.DONE, gallery.DONE]
    assert cards[1].reason == "ended the process it ran in"


def test_a_gallery_is_replaced_only_if_all_in_it_is_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    gallery.write_gallery([Path("a.toml")], out)
    with pytest.raises(OutputError, match="exists"):
        gallery.write_gallery([Path("a.toml")], out)
    gallery.write_gallery([Path("a.toml")], out, force=True)
    (out / "a").mkdir(exist_ok=True)
    (out / "a" / "thesis.txt").write_text("years")
    with pytest.raises(OutputError, match=r"also holds a/thesis\.txt"):
        gallery.write_gallery([Path("a.toml")], out, force=True)


def doubting(job: gallery.Job, on_progress: OnProgress) -> gallery.Card:
    """As `fake`; of the last in teaching order, with an answer of which a sentence no longer holds."""
    answer = SpokenSentence("No longer holds: x", False), SpokenSentence("It does", True)
    card = fake(job, on_progress)
    return card._replace(answer=answer) if card.name.startswith("handbook") else card


def test_bundled_scenarios_stand_under_their_topics_in_teaching_order(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "make", doubting)
    paths = [Path(f"{name}.toml") for name in ("mine", "friberg", "core_memory", "core_rest", "handbook")]
    cards = gallery.write_gallery(paths, tmp_path / "out")
    assert [card.name for card in cards] == ["mine", "friberg", "core_memory", "core_rest", "handbook-2"]
    page = read_page(tmp_path / "out" / "index.html")
    titles = [a["data-words"].split()[0] for _, a in page.elements if "data-words" in a]
    assert titles == ["core_rest", "core_memory", "friberg", "mine", "handbook-2"]
    assert page.text.index("The small model") < page.text.index("Published models") < page.text.index("More scenarios")
    # and a sentence that no longer holds has its class
    assert [a.get("class") for tag, a in page.elements if tag == "span"][-2:] == ["gone", None]


@pytest.mark.slow
def test_lessons_on_its_scenarios_are_part_of_a_gallery(tmp_path: Path) -> None:
    gallery.write_gallery([builtin_scenarios()["core_memory"]], tmp_path / "out")
    page = read_page(tmp_path / "out" / "index.html")
    links = [str(a["href"]) for tag, a in page.elements if tag == "a" and "lessons/" in str(a["href"])]
    assert links == ["lessons/memory.html", "lessons/memory_handout.html", "lessons/memory_answers.html"]
    assert all((tmp_path / "out" / link).exists() for link in links)


def test_every_bundled_scenario_has_one_topic() -> None:
    named = [name for topic in topics() for name in topic.scenarios]
    assert sorted(named) == sorted(builtin_scenarios())


@pytest.mark.slow
def test_a_sweep_has_its_page_and_its_figure_on_the_card(toy_file: Path, tmp_path: Path) -> None:
    swept = toy_file.with_name("swept.toml")
    axes = '[sweep]\nmeasures = { peak = "max(drug)" }\n[[sweep.vary]]\nparameter = "k_clear"\ncount = 3\n'
    swept.write_text(toy_file.read_text() + axes)
    (card,) = gallery.write_gallery([swept], tmp_path / "out")
    assert card.sweep is not None
    assert (card.sweep.members, card.sweep.page, card.sweep.reason) == ("3 members", "sweeps/swept.html", "")
    page = read_page(tmp_path / "out" / card.sweep.page)
    assert "3 members" in page.text
    assert all(str(a["src"]).startswith("data:image/svg+xml") for tag, a in page.elements if tag == "img")
    for read, folder in (
        (page, tmp_path / "out" / "sweeps"),
        (read_page(tmp_path / "out" / "index.html"), tmp_path / "out"),
    ):
        pictures = [str(a["src"]) for tag, a in read.elements if tag == "img"]
        assert all((folder / each).exists() for each in pictures if not each.startswith("data:"))
        links = [str(a["href"]) for tag, a in read.elements if tag == "a" and not str(a["href"]).startswith("#")]
        assert all((folder / link).exists() for link in links)
    gallery.write_gallery([swept], tmp_path / "out", force=True)  # all of it is ours
