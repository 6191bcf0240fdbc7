"""Where a model is, and which device a chapter or a command takes.

One rule holds everywhere: the model's device decides. What is given a model brings
batches to it and hands results back on the CPU, and nothing moves a model that its
user has not moved.
"""

from __future__ import annotations

import os
import re
from itertools import chain

import torch
from accelerate import Accelerator
from torch import nn

VARIABLE = "THIN_MINI_DEVICE"
KINDS = ("cpu", "cuda", "mps", "xpu")


def device_of(module: nn.Module) -> torch.device:
    """Where a module is: the CPU if it has neither parameters nor buffers.

    Raises:
        ValueError: If parts of it are on different devices.
    """
    places = {t.device for t in chain(module.parameters(), module.buffers())}
    if len(places) > 1:
        names = sorted(map(str, places))
        raise ValueError(
            f"parts of the model are on {' and '.join(names)}: bring them together "
            f"first, model.to({names[-1]!r})"
        )
    return places.pop() if places else torch.device("cpu")


def choose_device(name: str = "auto", small: bool = False) -> torch.device:
    """The device that is asked for, by an argument or by ``THIN_MINI_DEVICE``.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` or ``"xpu"``; ``"auto"`` is
            what the variable names or, without it, the accelerator that there is.
        small: Of an Apple processor's GPU, whether the networks are too small for it:
            most of the time would go into starting its kernels, so that ``"auto"`` is
            then the CPU. A CUDA GPU pays for them as well.

    Raises:
        ValueError: If there is no such device.
    """
    given = name != "auto"
    wanted = name if given else os.environ.get(VARIABLE) or "auto"
    if wanted == "auto":
        found = Accelerator().device
        return torch.device("cpu") if small and found.type == "mps" else found
    about = f"{'device' if given else VARIABLE}={wanted!r}"
    if not re.fullmatch(rf"({'|'.join(KINDS)})(:\d+)?", wanted):
        raise ValueError(
            f"{about}: device must be one of auto, {', '.join(KINDS)}, or one of "
            "several GPUs as in cuda:1"
        )
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()
    except Exception as error:  # another kind of error for each kind of device
        mend = (
            "look whether `nvidia-smi` sees it, install a PyTorch built with CUDA, or "
            if wanted.startswith("cuda")
            else ""
        )
        raise ValueError(
            f"{about}, but PyTorch sees no such device here: {mend}take 'auto' or 'cpu'"
        ) from error
    if device.type == "cpu" or device.index is not None:
        return device
    own = Accelerator().device  # of several processes, each has a GPU of its own
    return own if own.type == device.type else device


def check_place(accelerator: Accelerator, device: torch.device) -> Accelerator:
    """Raise a ValueError unless several processes have the model where they work."""
    own = accelerator.device
    elsewhere = device.type != own.type or (device.type != "cpu" and device != own)
    if accelerator.num_processes > 1 and elsewhere:
        raise ValueError(
            f"this is process {accelerator.process_index} of "
            f"{accelerator.num_processes}, which works on {own}, and its model is on "
            f"{device}: move it first, model.to({str(own)!r})"
        )
    return accelerator
