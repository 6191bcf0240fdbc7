"""Heads and gates that spare labels, what they are told, and their runs."""

from copy import deepcopy
from unittest.mock import patch

import pytest
import torch
from conftest import cpu_only, randomise
from torch import nn

import thin_mini as tm
from thin_mini import rivals
from thin_mini.lab import face_runs, one_run, plans, recipes, result_files
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


# --- runs ----------------------------------------------------------------------------


@pytest.fixture
def untrained(clean_env, monkeypatch):
    """Networks of runs are frozen as they are drawn."""
    monkeypatch.setattr(
        one_run,
        "trained_network",
        lambda run, root, gate_on="hidden": one_run._network(run, gate_on).freeze(),
    )
    monkeypatch.setattr(face_runs, "PAIRS", 20)


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
    few = "Concatenation, experts", "8 components"
    (run,) = few_labels.runs_of(PLAN, *few, on="valid")
    model = one_run.train_run(run, tmp_path)
    assert model.context.gate_features == 8
    told = result_files.read(run, tmp_path)
    assert 0 <= told["metrics"]["accuracy"] <= 100
    assert told["parameters"] == tm.n_trainable(model)
    assert run.gate_sees == "components of h_exo, pooled"
