"""The official file of dSprites, which ``dsprites(n_scales=6)`` reads if it is there.

It is judged by what it claims before it is read.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from thin_mini.data.store import cache_folder, data_folder
from thin_mini.files import DataError, regular_file

FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
# Of its axes: shape, scale, orientation (the 40th repeats the first), x and y.
AXES = (3, 6, 40, 32, 32)
SHAPE = (737_280, 64, 64)
HEADER_BYTES = 4096  # an honest header takes about a hundred


def find(needed: bool) -> Path | None:
    """The file in the data folder or the cache; None if it is not there.

    Raises:
        DataError: If it is needed and not there, or something else has its name.
    """
    folders = [*filter(None, (data_folder(), cache_folder()))]
    found = next((f / FILE for f in folders if regular_file(f / FILE)), None)
    if needed and found is None:
        raise DataError(
            f"there is no {FILE} in {' or '.join(map(str, folders))}: put it there, or "
            "pass source='rendered'"
        )
    return found


def frames(path: Path, factors: Sequence[Tensor]) -> Tensor:
    """The images with these numbers on each of the ``AXES``, uint8 (N, 64, 64).

    Raises:
        DataError: If the file is damaged, holds something else, or needs more memory
            than there is.
    """
    line = np.ravel_multi_index([f.numpy() for f in factors], AXES)
    images = _read(path)[line]
    if images.max() > 1:
        raise DataError(
            f"{path} holds pixels of {images.max()}, not of 0 and 1: fetch it again"
        )
    return torch.from_numpy(images)


@cache
def _read(path: Path) -> np.ndarray:
    """All images: 3 GB. The pickled metadata, which can be a program, stay unread."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("imgs.npy") as file:
            _check_header(io.BytesIO(file.read(HEADER_BYTES)))
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except MemoryError as error:
        raise DataError(
            f"{path} needs 3.0 GB of memory, more than is free: make room"
        ) from error
    except Exception as error:  # damaged bytes make zipfile raise almost anything
        raise DataError(f"{path} is damaged ({error}): fetch it again") from error


def _check_header(head: io.BytesIO) -> None:
    """Raise a ValueError unless it announces the images; it may name a longer one."""
    lib = np.lib.format
    readers = {(1, 0): lib.read_array_header_1_0, (2, 0): lib.read_array_header_2_0}
    version = lib.read_magic(head)
    if version not in readers:
        raise ValueError(f"its header is of version {version}")
    shape, _, dtype = readers[version](head)
    if (shape, dtype) != (SHAPE, np.uint8):
        raise ValueError(f"it holds {dtype} {shape} instead of uint8 {SHAPE}")
