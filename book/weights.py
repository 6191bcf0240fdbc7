"""Make the weights of the networks that run in the pages of the book.

`book/live/` has a checkpoint of three runs of the contest, seed 0: THIN with the frozen
network that its gate sees, the baseline, and the classifier of images that are turned
back. Each is trained here as its recipe says and must come to the accuracy that
`results/` has, which takes three minutes, and ten more where the cache has no frozen
network. It needs MNIST. Run it from the repository's root: `python book/weights.py`.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save
from torch import Tensor

from thin_mini.files import whole_file
from thin_mini.lab import result_files, results
from thin_mini.lab.one_run import train_run
from thin_mini.lab.recipes import rows_of
from thin_mini.lab.rows import Run
from thin_mini.lab.verify import compared

FOLDER = Path(__file__).parent / "live"
VERSION = 1  # that live/net.js reads
ROWS = {"thin": "THIN", "baseline": "Baseline", "undone": "Undone, then baseline"}


def recorded() -> dict[str, Run]:
    """The runs of seed 0, by the name of their file."""
    rows = {row.name: row for row in rows_of("rivals", "mnist-r", 2, "paper", "mnist")}
    return {name: rows[f"{row}, 1,000 labels"].runs[0] for name, row in ROWS.items()}


def rounded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices in half precision; vectors, of which there are few, as they are."""
    return {
        name: (x.half() if x.ndim > 1 else x).contiguous()
        for name, x in weights.items()
    }


def checkpoint(run: Run, weights: dict[str, Tensor]) -> bytes:
    """The weights as a safetensors file that says whose they are."""
    result = result_files.read(run, results.default_folder())
    about = {
        "version": VERSION,
        "run": run.hash,
        "accuracy": result["metrics"]["accuracy"],
    }
    # One entry alone: several are written in no fixed order.
    return save(rounded(weights), {"thin_mini": json.dumps(about)})


def write(name: str, run: Run) -> Path:
    """Train a run, hold it against its result, and keep its weights."""
    with TemporaryDirectory(prefix="thin-mini-") as folder:
        model = train_run(run, Path(folder))
        made = result_files.read(run, Path(folder))
    before = result_files.read(run, results.default_folder())
    same, told = compared(before, made)
    print(f"{name}: run {run.hash}, {told}")
    if not same:
        raise SystemExit(f"{name} is not the run of results/: nothing is written")
    target = FOLDER / f"{name}.safetensors"
    with whole_file(target) as temporary:
        temporary.write_bytes(checkpoint(run, model.cpu().state_dict()))
    return target


if __name__ == "__main__":
    torch.set_num_threads(1)  # as the runs were made
    FOLDER.mkdir(exist_ok=True)
    runs = recorded()
    for name in sys.argv[1:] or runs:
        written = write(name, runs[name])
        print(f"{written}: {written.stat().st_size / 1000:.0f} kB")
