"""Draw `book/_static/routing.svg`: which leaf takes which part of the rotations.

Trains an exogenous network and THIN on MNIST-R at the size of the current profile,
which takes about a minute, and prints their accuracies. Run it from the repository's
root: `python book/picture.py`.
"""

import io
from pathlib import Path

import matplotlib as mpl
import torch

import thin_mini as tm

TARGET = Path(__file__).parent / "_static" / "routing.svg"

size = tm.course.setup()
train, test = tm.data.mnist_r(size.n_images, size.n_test)
print(train)

exo = tm.ExogenousNetwork(tm.ConvEncoder(), train.n_exo)
tm.fit(exo, train.exogenous(), epochs=size.epochs)
exact = tm.metrics.exogenous_accuracy(
    tm.evaluate(exo, test.exogenous()).logits, test.exo
)
print("exogenous network:", {name: round(value, 2) for name, value in exact.items()})

model = tm.build("thin", train.n_classes, exogenous=exo.freeze(), seed=0)
tm.fit(model, train, epochs=size.epochs)
print("thin:", tm.evaluate(model, test))

with torch.no_grad():
    g = model.gate(tm.precompute(model, test).h_g)  # (N, L)
figure = tm.plots.routing(g, test.exo, test)
mpl.rcParams["svg.hashsalt"] = "thin-mini"  # no random names and no date: no false diff
svg = io.StringIO()
figure.savefig(
    svg,
    format="svg",
    metadata={
        "Title": "Which of the eight leaves takes which part of the rotations",
        "Creator": None,
        "Date": None,
    },
)
TARGET.parent.mkdir(exist_ok=True)
# One trailing newline and no trailing spaces, as the repository's checks want them.
lines = [line.rstrip() for line in svg.getvalue().splitlines()]
TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")
