"""a and b, (N,) resting mouths → the smile (N,) with which b looks like a at rest.

The corners are raised by 0.24 times (resting mouth less 0.5) plus 0.13 times the smile.

Objective: say in what sense identity is an exogenous variable of expressions, and show
it with two pictures.

1. Write the corners of both: a without a smile, b with the one that you look for.
2. The two sums are to be equal; the 0.5 falls out.
3. What a's mouth is above b's, times 0.24, has to be made up by 0.13 times the smile.

Notice: one sum, two causes. A picture shows the sum; who knows the person knows one.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 12, 1


def draw(n: int) -> dict[str, Tensor]:
    return {"a": 0.5 + 0.5 * torch.rand(n), "b": 0.5 * torch.rand(n)}


def right(a: Tensor, b: Tensor) -> Tensor:
    return (a - b) * 0.24 / 0.13


def other_way(a: Tensor, b: Tensor) -> Tensor:
    """The sign is turned: this b would frown, to look like an a who rests lower."""
    return right(b, a)


def upside_down(a: Tensor, b: Tensor) -> Tensor:
    """The ratio is upside down: a smile raises the corners by less than rest does."""
    return (a - b) * 0.13 / 0.24


def unweighted(a: Tensor, b: Tensor) -> Tensor:
    """Rest and smile do not count alike: one has 0.24, the other 0.13."""
    return a - b


def as_average(a: Tensor, b: Tensor) -> Tensor:
    """Here b rests at 0.5. It starts from where its own mouth rests."""
    return right(a, b - b + 0.5)


def corners(a: Tensor, b: Tensor) -> Tensor:
    """This is by how much the corners differ, and not the smile that does it."""
    return 0.24 * (a - b)
