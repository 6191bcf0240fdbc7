"""What can be known to be wrong before a long run begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from thin_mini.data.pictures import Pictures, class_batches
from thin_mini.models import Classifier, Oracle

PRECISIONS = ("no", "bf16")
DEVICES = ("auto", "cpu", "cuda")


def check_settings(
    steps: int,
    batch_size: int,
    lr: float,
    dispel: float,
    mixed_precision: str,
    accumulate: int,
    workers: int,
    every: int,
) -> None:
    """Raise a ValueError that names the first setting that is out of range."""
    for name, value, low in (
        ("steps", steps, 1),
        ("batch_size", batch_size, 2),
        ("accumulate", accumulate, 1),
        ("workers", workers, 0),
        ("every", every, 1),
    ):
        if value < low:
            raise ValueError(f"{name} must be at least {low}, got {value}")
    if not 0 < lr < math.inf:
        raise ValueError(f"lr must be a number above 0, got {lr}")
    if not 0 <= dispel < math.inf:
        raise ValueError(f"dispel (λ) must be a number from 0 up, got {dispel}")
    if mixed_precision not in PRECISIONS:
        raise ValueError(
            f"mixed_precision must be one of {PRECISIONS}, got {mixed_precision!r}"
        )


def check_fit(
    model: Classifier, data: Pictures, valid: Pictures, batch_size: int, balanced: bool
) -> None:
    """Raise a ValueError if the model and the pictures do not fit together."""
    if isinstance(model.context, Oracle):
        raise ValueError(
            "an oracle would need the true people of the test images: train "
            "'exogenous' or 'thin'"
        )
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("nothing to train: every parameter of the model is frozen")
    for name, part in (("data", data), ("valid", valid)):
        shape, highest = (3, part.size, part.size), int(part.files.target.max())
        if model.encoder.in_shape != shape:
            raise ValueError(
                f"the model takes images {model.encoder.in_shape} and {name} has "
                f"{shape}: give both one size"
            )
        if highest >= model.n_classes:
            raise ValueError(
                f"{name} has class {highest} and the model {model.n_classes} classes: "
                f"build it with n_classes={highest + 1} or more"
            )
    if valid.changes is not None:
        raise ValueError("valid is augmented: measure on Pictures(…, augment=False)")
    if batch_size > len(data):
        raise ValueError(
            f"batch_size={batch_size} is more than the {len(data)} training images"
        )
    if balanced:
        class_batches(data.files.target, 1, 0, 0)  # says which class has no image


def make_accelerator(device: str = "auto", mixed_precision: str = "no") -> Accelerator:
    """An accelerator on the device that was asked for.

    Raises:
        ValueError: If this machine lacks the device, or the device the precision.
    """
    if device not in DEVICES:
        raise ValueError(f"device must be one of {DEVICES}, got {device!r}")
    cuda = torch.cuda.is_available() and device != "cpu"
    if device == "cuda" and not cuda:
        raise ValueError(
            "device='cuda', but PyTorch sees no GPU: look whether `nvidia-smi` does, "
            "install a PyTorch built with CUDA, or take device='auto'"
        )
    if mixed_precision == "bf16" and cuda and not torch.version.hip:
        major, minor = torch.cuda.get_device_capability()
        if major < 8:
            raise ValueError(
                f"mixed_precision='bf16' needs a GPU of compute capability 8.0, and "
                f"this one has {major}.{minor}: take mixed_precision='no'"
            )
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision=mixed_precision)
    if device not in ("auto", accelerator.device.type):
        raise ValueError(
            f"device={device!r}, but this process has begun on "
            f"{accelerator.device.type}: start a new one"
        )
    return accelerator


@contextmanager
def own_precision() -> Iterator[None]:
    """Accelerate has one precision for a whole process: put back what was there."""
    shared = AcceleratorState._shared_state
    before = dict(shared)
    shared.clear()
    try:
        yield
    finally:
        shared.clear()
        shared.update(before)
