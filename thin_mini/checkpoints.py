"""Checkpoints that are whole, that fit, and that hold no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from thin_mini.data.store import whole_file

History = list[dict[str, float]]


def save_checkpoint(
    path: Path,
    state: dict[str, Any],
    recipe: dict[str, Any],
    history: History,
    best: dict[str, Tensor] | None,
) -> None:
    """Write everything that the next epoch needs; the old file stays until then.

    Args:
        path: The file.
        state: The model, the optimiser and the scheduler.
        recipe: What must be equal for a later run to go on from here.
        history: One row for each finished epoch.
        best: The weights kept so far, if a validation split chooses them.
    """
    with whole_file(path) as temporary:
        torch.save(
            {
                "recipe": recipe,
                "history": history,
                "best": best,
                "rng": torch.get_rng_state(),
                **{name: part.state_dict() for name, part in state.items()},
            },
            temporary,
        )


def load_checkpoint(
    path: Path, state: dict[str, Any], recipe: dict[str, Any]
) -> tuple[History, dict[str, Tensor] | None]:
    """Put a checkpoint back into ``state``; with no file there, start from nothing.

    Returns:
        The history and the best weights so far.

    Raises:
        ValueError: If the file cannot be read, or belongs to another recipe or
            another architecture.
    """
    if not path.exists():
        return [], None
    mend = "remove it to start anew, or name another file"
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path} is no readable checkpoint: {mend}") from error
    needed = {"recipe", "history", "best", "rng", *state}
    if not isinstance(saved, dict) or not needed <= saved.keys():
        raise ValueError(f"{path} is no checkpoint of fit: {mend}")
    differing = [
        f"{key} {saved['recipe'].get(key)} there, {value} here"
        for key, value in recipe.items()
        if saved["recipe"].get(key) != value
    ]
    if differing:
        raise ValueError(
            f"{path} was made by another run ({'; '.join(differing)}): {mend}"
        )
    there, here = saved["model"], state["model"].state_dict()
    for name in sorted(there.keys() | here.keys()):
        shapes = [
            tuple(d[name].shape) if name in d else "absent" for d in (there, here)
        ]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{path} is of another architecture ({name}: {shapes[0]} there, "
                f"{shapes[1]} here): {mend}"
            )
    for name, part in state.items():
        part.load_state_dict(saved[name])
    torch.set_rng_state(saved["rng"])
    return saved["history"], saved["best"]
