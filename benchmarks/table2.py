"""Table 2 on MNIST-R: each row's seeds trained together, and how long the table takes.

The rows, their protocol and their budget are those of the recipe ``table2``. Training
is first held to ``fit``; then a row is trained in several ways for some steps, and the
whole table in the fastest. A row that there is no time for is extrapolated from its
first steps, and marked.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

import pandas as pd
import torch
from report import Report, timed
from stacked import Stack

import thin_mini as tm
from thin_mini.lab.paper_tables import table2
from thin_mini.lab.plans import Plan
from thin_mini.lab.rows import Row, Run
from thin_mini.lab.worlds import WORLDS
from thin_mini.profiles import PROFILES

NETWORKS = "Exogenous networks"
CAPTURED, UNFOLDED = ", captured", ", unfolded"  # what the name of a way may end with
ALONE, STACKED = "fit, seed after seed", "stacked"
# Kernels round differently, and Adam makes much of it: relative, after ten steps.
TOLERANCE = 0.01
RESERVE = 5  # seconds, to measure what was trained
Dataset = tm.data.ExogenousDataset


@dataclass(frozen=True)
class Sizes:
    """How much to train."""

    plan: Plan
    check_images: int  # for the comparison with ``fit``
    steps: int  # to compare the ways, and to extrapolate from


def sizes(tiny: bool) -> Sizes:
    """Of the paper profile, or of a smaller one than smoke."""
    budget = PROFILES["smoke" if tiny else "paper"]
    if tiny:
        budget = replace(budget, n_images=128, n_test=64)
        plan = Plan(WORLDS["mnist-r"], budget, budget.n_seeds, "digits")
        return Sizes(plan, 128, 1)
    return Sizes(Plan(WORLDS["mnist-r"], budget, budget.n_seeds, "auto"), 640, 200)


@dataclass
class Line:
    """A row of the table, ready to be trained: a model and its data for each seed."""

    name: str
    runs: Sequence[Run]
    models: list[tm.Classifier]
    train: list[Dataset]
    test: list[Dataset]

    def stack(self, unfolded: bool, n: int | None = None) -> Stack:
        """All seeds as one, on the first n images or all of them."""
        run, part = self.runs[0], slice(n)
        return Stack(
            self.models,
            self.train if n is None else [data.subset(part) for data in self.train],
            [run.seed for run in self.runs],
            run.protocol if n is None else replace(run.protocol, epochs=1),
            run.dispel,
            unfolded,
        )

    def fit(self, i: int, n: int, model: tm.Classifier) -> pd.DataFrame:
        """One epoch of ``fit`` on the first n images of the i-th seed."""
        train = self.train[i].subset(slice(n))
        how = self.runs[i].training | {"epochs": 1}
        return tm.fit(model, train, progress=False, **how)


class Table:
    """The lines of Table 2, the networks that feed the gates first.

    Args:
        plan: Data, budget and seeds.
        device: Where to train.
    """

    def __init__(self, plan: Plan, device: torch.device) -> None:
        self.rows, self.device = table2(plan), device
        self.gated = next(row for row in self.rows if row.runs[0].networks)
        self.data = [
            tm.data.mnist_r(
                plan.all_labels, plan.budget.n_test, seed=seed, source=plan.source
            )
            for seed in range(plan.seeds)
        ]
        self.networks: list[tm.ExogenousNetwork] = []

    def first(self) -> Line:
        """The exogenous networks, which the gated lines look through afterwards."""
        runs = [run.networks[0] for run in self.gated.runs]
        train, test = (
            [d.exogenous() for d in part] for part in zip(*self.data, strict=True)
        )
        models = [self._network(run.seed, "hidden") for run in runs]
        self.networks = models
        return Line(NETWORKS, runs, list(models), train, test)

    def rest(self) -> Iterator[Line]:
        """Every row, with the networks as they are by then."""
        for row in self.rows:
            yield self.line(row)

    def line(self, row: Row) -> Line:
        """A row's models, untrained."""
        models = []
        for run, (data, _), network in zip(
            row.runs, self.data, self.networks, strict=True
        ):
            frozen = self._network(run.seed, run.gate_on)
            frozen.load_state_dict(network.state_dict())
            model = tm.build(
                run.model,
                data.n_classes,
                exogenous=frozen.freeze() if run.networks else None,
                n_exo=data.n_exo,
                seed=run.seed,
            )
            models.append(model.to(self.device))
        train, test = map(list, zip(*self.data, strict=True))
        return Line(row.name, row.runs, models, train, test)

    def _network(self, seed: int, gate_on: str) -> tm.ExogenousNetwork:
        """As the recipe starts it."""
        n_exo = self.data[0][0].n_exo
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = tm.ExogenousNetwork(tm.ConvEncoder(), n_exo, gate_on=gate_on)
        return network.to(self.device)


def check(line: Line, way: str, n: int, report: Report) -> None:
    """Hold stacked training to ``fit`` on n images, seed by seed."""
    stack = line.stack(UNFOLDED in way, n)
    step = stepper(stack, way)
    for _ in range(stack.n_steps):
        step()
    ours = stack.told.mean(0).cpu()  # (S, 2)
    worst = 0.0
    for i, model in enumerate(line.models):
        alone = line.fit(i, n, copy.deepcopy(model))
        theirs = torch.tensor(alone[["sup", "sim"]].to_numpy()[0])
        worst = max(worst, float((ours[i] - theirs).abs().max() / theirs[0]))
    report.check(
        f"{line.name}{way}: the losses of fit",
        worst < TOLERANCE,
        f"{stack.n_steps} steps, at most {worst:.1e} apart",
    )


def stepper(stack: Stack, way: str) -> Callable[[], None]:
    """What trains the stack by one step."""
    return stack.captured() if CAPTURED in way else stack.step


def ways(device: torch.device) -> list[str]:
    """The ways to train a stack that the device knows."""
    plain = ["", UNFOLDED]
    return plain + [way + CAPTURED for way in plain if device.type == "cuda"]


def fastest(line: Line, n_steps: int, report: Report) -> str:
    """Milliseconds for a step of every seed, way by way, beside ``fit``."""
    n = n_steps * line.runs[0].protocol.batch_size
    model = copy.deepcopy(line.models[0])
    line.fit(0, 2 * line.runs[0].protocol.batch_size, model)  # warm-up
    seconds = timed(lambda: line.fit(0, n, model), 1, report.device)
    found = {ALONE: 1000 * seconds / n_steps * len(line.models)}
    for way in ways(report.device):
        step = stepper(line.stack(UNFOLDED in way), way)
        timed(step, min(3, n_steps), report.device)  # warm-up
        found[STACKED + way] = 1000 * timed(step, n_steps, report.device)
        report.say(f"{STACKED + way}: {found[STACKED + way]:.3f} ms a step")
        report.keep(ms_per_step={name: round(ms, 3) for name, ms in found.items()})
    best = min(ways(report.device), key=lambda way: found[STACKED + way])
    report.keep(fastest=STACKED + best)
    return best


def train(
    line: Line, way: str, first: int, report: Report, trusted: bool
) -> dict[str, Any]:
    """Train a line whole if there is time, else its first steps; measure the seeds.

    Args:
        line: What to train.
        way: How.
        first: Steps to tell from how long the rest would take.
        report: Whose time it is.
        trusted: Whether the networks it looks through have been trained.
    """
    start = time.perf_counter()
    stack = line.stack(UNFOLDED in way)
    step = stepper(stack, way)
    first = min(first, stack.n_steps)
    per_step = timed(step, first, report.device)
    rest = stack.n_steps - first
    whole = rest * per_step + RESERVE < report.left
    found: dict[str, Any] = {"steps": stack.n_steps, "extrapolated": not whole}
    if not whole:
        found["steps_made"] = first
    elif rest:
        seconds = first * per_step + rest * timed(step, rest, report.device)
        per_step = seconds / stack.n_steps
    found["ms_per_step"] = round(1000 * per_step, 3)
    stack.unstack()
    if whole and trusted:
        pairs = zip(line.models, line.test, strict=True)
        accuracy = [tm.evaluate(*pair).accuracy for pair in pairs]
        found["accuracy"] = [round(value, 2) for value in accuracy]
    taken = time.perf_counter() - start
    left_out = 0 if whole else rest * per_step
    return found | {"seconds": round(taken + left_out, 2)}


def measure(report: Report) -> None:
    """The comparison with ``fit``, the ways, then line after line."""
    # Float32 without TF32, as on a CPU.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
        size = sizes(report.tiny)
        table = Table(size.plan, report.device)
        report.say(f"{size.plan.seeds} data sets: {table.data[0][0]}")
        making, networks = report.seconds, table.first()
        report.keep(
            data=table.data[0][0].source,
            images=len(table.data[0][0]),
            seeds=size.plan.seeds,
            protocol=asdict(networks.runs[0].protocol),
            seconds_for_data=round(making, 1),
        )
        thin = table.line(table.rows[-1])
        for line in (networks, *table.rest()):
            check(line, "", size.check_images, report)
        for way in ways(report.device)[1:]:
            check(thin, way, size.check_images, report)
        way = fastest(thin, size.steps, report)
        lines: dict[str, dict[str, Any]] = {}
        # Each built when its turn comes, on networks that are trained by then.
        for line in chain([networks], table.rest()):
            trusted = not lines.get(NETWORKS, {}).get("extrapolated", False)
            found = train(line, way, size.steps, report, trusted)
            lines[line.name] = found
            report.say(f"{line.name}: {found}")
            total = making + sum(row["seconds"] for row in lines.values())
            guessed = any(row["extrapolated"] for row in lines.values())
            if len(lines) == 1 + len(table.rows):
                report.keep(table_seconds=round(total, 1), table_extrapolated=guessed)
            report.keep(lines=lines)
        if not report.tiny:
            learned(lines, report)


def learned(lines: dict[str, dict[str, Any]], report: Report) -> None:
    """Whether every seed that was trained whole is far beyond guessing."""
    values = [value for row in lines.values() for value in row.get("accuracy", [])]
    about = f"{len(values)} models, the worst {min(values, default=0):.2f} %"
    report.check("every model learned", min(values, default=100) > 50, about)
