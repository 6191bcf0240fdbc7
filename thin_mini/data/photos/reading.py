"""Picture files of any kind, read as tensors."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor
from tqdm import tqdm

from thin_mini.basics.bars import progress_bar
from thin_mini.files import DataError, regular_file

log = logging.getLogger("thin_mini")
K = TypeVar("K")

BAR_AFTER = 2  # seconds: who is sooner needs no bar

# Beyond this share of damaged pictures, something is wrong with the whole folder.
MAX_UNREADABLE = 0.05
# A file of a few kB can claim more: Pillow warns above it, and this library refuses.
MAX_PIXELS = 89_478_485
# Formats whose pixels Pillow cannot decode, or (EPS) leaves to another program.
NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# What a file without a telling name is tried as: each has a mark in its first bytes.
MARKED = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")


def formats() -> list[str]:
    """Pillow's names of the formats that are read, with those of plugged-in readers."""
    Image.init()
    return [name for name in Image.ID if name in Image.OPEN and name not in NOT_READ]


def is_picture(path: Path) -> bool:
    """Whether a file is of a kind that is read, by its ending or else its content."""
    known = formats()
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind is not None or not os.path.isfile(path):
        return kind in known
    try:
        with Image.open(path, formats=MARKED):
            return True
    except OSError:  # Pillow's for what it cannot identify is one, too
        return False
    except Image.DecompressionBombError:
        return True


def read_picture(path: Path, box: Sequence[int] | None = None) -> Image.Image:
    """A picture of any kind, upright, in RGB with 8 bits, cut to its face.

    Of a picture that moves it is the first frame.

    Args:
        path: The file.
        box: Left, top, right, bottom of the face in the upright picture, in pixels;
            what lies outside the picture is cut off.

    Raises:
        DataError: If the file is no whole picture, or has more than 89 megapixels, or
            the box lies outside it.
    """
    regular_file(path)  # or an error, of a pipe
    try:
        with Image.open(path, formats=formats()) as file:
            pixels = file.width * file.height
            if pixels > MAX_PIXELS:  # before one is decoded
                raise ValueError(
                    f"{file.width:,}×{file.height:,} are {pixels / 1e6:,.0f} "
                    f"megapixels, and at most {MAX_PIXELS / 1e6:,.0f} are read"
                )
            picture = _rgb(ImageOps.exif_transpose(file))
    except Exception as error:  # damaged bytes make a decoder raise almost anything
        raise DataError(
            f"{path} cannot be read as a picture ({error}): fetch it again, or leave "
            "it out"
        ) from error
    if box is None:
        return picture
    left, top = max(box[0], 0), max(box[1], 0)
    right, bottom = min(box[2], picture.width), min(box[3], picture.height)
    if left >= right or top >= bottom:
        raise DataError(
            f"{path}: the face box {tuple(box)} holds nothing of the "
            f"{picture.width}×{picture.height} picture: correct or drop its row"
        )
    return picture.crop((left, top, right, bottom))


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise ValueError("its floating-point pixels have no known range")
    if picture.mode.startswith("I"):  # grey with 16 bits, which convert() would clip
        grey = np.asarray(picture).clip(0, 65_535) / 257
        picture = Image.fromarray(grey.round().astype(np.uint8))
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def to_tensor(picture: Image.Image, size: int, grey: bool = False) -> Tensor:
    """A picture as float32 (3 or 1, size, size) in 0..1, resized with antialiasing."""
    picture = picture.convert("L") if grey else picture
    picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return pil_to_tensor(picture).float() / 255


def read_all(
    keys: Sequence[K],
    picture: Callable[[K], Image.Image],
    progress: bool,
    size: int = 0,
    grey: bool = False,
) -> tuple[Tensor, Tensor]:
    """The picture of each of N keys, as :func:`to_tensor` has it.

    With a size of 0 they are only tried.

    Returns:
        Images (N, 3 or 1, size, size), and which could be read, bool (N,).

    Raises:
        DataError: If more than 5 % of them cannot be read.
    """
    n, first = len(keys), None
    images = torch.empty(n, 1 if grey else 3, size, size)
    good = torch.ones(n, dtype=torch.bool)
    with progress_bar(n, "reading pictures", shown=progress) as bar:
        for i, key in enumerate(keys):
            bar.update()
            try:
                face = picture(key)
            except DataError as error:
                good[i], first = False, first or error
                continue
            if size:
                images[i] = to_tensor(face, size, grey)
    lost = int((~good).sum())
    if lost > MAX_UNREADABLE * n:
        raise DataError(
            f"{lost:,} of {n:,} pictures cannot be read, more than "
            f"{MAX_UNREADABLE:.0%}. The first: {first}"
        )
    if lost:
        log.warning("Left out %d of %d pictures. The first: %s", lost, n, first)
    return images, good


def with_bar(items: Collection[K], label: str) -> Iterator[K]:
    """The items, under a bar where they take long and a terminal shows it."""
    unwanted = os.environ.get("TQDM_DISABLE") or os.environ.get("RANK", "0") != "0"
    off = True if unwanted else None  # None: unless it goes to a terminal
    return iter(tqdm(items, label, leave=False, delay=BAR_AFTER, disable=off))
