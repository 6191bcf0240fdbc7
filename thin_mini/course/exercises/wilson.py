"""percent (M,) right of n (M,) test images → Wilson's 95 % interval (M, 2), in percent.

Objective: say how far a test set can be trusted.

1. The formulas are p less or plus something, both divided by 1 + z²/n; z is 1.96.
2. The middle: (p + z²/2n) / (1 + z²/n), with p as a share between 0 and 1.
3. Half of it: z / (1 + z²/n) times the root of p(1 - p)/n + z²/4n².

Notice: at 100 % right the lower end is still below 100: a few images prove little.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL = 2, 2
Z = 1.96


def draw(n: int) -> dict[str, Tensor]:
    images = torch.randint(20, 400, (n,)).float()
    images[0] = 12.0
    percent = 50 + 49 * torch.rand(n)
    percent[0] = 100.0
    return {"percent": percent, "n": images}


def _interval(p: Tensor, n: Tensor, z: float = Z) -> Tensor:
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)).sqrt()
    return 100 * torch.stack([middle - half, middle + half], 1)


def right(percent: Tensor, n: Tensor) -> Tensor:
    return _interval(percent / 100, n)


def normal(percent: Tensor, n: Tensor) -> Tensor:
    """This is p ± 1.96 √(p(1 - p)/n). It has no width at 100 %, and passes 100 near
    it.
    """
    p = percent / 100
    half = Z * (p * (1 - p) / n).sqrt()
    return 100 * torch.stack([p - half, p + half], 1)


def shares(percent: Tensor, n: Tensor) -> Tensor:
    """These are shares between 0 and 1. The book gives accuracies in percent."""
    return right(percent, n) / 100


def exchanged(percent: Tensor, n: Tensor) -> Tensor:
    """The ends are exchanged: the lower one stands first."""
    return right(percent, n).flip(1)


def one_error(percent: Tensor, n: Tensor) -> Tensor:
    """z is 1 here, which holds the truth twice in three times. For 95 % it is 1.96."""
    return _interval(percent / 100, n, 1.0)


def undivided(percent: Tensor, n: Tensor) -> Tensor:
    """The formulas take p as a share between 0 and 1: divide percent by 100 first."""
    return _interval(percent, n)


def unrounded(percent: Tensor, n: Tensor) -> Tensor:
    """All but right: z is rounded to 1.96 here, as it is in the book."""
    return _interval(percent / 100, n, 1.959963984540054)


def about_p(percent: Tensor, n: Tensor) -> Tensor:
    """The middle is p itself. Wilson's is drawn a little towards a half."""
    low, high = right(percent, n).T
    return torch.stack([percent - (high - low) / 2, percent + (high - low) / 2], 1)


def no_root(percent: Tensor, n: Tensor) -> Tensor:
    """The square root is lost: uncertainty falls with √n, and not with n."""
    low, high = right(percent, n).T
    half = ((high - low) / 200 * (1 + Z**2 / n) / Z) ** 2 * Z / (1 + Z**2 / n)
    return (low + high)[:, None] / 2 + 100 * torch.stack([-half, half], 1)
