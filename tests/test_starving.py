"""Heads and gates that spare labels, what they are told, and their runs."""

from copy import deepcopy
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from conftest import cpu_only, randomise
from torch import nn

import thin_mini as tm
from thin_mini import rivals
from thin_mini.lab import (
    face_runs,
    one_run,
    plans,
    recipes,
    result_files,
    summaries,
)
from thin_mini.lab.worlds import WORLDS

with patch.dict(recipes.RECIPES):  # which these are not yet among
    from thin_mini.lab import few_labels

L, H, D, K = 4, 3, 5, 2  # experts, hidden units of each, features, classes
PLAN = plans.Plan(WORLDS["cartoons"], tm.profile("smoke"), 1)
ROWS = [(title, told) for told, titles in few_labels.TRIED.items() for title in titles]


# --- heads by their formulas ---------------------------------------------------------


def gradients(value, *of):
    """Of a sum that no symmetry hides, with respect to each."""
    weights = torch.linspace(1, 2, value.numel(), device=value.device)
    return torch.autograd.grad((value.flatten() * weights).sum(), of, retain_graph=True)


def equal(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_mean_layer_makes_a_classifier_the_mean_of_experts(training):
    experts = randomise(tm.Experts(D, H, K, L)).train(training)
    mlp = tm.MLP(D, L * H, K).train(training)
    mlp.last = rivals.MeanLayer(L * H, K, L)
    mlp.first.load_state_dict(experts.first.state_dict())
    mlp.norm.load_state_dict(experts.norm.state_dict())
    with torch.no_grad():
        mlp.last.weight.copy_(experts.weight.flatten(0, 1).T)  # (K, L·H)
        mlp.last.bias.copy_(experts.bias.mean((0, 1)))
    h = torch.randn(16, D).requires_grad_()
    ours, mean = mlp(h), experts(h).mean(1)
    equal(ours, mean)
    *same, last = gradients(ours, h, mlp.first.weight, mlp.last.weight)
    *wanted, stacked = gradients(mean, h, experts.first.weight, experts.weight)
    equal([*same, last], [*wanted, stacked.flatten(0, 1).T])


def test_first_logits_of_a_mean_layer_are_smaller_by_the_root_of_the_experts():
    torch.manual_seed(0)
    plain, mean = nn.Linear(256, 4_000), rivals.MeanLayer(256, 4_000, 16)
    ratio = (plain.weight.std() / (mean.weight / 16).std()).item()
    assert ratio == pytest.approx(4, rel=0.01)


def test_a_blended_gate_is_its_formula_in_values_and_gradients():
    gate = rivals.Blended(D, 2).eval()
    tree = tm.TreeGate(D, 2).eval()
    tree.load_state_dict(gate.state_dict(), strict=False)
    h = torch.randn(6, D).requires_grad_()
    equal(gate(h), tree(h) / 2 + 1 / 8)  # at first a half
    with torch.no_grad():
        gate.share.fill_(0.7)
    a = torch.sigmoid(gate.share)
    by_hand = a * tree(h) + (1 - a) / L
    equal(gate(h), by_hand)
    equal(gradients(gate(h), h, gate.share), gradients(by_hand, h, gate.share))
    of = gradients(gate(h), gate.linear.weight), gradients(by_hand, tree.linear.weight)
    equal(*of)


def test_an_annealed_tree_starts_uniform_and_ends_as_the_tree():
    gate, h = rivals.Annealed(D, 2, steps=4), torch.randn(6, D)
    tree = tm.TreeGate(D, 2)
    tree.load_state_dict(gate.state_dict(), strict=False)
    equal(gate.eval()(h), torch.full((6, L), 1 / L))
    gate.train()
    for step in range(6):
        wanted = tree.train().node_logits(h) * min(1, step / 4)
        equal(gate.node_logits(h), wanted)
    gate.eval().load_state_dict(tree.eval().state_dict(), strict=False)
    assert torch.equal(gate(h), tree(h))
    assert gate.seen == 6  # not counted where nothing is trained


def test_experts_that_share_start_as_one_and_are_shrunk_towards_it():
    experts = rivals.Shared(D, H, K, L, 6).eval()
    h = torch.randn(5, D)
    assert torch.equal(experts(h), experts.shared(h)[:, None].expand(5, L, K))
    nn.init.normal_(experts.weight)
    differences = randomise(tm.Experts(D, H, K, L)).eval()
    own = {k: v for k, v in experts.state_dict().items() if not k.startswith("shared")}
    differences.load_state_dict(own)
    equal(experts(h), experts.shared(h)[:, None] + differences(h))


def test_what_shrinks_differences_is_weighed_by_lambda():
    encoder = tm.ConvEncoder(1, 8)
    experts = rivals.Shared(encoder.out_features, H, K, L, 6)
    nn.init.normal_(experts.weight)
    model = rivals.Shrunk(encoder, experts, tm.TreeGate(64, 2))
    images, target = torch.rand(6, 1, 8, 8), torch.arange(6) % K
    sup, size = model.losses(images, target, dispel=0.5)
    assert size.item() == pytest.approx((experts.weight**2).sum().item(), rel=1e-5)
    equal(gradients(size, experts.weight)[0], 2 * experts.weight)
    _, nothing = model.losses(images, target)
    assert nothing == 0
    equal(sup, tm.losses.task_loss(model(images), target))


# --- what is known of people ---------------------------------------------------------


@pytest.mark.filterwarnings("ignore:invalid value")  # where nothing ever changes
def test_components_are_uncorrelated_of_variance_1_and_the_largest():
    h = torch.randn(200, D) @ torch.randn(D, D) + 3
    layer = summaries.components(h, 2)
    found = layer(h)
    equal(found.mean(0), torch.zeros(2))
    equal(found.T @ found / 199, torch.eye(2))
    values, vectors = torch.linalg.eigh(torch.cov(h.T))
    by_hand = (h - h.mean(0)) @ vectors[:, -1] / values[-1].sqrt()
    equal(found[:, 0].abs(), by_hand.abs())
    layer.requires_grad_(True)
    assert tm.n_trainable(layer) == 0  # frozen, whatever is asked of it
    same = summaries.components(torch.ones(9, D), 2)(torch.ones(9, D))
    equal(same, torch.zeros(9, 2))


def test_clusters_are_told_one_hot_by_the_nearest_centre():
    centers = 9 * torch.eye(D)[:3]
    h = (centers[:, None] + torch.randn(3, 20, D) / 9).flatten(0, 1)
    layer = summaries.clusters(h, 3)
    told = layer(h).unflatten(0, (3, 20))
    assert torch.equal(told, told[:, :1].expand(3, 20, 3))
    assert torch.equal(told[:, 0].sum(0), torch.ones(3))
    equal(layer.centers[told[:, 0].argmax(1)], h.unflatten(0, (3, 20)).mean(1))


@pytest.mark.parametrize(("make", "most"), [("components", 5), ("clusters", 9)])
def test_there_are_no_more_components_than_features_nor_clusters_than_rows(make, most):
    h = torch.randn(9, D)
    getattr(summaries, make)(h, most)
    message = f"{most + 1} {make} of 9 rows of 5 features: ask for at most {most}"
    with pytest.raises(ValueError, match=message):
        getattr(summaries, make)(h, most + 1)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        getattr(summaries, make)(h, 0)


def test_a_summary_says_in_fewer_numbers_what_a_network_knows():
    network = tm.ExogenousNetwork(tm.ConvEncoder(1, 8), K, 6).freeze()
    images = torch.rand(20, 1, 8, 8)
    h_g, z_exo = network.condition(images)
    layer = summaries.components(h_g, 2)
    told = summaries.Summarised(network, layer, 2).condition(images)
    assert torch.equal(told.h_g, layer(h_g))
    assert torch.equal(told.z_exo, z_exo)
    learning = tm.ExogenousNetwork(tm.ConvEncoder(1, 8), K, 6)
    with pytest.raises(ValueError, match=r"pass exogenous\.freeze\(\)"):
        summaries.Summarised(learning, layer, 2)


def test_an_album_has_the_first_pictures_of_each_person():
    exo = torch.tensor([1, 0, 1, 3, 1, 0])
    found = rivals.album(exo, 4, 2)
    # Person 2 has none, and the next one's is shown; person 3 shows one twice.
    assert found.tolist() == [[1, 5], [0, 2], [3, 3], [3, 3]]
    assert rivals.album(exo, 2 + 3, 1)[4].item() in range(6)
    for k in (0, -1):
        with pytest.raises(ValueError, match=f"k must be at least 1, got {k}"):
            rivals.album(exo, 4, k)


@pytest.mark.parametrize("training", [True, False])
def test_a_persons_average_is_taken_from_h_endo(training):
    encoder, head = tm.ConvEncoder(1, 8), nn.Linear(64, K)
    pictures, who = torch.rand(4, 1, 8, 8), torch.tensor([1, 0, 1])
    shown = torch.tensor([[0, 1], [2, 3]])
    context = tm.Oracle(2, torch.arange(2.0)[:, None])
    model = rivals.Centred(encoder, head, K, context, pictures, shown).train(training)
    images = torch.rand(3, 1, 8, 8)
    ours = model(images, context.condition(images, who))
    averages = encoder(pictures).unflatten(0, (2, 2)).mean(1)  # (2, D)
    by_hand = head(encoder(images) - averages[who])
    equal(ours, by_hand)
    first = encoder.layers[0].weight
    torch.testing.assert_close(
        gradients(ours, first), gradients(by_hand, first), rtol=1e-3, atol=1e-4
    )
    with pytest.raises(ValueError, match="needs a condition that says who it is"):
        model.logits(encoder(images), None)
    with pytest.raises(ValueError, match="album label 9 is out of range"):
        rivals.Centred(encoder, head, K, context, pictures, shown + 6)


# --- runs ----------------------------------------------------------------------------


@pytest.fixture
def untrained(untrained, monkeypatch):
    """With fewer pairs and faces, too."""
    monkeypatch.setattr(face_runs, "PAIRS", 20)
    monkeypatch.setattr(face_runs, "FITTED_ON", 60)


@cpu_only("rows are made where the command says")
@pytest.mark.parametrize(("title", "told"), ROWS)
def test_a_head_takes_a_step_and_is_as_large_as_the_baseline(
    title, told, untrained, tmp_path
):
    (run,) = few_labels.runs_of(PLAN, title, told, on="valid")
    train, _, test = one_run.datasets(run)
    model = one_run.assemble(run, tmp_path, train, test)
    usual = tm.n_trainable(tm.build("baseline", 7, encoder=deepcopy(model.encoder)))
    assert tm.n_trainable(model) / usual == pytest.approx(1, abs=0.03)
    before = deepcopy(dict(model.named_parameters()))
    two_steps = {"epochs": 2, "schedule": "constant"}
    tm.fit(model, train, progress=False, **run.training | two_steps)
    weights = {n: p for n, p in model.named_parameters() if n.endswith("weight")}
    stayed = {name for name, p in weights.items() if torch.equal(p, before[name])}
    assert stayed == {name for name, p in weights.items() if not p.requires_grad}
    assert ("gate.linear.weight" in stayed) == (title == "Random frozen tree")
    found = WORLDS["cartoons"].does.measure(run, model, test)
    assert all(result_files._possible(run, *item) for item in found.items())


@cpu_only("rows are made where the command says")
def test_a_run_is_made_from_end_to_end(clean_env, monkeypatch, tmp_path):
    monkeypatch.setattr(face_runs, "PAIRS", 20)
    monkeypatch.setattr(face_runs, "FITTED_ON", 60)
    few = "Concatenation, experts", "8 components"
    (run,) = few_labels.runs_of(PLAN, *few, on="valid")
    model = one_run.train_run(run, tmp_path)
    assert model.context.gate_features == 8
    told = result_files.read(run, tmp_path)
    assert 0 <= told["metrics"]["accuracy"] <= 100
    assert told["parameters"] == tm.n_trainable(model)
    assert run.gate_sees == "components of h_exo, pooled"


@cpu_only("rows are made where the command says")
def test_what_a_person_shows_without_a_label_is_in_no_other_set(untrained):
    title = few_labels.WITHOUT[1]
    (run,) = few_labels.runs_of(PLAN, title, "who it is", on="valid")
    train, _, test = one_run.datasets(run)
    images, index = face_runs.albums(run)
    assert index.shape == (test.n_exo, 1)
    seen = {image.numpy().tobytes() for part in (train, test) for image in part.images}
    assert not seen & {image.numpy().tobytes() for image in images}
    further, others = face_runs.without_labels(run, 320, 2 * run.n_test)
    everyone = torch.cat([further.images, others.images])
    exo = torch.cat([further.exo, others.exo])
    for person in (0, test.n_exo - 1):
        own = everyone[exo == person]
        assert all(
            (own == image).all((1, 2, 3)).any() for image in images[index[person]]
        )


@cpu_only("rows are made where the command says")
def test_a_head_may_be_told_the_mean_over_a_persons_pictures(untrained, tmp_path):
    (run,) = few_labels.runs_of(PLAN, "Tree gate", "the pooled map", on="valid")
    run = replace(run, pictures=3)
    train, _, test = one_run.datasets(run)
    context = one_run.assemble(run, tmp_path, train, test).context
    images, index = face_runs.albums(run)
    (network,) = one_run.frozen_networks(run, tmp_path)
    mean = network.condition(images[index[7]]).h_g.mean(0)
    equal(context.condition(images[:1], torch.tensor([7])).h_g[0], mean)
    assert run.gate_sees == "h_exo, pooled, mean of 3 pictures"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"networks": ()}, "needs a frozen exogenous network"),
        ({"networks": (), "summary": "clusters"}, "needs a frozen exogenous network"),
        ({"summary": "means"}, "summary must be one of components, clusters"),
        ({"pictures": -1}, "pictures must be at least 1, got -1"),
        ({"model": "centred"}, "pictures must be at least 1, got 0"),
        (
            {"data": "mnist-r", "source": "digits", "by": "rotation", "pictures": 1},
            "mnist-r has no further pictures of people: take cartoons",
        ),
    ],
)
@cpu_only("rows are made where the command says")
def test_runs_that_cannot_be_say_so(changes, message, untrained, tmp_path):
    (run,) = few_labels.runs_of(PLAN, "Tree gate", "the pooled map", on="valid")
    run = replace(run, **changes)
    train, _, test = one_run.datasets(run)
    with pytest.raises(ValueError, match=message):
        one_run.assemble(run, tmp_path, train, test)


def test_rows_are_measured_on_validation_people_beside_the_simple_ensemble():
    rows = {row.name: row for row in few_labels.spared(PLAN)}
    for row in rows.values():
        assert {row.reference, row.beside} - {None} <= rows.keys()
        assert {run.on for run in row.runs} == {"valid"}
    told = {name: row.runs[0].gate_sees for name, row in rows.items()}
    assert told["Tree gate, told every trait"] == "true traits"
    assert told[few_labels.WITHOUT[5]] == ""
