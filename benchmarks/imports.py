"""What a fresh Python pays before anything is computed."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

from timing import compare

CODE = {
    "import thin_mini": "import thin_mini",
    "import torch": "import torch",
    "thin-mini --help": "from thin_mini.cli import app; app(['--help'])",
    "thin-mini doctor": "from thin_mini.cli import app; app(['doctor'])",
    "thin-mini ledger": "from thin_mini.cli import app; app(['ledger'])",
}


def fresh(code: str) -> Callable[[], object]:
    command = [sys.executable, "-c", code]
    quiet = subprocess.DEVNULL
    return lambda: subprocess.run(command, check=True, stdout=quiet, stderr=quiet)


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure() -> dict:
    candidates = {name: fresh(code) for name, code in CODE.items()}
    return {"a fresh Python": compare(candidates, rounds=7, clock=children)}
