"""What each chapter takes: seconds and memory, under the lecture profile.

    python benchmarks/chapters.py            # all, one after the other, for an hour
    python benchmarks/chapters.py 05 14      # these alone; the others stay as they are

Run it on an idle machine. It writes `results/chapters.json` chapter by chapter; the
pages say from it what a chapter takes. An entry that is `busy` is of a machine that did
other things as well, and has no memory.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "results" / "chapters.json"
RUN = """
import os, resource, sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
folder = {"metadata": {"path": "notebooks"}}
NotebookClient(notebook, timeout=None, resources=folder).execute()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measured(path: Path) -> dict[str, float]:
    """Run a chapter in processes of its own: its seconds, and the kernel's memory."""
    variables = os.environ | {"THIN_MINI_PROFILE": "lecture", "THIN_MINI_DEVICE": "cpu"}
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        cwd=ROOT, env=variables, check=True, capture_output=True, text=True,
    )  # fmt: skip
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    most = int(run.stdout.split()[-1]) * unit
    return {
        "seconds": round(time.perf_counter() - start),
        "gigabytes": round(most / 1e9, 1),
    }


def main() -> None:
    """Measure the chapters that are named, or all."""
    told = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if not sys.argv[1:] or path.stem[:2] in sys.argv[1:]:
            told[path.stem] = measured(path)
            print(path.stem, told[path.stem])
            FILE.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
