"""The teacher's course folder in nbgrader's layout, and the assignments' own parts."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

SOURCE = Path(__file__).resolve().parent / "source"
NAMES = sorted(path.name for path in SOURCE.iterdir() if path.is_dir())
if shutil.which("alembic") is None:  # Python's neighbour, which makes a new gradebook
    own = os.path.dirname(sys.executable)
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), own])
CONFIG = """# For nbgrader's own tools, such as its page for marking by hand.
c.CourseDirectory.root = {root!r}
c.CourseDirectory.source_directory = {source!r}
c.CourseDirectory.submitted_directory = "checked"
"""


def directory(course: Path, assignment: str, student: str = ".") -> CourseDirectory:
    """The folder as nbgrader knows it."""
    return CourseDirectory(
        root=str(course.resolve()),
        source_directory=str(SOURCE),
        submitted_directory="checked",
        assignment_id=assignment,
        student_id=student,
    )


def convert(
    converter: Any, folder: CourseDirectory, config: Config | None = None
) -> None:
    """Run one of nbgrader's steps, which speaks only of what went wrong."""
    log = logging.getLogger("nbgrader")
    log.setLevel(logging.ERROR)
    converter(coursedir=folder, force=True, config=config or Config(), log=log).start()


def release(course: Path, assignment: str) -> Path:
    """Make the students' version of an assignment and enter its points in the book."""
    course.mkdir(parents=True, exist_ok=True)
    told = CONFIG.format(root=str(course.resolve()), source=str(SOURCE))
    (course / "nbgrader_config.py").write_text(told, "utf-8")
    convert(GenerateAssignment, directory(course, assignment))
    return course / "release" / assignment / f"{assignment}.ipynb"


def read(path: Path) -> NotebookNode:
    """A notebook of our own."""
    return nbformat.read(path, as_version=4)


def source(assignment: str) -> NotebookNode:
    """The teacher's version, with solutions and hidden tests."""
    return read(SOURCE / assignment / f"{assignment}.ipynb")


def mark(cell: NotebookNode, name: str) -> Any:
    """One of nbgrader's marks of a cell, such as its points; None without it."""
    return cell.metadata.get("nbgrader", {}).get(name)


def is_test(cell: NotebookNode) -> bool:
    """Whether the cell holds the tests that give points."""
    code = cell.cell_type == "code"
    return bool(code and mark(cell, "grade") and not mark(cell, "solution"))


def is_given(cell: NotebookNode) -> bool:
    """Whether the cell is the teacher's and nothing of the student's goes into it."""
    return bool(cell.cell_type == "code" and mark(cell, "locked") and not is_test(cell))
