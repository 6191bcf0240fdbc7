"""Make the runs of a recipe: each once, by however many processes share the folder."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import send_to_device
from torch import nn
from tqdm import tqdm

from thin_mini import results
from thin_mini.checkpoints import save_whole
from thin_mini.data import ExogenousDataset, dsprites, mnist_r, mnist_rs
from thin_mini.data.store import cache_folder, check_writable
from thin_mini.devices import choose_device
from thin_mini.encoders import ConvEncoder
from thin_mini.face_runs import (
    face_datasets,
    face_encoder,
    people_oracle,
)
from thin_mini.files import DataError, regular_file
from thin_mini.locks import BusyError, locked
from thin_mini.measures import measure
from thin_mini.models import (
    ExogenousNetwork,
    Fused,
    Model,
    Oracle,
    build,
    n_trainable,
)
from thin_mini.runs import Row, Run, all_runs
from thin_mini.training import fit

BUSY = "another process is at this run"
POLL_SECONDS = 1.0  # how often to look whether another process has finished


def stand_alone() -> None:
    """Make a process that a launcher started with others train runs of its own.

    ``accelerate launch`` and ``torchrun`` announce in the environment that the
    processes share each batch. Runs this small are better shared out whole, each
    process with the GPU of its local rank.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR"):
        os.environ.pop(name, None)


def make(rows: Sequence[Row], root: Path, progress: bool = True) -> None:
    """Make what is missing of a recipe; wait for runs that another process makes.

    Interrupt it whenever you like: a run that is finished is never made again, and
    one that is not leaves nothing behind.

    Args:
        rows: From :mod:`thin_mini.recipes`.
        root: The results folder; several processes may share it.
        progress: Whether to show a bar, with an estimate of the time left.

    Raises:
        DataError: If the folder, or the cache for the networks, cannot be written,
            before anything is computed.
        ResultError: If a file in it is damaged or of another version.
    """
    runs = all_runs(rows)
    missing = [run for run in runs if results.read(run, root) is None]
    if not missing:  # the folder may be read-only then
        return
    check_writable(root)
    check_writable(cache_folder())
    bar = tqdm(
        desc=f"{len(missing)} runs",
        total=sum(run.cost for run in missing),
        unit="images",
        unit_scale=True,
        disable=not progress or bool(os.environ.get("TQDM_DISABLE")),
    )
    with bar:
        while missing:
            left = [run for run in missing if not _make_one(run, root, bar)]
            if len(left) == len(missing):  # all of them are being made elsewhere
                time.sleep(POLL_SECONDS)
            missing = left
    for run in runs:  # of a process that was killed when it had finished a run
        if (lock := _lock(run, root)).exists():
            with suppress(DataError), locked(lock, BUSY):
                pass  # it goes with the block


def _make_one(run: Run, root: Path, bar: tqdm) -> bool:
    """Make a run unless another process is at it; whether its result is there."""
    try:
        with locked(_lock(run, root), BUSY):
            if results.read(run, root) is None:
                bar.set_description(str(run))
                train_run(run, root)
    except BusyError:
        return False
    bar.update(run.cost)
    return True


def _lock(run: Run, root: Path) -> Path:
    path = results.path_of(run, root).with_name(f".{run.hash}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def train_run(run: Run, root: Path) -> Model:
    """Train and measure one run, and write its result."""
    start = time.perf_counter()
    train, test = datasets(run)
    if run.model == "network":
        train, test = train.exogenous(), test.exogenous()
    n_valid = run.protocol.n_valid
    valid = train.subset(slice(len(train) - n_valid, None)) if n_valid else None
    if run.on == "valid" and run.by != "identity":
        test = train.subset(slice(len(train) - run.n_test, None))
    train = train.subset(slice(run.labels))
    model = assemble(run, root, train, test).to(choose_device(small=True))
    history = fit(
        model,
        train,
        epochs=run.protocol.epochs,
        valid=valid,
        progress=False,
        **run.recipe,
    )
    seconds = time.perf_counter() - start
    metrics = measure(run, model, test)
    if valid is not None:
        metrics["epoch"] = int(history["valid"].idxmax())
        metrics["valid"] = round(history["valid"].max(), 4)
    if run.model == "network":
        _save_network(run, model)
    if results.read(run, root) is None:  # else only a network's lost weights were made
        results.write(run, root, metrics, n_trainable(model), seconds)
    return model


def assemble(
    run: Run, root: Path, train: ExogenousDataset, test: ExogenousDataset
) -> Model:
    """The untrained model of a run, with its exogenous networks trained and frozen."""
    encoder = face_encoder(run)
    if run.model == "network":
        with torch.random.fork_rng():
            torch.manual_seed(run.seed)
            return ExogenousNetwork(encoder or ConvEncoder(), train.n_classes)
    networks = [trained_network(network, root, run.gate_on) for network in run.networks]
    context: ExogenousNetwork | Fused | Oracle | None = None
    if run.model == "oracle":
        if run.by == "identity":
            context = people_oracle(run, train, test, networks)
        else:
            context = Oracle(train.n_exo)
    elif networks:
        context = Fused(*networks) if len(networks) > 1 else networks[0]
    model = build(
        run.model, train.n_classes, exogenous=context, encoder=encoder, seed=run.seed
    )
    if run.start:
        model.encoder.load_state_dict(networks[0].encoder.state_dict())
    return model


def trained_network(run: Run, root: Path, gate_on: str = "hidden") -> ExogenousNetwork:
    """The frozen network of a run: from the cache, or trained now if it is not there.

    Its weights are no result and are not kept with the results.
    """
    with locked(_lock(run, root)):
        path = _weights(run)
        if not regular_file(path):
            train_run(run, root)
        n_exo = {"rotation": 18, "scale": run.n_scales, "identity": run.n_people}
        encoder = face_encoder(run) or ConvEncoder()
        network = ExogenousNetwork(encoder, n_exo[run.by], gate_on=gate_on)
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            network.load_state_dict(weights)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise results.ResultError(
                f"{path} cannot be read: put the original back, or set THIN_MINI_CACHE "
                "to another folder, where the network is trained anew"
            ) from error
        return network.freeze()


def _weights(run: Run) -> Path:
    return cache_folder() / "networks" / f"{run.hash}.pt"


def _save_network(run: Run, model: nn.Module) -> None:
    save_whole(_weights(run), send_to_device(model.state_dict(), "cpu"))


def datasets(run: Run) -> tuple[ExogenousDataset, ExogenousDataset]:
    """The training images, labelled ones first and validation last, and the test's."""
    n_train = run.labels + run.protocol.n_valid
    if run.on == "valid" and run.by != "identity":
        # After all that any network has seen, if there are so many.
        n_train = max([run.labels + run.n_test, *(n.labels for n in run.networks)])
    key = (
        *(run.data, run.source, run.by, run.n_scales, run.n_people),
        *(run.n_test, run.seed, run.on),
    )
    if key not in _loaded or len(_loaded[key][0]) < n_train:
        _loaded.clear()  # one is enough, and they are large
        _loaded[key] = _load(run, n_train)
    train, test = _loaded[key]
    return train.subset(
        slice(n_train)
    ), test  # as small sets are prefixes of large ones


_loaded: dict[tuple, tuple[ExogenousDataset, ExogenousDataset]] = {}


def _load(run: Run, n_train: int) -> tuple[ExogenousDataset, ExogenousDataset]:
    options: dict[str, Any]
    if run.by == "identity":
        return face_datasets(run, n_train)
    if run.data == "dsprites":
        options = {"seed": run.seed, "source": "rendered", "n_scales": run.n_scales}
        return dsprites(n_train, run.n_test, **options)
    options = {"seed": run.seed, "source": run.source}
    if run.data == "mnist-rs":
        return mnist_rs(n_train, run.n_test, by=run.by, **options)
    return mnist_r(n_train, run.n_test, **options)
