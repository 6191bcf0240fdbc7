"""Sphinx: what a number that a chapter prints ranges over, with five seeds.

    {range}`02_baseline | ch02-29 | all angles | 1`       79.8 to 81.0

Chapter, cell and the words before a line's first number; the last part counts the
line's numbers from 0, which is its default. `book/teaching/ranges.py` made them.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

FILE = Path(__file__).parents[2] / "results" / "ranges.json"


def told(text: str) -> str:
    """The least and the largest of the seeds; a ValueError says what is unknown."""
    chapter, cell, words, *place = (part.strip() for part in text.split("|"))
    try:
        lines = json.loads(FILE.read_text("utf-8"))[chapter][cell][words]
        values = [line[int(place[0]) if place else 0] for line in lines]
    except (KeyError, IndexError) as error:
        raise ValueError(f"{FILE.name} has no {error} of {text!r}") from error
    return f"{min(values):.1f} to {max(values):.1f}"


class Range(SphinxRole):
    """``{range}``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Put the range in the text."""
        try:
            return [nodes.inline("", told(self.text), classes=["measured"])], []
        except ValueError as error:
            return [], [self.inliner.reporter.error(str(error), line=self.lineno)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the role."""
    app.add_role("range", Range())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
