"""What else one can do with an exogenous variable: heads, readers, views, removers."""

from copy import deepcopy
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import cpu_only, randomise
from torch import nn

import thin_mini as tm
from thin_mini import rivals
from thin_mini.lab import one_run, plans, recipes, removal, result_files, rival_models
from thin_mini.lab.worlds import WORLDS
from thin_mini.rivals.undo import INVERSES

with patch.dict(recipes.RECIPES):  # which these are not yet among
    from thin_mini.lab import confounded, contest

L, H, D, K = 4, 3, 5, 2  # experts, hidden units of each, features, classes


def equal(a, b, **near):
    """Whether tensors, or each of two sequences of them, are equal but for rounding."""
    torch.testing.assert_close(a, b, **{"rtol": 1e-4, "atol": 1e-5} | near)


def gradients(value, *of):
    """Of a sum that no symmetry hides, with respect to each."""
    weights = torch.linspace(1, 2, value.numel(), device=value.device)
    return torch.autograd.grad((value.flatten() * weights).sum(), of, retain_graph=True)


# --- heads ---------------------------------------------------------------------------


def test_film_starts_as_the_identity():
    x, told = torch.randn(6, 8), torch.randn(6, D)
    assert torch.equal(rivals.FiLM(D, 4, each=2)(x, told), x)
    head = rivals.Modulated((2, 2, 2), D, H, K, "input").eval()
    assert torch.equal(head(x, told), head.mlp(x))


def test_film_is_its_formula_in_values_and_gradients():
    film = rivals.FiLM(D, 2, each=3)
    nn.init.normal_(film.linear.weight)
    x, told = torch.randn(6, 6).requires_grad_(), torch.randn(6, D).requires_grad_()
    weight, bias = film.linear.weight, film.linear.bias
    gamma = told @ weight[:2].T + bias[:2]  # (6, 2), a channel each
    beta = told @ weight[2:].T + bias[2:]
    by_hand = x.unflatten(1, (2, 3)) * (1 + gamma[..., None]) + beta[..., None]
    found = film(x, told)
    equal(found, by_hand.flatten(1))
    of = x, told, weight
    equal(gradients(found, *of), gradients(by_hand.flatten(1), *of))


@pytest.mark.parametrize("training", [True, False])
def test_a_gate_on_experts_of_one_hidden_layer_is_a_film_without_shift(training):
    experts = randomise(tm.Experts(D, H, K, L)).train(training)
    gate = tm.TreeGate(D, 2).eval()
    head = rivals.Modulated((D, 1, 1), L, L * H, K, "hidden").train(training)
    head.mlp.first.load_state_dict(experts.first.state_dict())
    head.mlp.norm.load_state_dict(experts.norm.state_dict())
    with torch.no_grad():
        # γ of a hidden unit is the g of its expert less 1, and its β is 0.
        of_expert = torch.eye(L).repeat_interleave(H, 0)  # (L·H, L)
        head.film.linear.weight[: L * H] = of_expert
        head.film.linear.bias[: L * H] = -1
        head.mlp.last.weight.copy_(experts.weight.flatten(0, 1).T)  # (K, L·H)
        head.mlp.last.bias.zero_()
    h, h_g = torch.randn(16, D).requires_grad_(), torch.randn(16, D).requires_grad_()
    g = gate(h_g)  # (16, L)
    z = torch.einsum("nlk,nl->nk", experts(h), g)
    modulated = head(h, g) + g @ experts.bias[:, 0]  # the experts' biases, mixed
    equal(modulated, z)
    shared = h, h_g, gate.linear.weight
    *ours, last = gradients(
        modulated, *shared, head.mlp.first.weight, head.mlp.last.weight
    )
    *theirs, stacked = gradients(z, *shared, experts.first.weight, experts.weight)
    equal([*ours, last], [*theirs, stacked.flatten(0, 1).T], atol=1e-3)


def test_hidden_units_are_modulated_before_they_are_rectified():
    head = randomise(rivals.Modulated((D, 1, 1), 2, H, K, "hidden")).eval()
    nn.init.normal_(head.film.linear.weight)
    h, told = torch.randn(16, D), torch.randn(16, 2)
    a = head.film(head.mlp.norm(head.mlp.first(h)), told)
    equal(head(h, told), head.mlp.last(torch.relu(a)))


def test_concatenation_is_a_classifier_on_both_side_by_side():
    head = rivals.Concatenated(D, 2, H, K)
    h, told = torch.randn(6, D), torch.randn(6, 2)
    assert torch.equal(head.eval()(h, told), head.mlp(torch.cat([h, told], 1)))


def test_a_conditioned_head_is_told_what_the_network_knows(exogenous, moved):
    train, test = (part.subset(slice(64)) for part in moved)
    encoder = tm.ConvEncoder()
    head = rivals.Concatenated(encoder.out_features, exogenous.gate_features, 4, 10)
    model = rivals.Conditioned(encoder, head, 10, exogenous)
    tm.fit(model, train, epochs=1, batch_size=32, progress=False)
    told, _ = exogenous.condition(test.images)
    by_hand = head(encoder(test.images), told).detach().cpu()
    equal(tm.predict(model, test), by_hand)
    with pytest.raises(ValueError, match="needs a condition"):
        model.logits(encoder(test.images), None)


def test_a_conditioned_head_needs_a_network_that_is_frozen():
    encoder, learning = tm.ConvEncoder(), tm.ExogenousNetwork(tm.ConvEncoder(), 18)
    head = rivals.Concatenated(encoder.out_features, 256, 4, 10)
    for context in (None, learning):
        with pytest.raises(ValueError, match=r"pass exogenous\.freeze\(\)"):
            rivals.Conditioned(encoder, head, 10, context)
        with pytest.raises(ValueError, match=r"pass exogenous\.freeze\(\)"):
            rivals.Shuffled(context)


def test_a_shuffled_context_tells_each_image_of_another(exogenous, moved):
    images, context = moved[1].images[:8], rivals.Shuffled(exogenous)
    for own, others in zip(
        exogenous.condition(images), context.condition(images), strict=True
    ):
        equal(others, own[[7, 0, 1, 2, 3, 4, 5, 6]])
    assert context.gate_features == exogenous.gate_features
    with pytest.raises(ValueError, match="one image has no other"):
        context.condition(images[:1])


@pytest.mark.parametrize("wanted", [500, 1_234, 10_000])
def test_a_matched_model_is_within_one_unit_of_the_budget(wanted):
    def make(hidden):
        return rivals.Concatenated(20, 5, hidden, 10)

    unit = tm.n_trainable(make(2)) - tm.n_trainable(make(1))
    assert abs(tm.n_trainable(rivals.matched(make, wanted)) - wanted) <= unit / 2
    with pytest.raises(ValueError, match="larger models"):
        rivals.matched(lambda hidden: make(3), wanted)


# --- undoing -------------------------------------------------------------------------


class Knows(tm.ExogenousNetwork):
    """A network that is certain, and right."""

    def __init__(self, exo, n_exo):
        super().__init__(tm.ConvEncoder(), n_exo)
        self.exo, self.n = exo, n_exo
        self.freeze()

    def condition(self, images, exo=None):
        z = 1e3 * F.one_hot(self.exo, self.n).float()
        return tm.Condition(z, z)


def disc_and_bar(n):
    """Upright images whose ink lies in a disc, so that no angle cuts or shrinks it."""
    images = torch.zeros(n, 1, 28, 28)
    images[:, :, 6:22, 12:16], images[:, :, 6:10, 12:20] = 1, 1
    return F.avg_pool2d(images, 5, 1, 2)


def dataset(images, exo, centers):
    half = (centers[1] - centers[0]).item() / 2
    edges = torch.cat([centers - half, centers[-1:] + half]).double()
    return tm.data.ExogenousDataset(
        images, exo, exo, len(centers), len(centers), "drawn", edges, "angle"
    )


@cpu_only("compares images that data make on the CPU")
def test_what_a_network_knows_exactly_is_undone():
    centers = torch.linspace(-80.0, 80, 9)
    exo = torch.arange(9)
    upright = disc_and_bar(9)
    turned = tm.data.rotate(upright, centers)
    found = rivals.undo(
        dataset(turned, exo, centers), Knows(exo, 9), "rotation", centers
    )
    assert (turned - upright).abs().flatten(1).mean(1)[exo != 4].min() > 0.02
    assert (found.images - upright).abs().mean() < 0.005
    assert torch.equal(found.target, exo)
    assert found.source == "drawn"


@pytest.mark.parametrize("octaves", [-0.8, -0.3, 0.0, 0.3])
def test_a_size_is_undone_by_its_inverse(octaves):
    images = F.avg_pool2d(disc_and_bar(3), 3, 1, 1)
    images = images.roll((2, -1), (2, 3))
    octaves = torch.full((3,), octaves)
    changed = rivals.zoomed(images, octaves)
    equal(rivals.zoomed(changed, -octaves), images, atol=0.08, rtol=0)
    ink = changed.sum((1, 2, 3)) / images.sum((1, 2, 3))
    equal(ink, 4**octaves, rtol=0.02)
    scale = INVERSES["scale"](changed, 2**octaves)
    equal(scale, rivals.zoomed(changed, -octaves))


def test_what_is_expected_is_the_mean_of_the_centers(exogenous, moved):
    images, centers = moved[1].images[:32], torch.linspace(-85.0, 85, 18)
    shares = exogenous.condition(images).z_exo.softmax(1)
    equal(rivals.expected(exogenous, images, centers.cpu()), (shares @ centers).cpu())


@cpu_only("asks for errors alone")
def test_a_network_that_is_not_frozen_undoes_nothing(digits):
    network = tm.ExogenousNetwork(tm.ConvEncoder(), 18)
    train, _ = digits
    with pytest.raises(ValueError, match=r"network\.freeze\(\)"):
        rivals.undo(train, network, "rotation", train.exo_centers)
    with pytest.raises(ValueError, match=r"must be \(18,\), one of each class"):
        rivals.expected(network.freeze(), train.images, torch.zeros(3))
    with pytest.raises(ValueError, match="one of rotation, scale, got 'identity'"):
        rivals.undo(train, network, "identity", train.exo_centers)


# --- views ---------------------------------------------------------------------------


def test_images_are_turned_counter_clockwise_about_their_centre():
    images = torch.rand(3, 2, 9, 9)
    for quarters in range(-1, 3):
        degrees = torch.full((3,), 90.0 * quarters)
        by_hand = torch.rot90(images, quarters, (2, 3))
        equal(rivals.turned(images, degrees), by_hand, atol=1e-4)


@cpu_only("compares with what data make on the CPU")
def test_turning_agrees_with_the_rotation_that_made_the_digits():
    images, degrees = disc_and_bar(5), torch.linspace(-90, 90, 5)
    equal(rivals.turned(images, degrees), tm.data.rotate(images, degrees), atol=1e-4)


@pytest.mark.parametrize(("variable", "reach"), [("rotation", 30.0), ("scale", 0.5)])
def test_a_random_change_is_one_of_training_alone(variable, reach):
    images, change = disc_and_bar(8), rivals.RandomChange(variable, reach)
    assert torch.equal(change.eval()(images), images)
    changed = change.train()(images)
    assert len({image.sum().item() for image in changed}) > 1
    assert not torch.equal(changed, change(images))
    equal(rivals.RandomChange(variable, 0.0)(images), images)


def test_an_average_is_of_the_logits_under_each_change():
    images, changes = torch.rand(6, 1, 28, 28), (-20.0, 0.0, 35.0)
    model = rivals.Averaged(tm.ConvEncoder(), K, H, "rotation", changes)
    model.eval()
    views = [rivals.turned(images, torch.full((6,), degrees)) for degrees in changes]
    plain = [model.head(model.encoder(view)) for view in views]
    equal(model(images), torch.stack(plain).mean(0))
    assert torch.equal(model.train()(images), model.head(model.encoder(images)))
    with pytest.raises(ValueError, match="changes must name at least one"):
        rivals.Averaged(tm.ConvEncoder(), K, H, "rotation", ())


@cpu_only("PyTorch makes the sampling grid of affine_grid, out of the pretence's sight")
def test_a_spatial_transformer_starts_with_the_identity_and_learns():
    layer, images = rivals.SpatialTransformer((1, 28, 28)), torch.rand(4, 1, 28, 28)
    equal(layer(images), images, atol=1e-4)
    model = tm.Classifier(rivals.after(layer, tm.ConvEncoder()), K, H)
    sup, _ = model.losses(images, torch.arange(4) % K)
    sup.backward()
    assert layer.last.weight.grad.abs().max() > 0
    assert model.encoder.out_features == tm.ConvEncoder().out_features


# --- readers -------------------------------------------------------------------------


def reading(moved, **how):
    torch.manual_seed(0)
    train, _ = moved
    return rivals.WithReader(tm.ConvEncoder(), 10, H, train.subset(slice(64)), **how)


def test_a_reversed_reader_turns_the_gradient_of_the_encoder_alone(moved):
    train, found = moved[0].subset(slice(32)), []
    for reverse in (False, True):
        model = reading(moved, reverse=reverse)
        _, read = model.losses(train.images, train.target, dispel=1.0)
        of = [*model.encoder.parameters(), *model.reader.parameters()]
        found.append(torch.autograd.grad(read, of))
    n = len([*model.encoder.parameters()])
    helped, hidden = found
    equal(hidden[:n], tuple(-x for x in helped[:n]))
    equal(hidden[n:], helped[n:])
    assert helped[0].abs().max() > 0


def test_a_reader_without_weight_is_not_asked(moved):
    train, model = moved[0].subset(slice(32)), reading(moved)
    model.reader.register_forward_pre_hook(lambda *_: pytest.fail("asked"))
    before = torch.get_rng_state()
    sup, read = model.losses(train.images, train.target, dispel=0.0)
    assert read == 0
    assert torch.equal(torch.get_rng_state(), before)
    equal(sup, tm.losses.task_loss(model(train.images), train.target))
    condition = tm.Condition(train.images[:, 0, 0], train.images[:, 0, 0])
    with pytest.raises(ValueError, match="no exogenous side"):
        model.losses(train.images, train.target, condition, dispel=1.0)


def test_a_reader_is_trained_with_its_own_weight(moved):
    model = reading(moved, dispel=0.3)
    before = model.reader.weight.detach().clone()
    tm.fit(model, moved[0].subset(slice(64)), epochs=1, batch_size=32, progress=False)
    assert not torch.equal(model.reader.weight, before)


# --- removers ------------------------------------------------------------------------


def test_a_frozen_reader_gives_equation_7():
    reader, h, z = tm.MLP(D, H, L).eval(), torch.randn(16, D), torch.randn(16, L)
    assert torch.equal(
        rivals.Dispelling(reader)(h, z), tm.dispelling_loss(reader(h), z)
    )


def test_centred_answers_do_not_feel_what_all_images_share():
    h, z = torch.randn(16, D), torch.randn(16, L)
    shared, reader = torch.linspace(3, 9, L), nn.Linear(D, L)
    more = deepcopy(reader)
    with torch.no_grad():
        more.bias += shared
    for centred in (True, False):
        a = rivals.Dispelling(reader, centred)(h, z)
        b = rivals.Dispelling(more, centred)(h, z + shared)
        assert torch.allclose(a, b, atol=1e-5) == centred
    z_endo, z = reader(h), z.requires_grad_()
    by_hand = tm.losses.absolute_cosine(z_endo - z_endo.mean(0), z - z.mean(0)).mean()
    loss = rivals.Dispelling(reader, True)(h, z)
    equal(loss, by_hand)
    assert torch.autograd.grad(loss, z, allow_unused=True) == (None,)


def known(n=256):
    """Representations from which four classes can be read, and sure answers."""
    exo = torch.arange(n) % L
    h = torch.randn(n, D)
    h[:, :L] += 3 * torch.eye(L)[exo]
    return h, exo, 9.0 * torch.eye(L)[exo]


def test_a_retrained_reader_reads_better_and_gets_no_gradient():
    remover = rivals.Retrained(tm.MLP(D, 16, L), every=4, steps=200)
    h, exo, z = known()
    h.requires_grad_()

    def right():
        return (remover.reader.eval()(h).argmax(1) == exo).float().mean()

    before, weight = right(), deepcopy(remover.reader.first.weight)
    for _ in range(3):
        remover(h, z)
    assert torch.equal(remover.reader.first.weight, weight)
    loss = remover(h, z)
    assert before < 0.6 < 0.8 < right()
    assert torch.autograd.grad(loss, h)[0].abs().max() > 0
    assert not any(p.requires_grad for p in remover.parameters())
    assert remover.seen == []


def test_cross_covariance_is_that_of_numpy():
    h, _, z = known()
    xcov = rivals.CrossCovariance()
    both = np.cov(h.cpu().T, z.softmax(1).cpu().T, bias=True)[:D, D:]
    equal(xcov(h, z).item(), (both**2).sum() / 2)
    assert xcov(h, z) > 0.1
    equal(xcov(torch.ones_like(h), z).item(), 0.0)
    equal(xcov(h, torch.ones_like(z)).item(), 0.0)
    # Each h with each answer equally often: independent.
    equal(xcov(h.repeat_interleave(L, 0), z[:L].repeat(len(h), 1)).item(), 0.0)


def test_no_linear_reader_survives_an_eraser():
    h, exo, _ = known(800)
    h = h @ torch.randn(D, D)  # directions that are large and go together
    eraser = rivals.Eraser(h, exo)
    left, half = eraser(h), 400
    for x, low, high in ((h, 80, 100), (left, 0, 35)):
        score = tm.metrics.probe((x[:half], exo[:half]), (x[half:], exo[half:]))
        assert low <= score <= high
    equal(eraser(left), left, atol=1e-4)  # twice is once
    one_hot = torch.eye(L)[exo]
    covariance = (left - left.mean(0)).T @ (one_hot - one_hot.mean(0)) / len(h)
    equal(covariance, torch.zeros(D, L), atol=1e-4)
    # To take the covarying directions out at right angles would change more.
    whole = (h - h.mean(0)).cpu()
    covarying, _ = torch.linalg.qr((whole.T @ (one_hot - one_hot.mean(0)).cpu())[:, 1:])
    at_right_angles = whole @ covarying @ covarying.T
    assert (h - left).square().sum() < 0.9 * at_right_angles.square().sum()
    # Three directions tell four classes; of five, two are left as they were.
    changed = torch.linalg.matrix_rank((h - left).cpu(), rtol=1e-3)
    assert changed == L - 1


def test_an_eraser_needs_two_classes_and_bears_what_never_changes():
    h, exo, _ = known(32)
    with pytest.raises(ValueError, match="of one exogenous class"):
        rivals.Eraser(h, torch.zeros_like(exo))
    same = torch.ones_like(h)
    assert torch.equal(rivals.Eraser(same, exo)(same), same)


def test_reversal_turns_the_gradient_of_its_reader():
    remover, (h, exo, z) = rivals.Reversal(D, L), known(32)
    h.requires_grad_()
    plain = F.cross_entropy(remover.reader(h), exo)
    equal(remover(h, z), plain)
    own, (turned, *same) = (
        [*remover.parameters()],
        gradients(plain, h, *remover.parameters()),
    )
    equal(gradients(remover(h, z), h, *own), (-turned, *same))


# --- the contest's runs --------------------------------------------------------------

PLAN = plans.Plan(WORLDS["mnist-r"], tm.profile("smoke"), 1, "digits")
BOTH = replace(PLAN, world=WORLDS["mnist-rs"])
FACES = replace(PLAN, world=WORLDS["cartoons"])
EVERYONE = contest.NAMED
PLANS = dict.fromkeys(contest.TWO, BOTH) | dict.fromkeys(contest.PEOPLE, FACES)
(TREE,) = contest.runs_of(PLAN, contest.RIVALS["Tree gate"], 64, contest.USUAL)
SIZES = {  # times the baseline's, of those that are meant to differ
    "Large baseline": 1.99,
    "Softmax gate on h_endo": 1.032,
    "No image, probabilities alone": 0.04,
    "No image, hidden layer alone": 0.33,
    "No image, h_exo alone": 0.99,
}


def small(run):
    """The same with few images."""
    networks = tuple(replace(n, labels=64, n_test=64) for n in run.networks)
    return replace(run, n_test=64, networks=networks)


@cpu_only("rows are made where the command says")
@pytest.mark.parametrize("title", EVERYONE)
def test_a_rival_takes_a_step_and_is_as_large_as_the_baseline(
    title, untrained, tmp_path
):
    plan = PLANS.get(title, PLAN)
    (run,) = contest.runs_of(plan, EVERYONE[title], 64, contest.USUAL)
    run = small(run)
    train, _, test = one_run.datasets(run)
    if run.model in rival_models.UNDONE:
        train, test = one_run.undone(run, tmp_path, train, test)
    model = one_run.assemble(run, tmp_path, train, test)
    encoder = plan.world.does.encoder(run)
    usual = tm.build("baseline", train.n_classes, encoder=encoder)
    size = tm.n_trainable(model) / tm.n_trainable(usual)
    assert size == pytest.approx(SIZES.get(title, 1), abs=0.03)
    before = deepcopy(dict(model.named_parameters()))
    two_steps = {"epochs": 2, "schedule": "constant"}
    tm.fit(model, train, progress=False, **run.training | two_steps)
    # Not biases, of which batch norm takes some away.
    weights = {n: p for n, p in model.named_parameters() if n.endswith("weight")}
    stayed = {name for name, p in weights.items() if torch.equal(p, before[name])}
    assert stayed == {name for name, p in weights.items() if not p.requires_grad}


@cpu_only("rows are made where the command says")
def test_two_variables_are_undone_each_as_it_was_before(monkeypatch, tmp_path):
    """What a network would say of an image that is turned back already is not asked."""
    runs = {}
    for title in ("Undone by the truth, both", "Undone, then baseline, both"):
        (runs[title],) = contest.runs_of(BOTH, contest.TWO[title], 64, contest.USUAL)
    truth, guessed = runs.values()
    train, _, test = one_run.datasets(truth)
    right, _ = one_run.undone(truth, tmp_path, train, test)
    bins, asked = {}, []
    for by in ("rotation", "scale"):
        for part in one_run.datasets(replace(truth, by=by))[::2]:
            bins[part.n_exo, len(part)] = part.exo

    def knows(network, images, centers):
        asked.append(images)
        return centers[bins[len(centers), len(images)]]

    assert [network.by for network in guessed.networks] == ["rotation", "scale"]
    monkeypatch.setattr(one_run, "frozen_networks", lambda *_: ["turn", "size"])
    monkeypatch.setattr(one_run, "expected", knows)
    found, _ = one_run.undone(guessed, tmp_path, train, test)
    assert torch.equal(found.images, right.images)
    assert [len(images) for images in asked] == [len(train), len(test)] * 2
    assert all(torch.equal(images, train.images) for images in asked[::2])
    # All stand upright and are as large as can be: the same digits look more alike.
    ones = [part.images[train.target == 1].flatten(1) for part in (found, train)]
    alike, before = (F.normalize(x).mean(0).norm() for x in ones)
    assert alike > 1.1 * before


def test_a_rival_without_the_network_that_it_needs_says_so(untrained, tmp_path):
    for rival in contest.RIVALS.values():
        if not rival.network or rival.model in rival_models.READERS:
            continue
        (run,) = contest.runs_of(PLAN, rival, 64, contest.USUAL)
        run = replace(small(run), networks=())
        train, _, test = one_run.datasets(run)
        with pytest.raises(ValueError, match=r"needs (a frozen exo|exo)"):
            one_run.assemble(run, tmp_path, train, test)


def test_the_encoder_and_the_network_start_apart_only_where_a_run_says_so(
    untrained, tmp_path
):
    def starts(apart):
        run = replace(TREE, apart=apart)
        train, _, test = one_run.datasets(run)
        model = one_run.assemble(run, tmp_path, train, test)
        return (x.layers[0].weight for x in (model.encoder, model.context.encoder))

    encoder, network = starts(apart=False)
    assert torch.equal(encoder, network)  # as the committed runs have it
    other, same = starts(apart=True)
    assert torch.equal(same, network)
    assert not torch.equal(other, same)


def test_what_is_confounded_tells_the_digit_in_training_alone():
    even, other = (
        tm.data.mnist_r(1_500, 500, source="digits", confounded=share)
        for share in (0.0, 0.8)
    )
    usual = tm.data.mnist_r(1_500, 500, source="digits")
    for a, b in zip(even, usual, strict=True):
        assert a.fingerprint() == b.fingerprint()
    assert other[1].fingerprint() == usual[1].fingerprint()
    train = other[0]
    assert torch.equal(train.target, usual[0].target)
    left = train.exo >= 9
    for low, share in ((True, 0.9), (False, 0.1)):
        found = left[(train.target < 5) == low].float().mean().item()
        assert found == pytest.approx(share, abs=0.03)
    # As far to a side as before, if not to the same one.
    assert torch.equal((train.exo - 8.5).abs(), (usual[0].exo - 8.5).abs())
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="confounded must lie between 0 and 1"):
            tm.data.mnist_r(9, 9, source="digits", confounded=wrong)


@cpu_only("rows are made where the command says")
@pytest.mark.parametrize("model", ["baseline", "exogenous"])
@pytest.mark.parametrize("title", confounded.REMOVED)
def test_a_remover_is_trained_with_and_what_is_left_is_probed(
    title, model, untrained, tmp_path
):
    remover, (*_, dispel) = confounded.REMOVED[title]
    own = {"remover": remover, "confounded": 0.8}
    (run,) = confounded.runs_of(PLAN, model, 64, False, dispel, **own)
    run = small(run)
    train, _, test = one_run.datasets(run)
    (network,) = one_run.frozen_networks(run, tmp_path)
    model = one_run.assemble(run, tmp_path, train, test)
    frozen = [p for p in model.parameters() if not p.requires_grad]
    before = deepcopy(frozen)
    two_steps = {"epochs": 2, "schedule": "constant"}
    history = tm.fit(model, train, progress=False, **run.training | two_steps)
    assert (history["sim"] > 0).all() == (dispel > 0)
    if remover != "retrained":
        assert all(map(torch.equal, frozen, before))
    if remover == "erased":
        removal.erase(run, model, one_run.others(run))
    seen, _, _ = one_run.datasets(run.networks[0])
    assert torch.equal(one_run.others(run).images, seen.images)  # not confounded
    found = removal.readable(run, model, test, network)
    assert set(found) == {"read", "cosine", "linear", "mlp"}
    assert all(result_files._possible(run, *item) for item in found.items())
    tm.evaluate(model, test)


@cpu_only("rows are made where the command says")
def test_runs_of_rivals_and_removers_are_made_from_end_to_end(clean_env, tmp_path):
    undone = contest.RIVALS["Undone, then baseline"]
    removed = {"remover": "erased", "confounded": 0.8}
    runs = [
        *contest.runs_of(PLAN, undone, 64, contest.USUAL),
        *confounded.runs_of(PLAN, "exogenous", 64, True, 0.5, **removed),
    ]
    for run in map(small, runs):
        model = one_run.train_run(run, tmp_path)
        told = result_files.read(run, tmp_path)
        assert told["metrics"].keys() >= {"accuracy", "by_bin"}
        assert ("linear" in told["metrics"]) == run.probed
        assert told["parameters"] == tm.n_trainable(model)
