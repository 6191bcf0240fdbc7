"""Experts: the wide product equals a loop over small networks."""

import pytest
import torch
from conftest import randomise
from torch import nn

import thin_mini as tm
from thin_mini import experts as experts_module

D, H, K, L = 7, 5, 3, 4


def slices(experts, i):
    """Expert i's part of every parameter and buffer, named as in its Sequential."""
    rows = slice(i * H, (i + 1) * H)
    return {
        "0.weight": experts.first.weight[rows],
        "0.bias": experts.first.bias[rows],
        "1.weight": experts.norm.weight[rows],
        "1.bias": experts.norm.bias[rows],
        "1.running_mean": experts.norm.running_mean[rows],
        "1.running_var": experts.norm.running_var[rows],
        "1.num_batches_tracked": experts.norm.num_batches_tracked,
        "3.weight": experts.weight[i].T,
        "3.bias": experts.bias[i, 0],
    }


def as_loop(experts):
    loop = []
    for i in range(L):
        module = nn.Sequential(
            nn.Linear(D, H), nn.BatchNorm1d(H), nn.ReLU(), nn.Linear(H, K)
        ).to(experts.weight.dtype)
        module.load_state_dict(slices(experts, i))
        loop.append(module.train(experts.training))
    return loop


@pytest.fixture(params=[True, False], ids=["train", "eval"])
def pair(request):
    experts = randomise(tm.Experts(D, H, K, L).double()).train(request.param)
    return experts, as_loop(experts), torch.randn(6, D, dtype=torch.float64)


def test_values_equal_a_loop_over_modules(pair):
    experts, loop, h = pair
    expected = torch.stack([module(h) for module in loop], 1)
    assert expected.shape == (6, L, K)
    torch.testing.assert_close(experts(h), expected)


def test_gradients_of_input_and_parameters_equal_those_of_a_loop(pair):
    experts, loop, h = pair
    weights = torch.randn(6, L, K, dtype=torch.float64)
    ours, theirs = h.clone().requires_grad_(), h.clone().requires_grad_()
    (experts(ours) * weights).sum().backward()
    (torch.stack([m(theirs) for m in loop], 1) * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    rows = [slice(i * H, (i + 1) * H) for i in range(L)]
    for i, module in enumerate(loop):
        for part, got in (
            (module[0].weight, experts.first.weight.grad[rows[i]]),
            (module[0].bias, experts.first.bias.grad[rows[i]]),
            (module[1].weight, experts.norm.weight.grad[rows[i]]),
            (module[1].bias, experts.norm.bias.grad[rows[i]]),
            (module[3].weight, experts.weight.grad[i].T),
            (module[3].bias, experts.bias.grad[i, 0]),
        ):
            torch.testing.assert_close(got, part.grad)


def test_running_statistics_after_steps_equal_those_of_a_loop(pair):
    experts, loop, h = pair
    parameters = [p for module in loop for p in module.parameters()]
    for module, x in ((experts, experts.parameters()), (loop, parameters)):
        optimizer = torch.optim.SGD(x, lr=0.1)
        for batch in (h, 2 * h + 1):
            z = (
                torch.stack([m(batch) for m in loop], 1)
                if module is loop
                else experts(batch)
            )
            optimizer.zero_grad()
            (z**2).sum().backward()
            optimizer.step()
    for i, module in enumerate(loop):
        for name, value in module.state_dict().items():
            torch.testing.assert_close(slices(experts, i)[name].detach(), value)


@pytest.mark.parametrize("name", ["in_features", "hidden", "n_classes", "n_experts"])
def test_a_size_below_one_is_refused(name):
    sizes = {"in_features": D, "hidden": H, "n_classes": K, "n_experts": L, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        tm.Experts(**sizes)


@pytest.mark.parametrize("shape", [(6, D + 1), (6, 1, D), (D,)])
def test_a_representation_of_another_shape_is_refused(shape):
    got = str(shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"Experts takes \(N, 7\), got {got}"):
        tm.Experts(D, H, K, L)(torch.zeros(shape))


def deep_loop(experts, widths):
    """The same experts of several hidden layers, one module each."""
    loop = []
    for i in range(experts.n_experts):
        layers, before = [], experts.in_features
        for width in widths:
            layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.ReLU()]
            before = width
        module = nn.Sequential(*layers, nn.Linear(before, experts.n_classes)).double()
        rows = [slice(i * width, (i + 1) * width) for width in widths]
        weights = [experts.first.weight[rows[0]]]
        weights += [layer.weight[i].T for layer in experts.deeper]
        weights += [experts.weight[i].T]
        biases = [experts.first.bias[rows[0]]]
        biases += [layer.bias[i, 0] for layer in experts.deeper]
        biases += [experts.bias[i, 0]]
        norms = [experts.norm, *(layer.norm for layer in experts.deeper)]
        with torch.no_grad():
            for linear, weight, bias in zip(module[::3], weights, biases, strict=True):
                linear.weight.copy_(weight)
                linear.bias.copy_(bias)
            for theirs, ours, part in zip(module[1::3], norms, rows, strict=True):
                for name in ("weight", "bias", "running_mean", "running_var"):
                    getattr(theirs, name).copy_(getattr(ours, name)[part])
        loop.append(module.train(experts.training))
    return loop


@pytest.mark.parametrize("widths", [(H, 4), (H, 2, 6)])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_experts_with_several_hidden_layers_equal_a_loop(widths, training):
    experts = randomise(tm.Experts(D, widths, K, L).double()).train(training)
    loop = deep_loop(experts, widths)
    ours = torch.randn(6, D, dtype=torch.float64, requires_grad=True)
    theirs, weights = ours.detach().clone().requires_grad_(), torch.randn(6, L, K)
    z = torch.stack([module(theirs) for module in loop], 1)
    torch.testing.assert_close(experts(ours), z)
    (experts(ours) * weights).sum().backward()
    (z * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    for i, module in enumerate(loop):
        rows = [slice(i * width, (i + 1) * width) for width in widths]
        got = [experts.first.weight.grad[rows[0]], experts.first.bias.grad[rows[0]]]
        got += [experts.norm.weight.grad[rows[0]], experts.norm.bias.grad[rows[0]]]
        for layer, part in zip(experts.deeper, rows[1:], strict=True):
            got += [layer.weight.grad[i].T, layer.bias.grad[i, 0]]
            got += [layer.norm.weight.grad[part], layer.norm.bias.grad[part]]
        got += [experts.weight.grad[i].T, experts.bias.grad[i, 0]]
        for ours_grad, p in zip(got, module.parameters(), strict=True):
            torch.testing.assert_close(ours_grad, p.grad)


def test_experts_need_units_in_every_layer():
    with pytest.raises(ValueError, match="hidden must be at least 1, got 0"):
        tm.Experts(D, (H, 0), K, L)


@pytest.mark.parametrize("make", [tm.Experts, lambda *sizes: tm.MLP(*sizes[:3])])
def test_a_very_wide_layer_is_the_same_in_blocks(make, monkeypatch):
    torch.manual_seed(0)
    whole = make(D, H, K, L).double()
    size = D * whole.first.out_features
    monkeypatch.setattr(experts_module, "BLOCK", size // 3)
    blocks = make(D, H, K, L).double()
    assert len(blocks.first) == 4
    assert max(p.numel() for p in blocks.first.parameters()) <= size // 3 + 2 * D
    rows = [block.out_features for block in blocks.first]
    state = whole.state_dict()
    for name in ("weight", "bias"):
        for i, part in enumerate(state.pop(f"first.{name}").split(rows)):
            state[f"first.{i}.{name}"] = part
    blocks.load_state_dict(state)
    h = torch.randn(6, D, dtype=torch.float64)
    ours, theirs = h.clone().requires_grad_(), h.clone().requires_grad_()
    torch.testing.assert_close(blocks(ours), whole(theirs))
    blocks(ours).square().sum().backward()
    whole(theirs).square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    grads = torch.cat([block.weight.grad for block in blocks.first])
    torch.testing.assert_close(grads, whole.first.weight.grad)


@pytest.mark.parametrize("gated", [False, True])
def test_experts_of_one_hidden_layer_are_one_network_in_groups(gated):
    experts = tm.Experts(20, 4, 3, n_experts=8).double()
    mlp = tm.MLP(20, 32, 3).double()
    h = torch.rand(16, 20, dtype=torch.double)
    g = (
        torch.rand(16, 8, dtype=torch.double).softmax(1)
        if gated
        else torch.ones(16, 8) / 8
    )
    with torch.no_grad():
        mlp.first.load_state_dict(experts.first.state_dict())
        mlp.norm.load_state_dict(experts.norm.state_dict())
        mixed = torch.einsum("nlk,nl->nk", experts(h), g.double())
        groups = mlp.embed(h) * g.double().repeat_interleave(4, dim=1)  # (N, 32)
        one = groups @ experts.weight.flatten(0, 1) + g.double() @ experts.bias[:, 0]
    torch.testing.assert_close(one, mixed, atol=1e-8, rtol=0)
    assert tm.n_trainable(experts) - tm.n_trainable(mlp) == (8 - 1) * 3
