"""What to measure: accuracy by bin, calibration, diversity, routing, probes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn.functional import one_hot

from thin_mini.basics import checks
from thin_mini.basics.intervals import mean_interval as mean_interval
from thin_mini.basics.kinds import checked
from thin_mini.basics.precision import full


@dataclass(frozen=True)
class Report:
    """What ``evaluate`` found.

    Attributes:
        accuracy: In percent.
        by_bin: (n_exo,), accuracy in percent among the images of each exogenous
            bin, NaN where there are none.
        confusion: (K, K) counts, rows the truth, columns the prediction.
        calibration: Expected calibration error in percent.
        logits: (N, K), for any further question.
    """

    accuracy: float
    by_bin: Tensor
    confusion: np.ndarray
    calibration: float
    logits: Tensor

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.2f} %, worst bin {self.worst_bin:.2f} %, "
            f"calibration error {self.calibration:.2f} %"
        )

    @property
    def worst_bin(self) -> float:
        """The lowest accuracy of any exogenous bin, in percent."""
        return float(np.nanmin(self.by_bin.numpy()))


@checked
def report(logits: Tensor, target: Tensor, exo: Tensor, n_exo: int) -> Report:
    """Compare logits (N, K) with the labels (N,), overall and by exogenous bin.

    Here and below tensors may be on any device; results are on the CPU, where sums are
    in float64, which not every GPU has.
    """
    checks.scores("logits", logits)
    checks.labels("target", target, *logits.shape)
    checks.labels("exo", exo, len(logits), checks.whole("n_exo", n_exo))
    logits, target, exo = logits.detach().cpu(), target.cpu(), exo.cpu()
    predicted = logits.argmax(1)
    right = (predicted == target).double()
    count = torch.bincount(exo, minlength=n_exo)
    return Report(
        accuracy=100 * right.mean().item(),
        by_bin=100 * torch.bincount(exo, right, minlength=n_exo) / count,
        confusion=confusion_matrix(target, predicted, labels=range(logits.shape[1])),
        calibration=calibration_error(logits, target),
        logits=logits,
    )


@checked
def calibration_error(logits: Tensor, target: Tensor) -> float:
    """Expected calibration error in percent, over 15 bins of equal width.

    The mean gap between how sure the model is and how often it is right.

    Raises:
        ValueError: As :func:`report`.
    """
    checks.scores("logits", logits)
    checks.labels("target", target, *logits.shape)
    confidence, predicted = logits.detach().cpu().softmax(1).double().max(1)
    right = (predicted == target.cpu()).double()
    bins = (confidence * 15).long().clamp(max=14)
    gap = torch.bincount(bins, right - confidence)
    return 100 * gap.abs().sum().item() / len(target)


@checked
def exogenous_accuracy(logits: Tensor, exo: Tensor) -> dict[str, float]:
    """Accuracy for an ordered exogenous variable in percent, three ways (Table 1).

    Args:
        logits: (N, n_exo), bins in their order.
        exo: (N,), the true bin.

    Returns:
        ``exact`` (the right bin), ``within_one`` (it or a neighbour) and
        ``range_relative``: 100 · (1 - mean distance in bins / n_exo).

    Raises:
        ValueError: As :func:`report`.
    """
    checks.scores("logits", logits)
    checks.labels("exo", exo, *logits.shape)
    distance = (logits.argmax(1).cpu() - exo.cpu()).abs().double()
    return {
        "exact": 100 * (distance == 0).double().mean().item(),
        "within_one": 100 * (distance <= 1).double().mean().item(),
        "range_relative": 100 * (1 - distance.mean().item() / logits.shape[1]),
    }


@checked
def disagreement(expert_logits: Tensor) -> float:
    """Diversity: the share of expert pairs that predict different classes, percent.

    Args:
        expert_logits: (N, L, K) with L ≥ 2.
    """
    checks.scores("expert_logits", expert_logits, 3)
    n_experts, n_classes = expert_logits.shape[1:]
    if n_experts < 2:
        raise ValueError(f"disagreement needs at least 2 experts, got {n_experts}")
    votes = one_hot(expert_logits.argmax(2).cpu(), n_classes).sum(1)  # (N, K)
    agreeing = (votes * (votes - 1)).sum(1).double()  # ordered pairs, (N,)
    return 100 * (1 - agreeing.mean().item() / (n_experts * (n_experts - 1)))


@checked
def leaf_usage(g: Tensor) -> tuple[Tensor, float]:
    """How a gate spreads its images over the leaves.

    Args:
        g: (N, L), rows sum to 1.

    Returns:
        Each leaf's mean share (L,), and the effective number of leaves, exp of that
        share's entropy: L if all are used alike, 1 if the tree has collapsed.
    """
    checks.shares("g", g)
    share = g.detach().mean(0).cpu()
    entropy = -torch.xlogy(share, share).sum()
    return share, entropy.exp().item()


def probe(
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    kind: str = "linear",
    seed: int = 0,
) -> float:
    """Fit a fresh classifier on frozen features: what can still be read from them?

    Args:
        train: Features (N, D) and labels (N,) to fit on.
        test: The same, to measure on; no image in common with ``train``.
        kind: ``"linear"`` (logistic regression) or ``"mlp"`` (one hidden layer).
        seed: For the MLP's weights and batches.

    Returns:
        Test accuracy in percent.
    """
    kinds = {
        "linear": LogisticRegression(C=0.1, max_iter=300),
        "mlp": MLPClassifier(128, early_stopping=True, max_iter=60, random_state=seed),
    }
    checks.choice("kind", kind, kinds)
    checks.seed_number(seed)
    for name, part in (("train", train), ("test", test)):
        if not isinstance(part, (tuple, list)) or len(part) != 2:
            raise ValueError(f"{name} must be a pair, features (N, D) and labels (N,)")
        checks.features(f"the features of {name}", part[0])
        checks.labels(f"the labels of {name}", part[1], len(part[0]))
    if train[0].shape[1] != test[0].shape[1]:
        raise ValueError(
            f"train has {train[0].shape[1]} features and test {test[0].shape[1]}: "
            "take the same representation of both"
        )
    if len(train[1].unique()) < 2:
        raise ValueError("all labels of train are the same: there is nothing to learn")
    learned, measured = (
        (full(h.detach()).cpu().numpy(), target.cpu().numpy())
        for h, target in (train, test)
    )
    model = make_pipeline(StandardScaler(), kinds[kind]).fit(*learned)
    return 100 * model.score(*measured)
