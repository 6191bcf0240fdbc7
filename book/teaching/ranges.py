"""What a class will see: the numbers that chapters print, with five seeds.

    python book/teaching/ranges.py 02_baseline 03_exogenous_network

Each chapter runs as it stands but for the seed, from which it draws first weights, the
order of images and whatever else, wherever it names no seed itself. What its cells
print goes to `results/ranges.json`: chapter, cell, the words before a line's first
number, and for each seed the numbers of the line. Lesson plans quote it by ``{range}``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nbformat
from joblib import Parallel, delayed
from nbclient import NotebookClient

from thin_mini.data.store import find_mnist
from thin_mini.profiles import profile

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "results" / "ranges.json"
SEEDS = range(5)
SETUP = "tm.course.setup()"  # of every chapter, which seeds
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?![\w.])")
SEED = """
from functools import partial
from accelerate.utils import set_seed
import thin_mini as tm
set_seed({seed})
tm.build, tm.fit = partial(tm.build, seed={seed}), partial(tm.fit, seed={seed})
"""
Lines = dict[str, list[float]]


def lines_of(text: str) -> Lines:
    """By the words before them, the numbers of each line that has some."""
    found = {}
    for line in text.splitlines():
        values = [float(x.replace(",", "")) for x in NUMBER.findall(line)]
        words = NUMBER.split(line)[0].strip(" :")
        if values and words:
            found[words] = values
    return found


def printed(path: Path, seed: int) -> dict[str, Lines]:
    """What the cells of a chapter print with a seed."""
    notebook = nbformat.read(path, 4)
    place = next(i for i, c in enumerate(notebook.cells) if SETUP in c.source)
    seeded = nbformat.v4.new_code_cell(SEED.format(seed=seed))
    notebook.cells.insert(place + 1, seeded)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=1800, resources=where).execute()
    found = {}
    for cell in notebook.cells:
        parts = [x for x in cell.get("outputs", []) if x.get("name") == "stdout"]
        if lines := lines_of("".join(part["text"] for part in parts)):
            found[cell.id] = lines
    return found


def together(runs: list[dict[str, Lines]]) -> dict[str, dict[str, list[list[float]]]]:
    """What all runs of a chapter print alike, and that differs between them."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for cell, lines in runs[0].items():
        for words in lines:
            values = [run.get(cell, {}).get(words, []) for run in runs]
            if len({*map(len, values)}) == 1 and any(v != values[0] for v in values):
                found.setdefault(cell, {})[words] = values
    return found


def main(chapters: list[str]) -> None:
    """Run chapters, two at a time, and keep what they print.

    Raises:
        SystemExit: Under another profile than the class's, or without MNIST.
    """
    if profile().name != "lecture" or not find_mnist():
        sys.exit("ranges are of the lecture profile and of MNIST: set THIN_MINI_DATA")
    kept = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    for chapter in chapters:
        path = ROOT / "notebooks" / f"{chapter}.ipynb"
        runs = Parallel(n_jobs=2)(delayed(printed)(path, seed) for seed in SEEDS)
        kept[chapter] = together(runs)
        text = json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False)
        FILE.write_text(text + "\n", "utf-8")
        print(chapter, {cell: [*lines] for cell, lines in kept[chapter].items()})


if __name__ == "__main__":
    main(sys.argv[1:])
