"""A person's own average, from further pictures without labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.kinds import checked
from thin_mini.encoders import Encoder
from thin_mini.networks import Condition, Context
from thin_mini.rivals.heads import Conditioned


@checked
def album(exo: Tensor, n_people: Count, k: Count) -> Tensor:
    """The first k pictures of each person.

    Args:
        exo: (N,), who is on each picture.
        n_people: Of how many people.
        k: Pictures of each. Who has fewer shows them again, and of whom there is none
            the next person's are shown.

    Returns:
        (n_people, k), indices of pictures.
    """
    checks.labels("exo", exo, checks.rows("exo", exo), n_people)
    count = exo.bincount(minlength=n_people)
    first = count.cumsum(0) - count  # in the order of people
    turn = torch.arange(k, device=exo.device) % count.clamp(min=1)[:, None]
    place = first[:, None] + turn
    return exo.argsort(stable=True)[place.clamp(max=len(exo) - 1)]


class Centred(Conditioned):
    """A classifier of what is left of h_endo without its mean over k other pictures.

    Nobody can turn a face into another's, but a person's average can be taken away. It
    is that of h_endo and not of h_exo, because a shift in the space of F_φ is undone by
    a difference there, and F_φ learns to make it one.

    Args:
        encoder: F_φ, which sees the pictures as well.
        head: A classifier, (N, D) → (N, K).
        n_classes: K.
        context: Says who is on an image, h_g (N, 1).
        pictures: (M, C, H, W), without labels.
        album: (people, k), which of them show a person, from :func:`album`.
    """

    pictures: Tensor
    album: Tensor

    @checked
    def __init__(
        self,
        encoder: Encoder,
        head: nn.Module,
        n_classes: Count,
        context: Context,
        pictures: Tensor,
        album: Tensor,
    ) -> None:
        super().__init__(encoder, head, n_classes, context)
        checks.images("pictures", pictures)
        checks.whole_numbers("album", album, "P", "k")
        checks.labels("album", album.flatten(), album.numel(), len(pictures))
        self.register_buffer("pictures", pictures, persistent=False)
        self.register_buffer("album", album, persistent=False)

    def logits(self, h_endo: Tensor, condition: Condition | None) -> Tensor:
        if condition is None:
            raise ValueError("a person's average needs a condition that says who it is")
        people, who = condition.h_g[:, 0].long().unique(return_inverse=True)
        seen = self.pictures[self.album[people]]  # (P, k, C, H, W)
        h = self.encoder(seen.flatten(0, 1)).unflatten(0, seen.shape[:2])  # (P, k, D)
        return self.head(h_endo - h.mean(1)[who])
