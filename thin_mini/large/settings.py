"""The settings of a long run, each told once: its checks, its option, its files.

Nothing here is slow to import, so that ``thin-mini train --help`` need not wait.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from thin_mini.files import DataError
from thin_mini.paper import FACE_LAMBDA, MODELS

PRECISIONS = ("no", "bf16")
LAYOUTS = "raf-db, affectnet, expw, fer2013, csv, folder"  # a test holds them equal
GATED_BY_IDENTITY = ("exogenous", "thin")
FIT = "fit"  # in place of a file with an identity network
ENCODERS = ("small", "vgg16")  # for minutes on a laptop, and the paper's
ALL = "recipe result shared"  # what a field is part of, see option
# What F_φ starts from, as the names of rows have it.
STARTS = {
    "random": "random start",
    "imagenet": "from ImageNet",
    "identity": "from the identity network",
    "vggface": "from VGG-Face",
}


def option(
    about: str = "",
    default: Any = None,
    *,
    by_encoder: tuple[Any, Any] = (None, None),
    known: Collection[str] = (),
    low: int | None = None,
    high: int | None = None,
    of: str = "",
) -> Any:
    """A field, with what is to be known of it.

    Args:
        about: A line for the help of the command, which without it has no such option.
        default: None for what is worked out from other values.
        by_encoder: What it is by default with each of ``ENCODERS``.
        known: The values that there are.
        low: The least whole number that it may be.
        high: The largest.
        of: ``recipe`` if a run goes on from a checkpoint only where it is the
            same, ``result`` if the files of a run say it, ``shared`` if runs that are
            compared must have it in common.
    """
    metadata = {"about": about, "known": known, "low": low, "high": high}
    metadata["by_encoder"] = dict(zip(ENCODERS, by_encoder, strict=True))
    return field(default=default, metadata=metadata | {"of": of.split()})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What determines :func:`thin_mini.large.scaling.train` beside model and data.

    Attributes:
        steps: Updates of the weights; by default the paper's, 100,000.
        batch_size: Images in a step, over all processes and micro-batches; by default
            the paper's, 16.
        lr: Learning rate of Adam; by default the paper's, 1e-5.
        dispel: λ of Eq. 8; by default the model's own.
        balanced: Draw the classes in turn, as the paper does for AffectNet.
        mixed_precision: ``"no"``, or ``"bf16"`` to compute in bfloat16.
        accumulate: Micro-batches that a process cuts its share of a batch into.
            Doubled when memory runs out.
        workers: Processes that read pictures, for each process that trains.
        compile: Whether to use ``torch.compile``.
        every: Steps from one validation, log row and checkpoint to the next; by
            default 1,000.
        device: By default the model stays where it is. ``"auto"`` first moves it to
            this process's accelerator, ``"cpu"``, ``"cuda"`` or ``"mps"`` to that one,
            as :func:`thin_mini.basics.devices.choose_device` finds it.
        resume: False starts anew where the folder holds a checkpoint.
        seed: For the batches; also sets every global generator.

    Raises:
        ValueError: That names the first value that is out of range, or a TypeError if
            it is of another kind.
    """

    steps: int = option(
        "Updates", by_encoder=(1_000, 100_000), low=1, of="result shared"
    )
    batch_size: int = option(
        "Images in a step, in all", by_encoder=(64, 16), low=2, of=ALL
    )
    lr: float = option("Learning rate", by_encoder=(1e-3, 1e-5), of=ALL)
    dispel: float = option("λ of Eq. 8: 0.01 for thin, else 0.", of="recipe result")
    balanced: bool = option("Draw the expressions in turn.", False, of=ALL)
    mixed_precision: str = option("no or bf16.", "no", known=PRECISIONS, of=ALL)
    accumulate: int = option("Micro-batches to a step, on each device.", 1, low=1)
    workers: int = option("Processes that read pictures, for each device.", 0, low=0)
    compile: bool = option("torch.compile.", False)
    every: int = option(by_encoder=(100, 1_000), low=1, of="recipe")
    device: str | None = option()
    resume: bool = option("Go on with a run in --out.", True)
    seed: int = option(
        "Draws all that is random.", 0, low=0, high=2**32 - 1, of="recipe result"
    )

    def __post_init__(self) -> None:
        # Those that others hang on come first.
        for own in sorted(fields(self), key=lambda own: not own.metadata["known"]):
            value = getattr(self, own.name)
            value = self.by_default(own) if value is None else value
            object.__setattr__(self, own.name, sound(own, value))

    def by_default(self, own: Field[Any]) -> Any:
        """The value of a field that is None."""
        return own.metadata["by_encoder"]["vgg16"]

    def part_of(self, whole: str) -> dict[str, Any]:
        """Those of the values that are part of ``recipe``, ``result`` or ``shared``."""
        return {name: getattr(self, name) for name in part_of(whole, type(self))}


@dataclass(frozen=True, kw_only=True)
class FolderSettings(Settings):
    """The same for :func:`thin_mini.large.expressions.train_folder`, and its row.

    Attributes:
        layout: Of the folder, as :func:`thin_mini.data.open_faces` reads it.
        twins: What to do with pictures in both parts, as there.
        model: One of ``thin_mini.paper.MODELS``.
        encoder: ``"small"``, three convolutions, or ``"vgg16"``, the paper's. The
            defaults of ``size``, ``steps``, ``batch_size``, ``lr``, ``every``,
            ``n_experts`` and ``hidden`` hang on it.
        weights: What VGG-16 starts from. By default the download for ImageNet, and
            for VGG-Face the file of ``identity``.
        weights_of: ``"imagenet"`` or ``"vggface"``, which says how to prepare images.
        identity: A file of VGG-Face, for ``"vgg16"``; ``"fit"``, for ``"small"``, to
            train an identity network on the folder's own people, which the encoder
            then starts from. By default ``"fit"`` where the model needs one.
        size: Height and width of the images.
        n_experts: As in :func:`thin_mini.build`.
        hidden: As there.
        dispel: By default 0.01 for ``"thin"`` (section 4.4), else 0.
        device: By default ``"auto"``.
        seed: Draws the validation images, the weights, the batches and the changes.

    Raises:
        ValueError: If a value is out of range, or two do not go together.
        DataError: If a file of weights is missing.
    """

    layout: str = option(f"auto, {LAYOUTS}.", "auto")
    twins: str = option(default="refuse")
    model: str = option(f"{', '.join(MODELS)}.", "thin", known=MODELS, of="result")
    encoder: str = option(
        "small, for a laptop, or vgg16, the paper's.",
        "small",
        known=ENCODERS,
        of="result shared",
    )
    weights: Path | str | None = option("What VGG-16 starts from.")
    weights_of: str = option(
        "imagenet or vggface, what VGG-16 was trained on.",
        "vggface",
        known=("imagenet", "vggface"),
    )
    identity: str | Path | None = option(
        "A file of VGG-Face, or fit: train on the folder's people first."
    )
    size: int = option(
        "Height and width", by_encoder=(48, 224), low=8, of="result shared"
    )
    n_experts: int = option(by_encoder=(8, 32), low=1, of="result")
    hidden: int | tuple[int, ...] = option(by_encoder=(32, (512, 512)), of="result")
    device: str = option("auto, cpu, cuda or mps.", "auto")

    def __post_init__(self) -> None:
        super().__post_init__()
        files = [f for f in (self.weights, self.identity) if f not in (None, FIT)]
        if self.encoder == "small":
            if files:
                raise ValueError(
                    "files of weights are for VGG-16: add --encoder vgg16, or leave "
                    "out --weights and --identity FILE"
                )
        elif self.identity == FIT:
            raise ValueError(
                "--identity fit is for --encoder small: pass a file of VGG-Face"
            )
        elif self.identity is None and self.model in GATED_BY_IDENTITY:
            raise ValueError(
                f"{self.model!r} needs to know people: pass --identity FILE "
                "(VGG-Face), or train --model tree"
            )
        elif not files and self.weights_of == "vggface":
            raise ValueError(
                "nothing to start from: pass --weights FILE, or --weights-of imagenet "
                "to download ImageNet's"
            )
        for file in files:
            if not Path(file).is_file():
                raise DataError(f"there is no file {file}: name a file of weights")
        step = {"small": 8, "vgg16": 32}[self.encoder]
        if self.size % step:
            raise ValueError(
                f"size must be a multiple of {step} for the {self.encoder} encoder, "
                f"got {self.size}"
            )

    def by_default(self, own: Field[Any]) -> Any:
        """The value of a field that is None."""
        if own.name == "dispel":
            return FACE_LAMBDA if self.model == "thin" else 0.0
        return own.metadata["by_encoder"][self.encoder]


S = TypeVar("S", bound=Settings)
FIELDS = {own.name: own for own in fields(FolderSettings)}


def part_of(whole: str, kind: type[Settings] = FolderSettings) -> list[str]:
    """Names of the fields that are part of ``recipe``, ``result`` or ``shared``."""
    return [own.name for own in fields(kind) if whole in own.metadata["of"]]


def sound(own: Field[Any], value: Any) -> Any:
    """The value of a field as Python has it, if it is one.

    Raises:
        ValueError: If it is out of range, or a TypeError if it is of another kind.
    """
    from thin_mini.basics import checks, kinds  # which need PyTorch

    name, about = own.name, own.metadata
    kinds.check(name, value, own.type, __name__)
    if about["known"]:
        checks.choice(name, value, about["known"])
    if about["low"] is not None:
        return checks.whole(name, value, about["low"], about["high"])
    if name == "lr":
        checks.rate(name, value)
    if name == "dispel":
        checks.lambda_(value)
    return float(value) if own.type == "float" else value


def settings_of(kind: type[S], options: dict[str, Any]) -> S:
    """Settings from options by name.

    Raises:
        TypeError: If there is no such option, with the one that was probably meant.
    """
    known = [own.name for own in fields(kind)]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"; the nearest is {near[0]!r}" if near else ""
            raise TypeError(f"there is no option {name!r}{meant}")
    return kind(**options)
