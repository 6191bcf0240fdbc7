"""Wrong values at the public doors: one clear error, never another library's riddle."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

import thin_mini as tm
from thin_mini.basics.intervals import mean_interval
from thin_mini.gates import leaf_log_probs

N = 8
IMAGES = torch.rand(N, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(N) % 2
H = torch.rand(N, 3, generator=torch.Generator().manual_seed(0))


def dataset(**changes):
    parts = {"images": IMAGES, "target": LABELS, "exo": LABELS, "n_classes": 2}
    parts |= {"n_exo": 2, "source": "s", "exo_edges": None, "exo_name": "e"} | changes
    return tm.data.ExogenousDataset(**parts)


def model():
    return tm.build("baseline", 2, n_experts=2, hidden=2, image_size=8, seed=0)


def encoder():
    return tm.ConvEncoder(1, 8)


WRONG = [
    (partial(dataset, exo_edges=[0.0, 1.0, 2.0]), "exo_edges is a list: pass a tens"),
    (partial(dataset, factors=None), "factors is a NoneType"),
    (partial(tm.plots.intervals, pd.DataFrame({"mean": [1.0]})), "lacks half, paper"),
    (partial(tm.plots.gains, pd.DataFrame(), "labels", "labels"), "lacks labels, mod"),
    (partial(tm.plots.accuracy_by_lambda, pd.DataFrame({"mean": []})), "lacks half"),
    (partial(tm.plots.dots, pd.DataFrame(), "%"), "the table has no row"),
    (partial(tm.plots.dots, None, "%"), "table is a NoneType: pass a data frame"),
    (partial(tm.data.plain_batches, 8, 2, 0, 0.5), "step must be a whole number"),
    (partial(tm.data.class_batches, LABELS, 2, 0, -1), "step must be at least 0"),
    (partial(tm.distances.overlap, H[0], H[1], np.ones(1)), "at least 2 rising"),
    (partial(dataset, factors={"age": [1] * N}), "factors is a dict of other things"),
    (lambda: dataset().subset([0, 100]), "there is no image 100 among 8"),
    (lambda: dataset().subset(torch.tensor([-9])), "there is no image -9"),
    (lambda: dataset().subset(torch.ones(2, dtype=torch.bool)), "8 bools, got 2"),
    (lambda: dataset().subset(torch.ones(2)), "int64, or one bool for each image"),
    (partial(tm.Classifier, torch.nn.Flatten(), 2), "encoder is a Flatten"),
    (partial(tm.Classifier, None, 2), "encoder is a NoneType"),
    (partial(tm.build, "simple", 2, pool="max"), "pool is a str: pass MapPool"),
    (partial(tm.build, "simple", 10**12), "n_classes must be at most 2147483647"),
    (partial(tm.Encoder, None, (1, 8, 8)), "layers is a NoneType"),
    (partial(tm.Encoder, torch.nn.Flatten(), (8, 8)), r"in_shape must be \(C, H, W\)"),
    (partial(tm.Encoder, torch.nn.Flatten(), (1, 8, 0.5)), "of in_shape must be a who"),
    (partial(tm.MapPool, (4,)), r"the map must be \(C, H, W\), got \(4,\)"),
    (lambda: tm.GatedEnsemble(encoder(), None, None), "experts is a NoneType"),
    (
        lambda: tm.GatedEnsemble(encoder(), tm.Experts(64, 2, 2, 2), None),
        "gate is a NoneType: pass a gate",
    ),
    (lambda: tm.TreeGate(3, 2)([[1.0, 2.0, 3.0]]), "input of TreeGate is a list"),
    (lambda: tm.UniformGate(3)(H.numpy()), "h is a ndarray: pass a tensor"),
    (partial(leaf_log_probs, torch.tensor(1.0)), r"got \(\)"),
    (partial(tm.adapt, None, in_shape=(1, 8, 8), people=1), "representation is a None"),
    (
        partial(tm.adapt, torch.nn.Flatten(), in_shape=(1, 8), people=dataset()),
        r"in_shape must be \(C, H, W\), got \(1, 8\)",
    ),
    (partial(tm.starting_encoder, None), "network is a NoneType"),
    (partial(tm.n_trainable, None), "model is a NoneType"),
    (partial(tm.precompute, None, None), "model is a NoneType: pass what tm.build"),
    (
        lambda: tm.evaluate(model(), dataset(), condition=(H, H)),
        "condition is a tuple: pass what tm.precompute gives",
    ),
    (lambda: tm.fit(model(), dataset(), epochs=1, checkpoint=5), "checkpoint is a int"),
    (partial(mean_interval, ["a", "b"]), r"a number for each run, got \['a', 'b'\]"),
    (partial(mean_interval, {"a": 1}), "a number for each run"),
    (partial(tm.losses.absolute_cosine, None, H), "a is a NoneType"),
    (
        partial(tm.data.expression_actions, torch.tensor([-1]), torch.ones(1)),
        "expression label -1 is out of range: labels run from 0 to 6",
    ),
    (
        partial(tm.data.expression_actions, torch.tensor([1, 2]), torch.ones(1)),
        r"expression must be \(1,\), one label for each image, got \(2,\)",
    ),
    (partial(tm.data.shift, IMAGES, [[0, 0]] * N), "offsets is a list"),
    (partial(tm.data.rotate, IMAGES, [0.0] * N), "degrees is a list"),
    (partial(tm.data.dsprites, 4.5, 4), "n_train must be a whole number, got 4.5"),
    (partial(tm.data.dsprites, True, 4), "n_train must be a whole number, got True"),
    (partial(tm.data.dsprites, 4, 4, seed=-1), "seed must lie between 0"),
    (partial(tm.data.dsprites, 4, 4, size=8.5), "size must be a whole number"),
    (
        lambda: tm.data.render_sprites(LABELS, *[H[:, 0]] * 4, size=8.5),
        "size must be a whole number",
    ),
    (
        lambda: tm.data.render_sprites(torch.tensor(1), *[H[:, 0]] * 4),
        r"shape must be \(1,\), .*got \(\)",
    ),
    (partial(tm.data.cartoon_pairs, 4, seed=1.5), "seed must be a whole number"),
    (partial(tm.routes.mutual_information, (H,), {}), "routes is a tuple"),
    (partial(tm.plots.embedding, H[:, :2], [1] * N, "x"), "value is a list"),
]


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_what_is_wrong_is_named(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_numpys_numbers_serve_and_leave_a_checkpoint_that_is_read(tmp_path):
    data, file = dataset(), tmp_path / "c.pt"
    settings = {name: np.int64(1) for name in ("epochs", "shift", "seed")}
    settings |= {"batch_size": np.int64(4), "lr": np.float64(1e-3)}
    settings |= {"dispel": np.float32(0), "progress": False, "checkpoint": file}
    first = tm.fit(model(), data, **settings)
    assert tm.fit(model(), data, **settings).equals(first)
    one = np.int64(1)
    tm.evaluate(model(), data, batch_size=one)
    data.split(one, seed=one)
    tm.build("tree", 2, n_experts=np.int64(4), image_size=np.int64(8), seed=one)
    tm.data.cartoon_faces(one, one, size=np.int64(16), seed=one)


def test_half_precision_and_gradients_can_be_drawn_and_probed():
    h = H.bfloat16().requires_grad_()
    assert 0 <= tm.metrics.probe((h, LABELS), (h, LABELS)) <= 100
    tm.plots.embedding(h[:, :2].float(), h[:, 0].float(), "x")
    tm.plots.partition({"gate": tm.TreeGate(2, 1)}, h[:, :2], LABELS)
    tm.plots.cosines({"x": h[:, 0]})
    tm.plots.image_grid(IMAGES.requires_grad_(False))
    plt.close("all")


def test_a_checkpoint_whose_parts_are_damaged_is_named_and_kept(tmp_path):
    file, wrong = tmp_path / "c.pt", tmp_path / "wrong.pt"

    def train(path):
        tm.fit(model(), dataset(), epochs=1, checkpoint=path, progress=False)

    train(file)
    saved = torch.load(file, weights_only=True)
    nan = {k: v * float("nan") for k, v in saved["model"].items()}
    changes = [{name: "x"} for name in saved]
    changes += [{"recipe": None}, {"history": [1]}, {"optimizer": {}}, {"model": nan}]
    for change in changes:
        torch.save(saved | change, wrong)
        before = wrong.read_bytes()
        with pytest.raises(ValueError, match=r"wrong\.pt is damaged, or was changed"):
            train(wrong)
        assert wrong.read_bytes() == before


def test_a_model_in_half_precision_is_told_what_serves():
    for ask in (tm.evaluate, tm.precompute, partial(tm.fit, epochs=1)):
        with pytest.raises(ValueError, match=r"float16 .* write model.float\(\), and"):
            ask(model().half(), dataset())


def frozen():
    return tm.ExogenousNetwork(encoder(), 2).freeze()


def test_no_part_to_be_trained_shares_a_parameter_with_the_frozen_side():
    network, own = frozen(), encoder()
    own.layers[0].weight = network.encoder.layers[0].weight
    settings = {"n_experts": 2, "hidden": 2, "image_size": 8}
    with pytest.raises(ValueError, match="the encoder belongs to a frozen network"):
        tm.build("thin", 2, exogenous=network, encoder=own, **settings)
    late = tm.build("thin", 2, exogenous=network, **settings)
    late.gate.linear = network.head.first
    with pytest.raises(ValueError, match="the gate belongs to a frozen network"):
        tm.fit(late, dataset(), epochs=1, progress=False)
