"""What the distances in a representation tell: who is who, and which class is which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.intervals import mean_interval
from thin_mini.basics.kinds import checked

FOLDS = 10


@dataclass(frozen=True)
class Verification:
    """How well a distance tells whether two images show the same person.

    Attributes:
        accuracy: Of the ten folds, in percent, each at the threshold of the others.
        half: Of its 95 % interval over the folds, in points. They share most of what
            their thresholds were chosen on, so it is a rough guide.
        threshold: The mean of the ten; a pair at most so far apart is the same person.
        auc: Area under the ROC curve, 0..1: how often the pair of one person is the
            closer one of two.
    """

    accuracy: float
    half: float
    threshold: float
    auc: float

    def __str__(self) -> str:
        return (
            f"{self.accuracy:.2f} ± {self.half:.2f} % of the pairs, "
            f"threshold {self.threshold:.3f}, area under the curve {self.auc:.3f}"
        )


@checked
def pair_distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance of L2-normalised representations (Figures 9 and 11).

    Args:
        a: (N, D), the first image of each pair.
        b: (N, D), the second.

    Returns:
        (N,), float64 on the CPU, in 0..2: 0 for one direction, √2 for a right angle, 2
        for opposite ones.

    Raises:
        ValueError: If shapes differ, a value is not finite or a row is all zeros.
    """
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    for name, h in (("a", a), ("b", b)):
        checks.features(name, h)
        zero = (h == 0).all(1).nonzero()
        if len(zero):
            raise ValueError(
                f"row {int(zero[0])} of {name} is all zeros and has no direction: "
                "leave this pair out"
            )
    a, b = (F.normalize(h.detach().cpu().double(), dim=1) for h in (a, b))
    return (a - b).norm(dim=1).clamp(max=2)  # above 2 by rounding only


@checked
def verification(distance: Tensor, same: Tensor) -> Verification:
    """Accuracy on pairs as for Labeled Faces in the Wild (Table 1's identity row).

    Ten folds, cut from each kind of pair in the order given, which for the data set's
    own list of pairs are its own folds; the threshold is the best on nine, the accuracy
    that on the tenth.

    Args:
        distance: (N,), of the two images of each pair.
        same: (N,) bool, whether they show one person; at least 10 pairs of each kind.

    Raises:
        ValueError: If shapes differ, a distance is not finite, ``same`` is not bool, or
            one kind has fewer than 10 pairs.
    """
    check_pairs(distance, same)
    d, y = distance.detach().cpu().double().numpy(), same.cpu().numpy()
    if min(y.sum(), (~y).sum()) < FOLDS:
        raise ValueError(
            f"{FOLDS} folds need at least {FOLDS} pairs of each kind, got {y.sum()} of "
            f"the same person and {(~y).sum()} of two: give more pairs"
        )
    thresholds, accuracies = [], []
    for nine, tenth in StratifiedKFold(FOLDS).split(d, y):
        threshold = _best_threshold(d[nine], y[nine])
        thresholds.append(threshold)
        accuracies.append(100 * float(np.mean((d[tenth] <= threshold) == y[tenth])))
    mean, half = mean_interval(accuracies)
    auc = float(roc_auc_score(y, -d))
    return Verification(mean, half, float(np.mean(thresholds)), auc)


def _best_threshold(d: np.ndarray, y: np.ndarray) -> float:
    """The threshold with most pairs right, in the middle of the gap it falls into."""
    order = np.argsort(d, kind="stable")
    d, y = d[order], y[order]
    # Calling the k closest the same, k = 0..N: one more pair right, or one fewer.
    right = np.r_[0, np.where(y, 1, -1).cumsum()]
    padded = np.r_[d[0] - 1, d, d[-1] + 1]
    right[padded[:-1] == padded[1:]] = -len(d)  # nothing parts equal distances
    k = int(right.argmax())
    return float((padded[k] + padded[k + 1]) / 2)


@checked
def overlap(positive: Tensor, negative: Tensor, edges: np.ndarray) -> float:
    """Intersection over union of two normalised histograms (Figures 9 and 11).

    0 where a threshold tells them apart, 100 where they are alike. It depends on the
    bins, so compare only values of the same ones: few pairs in many bins overlap less.

    Args:
        positive: (N,), for instance distances of pairs of one person.
        negative: (M,), those of pairs of two.
        edges: Of the bins, rising.

    Returns:
        100 · Σ min(p, q) / Σ max(p, q), p and q the shares in each bin, in percent.

    Raises:
        ValueError: If one of them is empty, not finite or not within the edges.
    """
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges must be at least 2 rising numbers, got {edges}")
    shares = []
    for name, values in (("positive", positive), ("negative", negative)):
        if values.numel() == 0:
            raise ValueError(f"{name} is empty: pass at least one value")
        checks.factor(name, values, values.numel(), edges[0], edges[-1])
        counts, _ = np.histogram(values.detach().cpu().double().numpy(), edges)
        shares.append(counts / len(values))
    p, q = shares
    return 100 * float(np.minimum(p, q).sum() / np.maximum(p, q).sum())


@checked
def inter_intra_ratio(h: Tensor, target: Tensor) -> float:
    """How far the classes lie apart for their width, tr(S_B) / tr(S_W) (section 4.4).

    The paper gives such a ratio without defining it. This is the usual one, that of the
    two scatter matrices: the squared distance of the class means to the overall mean,
    weighted by the sizes of the classes, over that of the images to their class's mean.
    Others weight all classes alike, take tr(S_W⁻¹ S_B), or divide mean distances.

    Args:
        h: (N, D), the representation; its scale does not matter.
        target: (N,), the classes.

    Raises:
        ValueError: If shapes disagree, a value is not finite, there is but one class,
            or no class has any width.
    """
    checks.features("h", h)
    checks.shaped("target", target, len(h), mend=", one label for each image")
    n, k = len(h), len(target.unique())
    if k < 2:
        raise ValueError(
            f"the ratio needs at least 2 classes, got only class {int(target[0])}"
        )
    checks.labels("target", target, n)
    x, y = h.detach().cpu().double(), target.cpu()
    if len(torch.cat([y[:, None], x], 1).unique(dim=0)) == k:
        raise ValueError(
            "each class is a single point, so that the ratio has no bound: "
            "give at least two different images of a class"
        )
    # The score has each trace over its degrees of freedom, k - 1 and n - k.
    return float(calinski_harabasz_score(x.numpy(), y.numpy())) * (k - 1) / (n - k)


@checked
def explained_variance(h: Tensor, n: int = 3) -> float:
    """Share of the variance along the first principal components (Figure 12).

    Args:
        h: (N, D), the representation.
        n: How many components, 1 to min(N, D).

    Returns:
        Percent: 100 if all points lie in an n-dimensional plane.

    Raises:
        ValueError: If ``n`` is out of range, a value is not finite, or all rows are
            the same.
    """
    checks.features("h", h)
    checks.whole("n", n, 1, min(h.shape))
    if (h == h[0]).all():
        raise ValueError("all rows of h are the same: there is no variance to explain")
    pca = PCA(n, random_state=0).fit(h.detach().cpu().double().numpy())
    return 100 * float(pca.explained_variance_ratio_.sum())


def check_pairs(distance: Tensor, same: Tensor) -> None:
    """Raise a ValueError unless both are (N,), distances finite and ``same`` bool."""
    if not checks.rows("same", same) or same.ndim != 1 or same.dtype != torch.bool:
        raise ValueError(
            "same must be bool, (N,), of at least one pair, got "
            f"{same.dtype} {tuple(same.shape)}"
        )
    checks.factor("distance", distance, len(same))
