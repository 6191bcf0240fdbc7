"""How long THIN trains to the paper's accuracy on MNIST-R, by two protocols.

``python benchmarks/time_to_accuracy.py`` trains the same model on the same images
through the same frozen network (whose own training is not counted): by the paper's
protocol, Adam at a constant 1e-3 in batches of 32, until the test accuracy reaches the
target, and by ours in several lengths, since its learning rate falls only at the end.
An epoch of the one follows an epoch of the other, so that a busy moment of the machine
hits both; the clock stands still while the test images are looked at. A seed that is
finished is stored at once and never made again.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import torch
import typer

import thin_mini as tm
from thin_mini.doors import Fit
from thin_mini.files import whole_file
from thin_mini.lab.one_run import datasets, trained_network
from thin_mini.lab.plans import Plan
from thin_mini.lab.rows import Protocol, Run
from thin_mini.lab.worlds import WORLDS
from thin_mini.networks import Model
from thin_mini.profiles import profile
from thin_mini.training import optimiser, passes

RESULTS = Path(__file__).parents[1] / "results" / "time_to_accuracy.json"
SCHEDULES = (4, 6)  # epochs of ours
Curve = list[tuple[float, float]]  # seconds and test accuracy of each epoch


def epochs(
    model: Model,
    train: tm.data.ExogenousDataset,
    test: tm.data.ExogenousDataset,
    how: Fit,
) -> Iterator[tuple[float, float]]:
    """Train as ``fit`` does, epoch by epoch, with a clock that stops in between."""
    seen = tm.precompute(model, test)
    start = time.perf_counter()
    for _ in passes(model, train, how, *optimiser(model, train, how)):
        seconds = time.perf_counter() - start
        yield seconds, tm.evaluate(model, test, condition=seen).accuracy
        start = time.perf_counter()


def race(run: Run, root: Path, target: float, max_epochs_paper: int) -> dict:
    """One seed: the paper's protocol until it is there, and each length of ours."""
    network = trained_network(run.networks[0], root, run.gate_on)
    train, _, test = datasets(run)

    def training(protocol: Protocol) -> Iterator[tuple[float, float]]:
        model = tm.build("thin", train.n_classes, exogenous=network, seed=run.seed)
        return epochs(
            model, train, test, Fit(**replace(run, protocol=protocol).training)
        )

    def until_reached() -> Iterator[tuple[float, float]]:
        for told in training(Protocol(max_epochs_paper, 32, 1e-3, "constant", 0)):
            yield told
            if told[1] >= target:
                return

    def each_length() -> Iterator[tuple[int, tuple[float, float]]]:
        for n in SCHEDULES:
            for told in training(replace(run.protocol, epochs=n)):
                yield n, told

    paper: Curve = []
    ours: dict[int, Curve] = {n: [] for n in SCHEDULES}
    for theirs, own in zip_longest(until_reached(), each_length()):
        if theirs is not None:
            paper.append(theirs)
            print(f"  paper, epoch {len(paper)}: {theirs[1]:.2f} %, {theirs[0]:.1f} s")
        if own is not None:
            n, told = own
            ours[n].append(told)
            about = f"ours, epoch {len(ours[n])} of {n}"
            print(f"  {about}: {told[1]:.2f} %, {told[0]:.1f} s", flush=True)
    return {
        "paper": as_columns(paper),
        "ours": {str(n): as_columns(curve) for n, curve in ours.items()},
    }


def as_columns(curve: Curve) -> dict[str, list[float]]:
    seconds, accuracy = zip(*curve, strict=True)
    return {
        "seconds": [round(value, 2) for value in seconds],
        "accuracy": [round(value, 2) for value in accuracy],
    }


def summary(seeds: dict[str, dict], target: float) -> dict:
    """The shortest schedule that ends at the target under every seed, and the ratio.

    Where the paper's protocol did not get there, its time is that of all its epochs,
    and the ratio is a lower bound.
    """
    runs = list(seeds.values())
    reached = sum(max(run["paper"]["accuracy"]) >= target for run in runs)
    enough = [
        n
        for n in SCHEDULES
        if all(run["ours"][str(n)]["accuracy"][-1] >= target for run in runs)
    ]
    told: dict[str, object] = {
        "seeds": len(runs),
        "paper_reached": reached,
        "paper_epochs": max(len(run["paper"]["seconds"]) for run in runs),
        "paper_best": max(max(run["paper"]["accuracy"]) for run in runs),
        "paper_seconds": round(
            statistics.median(sum(run["paper"]["seconds"]) for run in runs), 1
        ),
        "ours_epochs": enough[0] if enough else None,
    }
    if enough:
        pairs = [
            (sum(run["ours"][str(enough[0])]["seconds"]), sum(run["paper"]["seconds"]))
            for run in runs
        ]
        told["ours_seconds"] = round(statistics.median(own for own, _ in pairs), 1)
        ratio = statistics.median(theirs / own for own, theirs in pairs)
        told["ratio"] = round(ratio, 2)
        told["lower_bound"] = reached < len(runs)
    return told


def load(path: Path) -> dict:
    """What an earlier call has stored; {} where there is no file."""
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} cannot be read ({error}): pass another --out"
        ) from error
    if not isinstance(stored, dict):
        raise typer.BadParameter(f"{path} holds no measurement: pass another --out")
    return stored


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    target: Annotated[float, typer.Option(help="Test accuracy in percent.")] = 98.26,
    max_epochs_paper: Annotated[
        int, typer.Option(min=1, help="When to give up on the paper's protocol.")
    ] = 34,
    budget: Annotated[str, typer.Option("--profile", help="Sizes.")] = "paper",
    source: Annotated[str, typer.Option(help="mnist or digits.")] = "mnist",
    out: Annotated[Path, typer.Option(help="The file to write.")] = RESULTS,
) -> None:
    """Time THIN to an accuracy on MNIST-R, by the paper's protocol and by ours."""
    torch.set_num_threads(1)
    plan = Plan(WORLDS["mnist-r"], profile(budget), seeds, source)
    content: dict = {
        "command": "python benchmarks/time_to_accuracy.py",
        "target": target,
        "max_epochs_paper": max_epochs_paper,
        "profile": budget,
        "source": source,
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}, one CPU thread",
    }
    stored = load(out)
    same = all(stored.get(key) == value for key, value in content.items())
    done = stored["seeds"] if same and stored else {}
    for run in plan.row("thin").runs:
        if str(run.seed) in done:
            continue
        print(f"seed {run.seed}", flush=True)
        done[str(run.seed)] = race(run, out.parent / "runs", target, max_epochs_paper)
        content |= {"summary": summary(done, target), "seeds": done}
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary(done, target), indent=1))


if __name__ == "__main__":
    typer.run(main)
