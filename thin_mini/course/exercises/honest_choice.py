"""valid and test (S, n), accuracies of S settings → the test accuracy to report.

Objective: make rivals equally large and equally well tuned.

1. A setting is chosen by the mean of its runs on the validation images.
2. The test images are looked at once, for the setting that was chosen.
3. `valid.mean(1).argmax()` names it; report the mean of its row in test.

Notice: the best of many on the test images looks better than it is, by luck alone.
"""

import torch
from torch import Tensor

CHAPTER, LEVEL, GRADIENTS = 22, 1, False


def draw(n: int) -> dict[str, Tensor]:
    valid = 90 + torch.randn(n, 3)
    valid[1] += torch.tensor([4.0, 1.0, 1.0])
    valid[2, 1] += 6  # the luckiest run, of a setting that is not the best
    valid[2, [0, 2]] -= 5
    test = valid - 1 + torch.randn(n, 3)
    test[3] += 5
    return {"valid": valid, "test": test}


def right(valid: Tensor, test: Tensor) -> Tensor:
    return test.mean(1)[valid.mean(1).argmax()]


def on_test(valid: Tensor, test: Tensor) -> Tensor:
    """This chooses on the test images. Choose by validation, then report once."""
    return test.mean(1).max()


def reported_valid(valid: Tensor, test: Tensor) -> Tensor:
    """This reports the accuracy by which it chose, which is flattered by the choice."""
    return valid.mean(1).max()


def luckiest(valid: Tensor, test: Tensor) -> Tensor:
    """The luckiest single run chooses here. Compare the means of the settings."""
    return test.mean(1)[valid.max(1).values.argmax()]


def best_run(valid: Tensor, test: Tensor) -> Tensor:
    """The setting is well chosen, but its best run is reported in place of the mean."""
    return test[valid.mean(1).argmax()].max()
