"""What a network knows about people, in fewer words."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from thin_mini.basics import checks
from thin_mini.basics.checks import Count
from thin_mini.basics.frozen import freeze
from thin_mini.basics.kinds import checked
from thin_mini.networks import Condition, Context
from thin_mini.rivals.heads import check_context


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
