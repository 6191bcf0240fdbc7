"""Gates: h_g ↦ g, how much each expert counts for this image (Eqs. 3 to 5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.precision import full, no_autocast

MAX_DEPTH = 10
# Two small matrix products beat walking down the tree for its first levels; with more
# levels their 4**depth entries cost more (measured in benchmarks/ for batches of 128).
MATRIX_DEPTH = 7


class UniformGate(nn.Module):
    """Every expert counts 1/L: the simple deep ensemble.

    Shape:
        h (N, anything) → g (N, n_leaves).
    """

    in_features: int | None = None  # it does not look

    def __init__(self, n_leaves: int) -> None:
        super().__init__()
        self.n_leaves = checks.whole("n_leaves", n_leaves)

    def forward(self, h: Tensor) -> Tensor:
        n = checks.rows("h", h)
        share = full(h.new_empty(0)).dtype  # 1/L in half precision would not sum to 1
        return h.new_full((n, self.n_leaves), 1 / self.n_leaves, dtype=share)


class SoftmaxGate(nn.Module):
    """A flat gate, as in mixtures of experts: Linear → batch norm → softmax.

    Shape:
        h (N, in_features) → g (N, n_leaves), rows sum to 1.
    """

    def __init__(self, in_features: int, n_leaves: int) -> None:
        super().__init__()
        self.in_features = checks.whole("in_features", in_features)
        self.n_leaves = checks.whole("n_leaves", n_leaves)
        self.linear = nn.Linear(in_features, n_leaves)
        self.norm = nn.BatchNorm1d(n_leaves)

    def log_probs(self, h: Tensor) -> Tensor:
        """log g, (N, n_leaves)."""
        checks.layer_features(self, h)
        return F.log_softmax(normalised(self, h), dim=1)  # (N, L)

    def forward(self, h: Tensor) -> Tensor:
        return self.log_probs(h).exp()


class TreeGate(nn.Module):
    """A soft binary tree whose L = 2**depth leaf probabilities are the gate.

    Node n sends h to its left child with probability d_n = σ(BN(w_n·h + b_n)),
    Eq. 3; the batch norm keeps the sigmoids from saturating (it is in the authors'
    code and in section 4.1, "before each activation"). A leaf's probability is the
    product along its path (Eq. 4), here a sum of logarithms, so that nothing
    underflows. Nodes are numbered level by level, leaves from left to right.

    Args:
        in_features: Size of the gating representation h_g.
        depth: Levels of the tree, 1 to 10.

    Shape:
        h (N, in_features) → g (N, 2**depth), rows sum to 1 (Eq. 5).

    Raises:
        ValueError: If the depth or the size is out of range.
    """

    def __init__(self, in_features: int, depth: int) -> None:
        super().__init__()
        checks.whole("in_features", in_features)
        checks.whole("depth", depth, None)
        if not 1 <= depth <= MAX_DEPTH:
            raise ValueError(
                f"depth must be between 1 and {MAX_DEPTH}, got {depth}: a tree of "
                "depth d has 2**d leaves, one expert each"
            )
        self.in_features, self.depth, self.n_leaves = in_features, depth, 2**depth
        self.linear = nn.Linear(in_features, self.n_leaves - 1)
        self.norm = nn.BatchNorm1d(self.n_leaves - 1)

    def node_logits(self, h: Tensor) -> Tensor:
        """The logit of going left at each node, (N, 2**depth - 1)."""
        checks.layer_features(self, h)
        return normalised(self, h)

    def log_probs(self, h: Tensor) -> Tensor:
        """log μ, the logarithm of each leaf's probability, (N, 2**depth)."""
        return leaf_log_probs(self.node_logits(h), self.depth)

    def forward(self, h: Tensor) -> Tensor:
        return self.log_probs(h).exp()


def normalised(gate: SoftmaxGate | TreeGate, h: Tensor) -> Tensor:
    """BN(w·h + b), the logits of a gate: (N, D) → (N, nodes or leaves), in float32."""
    logits = gate.linear(h)  # in half precision under autocast, and only this
    return full(gate.norm(logits.to(gate.linear.weight.dtype)))


def leaf_log_probs(logits: Tensor, depth: int | None = None) -> Tensor:
    """Eq. 4 in log space: node logits (N, L - 1) → log μ (N, L), in float32.

    Exact, with finite gradients, for logits up to ±100 in float32; the plain
    product of σ and 1 - σ gives log 0 beyond about 17.

    Args:
        logits: (N, L - 1), level by level.
        depth: Of the tree; by default what the number of nodes says.

    Raises:
        ValueError: If no tree has so many nodes.
    """
    if depth is None:
        checks.instance("logits", logits, Tensor, "pass a tensor (N, L - 1)")
        depth = int(logits.shape[-1] if logits.ndim else 0).bit_length()
        if logits.ndim != 2 or logits.shape[1] != 2**depth - 1 or depth < 1:
            raise ValueError(
                "node logits must be (N, 2**depth - 1), so (N, 7) for a tree of depth "
                f"3, got {tuple(logits.shape)}"
            )
    logits = full(logits)
    left, right = F.logsigmoid(logits), F.logsigmoid(-logits)  # log d, log(1 - d)
    if depth == 1:
        return torch.cat([left, right], 1)
    top = min(depth, MATRIX_DEPTH)
    above = slice(2**top - 1)  # the nodes of these levels
    # Copied without waiting for what the device is at.
    below_left, below_right = (
        paths.to(left, non_blocking=True) for paths in leaf_paths(top)
    )
    with no_autocast(logits):
        log_mu = left[:, above] @ below_left + right[:, above] @ below_right
    for level in range(top, depth):
        nodes = slice(2**level - 1, 2 ** (level + 1) - 1)
        # (N, 2**level, 2) → (N, 2**(level + 1)): children next to each other
        log_mu = torch.stack(
            [log_mu + left[:, nodes], log_mu + right[:, nodes]], dim=2
        ).flatten(1)
    return log_mu


def leaf_paths(depth: int) -> tuple[Tensor, Tensor]:
    """The indicators of Eq. 4: which leaves lie left, and right, below each node.

    Returns:
        Two 0/1 matrices (L - 1, L) with L = 2**depth. Those of common depths are kept,
        so do not change them in place.
    """
    return _PATHS[depth] if depth in _PATHS else _leaf_paths(depth)


def _leaf_paths(depth: int) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):  # what is kept must serve in training as well
        # Counted from 1 at the root, the children of node n are 2n and 2n + 1.
        nodes = torch.arange(1, 2**depth, device="cpu")[:, None]
        leaves = torch.arange(2**depth, 2 ** (depth + 1), device="cpu")
        below = [depth - n.bit_length() for n in range(1, 2**depth)]  # levels
        # What each leaf descends from among, or instead of, the node's children.
        child = leaves >> torch.tensor(below, device="cpu")[:, None]  # (L - 1, L)
        return (child == 2 * nodes).float(), (child == 2 * nodes + 1).float()


# Made now, because what a tracer or a meta device makes could not be kept.
_PATHS = {depth: _leaf_paths(depth) for depth in range(1, MATRIX_DEPTH + 1)}
