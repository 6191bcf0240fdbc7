"""The table that ties each objective of a chapter to what checks it.

A check is an exercise of ``tm.course.check``, a question of ``tm.course.ask``, or an
exploration: a cell whose metadata have ``{"explore": {"name": …, "objective": …}}``.
``{objectives}`` on a page is the table, with a link to each.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from docutils import nodes
from exercises import cells, chapters, exercises
from ledger_pages import link
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from thin_mini.course import asking, exercise

ASKED = re.compile(r'tm\.course\.ask\("([\w-]+)"\)')
PROMISE = re.compile(r"\*\*After this chapter you can\*\*(.+?)\n\n", re.DOTALL)


class Check(NamedTuple):
    """One of a chapter; ``source`` is an exploration's text."""

    name: str
    chapter: int
    level: int
    kind: str
    objective: str
    source: str = ""

    @property
    def title(self) -> str:
        """Its name as a heading has it."""
        return self.name.replace("-", " ").capitalize()


def promised(chapter: int) -> list[str]:
    """A chapter's objectives, word for word."""
    told = PROMISE.search("".join(cells(chapter)[0]["source"]))
    if told is None:
        raise ValueError(f"chapter {chapter} does not say what you can do after it")
    return [" ".join(one.split()) for one in told[1].rstrip(". \n").split("·")]


def explores() -> list[Check]:
    """The explorations of all chapters."""
    return [
        Check(
            told["name"], chapter, 3, "exploration", told["objective"],
            "".join(cell["source"]),
        )
        for chapter in chapters()
        for cell in cells(chapter)
        if (told := cell["metadata"].get("explore"))
    ]  # fmt: skip


def checks(chapter: int) -> dict[str, list[Check]]:
    """What checks each objective of a chapter, in the order of level and name."""
    found = [
        Check(name, one.chapter, one.level, "exercise", one.objective.rstrip("."))
        for name in exercise.names()
        if (one := exercise.find(name))
    ]
    found += [
        Check(one.name, one.chapter, one.level, "question", one.objective)
        for one in asking.questions().values()
    ]
    found = sorted(found + explores(), key=lambda one: (one.level, one.kind, one.name))
    return {
        objective: [
            one for one in found if (one.chapter, one.objective) == (chapter, objective)
        ]
        for objective in promised(chapter)
    }


def entry(*children: nodes.Node) -> nodes.entry:
    """A cell of a table."""
    return nodes.entry("", nodes.paragraph("", "", *children))


def places(chapter: int) -> dict[str, tuple[str, str]]:
    """By the name of a check, what the table calls it, and the label of its place."""
    there = {
        one.name: (f"{one.number} {one.name}", f"exercise-{one.name}")
        for one in exercises(chapter)
    }
    for cell in cells(chapter):
        if asked := ASKED.fullmatch("".join(cell["source"])):
            there[asked[1]] = f"{asked[1]} (?)", cell["id"]
    return there


class Objectives(SphinxDirective):
    """``{objectives}``: what checks each objective, by level."""

    def run(self) -> list[nodes.Node]:
        """A table with a row for each objective."""
        rows = []
        for chapter in chapters():
            for objective, found in checks(chapter).items():
                told = [entry(nodes.Text(f"{chapter}")), entry(nodes.Text(objective))]
                told += [self.named(found, level) for level in (1, 2, 3)]
                rows.append(nodes.row("", *told))
        heads = ("chapter", "you can …", "★", "★★", "★★★")
        widths = (8, 44, 16, 16, 16)
        group = nodes.tgroup(
            "",
            *(nodes.colspec(colwidth=width) for width in widths),
            nodes.thead("", nodes.row("", *(entry(nodes.Text(h)) for h in heads))),
            nodes.tbody("", *rows),
            cols=len(heads),
        )
        return [nodes.table("", group)]

    def named(self, found: list[Check], level: int) -> nodes.entry:
        """Links to the checks of a level, questions said so."""
        words: list[nodes.Node] = []
        for one in found:
            if one.level == level:
                text, label = places(one.chapter)[one.name]
                words += [nodes.Text(", "), link(text, self.env.docname, label, "ref")]
        return entry(*words[1:] or [nodes.Text("–")])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("objectives", Objectives)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
