"""Plots of faces: each returns a Figure that shows what it was given."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

import thin_mini as tm
from thin_mini.insight import distances, face_plots, routes

pytestmark = pytest.mark.usefixtures("closed_figures")
NAMES = ["neutral", "happiness", "sadness"]


@pytest.mark.parametrize("channels", [1, 3])
def test_predictions_show_the_right_above_the_wrong(channels):
    images = torch.rand(6, channels, 8, 8)
    target = torch.tensor([0, 1, 2, 0, 1, 2])
    predicted = torch.tensor([0, 2, 2, 0, 1, 1])
    axes = face_plots.predictions(images, target, predicted, NAMES, n=3).axes
    assert len(axes) == 6
    for axis, i in zip(axes, (0, 2, 3, 1, 5, None), strict=True):
        if i is None:
            assert not axis.images
            continue
        shown = np.asarray(axis.images[0].get_array())
        np.testing.assert_array_equal(
            shown, images[i].permute(1, 2, 0).numpy().squeeze()
        )
        assert axis.get_title() == f"true: {NAMES[target[i]]}"
        right = i in (0, 2, 3)
        assert (
            axis.texts[0].get_text()
            == f"{'✓' if right else '✗'} " + (NAMES[predicted[i]])
        )
        assert axis.texts[0].get_color() == (
            face_plots.RIGHT if right else face_plots.WRONG
        )
        assert axis.patches[0].get_linestyle() == ("-" if right else "--")


@pytest.mark.parametrize(
    ("shape", "target", "n", "message"),
    [
        ((4, 1, 8, 8), torch.zeros(3), 2, r"\(4,\), one label for each image"),
        ((4, 1, 8, 8), torch.zeros(4).long(), 0, "n must be at least 1, got 0"),
        ((4, 2, 8, 8), torch.zeros(4).long(), 2, "1 or 3 channels, got 2"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(shape, target, n, message):
    with pytest.raises(ValueError, match=message):
        face_plots.predictions(torch.rand(shape), target, target, NAMES, n)


@pytest.mark.parametrize(("n", "panels"), [(1, 1), (4, 4), (5, 8)])
def test_pair_histograms_print_the_overlap_of_what_they_show(n, panels):
    pairs = {
        f"model {i}": (torch.rand(200) * 2, torch.arange(200) < 80) for i in range(n)
    }
    figure = face_plots.pair_histograms(pairs)
    assert len(figure.axes) == panels
    for axis, (name, (distance, same)) in zip(figure.axes, pairs.items(), strict=False):
        shown = [p.get_path().vertices[:, 1] for p in axis.patches]
        heights, _ = np.histogram(
            distance[same], face_plots.DISTANCE_BINS, density=True
        )
        assert shown[0].max() == pytest.approx(heights.max())
        iou = distances.overlap(
            distance[same], distance[~same], face_plots.DISTANCE_BINS
        )
        assert axis.get_title() == f"{name}\nIoU {iou:.0f} %"
        assert axis.get_xlim() == (0, 2)
        first, second = (p.get_linestyle() for p in axis.patches)
        assert first != second
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == [
        "same person",
        "different people",
    ]


@pytest.mark.parametrize(
    ("distance", "same", "message"),
    [
        (torch.rand(9), torch.arange(9) % 2, "same must be bool"),
        (torch.rand(9), torch.arange(9) < 0, "positive is empty"),
        (torch.rand(9) + 2, torch.arange(9) < 5, "must lie between 0.0 and 2.0"),
    ],
)
def test_pairs_without_a_histogram_are_refused(distance, same, message):
    with pytest.raises(ValueError, match=message):
        face_plots.pair_histograms({"a": (distance, same)})


def test_a_tree_of_faces_draws_each_node_with_its_faces_and_share():
    gate, h = tm.TreeGate(4, 3), torch.randn(20, 4)
    images = torch.rand(20, 3, 8, 8)
    (axis,) = face_plots.tree_of_faces(images, gate, h, depth_shown=2, k=3).axes
    chosen = routes.most_representative(gate, h, 3)[:7]
    assert len(axis.images) == 7 * 3
    for shown, i in zip(axis.images, chosen.flatten(), strict=True):
        np.testing.assert_array_equal(
            np.asarray(shown.get_array()), images[i].permute(1, 2, 0)
        )
    share = 100 * routes.node_probabilities(gate, h).reach.mean(0)[1:7]
    assert [t.get_text() for t in axis.texts] == [f"{s:.0f} %" for s in share]
    middles = [np.mean(axis.images[3 * n].get_extent()[:2]) for n in range(7)]
    assert middles[3] < middles[1] < middles[4] < middles[0] < middles[5]
    tops = [axis.images[3 * n].get_extent()[3] for n in range(7)]
    assert tops[0] > tops[1] == tops[2] > tops[3] == tops[6]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth_shown": 3}, "depth_shown must lie between 1 and 2, got 3"),
        ({"depth_shown": 2, "k": 6}, "k must lie between 1 and 5, got 6"),
        ({"depth_shown": 2, "n": 4}, "4 images but 5 rows"),
    ],
)
def test_a_tree_that_cannot_be_drawn_is_refused(options, message):
    images = torch.rand(options.pop("n", 5), 1, 8, 8)
    with pytest.raises(ValueError, match=message):
        face_plots.tree_of_faces(
            images, tm.TreeGate(4, 2), torch.randn(5, 4), **options
        )


def test_split_information_shows_every_number_but_those_near_zero():
    bits = pd.DataFrame({"age": [0.5, 0.25], "sex": [0.004, -0.1]}, ["root", "L"])
    figure = face_plots.split_information(bits)
    axis, bar = figure.axes
    assert [t.get_text() for t in axis.texts] == ["0.50", "", "0.25", ""]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["age", "sex"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["root", "L"]
    assert bar.get_ylabel() == "bits"
    noise = face_plots.split_information(bits / 100)
    assert noise.axes[0].collections[0].get_clim() == (0, 0.1)


def test_projections_draw_the_same_images_of_each_representation():
    target = torch.arange(30) % 3
    h = {"tree": torch.randn(30, 5), "thin": torch.randn(30, 8)}
    figure = face_plots.projections(h, target, NAMES, "pca", limit=12)
    chosen = np.random.default_rng(0).permutation(30)[:12]
    for axis, (name, own) in zip(figure.axes, h.items(), strict=False):
        points = PCA(2).fit_transform(own.numpy().astype(float)[chosen])
        for c, marks in enumerate(axis.collections):
            np.testing.assert_allclose(
                np.abs(marks.get_offsets()),
                np.abs(points[target[chosen] == c]),
                atol=1e-9,
            )
        share = distances.explained_variance(own)
        assert axis.get_title() == f"{name}\n{share:.0f} % in 3 components"
    marks = figure.axes[0].collections
    assert len({to_hex(m.get_facecolor()[0]) for m in marks}) == 3
    assert len({m.get_paths()[0].vertices.tobytes() for m in marks}) == 3
    assert [t.get_text() for t in figure.legends[0].get_texts()] == NAMES


def test_t_sne_gives_the_same_picture_twice():
    h, target = {"a": torch.randn(30, 5)}, torch.zeros(30, dtype=torch.long)
    a, b = (
        face_plots.projections(h, target, ["all"]).axes[0].collections[0].get_offsets()
        for _ in range(2)
    )
    assert a.shape == (30, 2)
    np.testing.assert_array_equal(a, b)


def test_umap_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        face_plots.projections(
            {"a": torch.randn(9, 5)}, torch.zeros(9).long(), ["all"], "umap"
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "mds"}, "one of tsne, umap, pca, got 'mds'"),
        ({"names": ["x"] * 9}, "8 markers, too few for 9 classes"),
        ({"target": torch.zeros(8)}, r"\(9,\), one label for each image"),
    ],
)
def test_projections_that_cannot_be_drawn_are_refused(options, message):
    asked = {"target": torch.zeros(9), "names": NAMES, "method": "pca"} | options
    with pytest.raises(ValueError, match=message):
        face_plots.projections({"a": torch.randn(9, 5)}, **asked)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda x, y: face_plots.predictions(255 * x, y, y, NAMES),
            "dividing by 255",
        ),
        (
            lambda x, y: face_plots.predictions(x, y + len(NAMES), y, NAMES),
            "target label .* is out of range",
        ),
        (
            lambda x, y: face_plots.predictions(x, y, y - 1, NAMES),
            "predicted label -1 is out of range",
        ),
        (
            lambda x, y: face_plots.projections({"a": x.flatten(1)}, y + 2, ["a"]),
            "target label 2 is out of range: .*from 0 to 0",
        ),
        (lambda x, y: face_plots.projections({}, y, ["a"]), "nothing to draw"),
        (lambda x, y: face_plots.pair_histograms({}), "nothing to draw"),
    ],
)
def test_what_cannot_be_is_not_drawn(draw, message):
    with pytest.raises(ValueError, match=message):
        draw(torch.rand(4, 1, 8, 8), torch.zeros(4).long())
