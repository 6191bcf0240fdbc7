"""What can be known to be wrong before a long run begins."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from matplotlib.backends.backend_agg import FigureCanvasAgg
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.devices import check_place
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.pictures import Pictures, class_batches
from thin_mini.models import Model, Oracle

PRECISIONS = ("no", "bf16")
N_VALID = 256  # section 4.3; a tenth of the images where there are not so many


def check_settings(
    steps: int,
    batch_size: int,
    lr: float,
    dispel: float,
    mixed_precision: str,
    accumulate: int,
    workers: int,
    every: int,
    seed: int = 0,
) -> None:
    """Raise a ValueError that names the first setting that is out of range."""
    for name, value, low in (
        ("steps", steps, 1),
        ("batch_size", batch_size, 2),
        ("accumulate", accumulate, 1),
        ("workers", workers, 0),
        ("every", every, 1),
    ):
        checks.whole(name, value, low)
    checks.seed_number(seed)
    if not 0 < checks.number("lr", lr) < math.inf:
        raise ValueError(f"lr must be a number above 0, got {lr}")
    checks.lambda_(dispel)
    if mixed_precision not in PRECISIONS:
        raise ValueError(
            f"mixed_precision must be one of {PRECISIONS}, got {mixed_precision!r}"
        )


def check_image_size(size: int, encoder: str) -> None:
    """Raise a ValueError unless the encoder can halve images of this size."""
    step = {"small": 8, "vgg16": 32}[encoder]
    checks.whole("size", size, step)
    if size % step:
        raise ValueError(
            f"size must be a multiple of {step} for the {encoder} encoder, got {size}"
        )


def check_folders(folder: Path | str, out: Path | str) -> tuple[Path, Path]:
    """Raise a ValueError unless a run can be kept at ``out``, apart from its data."""
    for name, path in (("folder", folder), ("out", out)):
        if not str(path).strip():
            raise ValueError(f"{name} is empty: name a folder")
    folder, out = Path(folder), Path(out)
    if out.exists() and not out.is_dir():
        raise ValueError(f"out must be a folder, and {out} is a file: name another")
    data = folder.resolve()
    if data.is_dir() and (data == out.resolve() or data in out.resolve().parents):
        raise ValueError(
            f"out must lie outside the data set, where its files would be read as "
            f"data, and {out} lies in {folder}: name another folder"
        )
    return folder, out


def check_image_file(path: Path) -> None:
    """Raise a ValueError unless an image can be drawn under this name."""
    kinds = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in kinds:
        raise ValueError(
            f"{path} names no kind of image: let it end in one of .{', .'.join(kinds)}"
        )


def check_new(path: Path, read: Sequence[Path]) -> None:
    """Raise a ValueError if writing this file would destroy one that is read."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file to write")
    if path.exists() and any(path.samefile(other) for other in read):
        raise ValueError(f"{path} would be written over what is read: name another")


def check_share(batch_size: int, pieces: int, processes: int) -> None:
    """Raise a ValueError if a micro-batch would be too small for batch norm."""
    if batch_size // processes // pieces < 2:
        raise ValueError(
            f"batch norm needs at least 2 images in a micro-batch, got batch_size="
            f"{batch_size} for {processes} process(es) and accumulate={pieces}: raise "
            "batch_size or lower accumulate"
        )


def check_batches(target: Tensor, batch_size: int, balanced: bool) -> None:
    """Raise a ValueError if no batch can be drawn from these labels."""
    if batch_size > len(target):
        raise ValueError(
            f"batch_size={batch_size} is more than the {len(target)} training images"
        )
    if balanced:
        class_batches(target, 1, 0, 0)  # says which class has no image


def validation(files: FaceFiles, seed: int) -> tuple[FaceFiles, FaceFiles]:
    """The rest and the validation images: 256, or a tenth where there are not so many.

    Raises:
        ValueError: If there are too few pictures or people to set some aside.
    """
    n_valid = min(N_VALID, max(1, len(files) // 10))
    try:
        return files.split(n_valid, seed)
    except ValueError as error:
        who = "a person" if files.identified else "a photograph"
        raise ValueError(
            f"{files.source}, are too few to train with: some are set aside to choose "
            f"the best weights on, and {who} may not be in both parts; add pictures"
        ) from error


def check_fit(
    model: Model, data: Pictures, valid: Pictures, batch_size: int, balanced: bool
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
    check_batches(data.files.target, batch_size, balanced)


def make_accelerator(device: torch.device, mixed_precision: str = "no") -> Accelerator:
    """The processes that share the work, with the precision of their computations.

    Args:
        device: Where the model is or will be.
        mixed_precision: One of ``PRECISIONS``.

    Raises:
        ValueError: If the device lacks the precision, or this process has begun with
            another device.
    """
    if mixed_precision == "bf16" and device.type == "cuda" and not torch.version.hip:
        major, minor = torch.cuda.get_device_capability()
        if major < 8:
            raise ValueError(
                f"mixed_precision='bf16' needs a GPU of compute capability 8.0, and "
                f"this one has {major}.{minor}: take mixed_precision='no'"
            )
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision=mixed_precision,
        device_placement=False,
    )
    if mixed_precision != "no" and accelerator.device.type != device.type:
        raise ValueError(
            f"the model is on {device}, but this process has begun on "
            f"{accelerator.device.type}: start a new one"
        )
    return check_place(accelerator, device)


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
