"""What the worlds of faces need: data, an encoder, an oracle, and measures."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thin_mini import data
from thin_mini.basics import checks
from thin_mini.basics.devices import device_of
from thin_mini.data import ExogenousDataset
from thin_mini.data.store import data_folder
from thin_mini.encoders import ConvEncoder
from thin_mini.files import DataError
from thin_mini.inference import embed, in_batches
from thin_mini.insight.distances import (
    explained_variance,
    inter_intra_ratio,
    overlap,
    pair_distances,
    verification,
)
from thin_mini.lab.bin_runs import classified
from thin_mini.lab.rows import Protocol, Run
from thin_mini.lab.summaries import Summarised, clusters, components
from thin_mini.models import ExogenousNetwork, Model, Oracle
from thin_mini.networks import Context
from thin_mini.rivals.people import album

SIZE = 32  # pixels
WIDTHS = (16, 32, 64)  # channels of the encoder's convolutions
PAIRS = 3_000  # of drawn faces, to verify whether two show one person
IMAGES_OF_A_PERSON = 10  # among the test images, and among those without labels
FEW = 8  # components or clusters of what a network knows
FITTED_ON = 5_000  # faces without labels
SUMMARIES = {"components": components, "clusters": clusters}
# Of the traits, what an oracle may know: the last four are the resting expression.
KNOWN = {"traits": slice(None), "resting": slice(-4, None), "others": slice(-4)}
BINS = np.arange(61) / 30  # of distances 0..2, equal for all so that overlaps compare

Pairs = tuple[Tensor, Tensor, Tensor]


def drawn(
    run: Run, n: int, n_test: int | None = None
) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Training images, and test images of other people, numbered after the former."""
    if run.source:  # a network that knows people is measured on pairs
        people = data.cartoon_celebrities(
            n, n_people=run.n_people, size=SIZE, seed=run.seed
        )
        return people, people
    train, test = data.cartoon_faces(
        n,
        n_test or run.n_test,
        n_people=run.n_people,
        n_test_people=-(-run.n_test // IMAGES_OF_A_PERSON),
        size=SIZE,
        seed=run.seed,
        on=run.on,
    )
    test = replace(test, exo=test.exo + train.n_exo, n_exo=train.n_exo + test.n_exo)
    return train, test


def without_labels(
    run: Run, n: int, n_test: int
) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Further pictures: n of the people of training; and n_test of the test's, all."""
    same = ("data", "by", "labels", "n_test", "seed", "on", "n_people")
    own: dict[str, Any] = {name: getattr(run, name) for name in same}
    plain = Run(source="", model="baseline", protocol=Protocol(1), **own)
    return _further(plain, n, n_test)


@lru_cache(maxsize=2)  # all rows of a seed see the same
def _further(
    run: Run, n: int, n_test: int
) -> tuple[ExogenousDataset, ExogenousDataset]:
    train, test = drawn(run, run.labels + n, n_test)
    return train.subset(slice(run.labels, None)), test


def albums(run: Run) -> tuple[Tensor, Tensor]:
    """Pictures (M, C, H, W), and which of them show a person, (people, k)."""
    k = checks.whole("pictures", run.pictures)
    n = IMAGES_OF_A_PERSON * run.n_people
    train, test = without_labels(run, n, 2 * run.n_test)
    test = test.subset(slice(run.n_test, None))  # whose others measure the run
    index = album(torch.cat([train.exo, test.exo]), test.n_exo, k)
    shown, place = index.unique(return_inverse=True)
    return torch.cat([train.images, test.images])[shown], place


@torch.no_grad()
def shortened(run: Run, context: Context) -> Context:
    """A context averaged over a person's pictures, or summarised, as a run says."""
    if run.pictures:
        images, index = albums(run)
        h = in_batches(lambda i: (context.condition(images[i]).h_g,), len(images))[0]
        context = Oracle(len(index), h[index].mean(1))  # (people, C)
    if not run.summary:
        return context
    checks.choice("summary", run.summary, SUMMARIES)
    train, _ = without_labels(run, FITTED_ON, 1)
    known = in_batches(
        lambda i: (context.condition(train.images[i], train.exo[i]).h_g,), len(train)
    )
    layer = SUMMARIES[run.summary](known[0], FEW)
    if isinstance(context, Oracle):
        return Oracle(context.n_exo, layer(context.table))
    return Summarised(context, layer, FEW)


def drawn_pairs(run: Run) -> Pairs:
    """Pairs of drawn people whom no network has seen."""
    return _pairs_of(run.seed, PAIRS)


@lru_cache(maxsize=1)  # all rows of a seed are measured on the same
def _pairs_of(seed: int, n: int) -> Pairs:
    return data.cartoon_pairs(n, seed=seed, size=SIZE)


def photographs(run: Run, n: int) -> tuple[ExogenousDataset, ExogenousDataset]:
    """All of them, whatever the run."""
    train, test = data.face_csv(_photo_folder() / "faces.csv")
    return train.load(SIZE, grey=True), test.load(SIZE, grey=True)


def photo_pairs(run: Run) -> Pairs:
    """Pairs of test people, strangers to every network: half show one person.

    Most pairs of LFW show people that the networks here were trained on. Of the others
    nearly all show one person, so as many pairs of two people are drawn beside them.
    """
    _, test = data.face_csv(_photo_folder() / "faces.csv")
    pairs = data.face_pairs(_photo_folder() / "pairs.csv").among(test.paths)
    a, b, same = pairs.load(SIZE, grey=True)
    a, b, n = a[same], b[same], int(same.sum())
    photos = test.load(SIZE, grey=True)
    random = np.random.default_rng(0)
    first, second = torch.from_numpy(random.integers(len(photos), size=(2, 4 * n)))
    two = (photos.exo[first] != photos.exo[second]).nonzero()[:n, 0]
    a = torch.cat([a, photos.images[first[two]]])  # (2n, 1, H, W)
    b = torch.cat([b, photos.images[second[two]]])
    return a, b, torch.arange(2 * n) < n


def _photo_folder() -> Path:
    folder = data_folder()
    if folder is None or not (folder / "faces" / "faces.csv").is_file():
        raise DataError(
            "the photographs are in no folder: set THIN_MINI_DATA to one that holds "
            "faces/faces.csv and faces/pairs.csv"
        )
    return folder / "faces"


LOADED = {"cartoons": drawn, "photos": photographs}
PAIRED = {"cartoons": drawn_pairs, "photos": photo_pairs}
CHANNELS = {"cartoons": 3, "photos": 1}


def load(run: Run, n: int) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Training images, and test images of other people."""
    return LOADED[run.data](run, n)


def encoder(run: Run) -> ConvEncoder:
    """F_φ or γ_τ for faces, drawn from the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        return ConvEncoder(CHANNELS[run.data], SIZE, WIDTHS)


@torch.no_grad()
def oracle(
    run: Run,
    train: ExogenousDataset,
    test: ExogenousDataset,
    networks: list[ExogenousNetwork],
) -> Oracle:
    """An oracle that tells of each person, unseen ones too, ``run.oracle_knows``."""
    if run.oracle_knows == "person":
        return Oracle(test.n_exo, torch.arange(test.n_exo)[:, None].float())

    def said(part: ExogenousDataset) -> Tensor:  # (N, C)
        if run.oracle_knows != "portraits":
            return part.factors["identity"][:, KNOWN[run.oracle_knows]]
        network, parts = networks[0], part.images.split(512)
        device = device_of(network)
        return torch.cat([network.condition(x.to(device)).h_g.cpu() for x in parts])

    exo = torch.cat([train.exo, test.exo])
    each = torch.cat([said(train), said(test)]).double()  # traits stay exact in a mean
    table = each.new_zeros(test.n_exo, each.shape[1]).index_add_(0, exo, each)
    pictures = exo.bincount(minlength=test.n_exo).clamp(min=1)
    return Oracle(test.n_exo, (table / pictures[:, None]).float())


@torch.no_grad()
def measure(run: Run, model: Model, test: ExogenousDataset) -> dict[str, float]:
    """What sections 3.4, 4.4 and 4.6 measure on representations.

    A network is measured on pairs alone: the people are strangers and no classes.
    """
    a, b, same = PAIRED[run.data](run)
    see = model.eval().encoder
    h_a, h_b = embed(see, a), embed(see, b)
    distance = pair_distances(h_a, h_b)
    found = {"overlap": round(overlap(distance[same], distance[~same], BINS), 4)}
    if isinstance(model, ExogenousNetwork):
        # The hidden layer is what knows people; the map still shows their faces.
        device = device_of(model)
        known_a, known_b = (model.head.embed(h.to(device)) for h in (h_a, h_b))
        accuracy = verification(pair_distances(known_a, known_b), same).accuracy
        return found | {"pair_accuracy": round(accuracy, 4)}
    h = embed(see, test.images)
    found["inter_intra"] = round(inter_intra_ratio(h, test.target), 4)
    found["variance_3"] = round(explained_variance(h), 4)
    metrics, _ = classified(model, test)
    return metrics | found
