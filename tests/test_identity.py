"""Identity networks: any pair becomes an exogenous one, and yours stays as it was."""

import copy

import pytest
import torch
from conftest import fingerprint, quick_fit, randomise
from torch import nn

import thin_mini as tm

SHAPE = (3, 12, 12)


def mapped():
    """Images → maps (N, 5, 6, 6)."""
    layers = nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.MaxPool2d(2)
    return randomise(nn.Sequential(*layers, nn.Dropout(0.5)))


def embedded():
    """Images → vectors (N, 8)."""
    return nn.Sequential(mapped(), nn.Flatten(), nn.Linear(180, 8))


@pytest.fixture(scope="module")
def people():
    """Four people; each has a colour, and the task's label says nothing of it."""
    exo = torch.arange(160) % 4
    generator = torch.Generator().manual_seed(1)
    colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    images = 0.9 * colours[exo, :, None, None] + 0.1 * torch.rand(
        160, *SHAPE, generator=generator
    )
    target = torch.zeros(160).long()
    return tm.data.ExogenousDataset(
        images, target, exo, 1, 4, "drawn", None, "identity"
    )


@pytest.mark.parametrize(
    ("representation", "size", "pooled"), [(mapped, 180, 5), (embedded, 8, 8)]
)
def test_a_pair_becomes_a_frozen_network_that_says_the_same(
    representation, size, pooled, people
):
    pair = representation().train(), nn.Linear(size, 7).train()
    before = [fingerprint(part) for part in pair]
    network, images = tm.adapt(*pair, in_shape=SHAPE), people.images[:6]
    h = copy.deepcopy(pair[0]).eval()(images)
    assert network.frozen
    assert tm.n_trainable(network) == 0
    assert network.n_classes == 7
    network.train()
    torch.testing.assert_close(network(images), pair[1](h.flatten(1)))
    h_g, z_exo = network.condition(images)
    seen = h.mean((2, 3)) if h.ndim == 4 else h
    torch.testing.assert_close(h_g, seen)
    torch.testing.assert_close(z_exo, pair[1](h.flatten(1)))
    assert h_g.shape[1] == network.gate_features == pooled
    # Yours is as it was: unfrozen, awake, and not shared.
    assert [fingerprint(part) for part in pair] == before
    assert all(p.requires_grad for part in pair for p in part.parameters())
    assert all(module.training for module in pair[0].modules())
    with torch.no_grad():
        next(pair[0].parameters()).zero_()
    torch.testing.assert_close(network(images), z_exo)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_a_pair_in_another_precision_is_taken_in_float32(dtype, people):
    pair = embedded().to(dtype), nn.Linear(8, 7).to(dtype)
    network = tm.adapt(*pair, in_shape=SHAPE)
    assert network(people.images[:2]).dtype == torch.float32
    assert next(pair[0].parameters()).dtype == dtype  # yours stays as it was


def test_gradients_flow_through_anothers_classifier_for_the_dispelling_loss():
    network = tm.adapt(mapped(), nn.Linear(180, 7), in_shape=SHAPE)
    h = torch.randn(4, 180, requires_grad=True)
    network.classify(h).pow(2).sum().backward()
    assert (h.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize("gate_on", ["pooled", "hidden"])
def test_without_a_classifier_one_is_fitted_on_the_frozen_representation(
    gate_on, people
):
    representation, state = mapped(), torch.get_rng_state()
    train, test = people.split(40)
    options = {"in_shape": SHAPE, "gate_on": gate_on, "people": train, "hidden": 16}
    network = tm.adapt(representation, epochs=50, **options)
    assert torch.equal(torch.get_rng_state(), state)
    assert tm.evaluate(network, test.exogenous()).accuracy > 90
    assert network.frozen
    assert network.gate_features == {"pooled": 5, "hidden": 16}[gate_on]
    assert fingerprint(network.encoder.layers) == fingerprint(representation)
    network.train()
    assert not any(module.training for module in network.modules())
    prints = []
    for seed in (0, 0, 1):
        prints.append(
            fingerprint(tm.adapt(representation, epochs=1, **options, seed=seed))
        )
        torch.rand(1)  # the global generator moves on, which must not matter
    assert prints[0] == prints[1] != prints[2]


def test_fitting_on_cached_features_equals_fitting_on_images(people):
    """The same steps as ``fit`` takes through the sleeping representation itself."""
    fitted = tm.adapt(mapped(), in_shape=SHAPE, people=people, hidden=16, epochs=2)
    torch.manual_seed(0)
    encoder = copy.deepcopy(fitted.encoder)  # frozen
    by_images = tm.ExogenousNetwork(encoder, 4, hidden=16)
    tm.fit(by_images, people.exogenous(), epochs=2, progress=False)
    torch.testing.assert_close(
        dict(by_images.head.state_dict()), dict(fitted.head.state_dict())
    )


class Standardised(nn.Module):
    def forward(self, images):
        return (images / 0.0 * 0.0).flatten(1)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (embedded, lambda: nn.Linear(8, 7), (3, 24, 24)),
            r"fails on images \(N, 3, 24, 24\): .*; pass in_shape= of the images that",
        ),
        (
            (embedded, lambda: nn.Linear(8, 7), (1, 12, 12)),
            r"fails on images \(N, 1, 12, 12\): .*; pass in_shape=",
        ),
        (
            (lambda: nn.LSTM(12, 3), lambda: nn.Linear(8, 7), (3, 12, 12)),
            r"the representation fails on images \(N, 3, 12, 12\)",
        ),
        (
            (mapped, lambda: nn.Linear(5, 7), SHAPE),
            r"the classifier must map the representation's \(N, 180\) to \(N, n_exo\)",
        ),
        (
            (mapped, lambda: nn.Unflatten(1, (5, 36)), SHAPE),
            r"must map the representation's \(N, 180\) to \(N, n_exo\)",
        ),
        ((Standardised, nn.Identity, SHAPE), "the representation gives NaN"),
        ((mapped, Standardised, SHAPE), "the classifier gives NaN"),
        ((mapped, lambda: None, SHAPE), "pass classifier=, or people="),
    ],
)
def test_a_pair_that_does_not_fit_is_refused_naming_the_mend(parts, message):
    representation, classifier, in_shape = parts
    with pytest.raises(ValueError, match=message):
        tm.adapt(representation(), classifier(), in_shape=in_shape)


def test_people_beside_a_classifier_or_of_another_size_are_refused(people):
    with pytest.raises(ValueError, match="and not both"):
        tm.adapt(mapped(), nn.Linear(180, 4), in_shape=SHAPE, people=people)
    with pytest.raises(ValueError, match=r"\(N, 3, 24, 24\), got \(160, 3, 12, 12\)"):
        tm.adapt(mapped(), in_shape=(3, 24, 24), people=people)
    with pytest.raises(ValueError, match=r"one of .*'hidden'.*got 'pixels'"):
        tm.adapt(mapped(), in_shape=SHAPE, people=people, gate_on="pixels")


@pytest.fixture
def network():
    return tm.adapt(mapped(), nn.Linear(180, 4), in_shape=SHAPE)


def test_a_starting_encoder_has_equal_weights_and_is_awake(network, people):
    encoder, images = tm.starting_encoder(network), people.images[:8]
    assert fingerprint(encoder) == fingerprint(network.encoder)
    torch.testing.assert_close(encoder.eval()(images), network.encode(images))
    assert encoder.out_shape == (5, 6, 6)
    encoder.train()
    before = fingerprint(encoder)
    h = encoder(images)
    assert all(module.training for module in encoder.modules())
    assert fingerprint(encoder) != before  # the running statistics
    h.pow(2).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in encoder.parameters())


def test_thin_starts_from_face_recognition_and_leaves_it_as_it_was(network, people):
    before = fingerprint(network)
    encoder = tm.starting_encoder(network)
    pool = tm.MapPool(encoder.out_shape)
    model = tm.build(
        "thin", 4, exogenous=network, encoder=encoder, pool=pool, hidden=(8, 8)
    )
    quick_fit(model, people.exogenous(), dispel=0.5)
    assert fingerprint(network) == before
    assert fingerprint(model.encoder) != fingerprint(network.encoder)
    assert all(p.grad is None for p in network.parameters())
    model.train()
    assert model.encoder.layers[1].training
    assert not network.encoder.layers[1].training


def test_a_starting_encoder_of_an_encoder_that_was_frozen_twice_is_awake(network):
    encoder = tm.starting_encoder(network.freeze())
    encoder(torch.rand(2, *SHAPE))
    assert all(module.training for module in encoder.modules())
