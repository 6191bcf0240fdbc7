"""What every chapter must keep to, and the proof that its outputs are compared."""

import ast
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import check_pages
import nbformat
import pytest
from test_setup import ADDRESS

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHECKED = {"nbval-check-output", "keep_output"}

PIP = f'    %pip install -q "git+{ADDRESS}" "torch=={{torch.__version__}}"'
BOOTSTRAP = f"""\
import importlib.util

if importlib.util.find_spec("thin_mini") is None:  # on Colab: keep its PyTorch
    import torch

{PIP}

import matplotlib.pyplot as plt
import torch

import thin_mini as tm

profile = tm.course.setup()
device = profile.device"""

# Directives and roles, targets and comments of MyST, which Colab shows raw.
MYST = re.compile(
    r"^\s*(`{3,}|~{3,}|:{3,})\s*\{|\{[A-Za-z][\w:.-]*\}`|^\([\w-]+\)=\s*$|^%\s|^\+\+\+",
    re.MULTILINE,
)
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.\-/:<>)\]}~$\\])(?:/[A-Za-z_][\w.\-]+){2,}|\b[A-Za-z]:\\\w|(?<!\w)~/\w"
)

every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def printed(cell) -> str:
    """What nbval compares of a cell: its text, since pictures are passed over."""
    streams = [o.text for o in cell.outputs if o.output_type == "stream"]
    results = [
        o.data.get("text/plain", "")
        for o in cell.outputs
        if o.output_type == "execute_result"
    ]
    return "".join([*streams, *results])


def test_chapters_are_those_of_the_table_of_contents():
    listed = [p for p in check_pages.read_toc() if p.startswith("notebooks/")]
    assert listed == [f"notebooks/{path.stem}" for path in CHAPTERS]
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in CHAPTERS)


@every_chapter
def test_is_a_valid_notebook(path):
    nbformat.validate(nbformat.read(path, as_version=4))


@every_chapter
def test_begins_with_title_and_bootstrap(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert cells(path, "code")[0].source == BOOTSTRAP


@every_chapter
def test_has_an_output_to_compare(path):
    checked = [c for c in cells(path, "code") if tags(c) >= CHECKED]
    assert checked
    for cell in checked:
        assert printed(cell).strip(), cell.source
        assert cell.execution_count is not None, cell.source


@every_chapter
def test_stores_no_other_output(path):
    for cell in cells(path, "code"):
        half = tags(cell) & CHECKED
        assert half in (set(), CHECKED), f"one tag of two: {cell.source}"
        assert half or not cell.outputs, cell.source


@every_chapter
def test_names_no_absolute_path(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        text = cell.source
        if cell.cell_type == "code":
            text += "\n" + printed(cell)
        text = re.sub(r"https?://[^\s)\"']+", "", text)
        assert not ABSOLUTE_PATH.search(text), ABSOLUTE_PATH.search(text)


@every_chapter
def test_code_lines_fit_the_page(path):
    lines = [line for c in cells(path, "code") for line in c.source.splitlines()]
    assert [line for line in lines if len(line) > 88 and line != PIP] == []


@every_chapter
def test_text_reads_well_in_colab(path):
    for cell in cells(path, "markdown"):
        assert not MYST.search(cell.source), MYST.search(cell.source)


@every_chapter
def test_figures_have_alt_text(path):
    for cell in cells(path, "code"):
        if "tm.plots." in cell.source or "plt.show" in cell.source:
            image = cell.metadata.get("mystnb", {}).get("image", {})
            assert image.get("alt", "").strip(), cell.source


def altered(notebook):
    """The same with another output in its last cell, which is one that is checked."""
    notebook = deepcopy(notebook)
    assert tags(notebook.cells[-1]) >= CHECKED
    output = nbformat.v4.new_output("stream", text="something else\n")
    notebook.cells[-1].outputs = [output]
    return notebook


def test_alterations_are_noticed_and_nothing_else(tmp_path):
    """A small notebook, as it is and altered, and the opening of a chapter, altered.

    It is that of the chapter that reaches a checked cell soonest. As they are, `make
    test` runs the chapters anyway.
    """
    small = nbformat.v4.new_notebook()
    small.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    small.cells = [
        nbformat.v4.new_code_cell("a = 6", execution_count=1),
        nbformat.v4.new_code_cell(
            "print(7 * a)",
            execution_count=2,
            metadata={"tags": sorted(CHECKED)},
            outputs=[nbformat.v4.new_output("stream", text="42\n")],
        ),
    ]
    openings = []
    for path in CHAPTERS:
        notebook = nbformat.read(path, as_version=4)
        last = next(i for i, c in enumerate(notebook.cells) if tags(c) >= CHECKED)
        del notebook.cells[last + 1 :]
        code = sum(c.cell_type == "code" for c in notebook.cells)
        openings.append((code, path.name, notebook))
    _, _, opening = min(openings)
    notebooks = {"small": small, "other": altered(small), "chapter": altered(opening)}
    for name, notebook in notebooks.items():
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    variables = dict(os.environ)
    variables.pop("MPLBACKEND", None)  # it would keep the figures out
    variables |= {
        "OMP_NUM_THREADS": "1",
        "THIN_MINI_DATA": "stand-in",
        "THIN_MINI_PROFILE": "smoke",
    }
    options = "-q -p no:cacheprovider --nbval-lax --nbval-current-env"
    options += " --nbval-cell-timeout=300"
    names = [f"{name}.ipynb" for name in notebooks]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), *names],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    cells_wrong = re.findall(r"^FAILED (\S+)::", run.stdout, flags=re.MULTILINE)
    assert sorted(cells_wrong) == ["chapter.ipynb", "other.ipynb"], run.stdout
    assert run.stdout.count("Cell outputs differ") >= 2
    assert run.stdout.count("something else") >= 2


def captions(path: Path) -> dict[str, str]:
    """What the figures of a chapter say, by their names."""
    figures = [c.metadata.get("mystnb", {}).get("figure") for c in cells(path, "code")]
    return {each["name"]: each["caption"] for each in figures if each}


@every_chapter
def test_every_figure_has_a_caption_that_says_something(path):
    for cell in cells(path, "code"):
        about = cell.metadata.get("mystnb", {})
        assert ("figure" in about) == ("image" in about), cell.source
        if "figure" in about:
            assert about["figure"]["name"] == f"figure-{cell.id}"
            caption = about["figure"]["caption"]
            assert 60 <= len(caption) <= 220, caption
            assert caption.endswith((".", "?")), caption
            assert caption != about["image"]["alt"]
            # Text, in which nothing is marked up and nothing begins a comment.
            assert not set("*`[]{}$<>") & set(caption), caption
            assert not caption.startswith(("%", "-", "+", "#")), caption


def test_no_two_figures_say_the_same():
    found = [caption for path in CHAPTERS for caption in captions(path).values()]
    assert len(found) == len(set(found)) > 80


def names_in(cell) -> tuple[set[str], set[str]]:
    """What a cell names, and what it takes from the cells before it."""
    named, read = set(), set()
    for node in ast.walk(ast.parse(cell.source.replace("%pip", "pass #"))):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else named).add(node.id)
        elif isinstance(node, ast.arg):
            named.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            named.add(node.name)
        elif isinstance(node, ast.alias):
            named.add(node.asname or node.name)
    return named, read - named


def only_draws(cell, later: list) -> bool:
    """Whether a cell draws, and teaches, prints, trains and leaves nothing else."""
    if "figure" not in cell.metadata.get("mystnb", {}):
        return False
    more = ("def ", "class ", "print(", "same(", "tm.fit(", "tm.evaluate(")
    if any(word in cell.source for word in more):
        return False
    left, _ = names_in(cell)
    for other in later:
        named, read = names_in(other)
        if left & read:
            return False
        left -= named
    return True


@every_chapter
def test_the_setup_and_what_only_draws_are_folded_and_nothing_else(path):
    code = cells(path, "code")
    for i, cell in enumerate(code):
        if "hide-cell" not in tags(cell):  # a solution, folded with what it shows
            folded = i == 0 or only_draws(cell, code[i + 1 :])
            assert ("hide-input" in tags(cell)) == folded, cell.source


def test_a_cell_that_is_compared_by_hand_is_never_folded():
    drawn = {"mystnb": {"figure": {}}}
    sources = ["tm.course.same(a, b, x)\nplt.show()", "def a():\n    plt.show()"]
    draws = nbformat.v4.new_code_cell("y = 1\nplt.plot(y)", metadata=drawn)
    uses = [nbformat.v4.new_code_cell(source) for source in ("z = 2", "print(y)")]
    assert only_draws(draws, uses[:1])
    assert not only_draws(draws, uses)
    for source in sources:
        assert not only_draws(nbformat.v4.new_code_cell(source, metadata=drawn), [])
