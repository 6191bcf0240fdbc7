"""L small classifiers on one representation, forwards and backwards."""

from __future__ import annotations

import copy

import torch
from timing import Functions, compare, forward_backward
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

import thin_mini as tm

# L, D, H, K and N: what the chapters train, a larger ensemble, and the paper's faces.
SHAPES = (
    (8, 784, 32, 10, 128),
    (8, 784, 32, 10, 256),
    (32, 784, 64, 10, 256),
    (32, 4608, 512, 7, 16),
)


def functions(ours: tm.Experts) -> Functions:
    """The same experts in a loop over modules, under vmap and as batched products."""
    modules = split(ours)
    parameters, buffers = stack_module_state(copy.deepcopy(modules))
    skeleton = copy.deepcopy(modules[0]).to("meta")

    def one(parameters: dict, buffers: dict, h: Tensor) -> Tensor:
        return functional_call(skeleton, (parameters, buffers), (h,))

    def batched(h: Tensor) -> Tensor:
        n, hidden = ours.n_experts, ours.hidden
        weight, bias = first_layers(ours)
        weight, bias = weight.transpose(1, 2), bias[:, None]  # (L, D, H), (L, 1, H)
        a = torch.baddbmm(bias, h.expand(n, *h.shape), weight)  # (L, N, H)
        a = torch.relu(ours.norm(a.transpose(0, 1).flatten(1)))  # (N, L·H)
        a = a.view(len(h), n, hidden).transpose(0, 1)
        return torch.baddbmm(ours.bias, a, ours.weight).transpose(0, 1)

    return {
        "ours": ours,
        "loop": lambda h: torch.stack([module(h) for module in modules], 1),
        "vmap": lambda h: vmap(one, (0, 0, None), 1)(parameters, buffers, h),
        "batched": batched,
    }


def first_layers(experts: tm.Experts) -> tuple[Tensor, Tensor]:
    """Their weights (L, H, D) and biases (L, H)."""
    blocks = [m for m in experts.first.modules() if isinstance(m, nn.Linear)]
    weight, bias = (
        blocks[0].get_parameter(name)
        if len(blocks) == 1
        else torch.cat([block.get_parameter(name) for block in blocks])
        for name in ("weight", "bias")
    )
    size = experts.n_experts, experts.hidden
    return weight.view(*size, -1), bias.view(size)


def split(experts: tm.Experts) -> nn.ModuleList:
    """Each expert as a module of its own, with a copy of its weights."""
    modules = nn.ModuleList()
    weights, biases = first_layers(experts)
    for i in range(experts.n_experts):
        state = {
            "first.weight": weights[i],
            "first.bias": biases[i],
            "last.weight": experts.weight[i].T,
            "last.bias": experts.bias[i, 0],
        }
        module = tm.MLP(experts.in_features, experts.hidden, experts.n_classes)
        module.load_state_dict(state, strict=False)  # batch norm is new in both
        modules.append(module)
    return modules


def measure() -> dict:
    table = {}
    for n, d, hidden, k, batch in SHAPES:
        candidates = forward_backward(
            functions(tm.Experts(d, hidden, k, n)), torch.randn(batch, d)
        )
        large = n * d * hidden > 10_000_000  # a second for each round
        table[f"L={n}, D={d}, H={hidden}, K={k}, N={batch}"] = compare(
            candidates, rounds=7 if large else 25
        )
    return table
