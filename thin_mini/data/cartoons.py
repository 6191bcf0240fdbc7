"""Drawn faces as a data set: seven expressions on thousands of people."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from thin_mini.basics.checks import Count, Seed, Share, one_of, whole
from thin_mini.basics.kinds import checked
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.faces import render_faces
from thin_mini.data.factors import (
    ACTIONS,
    EXPRESSIONS,
    NUISANCES,
    TRAITS,
    expression_actions,
)

# Each with people of its own.
PARTS = ("train", "valid", "test", "pairs", "celebrities")
FAMILIES = 12
LEAST = 0.3  # of the intensity of an expression
WAVER = 0.12  # how much more than its expression a face may do
OCCLUDED = 0.15  # share of the images with something before the face
GRAIN = 0.4  # at most, of the noise


@checked
def cartoon_faces(
    n_train: Count = 40_000,
    n_test: Count = 5_000,
    *,
    n_people: Count = 2_000,
    n_test_people: Count = 500,
    size: int = 32,
    resemblance: Share = 0.7,
    seed: Seed = 0,
    on: Annotated[str, one_of("test", "valid")] = "test",
) -> tuple[ExogenousDataset, ExogenousDataset]:
    """Drawn faces whose expression is the task and whose identity is exogenous.

    A person's traits include a resting expression, so that one's neutral mouth may
    equal another's smile. Nobody in the test set is in the training set, but all come
    of the same families, whose members look alike and rest alike. Without families
    nothing in one picture of a stranger would tell where the stranger's mouth rests.

    Args:
        n_train: Number of training images. A smaller set is a prefix of a larger one.
        n_test: Number of test images.
        n_people: Whom the training images show, about ``n_train / n_people`` each.
        n_test_people: Whom the test images show.
        size: Height and width in pixels, at least 16.
        resemblance: Of the members of a family, from 0 (every trait is drawn for
            itself) to 1 (they are the same).
        seed: Draws the people, what their faces do, and what disturbs the pictures.
        on: ``"test"``, or ``"valid"`` for images of yet other people in place of the
            test's, to choose settings on.

    Returns:
        ``(train, test)``, images (N, 3, size, size); ``exo`` is the number of the
        person among those of the set; ``factors`` holds ``identity`` (N, 22),
        ``actions`` (N, 12), ``nuisance`` (N, 14) and ``intensity`` (N,), in the order
        of ``TRAITS``, ``ACTIONS`` and ``NUISANCES``.

    Raises:
        ValueError: If an argument is out of range.
    """
    return (
        _make("train", n_train, n_people, size, resemblance, seed),
        _make(on, n_test, n_test_people, size, resemblance, seed),
    )


@checked
def cartoon_celebrities(
    n: Count = 40_000,
    *,
    n_people: Count = 2_000,
    size: int = 32,
    resemblance: Share = 0.7,
    seed: Seed = 0,
) -> ExogenousDataset:
    """Drawn faces of people in no other set, for a network that learns identity.

    The paper's was trained on celebrities, who are not the people whose expressions
    are to be read. They come of the same families as those of :func:`cartoon_faces`.

    Args:
        n: Number of images.
        n_people: Whom they show.
        size: As in :func:`cartoon_faces`, and so are the others.
        resemblance: As there.
        seed: As there.
    """
    return _make("celebrities", n, n_people, size, resemblance, seed)


@checked
def cartoon_pairs(
    n: Count = 3_000,
    *,
    n_people: Annotated[int, partial(whole, low=2)] = 500,
    size: int = 32,
    resemblance: Share = 0.7,
    seed: Seed = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of drawn faces: one person or two? Half of them each, in turn.

    The people are in no other set. Expression and disturbances differ within a pair.

    Args:
        n: Number of pairs.
        n_people: Whom they show, at least 2.
        size: Height and width in pixels.
        resemblance: As in :func:`cartoon_faces`.
        seed: Draws everything.

    Returns:
        First and second images, (n, 3, size, size) each, and ``same`` (n,) bool.

    Raises:
        ValueError: If an argument is out of range.
    """
    random = np.random.default_rng([seed, PARTS.index("pairs"), 2])
    first = random.integers(n_people, size=n)
    other = (first + random.integers(1, n_people, size=n)) % n_people
    same = np.arange(n) % 2 == 0
    people = np.concatenate([first, np.where(same, first, other)])
    faces = _make("pairs", 2 * n, n_people, size, resemblance, seed, people)
    return faces.images[:n], faces.images[n:], torch.from_numpy(same)


@checked
def draw_people(
    n: Count,
    part: Annotated[str, one_of(*PARTS)] = "train",
    resemblance: Share = 0.7,
    seed: Seed = 0,
) -> Tensor:
    """The traits of the first ``n`` people of one of ``PARTS``, (n, 22) in 0..1."""
    k = len(TRAITS)
    random = np.random.default_rng([seed, PARTS.index(part), 0])
    u = random.random((n, k + 1), dtype=np.float32)
    own, family = u[:, :k], (u[:, k] * FAMILIES).astype(int)
    # The families divide the range of each trait evenly, in an order of its own.
    random = np.random.default_rng(seed)
    order = random.permuted(np.tile(np.arange(FAMILIES), (k, 1)), axis=1).T
    middle = ((order + 0.5) / FAMILIES).astype(np.float32)  # (FAMILIES, 22)
    return torch.from_numpy(own + np.float32(resemblance) * (middle[family] - own))


def _make(
    part: str,
    n: int,
    n_people: int,
    size: int,
    resemblance: float,
    seed: int,
    people: np.ndarray | None = None,
) -> ExogenousDataset:
    """A set of a part's people; who is on which image may be given, (n,)."""
    traits = draw_people(n_people, part, resemblance, seed)
    # One row of random numbers for each image, so that a smaller set is a prefix.
    k, m = len(ACTIONS), len(NUISANCES)
    random = np.random.default_rng([seed, PARTS.index(part), 1])
    u = torch.from_numpy(random.random((n, 4 + k + m), dtype=np.float32))
    target = (u[:, 0] * len(EXPRESSIONS)).long()
    drawn = (u[:, 1].double() * n_people).long()
    exo = drawn if people is None else torch.from_numpy(people)
    intensity = LEAST + (1 - LEAST) * u[:, 2]
    actions = expression_actions(target, intensity) + WAVER * u[:, 4 : 4 + k]
    nuisance = u[:, 4 + k :].clone()
    nuisance[:, NUISANCES.index("occlusion")] *= u[:, 3] < OCCLUDED
    nuisance[:, NUISANCES.index("noise")] *= GRAIN
    factors = {
        "identity": traits[exo],
        "actions": actions.clamp(max=1),
        "nuisance": nuisance,
    }
    return ExogenousDataset(
        images=render_faces(**factors, size=size),
        target=target,
        exo=exo,
        n_classes=len(EXPRESSIONS),
        n_exo=n_people,
        source=f"cartoon faces, {n:,} images of {n_people:,} people",
        exo_edges=None,
        exo_name="identity",
        factors=factors | {"intensity": intensity},
    )
