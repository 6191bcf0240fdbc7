"""The largest face of a picture, with a detector that finds what the test says."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from thin_mini.data.photos.detect import CASCADE, largest_face
from thin_mini.files import DataError


@pytest.fixture
def opencv(tmp_path, monkeypatch):
    """OpenCV as far as it is used; ``boxes`` is what its detector finds."""
    fake = SimpleNamespace(__version__="4.13.0", boxes=(), seen=None)
    fake.data = SimpleNamespace(haarcascades=f"{tmp_path}/")
    (tmp_path / CASCADE).touch()

    class CascadeClassifier:
        def __init__(self, path):
            assert path.endswith(CASCADE)

        def detectMultiScale(self, grey, **options):  # noqa: N802
            fake.seen, fake.options = grey, options
            # As OpenCV does: an array, or an empty tuple where there is nothing.
            return np.array(fake.boxes, np.int32) if fake.boxes else ()

    fake.CascadeClassifier = CascadeClassifier
    monkeypatch.setitem(sys.modules, "cv2", fake)
    return fake


@pytest.fixture
def picture(tmp_path):
    """200×100, black, with a red square of 40 pixels and a blue one of 20."""
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[30:70, 120:160, 0] = 255
    pixels[10:30, 20:40, 2] = 255
    path = tmp_path / "people.png"
    Image.fromarray(pixels).save(path)
    return path


RED, BLUE = (120, 30, 40, 40), (20, 10, 20, 20)


def test_the_largest_of_several_faces_is_cut_out_with_a_margin(opencv, picture):
    opencv.boxes = [BLUE, RED]
    face = largest_face(picture, size=60)  # 1.5 times the box: no pixel is resized
    assert face.shape == (3, 60, 60)
    assert face.dtype == torch.float32
    expected = torch.zeros(3, 60, 60)
    expected[0, 10:50, 10:50] = 1
    torch.testing.assert_close(face, expected)
    assert opencv.seen.shape == (100, 200)  # grey, height first
    assert opencv.options["minSize"] == (24, 24)


def test_a_face_is_resized(opencv, picture):
    opencv.boxes = [RED]
    assert largest_face(picture).shape == (3, 48, 48)


def test_a_face_at_the_border_is_cut_inside_the_picture(opencv, picture):
    opencv.boxes = [(0, 60, 40, 40)]
    face = largest_face(picture, size=60)  # columns 0 to 60, rows 40 to 100
    expected = torch.zeros(3, 60, 60)
    torch.testing.assert_close(face, expected)
    opencv.boxes = [(50, 5, 90, 90)]  # with its margin higher than the picture
    face = largest_face(picture, size=100)  # columns 45 to 145
    expected = torch.zeros(3, 100, 100)
    expected[0, 30:70, 75:] = 1
    torch.testing.assert_close(face, expected)


def test_a_picture_without_a_face_is_refused(opencv, picture):
    with pytest.raises(DataError, match=r"no face was found in .*people.png: take"):
        largest_face(picture)


def test_a_file_that_is_no_picture_is_refused(opencv, tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("no picture")
    with pytest.raises(DataError, match=r"notes.jpg cannot be read as a picture"):
        largest_face(path)
    with pytest.raises(DataError, match=r"missing.jpg cannot be read"):
        largest_face(tmp_path / "missing.jpg")


def test_without_opencv_it_says_what_to_install(monkeypatch, picture):
    monkeypatch.setitem(sys.modules, "cv2", None)  # its import then fails
    with pytest.raises(ImportError, match=r"OpenCV is missing: .*headless<5"):
        largest_face(picture)


@pytest.mark.parametrize("lacking", ["class", "file"])
def test_opencv_5_has_no_cascade(opencv, picture, tmp_path, lacking):
    opencv.__version__ = "5.0.0"
    if lacking == "class":
        del opencv.CascadeClassifier
    else:  # its contrib packages have the class alone
        (tmp_path / CASCADE).unlink()
    with pytest.raises(ImportError, match=r"OpenCV 5.0.0 comes without .*headless<5"):
        largest_face(picture)


def test_the_real_detector_finds_no_face_in_noise(tmp_path):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("OpenCV 5 has no cascades")
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    path = tmp_path / "noise.png"
    Image.fromarray(noise).save(path)
    with pytest.raises(DataError, match="no face was found"):
        largest_face(path)
