"""The folder of a run of ``thin-mini train``: whose it is, and what it holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
from accelerate import PartialState

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.files import DataError, regular_file, whole_file
from thin_mini.large.logbook import CHECKPOINT, LOG
from thin_mini.large.settings import FIELDS, STARTS, part_of, sound

RESULT, SETTINGS = "result.json", "settings.json"
MODEL, IDENTITY = "model.pt", "identity.pt"
FILES = (RESULT, SETTINGS, CHECKPOINT, MODEL, IDENTITY)
AGAIN = "start its run again, which only measures anew what has been trained"
GO_ON = "start its command again, which resumes it"
# What runs must share to be compared, so that their rows differ by the model alone.
SHARED = ("data", "images", *part_of("shared"))
NEEDED = {"model", "start", "dispel", "seed", "test", *SHARED}
COLUMNS = ("model", "encoder", "start", "steps", "batch_size", "lr", "dispel", "seed")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a description of a run, whole or not at all."""
    with whole_file(path) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False)
        temporary.write_text(text + "\n", "utf-8")


def is_run(folder: Path) -> bool:
    """Whether something of a run lies there."""
    return any((folder / name).exists() for name in FILES)


def forget(folder: Path) -> None:
    """Remove what an earlier run made, so that a new one starts whole."""
    if PartialState().is_main_process:
        for name in (*FILES, LOG):
            (folder / name).unlink(missing_ok=True)
    PartialState().wait_for_everyone()


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
    found = sorted({file.parent for name in FILES for file in root.rglob(name)})
    if not found:
        raise DataError(
            f"{root} holds no run: name a folder with the --out of `thin-mini train`"
        )
    rows = []
    for folder in found:
        about, state = _about(folder)
        name = os.path.relpath(folder, root) if folder != root else root.name
        majority = about.get("majority", {}).get("accuracy")
        rows.append(about | {"run": name, "majority": majority, "state": state})
    columns = ["run", *COLUMNS, "data", "test", "majority", "state"]
    return pd.DataFrame(rows, columns=columns).set_index("run")


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
    for name, value in result.items():
        if not _possible(name, value):
            return f"{name} {value}"
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


def _possible(name: str, value: Any) -> bool:
    """Whether a run can have such a value under this name."""
    if name in ("test", "valid"):
        return _is_percentage(value)
    if name == "majority":
        known = isinstance(value, dict) and value.get("expression") in EXPRESSIONS
        return known and _is_percentage(value.get("accuracy"))
    if name == "start":
        return value in tuple(STARTS)
    if name in ("data", "images"):
        return isinstance(value, str if name == "data" else list)
    try:
        if name in FIELDS:
            sound(FIELDS[name], value)
    except (ValueError, TypeError):
        return False
    return True


def _is_percentage(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= 100
