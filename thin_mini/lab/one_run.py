"""One run: its data, its model, its training and its result."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

import torch
from accelerate.utils import send_to_device

from thin_mini.basics.checkpoints import save_whole
from thin_mini.basics.devices import choose_device
from thin_mini.basics.locks import locked
from thin_mini.data import ExogenousDataset
from thin_mini.data.store import cache_folder
from thin_mini.doors import Fit
from thin_mini.encoders import ConvEncoder
from thin_mini.files import regular_file
from thin_mini.lab import result_files
from thin_mini.lab.removal import erase, read_by, readable
from thin_mini.lab.rival_models import NEEDED, READERS, UNDONE, Parts, rival
from thin_mini.lab.rows import Run
from thin_mini.lab.worlds import WORLDS, n_exo
from thin_mini.models import (
    ARCHITECTURES,
    ExogenousNetwork,
    Fused,
    Model,
    build,
    n_trainable,
)
from thin_mini.networks import Context
from thin_mini.rivals.undo import INVERSES, expected
from thin_mini.training import fit, steps_of

APART = 1_000_000  # between the seeds of γ_τ's first weights and of F_φ's


def lock_of(run: Run, root: Path) -> Path:
    """The lock that keeps a run to the process that makes it."""
    path = result_files.path_of(run, root).with_name(f".{run.hash}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def train_run(run: Run, root: Path) -> Model:
    """Train and measure one run, and write its result."""
    start = time.perf_counter()
    train, valid, test = datasets(run)
    if run.model in UNDONE:
        train, test = undone(run, root, train, test)
    model = assemble(run, root, train, test).to(choose_device(small=True))
    history = fit(model, train, valid=valid, progress=False, **run.training)
    if run.remover == "erased":
        erase(run, model, others(run))
    seconds = time.perf_counter() - start
    metrics = WORLDS[run.data].does.measure(run, model, test)
    if run.probed:
        metrics |= readable(run, model, test, frozen_networks(run, root)[0])
    if valid is not None:
        metrics["epoch"] = int(history["valid"].idxmax())
        metrics["valid"] = round(history["valid"].max(), 4)
    if run.model == "network":  # its weights are no result, and kept in the cache
        save_whole(_weights(run), send_to_device(model.state_dict(), "cpu"))
    if result_files.read(run, root) is None:  # else only lost weights were made
        result_files.write(run, root, metrics, n_trainable(model), seconds)
    return model


def undone(run: Run, root: Path, *given: ExogenousDataset) -> list[ExogenousDataset]:
    """Training and test images without the variables that a run undoes.

    Each value is what a network, or else the truth, says of the image as it was.
    """
    networks, parts = frozen_networks(run, root), [*given]
    for told, network in zip_longest(run.networks or [run], networks):
        for i, known in enumerate(datasets(replace(run, by=told.by))[::2]):
            value = known.exo_centers[known.exo]
            if run.model == "undone":
                value = expected(network, known.images, known.exo_centers)
            images = INVERSES[told.by](parts[i].images, value).clamp(0, 1)
            parts[i] = replace(parts[i], images=images)
    return parts


def datasets(
    run: Run,
) -> tuple[ExogenousDataset, ExogenousDataset | None, ExogenousDataset]:
    """What a run is trained on, chooses its epoch on, if it does, and is measured on.

    Where validation images are not drawn, they are cut from the training images: after
    all that any network has seen, if there are so many.
    """
    cut = run.on == "valid" and not WORLDS[run.data].draws_validation
    n, n_valid = run.labels + run.protocol.n_valid, run.protocol.n_valid
    if cut:
        n = max([run.labels + run.n_test, *(n.labels for n in run.networks)])
    train, test = _images(run, n)
    if cut:
        test = train.subset(slice(len(train) - run.n_test, None))
    if run.model == "network":
        train, test = train.exogenous(), test.exogenous()
    valid = train.subset(slice(len(train) - n_valid, None)) if n_valid else None
    return train.subset(slice(run.labels)), valid, test


def _images(run: Run, n: int) -> tuple[ExogenousDataset, ExogenousDataset]:
    """So many training images, from larger sets, of which small ones are prefixes."""
    key = (
        *(run.data, run.source, run.by, run.n_scales, run.n_people),
        *(run.n_test, run.seed, run.on, run.confounded),
    )
    if key not in _loaded or len(_loaded[key][0]) < n:
        _loaded.clear()  # one is enough, and they are large
        _loaded[key] = WORLDS[run.data].does.load(run, n)
    train, test = _loaded[key]
    return train.subset(slice(n)), test


_loaded: dict[tuple, tuple[ExogenousDataset, ExogenousDataset]] = {}


def assemble(
    run: Run, root: Path, train: ExogenousDataset, test: ExogenousDataset
) -> Model:
    """The untrained model of a run, with its exogenous networks trained and frozen."""
    if run.model == "network":
        return _network(run)
    networks = frozen_networks(run, root)
    context: Context | None = None
    if run.model == "oracle" or run.truth:
        context = WORLDS[run.data].does.oracle(run, train, test, networks)
    elif networks:
        context = Fused(*networks) if len(networks) > 1 else networks[0]
    if run.summary or (run.pictures and run.model != "centred"):
        if context is None:
            raise ValueError(NEEDED)
        context = _people(run).shortened(run, context)
    seed = run.seed + APART * run.apart
    drawn = partial(WORLDS[run.data].does.encoder, replace(run, seed=seed))
    if run.model in ARCHITECTURES:
        model = build(
            run.model, train.n_classes, exogenous=context, encoder=drawn(), seed=seed
        )
    else:
        parts = Parts(
            lambda: drawn() or ConvEncoder(),
            train.n_classes,
            run.by,
            context,
            partial(_network, run, run.gate_on),
            partial(others, run),
            seed,
            steps_of(train, Fit(**run.training)) * run.protocol.epochs,
            lambda: _people(run).albums(run),
        )
        model = rival(run.model, parts)
    if run.remover or run.dispel:
        read_by(run, model, networks)
    if run.start:
        model.encoder.load_state_dict(networks[0].encoder.state_dict())
    return model


def _people(run: Run) -> ModuleType:
    """What is done with drawn people, of whom there are further pictures."""
    if run.data != "cartoons":
        raise ValueError(f"{run.data} has no further pictures of people: take cartoons")
    return WORLDS[run.data].does


def frozen_networks(run: Run, root: Path) -> list[ExogenousNetwork]:
    """The networks of a run, trained by now; none if it takes their labels instead."""
    if run.model in READERS:
        return []
    needs = run.start or run.probed or run.remover or run.model == "undone"
    if needs and not run.networks:
        raise ValueError(NEEDED)
    return [trained_network(network, root, run.gate_on) for network in run.networks]


def others(run: Run) -> ExogenousDataset:
    """The images with exogenous labels, those that a run's network learned from."""
    n = max(network.labels for network in run.networks) if run.networks else run.labels
    return _images(replace(run, confounded=0.0), n)[0]  # as networks' are


def _network(run: Run, gate_on: str = "hidden") -> ExogenousNetwork:
    encoder = WORLDS[run.data].does.encoder(run)
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        return ExogenousNetwork(encoder or ConvEncoder(), n_exo(run), gate_on=gate_on)


def trained_network(run: Run, root: Path, gate_on: str = "hidden") -> ExogenousNetwork:
    """The frozen network of a run: from the cache, or trained now."""
    with locked(lock_of(run, root)):
        path = _weights(run)
        if not regular_file(path):
            train_run(run, root)
        network = _network(run, gate_on)
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            network.load_state_dict(weights)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise result_files.ResultError(
                f"{path} cannot be read: put the original back, or set THIN_MINI_CACHE "
                "to another folder, where the network is trained anew"
            ) from error
        return network.freeze()


def _weights(run: Run) -> Path:
    return cache_folder() / "networks" / f"{run.hash}.pt"
