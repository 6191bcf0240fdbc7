"""Models of one architecture that differ in their seeds, trained as one.

``torch.func`` stacks their weights and lets one pass compute all of them: convolutions
become grouped ones, matrix products batched ones. Each model still sees its own images
in the order that ``fit`` would take, and comes out as ``fit`` would have made it. What
a step needs lies on the device from the beginning, so that a step can be captured once
as a CUDA graph and then replayed without Python.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

import thin_mini as tm
from thin_mini import gates
from thin_mini.lab.rows import Protocol
from thin_mini.models import Condition, Oracle
from thin_mini.training import Losses, batches, draw_offsets

BETA2, EPS = 0.999, 1e-8  # Adam's


class Stack:
    """S models and their images.

    Args:
        models: Of one architecture, on one device. They change in ``unstack``.
        datasets: The training images of each.
        seeds: Of each, for the order of its images and their shifts.
        protocol: How they are trained.
        dispel: λ of Eq. 8.
        unfolded: Whether convolutions are matrix products instead of grouped ones.

    Attributes:
        n_steps: T, the steps of the whole training.
        told: (T, S, 2), L_sup and L_sim in each step so far.
    """

    def __init__(
        self,
        models: Sequence[tm.Classifier],
        datasets: Sequence[tm.data.ExogenousDataset],
        seeds: Sequence[int],
        protocol: Protocol,
        dispel: float,
        unfolded: bool = False,
    ) -> None:
        self.models, self.context = models, models[0].context
        device = next(models[0].parameters()).device
        self.paths = paths_on(device)
        losses = [Losses(model, dispel).train() for model in models]
        self.skeleton = copy.deepcopy(losses[0]).to("meta")
        if unfolded:
            unfold(self.skeleton)
        weights, self.buffers = stack_module_state(losses)  # each (S, …)
        self.fixed = {k: v for k, v in weights.items() if not v.requires_grad}
        trained = {k: v for k, v in weights.items() if v.requires_grad}
        self.shapes = {k: v.shape for k, v in trained.items()}
        # In one piece, so that Adam takes few operations.
        self.flat = torch.cat([v.detach().flatten() for v in trained.values()])
        self.flat.requires_grad_()
        self.mean = torch.zeros_like(self.flat)
        self.square = torch.zeros_like(self.flat)
        self.factors = self.flat.new_tensor([1, dispel])
        self._load(datasets)
        batch_size = min(protocol.batch_size, len(datasets[0]))
        self.n_steps = protocol.epochs * (len(datasets[0]) // batch_size)
        self._order(len(datasets[0]), seeds, protocol, batch_size)
        self.schedule = self.flat.new_tensor(schedule(protocol, self.n_steps))
        self.told = self.flat.new_zeros(self.n_steps, len(models), 2)
        self.done = torch.zeros(1, dtype=torch.int64, device=device)

    def _load(self, datasets: Sequence[tm.data.ExogenousDataset]) -> None:
        """All images one after another, (S·N, …)."""
        columns = [(data.images, data.target, data.exo) for data in datasets]
        self.images, self.target, self.exo = (
            torch.cat([part.to(self.flat.device) for part in column])
            for column in zip(*columns, strict=True)
        )

    def _order(
        self, n: int, seeds: Sequence[int], protocol: Protocol, batch_size: int
    ) -> None:
        """Which images each step takes (T, S, B), and how they are shifted."""
        alone = SimpleNamespace(process_index=0, num_processes=1)
        order, offsets = [], []
        for s, seed in enumerate(seeds):
            for epoch in range(protocol.epochs):
                index = torch.stack([*batches(n, batch_size, seed, epoch, alone)])
                order.append(s * n + index)  # (T / epochs, B)
                offsets.append(draw_offsets(n, protocol.shift, seed, epoch)[index])
        self.order, self.offsets = (
            torch.cat(parts)
            .unflatten(0, (len(seeds), self.n_steps))
            .transpose(0, 1)
            .to(self.flat.device)
            for parts in (order, offsets)
        )  # (T, S, B) and (T, S, B, 2)

    def step(self) -> None:
        """Eq. 8 and Adam, for every model."""
        index = self.order.index_select(0, self.done)[0]  # (S, B)
        offsets = self.offsets.index_select(0, self.done)[0]
        images = tm.data.shift(self.images[index.flatten()], offsets.flatten(0, 1))
        images = images.unflatten(0, index.shape)  # (S, B, C, H, W)
        condition = None
        if isinstance(self.context, Oracle):
            h_g = self.context.table[self.exo[index]]  # (S, B, C)
            condition = Condition(h_g, h_g[..., :0])
        with mock.patch.object(gates, "leaf_paths", self.paths):
            losses = self._losses(images, self.target[index], condition)
        told = torch.stack(losses, 1)  # (S, 2)
        (gradient,) = torch.autograd.grad((told * self.factors).sum(), self.flat)
        self._adam(gradient)
        self.told.index_copy_(0, self.done, told.detach()[None])
        self.done += 1

    def _losses(
        self, images: Tensor, target: Tensor, condition: Condition | None
    ) -> tuple[Tensor, Tensor]:
        """L_sup and L_sim of each model, (S,) both."""
        sizes = [shape.numel() for shape in self.shapes.values()]
        trained = {
            name: part.view(shape)
            for (name, shape), part in zip(
                self.shapes.items(), self.flat.split(sizes), strict=True
            )
        }

        def one(weights: dict, buffers: dict, *batch: object) -> tuple[Tensor, Tensor]:
            return functional_call(self.skeleton, (weights, buffers), batch)

        # Running statistics change in place, each in its own row of the stack.
        ways = (0, 0, 0, 0, None if condition is None else 0)
        weights = self.fixed | trained
        return vmap(one, ways)(weights, self.buffers, images, target, condition)

    @torch.no_grad()
    def _adam(self, gradient: Tensor) -> None:
        """As ``torch.optim.Adam``, whose betas a captured step could not change."""
        size, beta1, root = self.schedule.index_select(0, self.done)[0]
        self.mean.lerp_(gradient, 1 - beta1)
        self.square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        self.flat -= size * self.mean / (self.square.sqrt() / root + EPS)

    def captured(self, warm_up: int = 3) -> Callable[[], None]:
        """A step as a CUDA graph: call the result in place of ``step``."""
        state = (self.flat, self.mean, self.square, self.told, self.done)
        state = (*state, *self.buffers.values())
        before = [part.detach().clone() for part in state]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # as capturing asks for
            for _ in range(min(warm_up, self.n_steps)):
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        with torch.no_grad():
            for part, value in zip(state, before, strict=True):
                part.copy_(value)
        return graph.replay

    @torch.no_grad()
    def unstack(self) -> None:
        """Put weights and running statistics into the models, for evaluation."""
        sizes = [shape.numel() for shape in self.shapes.values()]
        parts = zip(self.shapes.items(), self.flat.split(sizes), strict=True)
        trained = {name: part.view(shape) for (name, shape), part in parts}
        for i, model in enumerate(self.models):
            own = {k: v[i] for k, v in (trained | self.buffers).items()}
            state = {k.removeprefix("model."): v for k, v in own.items()}
            model.load_state_dict(state, strict=False)  # what is frozen stays
            model.eval()


def paths_on(device: torch.device) -> Callable[[int], tuple[Tensor, ...]]:
    """``gates.leaf_paths`` on the device: a captured step may not ask the host."""
    paths = gates.leaf_paths
    return cache(lambda depth: tuple(path.to(device) for path in paths(depth)))


class Unfolded(nn.Conv2d):
    """A convolution as one matrix product with every patch of the image."""

    def forward(self, images: Tensor) -> Tensor:
        reach = self.kernel_size[0] // 2
        patches = F.unfold(images, self.kernel_size, padding=reach)  # (N, C·k², H·W)
        return (self.weight.flatten(1) @ patches).unflatten(2, images.shape[2:])


def unfold(module: nn.Module) -> None:
    """Put an :class:`Unfolded` in place of each convolution."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            sizes = child.in_channels, child.out_channels, child.kernel_size[0]
            new = Unfolded(*sizes, padding="same", bias=False, device="meta")
            setattr(module, name, new)
        else:
            unfold(child)


def schedule(protocol: Protocol, n_steps: int) -> list[tuple[float, float, float]]:
    """What Adam takes in each step: lr / (1 - β₁ᵗ), β₁ and √(1 - β₂ᵗ).

    The learning rate and β₁, which a one-cycle schedule moves as well, come from
    PyTorch's own. In Python's precision, since 1 - β₂ has lost four digits in float32.
    """
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=protocol.lr)
    scheduler: torch.optim.lr_scheduler.LRScheduler
    if protocol.schedule == "one-cycle":
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=protocol.lr, total_steps=n_steps
        )
    else:
        scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    (group,) = optimizer.param_groups
    rows = []
    for t in range(1, n_steps + 1):
        beta1 = group["betas"][0]
        rows.append((group["lr"] / (1 - beta1**t), beta1, (1 - BETA2**t) ** 0.5))
        optimizer.step()  # of nothing, before the scheduler's, as PyTorch wants it
        scheduler.step()
    return rows
