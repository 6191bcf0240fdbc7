"""A trained run for other programs, as ONNX."""

from __future__ import annotations

import copy
import json
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from thin_mini.basics.kinds import checked
from thin_mini.files import whole_file
from thin_mini.large.trained import TrainedRun

NEEDED = ("onnx", "onnxscript")  # by torch.onnx


@checked
def to_onnx(run: TrainedRun, file: Path | str) -> Path:
    """Write a model as ONNX: images (batch, 3, size, size) in 0..1 → probabilities.

    The batch may have any size. The file's metadata name the classes, and how a
    picture is prepared.

    Args:
        run: From :func:`thin_mini.load`.
        file: Where to write.

    Returns:
        The file.

    Raises:
        ValueError: If the file's name does not end in .onnx.
        ImportError: If ONNX is missing.
        DataError: If the file cannot be written.
    """
    if Path(file).suffix.lower() != ".onnx":  # such as the run's own model.pt
        raise ValueError(f"{file} names no ONNX file: let it end in .onnx")
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ImportError(
            f"{missing[0]} is missing, which writing ONNX needs: `pip install "
            f'"thin-mini[onnx]"`, or `pip install {" ".join(NEEDED)}`'
        )
    # Images to probabilities, (N, C, H, W) → (N, K), from a copy: theirs stays put.
    model = nn.Sequential(copy.deepcopy(run.model), nn.Softmax(1)).cpu().eval()
    with warnings.catch_warnings():
        # That a frozen part goes to sleep before it is used is no part of the graph.
        warnings.simplefilter("ignore", UserWarning)
        program = torch.onnx.export(
            model,
            (torch.zeros(2, 3, run.size, run.size),),
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(
        {
            "classes": json.dumps(run.classes),
            "images": f"RGB in 0..1, {run.size}x{run.size}, of a face",
            "trained on": run.about["data"],
        }
    )
    with whole_file(Path(file)) as temporary:
        program.save(temporary)
    return Path(file)
