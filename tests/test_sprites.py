"""Sprites: the official frames without the file, and data sets cut from them."""

import math
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MNIST_FOLDER, needs_pipes, pipe_at
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline
from scipy.spatial import KDTree

from thin_mini.data import DataError, dsprites, render_sprites
from thin_mini.data import official as official_room
from thin_mini.data import sprites as room

pytestmark = pytest.mark.usefixtures("clean_env")
SAMPLE = "dsprites_official_sample.npz"
BESIDE = Path(__file__).parents[2] / "shared" / "data"
FOLDERS = [f for f in (MNIST_FOLDER, BESIDE) if f]
N_CELLS = 3 * 39 * 32 * 32


@pytest.fixture(scope="module")
def official():
    """(frames, ours): official frames and the same factors drawn here."""
    found = [f / SAMPLE for f in FOLDERS if (f / SAMPLE).is_file()]
    if not found:
        pytest.skip(f"there is no {SAMPLE} in {' or '.join(map(str, FOLDERS))}")
    with np.load(found[0]) as archive:
        frames, values = archive["imgs"], torch.from_numpy(archive["latents_values"])
    drawn = render_sprites(values[:, 1].long() - 1, *values[:, 2:].T)
    return torch.from_numpy(frames), drawn


def test_official_frames_overlap_almost_wholly(official):
    frames, ours = (images.bool().flatten(1) for images in official)
    iou = (frames & ours).sum(1) / (frames | ours).sum(1)
    assert len(iou) == 129
    assert iou.mean() >= 0.999
    assert iou.min() >= 0.985


def test_most_official_frames_are_met_pixel_by_pixel(official):
    frames, ours = official
    assert (frames == ours).flatten(1).all(1).double().mean() >= 0.88


def outline(kind, n=3000):
    """The shape's border at scale 1 around (0, 0), x right and y down: (n, 2)."""
    t = np.linspace(0, 2 * math.pi, n, endpoint=False)
    if kind == 0:
        side = np.linspace(-9.6, 9.6, n // 4, endpoint=False)
        end = np.full_like(side, 9.6)
        u, v = np.r_[side, end, -side, -end], np.r_[-end, side, end, -side]
    elif kind == 1:
        u, v = 12.75 * np.cos(t), 7.22 * np.sin(t)
    else:
        upwards = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        u, v = 9.595 * np.sin(t) ** 3, -0.6627 * upwards - 1.441
    return np.stack([u, v], 1)


def check_against_outline(kind, scale, orientation, x, y, size):
    """Pixel by pixel, but for those whose centre is as good as on the border."""
    turn = np.array(  # counter-clockwise where y points down
        [
            [math.cos(orientation), math.sin(orientation)],
            [-math.sin(orientation), math.cos(orientation)],
        ]
    )
    middle = np.array([16 + 32 * x, 16 + 32 * y])
    border = (middle + scale * outline(kind) @ turn.T) * size / 64
    centres = np.stack(np.meshgrid(*2 * [np.arange(size) + 0.5]), -1).reshape(-1, 2)
    clear = KDTree(border).query(centres)[0] > 0.02 * size / 64
    factors = (torch.tensor([f]) for f in (kind, scale, orientation, x, y))
    drawn = render_sprites(*factors, size=size).flatten().numpy()
    assert clear.mean() > 0.8
    assert (drawn == Outline(border).contains_points(centres))[clear].all()


unit = st.floats(0, 1)


@pytest.mark.parametrize("kind", [0, 1, 2])
@given(st.floats(0.5, 1), st.floats(-7, 7), unit, unit)
def test_each_pixel_is_on_if_its_centre_lies_inside_the_outline(kind, scale, a, x, y):
    check_against_outline(kind, scale, a, x, y, size=64)


@pytest.mark.parametrize("size", [4, 5, 28, 64, 101])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_every_size_shows_the_same_shape_in_the_same_place(kind, size):
    check_against_outline(kind, 0.9, 0.4, 0.1, 0.8, size)


def random_factors(n, seed=0):
    draw = np.random.default_rng(seed)
    ranges = [(0.5, 1), (-7, 7), (0, 1), (0, 1)]
    rest = (torch.from_numpy(draw.uniform(*r, n)) for r in ranges)
    return torch.from_numpy(draw.integers(0, 3, n)), *rest


def test_images_are_bytes_of_zero_and_one():
    images = render_sprites(*random_factors(5))
    assert images.shape == (5, 64, 64)
    assert images.dtype == torch.uint8
    assert images.unique().tolist() == [0, 1]


@pytest.mark.parametrize("position", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_no_sprite_touches_the_frame(position):
    shape = torch.arange(3).repeat_interleave(90)
    turn = torch.linspace(0, 2 * math.pi, 90).repeat(3)
    x, y = (torch.full((270,), value) for value in position)
    images = render_sprites(shape, torch.ones(270), turn, x, y)
    assert images[:, 2:-2, 2:-2].sum() == images.sum() > 0


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_heart_turns_counter_clockwise(k):
    turn = torch.tensor([0.3, 0.3 + k * math.pi / 2], dtype=torch.float64)
    two, half = torch.tensor([2, 2]), torch.tensor([0.5, 0.5])
    before, after = render_sprites(two, 1.9 * half, turn, half, half)
    assert torch.equal(torch.rot90(before, k), after)


def test_x_moves_to_the_right_and_y_down():
    one = torch.ones(3)
    x, y = torch.tensor([0.5, 0.75, 0.5]), torch.tensor([0.5, 0.5, 0.75])
    first, right, down = render_sprites((2 * one).long(), one, 0 * one, x, y)
    assert torch.equal(first.roll(8, 1), right)
    assert torch.equal(first.roll(8, 0), down)


@pytest.mark.parametrize("n", [0, 1, 6, 7, 8, 20])
def test_a_batch_in_chunks_equals_one_by_one(n, monkeypatch):
    factors = random_factors(20)
    alone = [render_sprites(*(f[i : i + 1] for f in factors)) for i in range(n)]
    monkeypatch.setattr(room, "CHUNK", 7)
    together = render_sprites(*(f[:n] for f in factors))
    assert together.shape == (n, 64, 64)
    assert all(torch.equal(a[0], b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shape", 3),
        ("shape", -1),
        ("scale", 0.49),
        ("scale", 1.01),
        ("scale", math.nan),
        ("orientation", math.inf),
        ("orientation", math.nan),
        ("x", -0.01),
        ("y", 1.01),
    ],
)
def test_a_factor_out_of_range_is_refused_with_its_place(name, value):
    names = ("shape", "scale", "orientation", "x", "y")
    factors = dict(zip(names, random_factors(5), strict=True))
    factors[name][3] = value
    with pytest.raises(ValueError, match=f"{name} must (lie|be) .*got {value} at 3"):
        render_sprites(**factors)


def test_a_shape_between_two_shapes_is_refused():
    shape, *rest = random_factors(2)
    with pytest.raises(ValueError, match=r"shape must hold integers, got torch\.float"):
        render_sprites(shape + 0.5, *rest)


def test_factors_of_two_lengths_and_images_too_small_are_refused():
    shape, *rest = random_factors(5)
    with pytest.raises(ValueError, match=r"scale must be \(4,\), .* got \(5,\)"):
        render_sprites(shape[:4], *rest)
    with pytest.raises(ValueError, match="at least 4, got 3"):
        render_sprites(shape, *rest, size=3)


@pytest.mark.parametrize("n_scales", [6, 10])
def test_a_data_set_looks_as_it_says(n_scales):
    parts = dsprites(300, 200, n_scales=n_scales)
    for part, n in zip(parts, (300, 200), strict=True):
        assert part.images.shape == (n, 1, 28, 28)
        assert part.images.dtype == torch.float32
        assert part.images.min() == 0
        assert part.images.max() == pytest.approx(1, abs=1e-5)
        assert part.target.dtype == part.exo.dtype == torch.int64
        assert part.target.unique().tolist() == [0, 1, 2]
        assert part.exo.unique().tolist() == list(range(n_scales))
        assert (part.n_classes, part.n_exo, part.exo_name) == (3, n_scales, "scale")
        assert part.source == f"dSprites, rendered, {n} images"


def test_the_area_of_squares_and_ellipses_is_that_of_their_scale():
    train, _ = dsprites(400, 1, n_scales=6, size=64)
    scale = train.exo_centers[train.exo]
    area = train.images.flatten(1).sum(1).double()
    for kind, at_one in ((0, 19.2**2), (1, math.pi * 12.75 * 7.22)):
        of_kind = train.target == kind
        expected = at_one * scale[of_kind] ** 2
        torch.testing.assert_close(area[of_kind], expected, rtol=0.1, atol=0)


@pytest.mark.parametrize(
    ("n_scales", "first", "width"), [(10, 0.525, 0.05), (6, 0.5, 0.1)]
)
def test_each_scale_lies_in_its_bin(n_scales, first, width, monkeypatch):
    seen = []
    monkeypatch.setattr(
        room, "render_sprites", lambda *f: seen.append(f[1]) or render_sprites(*f)
    )
    parts = dsprites(500, 300, n_scales=n_scales, size=4)
    for part, scale in zip(parts, seen, strict=True):
        expected = [first + width * i for i in range(n_scales)]
        assert part.exo_centers.tolist() == pytest.approx(expected)
        assert (part.exo_edges[part.exo] <= scale).all()
        assert (scale < part.exo_edges[part.exo + 1]).all()
        if n_scales == 6:
            torch.testing.assert_close(scale, part.exo_centers[part.exo])
        else:
            assert len(scale.unique()) == len(scale)


@pytest.mark.parametrize(("n_scales", "n", "seed"), [(6, 30_000, 1), (10, N_CELLS, 0)])
def test_training_and_test_factors_are_disjoint_up_to_the_last(
    n_scales, n, seed, monkeypatch
):
    drawn = []

    def blank(*factors):
        drawn.append(torch.stack(factors, 1))
        return torch.zeros(1, 64, 64, dtype=torch.uint8).expand(len(factors[0]), -1, -1)

    monkeypatch.setattr(room, "render_sprites", blank)
    dsprites(n - 9_000, 9_000, n_scales=n_scales, size=4, seed=seed)
    factors = torch.cat(drawn)
    if n_scales == 10:  # which are drawn, and differ anyway
        factors = factors[:, [0, 2, 3, 4]]
    assert len({row.tobytes() for row in factors.numpy()}) == n


@pytest.mark.parametrize("n_scales", [6, 10])
@pytest.mark.parametrize("n", [1, 100])
def test_smaller_sets_are_prefixes_of_larger_ones(n_scales, n):
    small = dsprites(n, n + 1, n_scales=n_scales)
    large = dsprites(250, 200, n_scales=n_scales)
    for a, b in zip(small, large, strict=True):
        assert b.subset(slice(len(a))).fingerprint() == a.fingerprint()


def test_the_seed_decides_everything():
    first, again, other = (dsprites(60, 40, seed=seed) for seed in (0, 0, 1))
    for a, b, c in zip(first, again, other, strict=True):
        assert a.fingerprint() == b.fingerprint() != c.fingerprint()
        assert not torch.equal(a.target, c.target)
        assert not torch.equal(a.exo, c.exo)


@pytest.mark.parametrize("size", [4, 28, 33, 63, 64])
def test_area_averaging_keeps_the_ink_of_every_image(size):
    full, small = dsprites(50, 1, size=64)[0], dsprites(50, 1, size=size)[0]
    assert small.images.shape[-2:] == (size, size)
    torch.testing.assert_close(
        small.images.mean((1, 2, 3)), full.images.mean((1, 2, 3))
    )


def test_averaging_to_half_the_size_is_the_mean_of_four_pixels():
    full, small = (dsprites(20, 1, size=size)[0].images for size in (64, 32))
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(full, 2), small)


@pytest.mark.parametrize("size", [4, 28, 33, 63, 64])
def test_area_weights_share_each_pixel_out_once(size):
    weights = room.area_weights(size)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(1), torch.ones(size))
    torch.testing.assert_close(weights.sum(0), torch.full((64,), size / 64))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_scales": 7}, "n_scales must be one of 10, 6, got 7"),
        ({"size": 2}, "between 4 and 64, got 2"),
        ({"size": 65}, "between 4 and 64, got 65"),
        ({"n_train": 0}, "n_train must be at least 1, got 0"),
        ({"n_test": 0}, "n_test must be at least 1, got 0"),
        ({"n_train": N_CELLS}, "at most 119,808, .*got 119,808 and 10,000"),
        ({"n_train": 6 * N_CELLS, "n_scales": 6}, "at most 718,848"),
        ({"source": "web"}, "one of auto, official, rendered, got 'web'"),
        ({"source": "official"}, "official file has six scales: pass n_scales=6"),
    ],
    ids=str,
)
def test_dsprites_refuses_naming_the_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        dsprites(**arguments)


def official_file(folder):
    folder.mkdir(exist_ok=True, parents=True)
    return folder / official_room.FILE


class Frames:
    """As the official array is indexed, but drawn when it is asked."""

    def __getitem__(self, line):
        axes = np.unravel_index(line, (3, 6, 40, 32, 32))
        shape, scale, turn, x, y = (torch.from_numpy(axis.copy()) for axis in axes)
        turn = turn * (2 * math.pi / 39)
        images = render_sprites(shape, 0.5 + scale / 10, turn, x / 31, y / 31)
        return images.numpy()


@pytest.mark.parametrize("source", ["official", "auto"])
@pytest.mark.parametrize("place", ["data", "cache"])
def test_the_official_file_is_taken_from_the_data_folder_or_the_cache(
    source, place, tmp_path, monkeypatch
):
    claimed(official_file(tmp_path / place), header_of(OFFICIAL_SHAPE))
    (tmp_path / "data").mkdir(exist_ok=True)
    monkeypatch.setenv("THIN_MINI_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: Frames())
    drawn = dsprites(60, 40, n_scales=6, source="rendered")
    read = dsprites(60, 40, n_scales=6, source=source)
    for a, b in zip(drawn, read, strict=True):
        assert "official file" in b.source
        # The same factors; a pixel on the border may fall to either side.
        assert torch.equal(a.target, b.target)
        assert torch.equal(a.exo, b.exo)
        torch.testing.assert_close(a.images, b.images, rtol=0, atol=0.3)
        assert (a.images - b.images).abs().mean() < 1e-3


def test_without_the_official_file_auto_draws_and_official_says_where_to_put_it(
    clean_env,
):
    assert "rendered" in dsprites(5, 5, n_scales=6)[0].source
    with pytest.raises(DataError, match=r"no dsprites_.*npz in .*cache: put it there"):
        dsprites(5, 5, n_scales=6, source="official")


class Opened:
    """What a pickle may hold: a call, made when the file is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def damage(kind, path):
    images = np.random.default_rng(0).integers(0, 2, (50, 64, 64), dtype=np.uint8)
    if kind == "other key":
        np.savez(path, images=images)
    elif kind == "pickle":
        np.savez(path, imgs=np.array([Opened(path.parent / "trace")], dtype=object))
    else:
        np.savez_compressed(path, imgs=images)
    whole = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "first bytes":  # no compressed stream begins like this
        path.write_bytes(whole[:64] + b"\xff" * 64 + whole[128:])
    elif kind == "middle bytes":
        path.write_bytes(whole[:9000] + bytes(64) + whole[9064:])
    elif kind in ("empty", "text"):
        path.write_bytes(b"" if kind == "empty" else b"<html>not found</html>")


@pytest.mark.parametrize(
    "kind",
    [
        "truncated",
        "first bytes",
        "middle bytes",
        "empty",
        "text",
        "other key",
        "pickle",
    ],
)
def test_a_damaged_official_file_is_refused_and_named(kind, clean_env, monkeypatch):
    monkeypatch.setattr(official_room, "SHAPE", (50, 64, 64))
    path = official_file(clean_env)
    damage(kind, path)
    with pytest.raises(DataError, match=rf"{path.name} is damaged .*fetch it again"):
        dsprites(5, 5, n_scales=6)
    assert not (clean_env / "trace").exists()


def claimed(path, header, body=b"", version=1):
    """An official file whose array's header is ``header``, whatever follows."""
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    member = b"\x93NUMPY" + bytes([version, 0]) + size + header + body
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imgs.npy", member)


def header_of(shape, dtype="|u1"):
    return (
        f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    )


OFFICIAL_SHAPE = (737_280, 64, 64)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (header_of((10**12, 64, 64)), r"holds uint8 \(1000000000000, 64, 64\) instead"),
        (
            header_of((10**30,)),
            r"holds uint8 \(1000000000000000000000000000000,\) inst",
        ),
        (header_of(OFFICIAL_SHAPE, "<f8"), r"holds float64 \(737280, 64, 64\) instead"),
        (header_of(OFFICIAL_SHAPE, "|u1000000000"), "is damaged"),
        (header_of(OFFICIAL_SHAPE, "|V1000000000"), "holds .*V1000000000.* instead"),
        (header_of(OFFICIAL_SHAPE, "|O"), "is damaged .it holds object"),
        (header_of((-1, 64, 64)), "holds uint8"),
        (header_of("(" * 3000 + ")" * 3000), "is damaged"),
        (b"__import__('os').mkdir('trace')\n", "is damaged"),
        (b"", "is damaged"),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_a_header_claims_is_judged_before_the_array_is_read(
    version, header, message, clean_env, monkeypatch
):
    path = official_file(clean_env)
    monkeypatch.setattr(
        np.lib.format, "read_array", lambda *_, **__: pytest.fail("read")
    )
    claimed(path, header, version=version)
    message = "is damaged .its header is of version" if version == 3 else message
    with pytest.raises(DataError, match=message):
        dsprites(5, 5, n_scales=6)


def test_a_header_that_claims_to_be_huge_is_not_read_whole(clean_env):
    path = official_file(clean_env)
    claimed(path, bytes(1 << 26), version=2)  # 64 MB of nothing, packed into 64 kB
    tracemalloc.start()
    with pytest.raises(DataError, match="is damaged"):
        dsprites(5, 5, n_scales=6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24


def test_an_official_file_that_ends_early_is_damaged(clean_env, monkeypatch):
    monkeypatch.setattr(official_room, "SHAPE", (100, 64, 64))
    path = official_file(clean_env)
    claimed(path, header_of((100, 64, 64)), bytes(1000))
    with pytest.raises(DataError, match=r"is damaged .*fetch it again"):
        dsprites(5, 5, n_scales=6)


def test_too_little_memory_is_named(clean_env, monkeypatch):
    path = official_file(clean_env)
    claimed(path, header_of(OFFICIAL_SHAPE))

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "read_array", full)
    with pytest.raises(DataError, match=r"needs 3\.0 GB of memory, more than is free"):
        dsprites(5, 5, n_scales=6)


def test_official_pixels_are_0_and_1(clean_env, monkeypatch):
    claimed(official_file(clean_env), header_of(OFFICIAL_SHAPE))
    grey = np.full((1, 64, 64), 255, dtype=np.uint8)
    frames = type("Grey", (), {"__getitem__": lambda _, line: grey})()
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: frames)
    with pytest.raises(DataError, match="holds pixels of 255, not of 0 and 1"):
        dsprites(5, 5, n_scales=6)


@needs_pipes
@pytest.mark.parametrize("source", ["auto", "official"])
def test_a_pipe_in_place_of_the_official_file_is_named(source, clean_env):
    path = official_file(clean_env)
    pipe_at(path)
    with pytest.raises(DataError, match=f"{path} is a pipe and not a file"):
        dsprites(5, 5, n_scales=6, source=source)


def test_an_official_file_of_another_shape_is_refused_saying_both(clean_env):
    path = official_file(clean_env)
    damage("", path)
    message = "holds uint8 (50, 64, 64) instead of uint8 (737280, 64, 64)"
    with pytest.raises(DataError, match=re.escape(message)):
        dsprites(5, 5, n_scales=6)
