"""On which processor sums are made, in which order, and by which versions."""

from __future__ import annotations

import os
import platform
import re
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


def same_order_of_sums() -> None:
    """Ask PyTorch, before it is loaded, for the kernels of the committed runs.

    Processes that are started afterwards inherit it. What is set already stays.
    """
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    for name, value in (ONE_THREAD | (AVX2 if x86 else {})).items():
        os.environ.setdefault(name, value)


def processor() -> str:
    """Maker, family, model and name of the processor, as far as the system tells."""
    found: dict[str, str] = {}
    with suppress(OSError):  # not Linux
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
        found = dict(re.findall(r"^(.+?)\s*: (.+)$", text, flags=re.M))
    keys = ("vendor_id", "cpu family", "model", "model name")
    told = " ".join(found[key] for key in keys if key in found)
    return told or platform.processor() or platform.machine()


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
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "device": device,
        "threads": torch.get_num_threads(),
    }
