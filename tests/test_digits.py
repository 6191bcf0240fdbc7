"""Digits: rotated the right way, labelled rightly, and always the same."""

import logging
import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import MNIST_FOLDER
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits
from torch.nn.functional import interpolate, pad

import thin_mini as tm
from thin_mini.data import digits as room
from thin_mini.data import rotate
from thin_mini.data.dataset import Features

pytestmark = pytest.mark.usefixtures("clean_env")
ANGLES = torch.arange(-180.0, 181.0, 15.0)


def full_digit():
    """Ink right into the corners, as no digit has it, and an uneven shape."""
    image = torch.rand(1, 1, 28, 28)
    image[..., 10:20, 3:12] = 0
    return image


def small_digit():
    """Near the middle: at no angle does it come close to the frame."""
    image = torch.zeros(1, 1, 28, 28)
    image[..., 8:20, 10:14] = torch.rand(12, 4)
    image[..., 8:11, 14:19] = 0.5
    return image


def upright_digits():
    """The stand-in's originals, as MNIST has them: 20 of 28 pixels wide, and labels."""
    digits = load_digits()
    images = torch.from_numpy(digits.images).float()[:, None] / 16
    images = interpolate(images, size=20, mode="bilinear", align_corners=False)
    return pad(images, (4, 4, 4, 4)), torch.from_numpy(digits.target)


def rotated_on_a_larger_canvas(image, degrees):
    """The same rotation by SciPy with room for all ink: (56, 56)."""
    image = image.double().numpy()
    y, x = np.nonzero(image)
    reach = np.hypot(y - 13.5, x - 13.5).max() + 0.5
    shrink = max(1.0, reach / 13.5)
    a = math.radians(degrees)
    back = shrink * np.array(  # output (row, column) to input, rows downwards
        [[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]
    )
    canvas, middle = np.pad(image, 14), np.array([27.5, 27.5])
    return affine_transform(canvas, back, middle - back @ middle, order=1)


@pytest.mark.parametrize("degrees", ANGLES[::3].tolist())
@pytest.mark.parametrize("make_image", [full_digit, small_digit])
def test_rotation_agrees_with_scipy_and_leaves_no_ink_outside(make_image, degrees):
    image = make_image()
    expected = torch.from_numpy(rotated_on_a_larger_canvas(image[0, 0], degrees))
    inside = expected[14:42, 14:42]
    got = rotate(image, torch.tensor([degrees]))[0, 0].double()
    torch.testing.assert_close(got, inside, rtol=0, atol=2e-4)
    assert inside.sum() == pytest.approx(expected.sum().item(), rel=1e-6)


def test_no_rotation_leaves_a_centred_digit_as_it_is():
    image = small_digit()
    torch.testing.assert_close(rotate(image, torch.zeros(1)), image, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("degrees", "k"), [(90, 1), (-90, -1), (180, 2)])
def test_a_quarter_turn_is_counter_clockwise(degrees, k):
    image = small_digit()
    expected = torch.rot90(image, k, dims=(2, 3))
    got = rotate(image, torch.tensor([float(degrees)]))
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)


def test_ink_in_a_corner_stays_in_the_frame_at_every_angle():
    image = torch.zeros(1, 1, 28, 28)
    image[..., :6, :6] = 1
    ink = rotate(image.expand(len(ANGLES), -1, -1, -1), ANGLES).flatten(1).sum(1)
    torch.testing.assert_close(ink, ink.mean().expand(len(ANGLES)), rtol=0.03, atol=0)


def test_real_digits_keep_their_ink_at_every_angle():
    images = upright_digits()[0][:40]
    turned = torch.stack([rotate(images, a.expand(40)) for a in ANGLES])
    ink = turned.flatten(2).sum(2)
    torch.testing.assert_close(ink, ink[12].expand_as(ink), rtol=0.03, atol=0)


def test_size_does_not_give_the_angle_away():
    images = full_digit().expand(2, -1, -1, -1)
    upright, turned = rotate(images, torch.tensor([0.0, 90.0]))
    torch.testing.assert_close(
        torch.rot90(upright, 1, (1, 2)), turned, atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("n", [1, 7, 8193])
def test_rotating_many_at_once_equals_rotating_one_by_one(n):
    images = torch.rand(n, 1, 8, 8) * (torch.rand(n, 1, 8, 8) > 0.5)
    degrees = 180 * torch.rand(n) - 90
    together = rotate(images, degrees)
    assert together.shape == images.shape
    for i in {0, n // 2, n - 1}:
        alone = rotate(images[i : i + 1], degrees[i : i + 1])
        torch.testing.assert_close(together[i], alone[0])


def test_bins_are_ten_degrees_wide_and_hold_their_angles(monkeypatch):
    seen = []
    monkeypatch.setattr(
        room, "rotate", lambda i, d, s: seen.append(d) or rotate(i, d, s)
    )
    parts = tm.data.mnist_r(300, 200, source="digits")
    for part, degrees in zip(parts, seen, strict=True):
        assert part.exo_edges.tolist() == pytest.approx(list(range(-90, 91, 10)))
        assert part.exo_centers.tolist() == pytest.approx(list(range(-85, 86, 10)))
        assert degrees.min() >= -90
        assert degrees.max() <= 90
        expected = np.floor((degrees.numpy() + 90) / 10).astype(int)
        assert part.exo.tolist() == expected.tolist()


def test_an_image_shows_the_digit_of_its_label_under_the_angle_of_its_bin(digits):
    (originals, labels), train = upright_digits(), digits[0]
    for i in range(6):
        close = torch.arange(-90.0, 90.0, 10) + 5
        candidates = originals[labels == train.target[i]]
        turned = torch.cat(
            [rotate(candidates, a.expand(len(candidates))) for a in close]
        )
        distance = (turned - train.images[i]).flatten(1).norm(dim=1)
        assert int(distance.argmin()) // len(candidates) == int(train.exo[i])


def test_all_eighteen_bins_and_all_ten_digits_occur_about_evenly():
    train, _ = tm.data.mnist_r(3600, 1, source="digits")
    for labels, classes in ((train.exo, 18), (train.target, 10)):
        count = torch.bincount(labels, minlength=classes) / (3600 / classes)
        assert count.min() > 0.7
        assert count.max() < 1.3


def test_a_data_set_looks_as_it_says(digits):
    for part, n in zip(digits, (256, 128), strict=True):
        assert part.images.shape == (n, 1, 28, 28)
        assert part.images.dtype == torch.float32
        assert part.target.dtype == part.exo.dtype == torch.int64
        assert part.images.min() >= 0
        assert part.images.max() <= 1 + 1e-6
        assert (part.n_classes, part.n_exo, len(part)) == (10, 18, n)
        image, target, exo = part[3]
        assert torch.equal(image, part.images[3])
        assert (target, exo) == (part.target[3], part.exo[3])


def test_the_seed_decides_everything(digits):
    again = tm.data.mnist_r(256, 128, source="digits")
    other = tm.data.mnist_r(256, 128, source="digits", seed=1)
    for a, b, c in zip(digits, again, other, strict=True):
        assert a.fingerprint() == b.fingerprint() != c.fingerprint()
        assert not torch.equal(a.exo, c.exo)
        assert not torch.equal(a.target, c.target)


@pytest.mark.parametrize("n", [1, 100, 256, 2000])
def test_a_smaller_set_is_a_prefix_of_a_larger_one(n):
    small, _ = tm.data.mnist_r(n, 1, source="digits")
    large, _ = tm.data.mnist_r(2500, 1, source="digits")
    assert large.subset(slice(n)).fingerprint() == small.fingerprint()


def test_the_stand_in_shows_each_of_its_digits_ten_times_and_in_one_part(monkeypatch):
    monkeypatch.setattr(room, "rotate", lambda images, *_: images)
    train, test = tm.data.mnist_r(source="digits")
    assert (len(train), len(test)) == (14370, 3600)
    assert "1,437 images under 14,370 rotations" in train.source
    images, labels = upright_digits()
    for part, own in ((train, slice(1437)), (test, slice(1437, None))):
        shown, digits = (
            Counter((i.numpy().tobytes(), int(k)) for i, k in zip(x, y, strict=True))
            for x, y in ((part.images, part.target), (images[own], labels[own]))
        )
        assert shown == {digit: 10 * n for digit, n in digits.items()}


def test_the_stand_in_says_what_it_is_in_the_data_set_and_in_the_log(caplog):
    with caplog.at_level(logging.WARNING, "thin_mini"):
        train, test = tm.data.mnist_r(20, 10)  # no copy and no network
    for part in (train, test):
        assert "scikit-learn digits, a stand-in for MNIST" in part.source
        assert part.source in repr(part)
    (record,) = caplog.records
    assert "no network" in record.getMessage()
    assert "scikit-learn's digits instead of MNIST" in record.getMessage()


def test_a_stand_in_that_was_asked_for_needs_no_warning(caplog, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    train, _ = tm.data.mnist_r(20, 10)
    assert "stand-in" in train.source
    assert caplog.records == []


@pytest.mark.skipif(MNIST_FOLDER is None, reason="THIN_MINI_DATA names no folder")
def test_the_real_mnist_is_read_where_it_is(monkeypatch, caplog):
    monkeypatch.setenv("THIN_MINI_DATA", str(MNIST_FOLDER))
    train, test = tm.data.mnist_r(1000, 500)
    for part, n in ((train, 1000), (test, 500)):
        assert part.source.startswith(f"MNIST, {n:,} images under {n:,} rotations")
        assert part.images.shape == (n, 1, 28, 28)
        assert part.images.max() > 0.9
        assert set(part.exo.tolist()) == set(range(18))
        assert set(part.target.tolist()) == set(range(10))
    assert caplog.records == []


@pytest.mark.parametrize("n", [(0, 5), (5, 0), (-3, 5)])
def test_fewer_than_one_image_is_refused(n):
    with pytest.raises(ValueError, match=f"at least 1, got {min(n)}"):
        tm.data.mnist_r(*n, source="digits")


def test_an_unknown_source_is_refused_naming_the_known_ones():
    with pytest.raises(ValueError, match=r"auto, mnist, digits, got 'imagenet'"):
        tm.data.mnist_r(source="imagenet")


def test_a_split_parts_the_images_without_overlap_and_by_its_seed(digits):
    whole = replace(digits[0], target=torch.arange(256), n_classes=256)
    rest, valid = whole.split(56)
    assert sorted([*rest.target.tolist(), *valid.target.tolist()]) == list(range(256))
    assert (len(rest), len(valid)) == (200, 56)
    again, other = whole.split(56)[1], whole.split(56, seed=1)[1]
    assert valid.fingerprint() == again.fingerprint() != other.fingerprint()
    assert valid.target.tolist() != list(range(56))


@pytest.mark.parametrize("n", [0, -1, 256, 300])
def test_a_split_with_an_empty_part_is_refused(n, digits):
    with pytest.raises(ValueError, match=f"between 1 and 255, got {n}"):
        digits[0].split(n)


@pytest.mark.parametrize("n", [1, 2])
def test_a_subset_by_a_bool_for_each_image(n, digits):
    few = digits[0].subset(slice(n))
    assert len(few.subset(torch.arange(n) == n - 1)) == 1


def test_a_subset_keeps_images_and_labels_together(digits):
    index = torch.tensor([5, 2, 2])
    part = digits[0].subset(index)
    for name in ("images", "target", "exo"):
        assert torch.equal(getattr(part, name), getattr(digits[0], name)[index])
    assert (part.n_classes, part.source) == (10, digits[0].source)


def test_the_exogenous_task_has_the_bins_as_classes(digits):
    task = digits[0].exogenous()
    assert torch.equal(task.target, digits[0].exo)
    assert torch.equal(task.images, digits[0].images)
    assert (task.n_classes, task.n_exo) == (18, 18)
    assert digits[0].n_classes == 10


@pytest.mark.parametrize("what", ["images", "target", "exo"])
def test_the_fingerprint_notices_one_changed_value(what, digits):
    changed = getattr(digits[0], what).clone()
    changed.view(-1)[7] = 1 - changed.view(-1)[7].clamp(0, 1)
    other = replace(digits[0], **{what: changed})
    assert other.fingerprint() != digits[0].fingerprint()


@pytest.mark.parametrize(
    ("what", "value", "message"),
    [
        ("target", 10, "target label 10 is out of range: labels run from 0 to 9"),
        ("target", -1, "target label -1 is out of range"),
        ("exo", 18, "exo label 18 is out of range: labels run from 0 to 17"),
        ("exo", -2, "exo label -2 is out of range"),
        ("images", math.nan, "image 3 holds NaN or infinite pixels: clean or drop"),
        ("images", math.inf, "image 3 holds NaN or infinite"),
        ("images", -math.inf, "image 3 holds NaN or infinite"),
    ],
)
def test_bad_labels_and_pixels_are_refused(what, value, message, digits):
    changed = getattr(digits[0], what).clone()
    changed[3] = value
    with pytest.raises(ValueError, match=message):
        replace(digits[0], **{what: changed})


def test_huge_finite_features_are_finite_although_their_sum_is_not(digits):
    huge = torch.full_like(digits[0].images, 1e38)
    assert torch.equal(Features(**vars(digits[0]) | {"images": huge}).images, huge)


def spoilt(images, value):
    images = images.clone()
    images[7, 0, 3, 3] = value
    return images


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: 255 * x, r"in 0\.\.1, and image 0 holds 0 to 2.*dividing by 255"),
        (lambda x: (255 * x).byte(), r"float32 .*got torch\.uint8: divide by 255"),
        (
            lambda x: x.double(),
            r"float32 .*got torch\.float64: write images\.float\(\)",
        ),
        (lambda x: x.half(), r"float32 .*got torch\.float16"),
        (lambda x: x - 0.5, r"must lie in 0\.\.1, and image 0 holds -0\.5 to"),
        (lambda x: spoilt(x, -1), r"image 7 holds -1 to"),
        (lambda x: spoilt(x, 1.5), r"image 7 holds 0 to 1\.5"),
        (lambda x: spoilt(x, math.nan), "image 7 holds NaN"),
        (lambda x: x[:, :, :0], r"must be \(N, C, H, W\), got \(256, 1, 0, 28\)"),
        (lambda x: x[:, 0], r"must be \(N, C, H, W\), got \(256, 28, 28\)"),
    ],
)
def test_images_that_cannot_be_right_are_refused(change, message, digits):
    with pytest.raises(ValueError, match=message):
        replace(digits[0], images=change(digits[0].images))


def test_what_rounding_adds_to_a_pixel_is_forgiven(digits):
    replace(digits[0], images=digits[0].images * (1 + 1e-6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((256, 1, 28, 28), "f4")}, "images is a ndarray: pass a"),
        ({"target": [0] * 256}, "target is a list: pass "),
    ],
)
def test_what_is_no_tensor_is_refused(change, message, digits):
    with pytest.raises(TypeError, match=message):
        replace(digits[0], **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_classes": 0}, "n_classes must be at least 1, got 0"),
        ({"n_classes": 10.0}, r"n_classes must be a whole number, got 10\.0"),
        ({"n_exo": True}, "n_exo must be a whole number, got True"),
        ({"exo_edges": torch.zeros(3)}, "the 19 borders of the bins .*shape"),
        ({"exo_edges": torch.zeros(19)}, "19 borders of the bins in rising order"),
        ({"factors": {"age": torch.zeros(3)}}, "256 images but 3 values of age"),
        ({"target": torch.zeros(256)}, r"target must be int64, got torch\.float32"),
        ({"target": torch.full((256,), -1)}, "target label -1 is out of range"),
    ],
)
def test_labels_and_bins_that_cannot_be_right_are_refused(change, message, digits):
    with pytest.raises(ValueError, match=message):
        replace(digits[0], **change)


def test_one_image_cannot_be_split(digits):
    with pytest.raises(ValueError, match="one image cannot be divided in two"):
        digits[0].subset(slice(1)).split(1)
    with pytest.raises(ValueError, match=r"n_valid must be a whole number, got 0\.2"):
        digits[0].split(0.2)


def test_an_empty_data_set_is_refused(digits):
    with pytest.raises(ValueError, match=r"empty \(0 images\): ask for at least one"):
        digits[0].subset(slice(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(256, 28, 28)}, "(N, C, H, W), got (256, 28, 28)"),
        ({"target": torch.zeros(255).long()}, "each image, got (255,)"),
        ({"exo": torch.zeros(256, 1).long()}, "each image, got (256, 1)"),
    ],
)
def test_shapes_that_disagree_are_refused(change, message, digits):
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(digits[0], **change)


def test_rotation_and_scale_look_at_the_same_images_with_labels_of_their_own():
    by_rotation = tm.data.mnist_rs(200, 100, by="rotation", source="digits")
    by_scale = tm.data.mnist_rs(200, 100, by="scale", source="digits")
    for a, b in zip(by_rotation, by_scale, strict=True):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.target, b.target)
        assert (a.n_exo, b.n_exo) == (18, 10)
        assert (a.exo_name, b.exo_name) == ("rotation (°)", "scale")
        assert "rotations and scales" in a.source


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("degrees", [0.0, 33.0])
def test_scaling_shrinks_the_ink_by_the_square_of_the_factor(factor, degrees):
    image, angle = (small_digit() > 0).float(), torch.tensor([degrees])
    small = rotate(image, angle, torch.tensor([factor]))
    assert small.sum() == pytest.approx(factor**2 * image.sum().item(), rel=0.03)


def test_the_images_of_mnist_rs_are_those_of_mnist_r_made_smaller():
    large, _ = tm.data.mnist_r(500, 1, source="digits")
    small, _ = tm.data.mnist_rs(500, 1, by="scale", source="digits")
    assert torch.equal(large.target, small.target)
    ratio = small.images.flatten(1).sum(1) / large.images.flatten(1).sum(1)
    expected = small.exo_centers[small.exo].float() ** 2
    torch.testing.assert_close(ratio, expected, rtol=0.15, atol=0)


def test_scale_bins_are_a_twentieth_wide_and_hold_their_scales(monkeypatch):
    seen = []
    monkeypatch.setattr(
        room, "rotate", lambda i, d, s: seen.append(s) or rotate(i, d, s)
    )
    parts = tm.data.mnist_rs(300, 200, by="scale", source="digits")
    for part, scale in zip(parts, seen, strict=True):
        centers = [0.525 + 0.05 * i for i in range(10)]
        assert part.exo_centers.tolist() == pytest.approx(centers)
        assert scale.min() >= 0.5
        assert scale.max() <= 1
        assert part.exo.tolist() == ((scale - 0.5) / 0.05).floor().int().tolist()
        assert set(part.exo.tolist()) == set(range(10))


@pytest.mark.parametrize("by", ["rotation", "scale"])
def test_a_smaller_set_of_scaled_digits_is_a_prefix_of_a_larger_one(by):
    small = tm.data.mnist_rs(40, 30, by=by, source="digits")
    large = tm.data.mnist_rs(1500, 400, by=by, source="digits")
    for a, b in zip(small, large, strict=True):
        assert b.subset(slice(len(a))).fingerprint() == a.fingerprint()


def test_an_unknown_exogenous_variable_is_refused():
    with pytest.raises(
        ValueError, match="by must be one of rotation, scale, got 'colour'"
    ):
        tm.data.mnist_rs(5, 5, by="colour", source="digits")


SQUARES = torch.rand(3, 1, 8, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((255 * SQUARES, torch.zeros(3)), "dividing by 255"),
        (
            (SQUARES, torch.zeros(1)),
            r"degrees must be \(3,\), .*got \(1,\)",
        ),
        (
            (SQUARES, torch.zeros(3, 1)),
            r"degrees must be \(3,\), one number .*got \(3, 1\)",
        ),
        (
            (SQUARES, torch.tensor([0, math.nan, 0])),
            "degrees must be finite, got nan at 1",
        ),
        ((SQUARES, torch.zeros(3), torch.zeros(3)), "scale must lie above 0"),
        (
            (SQUARES, torch.zeros(3), torch.full((3,), 1.5)),
            r"scale must lie between 0 and 1, got 1\.5 at 0",
        ),
        (
            (SQUARES, torch.zeros(3), torch.ones(2)),
            r"scale must be \(3,\), .*got \(2,\)",
        ),
        ((torch.rand(3, 2, 8, 8), torch.zeros(3)), r"must be \(N, 1, S, S\)"),
        ((torch.rand(3, 1, 8, 9), torch.zeros(3)), r"must be \(N, 1, S, S\)"),
    ],
)
def test_rotations_that_cannot_be_right_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rotate(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_train": 2.5}, r"n_(train|test) must be a whole number, got 2\.5"),
        ({"n_test": True}, "n_(train|test) must be a whole number, got True"),
        ({"seed": -1}, "seed must lie between 0 and"),
        ({"seed": "a"}, "seed must be a whole number, got 'a'"),
    ],
)
@pytest.mark.parametrize("make", [tm.data.mnist_r, tm.data.mnist_rs])
def test_numbers_of_images_that_are_none_are_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**{"n_train": 4, "n_test": 4, "source": "digits"} | arguments)
