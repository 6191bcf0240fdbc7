"""Measured runs as files: one JSON each, written whole, and read only if it can be."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from thin_mini.files import DataError, provenance, whole_file
from thin_mini.runs import Run, run_from

FORMAT = 1  # of a result file; another number is refused
KEYS = {"format", "hash", "run", "metrics", "parameters", "seconds", "made"}
MEND = (
    "put the original back, or make the runs anew in another folder with "
    "`thin-mini reproduce --results`"
)
MAX_BYTES = 1_000_000  # a result has one or two thousand
# The numbers that are percentages; those of each class or bin may lack some.
PERCENT = {
    *("accuracy", "calibration", "exact", "within_one", "range_relative", "valid"),
    *("overlap", "pair_accuracy", "variance_3"),
}
CLASSES = {"mnist-r": 10, "mnist-rs": 10, "dsprites": 3, "cartoons": 7, "photos": 7}


class ResultError(DataError):
    """A results folder that cannot be read or is not whole; the message says why."""


def default_folder() -> Path:
    """``runs`` in ``THIN_MINI_RESULTS``, by default in the repository's ``results``.

    Raises:
        ResultError: If there is neither.
    """
    named = os.environ.get("THIN_MINI_RESULTS")
    here = Path(__file__).parent
    # Beside the library in the repository, inside it in a wheel.
    places = [Path(named)] if named else [here.parent / "results", here / "_results"]
    for place in places:
        if place.is_dir():
            return place / "runs"
    raise ResultError(
        f"there is no results folder {places[0]}: make it, or name another one with "
        "THIN_MINI_RESULTS"
    )


def check_folder(root: Path) -> None:
    """Raise a :class:`ResultError` unless ``root`` is a folder that is there."""
    if not root.is_dir():
        about = "is a file" if root.exists() else "does not exist"
        raise ResultError(
            f"the results folder {root} {about}: name the folder that holds the "
            "runs, such as results/runs"
        )


def path_of(run: Run, root: Path) -> Path:
    """The file of a run: readable, and unique by its hash."""
    name = f"{run.by}-network" if run.model == "network" else run.model
    return root / run.data / f"{name}-{run.labels}-s{run.seed}-{run.hash}.json"


def write(
    run: Run, root: Path, metrics: dict[str, Any], parameters: int, seconds: float
) -> None:
    """Write a run's result, whole or not at all."""
    content = {
        "format": FORMAT,
        "hash": run.hash,
        "run": asdict(run),
        "metrics": metrics,
        "parameters": parameters,
        "seconds": round(seconds, 1),
        "made": provenance(),
    }
    with whole_file(path_of(run, root)) as temporary:
        lines = (
            f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}"
            for key, value in content.items()
        )
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read(run: Run, root: Path | None = None) -> dict[str, Any] | None:
    """A run's result, or None if it has not been made; by default a committed one.

    Raises:
        ResultError: If the file cannot be read, is of another format or another run,
            or holds a value that no run can have.
    """
    path = path_of(run, default_folder() if root is None else root)
    try:
        content = _load(path)
    except (FileNotFoundError, NotADirectoryError):  # a folder that is none is named
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ResultError(f"{path} cannot be read ({error}): {MEND}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise ResultError(
            f"{path} has format {found} and this version reads {FORMAT}: {MEND}"
        )
    missing = KEYS - content.keys()
    missing |= {k for k in ("metrics", "run") if not isinstance(content.get(k), dict)}
    if missing:
        raise ResultError(f"{path} lacks {', '.join(sorted(missing))}: {MEND}")
    try:
        described = run_from(content["run"]).hash
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise ResultError(f"{path} describes no run ({error}): {MEND}") from error
    if not content["hash"] == described == run.hash:
        raise ResultError(f"{path} is another run's: {MEND}")
    if (wrong := _impossible(run, content)) is not None:
        raise ResultError(f"{path} has {wrong}, which cannot be: {MEND}")
    return content


def _load(path: Path) -> Any:
    """The JSON of a file."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number")

    # A pipe would be waited for, and a huge file read into memory.
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError("it is not a file")
    if about.st_size > MAX_BYTES:
        raise OSError(f"{about.st_size:,} bytes are too many for one run")
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def _impossible(run: Run, content: dict[str, Any]) -> str | None:
    """The first value that no such run can have, by name, or None."""
    if not _number(content["parameters"], 1, whole=True):
        return f"parameters {_short(content['parameters'])}"
    if not _number(content["seconds"], 0):
        return f"seconds {_short(content['seconds'])}"
    network = run.model == "network"
    bins = {"rotation": 18, "scale": run.n_scales}.get(run.by, run.n_people)
    lengths = {"by_bin": bins, "by_class": bins if network else CLASSES[run.data]}
    for name, value in content["metrics"].items():
        if name in lengths:
            fits = isinstance(value, list) and len(value) == lengths[name]
            # Of a bin or class without images there is no accuracy.
            fits = fits and all(v is None or _number(v, 0, 100) for v in value)
        elif name in PERCENT:
            fits = _number(value, 0, 100)
        elif name == "epoch":
            fits = _number(value, 1, run.protocol.epochs, whole=True)
        elif name == "leaves":
            fits = _number(value, 0.99, 8.01)  # 1 to L, rounded
        elif name == "cosine":
            fits = _number(value, 0, 1)
        else:
            fits = _number(value, 0)
        if not fits:
            return f"{name} {_short(value)}"
    return None


def _number(value: object, low: float, high: float = 1e12, whole: bool = False) -> bool:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return low <= value <= high


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
