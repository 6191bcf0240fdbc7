"""Exact resume: interrupted, gone on with, and the same to the last bit."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch
from report import Report
from torch import Tensor, nn

import thin_mini as tm
from thin_mini.basics.checkpoints import Record
from thin_mini.data import FaceFiles, Pictures

SIZE = 48
STEPS, EVERY = {False: 60, True: 6}, {False: 20, True: 2}
# A folder, and whether to interrupt → the model, and how many steps or epochs it took.
Run = Callable[[Path, bool], tuple[nn.Module, int]]


class StopsAt(Pictures):
    """Pictures that end a run when it asks for step ``stop``, and count its steps."""

    def __init__(self, files: FaceFiles, stop: int | None) -> None:
        super().__init__(files, SIZE, augment=True)
        self.stop, self.steps = stop, set[int]()

    def __getitem__(self, key: int | tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        step = key[0] if isinstance(key, tuple) else 0
        if step == self.stop:
            raise KeyboardInterrupt
        self.steps.add(step)
        return super().__getitem__(key)


def faces(n: int, seed: int) -> FaceFiles:
    """Pictures without files: noise whose brightness tells the expression."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(n) % 7
    noise = torch.randint(0, 150, (n, SIZE, SIZE), generator=generator)
    return FaceFiles(
        root=Path(),
        paths=tuple(f"{seed}/{i}" for i in range(n)),
        target=target,
        identity=torch.arange(n) % 5,
        people=tuple("abcde"),
        name="noise",
        pixels=(noise + 15 * target[:, None, None]).byte(),
    )


def thin(device: torch.device, seed: int) -> tm.Classifier:
    """THIN on an untrained network of people."""
    torch.manual_seed(7)
    widths = (8, 16)
    people = tm.ExogenousNetwork(tm.ConvEncoder(3, SIZE, widths), 5, hidden=32).freeze()
    model = tm.build(
        "thin", 7, exogenous=people, encoder=tm.ConvEncoder(3, SIZE, widths), seed=seed
    )
    return model.to(device)


def of_train(report: Report, precision: str) -> Run:
    """Training on pictures from disk, as section 4.3 has it."""

    def run(folder: Path, stops: bool) -> tuple[nn.Module, int]:
        steps, every = STEPS[report.tiny], EVERY[report.tiny]
        model = thin(report.device, seed=0)
        data = StopsAt(faces(256, 0), steps - every // 2 if stops else None)
        tm.scaling.train(
            model,
            data,
            Pictures(faces(64, 1), SIZE),
            steps=steps,
            folder=folder,
            batch_size=32,
            lr=1e-3,
            mixed_precision=precision,
            every=every,
            device=report.device.type,
            progress=False,
        )
        return model, len(data.steps)

    return run


def of_fit(report: Report) -> Run:
    """Training in memory, with shifts, interrupted after two of three epochs."""
    n = 256 if report.tiny else 6_400
    train, _ = tm.data.mnist_r(n, 1, source="digits")
    frozen = tm.ExogenousNetwork(tm.ConvEncoder(), 18).freeze()

    def run(folder: Path, stops: bool) -> tuple[nn.Module, int]:
        model = tm.build("thin", 10, exogenous=frozen, seed=0).to(report.device)
        add, epochs = Record.add, []

        def kept_twice(record: Record, row: dict[str, float]) -> None:
            epochs.append(1)
            if stops and len(epochs) == 3:
                raise KeyboardInterrupt
            add(record, row)

        with mock.patch.object(Record, "add", kept_twice):
            tm.fit(
                model,
                train,
                epochs=3,
                batch_size=64,
                shift=1,
                checkpoint=folder / "run.pt",
                progress=False,
            )
        return model, len(epochs)

    return run


def check(report: Report, name: str, run: Run) -> None:
    """Hold an interrupted run to one that was not."""
    with tempfile.TemporaryDirectory() as folder:
        whole, n = run(Path(folder) / "whole", False)
        broken = Path(folder) / "broken"
        try:
            run(broken, True)
        except KeyboardInterrupt:
            resumed, rest = run(broken, False)
        else:
            raise AssertionError(f"{name} was not interrupted")
    there, here = whole.state_dict(), resumed.state_dict()
    equal = sum(torch.equal(value, here[key]) for key, value in there.items())
    report.check(
        f"{name}, interrupted and gone on with",
        equal == len(there) and rest < n,
        f"{equal} of {len(there)} tensors equal in every bit; of {n} steps or epochs "
        f"{rest} were done after the interruption",
    )


def measure(report: Report) -> None:
    """Every way to train, with PyTorch's deterministic algorithms."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Some operations warn that they have none, such as the gradient of max
        # pooling, which sums nothing up where windows do not overlap.
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            check(report, "fit", of_fit(report))
            for precision in ("no", "bf16"):
                name = f"scaling.train, mixed_precision={precision!r}"
                check(report, name, of_train(report, precision))
        finally:
            torch.use_deterministic_algorithms(False)
    said = {str(w.message) for w in caught if "determinis" in str(w.message)}
    report.keep(not_deterministic=sorted(text.split(" does not")[0] for text in said))
