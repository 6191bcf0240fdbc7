"""On which processor sums are made, in which order, and by which versions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

# What the committed runs are made with: one thread, and on x86-64 kernels that all
# processors of the last ten years have.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}

# How /proc/cpuinfo names a processor, of x86-64 and of ARM.
MODEL = (
    "vendor_id",
    "cpu family",
    "model",
    "model name",
    "CPU implementer",
    "CPU part",
)


def same_order_of_sums() -> None:
    """Ask PyTorch, before it is loaded, for the kernels of the committed runs.

    Processes that are started afterwards inherit it. What is set already stays.
    """
    for name, value in (ONE_THREAD | _usual()).items():
        os.environ.setdefault(name, value)


def _usual() -> dict[str, str]:
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return AVX2 if x86 else {}


def processor() -> str:
    """Maker, family, model and name of the processor, as far as the system tells."""
    told = ""
    with suppress(OSError):  # neither Linux nor macOS
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            told = subprocess.run(command, capture_output=True, text=True).stdout
        else:
            text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
            found = dict(re.findall(r"^(.+?)\s*: (.+)$", text, flags=re.M))
            told = " ".join(found[key] for key in MODEL if key in found)
    return told.strip() or platform.processor() or platform.machine()


def instructions() -> str:
    """The set that PyTorch uses, and what its libraries are asked for in its place."""
    import torch

    usual = _usual().items()
    others = [f"{k}={os.environ.get(k)}" for k, v in usual if os.environ.get(k) != v]
    return " ".join([torch.backends.cpu.get_cpu_capability(), *others])


def provenance() -> dict[str, Any]:
    """Versions, processor and threads, without the name of the machine."""
    import numpy as np
    import torch  # only where a run has been made: reading results needs neither

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {
        "thin_mini": version("thin-mini"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "instructions": instructions(),
        "device": device,
        "threads": torch.get_num_threads(),
    }
