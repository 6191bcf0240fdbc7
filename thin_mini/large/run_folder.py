"""The folder of a run of ``thin-mini train``: whose it is, and what it holds."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pandas as pd

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.files import DataError, regular_file, whole_file
from thin_mini.large.logbook import CHECKPOINT, LOG
from thin_mini.large.presets import MODELS, PRESETS, RESULT, STARTS

SETTINGS, MODEL, IDENTITY = "settings.json", "model.pt", "identity.pt"
AGAIN = "start its run again, which only measures anew what has been trained"
GO_ON = "start its command again, which goes on with what is there"
NUMBERS = {
    "test": (0, 100),
    "valid": (0, 100),
    "seed": (0, 2**32 - 1),
    "dispel": (0, math.inf),
    "lr": (0, math.inf),
    "steps": (1, math.inf),
    "batch_size": (2, math.inf),
    "size": (1, math.inf),
}
WHOLE = {"seed", "steps", "batch_size", "size"}
KINDS = {"data": str, "images": list, "balanced": bool, "mixed_precision": str}
NAMES = {"model": MODELS, "encoder": tuple(PRESETS), "start": tuple(STARTS)}
# What runs must share to be compared, so that their rows differ by the model alone.
SHARED = (
    *("data", "images", "encoder", "size", "steps", "batch_size", "lr"),
    *("balanced", "mixed_precision"),
)
NEEDED = {"model", "start", "dispel", "seed", "test", *SHARED}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a description of a run, whole or not at all."""
    with whole_file(path) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False)
        temporary.write_text(text + "\n", "utf-8")


def is_run(folder: Path) -> bool:
    """Whether something of a run lies there."""
    names = (RESULT, SETTINGS, MODEL, IDENTITY, CHECKPOINT)
    return any((folder / name).exists() for name in names)


def read_result(folder: Path) -> dict[str, Any]:
    """What ``result.json`` says of a finished run.

    Raises:
        DataError: If there is no such run, it is not finished, or the file is damaged
            or holds values that no run can have.
    """
    path = folder / RESULT
    if not regular_file(path):
        raise DataError(_missing(folder))
    result = _read_json(path)
    if missing := NEEDED - result.keys():
        raise DataError(f"{path} lacks {', '.join(sorted(missing))}: {AGAIN}")
    fault = _impossible(result)
    if fault:
        raise DataError(f"{path} says {fault}, which no run can: {AGAIN}")
    return result


def table_of_runs(root: Path) -> pd.DataFrame:
    """All runs below a folder, with their settings and results.

    Args:
        root: A run, or a folder of runs at any depth.

    Returns:
        A row for each run: its folder, settings, test accuracy and the majority
        class's in percent, and ``state``: finished, how far it is, or its fault.

    Raises:
        DataError: If there is no such folder, or no run in it.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}: name one that holds runs")
    found = sorted(
        {
            f.parent
            for name in (RESULT, SETTINGS, CHECKPOINT, MODEL, IDENTITY)
            for f in root.rglob(name)
            if is_run(f.parent)
        }
    )
    if not found:
        raise DataError(
            f"{root} holds no run: name a folder with the --out of `thin-mini train`"
        )
    columns = ("model", "encoder", "start", "steps", "batch_size", "lr", "dispel")
    rows = []
    for folder in found:
        about, state = _about(folder)
        row: dict[str, Any] = {
            "run": os.path.relpath(folder, root) if folder != root else root.name
        }
        row |= {name: about.get(name) for name in (*columns, "seed", "data", "test")}
        row["majority"] = about.get("majority", {}).get("accuracy")
        rows.append(row | {"state": state})
    return pd.DataFrame(rows).set_index("run")


def _about(folder: Path) -> tuple[dict[str, Any], str]:
    """Settings and results of a run, as far as they are there, and its state."""
    try:
        if (folder / RESULT).exists():
            return read_result(folder), "finished"
        about = _read_json(folder / SETTINGS) if (folder / SETTINGS).exists() else {}
    except DataError as error:
        return {}, f"damaged: {error}"
    return about, f"unfinished, {reached(folder)}"


def reached(folder: Path) -> str:
    """How far a run is that has not finished, in words."""
    try:
        steps = pd.read_csv(folder / LOG, usecols=["step"])["step"]
        return f"at step {int(steps.iloc[-1]):,}"
    except (OSError, ValueError, IndexError):
        return "before its first checkpoint"


def _missing(folder: Path) -> str:
    if not folder.exists():
        return f"there is no {folder}: name the --out of a run of `thin-mini train`"
    if not folder.is_dir():
        return f"{folder} is a file: name the folder of a run of `thin-mini train`"
    if not is_run(folder):
        return f"{folder} holds no run: name the --out of a run of `thin-mini train`"
    return f"the run in {folder} has not finished ({reached(folder)}): {GO_ON}"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        # A reader of JSON counts the bytes of what it expected, which mends nothing.
        why = error.strerror if isinstance(error, OSError) else "it is not whole JSON"
        raise DataError(f"{path} cannot be read ({why}): {AGAIN}") from error
    return content if isinstance(content, dict) else {}


def _impossible(result: dict[str, Any]) -> str | None:
    """The first value that no run can have, in words; None if there is none."""
    for name, (low, high) in NUMBERS.items():
        value = result.get(name, low)
        if not _lies(value, low, high) or (name in WHOLE and value != int(value)):
            return f"{name} {value}"
    for name, kind in KINDS.items():
        if not isinstance(result[name], kind):
            return f"{name} {result[name]}"
    for name, known in NAMES.items():
        if result[name] not in known:
            return f"{name} {result[name]}"
    most = result.get("majority", {"expression": EXPRESSIONS[0], "accuracy": 0})
    if (
        not isinstance(most, dict)
        or most.get("expression") not in EXPRESSIONS
        or not _lies(most.get("accuracy"), 0, 100)
    ):
        return f"majority {most}"
    if (counts := result.get("confusion")) is None:
        return None
    try:
        right = sum(row[i] for i, row in enumerate(counts))
        accuracy = 100 * right / sum(map(sum, counts))
    except (TypeError, IndexError, ZeroDivisionError):
        return f"confusion {counts}"
    if not abs(accuracy - result["test"]) <= 0.01:  # NaN neither
        return f"test {result['test']} beside a confusion of {accuracy:.4f} %"
    return None


def _lies(value: Any, low: float, high: float) -> bool:
    """Whether it is a finite number within these bounds."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and low <= value <= high and math.isfinite(value)
