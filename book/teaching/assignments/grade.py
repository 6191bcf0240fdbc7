"""Grade what students handed in: ``make grade``.

    python book/teaching/assignments/grade.py course session1

reads course/submitted/NAME/session1/session1.ipynb, and writes course/feedback/NAME,
course/points/session1.csv, and nbgrader's own course/gradebook.db.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import course
import nbformat
import pandas as pd
import running
from nbformat import NotebookNode, v4
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from sandbox import Limits, why_open
from traitlets import Float
from traitlets.config import Config

MOST, MOST_CELLS = 20 * 2**20, 300  # bytes of a notebook, and cells that are read
DEFAULT = Limits()
OPEN = (
    "This machine cannot shut a process off from network and files ({}): "
    "submissions are held by Python alone. Grade in a container or a throwaway account."
)


class Apart(NbGraderPreprocessor):
    """Runs a submission in its own process, in place of nbgrader's own step."""

    start = Float(DEFAULT.start).tag(config=True)
    cell = Float(DEFAULT.cell).tag(config=True)
    call = Float(DEFAULT.call).tag(config=True)
    whole = Float(DEFAULT.whole).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Give every cell its outputs; the hidden tests are not shown."""
        assignment = resources["nbgrader"]["assignment"]
        limits = Limits(self.start, self.cell, self.call, self.whole)
        running.work(nb, assignment, limits)
        for cell in nb.cells:
            if course.is_test(cell):
                cell.source = re.sub(
                    r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS\n?",
                    "# and more tests\n",
                    cell.source,
                    flags=re.S,
                )
        return nb, resources


def rebuilt(released: NotebookNode, path: Path) -> tuple[NotebookNode, list[str]]:
    """The assignment as it was given out, with the student's cells in their places.

    Of a submission nothing else is kept: no metadata, no output, no attachment, and
    nothing that stands in a cell of the teacher's.

    Returns:
        The notebook, and what was missing from the submission.

    Raises:
        ValueError: If it is no notebook, or not this assignment's, saying so.
    """
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"there is no {path.name}: nothing was handed in")
    if path.stat().st_size > MOST:
        raise ValueError(f"{path.name} has over {MOST // 2**20} MB: clear its outputs")
    try:
        handed = nbformat.read(path, as_version=4)
        cells = [
            (str(course.mark(c, "grade_id")), c.cell_type, str(c.source))
            for c in handed.cells[:MOST_CELLS]
        ]
    except Exception as error:  # whatever a reader of broken files may raise
        raise ValueError(f"{path.name} is no notebook that can be read") from error
    ours = {course.mark(cell, "grade_id") for cell in released.cells} - {None}
    found: dict[str, str] = {}
    extra: dict[str | None, list[NotebookNode]] = {}
    after = None
    for name, kind, text in cells:
        if name in ours and name not in found:
            found[name], after = text, name
        elif kind == "code" and text not in _free(released):
            extra.setdefault(after, []).append(v4.new_code_cell(text))
    if not found:
        raise ValueError(f"{path.name} has no cell of this assignment")
    nb = nbformat.from_dict({**released, "cells": extra.get(None, [])})
    for cell in released.cells:
        name, copy = course.mark(cell, "grade_id"), nbformat.from_dict(dict(cell))
        if course.mark(cell, "solution") and name in found:
            copy.source = found[name]
            if copy.cell_type == "markdown":  # a page shows it: no tag, no script
                copy.source = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", copy.source)
        nb.cells += [copy, *extra.get(name, [])] if name else [copy]
    return nb, [f"cell {name} was removed" for name in sorted(ours - found.keys())]


def _free(released: NotebookNode) -> list[str]:
    """The code of the cells that carry no mark, which need not be kept twice."""
    return [c.source for c in released.cells if course.mark(c, "grade_id") is None]


def grade(folder: Path, assignment: str, limits: Limits = DEFAULT) -> pd.DataFrame:
    """Grade everybody's submission of one assignment.

    Returns:
        A row for each student: points by tests and by hand, and remarks.
    """
    released = course.release(folder, assignment)
    config = Config({"Apart": vars(limits)})
    config.Autograde.autograde_preprocessors = [
        Apart, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
    ]  # fmt: skip
    remarks: dict[str, str] = {}
    handed_in = folder / "submitted"
    for student in sorted(p.name for p in handed_in.iterdir() if p.is_dir()):
        try:
            remarks[student] = _graded(folder, assignment, student, released, config)
        except ValueError as error:
            remarks[student] = str(error)
        except NbGraderException:
            remarks[student] = "NOT GRADED: the messages above say what went wrong here"
        print(f"{assignment}, {student}: {remarks[student] or 'graded'}", flush=True)
    table = points(folder, assignment, remarks)
    (folder / "points").mkdir(exist_ok=True)
    table.to_csv(folder / "points" / f"{assignment}.csv", index=False)
    return table


def _graded(
    folder: Path, assignment: str, student: str, released: Path, config: Config
) -> str:
    """Grade one submission; what there is to say of it."""
    if re.search(r"^[.\s]|[*?\[\]{}+]|\s$", student):
        raise ValueError("a folder's name may not hold *, ?, +, brackets, outer spaces")
    place = folder / "submitted" / student / assignment / f"{assignment}.ipynb"
    nb, missing = rebuilt(course.read(released), place)
    checked = folder / "checked" / student / assignment
    checked.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, checked / place.name)
    where = course.directory(folder, assignment, student)
    course.convert(Autograde, where, config)
    course.convert(GenerateFeedback, where, config)
    return ", ".join(missing)


def points(folder: Path, assignment: str, remarks: dict[str, str]) -> pd.DataFrame:
    """The table of points, from the gradebook."""
    rows = []
    with Gradebook(course.directory(folder, assignment).db_url) as book:
        there = {s.student.id: s for s in book.find_assignment(assignment).submissions}
        most = book.find_assignment(assignment).max_score
        for student, remark in remarks.items():
            row = {"student": student, "by tests": 0.0, "by hand": 0.0}
            open_ = 0
            for one in there[student].notebooks[0].grades if student in there else []:
                hand = one.cell.cell_type == "markdown"
                row["by hand" if hand else "by tests"] += one.score
                open_ += one.needs_manual_grade
            total = row["by tests"] + row["by hand"]
            rows.append(
                {
                    **row,
                    "total": total,
                    "of": most,
                    "still to mark": open_,
                    "remarks": remark,
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Grade the assignments that are named, or all that somebody handed in."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("course", type=Path)
    reader.add_argument("assignments", nargs="*", metavar="assignment")
    for name, seconds in vars(DEFAULT).items():
        reader.add_argument(f"--{name}", type=float, default=seconds, metavar="SECONDS")
    asked = reader.parse_args()
    folder = asked.course.resolve()
    if unknown := sorted({*asked.assignments} - {*course.NAMES}):
        sys.exit(f"No assignment {unknown[0]!r}: there are {', '.join(course.NAMES)}.")
    handed = sorted({p.parent.name for p in folder.glob("submitted/*/*/*.ipynb")})
    names = asked.assignments or [name for name in course.NAMES if name in handed]
    if not (folder / "submitted").is_dir() or not names:
        sys.exit(
            f"Nothing to grade: put submissions into {folder}/submitted/NAME/"
            f"{course.NAMES[0]}/{course.NAMES[0]}.ipynb."
        )
    if why := why_open():
        print(OPEN.format(why), file=sys.stderr)
    limits = Limits(**{name: getattr(asked, name) for name in vars(DEFAULT)})
    for name in names:
        table = grade(folder, name, limits)
        print(table.to_string(index=False))
        print(f"-> {folder}/points/{name}.csv and {folder}/feedback", flush=True)


if __name__ == "__main__":
    main()
