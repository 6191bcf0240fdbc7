"""A second head that reads the exogenous variable, to share h_endo or to empty it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Lambda
from thin_mini.basics.kinds import checked
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.encoders import Encoder
from thin_mini.losses import task_loss
from thin_mini.networks import Classifier, Condition


class Reversed(torch.autograd.Function):
    """The identity, whose gradient changes its sign (arXiv 1505.07818)."""

    @staticmethod
    def forward(ctx: Any, h: Tensor) -> Tensor:
        return h.view_as(h)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -gradients[0]


class WithReader(Classifier):
    """The baseline and a linear reader of the exogenous variable on its h_endo.

    Beside each batch stands another of as many images, of which only the exogenous
    label is known; L_sim is the reader's cross entropy on these. ``dispel`` weighs it.

    Args:
        encoder: F_φ.
        n_classes: K.
        hidden: Units of the task's classifier.
        others: Images with exogenous labels.
        reverse: Whether F_φ is to hide the variable from the reader (gradient
            reversal), or to help it (multi-task learning).
        dispel: Weight of the reader.
    """

    @checked
    def __init__(
        self,
        encoder: Encoder,
        n_classes: Count,
        hidden: Count,
        others: ExogenousDataset,
        reverse: bool = False,
        dispel: Lambda = 1.0,
    ) -> None:
        super().__init__(encoder, n_classes, hidden)
        self.reader = nn.Linear(encoder.out_features, others.n_exo)
        self.others, self.reverse, self.dispel = others, reverse, dispel

    def losses(
        self,
        images: Tensor,
        target: Tensor,
        condition: Condition | None = None,
        dispel: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """L_sup, and the cross entropy of the reader; the latter 0 if its weight is."""
        checks.lambda_(dispel)
        if dispel == 0:
            return super().losses(images, target, condition)
        n, condition = checks.rows("images", images), self._condition(images, condition)
        index = torch.randint(len(self.others), (n,))
        more, exo = self.others.images[index], self.others.exo[index]
        h = self.encoder(torch.cat([images, more.to(images)]))  # (2n, D)
        read = Reversed.apply(h[n:]) if self.reverse else h[n:]
        sup = task_loss(self.logits(h[:n], condition), target)
        return sup, task_loss(self.reader(read), exo.to(target))
