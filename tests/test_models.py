"""Models: the rows of Table 2, mixing before the softmax, and frozen for good."""

import copy
import re

import pytest
import torch
import torch.nn.functional as F
from conftest import (
    ROWS,
    condition_for,
    fingerprint,
    make,
    quick_fit,
    randomise,
    whole_thin_loss,
)

import thin_mini as tm
from thin_mini.models import PAPER_LAMBDA

NORMS = torch.nn.modules.batchnorm._BatchNorm


def optimizer_of(name, parameters):
    extra = {"SGD": {"momentum": 0.9}, "LBFGS": {"max_iter": 3}}.get(name, {})
    if name in ("SGD", "Adam", "AdamW"):
        extra |= {"weight_decay": 0.1}
    return getattr(torch.optim, name)(parameters, lr=1e-2, **extra)


def steps(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    for _ in range(3):
        optimizer.step(closure)


def contiguous(module):
    """LBFGS flattens gradients with view(), which channels-last weights forbid."""
    return module.to(memory_format=torch.contiguous_format)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_about_200_thousand_parameters(row, exogenous):
    n = tm.n_trainable(make(row, exogenous))
    assert 200_000 <= n <= 215_000
    assert abs(n / 206_554 - 1) < 0.03


def test_the_baseline_has_exactly_206554_parameters():
    convolutions = (9 * 16 + 2 * 16) + (16 * 9 * 16 + 2 * 16)
    head = (784 * 256 + 256) + 2 * 256 + (256 * 10 + 10)
    assert tm.n_trainable(make("baseline", None)) == convolutions + head == 206_554


def test_the_dispelling_weight_of_thin_is_the_papers_and_of_others_zero(exogenous):
    weights = {row: make(row, exogenous).dispel for row in ROWS}
    assert weights == dict.fromkeys(ROWS, 0.0) | {"thin": 0.005}
    assert PAPER_LAMBDA == 0.005


@pytest.mark.parametrize("row", ["simple", "tree", "exogenous", "oracle", "thin"])
def test_logits_are_mixed_by_the_gate_before_any_softmax(row, exogenous, moved):
    model = make(row, exogenous).eval()
    randomise(model.experts), randomise(model.gate)
    images, condition = moved[1].images[:5], condition_for(model, moved[1], slice(5))
    h = model.encoder(images)
    g = model.gate(h if condition is None else condition.h_g)
    expected = torch.zeros(5, 10)
    for i in range(8):
        first = slice(32 * i, 32 * (i + 1))
        expert = F.linear(
            torch.relu(model.experts.norm(model.experts.first(h))[:, first]),
            model.experts.weight[i].T,
            model.experts.bias[i, 0],
        )
        expected += g[:, i, None] * expert
    torch.testing.assert_close(model(images, condition), expected)


@pytest.mark.parametrize("row", ["exogenous", "thin"])
@pytest.mark.parametrize("gate_on", ["hidden", "features", "probabilities"])
def test_the_gate_sees_what_gate_on_names(gate_on, row, moved):
    network = tm.ExogenousNetwork(tm.ConvEncoder(), 18, gate_on=gate_on).freeze()
    h = network.encode(moved[0].images[:4])
    hidden = torch.relu(network.head.norm(network.head.first(h)))
    z = network.head.last(hidden)
    seen = {"hidden": hidden, "features": h, "probabilities": z.exp()}[gate_on]
    if gate_on == "probabilities":
        seen = seen / seen.sum(1, keepdim=True)
    h_g, z_exo = make(row, network).context.condition(moved[0].images[:4])
    torch.testing.assert_close(h_g, seen)
    torch.testing.assert_close(z_exo, z)
    assert not h_g.requires_grad
    assert not z_exo.requires_grad


def test_the_oracle_gate_sees_the_true_label_one_hot():
    h_g, z_exo = tm.Oracle(4).condition(
        torch.zeros(3, 1, 28, 28), torch.tensor([2, 0, 3])
    )
    assert h_g.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert z_exo.shape == (3, 0)


def test_the_models_losses_add_up_to_the_thin_loss(exogenous, moved):
    model, (train, _) = make("thin", exogenous).eval(), moved
    sup, sim = model.losses(train.images, train.target, dispel=0.3)
    expected = whole_thin_loss(model, exogenous, train, 0.3)
    torch.testing.assert_close(sup + 0.3 * sim, expected)


@pytest.mark.parametrize("row", ["exogenous", "thin", "oracle"])
def test_a_given_condition_gives_the_same_as_the_models_own(
    row, exogenous, moved, device
):
    model, train = make(row, exogenous).eval(), moved[0]
    cached = tm.precompute(model, train, batch_size=100).to(device)
    whole = condition_for(model, train)
    for a, b in zip(cached, whole, strict=True):
        torch.testing.assert_close(a, b)
    if row != "oracle":
        own = model.losses(train.images, train.target, None, model.dispel)
        given = model.losses(train.images, train.target, cached, model.dispel)
        torch.testing.assert_close(own, given)


@pytest.mark.parametrize("row", ["baseline", "simple", "tree"])
def test_a_model_without_context_has_no_condition(row, moved):
    assert tm.precompute(make(row, None), moved[0]) is None


def wake(network, parent):
    network.train()


def wake_parent(network, parent):
    parent.train()


def wake_inside(network, parent):
    for module in network.modules():
        module.training = True
    network.encoder.train()
    network.head.norm.train()


def round_trip(network, parent):
    place = next(network.parameters()).device
    network.double().float().to("cpu").to(place)


@pytest.mark.parametrize("disturb", [wake, wake_parent, wake_inside, round_trip])
def test_nothing_wakes_a_frozen_network(disturb, exogenous, moved):
    network = copy.deepcopy(exogenous)
    parent, images = make("thin", network), moved[0].images[:64]
    before, said = fingerprint(network), network(images)
    disturb(network, parent)
    torch.testing.assert_close(network(images), said)
    disturb(network, parent)
    parent.losses(images, moved[0].target[:64], dispel=1.0)[1].backward()
    disturb(network, parent)
    (
        network.encoder(images),
        network.head.norm(network.head.first(network.encode(images))),
    )
    assert fingerprint(network) == before
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())


def test_a_frozen_network_says_that_it_is_in_evaluation_mode(exogenous):
    network = copy.deepcopy(exogenous)
    for module in (network, make("thin", network)):
        module.train()
        assert not any(m.training for m in network.modules())


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "LBFGS"])
def test_an_optimiser_made_after_freezing_changes_nothing(name, exogenous, moved):
    network, train = copy.deepcopy(exogenous), moved[0].subset(slice(64))
    model = contiguous(make("thin", network)).train()
    before, own = fingerprint(network), fingerprint(model.gate)
    loss = lambda: sum(model.losses(train.images, train.target, dispel=1.0))  # noqa: E731
    steps(optimizer_of(name, model.parameters()), loss)
    assert fingerprint(network) == before
    assert fingerprint(model.gate) != own


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "LBFGS"])
def test_an_optimiser_made_before_freezing_changes_nothing(name, moved):
    network = contiguous(tm.ExogenousNetwork(tm.ConvEncoder(), 18))
    other, train = torch.nn.Parameter(torch.ones(3)), moved[0].subset(slice(64))
    optimizer = optimizer_of(name, [*network.parameters(), other])
    steps(
        optimizer,
        lambda: network.losses(train.images, train.exo)[0] + (other**2).sum(),
    )
    network.losses(train.images, train.exo)[0].backward()  # a gradient not yet applied
    before, other_before = fingerprint(network.freeze()), other.detach().clone()
    if name != "LBFGS":  # which steps with a closure only
        optimizer.step()
    steps(optimizer, lambda: ((other - 5) ** 2).sum())
    assert not torch.equal(other, other_before)
    assert fingerprint(network) == before


def test_a_whole_training_of_thin_leaves_the_frozen_network_as_it_was(exogenous, moved):
    before, model = fingerprint(exogenous), make("thin", exogenous)
    quick_fit(model, moved[0], epochs=2, valid=moved[1], dispel=1.0)
    tm.evaluate(model, moved[1])
    assert fingerprint(exogenous) == before


def test_gradients_flow_through_a_frozen_classifier_to_its_input(exogenous):
    h = torch.randn(4, 784, requires_grad=True)
    exogenous.classify(h).pow(2).sum().backward()
    assert (h.grad.abs().sum(1) > 0).all()


def test_dispelling_reaches_the_encoder_and_not_the_experts(exogenous, moved):
    model, train = make("thin", exogenous), moved[0]
    model.losses(train.images, train.target, dispel=1.0)[1].backward()
    assert all(p.grad.abs().sum() > 0 for p in model.encoder.layers[0].parameters())
    assert all(p.grad is None for p in model.experts.parameters())
    assert all(p.grad is None for p in model.gate.parameters())


def test_a_copy_of_a_frozen_network_stays_frozen(exogenous, moved):
    twin = copy.deepcopy(exogenous)
    before = fingerprint(twin)
    for module in twin.modules():
        module.training = True
    twin.train()
    twin(moved[0].images)
    assert twin.frozen
    assert fingerprint(twin) == before == fingerprint(exogenous)
    assert tm.n_trainable(twin) == 0


def test_before_it_is_frozen_a_network_trains_as_any_other(moved):
    network = tm.ExogenousNetwork(tm.ConvEncoder(), 18).eval().train()
    assert all(m.training for m in network.modules())
    before = fingerprint(network)
    network(moved[0].images)
    assert fingerprint(network) != before  # the running statistics


def test_a_seed_draws_the_weights_and_leaves_the_global_generator_alone(exogenous):
    state = torch.get_rng_state()
    prints = [fingerprint(make("thin", exogenous, seed=s)) for s in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("n_experts", [6, 12, 100])
@pytest.mark.parametrize("row", ["tree", "oracle", "exogenous", "thin"])
def test_a_tree_of_experts_not_a_power_of_two_is_refused(row, n_experts, exogenous):
    with pytest.raises(ValueError, match=f"{n_experts} is no power of two: take "):
        tm.build(row, 10, exogenous=exogenous, n_exo=18, n_experts=n_experts)


def test_a_tree_of_no_experts_is_refused_with_a_possible_mend():
    with pytest.raises(ValueError, match="n_experts") as caught:
        tm.build("tree", 10, n_experts=0)
    assert "0.5" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "forest"}, "one of .*'baseline', .*got 'forest'"),
        ({"name": "thin"}, "'thin' needs exogenous=.*trained and frozen"),
        ({"name": "exogenous"}, "'exogenous' needs exogenous="),
        ({"name": "oracle"}, "oracle needs n_exo"),
        ({"name": "tree", "n_experts": 1}, "depth must be between 1 and 10, got 0"),
        ({"name": "tree", "n_experts": 2048}, "between 1 and 10, got 11"),
        ({"name": "simple", "n_experts": 0}, "must be at least 1, got 0 and 32"),
        ({"name": "simple", "hidden": 0}, "must be at least 1, got 8 and 0"),
        ({"name": "baseline", "image_size": 30}, "multiple of 4, got 30"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else None,
)
def test_build_refuses_naming_the_value_and_the_mend(arguments, message):
    with pytest.raises(ValueError, match=message):
        tm.build(n_classes=10, **arguments)


def test_an_exogenous_network_that_is_not_frozen_is_refused():
    network = tm.ExogenousNetwork(tm.ConvEncoder(), 18)
    with pytest.raises(ValueError, match=re.escape("pass exogenous.freeze()")):
        make("thin", network)


def test_an_unknown_gate_input_is_refused():
    with pytest.raises(ValueError, match=r"one of .*'hidden'.*got 'pixels'"):
        tm.ExogenousNetwork(tm.ConvEncoder(), 18, gate_on="pixels")


@pytest.mark.parametrize(
    ("experts", "gate", "message"),
    [
        ((784, 8), tm.TreeGate(18, 3), r"gate.in_features is 18 but must be 784"),
        ((784, 8), tm.TreeGate(784, 2), r"gate.n_leaves is 4 but must be 8"),
        ((100, 8), tm.UniformGate(8), r"experts.in_features is 100 but must be 784"),
    ],
)
def test_parts_that_do_not_fit_are_refused_naming_both_sizes(experts, gate, message):
    parts = tm.Experts(experts[0], 4, 10, experts[1])
    with pytest.raises(ValueError, match=message):
        tm.GatedEnsemble(tm.ConvEncoder(), parts, gate)


def test_representations_of_two_sizes_are_refused(exogenous):
    with pytest.raises(ValueError, match=r"h_exo has 784 features and h_endo 4096"):
        tm.build("thin", 10, exogenous=exogenous, image_size=64)


def test_an_oracle_without_labels_says_how_to_pass_them(moved):
    with pytest.raises(ValueError, match=r"pass condition=model\.context\.condition"):
        make("oracle", None)(moved[0].images)


@pytest.mark.parametrize("row", ["baseline", "simple", "tree", "oracle"])
def test_dispelling_without_an_exogenous_network_is_refused(row, moved):
    model, train = make(row, None), moved[0]
    with pytest.raises(ValueError, match=r"dispel=0\.5 needs .*or pass dispel=0"):
        model.losses(
            train.images, train.target, condition_for(model, train), dispel=0.5
        )


@pytest.mark.parametrize(
    ("exo", "message"),
    [
        (torch.tensor([-1, 0, 3]), "exo label -1 is out of range: .*from 0 to 3"),
        (torch.tensor([4, 0, 3]), "exo label 4 is out of range: .*from 0 to 3"),
        (torch.tensor([0.0, 1.0, 2.0]), r"exo must be int64, got torch\.float32"),
        (torch.tensor([True, False, True]), r"exo must be int64, got torch\.bool"),
        (torch.tensor([1]), r"\(3,\), .*each image, got \(1,\)"),
    ],
)
def test_an_oracle_asked_for_what_there_is_not_says_so(exo, message):
    with pytest.raises(ValueError, match=message):
        tm.Oracle(4).condition(torch.zeros(3, 1, 28, 28), exo)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (torch.eye(3), r"table must be \(4, C\)"),
        (torch.eye(4).long(), "table must hold floats"),
        (torch.full((4, 2), torch.nan), "row 0 of table holds NaN"),
    ],
)
def test_a_table_that_is_none_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        tm.Oracle(4, table)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: tm.build("simple", 10.0), r"n_classes must be a whole .*10\.0"),
        (
            lambda: tm.build("simple", True),
            "n_classes must be a whole number, got True",
        ),
        (lambda: tm.build("tree", 10, n_experts=8.0), "n_experts must be a whole"),
        (lambda: tm.build("tree", 10, hidden=32.5), "hidden must be a whole number"),
        (lambda: tm.build("tree", 10, hidden=()), "hidden must name the units"),
        (lambda: tm.build("tree", 10, seed=-1), "seed must lie between 0"),
        (lambda: tm.build("tree", 10, image_size=28.0), "image_size must be a whole"),
        (lambda: tm.build("oracle", 10, n_exo=0), "n_exo must be at least 1, got 0"),
        (lambda: tm.MLP(0, 4, 3), "in_features must be at least 1, got 0"),
        (lambda: tm.TreeGate(4, 2.0), "depth must be a whole number"),
        (lambda: tm.TreeGate(4, True), "depth must be a whole number, got True"),
        (lambda: tm.SoftmaxGate(0, 4), "in_features must be at least 1, got 0"),
        (lambda: tm.UniformGate(2.5), "n_leaves must be a whole number"),
        (lambda: tm.Experts(4, 0.5, 3, 2), "hidden must be a whole number"),
        (lambda: tm.ConvEncoder(0), "in_channels must be at least 1, got 0"),
        (lambda: tm.ConvEncoder(widths=(4, 0)), "widths must be at least 1, got 0"),
        (lambda: tm.VGG16Encoder(224.0), "image_size must be a whole number"),
    ],
)
def test_a_size_that_is_none_is_refused(make_it, message):
    with pytest.raises(ValueError, match=message):
        make_it()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 1, 28, 28).double(), r"type torch\.float64: convert it, x\.to"),
        (torch.zeros(2, 1, 28, 28).byte(), r"got an input of type torch\.uint8"),
    ],
)
def test_images_of_another_type_are_refused_by_the_model(images, message):
    with pytest.raises(ValueError, match=message):
        make("tree", None)(images)


def test_layers_that_are_no_encoder_are_refused_naming_the_mend():
    with pytest.raises(TypeError, match=r"encoder is a Flatten: wrap layers as Enc"):
        tm.build("tree", 10, encoder=torch.nn.Flatten())


def frozen(n_exo, gate_on="hidden"):
    network = tm.ExogenousNetwork(tm.ConvEncoder(), n_exo, gate_on=gate_on)
    return randomise(network).freeze()


@pytest.mark.parametrize(
    ("gate_on", "size"),
    [("hidden", 512), ("features", 1568), ("probabilities", 28)],
)
def test_a_gate_on_two_networks_sees_their_outputs_side_by_side(gate_on, size, moved):
    networks, images = (frozen(18, gate_on), frozen(10, gate_on)), moved[0].images[:4]
    fused = tm.Fused(*networks)
    h_g, z_exo = fused.condition(images)
    parts = [network.condition(images).h_g for network in networks]
    assert torch.equal(h_g, torch.cat(parts, 1))
    assert h_g.shape == (4, fused.gate_features) == (4, size)
    assert z_exo.shape == (4, 0)
    model = make("exogenous", fused).eval()
    assert model.gate.in_features == size
    assert model(images).shape == (4, 10)


def test_training_on_two_networks_leaves_both_as_they_were(moved):
    fused = tm.Fused(frozen(18), frozen(10))
    model, before = make("exogenous", fused), fingerprint(fused)
    own = fingerprint(model.gate)
    quick_fit(model.train(), moved[0])
    fused.train()
    fused.condition(moved[0].images)
    assert fingerprint(fused) == before
    assert fingerprint(model.gate) != own
    assert tm.n_trainable(fused) == 0
    assert not any(m.training for n in fused.networks for m in n.modules())


@pytest.mark.parametrize("n_frozen", [0, 1])
@pytest.mark.parametrize("others", [0, 1])
def test_fewer_than_two_frozen_networks_are_refused(n_frozen, others):
    networks = [frozen(18) for _ in range(n_frozen)]
    networks += [tm.ExogenousNetwork(tm.ConvEncoder(), 10) for _ in range(others)]
    with pytest.raises(ValueError, match="at least two trained and frozen networks"):
        tm.Fused(*networks)


def test_a_network_that_is_named_twice_is_refused():
    network = frozen(18)
    with pytest.raises(ValueError, match="one network is named twice"):
        tm.Fused(network, frozen(10), network)


def test_dispelling_with_two_networks_is_refused(moved):
    model = make("thin", tm.Fused(frozen(18), frozen(10)))
    with pytest.raises(ValueError, match=r"dispel=0\.005 needs .*or pass dispel=0"):
        quick_fit(model, moved[0])


def test_an_mlp_of_two_hidden_layers_is_linear_norm_relu_twice_and_linear():
    mlp = randomise(tm.MLP(7, (5, 4), 3))
    (second,) = mlp.deeper
    chain = [mlp.first, mlp.norm, torch.nn.ReLU(), *second, mlp.last]
    by_hand, h = torch.nn.Sequential(*copy.deepcopy(chain)), torch.randn(6, 7)
    sizes = [(m.in_features, m.out_features) for m in chain[::3]]
    assert sizes == [(7, 5), (5, 4), (4, 3)]
    (mlp(h) ** 2).sum().backward()
    (by_hand(h) ** 2).sum().backward()
    assert mlp.hidden == 4
    for ours, theirs in zip(mlp.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    mlp.eval(), by_hand.eval()
    torch.testing.assert_close(mlp(h), by_hand(h))
    torch.testing.assert_close(mlp.embed(h), by_hand[:-1](h))


def test_a_gate_on_pooled_sees_the_mean_of_the_map(moved):
    network, images = frozen(18, "pooled"), moved[0].images[:4]
    h_g, z_exo = make("thin", network).context.condition(images)
    h = network.encode(images)
    torch.testing.assert_close(h_g, h.view(4, 16, 49).mean(2))
    torch.testing.assert_close(z_exo, network.classify(h))
    assert network.gate_features == make("thin", network).gate.in_features == 16


@pytest.mark.parametrize("gate_on", ["features", "pooled", "probabilities"])
def test_a_classifier_that_is_there_already_is_used_and_frozen(gate_on, moved):
    head = torch.nn.Sequential(torch.nn.Linear(784, 18), torch.nn.BatchNorm1d(18))
    network = tm.ExogenousNetwork(
        tm.ConvEncoder(), 18, gate_on=gate_on, head=randomise(head)
    ).freeze()
    h, images = network.encode(moved[0].images[:4]), moved[0].images[:4]
    before = fingerprint(network)
    model = make("thin", network)
    h_g, z_exo = model.context.condition(images)
    torch.testing.assert_close(z_exo, head(h))
    if gate_on == "probabilities":
        torch.testing.assert_close(h_g, head(h).softmax(1))
    quick_fit(model, moved[0], dispel=1.0)
    assert fingerprint(network) == before
    assert tm.n_trainable(network) == 0


def test_the_hidden_layer_of_anothers_classifier_is_not_to_be_had():
    with pytest.raises(ValueError, match=r"one of \['features', .*got 'hidden'"):
        tm.ExogenousNetwork(tm.ConvEncoder(), 18, head=torch.nn.Linear(784, 18))


@pytest.mark.parametrize("row", ["baseline", "simple", "tree", "thin"])
def test_experts_and_classifier_see_the_pooled_map_and_the_gate_only_its_own(
    row, moved
):
    network, pool = frozen(18), tm.MapPool((16, 7, 7))
    model = tm.build(row, 10, exogenous=network, pool=pool, hidden=(6, 5)).eval()
    images = moved[0].images[:4]
    h = model.encoder(images)
    pooled = F.max_pool2d(h.view(4, 16, 7, 7), 2).flatten(1)  # (4, 144)
    if row == "baseline":
        expected = model.head(pooled)
    else:
        seen = network.condition(images).h_g if row == "thin" else pooled
        z, g = model.experts(pooled), model.gate(seen)
        expected = torch.einsum("nlk,nl->nk", z, g)
    torch.testing.assert_close(model(images), expected)
    # The exogenous classifier reads the whole h_endo, not the pooled one (Eq. 7).
    if row == "thin":
        sim = model.losses(images, moved[0].target[:4], dispel=1.0)[1]
        z_exo = network(images)
        cosine = F.cosine_similarity(network.classify(h), z_exo).abs().mean()
        torch.testing.assert_close(sim, cosine)


def test_a_pool_for_maps_of_another_shape_is_refused_with_the_mend():
    for row in ("baseline", "simple"):
        with pytest.raises(ValueError, match=r"\(8, 7, 7\), .*MapPool\(encoder\.out_s"):
            tm.build(row, 10, pool=tm.MapPool((8, 7, 7)))


@pytest.mark.parametrize("row", ["baseline", "simple"])
def test_a_hidden_layer_without_units_is_refused(row):
    with pytest.raises(ValueError, match=r"at least 1, got 8 and \(32, 0\)"):
        tm.build(row, 10, hidden=(32, 0))


def test_the_rows_for_faces_have_about_100_million_parameters_each():
    """The paper's "100M parameters total" (section 4.3), without their memory."""
    sizes = {}
    with torch.device("meta"):
        network = tm.ExogenousNetwork(tm.VGG16Encoder(), 50, gate_on="pooled").freeze()
        pool = tm.MapPool(network.encoder.out_shape)
        for row in ("baseline", "simple", "tree", "exogenous", "thin"):
            model = tm.build(
                row,
                7,
                exogenous=network,
                encoder=tm.VGG16Encoder(),
                pool=pool,
                n_experts=32,
                hidden=(512, 512),
            )
            sizes[row] = tm.n_trainable(model)
    assert model.experts.in_features == 4608
    assert model.gate.in_features == 512
    assert 98e6 < min(sizes.values()) <= max(sizes.values()) < 101e6
    assert max(sizes.values()) < 1.01 * min(sizes.values())


def test_a_context_composed_by_hand_serves_as_well(moved, exogenous):
    class Louder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network, self.gate_features = exogenous, exogenous.gate_features

        def condition(self, images, exo=None):
            h_g, z_exo = self.network.condition(images)
            return tm.Condition(100 * h_g, z_exo)

    before = fingerprint(exogenous)
    model = tm.build("exogenous", 10, exogenous=Louder(), seed=0)
    quick_fit(model, moved[0])
    assert fingerprint(exogenous) == before
