"""Draw the pictures of the book that the library itself makes.

`book/_static/faces.png` shows drawn people in rows and expressions in columns.
`book/_static/routing.svg` shows which leaf takes which part of the rotations; for it an
exogenous network and THIN are trained on MNIST-R at the size of the current profile,
which takes about a minute, and their accuracies printed. `book/_static/card.png`, with
the mark of `mark.svg`, is what messengers show of a link to the book, and
`book/_static/plane.svg` is where the moving figure of chapter 5 begins. Run it from the
repository's root: `python book/picture.py`, or `python book/picture.py faces` for one.
"""

import io
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D

import thin_mini as tm
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.files import whole_file

STATIC = Path(__file__).parent / "_static"
PEOPLE = (3, 14, 1, 5, 13)  # of the training set of the cartoon faces
FACE, GAP, TITLE = 166, 6, 44  # pixels


def faces() -> Figure:
    """What each person's face does for each expression, undisturbed."""
    tm.plots.use_style()
    k = len(EXPRESSIONS)
    people = tm.data.draw_people(max(PEOPLE) + 1)[list(PEOPLE)].repeat_interleave(k, 0)
    actions = tm.data.expression_actions(torch.arange(k), torch.ones(k))
    images = tm.data.render_faces(people, actions.repeat(len(PEOPLE), 1), size=FACE)
    step = FACE + GAP
    width, height = k * step - GAP, len(PEOPLE) * step + TITLE - GAP
    sheet = torch.zeros(height, width, 4)  # transparent between the faces
    for i, image in enumerate(images):
        top, left = TITLE + i // k * step, i % k * step
        sheet[top : top + FACE, left : left + FACE, :3] = image.permute(1, 2, 0)
        sheet[top : top + FACE, left : left + FACE, 3] = 1
    figure = plt.figure(figsize=(width / 100, height / 100), dpi=100)
    figure.figimage((255 * sheet).round().byte().numpy())
    for i, name in enumerate(EXPRESSIONS):
        x, y = (i * step + FACE / 2) / width, 1 - TITLE / 2 / height
        figure.text(x, y, name, fontsize=21, ha="center", va="center")
    return figure


def routing() -> Figure:
    """How far the leaves of a THIN that is trained here take part, by rotation."""
    size = tm.course.setup()
    train, test = tm.data.mnist_r(size.n_images, size.n_test)
    print(train)
    exo = tm.ExogenousNetwork(tm.ConvEncoder(), train.n_exo).to(size.device)
    tm.fit(exo, train.exogenous(), epochs=size.epochs)
    exact = tm.metrics.exogenous_accuracy(
        tm.evaluate(exo, test.exogenous()).logits, test.exo
    )
    print("exogenous network:", {name: round(x, 2) for name, x in exact.items()})
    model = tm.build("thin", train.n_classes, exogenous=exo.freeze(), seed=0)
    model.to(size.device)
    tm.fit(model, train, epochs=size.epochs)
    print("thin:", tm.evaluate(model, test))
    with torch.no_grad():
        h_g = tm.precompute(model, test).h_g.to(size.device)
        g = model.gate(h_g).cpu()  # (N, L)
    return tm.plots.routing(g, test.exo, test)


def card() -> Figure:
    """The mark beside the book's name, as large as messengers want it."""
    figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="#f7f9fb")
    axis = figure.add_axes((0.06, 0.22, 0.293, 0.56), xlim=(0, 64), ylim=(64, 0))
    axis.axis("off")
    mark = ElementTree.parse(STATIC / "mark.svg").getroot()
    (tile,) = mark.findall("{*}rect")
    r = float(tile.get("rx"))
    side, style = 64 - 2 * r, f"round,pad={r}"
    blue = tile.get("fill")
    axis.add_patch(FancyBboxPatch((r, r), side, side, style, lw=0, fc=blue))
    for group in (mark, *mark.findall("{*}g")):
        turn = re.match(r"rotate\((-?\d+) 32 32\)", group.get("transform", ""))
        turned = Affine2D().rotate_deg_around(32, 32, float(turn[1]) if turn else 0)
        for path in group.findall("{*}path"):
            look = {**group.attrib, **path.attrib}
            x_y = torch.tensor([float(n) for n in re.findall(r"-?[\d.]+", look["d"])])
            codes = [Curve.MOVETO] + [Curve.CURVE4] * (len(x_y) // 2 - 1)
            stroke = {"color": look["stroke"], "capstyle": "round", "fill": False}
            width = float(look["stroke-width"]) * 0.56 * 6.3 * 72 / 64  # points
            curve = turned.transform_path(Curve(x_y.view(-1, 2).numpy(), codes))
            axis.add_patch(PathPatch(curve, lw=width, **stroke))
    for y, text, size, color in (
        (0.6, "THIN-mini", 62, "#1d2430"),
        (0.47, "THIN, step by step: ask an expert", 25, "#1d2430"),
        (0.395, "for this angle, then forget the angle", 25, "#1d2430"),
        (0.29, "A book that runs, on one paper, in PyTorch", 20, "#54606e"),
    ):
        figure.text(0.4, y, text, fontsize=size, color=color)
    return figure


def plane() -> Figure:
    """The plane as the tree gate of `_static/live/tree.js` divides it at first."""
    tm.plots.use_style()
    gate = tm.TreeGate(2, depth=2)
    with torch.no_grad():  # divided by the temperature
        weight = torch.tensor([[1.5, 0.6], [0.4, -1.6], [-0.5, 1.5]])
        gate.linear.weight.copy_(weight / 0.5)
        gate.linear.bias.copy_(torch.tensor([0, -0.4, 0.6]) / 0.5)
    points = torch.tensor([[0.6, 0.5], [-1.74, -1.74]])
    figure = tm.plots.partition({"": gate}, points, torch.tensor([0, 1]))
    figure.set_size_inches(4, 4)
    return figure


def write_png(name: str, figure: Figure) -> Path:
    """As a PNG, without a date or a version: no false diff."""
    target = STATIC / f"{name}.png"
    with whole_file(target) as temporary:
        figure.savefig(
            temporary,
            format="png",
            metadata={"Software": None},
            pil_kwargs={"optimize": True},
        )
    return target


def write_routing() -> Path:
    """What the leaves take, as an SVG."""
    title = "Which of the eight leaves takes which part of the rotations"
    return write_svg("routing", routing(), title)


def write_plane() -> Path:
    """The plane of chapter 5, as an SVG."""
    return write_svg("plane", plane(), "How a tree of three nodes divides the plane")


def write_svg(name: str, figure: Figure, title: str) -> Path:
    """Without random names and without a date: no false diff."""
    target = STATIC / f"{name}.svg"
    mpl.rcParams["svg.hashsalt"] = "thin-mini"
    svg = io.StringIO()
    figure.savefig(
        svg,
        format="svg",
        metadata={"Title": title, "Creator": None, "Date": None},
    )
    # One trailing newline and no trailing spaces, as the repository's checks want them.
    lines = [line.rstrip() for line in svg.getvalue().splitlines()]
    with whole_file(target) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    STATIC.mkdir(exist_ok=True)
    writers = {
        "faces": lambda: write_png("faces", faces()),
        "card": lambda: write_png("card", card()),
        "routing": write_routing,
        "plane": write_plane,
    }
    for name in sys.argv[1:] or writers:
        drawn = writers[name]()
        print(f"{drawn}: {drawn.stat().st_size / 1000:.0f} kB")
