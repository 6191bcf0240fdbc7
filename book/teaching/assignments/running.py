"""Run a submission's cells in its sandbox, and the teacher's tests outside of it."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import course
import wire
from nbformat import NotebookNode, v4
from sandbox import Afar, Limits, Sandbox, Wrong, why_open


@lru_cache
def given(assignment: str) -> dict[str, Any]:
    """What the teacher's own cells define."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in course.source(assignment).cells:
        if course.is_given(cell):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, names)
    return names


@lru_cache
def tests(assignment: str) -> dict[str, str]:
    """The teacher's tests, the hidden ones too, by the name of their cell."""
    cells = course.source(assignment).cells
    return {course.mark(c, "grade_id"): c.source for c in cells if course.is_test(c)}


class Submission:
    """A notebook's cells, one after the other; what stops one does not stop the next.

    A cell that ends the process, or does not end itself, is left out: a new process
    starts, runs those before it once more, and goes on with the next.
    """

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.ran: list[str] = []

    def run(self, cell: str) -> list[NotebookNode]:
        """Run a student's cell; its outputs."""
        try:
            self._there()
            reply = self.box.ask(self.box.limits.cell, do="run", cell=cell)
        except wire.Stopped as stopped:
            return [failed("Stopped", f"{stopped}: this cell is left out")]
        self.ran.append(cell)
        return [*_outputs(reply)]

    def test(self, cell: str, names: dict[str, Any]) -> str | None:
        """Run a teacher's test here, on what the student's cells have made there.

        Returns:
            What is wrong, in a line; None if nothing is.
        """
        names, tree = dict(names), ast.parse(cell)
        try:
            self._there()
        except wire.Stopped as stopped:
            return str(stopped)
        try:
            for name in sorted(_wanted(tree) - names.keys() - vars(builtins).keys()):
                names[name] = self._from_student(name)
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(tree, "<test>", "exec"), names)
        except wire.Stopped as stopped:
            return str(stopped)
        except Wrong as wrong:
            return " ".join(str(wrong).split())
        except Exception as error:
            said = str(error).strip().partition("\n")[0][:500]
            return said if isinstance(error, AssertionError) and said else repr(error)
        return None

    def _from_student(self, name: str) -> Any:
        reply = self.box.ask(self.box.limits.call, do="get", name=name)
        if reply.get("function"):
            return Afar(self.box, name)
        if "value" not in reply:
            raise Wrong(f"there is no {name}: its cell is missing or did not run")
        try:
            return wire.decode(reply["value"])
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Wrong(f"{name}: {error}") from error

    def _there(self) -> None:
        """See to it that there is a process in which the cells so far have run."""
        while self.box.process is None:
            if self.box.late():
                raise wire.Stopped("the time of the whole notebook was up")
            self.box.start()
            ran, self.ran = self.ran, []
            for i, cell in enumerate(ran):
                try:
                    self.box.ask(self.box.limits.cell, do="run", cell=cell)
                except wire.Stopped:
                    self.ran += ran[i + 1 :]
                    break
                self.ran.append(cell)


def _wanted(tree: ast.Module) -> set[str]:
    """The names that a test needs and does not make itself."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {n.id for n in used if not isinstance(n.ctx, ast.Load)}
    made |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
    made |= {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
    taken = [alias for alias in ast.walk(tree) if isinstance(alias, ast.alias)]
    made |= {alias.asname or alias.name.partition(".")[0] for alias in taken}
    return {node.id for node in used} - made


def _outputs(reply: dict[str, Any]) -> Iterator[NotebookNode]:
    """A cell's text, figures and error, as a notebook has them; nothing that acts."""
    if text := str(reply.get("text", ""))[:10_000]:
        yield v4.new_output("stream", name="stdout", text=text)
    drawn = reply.get("figures")
    for picture in drawn[:4] if isinstance(drawn, list) else []:
        if re.fullmatch("iVBORw0KGgo[A-Za-z0-9+/]*={0,2}", str(picture)):  # a PNG
            yield v4.new_output("display_data", data={"image/png": str(picture)})
    if reply.get("error"):
        yield failed("Error", str(reply["error"])[:500])


def failed(name: str, says: str) -> NotebookNode:
    """An error as a cell's output."""
    told = f"{name}: {says}"
    return v4.new_output("error", ename=name, evalue=says, traceback=[told])


def work(notebook: NotebookNode, assignment: str, limits: Limits) -> None:
    """Run a submission whole: each cell gets its outputs, each test what it says."""
    names, checks = given(assignment), tests(assignment)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        box = Sandbox(folder, limits, closed=not why_open())
        submission = Submission(box)
        try:
            for cell in notebook.cells:
                if cell.cell_type != "code":
                    continue
                if course.is_test(cell):
                    says = submission.test(checks[course.mark(cell, "grade_id")], names)
                    cell.outputs = [failed("Not yet", says)] if says else []
                else:
                    cell.outputs = submission.run(cell.source)
        finally:
            box.close()
