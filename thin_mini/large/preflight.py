"""What can be known to be wrong before a long run begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import is_tensorboard_available
from matplotlib.backends.backend_agg import FigureCanvasAgg
from torch import Tensor

from thin_mini.basics.devices import check_place
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.pictures import Pictures, class_batches
from thin_mini.large.settings import Settings
from thin_mini.models import Model, Oracle

N_VALID = 256  # section 4.3; a tenth of the images where there are not so many


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


def check_batches(target: Tensor, settings: Settings) -> None:
    """Raise a ValueError if no batch can be drawn from these labels."""
    if settings.batch_size > len(target):
        raise ValueError(
            f"batch_size={settings.batch_size} is more than the {len(target)} training "
            "images"
        )
    if settings.balanced:
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
    model: Model, data: Pictures, valid: Pictures, settings: Settings
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
    check_batches(data.files.target, settings)


def make_accelerator(
    device: torch.device, settings: Settings, folder: Path | None = None
) -> Accelerator:
    """The processes that share the work, with the precision of their computations.

    Args:
        device: Where the model is or will be.
        settings: Of the run.
        folder: For TensorBoard, where it is installed.

    Raises:
        ValueError: If the device lacks the precision, this process has begun with
            another device, or a micro-batch would be too small for batch norm.
    """
    mixed_precision = settings.mixed_precision
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
        log_with="tensorboard" if folder and is_tensorboard_available() else None,
        project_dir=folder,
    )
    if mixed_precision != "no" and accelerator.device.type != device.type:
        raise ValueError(
            f"the model is on {device}, but this process has begun on "
            f"{accelerator.device.type}: start a new one"
        )
    processes = accelerator.num_processes
    if settings.batch_size // processes // settings.accumulate < 2:
        raise ValueError(
            "batch norm needs at least 2 images in a micro-batch, got batch_size="
            f"{settings.batch_size} for {processes} process(es) and accumulate="
            f"{settings.accumulate}: raise batch_size or lower accumulate"
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
