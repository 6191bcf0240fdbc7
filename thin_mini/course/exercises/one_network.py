"""last (L, H, K), bias (L, K) → the last layer of one network, [W; b] (L·H + 1, K).

Objective: show that with one hidden layer the average **is** the baseline.

1. The average of L experts is one sum over all L·H hidden units.
2. Each expert's weights are divided by L; of the biases only their mean is left.
3. `last.flatten(0, 1) / L` is W; put the mean of the biases below it, as one row.

Notice: L biases for each class, of which one counts: that is all the average adds.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 4, 2


def draw(n: int) -> dict[str, Tensor]:
    return {"last": torch.randn(3, n, 4), "bias": torch.randn(3, 4)}


def _layer(weight: Tensor, bias: Tensor) -> Tensor:
    return torch.cat([weight, bias[None]])


def right(last: Tensor, bias: Tensor) -> Tensor:
    return _layer(last.flatten(0, 1) / len(last), bias.mean(0))


def summed(last: Tensor, bias: Tensor) -> Tensor:
    """This is the sum of the experts: the weights, and the biases, lack the 1/L."""
    return len(last) * right(last, bias)


def weights_whole(last: Tensor, bias: Tensor) -> Tensor:
    """The weights lack the 1/L: every hidden unit counts L times too much."""
    return _layer(last.flatten(0, 1), bias.mean(0))


def biases_summed(last: Tensor, bias: Tensor) -> Tensor:
    """The biases are added up. They are averaged like the rest."""
    return _layer(last.flatten(0, 1) / len(last), bias.sum(0))


def averaged_weights(last: Tensor, bias: Tensor) -> Tensor:
    """The experts' weights are averaged. They belong to different hidden units, so they
    stand below one another: L·H rows.
    """
    return _layer(last.mean(0), bias.mean(0))


def dealt_out(last: Tensor, bias: Tensor) -> Tensor:
    """The rows are in another order: first all hidden units of the first expert, then
    all of the second.
    """
    return _layer(last.transpose(0, 1).flatten(0, 1) / len(last), bias.mean(0))


def bias_first(last: Tensor, bias: Tensor) -> Tensor:
    """The bias stands on top. It is the last row."""
    return right(last, bias).roll(1, 0)
