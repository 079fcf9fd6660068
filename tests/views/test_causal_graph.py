"""The causal graph as a figure and in words: nothing covers anything else, and files are self-contained."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache

import pytest
from immunesim import cli
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model
from immunesim.model.causal.graph import causal_graph
from immunesim.views.figures import causal_graph as figures
from immunesim.views.figures.layout import Box
from immunesim.views.text.causal_graph import causal_facts, graph_view
from matplotlib.text import Text

from tests.slow import thinned

pytest.importorskip("pygraphviz", reason="the extra 'wiring' is not installed")

AROUND = ["IL2", "T_regulatory", "antibody", "blood_pressure", "stop_signal"]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def model(name):
    return read_model(builtin_models()[name])


def svg(model, name=None):
    view = graph_view(model, name)
    return figures.svg_of(figures.draw(view), view)


MODULES = [f"{name}.toml" for name, module in model("immune").modules.items()
           if set(module.names) & set(model("immune").species)]  # fmt: skip
PICTURES = [
    *[(name, None) for name in builtin_models()],
    *[("immune", name) for name in [*MODULES, *AROUND]],
]


@pytest.mark.parametrize(("of", "name"), thinned(PICTURES[::-1], every=80, unpack=True))
def test_no_box_or_text_covers_another_and_no_arrow_runs_through_one(of, name):
    view = graph_view(model(of), name)
    planned = figures.plan(view)
    layout, titles, _ = planned
    solid = {node.id: layout.boxes[node.id] for node in view.nodes} | {title: box for title, (_, box) in titles.items()}
    for one, other in itertools.combinations(solid, 2):
        assert not solid[one].meets(solid[other]), f"{one} covers {other}"
    for arrow, curve in zip(view.arrows, layout.curves, strict=True):
        for thing, box in solid.items():
            if thing not in (arrow.source, arrow.target):
                inner = Box(box.left + 0.01, box.bottom + 0.01, box.right - 0.01, box.top - 0.01)
                assert not any(map(inner.holds, figures.points_along(curve))), f"{arrow} runs through {thing}"
    texts_stay_inside_and_apart(figures.draw(view, planned))


def texts_stay_inside_and_apart(figure):
    renderer = figure.canvas.get_renderer()
    extents = [
        text.get_window_extent(renderer) for text in figure.findobj(Text) if text.get_text() and text.get_visible()
    ]
    width, height = figure.bbox.width, figure.bbox.height
    for one in extents:
        assert one.x0 >= 0
        assert one.y0 >= 0
        assert one.x1 <= width
        assert one.y1 <= height
    for one, other in itertools.combinations(extents, 2):
        assert min(one.x1, other.x1) - max(one.x0, other.x0) <= 1 or min(one.y1, other.y1) - max(one.y0, other.y0) <= 1


@pytest.mark.slow
def test_the_layout_says_nothing_of_fonts_to_the_user(tmp_path):
    code = "from immunesim.cli import main; main(['describe', 'IL2', '--wiring', 'il2.svg', '--wiring', 'il2.png'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.endswith("il2.svg, il2.png\n")


@pytest.mark.parametrize(
    ("of", "name"),
    thinned([("reynolds_2006", None), ("immune", "allergy.toml"), ("immune", None)], every=3, unpack=True),
)
def test_an_svg_has_title_and_description_and_refers_to_nothing_outside(of, name):
    text = svg(model(of), name)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == graph_view(model(of), name).title
    assert "Who acts on whom" in root.find(f"{SVG}desc").text
    assert not re.search(r"<!DOCTYPE|<\?xml|<image|@import|url\(\s*['\"]?http", text)
    assert set(re.findall(r"https?://[^\"'\s<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert all(each.startswith("#") for each in re.findall(r'href="([^"]*)"', text))
    assert svg(model(of), name) == text


def test_every_species_is_in_the_picture_of_a_published_model():
    view = graph_view(model("kirschner_panetta_1998"), None)
    assert [node.id for node in view.nodes] == list(model("kirschner_panetta_1998").species)
    text = svg(model("kirschner_panetta_1998"))
    assert "tumour cells (T)" in text
    assert "tumour → effector ⊣ tumour: negative feedback" in text


def test_a_large_model_is_drawn_as_modules_that_name_their_species():
    view = graph_view(model("immune"), None)
    assert {node.kind for node in view.nodes} == {"module"}
    named = [name for node in view.nodes for name in node.note.split(", ")]
    assert sorted(named) == sorted(model("immune").species)
    influences = sum(arrow.weight for arrow in view.arrows)
    homes = {name: node.id for node in view.nodes for name in node.note.split(", ")}
    across = [each for each in causal_graph(model("immune")).between(homes) if homes[each.source] != homes[each.target]]
    assert influences == len(across)


def test_two_steps_reach_further_than_one():
    one, two = (graph_view(model("immune"), "granules", steps) for steps in (1, 2))
    assert {node.id for node in one.nodes} < {node.id for node in two.nodes}
    assert {"IgE", "allergen"} <= {node.id for node in two.nodes}


def test_words_name_who_acts_where_and_through_what():
    facts = causal_facts(model("immune"), "IL2")
    assert (
        facts["lowered_by"]["T_regulatory"]
        == "regulatory T cells; in IL2_into_tissue, IL2_eaten, through IL2_plasma_free"
    )
    raised = "stop signal (1 = healthy resting level); in stop_signal_making, through IL2_on_regulatory"
    assert facts["raises"]["stop_signal"] == raised
    assert facts["loops"]["IL2 raises T_regulatory, which lowers IL2"] == "negative feedback"
    assert "IL2" not in facts["raises"]
    facts = causal_facts(model("immune"), "blood_pressure")
    assert facts["lowered_by"]["vascular_leak"] == "leakiness of vessels; through pressure_share"
    assert "loops" not in facts
    assert set(causal_facts(model("immune"), "stop_signal.toml")) == {"loops"}
    assert "IL2 raises T_regulatory, which lowers IL2" in causal_facts(model("immune"), "stop_signal.toml")["loops"]


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """``say("IL2", "--wiring", "a.svg")``: exit code, stdout and stderr of `describe`."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = cli.main(["describe", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_describe_writes_both_formats_and_tells_the_files(say, tmp_path):
    code, out, _ = say("reynolds_2006", "--wiring", "a.svg", "--wiring", "b.PNG", "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["pictures"] == ["a.svg", "b.PNG"]
    assert facts["loops"]["phagocytes lowers pathogen, which raises phagocytes"] == "negative feedback"
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg")
    from PIL import Image

    with Image.open(tmp_path / "b.PNG") as image:
        assert image.info["Title"] == model("reynolds_2006").title
        assert "pathogen (P) raises activated phagocytes (N*)" in image.info["Description"]


def test_a_module_that_shares_its_name_with_a_species_is_asked_for_by_its_file(say):
    assert json.loads(say("stop_signal", "--json")[1])["module_of_that_name"] == "stop_signal.toml"
    code, out, _ = say("stop_signal.toml", "--wiring", "m.svg", "--json")
    assert code == 0
    assert json.loads(out)["module"] == "stop_signal"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["IL2", "--wiring", "a.pdf"], 2, "expected a file that ends in .svg or .png, found 'a.pdf'"),
        (["IL2", "--wiring", "there.svg"], 3, "there.svg exists; choose another --wiring, or --force"),
        (["IL2", "--wiring", "folder.svg"], 3, "folder.svg is a folder; --wiring names a file here"),
        (["T_division", "--wiring", "a.svg"], 2, "can be drawn; found T_division (reactions)"),
        (["regulatory T", "--wiring", "a.svg"], 2, "found several labels with 'regulatory T'"),
        (["--assumed", "--wiring", "a.svg"], 2, "a list of assumptions has no picture"),
        (["T_activ", "--wiring", "a.svg"], 3, "did you mean 'T_active'?"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(say, tmp_path, words, code, message):
    (tmp_path / "there.svg").write_text("kept", encoding="utf-8")
    (tmp_path / "folder.svg").mkdir()
    found, _, err = say(*words)
    assert found == code
    assert message in err
    assert (tmp_path / "there.svg").read_text(encoding="utf-8") == "kept"
    assert not (tmp_path / "a.svg").exists()


def test_force_replaces_and_a_missing_package_is_named(say, tmp_path, monkeypatch):
    (tmp_path / "there.svg").write_text("old", encoding="utf-8")
    assert say("IL2", "--wiring", "there.svg", "--force")[0] == 0
    assert (tmp_path / "there.svg").read_text(encoding="utf-8") != "old"
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    code, _, err = say("IL2", "--wiring", "b.svg")
    assert code == 5
    assert "pip install pygraphviz" in err
    assert not (tmp_path / "b.svg").exists()
