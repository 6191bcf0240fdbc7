"""Arrays in NumPy's files, judged by what their headers claim before they are read."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from thin_mini.files import DataError

HEADER_BYTES = 4096  # honest headers take about a hundred


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and the type that a ``.npy`` claims; nothing behind them is read.

    Raises:
        ValueError: If there is no such header, or it announces pickled objects, which
            can hold a program.
    """
    # Of a few bytes only: a header may name its own length, up to 4 GB.
    head = io.BytesIO(file.read(HEADER_BYTES))
    version = np.lib.format.read_magic(head)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(head)
    else:
        raise ValueError(f"its header is of version {version}")
    if dtype.hasobject:
        raise ValueError("it holds pickled objects")
    return shape, dtype


def read_array(
    path: Path, name: str, shape: tuple[int, ...], dtype: type[np.generic]
) -> np.ndarray:
    """One array of an ``.npz``, whose shape and type are known beforehand.

    Args:
        path: The file.
        name: The array's name in it.
        shape: What its shape must be.
        dtype: What its type must be.

    Raises:
        DataError: If the file is damaged, holds something else, or needs more memory
            than there is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            with archive.open(f"{name}.npy") as file:
                found, kind = array_header(file)
            if (found, kind) != (shape, np.dtype(dtype)):
                raise ValueError(
                    f"it holds {kind} {found} instead of {np.dtype(dtype)} {shape}"
                )
            with archive.open(f"{name}.npy") as file:
                return np.lib.format.read_array(file, allow_pickle=False)
    except MemoryError as error:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        raise DataError(
            f"{path} needs {size / 1e9:.1f} GB of memory, more than is free: make room"
        ) from error
    except Exception as error:  # damaged bytes make zipfile raise almost anything
        raise DataError(f"{path} is damaged ({error}): fetch it again") from error
