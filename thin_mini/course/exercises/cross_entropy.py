"""logits (N, K) and target (N,) → the cross entropy, a number: the mean over images.

Objective: build the paper's baseline and count its parameters.

1. For one image it is the logarithm of a sum, less the logit of the true class.
2. e to a logit of 1000 overflows: take the largest logit out of the sum first.
3. `logits[range(N), target]` picks the true class's; `torch.logsumexp` is the rest.

Notice: only differences of logits matter: add 1000 to a row, and all is as before.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy as right

CHAPTER, LEVEL = 2, 2


def draw(n: int) -> dict[str, Tensor]:
    logits, target = 3 * torch.randn(n, 4), torch.randint(4, (n,))
    logits[0], target[0] = torch.tensor([900.0, -900, 0, 5]), 1
    return {"logits": logits, "target": target}


def overflows(logits: Tensor, target: Tensor) -> Tensor:
    """e to a large logit overflows, and 0 has no logarithm: take the largest logit of a
    row out of its sum, and never leave the logarithm.
    """
    return (logits.exp().sum(1).log() - logits.gather(1, target[:, None])[:, 0]).mean()


def softmax_too_early(logits: Tensor, target: Tensor) -> Tensor:
    """A softmax too early: the loss takes logits, and has a softmax of its own."""
    return right(logits.softmax(1), target)


def table(logits: Tensor, target: Tensor) -> Tensor:
    """`[:, target]` is a table: each image with the class of every image. Take one
    number from each row, `[range(N), target]`.
    """
    return -logits.log_softmax(1)[:, target].mean()


def summed(logits: Tensor, target: Tensor) -> Tensor:
    """This is the sum over the images. The mean does not grow with the batch."""
    return right(logits, target, reduction="sum")


def rewarded(logits: Tensor, target: Tensor) -> Tensor:
    """The sign is turned: what is minimised must fall as the true logit rises."""
    return -right(logits, target)
