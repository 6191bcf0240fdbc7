"""Side-by-side timings: ``python benchmarks/run.py`` prints and stores them.

Every comparison runs its candidates in turn, round after round, so that a busy moment
of the machine hits all of them, and quotes the median over the rounds of the ratio to
the first candidate. Ratios carry over to other machines; milliseconds do not.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import thin_mini as tm
from thin_mini import gates

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks.json"
Candidates = dict[str, Callable[[], object]]


def compare(candidates: Candidates, rounds: int = 15, budget: float = 0.02) -> dict:
    """Time the candidates in turn.

    Args:
        candidates: What to call, by name; the first is what the others are held to.
        rounds: How often to go round.
        budget: Seconds for each candidate in a round.

    Returns:
        For each name the median time in milliseconds and the median ratio.
    """
    repeats = {}
    for name, call in candidates.items():
        call()  # warm-up
        start = time.perf_counter()
        call()
        repeats[name] = max(1, int(budget / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            times[name].append((time.perf_counter() - start) / repeats[name])
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


def forward_backward(function: Callable[[Tensor], Tensor], x: Tensor) -> Callable:
    """One pass forwards and backwards, with respect to input and parameters."""
    x = x.clone().requires_grad_()
    weights = torch.randn_like(function(x).detach())
    return lambda: function(x).backward(weights)


def time_gates() -> dict:
    """The three ways to leaf probabilities, forward and backward, 128 images."""

    def product(z: Tensor) -> Tensor:
        d, mu, depth = torch.sigmoid(z), z.new_ones(len(z), 1), 0
        while mu.shape[1] <= z.shape[1]:
            level = d[:, 2**depth - 1 : 2 ** (depth + 1) - 1]
            mu = torch.stack([mu * level, mu * (1 - level)], 2).flatten(1)
            depth += 1
        return mu

    def with_matrix_up_to(limit: int) -> Callable[[Tensor], Tensor]:
        def leaves(z: Tensor) -> Tensor:
            chosen, gates.MATRIX_DEPTH = gates.MATRIX_DEPTH, limit
            try:
                return gates.leaf_log_probs(z).exp()
            finally:
                gates.MATRIX_DEPTH = chosen

        return leaves

    table = {}
    for depth in range(1, 11):
        z = torch.randn(128, 2**depth - 1)
        functions = {
            "ours": lambda z: gates.leaf_log_probs(z).exp(),
            "matrices": with_matrix_up_to(10),
            "level by level": with_matrix_up_to(0),
            "plain product": product,
        }
        table[f"depth {depth}"] = compare(
            {name: forward_backward(f, z) for name, f in functions.items()}
        )
    return table


def time_experts() -> dict:
    """Experts together, in a loop over modules, and with both layers batched."""
    table = {}
    for n, d, hidden, k, batch in ((8, 784, 32, 10, 128), (32, 784, 64, 10, 128)):
        ours = tm.Experts(d, hidden, k, n)
        loop = nn.ModuleList(tm.MLP(d, hidden, k) for _ in range(n))
        first = nn.Parameter(torch.randn(n, d, hidden) * 0.03)

        def in_a_loop(x: Tensor, loop: nn.ModuleList = loop) -> Tensor:
            return torch.stack([expert(x) for expert in loop], 1)

        def batched(
            x: Tensor, first: Tensor = first, ours: tm.Experts = ours
        ) -> Tensor:
            a = torch.einsum("nd,ldh->lnh", x, first)
            wide = a.transpose(0, 1).reshape(len(x), -1)
            a = F.relu(ours.norm(wide)).view(len(x), ours.n_experts, -1)
            return torch.baddbmm(ours.bias, a.transpose(0, 1), ours.weight)

        x = torch.randn(batch, d)
        functions = {"ours": ours, "loop": in_a_loop, "both layers batched": batched}
        table[f"L={n}, D={d}, H={hidden}, K={k}, N={batch}"] = compare(
            {name: forward_backward(f, x) for name, f in functions.items()}
        )
    return table


def time_steps() -> dict:
    """A training step of each architecture, as ``fit`` does it, batch 128."""
    train, _ = tm.data.mnist_r(128, 1, source="digits")
    exo = tm.ExogenousNetwork(tm.ConvEncoder(), train.n_exo).freeze()

    def step(name: str, cached: bool = True) -> Callable[[], None]:
        model = tm.build(name, 10, exogenous=exo, n_exo=18, seed=0)
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trainable, fused=True)
        condition = tm.precompute(model, train) if cached else None
        model.train()

        def run() -> None:
            sup, sim = model.losses(train.images, train.target, condition, model.dispel)
            optimizer.zero_grad()
            (sup + model.dispel * sim).backward()
            optimizer.step()

        return run

    names = ("baseline", "simple", "tree", "exogenous", "oracle", "thin")
    candidates = {name: step(name) for name in names}
    candidates["thin, nothing cached"] = step("thin", cached=False)
    return {"N=128": compare(candidates, budget=0.15)}


def main() -> None:
    """Measure on one thread, print a table, store the numbers."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    results = {
        "command": "python benchmarks/run.py",
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}, one CPU thread",
        "gates": time_gates(),
        "experts": time_experts(),
        "steps": time_steps(),
    }
    for part in ("gates", "experts", "steps"):
        for shape, table in results[part].items():
            print(f"\n{part}, {shape}, forward and backward")
            for name, row in table.items():
                print(f"  {name:22s}{row['ms']:10.3f} ms{row['ratio']:8.2f} ×")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
