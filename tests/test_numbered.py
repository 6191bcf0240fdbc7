"""Exercises: numbered from 1 in each chapter, linked with their solutions and back."""

import re
import sys
from types import SimpleNamespace

import pytest
from test_book import BOOK, CHAPTERS, TEXT
from test_sentences import NOTEBOOKS

nodes = pytest.importorskip("docutils.nodes")
publish_doctree = pytest.importorskip("docutils.core").publish_doctree
Parser = pytest.importorskip("myst_parser.parsers.docutils_").Parser
sys.path.append(str(BOOK / "_ext"))
import exercises  # noqa: E402
import objectives  # noqa: E402

LABELS = {
    f"{kind}-{one.name}": one
    for chapter in NOTEBOOKS
    for one in exercises.exercises(chapter)
    for kind in ("exercise", "solution")
}
EXTENSIONS = ["dollarmath", "amsmath", "html_image"]
each_chapter = pytest.mark.parametrize("chapter", NOTEBOOKS)


def page(chapter):
    """A chapter as docutils has it, with a container for each cell of code."""
    cells, parts = NOTEBOOKS[chapter], []
    for cell in cells:
        code = cell["cell_type"] == "code"
        parts.append("```\ncell\n```" if code else "".join(cell["source"]))
    settings = {
        "myst_enable_extensions": EXTENSIONS, "myst_suppress_warnings": ["*"],
        "report_level": 5, "doctitle_xform": False,
    }  # fmt: skip
    tree = publish_doctree(
        "\n\n".join(parts), parser=Parser(), settings_overrides=settings
    )
    blocks = [x for x in tree.findall(nodes.literal_block) if x.astext() == "cell\n"]
    of_code = [cell for cell in cells if cell["cell_type"] == "code"]
    for block, cell in zip(blocks, of_code, strict=True):
        made = nodes.container("", nodes.container())
        if "hide-cell" in cell["metadata"].get("tags", ()):
            made["hide_mode"] = "all"
            made["prompt_show"], made["prompt_hide"] = "Show a solution", "Hide it"
        block.replace_self(made)
    return tree


def linked(chapter, tree=None):
    """The page with its links, and the labels that other pages may use."""
    labels = SimpleNamespace(anonlabels={}, labels={})
    env = SimpleNamespace(docname=CHAPTERS[chapter - 1], get_domain=lambda name: labels)
    tree = tree or page(chapter)
    exercises.link_solutions(SimpleNamespace(env=env), tree)
    return tree, labels


def ids(tree):
    """All ids of a page, those in its own HTML, too."""
    found = [name for x in tree.findall(nodes.Element) for name in x.get("ids", ())]
    for raw in tree.findall(nodes.raw):
        found += re.findall(r'id="([^"]+)"', raw.astext())
    return found


def faults(chapter):
    """What is wrong with the numbers and links of a chapter."""
    tree, labels = linked(chapter)
    own, there = exercises.exercises(chapter), ids(tree)
    if [one.number for one in own] != [
        f"{chapter}.{i}" for i in range(1, len(own) + 1)
    ]:
        yield "its numbers do not run from 1"
    links = [x for x in tree.findall(nodes.reference) if "refid" in x]
    yield from (f"no {x['refid']}" for x in links if there.count(x["refid"]) != 1)
    to = [x["refid"] for x in links if "solution-link" in x["classes"]]
    if to != [f"solution-{one.name}" for one in own]:
        yield f"its exercises lead to {to}"
    backs = {x["refid"] for x in links if "back-link" in x.parent["classes"]}
    if backs != {f"exercise-{one.name}" for one in own}:
        yield f"its solutions lead back to {backs}"
    folds = [x for x in tree.findall(nodes.container) if "hide_mode" in x]
    folds = [
        x for x in folds if not x["prompt_show"].startswith("Show a solution of Ex")
    ]
    yield from ("a solution of no exercise" for _ in folds)
    for one in own:
        if labels.labels.get(f"exercise-{one.name}", ())[2:] != (
            f"Exercise {one.number}",
        ):
            yield f"{one.name} cannot be called by its number"


@each_chapter
def test_exercises_are_numbered_and_linked_both_ways(chapter):
    assert [*faults(chapter)] == []


WEAKER = {
    "back": lambda node, one: None,
    "place": lambda app, node, name, text: None,
    "folded": lambda node: "",
    "FOLD": re.compile("<details>(?=<summary>(What we found)</summary>)"),
    "TASK": re.compile(r"(★★) Exercise (\d+\.\d+): ([^*]+)[.?]"),
}


@pytest.mark.parametrize("weaker", WEAKER)
def test_a_weaker_link_is_noticed(weaker, monkeypatch):
    monkeypatch.setattr(exercises, weaker, WEAKER[weaker])
    exercises.exercises.cache_clear()
    try:
        assert any(fault for chapter in (5, 16) for fault in faults(chapter))
    finally:
        exercises.exercises.cache_clear()


@pytest.mark.parametrize("change", ["5.3", "5.9", "6.2", ""])
def test_another_number_is_noticed(change, monkeypatch):
    cells = [{**cell, "source": "".join(cell["source"])} for cell in NOTEBOOKS[5]]
    for cell in cells:
        told = f"Exercise {change}: T" if change else "T"
        cell["source"] = cell["source"].replace("Exercise 5.2: T", told)
    monkeypatch.setattr(exercises, "cells", lambda chapter: cells)
    monkeypatch.setitem(NOTEBOOKS, 5, cells)
    exercises.exercises.cache_clear()
    try:
        assert [*faults(5)]
    finally:
        exercises.exercises.cache_clear()


def test_names_are_one_exercise_each_and_stars_are_always_numbered():
    found = [one for chapter in NOTEBOOKS for one in exercises.exercises(chapter)]
    assert len({one.name for one in found}) == len(found) >= 80
    for chapter, cells in NOTEBOOKS.items():
        text = "\n".join("".join(cell["source"]) for cell in cells)
        starred = re.findall(r"^\*\*★", text, re.M)
        assert len(starred) == len(exercises.exercises(chapter)), chapter


def test_pages_name_exercises_that_there_are():
    named = [
        name
        for text in TEXT.values()
        for name in re.findall(
            r"\{ref\}`(?:[^`<]+<)?((?:exercise|solution)-[\w-]+)", text
        )
    ]
    assert named
    assert {*named} <= {*LABELS}


@each_chapter
def test_the_table_of_objectives_leads_to_each_check(chapter):
    there = objectives.places(chapter)
    cells = {cell["id"] for cell in NOTEBOOKS[chapter]}
    for found in objectives.checks(chapter).values():
        for one in found:
            text, label = there[one.name]
            assert one.name in text
            assert label in (cells if one.kind == "question" else LABELS)
