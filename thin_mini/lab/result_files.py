"""Measured runs as files: one JSON each, written whole, and read only if it can be."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from thin_mini.basics.kinds import checked
from thin_mini.basics.provenance import provenance
from thin_mini.files import PACKAGE, DataError, whole_file
from thin_mini.lab.rows import Run, run_from, settings_of
from thin_mini.lab.worlds import WORLDS, n_exo

FORMAT = 1  # of a result file; another number is refused
KEYS = {"format", "hash", "run", "metrics", "parameters", "seconds", "made"}
MEND = (
    "put the original back, or make the runs anew in another folder with "
    "`thin-mini reproduce --results`"
)
MAX_BYTES = 1_000_000  # a result has one or two thousand
# Percentages; those of each class or bin may lack some.
PERCENT = (
    *("accuracy", "calibration", "exact", "within_one", "range_relative", "valid"),
    *("overlap", "pair_accuracy", "variance_3", "read", "linear", "mlp"),
)
LIMITS = dict.fromkeys(PERCENT, (0, 100)) | {"cosine": (0, 1)}


class ResultError(DataError):
    """A results folder that cannot be read or is not whole; the message says why."""


def default_folder() -> Path:
    """``runs`` in ``THIN_MINI_RESULTS``, by default in the repository's ``results``.

    Raises:
        ResultError: If there is neither.
    """
    named = os.environ.get("THIN_MINI_RESULTS")
    # Beside the library in the repository, inside it in a wheel.
    usual = PACKAGE.parent / "results", PACKAGE / "_results"
    places = (Path(named),) if named else usual
    for place in places:
        if place.is_dir():
            return place / "runs"
    raise ResultError(
        f"there is no results folder {places[0]}: make it, or name another one with "
        "THIN_MINI_RESULTS"
    )


@checked
def check_folder(root: Path) -> None:
    """Raise a :class:`ResultError` unless ``root`` is a folder that is there."""
    if not root.is_dir():
        about = "is a file" if root.exists() else "does not exist"
        raise ResultError(
            f"the results folder {root} {about}: name the folder that holds the "
            "runs, such as results/runs"
        )


@checked
def path_of(run: Run, root: Path) -> Path:
    """The file of a run: readable, and unique by its hash."""
    name = f"{run.by}-network" if run.model == "network" else run.model
    return root / run.data / f"{name}-{run.labels}-s{run.seed}-{run.hash}.json"


@checked
def write(
    run: Run, root: Path, metrics: dict[str, Any], parameters: int, seconds: float
) -> None:
    """Write a run's result, whole or not at all."""
    content = {"format": FORMAT, "hash": run.hash, "run": settings_of(run)}
    content |= {"metrics": metrics, "parameters": parameters}
    content |= {"seconds": round(seconds, 1), "made": provenance()}
    if fault := _fault(run, content):
        raise ValueError(f"{run} {fault}: nothing is written")
    with whole_file(path_of(run, root)) as temporary:
        lines = (
            f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}"
            for key, value in content.items()
        )
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@checked
def read(run: Run, root: Path | None = None) -> dict[str, Any] | None:
    """A run's result, or None if it has not been made; by default a committed one.

    Raises:
        ResultError: If the file cannot be read, is of another format or another run,
            or holds a value that no run can have.
    """
    path = path_of(run, default_folder() if root is None else root)
    try:
        content = _load(path)
        fault = _fault(run, content)
    except (FileNotFoundError, NotADirectoryError):  # a folder that is none is named
        return None
    except (OSError, ValueError, RecursionError) as error:
        fault = f"cannot be read ({error})"
    if fault:
        raise ResultError(f"{path} {fault}: {MEND}")
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


def _fault(run: Run, content: Any) -> str:
    """What keeps a file from being the result of a run, or nothing."""
    known = content if isinstance(content, dict) else {}
    if known.get("format") != FORMAT:
        return f"has format {known.get('format')} and this version reads {FORMAT}"
    missing = KEYS - known.keys()
    missing |= {
        k for k in ("metrics", "run", "made") if not isinstance(known.get(k), dict)
    }
    if missing:
        return f"lacks {', '.join(sorted(missing))}"
    try:
        described = run_from(known["run"]).hash
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        return f"describes no run ({error})"
    if not known["hash"] == described == run.hash:
        return "is another run's"
    own = [(name, known[name]) for name in ("parameters", "seconds")]
    for name, value in (*own, *known["metrics"].items()):
        if not _possible(run, name, value):
            text = json.dumps(value)
            text = text if len(text) <= 40 else f"{text[:40]}…"
            return f"has {name} {text}, which cannot be"
    return ""


def _possible(run: Run, name: str, value: Any) -> bool:
    """Whether such a run can have this value."""
    if name in ("by_bin", "by_class"):
        of_task = name == "by_class" and run.model != "network"
        length = WORLDS[run.data].n_classes if of_task else n_exo(run)
        if not isinstance(value, list) or len(value) != length:
            return False
        # Of a bin or class without images there is no accuracy.
        return all(v is None or _possible(run, "accuracy", v) for v in value)
    whole = {"parameters": (1, 1e12), "epoch": (1, run.protocol.epochs)}
    leaves = {"leaves": (0.99, run.n_experts + 0.01)}
    low, high = (whole | LIMITS | leaves).get(name, (0, 1e12))
    kinds = int if name in whole else (int, float)
    number = isinstance(value, kinds) and not isinstance(value, bool)
    return number and low <= value <= high
