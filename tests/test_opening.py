"""The box at a chapter's head: its objectives, its facts, and what was measured."""

import json
import re
import sys
from types import SimpleNamespace

import pytest
from test_book import BOOK, CHAPTERS, ROOT
from test_sentences import PROSE

nodes = pytest.importorskip("docutils.nodes")
sys.path.append(str(BOOK / "_ext"))
import opening  # noqa: E402


def opened(chapter):
    """A chapter's head as docutils has it, after the box was made."""
    told = nodes.paragraph("", "", nodes.Text(""), nodes.strong("", opening.PROMISE))
    pieces = " tell a gate", "\n", "from a tree · show that it "  # as MyST makes them
    told += map(nodes.Text, pieces)
    told += [nodes.strong("", "is"), *map(nodes.Text, (" so ·", "\n", "read on."))]
    facts = nodes.paragraph("", "Time 25 minutes")
    section = nodes.section("", nodes.title("", "A chapter"), told, facts)
    section += nodes.paragraph("", "The text.")
    app = SimpleNamespace(env=SimpleNamespace(docname=f"notebooks/{chapter}"))
    opening.into_box(app, section)
    return section


def test_the_objectives_become_a_list_and_the_facts_stay_with_them(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(opening, "FILE", tmp_path / "chapters.json")
    opening.FILE.write_text(json.dumps({"01_a": {"seconds": 150, "gigabytes": 0.8}}))
    title, box, text = opened("01_a").children
    assert title.astext() == "A chapter"
    assert text.astext() == "The text."
    items = [item.astext().strip() for item in box.findall(nodes.list_item)]
    assert items == ["tell a gate from a tree", "show that it is so", "read on."]
    facts = [p.astext() for p in box.children if isinstance(p, nodes.paragraph)]
    assert facts[0] == "Time 25 minutes"
    assert facts[1].startswith("Measured 2.5 minutes and 0.8 GB of memory, with")
    assert len(opened("02_b").children[1].children) == 3  # nothing was measured


def test_what_was_measured_is_of_chapters_that_there_are():
    told = json.loads((ROOT / "results" / "chapters.json").read_text("utf-8"))
    assert set(told) <= {chapter.rpartition("/")[2] for chapter in CHAPTERS}
    assert all(entry["seconds"] > 0 for entry in told.values())


@pytest.mark.parametrize("number", PROSE)
def test_every_chapter_has_what_the_box_is_made_of(number):
    head = PROSE[number].split("\n## ")[0]
    promise = re.search(rf"\*\*{opening.PROMISE}\*\* ([^*].+?)\n\n", head, re.S)[1]
    assert 3 <= len(re.split(r"\s·\s", promise)) <= 5
    assert re.search(r"\*\*Time\*\*.+\*\*Hardware\*\*.+\*\*You need\*\*", head, re.S)
