"""Encoders: padded convolutions, and images of the promised size only."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
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


@pytest.mark.parametrize(
    ("widths", "size", "features"), [((3,), 6, 27), ((2, 3, 4), 24, 36)]
)
def test_an_encoder_has_as_many_convolutions_as_widths(widths, size, features):
    encoder = tm.ConvEncoder(1, size, widths)
    convolutions = [m for m in encoder.layers if isinstance(m, torch.nn.Conv2d)]
    assert tuple(conv.out_channels for conv in convolutions) == widths
    assert encoder.out_shape == (widths[-1], 3, 3)
    assert encoder(torch.rand(2, 1, size, size)).shape == (2, features)
    with pytest.raises(ValueError, match=f"of {2 ** len(widths)}, got {size + 1}"):
        tm.ConvEncoder(1, size + 1, widths)


def test_any_layers_make_an_encoder_and_measuring_them_changes_nothing():
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.BatchNorm2d(5))
    before = {k: v.clone() for k, v in layers.state_dict().items()}
    encoder = tm.Encoder(layers, (3, 6, 9))
    assert (encoder.out_shape, encoder.out_features) == ((5, 4, 7), 140)
    torch.testing.assert_close(dict(layers.state_dict()), before)
    assert layers.training
    images = torch.rand(2, 3, 6, 9)
    torch.testing.assert_close(encoder(images).view(2, 5, 4, 7), layers(images))
    flat = tm.Encoder(torch.nn.Flatten(), (3, 6, 9))
    assert (flat.out_shape, flat.out_features) == ((162, 1, 1), 162)


def test_vgg16_is_torchvisions_features_with_a_map_of_512_by_7_by_7():
    with torch.device("meta"):
        encoder = tm.VGG16Encoder()
        reference = torchvision.models.vgg16(weights=None).features
    assert len(encoder.layers) == 31
    shapes = {k: v.shape for k, v in encoder.layers.state_dict().items()}
    assert shapes == {k: v.shape for k, v in reference.state_dict().items()}
    assert (encoder.out_shape, encoder.out_features) == ((512, 7, 7), 25_088)


@pytest.mark.parametrize("size", [0, 16, 100, 225])
def test_vgg16_refuses_a_size_that_cannot_be_halved_five_times(size):
    with pytest.raises(ValueError, match=f"multiple of 32, got {size}"):
        tm.VGG16Encoder(size)


def test_a_map_pool_keeps_the_largest_of_each_four_and_drops_an_odd_edge():
    rows = [[1, 2, 3, 4, 99], [5, 6, 7, 8, 99], [9, 0, 2, 1, 99]]
    maps = torch.tensor([rows, [[-value for value in row] for row in rows]]).float()
    pool = tm.MapPool((2, 3, 5))
    assert pool(maps.view(1, -1)).tolist() == [[6, 8, -1, -3]]
    assert pool.out_features == 4
    assert tm.MapPool((512, 7, 7)).out_features == 4608  # as the authors have it
    for shape in ((512, 1, 1), (8, 4, 1)):
        with pytest.raises(ValueError, match=rf"{shape[1]}×1 cannot be halved"):
            tm.MapPool(shape)
