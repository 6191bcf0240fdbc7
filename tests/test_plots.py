"""Plots: each returns a Figure that shows what it was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import make
from matplotlib.figure import Figure

import thin_mini as tm
from thin_mini.insight import plots

pytestmark = pytest.mark.usefixtures("closed_figures")


def labels(axis):
    return axis.get_xlabel(), axis.get_ylabel()


@pytest.mark.parametrize(("n", "rows"), [(1, 1), (4, 1), (5, 2), (9, 3)])
def test_image_grid_shows_every_image_once_with_its_title(n, rows, digits):
    titles = [f"no. {i}" for i in range(n)]
    figure = plots.image_grid(digits[0].images[:n], titles, columns=4)
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 4 * rows
    shown = [a for a in figure.axes if a.images]
    assert [a.get_title() for a in shown] == titles
    for axis, image in zip(shown, digits[0].images, strict=False):
        np.testing.assert_array_equal(axis.images[0].get_array(), image[0])


def test_accuracy_by_bin_draws_a_line_for_each_model(exogenous, digits):
    reports = {
        row: tm.evaluate(make(row, exogenous), digits[1]) for row in ("tree", "thin")
    }
    figure = plots.accuracy_by_bin(reports, digits[1])
    (axis,) = figure.axes
    assert labels(axis) == ("rotation (°)", "accuracy (%)")
    assert [line.get_label() for line in axis.lines] == ["tree", "thin"]
    np.testing.assert_allclose(axis.lines[0].get_xdata(), np.arange(-85, 86, 10))
    np.testing.assert_allclose(axis.lines[1].get_ydata(), reports["thin"].by_bin)


def test_confusion_shows_percent_of_each_row_even_of_an_empty_one():
    figure = plots.confusion(np.array([[3, 1], [0, 0]]), ["a", "b"], "digit")
    axis = figure.axes[0]
    assert labels(axis) == ("predicted digit", "true digit")
    shown = np.asarray(axis.collections[0].get_array()).ravel()
    np.testing.assert_allclose(shown, [75, 25, 0, 0])


def test_embedding_draws_every_point_in_the_colour_of_its_value():
    points, value = np.random.default_rng(0).normal(size=(7, 2)), torch.arange(7)
    figure = plots.embedding(points, value, "angle")
    marks = figure.axes[0].collections[0]
    np.testing.assert_allclose(marks.get_offsets(), points)
    np.testing.assert_allclose(marks.get_array(), value)
    assert figure.axes[1].get_ylabel() == "angle"


def test_routing_stacks_every_leaf_up_to_one(digits):
    g = torch.rand(len(digits[0]), 8).softmax(1)
    figure = plots.routing(g, digits[0].exo, digits[0])
    (axis,) = figure.axes
    assert labels(axis) == ("rotation (°)", "share of the prediction")
    assert len(axis.collections) == 8
    top = axis.collections[-1].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(1)
    assert len(axis.get_legend().get_texts()) == 8


def test_routing_leaves_out_bins_without_images(digits):
    part = digits[0].subset(digits[0].exo < 3)
    figure = plots.routing(torch.full((len(part), 2), 0.5), part.exo, part)
    assert figure.axes[0].get_xlim() == pytest.approx((-85, -65))


def test_partition_colours_the_plane_by_the_likeliest_leaf():
    gate = tm.TreeGate(2, 1)
    with torch.no_grad():  # left of the root where x > 0
        gate.linear.weight.copy_(torch.tensor([[50.0, 0.0]]))
        gate.linear.bias.zero_()
    points, target = torch.randn(10, 2), torch.arange(10) % 2
    figure = plots.partition({"one": gate, "two": gate}, points, target)
    assert [a.get_title() for a in figure.axes] == ["one", "two"]
    axis = figure.axes[0]
    assert [len(c.get_offsets()) for c in axis.collections] == [5, 5]
    image = np.asarray(axis.images[0].get_array())  # (y, x, rgba)
    colours = plots.sns.color_palette("colorblind", 10)
    np.testing.assert_allclose(image[:, 150, :3], [colours[0]] * 200, atol=1e-6)
    np.testing.assert_allclose(image[:, 50, :3], [colours[1]] * 200, atol=1e-6)


def test_cosines_draws_a_density_for_each_model_within_0_and_1():
    figure = plots.cosines({"thin": torch.rand(50), "tree": torch.rand(50)})
    (axis,) = figure.axes
    assert labels(axis) == ("|cos| of the exogenous logits", "density")
    assert axis.get_xlim() == (0, 1)
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["thin", "tree"]
    assert len(axis.collections) == 2


def test_dots_draws_a_marker_for_each_column_and_the_first_row_on_top():
    table = pd.DataFrame({"paper": [1.0, 2], "ours": [3.0, 4]}, index=["tree", "thin"])
    figure = plots.dots(table, "accuracy (%)")
    (axis,) = figure.axes
    assert axis.get_xlabel() == "accuracy (%)"
    assert [t.get_text() for t in axis.get_yticklabels()] == ["tree", "thin"]
    assert [list(line.get_xdata()) for line in axis.lines] == [[1, 2], [3, 4]]
    assert axis.yaxis_inverted()


def test_dots_draws_every_column_of_a_wide_table():
    table = pd.DataFrame(np.ones((1, 8)))
    assert len(plots.dots(table, "x").axes[0].lines) == 8


def luminance(rgb):
    """Relative luminance (WCAG) of colours 0..1 (..., 3)."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_the_style_reads_on_white_and_on_near_black():
    plots.use_style()
    figure, axis = plt.subplots()
    axis.set(xlabel="an axis", ylabel="another", title="a heading")
    axis.plot([0, 1], label="a line")
    axis.legend(title="a legend")
    axis.lines[0].set_visible(False)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba()) / 255
    assert np.median(pixels[..., 3]) == 0  # the page shows through
    ink = luminance(pixels[pixels[..., 3] > 0.9][:, :3])
    page = luminance([[1, 1, 1], [0.1, 0.1, 0.1]])[:, None]
    contrast = (np.maximum(ink, page) + 0.05) / (np.minimum(ink, page) + 0.05)
    assert len(ink) > 500
    assert (np.quantile(contrast, 0.02, axis=1) > 3).all()


def test_intervals_show_ours_beside_the_papers_and_nothing_where_runs_are_missing():
    table = pd.DataFrame(
        {"paper": [96.0, 98.0], "mean": [97.0, np.nan], "half": [0.5, np.nan]},
        index=["Baseline", "THIN"],
    )
    (axis,) = plots.intervals(table).axes
    ours, theirs = axis.containers[0], axis.lines[-1]
    assert float(ours.lines[0].get_xdata()[0]) == 97
    bar = ours.lines[2][0].get_segments()[0]
    np.testing.assert_allclose(bar[:, 0], [96.5, 97.5])
    assert list(theirs.get_xdata()) == [96, 98]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Baseline", "THIN"]
    assert axis.yaxis_inverted()


def test_intervals_without_numbers_of_the_paper_show_ours_only():
    table = pd.DataFrame({"paper": [None], "mean": [97.0], "half": [0.5]}, index=["a"])
    (axis,) = plots.intervals(table).axes
    assert [t.get_text() for t in axis.get_legend().get_texts()] == [
        "ours, 95 % interval"
    ]


def test_what_a_rival_uses_looks_the_same_whoever_leads():
    def colors(uses):
        table = pd.DataFrame(
            {"uses": uses, "difference": [3.0, 2.0], "paper_difference": None}
        )
        table["difference_half"] = 1.0
        (axis,) = plots.forest(table, "uses").axes
        handles, names = axis.get_legend_handles_labels()
        return {n: h.lines[0].get_color() for h, n in zip(handles, names, strict=True)}

    assert colors(["h_exo", "nothing"]) == colors(["nothing", "h_exo"])
    assert colors(["h_exo", "nothing"])["h_exo"] == colors(["other", "h_exo"])["h_exo"]


def test_a_forest_has_the_best_on_top_and_the_papers_numbers_hollow():
    table = pd.DataFrame(
        {
            "difference": [-1.0, 2.0, np.nan],
            "difference_half": [0.5, 0.25, np.nan],
            "paper_difference": [0.3, np.nan, 1.0],
            "uses": ["nothing", "the truth", "nothing"],
        },
        index=["Worse", "Better", "Without runs"],
    )
    (axis,) = plots.forest(table, "uses", "points").axes
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Better", "Worse"]
    drawn = {c.get_label(): c.lines[0].get_xydata()[0] for c in axis.containers}
    np.testing.assert_allclose(drawn["the truth"], [2, 0])
    np.testing.assert_allclose(drawn["nothing"], [-1, 1])
    (paper,) = (line for line in axis.lines if line.get_label() == "the paper")
    assert paper.get_markerfacecolor() == "none"
    np.testing.assert_allclose(paper.get_xydata()[1], [0.3, 1])
    assert [t.get_text() for t in axis.texts] == ["+2.00 ± 0.25", "−1.00 ± 0.50"]
    with pytest.raises(ValueError, match="the table has no row"):
        plots.forest(table[2:])


def test_gains_draw_each_model_against_the_amounts_of_labels():
    table = pd.DataFrame(
        {
            "model": ["baseline", "tree", "thin", "baseline", "tree", "thin"],
            "labels": [1000] * 3 + [250] * 3,
            "difference": [np.nan, 1.0, 2.0, np.nan, -1.0, -2.0],
            "difference_half": [np.nan, 0.1, 0.2, np.nan, 0.1, 0.2],
        }
    )
    (axis,) = plots.gains(table, "labels", "task labels").axes
    assert labels(axis) == ("task labels", "points above the baseline")
    assert [t.get_text() for t in axis.get_xticklabels()] == ["250", "1,000"]
    drawn = {c.get_label(): list(c.lines[0].get_ydata()) for c in axis.containers}
    assert drawn == {"tree": [-1, 1], "thin": [-2, 2]}


def sweep(*lambdas, mean=98.0):
    return pd.DataFrame(
        {"paper": [None] * len(lambdas), "mean": mean, "half": 0.5},
        index=[f"λ = {value:g}" for value in lambdas],
    )


def test_accuracy_by_lambda_starts_at_zero_and_leaves_out_what_has_not_run():
    table = sweep(0.01, 0, 0.5)
    table["mean"] = [97.0, 96, np.nan]
    table["paper"] = [97.5, None, None]
    (axis,) = plots.accuracy_by_lambda(table).axes
    ours, paper = axis.containers[0], axis.lines[-1]
    assert list(ours.lines[0].get_xdata()) == [0, 0.01]
    assert list(ours.lines[0].get_ydata()) == [96, 97]
    np.testing.assert_allclose(ours.lines[2][0].get_segments()[1][:, 1], [96.5, 97.5])
    assert (list(paper.get_xdata()), list(paper.get_ydata())) == ([0.01], [97.5])
    assert [t.get_text() for t in axis.get_xticklabels()] == ["0", "0.01", "0.5"]
    places = axis.transData.transform([(x, 97) for x in (0, 0.01, 0.1, 1)])[:, 0]
    assert places[2] - places[1] == pytest.approx(places[3] - places[2])  # decades
    assert places[1] > places[0]


def test_accuracy_by_lambda_without_the_papers_values_shows_ours_only():
    (axis,) = plots.accuracy_by_lambda(sweep(0, 1e-05)).axes
    assert [t.get_text() for t in axis.get_legend().get_texts()] == [
        "ours, 95 % interval"
    ]


@pytest.mark.parametrize("names", [["THIN"], ["λ = 0"]])
def test_rows_without_a_lambda_are_refused(names):
    table = sweep(0).set_axis(names)
    with pytest.raises(ValueError, match="rows must be named 'λ"):
        plots.accuracy_by_lambda(table)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda d: plots.confusion(np.eye(10), ["a", "b", "c"]),
            r"shape \(10, 10\) and 3 labels",
        ),
        (lambda d: plots.confusion(np.ones((2, 3)), ["a", "b"]), "must be square"),
        (lambda d: plots.confusion(-np.eye(2), ["a", "b"]), "counts: finite, from 0"),
        (lambda d: plots.confusion(np.eye(2) * np.nan, ["a", "b"]), "counts: finite"),
        (lambda d: plots.image_grid(255 * d.images), "dividing by 255"),
        (lambda d: plots.image_grid(d.images[0]), r"must be \(N, C, H, W\)"),
        (lambda d: plots.image_grid(d.images[:2], ["a"] * 3), "3 titles for 2 images"),
        (
            lambda d: plots.image_grid(d.images[:2], columns=0),
            "columns must be",
        ),
        (
            lambda d: plots.embedding(np.zeros((3, 2)), torch.zeros(2), "x"),
            r"value must be \(3,\), one number each, got \(2,\)",
        ),
        (lambda d: plots.embedding(np.zeros((3, 4)), torch.zeros(3), "x"), r"\(N, 2\)"),
        (lambda d: plots.routing(torch.ones(4, 2), d.exo[:4], d), "probabilities that"),
        (
            lambda d: plots.routing(torch.ones(4, 1), d.exo[:3], d),
            r"\(4,\), one label for each image",
        ),
        (lambda d: plots.routing(torch.ones(2, 1), d.exo[:2] + 18, d), "out of range"),
        (
            lambda d: plots.cosines({"a": torch.tensor([0.5, 1.5])}),
            "a must lie between 0 and 1",
        ),
        (
            lambda d: plots.cosines({"a": torch.tensor([0.5, -0.5])}),
            "a must lie between 0 and 1",
        ),
        (
            lambda d: plots.partition(
                {"a": tm.TreeGate(3, 1)}, torch.rand(4, 2), torch.zeros(4).long()
            ),
            "trees on two features",
        ),
        (
            lambda d: plots.partition(
                {"a": tm.TreeGate(2, 1)}, torch.rand(4, 2), torch.full((4,), 2)
            ),
            "target label 2 is out of range",
        ),
    ],
)
def test_figures_of_what_cannot_be_are_refused(draw, message, digits):
    with pytest.raises(ValueError, match=message):
        draw(digits[0])


def test_a_report_of_other_bins_is_not_drawn(digits):
    report = tm.metrics.report(torch.eye(2), torch.arange(2), torch.arange(2), 5)
    with pytest.raises(ValueError, match="report of mine has 5 bins and the data 18"):
        plots.accuracy_by_bin({"mine": report}, digits[0])


def test_the_architectures_are_drawn_part_by_part():
    figure = plots.architectures()
    edges = {}
    for axis in figure.axes:
        boxes = {text.get_text(): text.get_bbox_patch() for text in axis.texts}
        edges[axis.get_title(loc="left")] = {t: b for t, b in boxes.items() if b}
    counts = [len(boxes) for boxes in edges.values()]
    assert counts == [2, 5, 6, 7]  # parts: an encoder, a head; three experts, a mixture
    dashed = [t for b in edges.values() for t, box in b.items() if box.get_ls() != "-"]
    assert dashed == [r"$\gamma_\tau$"]  # what is frozen


def test_a_gated_ensemble_is_drawn_as_eight_groups_with_a_g_each():
    (axis,) = plots.hidden_groups().axes
    told = [text.get_text() for text in axis.texts]
    assert [f"$\\times\\, g_{n}$" in told for n in range(1, 10)] == 8 * [True] + [False]
    units = [line for line in axis.lines if line.get_marker() == "o"]
    assert len(units) == 2 * 8
