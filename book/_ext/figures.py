"""Sphinx: captions with numbers, and cells that are folded.

    :::{captioned} What there is to find in it.
    an image, or a directive that draws one
    :::

Chapters have no directives: MyST-NB takes a caption from the metadata of the cell that
draws (``mystnb.figure.caption``), and folds a cell by its tag. The second figure of
chapter 5 is Figure 5.2. The front page counts as 0; other pages without a number have a
letter, since the paper has a Figure 1 of its own.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

PAGES = "0ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Captioned(SphinxDirective):
    """``{captioned}``: a figure of what it holds, with a caption and a number."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The figure; an image needs no paragraph around it."""
        if not self.content:
            raise self.error("captioned holds nothing: put an image into it")
        held, text = nodes.Element(), " ".join(self.arguments[0].split())
        self.state.nested_parse(self.content, self.content_offset, held)
        words, messages = self.state.inline_text(text, self.lineno)
        figure = nodes.figure(ids=[f"figure-{self.env.new_serialno('figure')}"])
        for node in held.children:
            lone = isinstance(node, nodes.paragraph) and len(node) == 1
            figure += node[0] if lone and isinstance(node[0], nodes.image) else node
        figure += nodes.caption(text, "", *words)
        return [figure, *messages]


def number_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Figures of pages without a number, which Sphinx counts on from page to page."""
    found = ((doc, own["figure"]) for doc, own in env.toc_fignumbers.items() if own)
    plain = [each for each in found if {len(n) for n in each[1].values()} == {1}]
    for page, (_, numbers) in zip(PAGES, plain, strict=False):
        numbers.update({name: (page, i) for i, name in enumerate(numbers, 1)})
    return [doc for doc, _ in plain]


def name_folds(app: Sphinx, doctree: nodes.document) -> None:
    """Say what a folded cell has: a solution, a figure's code, or the setup."""
    for cell in doctree.findall(nodes.container):
        if "hide_mode" in cell:
            draws = "figure" in cell["cell_metadata"].get("mystnb", {})
            folded = "the code of the figure" if draws else "the setup"
            what = "a solution" if cell["hide_mode"] == "all" else folded
            cell["prompt_show"], cell["prompt_hide"] = f"Show {what}", f"Hide {what}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register them; pages are numbered after Sphinx has done so."""
    app.add_directive("captioned", Captioned)
    app.connect("env-get-updated", number_pages, priority=900)
    app.connect("doctree-read", name_folds)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
