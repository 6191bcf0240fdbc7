"""Which files of the library run on three ways through it: CONTRIBUTING has the table.

.venv/bin/python tests/walks.py
"""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ |= {"THIN_MINI_DATA": "stand-in", "TQDM_DISABLE": "1"}
os.environ |= {"ACCELERATE_USE_CPU": "true", "MPLBACKEND": "Agg"}

import numpy as np
import torch
from PIL import Image

import thin_mini as tm
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.lab import recipes, reproduce, results
from thin_mini.large.expressions import train_folder

HOUSE = Path(tm.__file__).parent


def files_of(walk: Callable[[], object]) -> set[str]:
    """The files whose functions run, without what only imports."""
    passed = set()

    def look(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_name != "<module>":
            passed.add(code.co_filename)

    sys.setprofile(look)
    try:
        walk()
    finally:
        sys.setprofile(None)
    inside = (Path(name) for name in passed if name.startswith(str(HOUSE)))
    names = {path.relative_to(HOUSE).with_suffix("").as_posix() for path in inside}
    return names - {"_lazy"}


def a_digit_to_its_loss() -> set[str]:
    train, _ = tm.data.mnist_r(32, 32)
    exo = tm.ExogenousNetwork(tm.ConvEncoder(), train.n_exo).freeze()
    model = tm.build("thin", 10, exogenous=exo, seed=0)
    known = tm.precompute(model, train)

    def walk() -> None:
        sup, sim = model.losses(train.images, train.target, known, model.dispel)
        tm.losses.total_loss(sup, sim, model.dispel).backward()

    return files_of(walk)


def a_recipe_to_its_table(root: Path) -> set[str]:
    os.environ["THIN_MINI_CACHE"] = str(root / "cache")

    def walk() -> None:
        rows = recipes.rows_of("table2", "mnist-r", 2, "smoke", "digits")
        rows = [r for r in rows if r.name in ("Baseline", "THIN")]
        rows = [replace(row, runs=row.runs[:1]) for row in rows]
        reproduce.make(rows, root / "runs", progress=False)
        results.table(rows, root / "runs")

    return files_of(walk)


def a_photograph_to_its_result(root: Path) -> set[str]:
    random = np.random.default_rng(0)
    for part, n in (("train", 8), ("test", 2)):
        for expression in EXPRESSIONS:
            folder = root / "faces" / part / expression
            folder.mkdir(parents=True)
            for i in range(n):
                pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    options = {"model": "tree", "steps": 4, "batch_size": 8, "size": 32}
    out = root / "run"
    return files_of(
        lambda: train_folder(root / "faces", out, False, device="cpu", **options)
    )


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        walks = {
            "a digit to its loss": a_digit_to_its_loss(),
            "a recipe to its table": a_recipe_to_its_table(root),
            "a photograph to its result": a_photograph_to_its_result(root),
        }
    for name, files in walks.items():
        rooms: dict[str, list[str]] = {}
        for file in sorted(files):
            room, _, own = file.rpartition("/")
            rooms.setdefault(room or "the method and what is beside it", []).append(own)
        print(f"{name}: {len(files)} files")
        for room, own in rooms.items():
            print(f"  {len(own):2d} of {room}: {' '.join(own)}")


if __name__ == "__main__":
    main()
