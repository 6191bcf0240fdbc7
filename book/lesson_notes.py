"""What a speaker reads beside a slide: rows, questions and drawings of the plans.

The plans are `book/teaching/lessons/NN.md`, the openings and closings of the sessions
stand in `book/teaching/syllabi.md`. `book/slides.py` says how an outline names them.
"""

from __future__ import annotations

import html
import json
import re
import sys
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

BOOK = Path(__file__).parent
TEACHING = BOOK / "teaching"


def math(tex: str, options: dict) -> str:
    """A formula between the marks that MathJax looks for."""
    left, right = ("\\[", "\\]") if options["display_mode"] else ("\\(", "\\)")
    return f"{left}{html.escape(tex)}{right}"


MARKDOWN = MarkdownIt("commonmark").enable("table")
MARKDOWN.use(dollarmath_plugin, renderer=math, double_inline=True)


def measured(found: re.Match) -> str:
    """The number that a role stands for, drawn from results/."""
    sys.path.append(str(BOOK / "_ext"))
    import ledger_pages  # with the library, so only where there is a number
    import ranged

    if found[1] == "range":
        return ranged.told(found[2])
    return ledger_pages.number(ledger_pages.parse(found[1], found[2]))


def numbered(found: re.Match) -> str:
    """The number of an exercise."""
    sys.path.append(str(BOOK / "_ext"))
    import exercises

    every = (one for n in exercises.chapters() for one in exercises.exercises(n))
    return next(f"Exercise {one.number}" for one in every if one.name == found[1])


def rendered(text: str) -> str:
    """Markdown as HTML: numbers are looked up, links and references are their text."""
    text = re.sub(r"\{ref\}`exercise-([^`]+)`", numbered, text)
    text = re.sub(r"\{(ours|difference|range)\}`([^`]+)`", measured, text)
    text = re.sub(r"\{ref\}`([^`<]+?)\s*<[^>]+>`", r"\1", text)
    text = re.sub(r"\[([^\]$]+)\]\([^)]*\)", r"\1", text)
    return MARKDOWN.render(text)


def cells_of(slide: dict) -> list[str]:
    """The cells that a slide takes something from."""
    return [cell for key in ("code", "show") for cell in slide.get(key, "").split()]


@cache
def chapters() -> dict[str, int]:
    """Which chapter each cell of the book stands in."""
    return {
        cell["id"]: int(path.name[:2])
        for path in sorted((BOOK.parent / "notebooks").glob("[0-9]*.ipynb"))
        for cell in json.loads(path.read_text("utf-8"))["cells"]
    }


def chapter_of(cell: str) -> int:
    """A cell's chapter."""
    if cell not in chapters():
        raise ValueError(f"no chapter has a cell {cell!r}")
    return chapters()[cell]


def table(text: str) -> list[list[str]]:
    """The rows of the first table of minutes in a text."""
    lines = text[text.index("| minutes |") :].splitlines()[2:]
    rows = [line.strip("|").split("|") for line in lines[: lines.index("")]]
    return [[part.strip() for part in row] for row in rows]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {heading}.*?\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    if found is None:
        raise ValueError(f"there is no heading that begins with {heading!r}")
    return found[1]


def lesson(chapter: int) -> str:
    """The plan of a chapter."""
    return (TEACHING / "lessons" / f"{chapter:02d}.md").read_text("utf-8")


def item(chapter: int, heading: str, number: int) -> str:
    """One of the questions, or of the drawings, of a plan."""
    marked = re.split(r"^(?:-|\d+\.) ", section(lesson(chapter), heading), flags=re.M)
    if not 0 < number < len(marked):
        raise ValueError(
            f"the plan of chapter {chapter} has 1 to {len(marked) - 1} under "
            f"{heading!r}, got {number}"
        )
    return marked[number]


def plan_row(name: str) -> tuple[int, list[str]]:
    """The row of a plan that a name like ``1 ch01-07`` means."""
    chapter, _, where = name.partition(" ")
    for row in table(lesson(int(chapter))):
        if re.search(rf"{re.escape(where)}(?!\w)", " ".join(row[1:])):
            return int(chapter), row
    raise ValueError(f"the plan of chapter {chapter} has no row with {where!r}")


def plan_rows(slide: dict) -> list[tuple[int, list[str]]]:
    """The rows of the plans that a slide belongs to."""
    named = slide.get("plan") or [f"{chapter_of(c)} {c}" for c in cells_of(slide)]
    rows = [plan_row(n) for n in ([named] if isinstance(named, str) else named)]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def speech(session: int) -> tuple[list[str], list[str], list[str]]:
    """The opening and the closing of a session: rows, and what is said at each."""
    told = section((TEACHING / "syllabi.md").read_text("utf-8"), f"Session {session},")
    rows, after = table(told), told[told.index("|\n\n") + 1 :].strip()
    opening, mark, closing = after.rpartition("**The closing.**")
    return rows[0], rows[-1], [opening, mark + closing]


def notes(session: int, slides: list[dict]) -> tuple[list[str], int]:
    """What the speaker reads on each slide, and the minute at which all is said."""
    first, last, said = speech(session)
    made, clock, before = [], 0, []
    for at, slide in enumerate(slides):
        parts, chapter = [], 0
        ends = {0: first, len(slides) - 1: last}
        for chapter, row in [(0, ends[at])] if at in ends else plan_rows(slide):
            if (chapter, row) in before:
                parts.append(f"*Still:* {row[1]}")
                continue
            minutes = int(row[0].split()[0])
            parts.append(f"**Minute {clock}, for {minutes}.** {row[1]}")
            clock += minutes
            before.append((chapter, row))
        parts += [said[at > 0]] if at in ends else []
        for key, heading in (("ask", "Ask"), ("board", "On the board")):
            for number in slide.get(key, []):
                parts.append(f"**{heading}:** {item(chapter, heading, number)}")
        made.append(rendered("\n\n".join(parts)))
    return made, clock
