"""Colours: one for each model, told apart by all, read on both grounds of the book."""

import itertools
import json
import math
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from thin_mini.insight import result_plots, style

ROOT = Path(__file__).parents[1]
CSS = (ROOT / "book" / "_static" / "custom.css").read_text("utf-8")
# What the theme gives where the book says nothing.
THEME = {
    "light": {"background": "#ffffff", "surface": "#f3f4f5", "text-base": "#222832",
              "text-muted": "#48566b"},
    "dark": {"text-base": "#ced6dd", "text-muted": "#9ca4af", "success": "#5fb488",
             "warning": "#ff9245", "danger": "#e78894", "info": "#79a3f2"},
}  # fmt: skip
GROUNDS = ("background", "surface")
# Sight without one kind of cone (Machado et al. 2009), of linear RGB.
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992],
                   [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474],
                     [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476],
                   [0.0047, 0.6914, 0.3039]],
}  # fmt: skip
XYZ = [[0.4339, 0.3763, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8729]]


def linear(color):
    rgb = np.array(mpl.colors.to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(
        linear(c) @ [0.2126, 0.7152, 0.0722] + 0.05 for c in (one, other)
    )
    return high / low


def lab(color, sight):
    """CIELAB of a colour as such eyes see it."""
    x, y, z = np.cbrt(np.array(XYZ) @ (np.array(sight) @ linear(color)).clip(1e-3, 1))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def variables(theme):
    (block,) = re.findall(rf'html\[data-theme="{theme}"\] \{{(\n  --.*?)\}}', CSS, re.S)
    return THEME[theme] | dict(re.findall(r"--pst-color-([\w-]+): (#\w+);", block))


@pytest.mark.parametrize("theme", THEME)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_of_text_reads_on_the_page_and_in_grey_boxes(theme, ground):
    colors = variables(theme)
    below = {
        name: round(contrast(color, colors[ground]), 2)
        for name, color in colors.items()
        if name not in GROUNDS and contrast(color, colors[ground]) < 4.5
    }
    assert below == {}
    assert {"primary", "link-hover", "text-muted"} <= set(colors)


@pytest.mark.parametrize("theme", THEME)
def test_figures_read_on_both_grounds(theme):
    ground = variables(theme)["background"]
    assert contrast(style.INK, ground) >= 4.5
    for color in (*(color for color, _ in style.MODELS.values()), *style.OTHERS):
        assert contrast(color, ground) >= 3, color


@pytest.mark.parametrize("sight", SIGHTS)
def test_no_two_models_have_one_colour_for_any_eye(sight):
    seen = {
        color: lab(color, SIGHTS[sight])
        for color, _ in sorted(set(style.MODELS.values()))
    }
    assert len(seen) == len({marker for _, marker in style.MODELS.values()}) == 7
    for (a, one), (b, other) in itertools.combinations(seen.items(), 2):
        assert math.dist(one, other) > 15, (a, b)
    assert not set(seen) & set(style.OTHERS)


@pytest.mark.parametrize(
    ("names", "model"),
    [
        (["exogenous", "Exogenous tree-gated deep ensemble", "gate"], "exogenous"),
        (["tree", "Tree-gated deep ensemble, 250 labels"], "tree"),
        (["thin", "THIN", "THIN, 1,000 labels"], "thin"),
        (["undone", "Undone, then baseline"], "undone"),
        (["oracle", "Oracle-gated ensemble"], "oracle"),
    ],
)
def test_a_model_looks_alike_by_all_its_names(names, model):
    color, marker = style.MODELS[model]
    for name in names:
        assert style.look(name, 3) == {"color": color, "marker": marker}, name


def test_what_is_no_model_looks_like_none():
    known = {color for color, _ in style.MODELS.values()}
    looks = [
        style.look(name, i) for i, name in enumerate(["seed 0", "λ = 0.5", "thinner"])
    ]
    assert not known & {own["color"] for own in looks}
    assert len({own["marker"] for own in looks}) == 3


def results_of(*names):
    return pd.DataFrame(
        {
            "model": names, "n": 1_000, "mean": 97.0, "half": 0.5, "paper": 96.0,
            "difference": 1.0, "difference_half": 0.2, "paper_difference": 0.5,
        },
        index=[f"{name}, 1,000 labels" for name in names],
    )  # fmt: skip


FIGURES = {
    "intervals": lambda t: result_plots.intervals(t),
    "forest": lambda t: result_plots.forest(t, "model", "points above the baseline"),
    "gains": lambda t: result_plots.gains(t, "n", "task labels, MNIST-R"),
    "dots": lambda t: result_plots.dots(t[["mean", "paper"]], "accuracy (%)"),
}


@pytest.fixture
def styled():
    with mpl.rc_context():
        style.use_style()
        yield
    plt.close("all")


@pytest.mark.parametrize("name", FIGURES)
def test_text_in_a_figure_has_nine_pixels_on_a_phone(name, styled):
    figure = FIGURES[name](results_of("simple", "tree", "exogenous", "oracle", "thin"))
    figure.canvas.draw()
    width = max(figure.get_tightbbox().width, 350 / 96)  # inches, as it is saved
    texts = figure.findobj(mpl.text.Text)
    sizes = [t.get_fontsize() for t in texts if t.get_text().strip()]
    assert len(sizes) > 5
    assert min(sizes) * 350 / (72 * width) >= 9


@pytest.mark.parametrize("name", ["intervals", "gains"])
def test_a_model_has_its_colour_in_each_figure(name, styled):
    figure = FIGURES[name](results_of("tree", "thin"))
    drawn = [c.lines[0] for c in figure.axes[0].containers]
    for line, model in zip(drawn, ("tree", "thin"), strict=True):
        assert (line.get_color(), line.get_marker()) == style.MODELS[model]


CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_chapter_gives_a_model_another_look(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    for cell in cells:
        code = "".join(cell["source"])
        if cell["cell_type"] == "code":
            for color in re.findall(r"\bcolor=(\"[^\"]+\"|'[^']+')", code):
                assert re.fullmatch(r"\"(C\d|black|white)\"", color), (
                    cell["id"],
                    color,
                )
            paper = re.search(r'(, |fmt=|marker=)"D[-:]*"', code)
            assert paper is None, (cell["id"], "the paper is tm.plots.PAPER")
            if re.search(r"label=(row\.name|model)\b", code):
                assert "tm.plots.look(" in code, cell["id"]
