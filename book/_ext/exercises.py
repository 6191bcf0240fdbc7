"""Sphinx: exercises by their numbers, each with a link to its solution and one back.

In a chapter a task begins with ``**★★ Exercise 5.4: The tree gate.**``, so that plain
Colab and a class's chapters have the number, too. On the page it can be linked to,
``{ref}`exercise-tree-gate` `` is "Exercise 5.4", and it leads to the first fold below
it, ``solution-tree-gate``; each of its folds leads back. The name is that of its check
or exploration, else what its title says.

sphinx-exercise needs two directives around a task that has cells, and two around its
solution: plain Colab shows all four as they stand. It gives all that it encloses the
same id, and no link leads from an exercise to its solution.

``{exercises} 5`` on a page is a table of a chapter's, with the minutes that they count.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from ledger_pages import link, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TASK = re.compile(r"(★+) Exercise (\d+\.\d+): ([^*]+)[.?]")
MINUTES = {1: 5, 2: 10, 3: 15}  # by stars; `book/using.md` says so
CHECKED = re.compile(r'tm\.course\.check\("([\w-]+)"')
FOLD = re.compile(r"<details>(?=<summary>(What we found|Answer)</summary>)")


class Exercise(NamedTuple):
    """One of a chapter."""

    name: str
    number: str
    level: int
    title: str


@lru_cache
def cells(chapter: int) -> list[dict]:
    """The cells of a chapter."""
    (path,) = NOTEBOOKS.glob(f"{chapter:02d}_*.ipynb")
    return json.loads(path.read_text("utf-8"))["cells"]


def chapters() -> list[int]:
    """The numbers of all chapters."""
    return sorted(int(path.name[:2]) for path in NOTEBOOKS.glob("*.ipynb"))


@lru_cache
def exercises(chapter: int) -> list[Exercise]:
    """The exercises of a chapter, in the order of its page."""
    found, own = [], cells(chapter)
    for cell, after in zip(own, [*own[1:], {"source": ""}], strict=True):
        if cell["cell_type"] != "markdown":
            continue
        checked = CHECKED.search("".join(after["source"]))
        explored = cell["metadata"].get("explore", {}).get("name")
        for task in re.finditer(rf"\*\*{TASK.pattern}\*\*", "".join(cell["source"])):
            stars, number, title = task.groups()
            name = checked[1] if checked else title.lower().replace(" ", "-")
            found.append(Exercise(explored or name, number, len(stars), title))
    return found


def link_solutions(app: Sphinx, doctree: nodes.document) -> None:
    """Link each exercise of a chapter with its solution, and each solution back."""
    folder, _, page = app.env.docname.rpartition("/")
    if folder != "notebooks":
        return
    told = {one.number: one for one in exercises(int(page[:2]))}
    one: Exercise | None = None
    task, solved = nodes.paragraph(), False
    for node in [*doctree.findall()]:
        if isinstance(node, nodes.section):
            one = None
        elif isinstance(node, nodes.strong) and (
            found := TASK.fullmatch(node.astext())
        ):
            one, task, solved = told[found[2]], node.parent, False
            place(app, task, f"exercise-{one.name}", f"Exercise {one.number}")
        elif one and (fold := folded(node)):
            if not solved:
                name = f"solution-{one.name}"
                place(app, node, name, f"Solution {one.number}")
                link = nodes.reference("", fold, refid=name, classes=["solution-link"])
                task += [nodes.Text(" "), link]
                solved = True
            back(node, one)


def place(app: Sphinx, node: nodes.Element, name: str, text: str) -> None:
    """Give a node a name that all pages can link to, and that says a text."""
    domain, docname = app.env.get_domain("std"), app.env.docname
    domain.anonlabels[name] = docname, name
    domain.labels[name] = docname, name, text
    if isinstance(node, nodes.raw):  # it writes no ids of its own
        html = FOLD.sub(f'<details id="{name}">', node.astext())
        node.children = [nodes.Text(html)]
    else:
        node["ids"].append(name)


def folded(node: nodes.Node) -> str:
    """What a fold that solves an exercise has; nothing for any other node."""
    if isinstance(node, nodes.container) and node.get("hide_mode") == "all":
        return "Solution"
    found = FOLD.search(node.astext()) if isinstance(node, nodes.raw) else None
    return found[1] if found else ""


def back(node: nodes.Element, one: Exercise) -> None:
    """At the end of a fold, the link to its exercise, which its handle names."""
    text = f"Exercise {one.number}"
    link = nodes.reference("", f"Back to {text}", refid=f"exercise-{one.name}")
    end = nodes.paragraph("", "", link, classes=["back-link"])
    if isinstance(node, nodes.container):
        node += end
        for key in ("prompt_show", "prompt_hide"):
            node[key] += f" of {text}"
    else:
        siblings = node.parent.children[node.parent.index(node) :]
        close = next(x for x in siblings if x.astext().startswith("</details>"))
        node.parent.insert(node.parent.index(close), end)


class Exercises(SphinxDirective):
    """``{exercises}``: those of a chapter, with their minutes and solutions."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table, or an error that names the chapters there are."""
        (chapter,) = self.arguments
        if chapter not in map(str, chapters()):
            raise self.error(
                f"exercises must be of one of {chapters()}, got {chapter!r}"
            )
        docname = self.env.docname
        lines = []
        for one in exercises(int(chapter)):
            told = link(one.title, docname, f"exercise-{one.name}", "ref")
            solved = link("solution", docname, f"solution-{one.name}", "ref")
            kind = [one.number, "★" * one.level, str(MINUTES[one.level])]
            lines.append([*kind, [told], [solved]])
        titles = ["exercise", "level", "minutes", "what", "answer"]
        return [table(titles, [12, 10, 10, 48, 20], lines, "measured-table")]


def setup(app: Sphinx) -> dict[str, bool]:
    """After the folds have their handles."""
    app.add_directive("exercises", Exercises)
    app.connect("doctree-read", link_solutions, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
