"""Hashes of what training comes to, for a look before a change and one after it.

``python tests/fingerprints.py`` takes a minute. On one machine with the same versions,
equal lines are equal bits. Nothing of it is stored: another processor rounds otherwise.
"""

import hashlib
import io
import json
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import thin_mini as tm
from thin_mini.cli import app
from thin_mini.lab import reproduce
from thin_mini.models import ARCHITECTURES

FOLDER = Path(tempfile.mkdtemp())
SURROUNDINGS = {
    "THIN_MINI_CACHE": str(FOLDER / "cache"),
    "THIN_MINI_DATA": "stand-in",
    "THIN_MINI_DEVICE": "cpu",
    "TQDM_DISABLE": "1",
}


def tell(name, value, *more):
    """Print a name and the hash of tensors, in whatever they are, and of texts."""
    digest = hashlib.sha256(repr(more).encode())

    def add(part):
        if isinstance(part, torch.Tensor):
            flat = part.detach().contiguous().flatten().view(torch.uint8)
            digest.update(flat.numpy().data)
        elif isinstance(part, dict):
            for _, own in sorted(part.items()):
                add(own)

    add(value)
    print(f"{name:<24}{digest.hexdigest()[:16]}", flush=True)


def rows():
    """The six rows of Table 2, and two in the paper's way with shifts."""
    train, test = tm.data.mnist_r(512, 256, seed=0)
    torch.manual_seed(0)
    network = tm.ExogenousNetwork(tm.ConvEncoder(), train.n_exo)
    history = tm.fit(network, train.exogenous(), epochs=1, seed=1)
    tell("network", network.state_dict(), history.to_json())
    network.freeze()
    moved = {"shift": 1, "valid": test, "schedule": "constant"}
    for name in ARCHITECTURES:
        for about, how in (("", {}), (", shifted", moved)):
            model = tm.build(
                name,
                train.n_classes,
                exogenous=network if name in ("exogenous", "thin") else None,
                n_exo=train.n_exo if name == "oracle" else None,
                seed=3,
            )
            history = tm.fit(model, train, epochs=2, seed=2, **how)
            tell(name + about, model.state_dict(), history.to_json())


def recipes():
    """A row of two recipes, with the networks that it needs."""
    for recipe, data, i in (("table2", "mnist-r", 5), ("table4", "cartoons", 3)):
        source = "digits" if data == "mnist-r" else None
        row = tm.recipes.rows_of(recipe, data, 2, "smoke", source)[i]
        reproduce.make([row], FOLDER / recipe, progress=False)
        for path in sorted((FOLDER / recipe).rglob("*.json")):
            result = json.loads(path.read_text("utf-8"))
            tell(path.stem[:22], {}, result["metrics"], result["parameters"])


def long_run():
    """``thin-mini train`` on a few grey squares."""
    faces, random = FOLDER / "faces", np.random.default_rng(0)
    faces.mkdir()
    lines = ["path,expression,identity,split"]
    for i in range(96):
        pixels = random.normal(90 + 50 * (i % 3), 30, (48, 48)).clip(0, 255)
        Image.fromarray(pixels.astype("uint8")).save(faces / f"{i}.png")
        expression, part = ("happy", "sad", "neutral")[i % 3], i % 12 > 8
        split = "test" if part else "train"
        lines.append(f"{i}.png,{expression},p{i % 12},{split}")
    (faces / "faces.csv").write_text("\n".join(lines) + "\n")
    for model in ("thin", "baseline"):
        out = FOLDER / model
        options = "--steps 12 --batch-size 16 --size 16 --device cpu --model"
        arguments = ["train", str(faces), "--out", str(out), *options.split(), model]
        with redirect_stdout(io.StringIO()):
            app(arguments, standalone_mode=False)
        tell(f"train {model}", torch.load(out / "model.pt", weights_only=True))


if __name__ == "__main__":
    os.environ |= SURROUNDINGS
    torch.set_num_threads(1)
    rows()
    recipes()
    long_run()
