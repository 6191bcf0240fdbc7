"""Sphinx: what a chapter opens with, as a box, and what it was measured to take.

A notebook says in plain sentences what one can do after it, how long it takes and what
it needs, since Colab knows no directives. On the page these become a list and a line of
facts, with the seconds and the memory of `results/chapters.json`.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

FILE = Path(__file__).parents[2] / "results" / "chapters.json"
PROMISE = "After this chapter you can"


def parted(paragraph: nodes.paragraph) -> list[nodes.paragraph]:
    """The objectives, which dots part in a paragraph, without its bold beginning."""
    items, told = [nodes.paragraph()], paragraph.children
    # MyST begins with an empty text, and each end of a line is a text of its own.
    start = next(i for i, each in enumerate(told) if isinstance(each, nodes.strong)) + 1
    for are_texts, group in groupby(told[start:], lambda e: isinstance(e, nodes.Text)):
        if not are_texts:
            items[-1] += [each.deepcopy() for each in group]
            continue
        first, *rest = "".join(group).replace("\n", " ").split(" · ")
        items[-1] += nodes.Text(first)
        items += [nodes.paragraph("", "", nodes.Text(text)) for text in rest]
    return [item for item in items if item.astext().strip()]


def took(chapter: str) -> str:
    """What the measurement says of a chapter, in words; nothing where there is none."""
    told = json.loads(FILE.read_text("utf-8")).get(chapter, {})
    if not told:
        return ""
    seconds = told["seconds"]
    text = f"{seconds} seconds" if seconds < 90 else f"{seconds / 60:.1f} minutes"
    if "gigabytes" in told:
        text += f" and {told['gigabytes']:.1f} GB of memory"
    text += ", with the lecture profile on two processor cores"
    return text + " that had other work as well" * told.get("busy", False)


def into_box(app: Sphinx, doctree: nodes.document) -> None:
    """Turn the two paragraphs at a chapter's head into its box."""
    chapter = app.env.docname.rpartition("/")[2]
    for promise in list(doctree.findall(nodes.paragraph)):
        if not promise.astext().startswith(PROMISE):
            continue
        siblings = promise.parent.children
        facts = siblings[siblings.index(promise) + 1]
        box = nodes.admonition(classes=["opening"])
        box += nodes.title("", PROMISE)
        bullets = [nodes.list_item("", item) for item in parted(promise)]
        box += nodes.bullet_list("", *bullets)
        box += facts.deepcopy()
        if measured := took(chapter):
            box += nodes.paragraph("", "", nodes.strong("", "Measured"))
            box[-1] += nodes.Text(f" {measured}")
        promise.parent.remove(facts)
        promise.parent.replace(promise, box)
        return


def setup(app: Sphinx) -> dict[str, bool]:
    """Before other extensions look at the page."""
    app.connect("doctree-read", into_box, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
