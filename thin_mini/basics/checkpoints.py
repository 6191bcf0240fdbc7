"""Checkpoints that are whole, that fit, and that hold no code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, send_to_device
from torch import Tensor, nn

from thin_mini.files import DataError, whole_file

History = list[dict[str, float]]
WEIGHTS = "initial weights"
DAMAGED = "is damaged, or was changed by hand"


def starting_point(model: nn.Module) -> dict[str, str]:
    """What a run starts from, as hashes for its recipe.

    Args:
        model: As it is before the first step.

    Returns:
        ``context``, the frozen side's values; ``architecture``, every part with its
        settings and what of it is trained; and the initial weights.
    """
    named = dict(chain(model.named_parameters(), model.named_buffers()))
    frozen = [value for name, value in named.items() if name.startswith("context.")]
    own = [value for name, value in named.items() if not name.startswith("context.")]
    parts = [
        f"{name} {type(part).__qualname__} {part.extra_repr()}"
        for name, part in model.named_modules()
    ]
    tensors = [
        f"{name} {tuple(p.shape)} {p.dtype} {p.requires_grad}"
        for name, p in model.named_parameters()
    ]
    return {
        "context": _hash(_bytes(frozen)),
        "architecture": _hash(line.encode() for line in parts + tensors),
        WEIGHTS: _hash(_bytes(own)),
    }


def _bytes(tensors: Iterable[Tensor]) -> Iterable[memoryview]:
    for value in tensors:  # as bytes, because NumPy has no bfloat16
        yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data


def _hash(parts: Iterable[bytes | memoryview]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


class Record:
    """What a run has reached: its rows, and the weights that were best so far.

    Args:
        path: The checkpoint that is written with each row, and gone on from where it
            is there already; None for none.
        state: The model, the optimiser and whatever else the next step needs.
        recipe: What must be equal for a later run to go on from here.
        mend: What errors advise; the file may be somebody else's.

    Attributes:
        history: A row for each time that the run was looked at.
        best: The weights with the highest ``valid`` of any row, on the CPU.

    Raises:
        ValueError: If the file cannot be read, or belongs to another recipe or
            another architecture.
    """

    def __init__(
        self,
        path: Path | None,
        state: dict[str, Any],
        recipe: dict[str, Any],
        mend: str = "name another file",
    ) -> None:
        self.path, self.state, self.recipe, self.mend = path, state, recipe, mend
        self.history: History = []
        self.best: dict[str, Tensor] | None = None
        if path is not None:
            # Processes train from the main one's weights, whatever their own are.
            recipe[WEIGHTS] = broadcast_object_list([recipe.get(WEIGHTS)])[0]
            if path.exists():
                self.go_on(path)

    def go_on(self, path: Path) -> None:
        """Put a checkpoint back into the state, as it was when the file was written.

        A model that holds the file's own weights already may go on as well.
        """
        saved = _read(path, {*self.state}, self.mend)
        there, here = saved["model"], self.state["model"].state_dict()
        shapes = [{k: tuple(v.shape) for k, v in d.items()} for d in (there, here)]
        names = sorted(there.keys() | here.keys())
        if wrong := _differing(names, *shapes):
            raise ValueError(
                f"{path} is of another architecture ({wrong[0]}): {self.mend}"
            )
        start, mend = saved["recipe"].get(WEIGHTS), self.mend
        if any(_equal(here, weights) for weights in (there, saved["best"])):
            self.recipe[WEIGHTS] = start
        if start != self.recipe[WEIGHTS]:
            mend = f"build the model with the seed it had there to resume, or {mend}"
        if wrong := _differing(self.recipe, saved["recipe"], self.recipe):
            raise ValueError(
                f"{path} was made by another run ({'; '.join(wrong)}): {mend}"
            )
        try:
            for name, part in self.state.items():
                part.load_state_dict(saved[name])
            torch.set_rng_state(saved["rng"])
        except Exception as error:  # PyTorch raises many kinds
            raise ValueError(f"{path} {DAMAGED}: {self.mend}") from error
        self.history, self.best = saved["history"], saved["best"]

    def add(self, row: dict[str, float]) -> None:
        """Keep the weights if they are the best so far; the main process writes."""
        if "valid" in row and row["valid"] > max(
            (r["valid"] for r in self.history), default=-1.0
        ):
            weights = self.state["model"].state_dict()
            self.best = {k: v.detach().cpu().clone() for k, v in weights.items()}
        self.history.append(row)
        if self.path is not None and PartialState().is_main_process:
            content = {
                "recipe": self.recipe,
                "history": self.history,
                "best": self.best,
                "rng": torch.get_rng_state(),
                **{name: part.state_dict() for name, part in self.state.items()},
            }
            save_whole(self.path, content)  # the old file stays until then

    def load_best(self) -> None:
        """Put the best weights into the model."""
        if self.best is not None:
            self.state["model"].load_state_dict(self.best)


def save_whole(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values, whole or not at all, for a machine of any kind.

    Raises:
        DataError: If the disk is full or refuses; an older file stays.
    """
    try:
        with whole_file(path) as temporary:
            torch.save(send_to_device(content, "cpu"), temporary)
    except DataError:
        raise
    except RuntimeError as error:  # torch's own, which names a place in its source
        raise DataError(
            f"failed writing {path} (the disk is full, or takes no file as large): "
            "free some space and start again"
        ) from error


def _read(path: Path, parts: set[str], mend: str) -> dict[str, Any]:
    """What a checkpoint holds, of the right kinds and with finite weights."""
    if not path.is_file():  # a pipe would be waited for
        raise ValueError(f"{path} is no file: {mend}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {mend}") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path} is no readable checkpoint: {mend}") from error
    needed = {"recipe", "history", "best", "rng", *parts}
    if not isinstance(saved, dict) or not needed <= saved.keys():
        raise ValueError(f"{path} is no checkpoint of fit: {mend}")
    try:
        weights, best = saved["model"], saved["best"]
        best = weights if best is None else best
        sound = (
            isinstance(saved["recipe"], dict)
            and isinstance(saved["history"], list)
            and all(isinstance(row, dict) for row in saved["history"])
            and weights.keys() == best.keys()
            and all(v.isfinite().all() for v in (*weights.values(), *best.values()))
        )
    except (AttributeError, TypeError):  # no tensors
        sound = False
    if not sound:
        raise ValueError(f"{path} {DAMAGED}: {mend}")
    return saved


def _differing(
    names: Iterable[str], there: dict[str, Any], here: dict[str, Any]
) -> list[str]:
    return [
        f"{name} {there.get(name, 'absent')} there, {here.get(name, 'absent')} here"
        for name in names
        if there.get(name) != here.get(name)
    ]


def _equal(here: dict[str, Tensor], there: dict[str, Tensor] | None) -> bool:
    return there is not None and all(
        torch.equal(value.cpu(), there[name].cpu()) for name, value in here.items()
    )
