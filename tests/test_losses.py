"""Losses: Eqs. 7 and 8 against SciPy and PyTorch."""

import pytest
import torch
import torch.nn.functional as F
from conftest import cpu_only
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

import thin_mini as tm
from thin_mini.losses import absolute_cosine


def pairs(seed, n=6, c=5):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, c, generator=g).unbind()


def test_similarity_is_the_absolute_cosine_of_scipy():
    a, b = pairs(0)
    expected = [
        abs(1 - cosine(x.double().cpu(), y.double().cpu()))
        for x, y in zip(a, b, strict=True)
    ]
    assert absolute_cosine(a, b).tolist() == pytest.approx(expected, abs=1e-6)
    mean = sum(expected) / len(expected)
    assert tm.dispelling_loss(a, b).item() == pytest.approx(mean, abs=1e-6)


@given(seed=st.integers(0, 2**31), scale=st.floats(1e-3, 1e3), flip=st.booleans())
def test_similarity_lies_in_0_to_1_and_ignores_scale_and_sign(seed, scale, flip):
    a, b = pairs(seed)
    value = absolute_cosine(a, b)
    assert ((value >= 0) & (value <= 1 + 1e-6)).all()
    scaled = absolute_cosine((-scale if flip else scale) * a, b)
    torch.testing.assert_close(scaled, value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("b", "expected"), [([2.0, 0.0], 1), ([-3.0, 0.0], 1), ([0.0, 5.0], 0)]
)
def test_parallel_is_1_opposite_is_1_orthogonal_is_0(b, expected):
    a = torch.tensor([[4.0, 0.0]])
    assert tm.dispelling_loss(a, torch.tensor([b])).item() == pytest.approx(expected)


def test_a_zero_vector_gives_zero_and_a_finite_gradient():
    a = torch.zeros(2, 3, requires_grad=True)
    loss = tm.dispelling_loss(a, torch.randn(2, 3))
    loss.backward()
    assert loss.item() == 0
    assert a.grad.isfinite().all()


def test_the_exogenous_side_gets_no_gradient_and_the_other_does():
    a, b = (x.requires_grad_() for x in pairs(0))
    tm.dispelling_loss(a, b).backward()
    assert b.grad is None
    assert a.grad.abs().sum() > 0


def test_descending_the_loss_makes_the_vectors_orthogonal():
    a, b = pairs(1)
    a.requires_grad_()
    optimizer = torch.optim.SGD([a], lr=1.0)
    before = tm.dispelling_loss(a, b).item()
    for _ in range(100):
        optimizer.zero_grad()
        tm.dispelling_loss(a, b).backward()
        optimizer.step()
    assert tm.dispelling_loss(a, b).item() < 0.2 * before


@pytest.mark.parametrize("dispel", [0.0, 0.005, 2.0])
def test_the_full_loss_is_cross_entropy_plus_lambda_times_similarity(dispel):
    (a, b), logits, target = pairs(2), torch.randn(6, 4), torch.randint(4, (6,))
    picked = logits.softmax(1)[torch.arange(6), target]
    expected = -picked.log().mean() + dispel * F.cosine_similarity(a, b).abs().mean()
    torch.testing.assert_close(tm.thin_loss(logits, target, a, b, dispel), expected)


def test_logits_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 4\)"):
        tm.dispelling_loss(torch.zeros(2, 3), torch.zeros(2, 4))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.zeros(3).long(), r"\(4,\), .*each image, got \(3,\)"),
        (torch.zeros(4), r"target must be int64, got torch\.float32"),
    ],
)
def test_targets_that_do_not_fit_are_refused(target, message):
    z = torch.randn(4, 5)
    with pytest.raises(ValueError, match=message):
        tm.thin_loss(z, target, z, z, 0.1)
    with pytest.raises(ValueError, match=message):
        tm.build("simple", 10).losses(torch.rand(4, 1, 28, 28), target)


def test_logits_that_are_no_floats_are_refused():
    with pytest.raises(ValueError, match=r"hold floats, got torch\.int64"):
        tm.dispelling_loss(torch.ones(2, 3).long(), torch.ones(2, 3).long())


def test_an_exogenous_side_that_is_none_is_refused_naming_what_is():
    with pytest.raises(TypeError, match="exogenous is a ConvEncoder: pass a frozen"):
        tm.build("thin", 10, exogenous=tm.ConvEncoder())


@cpu_only("a compiler does not see through the pretended device")
def test_the_checks_of_a_step_do_not_break_a_compiled_graph():
    loss = torch.compile(tm.thin_loss, backend="eager", fullgraph=True, dynamic=True)
    for n in (4, 5):
        z, target = torch.rand(n, 3), torch.arange(n) % 3
        expected = tm.thin_loss(z, target, z, z, 0.1)
        torch.testing.assert_close(loss(z, target, z, z, 0.1), expected)
