"""Half precision: probabilities, mixtures and angles keep float32's digits."""

import copy

import pytest
import torch
from conftest import make, randomise

import thin_mini as tm
from thin_mini.gates import leaf_log_probs
from thin_mini.losses import absolute_cosine

HALF = [torch.bfloat16, torch.float16]
GATES = {
    "uniform": lambda: tm.UniformGate(5),
    "softmax": lambda: randomise(tm.SoftmaxGate(64, 32)),
    "tree": lambda: randomise(tm.TreeGate(64, 5)),
    "deep tree": lambda: randomise(tm.TreeGate(64, 9)),
}


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", GATES)
def test_rows_of_a_gate_sum_to_one_under_autocast(name, dtype, training):
    gate, h = GATES[name]().train(training), 3 * torch.randn(256, 64)
    with torch.autocast("cpu", dtype):
        g = gate(h)
        log_g = gate.log_probs(h) if name != "uniform" else g.log()
    assert g.dtype == log_g.dtype == torch.float32
    assert (g.sum(1) - 1).abs().max() < 1e-5
    torch.testing.assert_close(log_g.exp().sum(1), torch.ones(256))


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", GATES)
def test_rows_of_a_gate_in_half_precision_sum_to_one(name, dtype):
    g = GATES[name]().to(dtype).eval()(torch.randn(256, 64).to(dtype))
    assert g.dtype == torch.float32
    assert (g.sum(1) - 1).abs().max() < 1e-5


@pytest.mark.parametrize("dtype", HALF)
def test_only_the_linear_layer_of_a_gate_is_in_half_precision(dtype):
    gate, h = randomise(tm.TreeGate(64, 5)).eval(), torch.randn(256, 64)
    with torch.autocast("cpu", dtype):
        g = gate(h)
        logits = gate.linear(h)
    expected = leaf_log_probs(gate.norm(logits.float())).exp()
    torch.testing.assert_close(g, expected, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("row", ["simple", "tree", "thin"])
def test_experts_are_mixed_in_float32(row, dtype, exogenous, digits):
    model, images = make(row, exogenous).eval(), digits[0].images[:64]
    with torch.autocast("cpu", dtype):
        logits = model(images)
        h_endo = model.encoder(images)
        h_g = h_endo if row != "thin" else model.context.condition(images).h_g
        z, g = model.experts(h_endo).float(), model.gate(h_g)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, torch.einsum("nlk,nl->nk", z, g))


@pytest.mark.parametrize("row", ["baseline", "tree", "thin"])
def test_a_whole_model_in_bfloat16_is_near_the_same_in_float32(row, exogenous, digits):
    model, images = make(row, copy.deepcopy(exogenous)).eval(), digits[0].images[:64]
    exact = model(images)
    logits = model.bfloat16()(images.bfloat16()).float()
    assert (logits - exact).abs().max() < 0.05 * exact.abs().max()


@pytest.mark.parametrize("dtype", [*HALF, torch.float32, torch.float64])
@pytest.mark.parametrize("other", ["zero", "random"])
@pytest.mark.parametrize("length", [0, 1e-12, 6e-8, 1e-3, 1, 1e3])
def test_the_dispelling_loss_of_any_row_is_finite_and_so_is_its_gradient(
    length, other, dtype
):
    a = torch.zeros(2, 18, dtype=dtype)
    a[0, 3] = length
    a.requires_grad_()
    b = torch.zeros(2, 18) if other == "zero" else torch.randn(2, 18)
    loss = tm.dispelling_loss(a, b.to(dtype))
    loss.backward()
    assert loss.isfinite()
    assert 0 <= loss <= 1 + 1e-6
    assert a.grad.isfinite().all()


@pytest.mark.parametrize("dtype", HALF)
def test_an_angle_in_half_precision_has_the_digits_of_float32(dtype):
    a, b = (30 * torch.randn(64, 2622).to(dtype) for _ in range(2))
    got = absolute_cosine(a, b)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, absolute_cosine(a.float(), b.float()))
