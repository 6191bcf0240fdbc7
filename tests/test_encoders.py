"""Encoders: two padded convolutions, and images of the promised size only."""

import pytest
import torch
import torch.nn.functional as F
from conftest import randomise

import thin_mini as tm


def by_hand(encoder, x):
    """Rectified before the pooling, as the paper writes it, from the raw weights."""
    for conv, norm in ((0, 1), (4, 5)):
        conv, norm = encoder.layers[conv], encoder.layers[norm]
        x = F.conv2d(F.pad(x, (1, 1, 1, 1)), conv.weight)
        x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        x = F.max_pool2d(torch.relu(x), 2)
    return x.flatten(1)


def test_the_encoder_is_two_convolutions_each_rectified_then_pooled():
    encoder = randomise(tm.ConvEncoder()).eval()
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(encoder(images), by_hand(encoder, images))


@pytest.mark.parametrize(
    ("channels", "size", "width", "features"),
    [(1, 28, 16, 784), (3, 28, 16, 784), (1, 64, 16, 4096), (2, 4, 5, 5)],
)
def test_out_features_is_the_size_of_the_representation(
    channels, size, width, features
):
    encoder = tm.ConvEncoder(channels, size, (width, width))
    assert encoder.out_features == features
    assert encoder(torch.rand(2, channels, size, size)).shape == (2, features)


@pytest.mark.parametrize("size", [0, 2, 27, 30])
def test_a_size_that_cannot_be_halved_twice_is_refused(size):
    with pytest.raises(ValueError, match=f"multiple of 4, got {size}"):
        tm.ConvEncoder(image_size=size)


@pytest.mark.parametrize("shape", [(2, 1, 32, 32), (2, 3, 28, 28), (2, 28, 28)])
def test_images_of_another_size_are_refused_naming_both(shape):
    with pytest.raises(ValueError, match=r"\(N, 1, 28, 28\), got \(2, .*\d\)"):
        tm.ConvEncoder()(torch.zeros(shape))
