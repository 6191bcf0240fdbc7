"""One container for images with two labels: the task's and the exogenous one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checks import Count, Seed
from thin_mini.basics.kinds import check_fields, checked


def binned(values: Tensor, edges: Tensor) -> Tensor:
    """The bin of each value, int64 (N,); a value on a border is in the upper one."""
    return torch.bucketize(values, edges[1:-1], right=True)


@dataclass(frozen=True, eq=False)
class ExogenousDataset:
    """Images, what they show (endogenous) and what disturbs it (exogenous).

    Attributes:
        images: float32 (N, C, H, W), values in 0..1.
        target: int64 (N,), the class of the task, 0..n_classes - 1.
        exo: int64 (N,), the class of the exogenous variable, 0..n_exo - 1.
        n_classes: K, the number of classes of the task.
        n_exo: The number of exogenous classes.
        source: Where the pixels came from, in words.
        exo_edges: float64 (n_exo + 1,), the borders of the exogenous bins in the
            unit that ``exo_name`` gives; None for a variable without order.
        exo_name: What the exogenous variable is, with its unit.
        factors: What the images were drawn from, by name, each (N, …); empty where
            that is not known.

    Raises:
        ValueError: If the data set is empty, shapes or types disagree, or a pixel, a
            label or the border of a bin is out of range.
    """

    images: Tensor
    target: Tensor
    exo: Tensor
    n_classes: Count
    n_exo: Count
    source: str
    exo_edges: Tensor | None
    exo_name: str
    factors: dict[str, Tensor] = field(default_factory=dict)
    bounded: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fields(self)
        checks.images("images", self.images, self.bounded)
        n, edges = len(self), self.exo_edges
        checks.labels("target", self.target, n, self.n_classes)
        checks.labels("exo", self.exo, n, self.n_exo)
        if edges is not None and (
            edges.shape != (self.n_exo + 1,) or not (edges.diff() > 0).all()
        ):
            raise ValueError(
                f"exo_edges must be the {self.n_exo + 1} borders of the bins in rising "
                f"order, got shape {tuple(edges.shape)}"
            )
        for name, values in self.factors.items():
            if checks.rows(name, values) != n:
                raise ValueError(f"{n} images but {len(values)} values of {name}")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.images[index], self.target[index], self.exo[index]

    def __repr__(self) -> str:
        return (
            f"ExogenousDataset({len(self):,} images {tuple(self.images.shape[1:])}, "
            f"{self.n_classes} classes, {self.n_exo} bins of {self.exo_name}, "
            f"{self.source})"
        )

    @property
    def exo_centers(self) -> Tensor:
        """The middle of each exogenous bin (n_exo,), in its unit."""
        if self.exo_edges is None:
            raise ValueError(f"{self.exo_name} has no order, so its bins no middle")
        return (self.exo_edges[:-1] + self.exo_edges[1:]) / 2

    def subset(self, index: Tensor | slice) -> ExogenousDataset:
        """The images that ``index`` picks, with both labels.

        Args:
            index: Their numbers, int64, from -N to N - 1; one bool for each image; or
                a slice.

        Raises:
            ValueError: If there is no such image, or the index is something else.
        """
        if not isinstance(index, slice):
            if not isinstance(index, str) and hasattr(index, "__len__"):
                index = torch.as_tensor(index)  # of a list, or NumPy's
            checks.picked("index", index, len(self))
            index = index.to(self.images.device)
        return replace(
            self,
            images=self.images[index],
            target=self.target[index],
            exo=self.exo[index],
            factors={name: values[index] for name, values in self.factors.items()},
        )

    @checked
    def split(
        self, n_valid: int, seed: Seed = 0
    ) -> tuple[ExogenousDataset, ExogenousDataset]:
        """Set ``n_valid`` random images aside, for choices the test must not make.

        Returns:
            The rest, then the validation split.

        Raises:
            ValueError: If one of the two parts would be empty.
        """
        if len(self) < 2:
            raise ValueError("a data set of one image cannot be divided in two")
        checks.whole("n_valid", n_valid, 1, len(self) - 1)
        generator = torch.Generator().manual_seed(int(seed))
        order = torch.randperm(len(self), generator=generator)
        return self.subset(order[n_valid:]), self.subset(order[:n_valid])

    def exogenous(self) -> ExogenousDataset:
        """The same images with the exogenous variable as the task (section 3.1)."""
        return replace(self, target=self.exo, n_classes=self.n_exo)

    def fingerprint(self) -> str:
        """A hash of pixels and labels, to tell whether two runs saw the same data."""
        digest = hashlib.sha256()
        for tensor in (self.images, self.target, self.exo):
            digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()[:16]


class Features(ExogenousDataset):
    """The same for vectors of features, as images of D channels and one pixel."""

    bounded: ClassVar[bool] = False  # a feature may have any value
