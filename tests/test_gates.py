"""Gates: rows of probabilities, and Eqs. 3 to 5 for the tree."""

import pytest
import torch
from conftest import cpu_only, randomise
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

import thin_mini as tm
from thin_mini import gates

DEPTHS = range(1, 11)
GATES = {
    "uniform": lambda: tm.UniformGate(8),
    "softmax": lambda: randomise(tm.SoftmaxGate(12, 8)),
    "tree": lambda: randomise(tm.TreeGate(12, 3)),
}


def leaves_below(d, node=0):
    """Each leaf's product along its path, from left to right (children 2n+1, 2n+2)."""
    if node >= d.shape[1]:
        return [torch.ones(len(d), dtype=d.dtype)]
    left = [d[:, node] * p for p in leaves_below(d, 2 * node + 1)]
    return left + [(1 - d[:, node]) * p for p in leaves_below(d, 2 * node + 2)]


def normalised_by_hand(gate, h, training):
    x = h @ gate.linear.weight.T + gate.linear.bias
    norm = gate.norm
    mean = x.mean(0) if training else norm.running_mean
    var = ((x - mean) ** 2).mean(0) if training else norm.running_var
    return (x - mean) / (var + norm.eps).sqrt() * norm.weight + norm.bias


def extreme_logits(depth, seed):
    g = torch.Generator().manual_seed(seed)
    logits = 200 * torch.rand(4, 2**depth - 1, generator=g) - 100
    logits[0] = 100 * torch.sign(logits[0])
    logits[1] = 0
    return logits


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_leaf_probabilities_are_the_products_along_the_paths(depth, training):
    gate = randomise(tm.TreeGate(6, depth).double()).train(training)
    h = torch.randn(5, 6, dtype=torch.float64)
    d = torch.sigmoid(normalised_by_hand(gate, h, training))
    expected = torch.stack(leaves_below(d), 1)
    torch.testing.assert_close(gate(h), expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gate.log_probs(h), expected.log(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_the_flat_gate_is_a_softmax_of_normalised_logits(training):
    gate = randomise(tm.SoftmaxGate(6, 5).double()).train(training)
    h = torch.randn(7, 6, dtype=torch.float64)
    expected = softmax(normalised_by_hand(gate, h, training).detach().cpu(), axis=1)
    torch.testing.assert_close(gate(h).detach().cpu(), torch.from_numpy(expected))


def test_the_uniform_gate_gives_every_expert_the_same_share_and_does_not_look():
    gate = tm.UniformGate(5)
    assert torch.equal(gate(torch.full((3, 2), torch.nan)), torch.full((3, 5), 0.2))
    assert list(gate.parameters()) == []


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", GATES)
def test_every_row_of_a_gate_sums_to_one(name, training):
    g = GATES[name]().train(training)(torch.randn(9, 12))
    assert g.shape == (9, 8)
    assert (g >= 0).all()
    torch.testing.assert_close(g.sum(1), torch.ones(9))


@cpu_only("what autograd computes is the same there, in a minute")
@pytest.mark.parametrize("depth", [3, 8])
def test_gradients_agree_with_finite_differences(depth):
    assert (depth <= gates.MATRIX_DEPTH) == (depth == 3)  # walked further or not
    logits = torch.randn(2, 2**depth - 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gates.leaf_log_probs, logits)


@pytest.mark.parametrize("depth", DEPTHS)
def test_matrices_and_walking_down_agree(depth, monkeypatch):
    logits = 5 * torch.randn(4, 2**depth - 1, dtype=torch.float64)
    weights = torch.randn(4, 2**depth, dtype=torch.float64)
    results = []
    for limit in (10, 1):
        monkeypatch.setattr(gates, "MATRIX_DEPTH", limit)
        z = logits.clone().requires_grad_()
        values = gates.leaf_log_probs(z)
        results.append((values, *torch.autograd.grad((values * weights).sum(), z)))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


@given(depth=st.sampled_from(DEPTHS), seed=st.integers(0, 2**31))
def test_logits_up_to_100_give_finite_values_and_gradients(depth, seed):
    logits = extreme_logits(depth, seed).requires_grad_()
    log_mu = gates.leaf_log_probs(logits)
    entropy = -(log_mu.exp() * log_mu).sum(1)
    torch.testing.assert_close(log_mu.exp().sum(1), torch.ones(4))
    for quantity in (log_mu, entropy):
        assert quantity.isfinite().all()
        (gradient,) = torch.autograd.grad(quantity.sum(), logits, retain_graph=True)
        assert gradient.isfinite().all()


@given(depth=st.sampled_from(DEPTHS), seed=st.integers(0, 2**31))
def test_float32_is_as_exact_as_float64_for_extreme_logits(depth, seed):
    logits = extreme_logits(depth, seed)
    exact = gates.leaf_log_probs(logits.double())
    got = gates.leaf_log_probs(logits).double()
    torch.testing.assert_close(got, exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_sure_root_sends_all_mass_to_its_own_half_of_the_leaves(depth):
    logits = torch.randn(2, 2**depth - 1)
    logits[:, 0] = torch.tensor([100.0, -100.0])
    mu = gates.leaf_log_probs(logits).exp()
    torch.testing.assert_close(mu[0].chunk(2)[0].sum(), torch.tensor(1.0))
    torch.testing.assert_close(mu[1].chunk(2)[1].sum(), torch.tensor(1.0))


@pytest.mark.parametrize("depth", [0, -1, 11, 64])
def test_a_depth_out_of_range_is_refused(depth):
    with pytest.raises(ValueError, match=f"between 1 and 10, got {depth}"):
        tm.TreeGate(4, depth)


@pytest.mark.parametrize("gate", [tm.UniformGate, lambda n: tm.SoftmaxGate(4, n)])
def test_a_gate_without_leaves_is_refused(gate):
    with pytest.raises(ValueError, match="at least 1, got 0"):
        gate(0)


@pytest.mark.parametrize("gate", [tm.TreeGate(4, 2), tm.SoftmaxGate(4, 2)])
def test_a_representation_of_another_size_is_refused(gate):
    with pytest.raises(ValueError, match=r"takes \(N, 4\), got \(3, 5\).*in_features"):
        gate(torch.zeros(3, 5))
