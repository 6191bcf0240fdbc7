"""Shifts: whole pixels, each image by its own, and nothing comes in from outside."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thin_mini.data import shift


def rolled(images, offsets):
    """The same, image by image: roll, then clear what came round."""
    moved = []
    for image, (down, right) in zip(images, offsets.tolist(), strict=True):
        height, width = image.shape[-2:]
        new = image.roll((down, right), (1, 2))
        rows, columns = torch.arange(height) - down, torch.arange(width) - right
        new[:, (rows < 0) | (rows >= height)] = 0
        new[:, :, (columns < 0) | (columns >= width)] = 0
        moved.append(new)
    return torch.stack(moved)


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(1, 8),
    st.integers(1, 8),
)
def test_each_image_moves_by_its_own_offset(offsets, channels, height, width):
    images = torch.rand(len(offsets), channels, height, width) + 1
    offsets = torch.tensor(offsets)
    assert torch.equal(shift(images, offsets), rolled(images, offsets))


@pytest.mark.parametrize(
    ("offset", "place"),
    [((1, 0), (3, 2)), ((-1, 0), (1, 2)), ((0, 2), (2, 4)), ((0, -2), (2, 0))],
)
def test_positive_offsets_move_down_and_to_the_right(offset, place):
    images = torch.zeros(1, 1, 5, 5)
    images[0, 0, 2, 2] = 1
    assert shift(images, torch.tensor([offset]))[0, 0].nonzero().tolist() == [[*place]]


def test_no_offset_changes_nothing_and_the_input_is_left_alone():
    images = torch.rand(3, 1, 6, 6)
    before = images.clone()
    assert torch.equal(shift(images, torch.zeros(3, 2, dtype=torch.long)), before)
    shift(images, torch.ones(3, 2, dtype=torch.long)).zero_()
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        (torch.zeros(3, 2), r"offsets must be int64, got torch\.float32"),
        (torch.zeros(1, 2).long(), r"\(3, 2\), down and .*\(1, 2\)"),
        (torch.zeros(3).long(), r"\(3, 2\), down .*\(3,\)"),
    ],
)
def test_offsets_that_do_not_fit_are_refused(offsets, message):
    with pytest.raises(ValueError, match=message):
        shift(torch.zeros(3, 1, 4, 4), offsets)
