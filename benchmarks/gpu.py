"""What one GPU does with this library, in at most eight minutes.

``python benchmarks/gpu.py`` runs one after another the device tests, the check that an
interrupted training goes on to the same bits, THIN on VGG-16 beside plain VGG-16, and
Table 2 with the seeds of each row trained together. What a part finds is written as it
comes, so that a part that fails, or has no time left, costs nothing of the others. The
exit status is 1 if a part failed or anything that was checked does not hold.

``--size tiny`` takes a minute on a CPU and measures nothing worth keeping.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import traceback
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # imported where it is needed, so that --help does not wait for it
    import torch

ROOT = Path(__file__).parents[1]
# Which module measures a part, and which share of the time it may count on.
PARTS = {
    "tests": ("device_tests", 0.15),
    "resume": ("resume", 0.10),
    "vgg16": ("vgg16", 0.40),
    "table2": ("table2", 0.35),
}
OUT = {
    "full": ROOT / "results" / "gpu.json",
    "tiny": ROOT / "_build" / "gpu-tiny.json",
}
SOFT = 0.9  # of a part's time: when it begins nothing more, before it is stopped


class Size(str, Enum):
    """How much to compute."""

    full = "full"
    tiny = "tiny"


class Part(str, Enum):
    """What there is to measure."""

    tests = "tests"
    resume = "resume"
    vgg16 = "vgg16"
    table2 = "table2"


def main(
    size: Annotated[Size, typer.Option(help="tiny also runs on a CPU.")] = Size.full,
    minutes: Annotated[float, typer.Option(min=0.1, help="For all of it.")] = 8.0,
    out: Annotated[
        Path | None,
        typer.Option(help="The file; by default results/gpu.json if size is full."),
    ] = None,
    part: Annotated[Part | None, typer.Option(help="Only this part.")] = None,
) -> None:
    """Measure and check this library on one GPU."""
    from thin_mini.files import DataError

    out = out or OUT[size.value]
    try:
        if part is None:
            passed = run_all(size.value, minutes, out)
        else:
            passed = run_part(part.value, size.value, minutes, out)
    except DataError as error:  # of the file that results go to
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if passed else 1)


def run_all(size: str, minutes: float, out: Path) -> bool:
    """Every part in a process of its own, which nothing that it does can outlive."""
    start, limit = time.perf_counter(), 60 * minutes
    find_device(size)
    from report import check_file

    check_file(out)
    passed = True
    shares = {part: share for part, (_, share) in PARTS.items()}
    for part in PARTS:
        left = limit - (time.perf_counter() - start)
        # What a part does not use is for those after it.
        own = left * shares[part] / sum(shares.values())
        del shares[part]
        print(f"{part}: at most {own:.0f} s", flush=True)
        passed &= run_process(part, size, own, out)
    seconds = time.perf_counter() - start
    print(f"{out}: {'all holds' if passed else 'NOT ALL HOLDS'}, {seconds:.0f} s")
    return passed


def run_process(part: str, size: str, seconds: float, out: Path) -> bool:
    """A part, stopped when its time is over."""
    from report import load, store

    minutes = max(0.1, SOFT * seconds / 60)
    command = [sys.executable, __file__, "--part", part, "--size", size]
    command += ["--minutes", f"{minutes:.3f}", "--out", str(out)]
    try:
        code = subprocess.run(command, timeout=max(1, seconds)).returncode
        ended = f"the process ended with status {code}"
    except subprocess.TimeoutExpired:
        code, ended = 1, f"stopped after {seconds:.0f} s"
    if code:
        print(f"{part}: {ended}", flush=True)
        entry = load(out).get(part, {})
        if entry.get("state") == "begun":  # it had no chance to say so itself
            store(out, part, entry | {"state": ended})
    return code == 0


def run_part(part: str, size: str, minutes: float, out: Path) -> bool:
    """A part in this process."""
    # Read when CUDA starts; without it cuBLAS may take another sum every time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = find_device(size)
    from report import Report

    report = Report(part, size, minutes, out, device)
    report.keep()
    try:
        importlib.import_module(PARTS[part][0]).measure(report)
    except Exception as error:  # whatever it is, the other parts shall run
        traceback.print_exc()
        about = str(error).strip().partition("\n")[0]
        report.keep(state=f"failed: {type(error).__name__}: {about}")
        return False
    report.close()
    return report.passed


def find_device(size: str) -> torch.device:
    """The GPU; with ``tiny`` the CPU where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if size == "full":
        print(
            "PyTorch sees no GPU here: look whether `nvidia-smi` does, or run "
            "--size tiny, which checks the script on a CPU",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    return torch.device("cpu")


if __name__ == "__main__":
    typer.run(main)
