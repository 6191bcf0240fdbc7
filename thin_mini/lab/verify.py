"""Committed runs made again, and what comes out held against what is committed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from thin_mini.data.store import cache_folder
from thin_mini.lab.reproduce import make
from thin_mini.lab.result_files import read
from thin_mini.lab.rows import Row, Run

# Of two results of one run: bits are the same where all of these are.
KIND = ("processor", "instructions", "threads", "device", "system", "torch", "numpy")
BOUND = 2.0  # points of accuracy, on another kind: the most ever seen was 1.1
JUDGED = ("accuracy", "pair_accuracy")


def remade(
    runs: Sequence[Run], root: Path, jobs: int = 1
) -> Iterator[tuple[Run, bool, str]]:
    """Make runs again in a temporary folder, with the networks that they need.

    Args:
        runs: What is in ``root``.
        root: The results folder; it is only read.
        jobs: Processes to train in.

    Yields:
        A run, whether it is what it has to be, and in words how it compares.
    """
    with TemporaryDirectory(prefix="thin-mini-") as folder:
        # An empty cache, so that no network comes from elsewhere; data may.
        own = {"THIN_MINI_CACHE": folder}
        if cache_folder().is_dir() and not os.environ.get("THIN_MINI_DATA"):
            own["THIN_MINI_DATA"] = str(cache_folder())
        with patch.dict(os.environ, own):
            make([Row(str(run), (run,)) for run in runs], Path(folder), jobs=jobs)
        for run in runs:
            before, after = read(run, root), read(run, Path(folder))
            if before and after:  # which they are: the second was made just now
                yield run, *compared(before, after)


def compared(before: dict[str, Any], after: dict[str, Any]) -> tuple[bool, str]:
    """Whether a result may be that of the same run made again, and how far it is off.

    It must be equal on the same kind of processor, with the same versions; on another
    kind, which the first results do not name, accuracies may differ by ``BOUND``.
    """
    moved = {
        name: max(off)
        for name, value in before["metrics"].items()
        if max(off := _off(value, after["metrics"].get(name))) > 0
    }
    if not moved:
        return True, "equal"
    told = ", ".join(f"{name} by {off:.4g}" for name, off in moved.items())
    made, now = before["made"], after["made"]
    if all(key in made and made[key] == now.get(key) for key in KIND):
        return False, f"not equal, though made on the same kind of processor: {told}"
    most = max(moved.get(name, 0) for name in JUDGED)
    within = "within" if most <= BOUND else "beyond"
    return most <= BOUND, (
        f"made on another kind of processor or with other versions, {within} the "
        f"{BOUND:g} points of accuracy that rounding may move: {told}"
    )


def _off(before: Any, after: Any) -> list[float]:
    """By how much numbers differ, which may be a list; of no images there is none."""
    if isinstance(before, list):
        pairs = zip(before, after, strict=True)
        return [abs(a - b) for a, b in pairs if a is not None] or [0.0]
    return [abs(after - before)]
