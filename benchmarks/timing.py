"""What every comparison here shares: candidates, timed in turn.

A comparison runs its candidates in turn, round after round, so that a busy moment of
the machine hits all of them, and quotes the median over the rounds of the ratio to the
first candidate. Ratios carry over to other machines; milliseconds do not. Time is the
processor's, of which other programs take none; on one thread and an idle machine it is
that of the clock on the wall.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

Functions = dict[str, Callable[[Tensor], Tensor]]


def compare(
    candidates: dict[str, Callable[[], object]],
    rounds: int = 25,
    budget: float = 0.02,
    clock: Callable[[], float] | None = None,
) -> dict[str, dict[str, float]]:
    """Time the candidates in turn.

    Args:
        candidates: What to call, by name; the first is what the others are held to.
        rounds: How often to go round.
        budget: Seconds for each candidate in a round.
        clock: Seconds; by default this process's own of the processor.

    Returns:
        For each name the median time in milliseconds and the median ratio.
    """
    clock = clock or time.process_time
    repeats = {}
    for name, call in candidates.items():
        call()  # warm-up
        start = clock()
        call()
        repeats[name] = max(1, int(budget / (clock() - start)))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            start = clock()
            for _ in range(repeats[name]):
                call()
            times[name].append((clock() - start) / repeats[name])
    first = times[next(iter(times))]
    return {
        name: {
            "ms": round(1000 * statistics.median(own), 4),
            "ratio": round(
                statistics.median(a / b for a, b in zip(own, first, strict=True)), 3
            ),
        }
        for name, own in times.items()
    }


def forward_backward(
    functions: Functions, x: Tensor
) -> dict[str, Callable[[], object]]:
    """One pass forwards and backwards, with respect to input and parameters."""

    def both(function: Callable[[Tensor], Tensor]) -> Callable[[], object]:
        own = x.clone().requires_grad_()
        weights = torch.randn_like(function(own).detach())
        return lambda: function(own).backward(weights)

    return {name: both(function) for name, function in functions.items()}
