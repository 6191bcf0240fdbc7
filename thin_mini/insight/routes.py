"""Where a tree gate sends its images, and what its splits know about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy.stats import rankdata
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed
from thin_mini.basics.devices import device_of
from thin_mini.basics.kinds import checked
from thin_mini.basics.precision import full
from thin_mini.gates import TreeGate

WHOLE = "whole tree"  # the last row of a table of information


class Routes(NamedTuple):
    """The way of N images through a tree of L leaves, on the CPU.

    Attributes:
        reach: (N, 2L - 1), the probability to reach each node, level by level: the
            root (always 1), the other splits, then the L leaves. The children of
            node n are the nodes 2n + 1, left, and 2n + 2.
        left: (N, L - 1), d_n of Eq. 3: the probability of going left at each split.
    """

    reach: Tensor
    left: Tensor


class Information(NamedTuple):
    """What each split knows of each factor, in bits.

    Attributes:
        bits: One row for each split and one for the whole tree, a column a factor.
        chance: What the same estimate gives on average for shuffled factors. It is
            above 0, since few images look related by accident: judge the difference.
    """

    bits: pd.DataFrame
    chance: pd.DataFrame


@checked
def node_probabilities(gate: TreeGate, h_g: Tensor) -> Routes:
    """The probability to reach every node of the tree (Figure 10), without gradients.

    Args:
        gate: The tree; it is put in eval mode.
        h_g: (N, in_features), the gating representation.

    Raises:
        ValueError: If a value is not finite or the features are not the gate's.
    """
    log_reach, logits = _log_reach(gate, h_g)
    return Routes(log_reach.exp(), logits.sigmoid())


@checked
def most_representative(gate: TreeGate, h_g: Tensor, k: int) -> Tensor:
    """The images with the highest probability to reach each node (Figure 10).

    All reach the root with probability 1, so there it is the first k.

    Args:
        gate: The tree; it is put in eval mode.
        h_g: (N, in_features), the gating representation.
        k: Images for each node, 1 to N.

    Returns:
        (2L - 1, k), their indices on the CPU, the most probable first; nodes in the
        order of :class:`Routes`.

    Raises:
        ValueError: As :func:`node_probabilities`, or if ``k`` is out of range.
    """
    checks.features("h_g", h_g)
    checks.whole("k", k, 1, len(h_g))
    # Logarithms still differ where the probabilities have all been rounded to 1.
    log_reach, _ = _log_reach(gate, h_g)
    return log_reach.argsort(dim=0, descending=True, stable=True)[:k].T


@torch.no_grad()
def _log_reach(gate: TreeGate, h_g: Tensor) -> tuple[Tensor, Tensor]:
    """The logarithm of each node's probability (N, 2L - 1), and the splits' logits."""
    checks.features("h_g", h_g)
    logits = gate.eval().node_logits(h_g.to(device_of(gate))).cpu().double()
    log_reach = [logits.new_zeros(len(h_g))]  # of the root
    for n in range(logits.shape[1]):
        for sign in (1, -1):  # log d to the left, log(1 - d) to the right
            log_reach.append(log_reach[n] + F.logsigmoid(sign * logits[:, n]))
    return torch.stack(log_reach, 1), logits


def node_names(depth: int) -> list[str]:
    """The way to each node of a tree, level by level: root, L, R, LL, LR and so on."""
    names = [""]
    for n in range(2 ** (checks.whole("depth", depth, 0) + 1) - 2):
        names.append(names[n // 2] + "LR"[n % 2])
    return ["root", *names[1:]]


@checked
def mutual_information(
    routes: Routes,
    factors: Mapping[str, Tensor],
    bins: int = 8,
    shuffles: Count = 20,
    seed: Seed = 0,
) -> Information:
    """How much each split knows of each factor: I(side; factor) in bits.

    A soft split deals each image out: d_n of it goes left, the rest right, and it
    counts by its probability to get there at all. That gives the joint distribution of
    side and factor at the node, from which the mutual information is computed as it
    is. One split knows 1 bit at most, and less the softer it is. The whole tree's row
    is I(leaf; factor): the sum of the splits', each times the share that reaches it.

    Args:
        routes: From :func:`node_probabilities`.
        factors: By name, each (N,). Integers and bools are classes; floats are cut
            into quantiles.
        bins: Quantiles of a continuous factor, at least 2.
        shuffles: Permutations of the images behind the chance level, at least 1.
        seed: Of the permutations.

    Raises:
        ValueError: If a factor has another length, holds NaN or is the same for all
            images, or a number is out of range.
    """
    checks.whole("bins", bins, 2)
    random = np.random.default_rng(seed)
    reach, left = (x.cpu().double().numpy() for x in routes)
    n_splits = left.shape[1]
    here = reach[:, :n_splits]
    sides = np.stack([here * left, here * (1 - left)], 1)  # (N, 2, L - 1)
    leaves = reach[:, n_splits:]  # (N, L)

    def known(labels: np.ndarray) -> np.ndarray:
        is_class = np.eye(labels.max() + 1)[labels]  # (N, B)
        at_splits = np.einsum("isn,ib->nsb", sides, is_class, optimize=True)
        return np.r_[_bits(at_splits), _bits(leaves.T @ is_class)]

    names = node_names(depth=n_splits.bit_length())[:n_splits]
    index = pd.Index([*names, WHOLE], name="split")
    bits, chance = pd.DataFrame(index=index), pd.DataFrame(index=index)
    for name, factor in factors.items():
        labels = _classes(name, factor, len(reach), bins)
        bits[name] = known(labels)
        shuffled = [known(random.permutation(labels)) for _ in range(shuffles)]
        chance[name] = np.mean(shuffled, 0)
    return Information(bits, chance)


def _bits(joint: np.ndarray) -> np.ndarray:
    """Mutual information of joint distributions (..., A, B), up to their total."""
    joint = joint / joint.sum((-2, -1), keepdims=True).clip(min=1e-300)
    apart = joint.sum(-1, keepdims=True) * joint.sum(-2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(joint > 0, joint * np.log2(joint / apart), 0)  # 0 log 0 = 0
    return terms.sum((-2, -1))


def _classes(name: str, factor: Tensor, n: int, bins: int) -> np.ndarray:
    """Classes 0, 1, … of a factor; of a continuous one, its quantiles."""
    checks.factor(name, factor, n)
    if factor.is_floating_point():
        # Equal values share their mean rank, and so never part. No bfloat16 in NumPy.
        ranks = rankdata(full(factor.detach()).cpu().numpy())
        values = ((ranks - 0.5) / n * bins).astype(int)
    else:
        values = factor.cpu().numpy()
    found, labels = np.unique(values, return_inverse=True)
    if len(found) < 2:
        raise ValueError(
            f"{name} is the same for all images: there is nothing to know about it"
        )
    return labels
