"""The book's own pictures: written whole or not at all, drawn wherever models are."""

import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

PATH = Path(__file__).parents[1] / "book" / "picture.py"
spec = importlib.util.spec_from_file_location("picture", PATH)
picture = importlib.util.module_from_spec(spec)
spec.loader.exec_module(picture)


@pytest.fixture
def static(tmp_path, monkeypatch):
    """A folder of old pictures, and small new ones to be drawn."""
    monkeypatch.setattr(picture, "STATIC", tmp_path)
    for name in ("faces", "routing", "plane"):
        monkeypatch.setattr(picture, name, lambda: plt.figure(figsize=(1, 1)))
    for name in WRITERS:
        (tmp_path / name).write_text("old")
    yield tmp_path
    plt.close("all")


WRITERS = {
    "faces.png": lambda: picture.write_png("faces", picture.faces()),
    "routing.svg": picture.write_routing,
    "plane.svg": picture.write_plane,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_picture_takes_the_place_of_the_old_one(name, static):
    assert WRITERS[name]() == static / name
    start = b"\x89PNG" if name.endswith("png") else b"<?xml"
    assert (static / name).read_bytes().startswith(start)
    assert {path.name for path in static.iterdir()} == set(WRITERS)


@pytest.mark.parametrize("name", WRITERS)
def test_a_picture_that_fails_on_the_way_leaves_the_old_one(name, static, monkeypatch):
    def break_off(self, target, **settings):
        if isinstance(target, Path):
            target.write_bytes(b"half")
        raise RuntimeError("on the way")

    monkeypatch.setattr(Figure, "savefig", break_off)
    with pytest.raises(RuntimeError, match="on the way"):
        WRITERS[name]()
    assert (static / name).read_text() == "old"
    assert {path.name for path in static.iterdir()} == set(WRITERS)


def test_the_routing_is_drawn_under_the_smallest_profile(clean_env, monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", "smoke")
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    figure = picture.routing()
    assert len(figure.axes) >= 1
    plt.close(figure)
