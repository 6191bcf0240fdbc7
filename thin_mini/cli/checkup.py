"""What an installation can do, and what is wrong with it, in about a second.

PyTorch takes longer to import than all the rest, so what is installed is read from its
files, and a GPU is asked for at its driver; ``full`` imports PyTorch and computes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from thin_mini.data.store import cache_folder
from thin_mini.files import DataError, check_writable
from thin_mini.profiles import profile

Line = Callable[[str, str], None]


def examine(line: Line, full: bool, mnist: Callable[[], str]) -> list[str]:
    """Print what there is, a line each, and return what is wrong.

    Args:
        line: Prints a name and what there is to say of it.
        full: Whether to import PyTorch and compute with it.
        mnist: Says where MNIST is.
    """
    line("thin-mini", version("thin-mini"))
    line("Python", f"{platform.python_version()} on {platform.system()}")
    problems = try_out(line) if full else look_at(line)

    def cache() -> str:
        check_writable(cache_folder())
        return str(cache_folder())

    checks = {"profile": lambda: profile().name, "cache": cache, "MNIST": mnist}
    for name, check in checks.items():
        try:
            line(name, check())
        except (ValueError, DataError) as error:
            problems.append(str(error))
    if not full:
        line("more", "thin-mini doctor --full imports PyTorch and computes with it")
    return problems


def look_at(line: Line) -> list[str]:
    """What the files of PyTorch and the driver of a GPU say."""
    torch, torchvision = installed("torch"), installed("torchvision")
    if not torch or not torchvision:
        lacking = "torchvision" if torch else "PyTorch"
        return [f"{lacking} is not installed: run pip install torch torchvision"]
    threads = os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    line("PyTorch", f"{torch}, {threads} threads")
    line("torchvision", torchvision)
    built, also = (name.partition("+")[2] for name in (torch, torchvision))
    device, named = gpu(), os.environ.get("THIN_MINI_DEVICE")
    if named or os.environ.get("ACCELERATE_USE_CPU"):
        device = f"{named or 'cpu'}, as the environment has it"
    elif device == "cuda" and built == "cpu":
        device = "cpu: there is a GPU, and this PyTorch is not built for it"
    line("device", device)
    fits = also in ("", "cpu", built)
    return [] if fits else [_unfit(torchvision, f"PyTorch {torch}")]


def _unfit(torchvision: str, torch: str) -> str:
    about = f"torchvision {torchvision} does not fit {torch}"
    return f"{about}: install the two anew, in one command"


def installed(package: str) -> str:
    """The version by a package's files, such as 2.14.1+cu130; empty without one."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    file = Path(spec.origin).with_name("version.py")
    text = file.read_text("utf-8") if file.is_file() else ""
    found = re.search(r"^__version__ = ['\"](.+)['\"]", text, re.M)
    return found[1] if found else version(package)


def gpu() -> str:
    """The device that Accelerate will choose, as far as the drivers show."""
    if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
        return "mps"
    count = ctypes.c_int()
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except (OSError, AttributeError):  # no driver
        return "cpu"
    return "cuda" if count.value and not failed else "cpu"


def try_out(line: Line) -> list[str]:
    """What PyTorch and torchvision do when they are imported."""
    try:
        import torch

        line("PyTorch", f"{torch.__version__}, {torch.get_num_threads()} threads")
    except (ImportError, OSError) as error:
        return [f"PyTorch cannot be imported ({error}): install it anew"]
    problems = []
    try:
        import torchvision

        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
        line("torchvision", torchvision.__version__)
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        problems.append(_unfit(installed("torchvision"), f"this PyTorch ({error})"))
    try:
        from thin_mini.basics.devices import choose_device

        device = choose_device(small=True)
        torch.ones(2, 2, device=device).sum().item()
        line("device", str(device))
    except ValueError as error:  # THIN_MINI_DEVICE names what there is not
        problems.append(str(error))
    except (ImportError, RuntimeError) as error:
        problems.append(f"nothing can be computed ({error}): install PyTorch anew")
    return problems
