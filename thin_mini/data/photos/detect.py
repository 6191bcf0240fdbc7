"""The largest face of a picture, cut out, for a try on pictures of your own."""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from thin_mini.basics.checks import Count
from thin_mini.basics.kinds import checked
from thin_mini.data.photos.reading import read_picture, to_tensor
from thin_mini.files import DataError

CASCADE = "haarcascade_frontalface_default.xml"
MARGIN = 0.25  # of the box, on each side: drawn faces have their hair in the picture
SMALLEST = 10  # a face is at least a tenth of the picture's shorter side


@checked
def largest_face(path: str | Path, size: Count = 48) -> Tensor:
    """Find the faces of a picture and cut out the largest, for a network of 48×48.

    The detector is the cascade that comes with OpenCV 4. It is quick and old: it wants
    faces from the front, and may take a pattern for a face.

    Args:
        path: A picture file of any kind.
        size: Height and width of what is returned, in pixels.

    Returns:
        float32 (3, size, size) in 0..1, a square around the face with some of what
        surrounds it, as far as the picture reaches.

    Raises:
        ImportError: If OpenCV is missing, or has no cascade, as version 5.
        DataError: If the file is no picture, or no face is found in it.
        ValueError: If the size is below 1.
    """
    detector()  # before the picture is read
    face = cut_face(read_picture(Path(path)))
    if face is None:
        raise DataError(
            f"no face was found in {path}: take a picture in which a face looks into "
            "the camera and fills a good part"
        )
    return to_tensor(face, size)


def cut_face(picture: Image.Image) -> Image.Image | None:
    """The largest face of a picture, as :func:`largest_face` cuts it; None without one.

    Raises:
        ImportError: As there.
    """
    least = max(24, min(picture.size) // SMALLEST)
    boxes = detector().detectMultiScale(  # rows of left, top, width, height
        np.asarray(picture.convert("L")), minNeighbors=5, minSize=(least, least)
    )
    if len(boxes) == 0:
        return None
    left, top, width, height = max(boxes.tolist(), key=lambda box: box[2] * box[3])
    side = min(round((1 + 2 * MARGIN) * max(width, height)), *picture.size)
    x = min(max(left + (width - side) // 2, 0), picture.width - side)
    y = min(max(top + (height - side) // 2, 0), picture.height - side)
    return picture.crop((x, y, x + side, y + side))


def detector() -> Any:
    """OpenCV's cascade of classifiers for faces from the front."""
    mend = 'to find faces in a picture, `pip install "opencv-python-headless<5"`'
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        raise ImportError(f"OpenCV is missing: {mend}") from error
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    cascade = Path(folder) / CASCADE
    if not (hasattr(cv2, "CascadeClassifier") and cascade.is_file()):
        raise ImportError(
            f"OpenCV {cv2.__version__} comes without {CASCADE}, which version 5 no "
            f"longer has: {mend}"
        )
    return _loaded(cv2.CascadeClassifier, str(cascade))


@lru_cache(maxsize=1)
def _loaded(kind: Any, cascade: str) -> Any:
    """Read once for many pictures."""
    return kind(cascade)
