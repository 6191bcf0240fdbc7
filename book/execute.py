"""Run the chapters that need it, side by side, into the cache that the book reads.

    python book/execute.py  # make book does

A chapter runs again if a code cell of it changed, or anything that its last run had
loaded of ``thin_mini``; else its outputs stand. Prose runs nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat
import yaml
from joblib import cpu_count
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
PACKAGE = "thin_mini"
READS_RESULTS = f"{PACKAGE}/lab/result_files.py"
# Run after a chapter's last cell: which of the library's files it has loaded.
LOADED = f"""
import json, sys
files = [getattr(m, "__file__", None) for n, m in sys.modules.items()
         if n.partition(".")[0] == "{PACKAGE}"]
print(json.dumps(sorted(filter(None, files))))
"""


def digest(paths: Iterable[Path]) -> str:
    """Of the names and the contents of files, in their order."""
    found = hashlib.sha256()
    for path in paths:
        found.update(str(path).encode())
        found.update(path.read_bytes() if path.is_file() else b"missing")
    return found.hexdigest()


def surroundings(root: Path) -> str:
    """What every chapter depends on.

    Versions, profile, data, and the library's files that no import shows.
    """
    files = sorted((root / PACKAGE).rglob("*"))
    files = [p for p in files if p.is_file() and p.suffix not in (".py", ".pyc")]
    names = ("THIN_MINI_PROFILE", "THIN_MINI_DATA", "THIN_MINI_DEVICE")
    about = [sys.version, sys.prefix, *(os.environ.get(name, "") for name in names)]
    return digest([root / "constraints.txt", *files]) + "|".join(about)


def used_by(files: list[str], root: Path) -> dict[str, str]:
    """What a run depends on besides, and its state: modules, and results if read."""
    state = {name: digest([root / name]) for name in files}
    if READS_RESULTS in files:
        state["results"] = digest(sorted((root / "results").rglob("*.json")))
    return state


def run(path: Path, timeout: float) -> tuple[NotebookNode, list[str], float]:
    """A chapter with its outputs, the library's files that it loaded, and seconds."""
    start, notebook = time.monotonic(), nbformat.read(path, 4)
    notebook.cells.append(nbformat.v4.new_code_cell(LOADED))
    # Times in a cell's metadata would make it another notebook to the cache.
    how: dict[str, Any] = {"timeout": timeout, "startup_timeout": timeout}
    how["record_timing"] = False
    how |= {"resources": {"metadata": {"path": str(path.parent)}}}
    NotebookClient(notebook, **how).execute()
    said = notebook.cells.pop().outputs  # in pieces, on a busy machine
    told = "".join(piece["text"] for piece in said if piece.get("name") == "stdout")
    root = path.parents[1]
    loaded = [Path(name).resolve() for name in json.loads(told)]
    files = [str(p.relative_to(root)) for p in loaded if p.is_relative_to(root)]
    return notebook, files, time.monotonic() - start


def waiting(
    paths: list[Path], cache: JupyterCacheAbstract, before: dict[str, Any]
) -> list[Path]:
    """The chapters that have to run, those that took longest first.

    Outputs that no longer hold are taken out of the cache.
    """
    found = []
    for path in paths:
        try:
            record = cache.match_cache_notebook(nbformat.read(path, 4))
        except KeyError:
            record = None
        told, root = before.get(path.stem, {}), path.parents[1]
        there = {name for name in told.get("files", {}) if name != "results"}
        now = {"around": surroundings(root), "files": used_by(sorted(there), root)}
        if record and now == {key: told.get(key) for key in now}:
            continue
        if record:
            cache.remove_cache(record.pk)
        found.append(path)
    last = float("inf")  # where nothing is known, later chapters take longer
    found.reverse()
    return sorted(found, key=lambda p: -before.get(p.stem, {}).get("seconds", last))


def execute(root: Path = ROOT, workers: int | None = None) -> None:
    """Run what has to run, and keep its outputs.

    Args:
        root: Of the project.
        workers: Chapters at a time, by default as many as there are cores.

    Raises:
        SystemExit: If a chapter fails, after a message with the cell. Chapters that
            have finished by then are kept.
    """
    build = root / "_build"
    build.mkdir(exist_ok=True)
    cache, notes = get_cache(build / ".jupyter_cache"), build / "chapters.json"
    try:
        before = json.loads(notes.read_text("utf8"))
    except (FileNotFoundError, ValueError):  # the first build, or one cut short
        before = {}
    todo = waiting(sorted((root / "notebooks").glob("*.ipynb")), cache, before)
    timeout = yaml.safe_load((root / "_config.yml").read_text("utf8"))["execute"][
        "timeout"
    ]
    workers = workers or cpu_count()
    print(f"{len(todo)} chapters to run, {workers} at a time", flush=True)
    around = surroundings(root)
    pool = ThreadPoolExecutor(workers)
    try:
        runs = {pool.submit(run, path, timeout): path for path in todo}
        for done in as_completed(runs):
            path = runs[done]
            notebook, files, seconds = done.result()
            about = CacheBundleIn(
                notebook, str(path), data={"execution_seconds": seconds}
            )
            cache.cache_notebook_bundle(about, check_validity=False, overwrite=True)
            before[path.stem] = {"seconds": round(seconds, 1), "around": around}
            before[path.stem]["files"] = used_by(files, root)
            new = notes.with_suffix(".new")
            new.write_text(json.dumps(before, indent=1), "utf8")
            new.replace(notes)
            print(f"  {path.stem:28s} {seconds:5.0f} s", flush=True)
    except (CellExecutionError, CellTimeoutError) as error:
        sys.exit(f"{path.name} failed: {error}")
    finally:
        pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    execute()
