"""The chapters as a class gets them: what stands there by hand is theirs to write.

    python book/teaching/assignments/chapters.py course/student/chapters

A function that `tm.course.same` holds against the library keeps its head and loses its
body, and so does any other that is by hand; `tm.course.tell` or `check` answers in the
place of `same`. The exercises on a piece stand before it, those on no such piece where
they were. What the book folds away is left out: answers, findings, cells tagged
`hide-cell`.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
# By hand as well, though neither their name nor `same` says so.
ALSO = {"explained", "wilson"}
GIVEN = {"train_by_hand"}  # a loop to read
CHECKED = {  # by an exercise, whose arguments they have: function → exercise
    "explained": "explained",
    "wilson": "wilson",
    "balanced_accuracy_by_hand": "balanced-accuracy",
    "inter_intra_by_hand": "inter-intra",
}
BEFORE = {  # function → exercises on its parts
    "rotate_by_hand": ["turn-back", "between-pixels"],
    "block_by_hand": ["conv-block"],
    "cross_entropy_by_hand": ["cross-entropy"],
    "three_accuracies": ["range-relative"],
    "experts_by_hand": ["committee"],
    "gate_by_hand": ["one-path", "node-probabilities", "tree-gate"],
    "leaf_sum_by_hand": ["log-leaves", "any-depth"],
    "model_by_hand": ["mixture"],
    "dispelling_by_hand": ["dispelling"],
    "thin_by_hand": ["thin-loss"],
    "verdict_by_hand": ["verdict"],
    "square_by_hand": ["sprite"],
    "fused_by_hand": ["joined"],
    "bits_by_hand": ["bits"],
    "expected_by_hand": ["expected-angle"],
    "as_film": ["film-groups"],
    "Reversed": ["reversed-gradient"],
    "leace_by_hand": ["leace"],
}
FOLD = re.compile(
    r"^>? ?<details><summary>(?:Answer|What we found)</summary>.*?</details>\n?",
    re.M | re.S,
)
ASKS = re.compile(r'^tm\.course\.check\("([\w-]+)", (\w+)\)\Z', re.M)
MAGIC = re.compile(r"^(\s*)[%!]", re.M)
METHOD = re.compile(r"^(\w+)\.(?:to|mean|sum|item|shape|dtype)$")
OWN = {"torch", "tm", "F", "np", "math", "nn", *dir(builtins)}
TELLING = 25  # letters; a shorter line may well stand elsewhere by itself
COMMON = {'y, x = torch.meshgrid(axis, axis, indexing="ij")'}
START = """**This edition is to be written in.** Where a function says that it is to be
written, write it in the place of that line, run the cell, and read the answer. For
`tm.course.check("name", …)` there are three hints: `tm.course.hint("name", 1)` is the
first. A cell that needs what is not there yet says so; go back, write it, and go on."""


def tree(source: str) -> ast.Module:
    """A cell's code, without IPython's commands."""
    return ast.parse(MAGIC.sub(r"\1pass  # ", source))


def by_hand(cells: list[NotebookNode]) -> set[str]:
    """The names of a chapter's functions that a reader is to write."""
    found, defined = set(), set()
    for cell in cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(tree(cell.source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ".same"
            ):
                names = [n for n in ast.walk(node.args[0]) if isinstance(n, ast.Name)]
                found |= {name.id for name in names}
    found |= {name for name in defined if name.endswith("_by_hand")} | ALSO
    return found & defined - GIVEN


def uses(function: ast.FunctionDef) -> list[str]:
    """What a function uses of the cells before: without it nobody could write it."""
    arguments = {x.arg for x in ast.walk(function) if isinstance(x, ast.arg)}
    names = [x for x in ast.walk(function) if isinstance(x, ast.Name)]
    made = {x.id for x in names if isinstance(x.ctx, ast.Store)} | arguments | OWN
    chains = {ast.unparse(x) for x in names if x.id not in made}
    for node in ast.walk(function):
        chain = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if re.fullmatch(r"\w+(\.\w+)+", chain) and chain.partition(".")[0] not in made:
            chains.add(METHOD.sub(r"\1", chain.removesuffix(".T")))
    inner = {chain.rpartition(".")[0] for chain in chains}
    return sorted(chains - inner - {function.name})


def emptied(source: str, names: set[str], told: bool = True) -> str:
    """A cell whose functions of these names have lost their bodies."""
    lines = source.splitlines()
    for top in reversed(tree(source).body):
        if getattr(top, "name", None) not in names:
            continue
        inside = [x for x in ast.walk(top) if isinstance(x, ast.FunctionDef)]
        for one in reversed(inside if isinstance(top, ast.ClassDef) else inside[:1]):
            start, indent = one.body[0].lineno - 1, " " * one.body[0].col_offset
            if ast.get_docstring(one):
                start = one.body[0].end_lineno or start
            there = uses(one) if told else []
            says = f"{indent}# "
            stub = wrap(", ".join(there), 79, initial_indent=f"{says}There are: ",
                        subsequent_indent=says)  # fmt: skip
            stub += [
                f'{indent}raise NotImplementedError("{one.name} is to be written")'
            ]
            lines[start : one.end_lineno] = stub
    return "\n".join(lines)


def taken(cells: list[NotebookNode]) -> dict[str, list[NotebookNode]]:
    """Take the exercises out of a chapter: by name the task and the empty cell."""
    found: dict[str, list[NotebookNode]] = {}
    for cell in [*cells]:
        asked = cell.cell_type == "code" and ASKS.search(cell.source)
        if not asked:
            continue
        place = cells.index(cell)
        if asked[1] not in found:
            task = cells[place - 1]
            head, star, text = task.source.partition("**★")
            own = nbformat.v4.new_markdown_cell(star + text, id=f"{cell.id}-task")
            task.source = head.strip()
            cell.source = emptied(cell.source, {asked[2]}, told=False)
            found[asked[1]] = [own, cell]
        cells.remove(cell)
    return found


def edition(notebook: NotebookNode) -> NotebookNode:
    """A chapter for students; the notebook is left as it is."""
    cells = [NotebookNode(cell) for cell in notebook.cells]
    names = by_hand(cells)
    exercises = taken(cells)
    chapter: list[NotebookNode] = []
    for cell in cells:
        if "hide-cell" in cell.metadata.get("tags", []):
            continue
        here: set[str] = set()
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\[([^]]+)\]\(\.\./[^)]+\)", r"\1", cell.source)
            cell.source = re.sub(r"(\n>? ?)+\Z", "", FOLD.sub("", cell.source))
        else:
            here = {
                x.name for x in tree(cell.source).body if hasattr(x, "name")
            } & names
            for name in sorted(here):
                exercises.pop(CHECKED.get(name, ""), None)
                for exercise in BEFORE.get(name, []):
                    chapter += exercises.pop(exercise)
            cell.source = answered(emptied(cell.source, here), here, names)
        if cell.source.startswith("## Build it yourself"):
            chapter.append(cell)
            place = len(chapter)
        elif cell.source:
            chapter.append(cell)
    rest = [cell for pair in exercises.values() for cell in pair]
    chapter[place:place] = rest
    if not rest:
        chapter.pop(place - 1)
    first = next(i for i, cell in enumerate(chapter) if cell.cell_type == "code")
    chapter.insert(first + 1, nbformat.v4.new_markdown_cell(START, id="to-be-written"))
    return cleaned(chapter, notebook)


def answered(source: str, here: set[str], names: set[str]) -> str:
    """A cell that answers a reader, where it failed or said nothing."""
    if any(re.search(rf"\.same\(\s*[^,]*\b{name}\b", source) for name in names):
        source = source.replace("tm.course.same(", "tm.course.tell(")
    if checked := here & {*CHECKED}:
        lines = source.splitlines()
        for top in reversed(tree(source).body):
            if (name := getattr(top, "name", "")) in checked:
                check = f'print(tm.course.check("{CHECKED[name]}", {name}))'
                lines[top.end_lineno : top.end_lineno] = ["", "", check]
        source = "\n".join(lines)
    return source


def cleaned(cells: list[NotebookNode], notebook: NotebookNode) -> NotebookNode:
    """A notebook of these cells that carries nothing beside their sources."""
    made = nbformat.v4.new_notebook(metadata=notebook.metadata)
    for cell in cells:
        cell.metadata = NotebookNode()
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    made.cells = cells
    return made


def secrets() -> Iterator[str]:
    """Each line of the book's solutions and findings."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        names = by_hand(cells)
        for cell in cells:
            if cell.cell_type == "markdown":
                yield from "\n".join(FOLD.findall(cell.source)).splitlines()
                continue
            solved = "hide-cell" in cell.metadata.get("tags", [])
            for top in tree(cell.source).body:
                if solved and ASKS.search(cell.source):
                    yield from _bodies(cell.source.splitlines(), top)
                if not solved and getattr(top, "name", None) in names:
                    yield from _bodies(cell.source.splitlines(), top)


def _bodies(lines: list[str], top: ast.AST) -> Iterator[str]:
    """The lines of a function, or of a class's, without head and docstring."""
    for one in ast.walk(top):
        if isinstance(one, ast.FunctionDef):
            first = one.body[bool(ast.get_docstring(one)) :]
            yield from lines[first[0].lineno - 1 : one.end_lineno] if first else []


def leaks(folder: Path) -> Iterator[str]:
    """What of the book's solutions a class's chapters have, a sentence for each."""
    secret = {strip(line) for line in secrets()} - COMMON
    folded = {
        cell.id
        for path in NOTEBOOKS.glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if "hide-cell" in cell.metadata.get("tags", [])
    }
    for path in sorted(folder.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.id in folded:
                yield f"{path.name}: cell {cell.id} is folded away in the book"
            if cell.metadata or cell.get("outputs") or cell.get("attachments"):
                yield f"{path.name}: cell {cell.id} carries more than its source"
            for line in cell.source.splitlines():
                if len(strip(line)) >= TELLING and strip(line) in secret:
                    yield f"{path.name}: cell {cell.id} has of the book's: {line}"


def strip(line: str) -> str:
    """A line without its indent and what ends it."""
    return line.strip("#,;> \t")


def write(folder: Path) -> None:
    """Write all chapters into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        made = edition(nbformat.read(path, as_version=4))
        text = nbformat.writes(made, indent=1, ensure_ascii=False)
        (folder / path.name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
