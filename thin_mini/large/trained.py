"""A trained run as something one can use: its model, and how to prepare pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from thin_mini.basics import checks
from thin_mini.basics.checkpoints import save_whole
from thin_mini.basics.devices import device_of
from thin_mini.basics.kinds import checked
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.reading import read_picture, to_tensor
from thin_mini.files import DataError
from thin_mini.large.run_folder import AGAIN, GO_ON, MODEL, RESULT, read_result
from thin_mini.large.starts import rebuild
from thin_mini.models import GatedEnsemble, Model

FORMAT = 1  # of the file with the model


class Answer(NamedTuple):
    """What a model says of N images, on the CPU."""

    probabilities: Tensor  # (N, K), rows sum to 1
    leaves: Tensor | None  # (N, L), the gate's weights g; None from a baseline


@dataclass(frozen=True, repr=False)
class TrainedRun:
    """A finished run of ``thin-mini train``.

    Attributes:
        folder: Where it lies.
        model: With its best weights, in evaluation mode, on the CPU until you move it.
        about: What ``result.json`` holds: settings, test accuracy and the rest.
        classes: Names of the K expressions, in the order of the model's answers.
        size: Height and width of the images that the model takes.
    """

    folder: Path
    model: Model
    about: dict[str, Any]
    classes: tuple[str, ...]
    size: int

    def __repr__(self) -> str:
        return (
            f"TrainedRun({self.folder}: {self.about['model']} on {self.about['data']}, "
            f"{self.about['test']:.2f} % of its test images right)"
        )

    @property
    def normalization(self) -> str:
        """What the model does to its images, which come in 0..1, before anything.

        ``"imagenet"`` or ``"vggface"`` for published weights, else ``"none"``.
        """
        start = self.about["start"]
        return start if start in ("imagenet", "vggface") else "none"

    @checked
    def prepare(self, picture: Path | str | Image.Image) -> Tensor:
        """A picture as the model takes it: float32 (3, size, size), RGB in 0..1.

        Args:
            picture: A file of any kind, or one that is open; of a face, as large in it
                as in the pictures that the run was trained on.

        Raises:
            DataError: If it cannot be read.
        """
        if not isinstance(picture, Image.Image):
            picture = read_picture(Path(picture))
        return to_tensor(picture.convert("RGB"), self.size)

    @checked
    @torch.no_grad()
    def answer(self, images: Tensor) -> Answer:
        """Probabilities and leaf weights of prepared images (N, 3, size, size).

        Raises:
            ValueError: If there is no image, or its size or values are not as
                :meth:`prepare` makes them.
        """
        shape = (3, self.size, self.size)
        if images.shape[1:] != shape:
            raise ValueError(
                f"images must be (N, {', '.join(map(str, shape))}), as prepare() makes "
                f"them, got {tuple(images.shape)}"
            )
        checks.images("images", images)
        model = self.model.eval()
        images = images.to(device_of(model))
        context = model.context
        condition = None if context is None else context.condition(images)
        h_endo = model.encoder(images)  # (N, D)
        probabilities = model.logits(h_endo, condition).softmax(1).cpu()
        if not isinstance(model, GatedEnsemble):
            return Answer(probabilities, None)
        seen = h_endo if model.pool is None else model.pool(h_endo)
        g = model.gate(seen if condition is None else condition.h_g)
        return Answer(probabilities, g.cpu())


@checked
def save_model(folder: Path, model: Model, about: dict[str, Any]) -> None:
    """Write a model whole, that of the frozen side included, for :func:`load`.

    Args:
        folder: Of the run.
        model: With its best weights.
        about: Its settings, as :func:`thin_mini.large.starts.rebuild` needs them.

    Raises:
        DataError: If the disk is full or refuses.
    """
    weights = {name: v.detach().cpu() for name, v in model.state_dict().items()}
    content = {"format": FORMAT, "classes": list(EXPRESSIONS), "about": about}
    save_whole(folder / MODEL, content | {"weights": weights})


@checked
def load(folder: Path | str) -> TrainedRun:
    """Load the model that ``thin-mini train`` has left in a folder.

    No code in the files is run.

    Args:
        folder: The ``--out`` of the run.

    Raises:
        DataError: If there is no such run, it has not finished, or its files are
            damaged or belong to two runs.
    """
    folder = Path(folder)
    path, result = folder / MODEL, read_result(folder)
    if "majority" not in result:
        raise DataError(f"{folder / RESULT} lacks majority: {AGAIN}")
    if not path.is_file():
        raise DataError(f"{folder} has a result and no {MODEL}: {AGAIN}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        _check_belongs(path, saved, result)
        model = rebuild(saved["about"], saved["weights"])
        classes = tuple(saved["classes"])
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise DataError(
            f"{path} is damaged ({type(error).__name__}): {AGAIN}"
        ) from error
    if not all(v.isfinite().all() for v in model.state_dict().values()):
        raise DataError(f"{path} holds weights that are no numbers: {AGAIN}")
    return TrainedRun(folder, model, result, classes, result["size"])


def _check_belongs(path: Path, saved: dict[str, Any], result: dict[str, Any]) -> None:
    """Raise a DataError unless a model is of this version and of this result's run."""
    if saved["format"] != FORMAT:
        raise DataError(
            f"{path} has format {saved['format']}, and this version reads {FORMAT}"
        )
    about = json.loads(json.dumps(saved["about"]))  # whose lists the result has
    for key, value in about.items():
        if value != result.get(key):
            raise DataError(
                f"{path} and the result beside it belong to two runs ({key} {value} "
                f"and {result.get(key)}): {GO_ON}"
            )
