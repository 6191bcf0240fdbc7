"""What a network knows about people, in fewer words, and a person's own average."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.frozen import freeze
from thin_mini.basics.kinds import checked
from thin_mini.encoders import Encoder
from thin_mini.networks import Condition, Context
from thin_mini.rivals.heads import Conditioned, check_context


class Summarised(nn.Module):
    """A context that says in fewer numbers what another one knows.

    Args:
        context: What knows.
        layer: What makes its answers shorter and is not trained, such as
            :func:`components`.
        gate_features: Numbers that are left.
    """

    @checked
    def __init__(
        self, context: Context, layer: nn.Module, gate_features: Count
    ) -> None:
        super().__init__()
        check_context(context)
        self.context, self.layer, self.gate_features = context, layer, gate_features

    def condition(self, images: Tensor, exo: Tensor | None = None) -> Condition:
        """The other's answers, h_g (N, gate_features)."""
        h_g, z_exo = self.context.condition(images, exo)
        return Condition(self.layer(h_g), z_exo)


class Nearest(nn.Module):
    """Which of some centres is nearest, one-hot: h (N, C) → (N, n).

    Args:
        centers: (n, C).
    """

    centers: Tensor

    def __init__(self, centers: Tensor) -> None:
        super().__init__()
        checks.features("centers", centers)
        self.register_buffer("centers", centers)

    def forward(self, h: Tensor) -> Tensor:
        checks.shaped("h", h, "N", self.centers.shape[1])
        nearest = torch.cdist(h, self.centers).argmin(1)
        return F.one_hot(nearest, len(self.centers)).to(h)


@checked
def components(h: Tensor, n: Count) -> nn.Linear:
    """A frozen layer h ↦ its first principal components, each of variance 1.

    Args:
        h: (N, C), what it is fitted to.
        n: Components.

    Raises:
        ValueError: If there are not so many.
    """
    from sklearn.decomposition import PCA

    checks.features("h", h)
    _check_enough("components", n, h, min(h.shape))
    pca = PCA(n, svd_solver="full").fit(h.cpu().double().numpy())
    weight = torch.from_numpy(pca.components_)  # (n, C)
    weight /= torch.from_numpy(pca.explained_variance_).clamp(min=1e-12).sqrt()[:, None]
    layer = nn.Linear(h.shape[1], n).to(h)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(-weight @ torch.from_numpy(pca.mean_))
    freeze(layer)
    return layer


@checked
def clusters(h: Tensor, n: Count) -> Nearest:
    """Which of n clusters (k-means) h lies in, one-hot; arguments as above."""
    from sklearn.cluster import KMeans

    checks.features("h", h)
    _check_enough("clusters", n, h, len(h))
    found = KMeans(n, n_init=10, random_state=0).fit(h.cpu().double().numpy())
    return Nearest(torch.from_numpy(found.cluster_centers_).to(h))


def _check_enough(what: str, n: int, h: Tensor, most: int) -> None:
    if n > most:
        rows, size = h.shape
        raise ValueError(
            f"{n} {what} of {rows} rows of {size} features: ask for at most {most}"
        )


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
