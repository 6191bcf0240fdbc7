"""Frozen for good: nothing wakes a frozen network, and no part to be trained sleeps."""

import copy
import io

import pytest
import torch
from conftest import cpu_only, fingerprint, make, quick_fit, randomise
from torch import nn

import thin_mini as tm


def every_parameter(model):
    for p in model.parameters():
        p.requires_grad = True


def by_apply(model):
    model.apply(lambda module: module.requires_grad_(True).train())


WAKING = {
    "model.requires_grad_": lambda model: model.requires_grad_(True),
    "context.requires_grad_": lambda model: model.context.requires_grad_(True),
    "a part's requires_grad_": lambda model: model.context.head.requires_grad_(True),
    "each parameter": every_parameter,
    "train": lambda model: model.train(),
    "apply": by_apply,
    "from outside": lambda model: nn.Sequential(model).requires_grad_(True).train(),
}


@pytest.mark.parametrize("wake", WAKING.values(), ids=WAKING)
def test_whatever_is_asked_of_the_model_fit_trains_no_frozen_network(
    wake, exogenous, moved
):
    before, model = fingerprint(exogenous), make("thin", exogenous)
    own = fingerprint(model.encoder)
    wake(model)
    quick_fit(model, moved[0], dispel=0.5)
    assert fingerprint(exogenous) == before
    assert fingerprint(model.encoder) != own
    assert not any(p.requires_grad for p in exogenous.parameters())
    assert not any(module.training for module in exogenous.modules())


@pytest.mark.parametrize("wake", WAKING.values(), ids=WAKING)
def test_a_loop_of_ones_own_trains_no_frozen_network_either(wake, exogenous, moved):
    before, model = fingerprint(exogenous), make("thin", exogenous)
    wake(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(2):
        sup, sim = model.losses(moved[0].images, moved[0].target, dispel=0.5)
        optimizer.zero_grad()
        (sup + sim).backward()
        optimizer.step()
    assert fingerprint(exogenous) == before


def through_a_file(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize(
    "copied",
    [
        copy.deepcopy,
        pytest.param(through_a_file, marks=cpu_only("a pretence has no file format")),
    ],
)
@pytest.mark.parametrize("several", [False, True], ids=["one", "fused"])
def test_a_copy_of_a_model_keeps_its_context_frozen(several, copied, exogenous, moved):
    other = tm.ExogenousNetwork(tm.ConvEncoder(), 18).freeze()
    context = tm.Fused(exogenous, other) if several else exogenous
    model = copied(make("exogenous", context)).requires_grad_(True)
    before = fingerprint(model.context)
    quick_fit(model, moved[0])
    assert fingerprint(model.context) == before
    assert tm.n_trainable(model) == tm.n_trainable(make("exogenous", context))


def test_new_weights_for_all_of_a_model_leave_the_frozen_network_out(exogenous):
    before, model = fingerprint(exogenous), make("thin", exogenous)
    own = fingerprint(model.gate)
    model.apply(
        lambda m: nn.init.zeros_(m.weight) if isinstance(m, nn.Linear) else None
    )
    assert fingerprint(exogenous) == before
    assert fingerprint(model.gate) != own


def test_loaded_weights_leave_a_frozen_network_frozen(exogenous, moved):
    model = make("thin", exogenous)
    saved = {name: v.clone() for name, v in model.state_dict().items()}
    model.load_state_dict(saved, assign=True)
    quick_fit(model.requires_grad_(True), moved[0], dispel=0.5)
    for name, value in model.context.state_dict().items():
        assert torch.equal(value, saved[f"context.{name}"])


def test_two_models_may_share_a_frozen_network(exogenous, moved):
    before, models = fingerprint(exogenous), [make("thin", exogenous) for _ in "ab"]
    for model in models:
        quick_fit(model.requires_grad_(True), moved[0], dispel=0.5)
    assert fingerprint(exogenous) == before
    assert fingerprint(models[0]) == fingerprint(models[1])


def waking_copy(network):
    """What seems to be enough: gradients and training mode."""
    return copy.deepcopy(network.encoder).requires_grad_(True).train()


SLEEPING = {
    "itself": lambda network: network.encoder,
    "a copy": lambda network: copy.deepcopy(network.encoder),
    "a copy with gradients": waking_copy,
    "its layers": lambda network: tm.Encoder(network.encoder.layers, (1, 28, 28)),
    "from a file": lambda network: through_a_file(network.encoder),
}


@pytest.mark.parametrize("row", ["baseline", "simple", "tree", "exogenous", "thin"])
@pytest.mark.parametrize("encoder", SLEEPING.values(), ids=SLEEPING)
def test_an_encoder_that_would_never_train_is_refused_with_the_mend(
    encoder, row, exogenous
):
    with pytest.raises(ValueError, match=r"encoder .*frozen.*tm\.starting_encoder\("):
        tm.build(row, 10, exogenous=exogenous, encoder=encoder(exogenous))


def test_a_model_composed_by_hand_is_held_to_the_same(exogenous):
    parts = tm.Experts(784, 4, 10, 2), tm.UniformGate(2)
    with pytest.raises(ValueError, match=r"tm\.starting_encoder\("):
        tm.GatedEnsemble(exogenous.encoder, *parts)


def test_an_encoder_frozen_after_it_was_built_in_is_refused_by_fit(moved):
    encoder = tm.ConvEncoder()
    model = tm.build("baseline", 10, encoder=encoder)
    tm.ExogenousNetwork(encoder, 18).freeze()
    with pytest.raises(ValueError, match=r"tm\.starting_encoder\("):
        quick_fit(model, moved[0])


def test_the_way_that_the_message_names_works(exogenous, moved):
    model = tm.build(
        "thin", 10, exogenous=exogenous, encoder=tm.starting_encoder(exogenous)
    )
    before, own = fingerprint(exogenous), fingerprint(model.encoder)
    quick_fit(model, moved[0])
    assert fingerprint(model.encoder) != own
    assert fingerprint(exogenous) == before


def test_an_exogenous_classifier_may_be_fitted_on_a_frozen_representation(moved):
    frozen = randomise(tm.ExogenousNetwork(tm.ConvEncoder(), 18)).freeze()
    before = fingerprint(frozen)
    network = tm.ExogenousNetwork(frozen.encoder, 18)
    head = fingerprint(network.head)
    quick_fit(network, moved[0].exogenous())
    assert fingerprint(frozen) == before
    assert fingerprint(network.head) != head
