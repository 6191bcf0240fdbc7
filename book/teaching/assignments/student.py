"""Write the folder that students get: ``make student``.

    python book/teaching/assignments/student.py course

makes course/student: the assignments without solutions, hidden tests and model answers,
the chapters to be written in, the library that pip installs, what else it installs, and
a page to start from.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chapters
import course

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ("thin_mini", "results", "pyproject.toml", "README.md")
LIBRARY += ("LICENSE", "LICENSE-text", "CITATION.cff")
# A shorter line may well stand in the library by itself.
TELLING = 25
OUTER = "#,; \t"  # of a line: an indent, a mark of a comment, what ends it
TEACHERS = re.compile(
    r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END (?:SOLUTION|HIDDEN TESTS)", re.S
)
MARKS = ("BEGIN SOLUTION", "HIDDEN TESTS", "**Rubric.**", "**Model answer.**")


def make(folder: Path) -> Path:
    """Write course/student anew.

    Raises:
        ValueError: If it would give something away; nothing is then left of it.
    """
    student = folder / "student"
    shutil.rmtree(student, ignore_errors=True)
    student.mkdir(parents=True)
    for name in course.NAMES:
        released = course.release(folder, name)
        (student / name).mkdir()
        shutil.copy(released, student / name)
    chapters.write(student / "chapters")
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in LIBRARY:
        there = student / "thin-mini" / name
        there.parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, there, ignore=ignored)
        else:
            shutil.copy(ROOT / name, there)
    (student / "requirements.txt").write_text("./thin-mini\njupyterlab>=4.0\n", "utf-8")
    shutil.copy(Path(__file__).with_name("start.txt"), student / "START.md")
    if found := [*leaks(student), *chapters.leaks(student / "chapters")]:
        shutil.rmtree(student)
        raise ValueError("The students' folder was not written:\n" + "\n".join(found))
    return student


def secrets() -> set[str]:
    """The teacher's lines that say enough to be known again, without their indents."""
    hidden, shown = [], []
    for cell in (cell for name in course.NAMES for cell in course.source(name).cells):
        if cell.cell_type == "markdown" and course.mark(cell, "grade"):
            hidden.append(cell.source)
        else:
            hidden += TEACHERS.findall(cell.source)
            shown.append(TEACHERS.sub("", cell.source))
    ours, theirs = (
        {line.strip(OUTER) for text in texts for line in text.splitlines()}
        for texts in (hidden, shown)
    )
    return {line for line in ours - theirs if len(line) >= TELLING}


def leaks(student: Path) -> Iterator[str]:
    """What in a students' folder gives something away, a sentence for each."""
    secret = secrets()
    for path in sorted(student.rglob("*")):
        name = path.relative_to(student)
        if path.name.startswith("."):
            yield f"{name} is hidden"
        elif path.is_symlink():
            yield f"{name} is a link"
        elif path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            lines = [line.strip(OUTER) for line in text.splitlines()]
            if path.suffix == ".ipynb":
                lines = [line.strip(OUTER) for line in _texts(json.loads(text))]
                yield from (f"{name}: {says}" for says in _carried(path))
            found = [line for line in lines if line in secret]
            found += [mark for mark in MARKS if mark in text]
            yield from (f"{name} has of the teacher's: {x[:60]}" for x in found)


def _texts(x: Any) -> Iterator[str]:
    """The lines of all texts in JSON, names too."""
    if isinstance(x, str):
        yield from x.splitlines()
    for one in (
        [*x, *x.values()] if isinstance(x, dict) else x if isinstance(x, list) else []
    ):
        yield from _texts(one)


def _carried(path: Path) -> Iterator[str]:
    """What a notebook carries beside its cells' sources."""
    notebook = course.read(path)
    if odd := notebook.metadata.keys() - {"kernelspec", "language_info"}:
        yield f"it has the metadata {sorted(odd)}"
    known = {"nbgrader", "deletable", "editable"}
    for cell in notebook.cells:
        if cell.get("outputs") or cell.get("execution_count"):
            yield f"cell {cell.id} has an output"
        if cell.get("attachments"):
            yield f"cell {cell.id} has an attachment"
        if odd := cell.metadata.keys() - known:
            yield f"cell {cell.id} has the metadata {sorted(odd)}"


if __name__ == "__main__":
    try:
        print(f"The students' folder: {make(Path(sys.argv[1]).resolve())}")
    except ValueError as error:
        sys.exit(str(error))
