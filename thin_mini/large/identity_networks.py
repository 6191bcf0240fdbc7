"""Any network that knows people, as the exogenous network of THIN (section 4.3)."""

from __future__ import annotations

import copy
from typing import Annotated, cast

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.devices import device_of
from thin_mini.basics.frozen import wake
from thin_mini.basics.kinds import checked
from thin_mini.data.dataset import ExogenousDataset, Features
from thin_mini.encoders import Encoder
from thin_mini.inference import embed
from thin_mini.models import ExogenousNetwork
from thin_mini.training import fit


@checked
def adapt(
    representation: nn.Module,
    classifier: nn.Module | None = None,
    *,
    in_shape: Annotated[tuple[int, int, int], checks.map_shape],
    gate_on: str = "pooled",
    people: ExogenousDataset | None = None,
    hidden: int | tuple[int, ...] = 256,
    epochs: int = 10,
    seed: checks.Seed = 0,
) -> ExogenousNetwork:
    """Make a frozen exogenous network out of a representation and a classifier.

    A network for face recognition often comes without a classifier of identities;
    then one is fitted here, on the frozen representation. Both networks are copied,
    and yours stay as they are.

    Args:
        representation: γ_τ, trained: N images of ``in_shape`` → (N, D) or (N, C, H, W).
        classifier: c_σ, trained: (N, D) → identity logits (N, n_exo), where D =
            C·H·W for a map.
        in_shape: Channels, height and width of the images that it was trained on.
            They must be prepared as it expects them.
        gate_on: What a gate gets to see, as in :class:`thin_mini.ExogenousNetwork`.
            ``"pooled"`` is the representation itself where that is a vector.
        people: In place of ``classifier``, images (N, C, H, W) to fit one on, with
            the identity as ``exo``. D numbers for each image must fit into memory.
        hidden: Hidden units of the classifier that is fitted.
        epochs: Passes over ``people``.
        seed: Draws its weights and the order of the images.

    Returns:
        The network, on the device of ``representation``, in float32.

    Raises:
        ValueError: If there is no classifier and no ``people``, or both; if the
            networks do not fit ``in_shape`` or each other, or give numbers that are
            not finite.
    """
    if (classifier is None) == (people is None):
        raise ValueError(
            "pass classifier=, or people= (a data set with identities as exo) to fit "
            "one on, and not both"
        )
    device = device_of(representation)
    layers = copy.deepcopy(representation).float().eval()
    probe = torch.rand(2, *in_shape, generator=torch.Generator().manual_seed(0))
    h = _asked(  # (2, D)
        "representation",
        nn.Sequential(layers, nn.Flatten()),
        probe.to(device),
        f"fails on images (N, {', '.join(map(str, in_shape))})",
        "; pass in_shape= of the images that it was trained on",
    )
    encoder = Encoder(layers, in_shape)
    if people is not None:
        return _fitted(encoder, people, gate_on, hidden, epochs, seed).freeze()
    head = copy.deepcopy(cast(nn.Module, classifier)).to(device).float().eval()
    fails = f"must map the representation's (N, {h.shape[1]}) to (N, n_exo)"
    z = _asked("classifier", head, h, fails)  # (2, n_exo)
    return ExogenousNetwork(encoder, z.shape[1], gate_on=gate_on, head=head).freeze()


@torch.no_grad()
def _asked(
    name: str, network: nn.Module, x: Tensor, fails: str, mend: str = ""
) -> Tensor:
    """What another's network makes of x, if that is rows of finite numbers."""
    try:
        output = network(x)
        _, _ = output.shape
    except Exception as error:  # whatever another's code may raise
        raise ValueError(f"the {name} {fails}: {error}{mend}") from error
    if not output.isfinite().all():
        raise ValueError(
            f"the {name} gives NaN or infinite numbers for images from 0..1: check its "
            "weights"
        )
    return output


@checked
def starting_encoder(network: ExogenousNetwork) -> Encoder:
    """A copy of γ_τ that can be trained, so that F_φ starts from it (section 4.3).

    Returns:
        Equal weights, in training mode and with gradients; ``network`` stays frozen.
    """
    encoder = copy.deepcopy(network.encoder)
    wake(encoder)
    return encoder


def _fitted(
    encoder: Encoder,
    people: ExogenousDataset,
    gate_on: str,
    hidden: int | tuple[int, ...],
    epochs: int,
    seed: int,
) -> ExogenousNetwork:
    """Fit c_σ on features that are computed once, since the encoder does not change."""
    with torch.random.fork_rng():  # leaves the global generator as it was
        torch.manual_seed(seed)
        device = device_of(encoder)
        network = ExogenousNetwork(encoder, people.n_exo, hidden, gate_on).to(device)
        h = embed(encoder, people.images, 256)
        # To fit, each vector of features is an image of D channels and one pixel.
        features = Features(
            **vars(people.exogenous()) | {"images": h[:, :, None, None]}
        )
        flatten = Encoder(nn.Flatten(), (h.shape[1], 1, 1))
        student = ExogenousNetwork(
            flatten, people.n_exo, gate_on="features", head=network.head
        )
        fit(student, features, epochs=epochs, seed=seed)
    return network
