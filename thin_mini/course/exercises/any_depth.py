"""z (N, L - 1), node logits level by level, of any depth → log μ (N, L) of the leaves.

Objective: compute them so that nothing overflows or vanishes.

1. Start with one path of log-probability 0, and double the number of paths per level.
2. A level with n paths takes the next n columns of z, one for each path, in order.
3. The two children of a path stand side by side: `torch.stack([…], 2).flatten(1)`.

Notice: each level adds one number to each path; the matrices of paths multiply by
zeros.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from thin_mini.gates import leaf_log_probs as right

CHAPTER, LEVEL = 5, 2


def draw(n: int) -> dict[str, Tensor]:
    z = 2 * torch.randn(n, (7, 15)[n % 2])  # depth 3 or 4
    z[0, 0] = 90.0
    return {"z": z}


def _visited(node: int, n: int) -> list[int]:
    if node >= n:
        return []
    return [node, *_visited(2 * node + 1, n), *_visited(2 * node + 2, n)]


def by_branch(z: Tensor) -> Tensor:
    """The nodes are taken branch by branch. They are numbered level by level: all of
    one level come before the next.
    """
    places = torch.tensor(_visited(0, z.shape[1])).argsort()
    return right(z[:, places])


def in_blocks(z: Tensor) -> Tensor:
    """All left children stand before all right ones. The two children of one path
    belong side by side, or the next level's nodes meet the wrong paths.
    """
    log_mu = z[:, :1] * 0
    while (n := log_mu.shape[1]) <= z.shape[1]:
        level = z[:, n - 1 : 2 * n - 1]
        log_mu = torch.cat([log_mu + logsigmoid(level), log_mu + logsigmoid(-level)], 1)
    return log_mu


def unsafe(z: Tensor) -> Tensor:
    """A sigmoid is rounded to 0 or 1 before its logarithm is taken: `logsigmoid` does
    both at once.
    """
    log_mu = z[:, :1] * 0
    while (n := log_mu.shape[1]) <= z.shape[1]:
        d = z[:, n - 1 : 2 * n - 1].sigmoid()
        log_mu = torch.stack([log_mu + d.log(), log_mu + (1 - d).log()], 2).flatten(1)
    return log_mu


def swapped(z: Tensor) -> Tensor:
    """Left and right are swapped: d is the probability of going left."""
    return right(-z)


def two_levels(z: Tensor) -> Tensor:
    """It stops after two levels. Go on while there are nodes left."""
    return right(z[:, :3])


def not_logged(z: Tensor) -> Tensor:
    """These are the probabilities. Their logarithms are wanted."""
    return right(z).exp()


def one_question_a_level(z: Tensor) -> Tensor:
    """Each level asks one question of all paths. Every path has a node of its own."""
    level = torch.arange(1, z.shape[1] + 1).log2().long()  # of each node
    return right(z[:, 2**level - 1])
