"""The pieces of the method on a pretended second device: the same bits as here.

And the proof that the pretence is strict: without a move that the library makes, it
fails.
"""

import copy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from conftest import ROWS, make, quick_fit
from second_device import Far, far, second_device
from torch import nn

import thin_mini as tm
from thin_mini import inference, training
from thin_mini.basics import devices
from thin_mini.lab import face_runs, one_run, recipes
from thin_mini.lab.worlds import WORLDS


@pytest.fixture
def device():
    with second_device() as device:
        yield device


@pytest.fixture(scope="module")
def knows(digits):
    """An untrained network that knows angles, frozen."""
    torch.manual_seed(0)
    return tm.ExogenousNetwork(tm.ConvEncoder(), 18).freeze()


# The pretence


def test_it_refuses_to_meet_the_cpu(device):
    x, y = torch.randn(3, 4).to(device), torch.randn(3, 4)
    layer = nn.Linear(4, 2).to(device)
    assert x.device == layer.weight.device == torch.zeros(1, device=device).device
    for meeting in (
        lambda: x + y,
        lambda: layer(y),
        lambda: torch.cat([x, y]),
        lambda: x.sum() * y,
        lambda: y[torch.tensor([0, 1]).to(device)],
        lambda: torch.equal(x, y),
    ):
        with pytest.raises(RuntimeError, match="same device, but found at least two"):
            meeting()
    assert far(x + torch.tensor(1.0))  # a number may come from anywhere
    assert far(x[torch.tensor([0, 1])])
    assert not far(y.copy_(x))
    assert far(x.copy_(y))


def test_it_refuses_numpy_and_float64(device):
    x = torch.randn(3).to(device)
    with pytest.raises(TypeError, match="to numpy"):
        x.numpy()
    with pytest.raises(TypeError, match="to numpy"):
        np.asarray(x)
    with pytest.raises(TypeError, match="float64"):
        x.double()
    assert x.cpu().double().numpy().shape == (3,)


def test_gradients_are_there_and_flow_back(device):
    x, layer = torch.randn(2, 3, requires_grad=True), nn.Linear(3, 1).to(device)
    layer(x.to(device)).sum().backward()
    assert far(layer.weight.grad)
    assert not far(x.grad)
    assert torch.equal(x.grad, layer.weight.detach().cpu().expand(2, 3))


@pytest.mark.parametrize("mover", ["precompute", "evaluate", "fit"])
def test_without_a_move_that_the_library_makes_it_fails(
    mover, device, knows, digits, monkeypatch
):
    model = make("thin", knows).to(device)
    for room in (training, inference):
        monkeypatch.setattr(room, "device_of", lambda module: torch.device("cpu"))
    with pytest.raises(RuntimeError, match="at least two devices"):
        {
            "precompute": lambda: tm.precompute(model, digits[1]),
            "evaluate": lambda: tm.evaluate(model, digits[1]),
            "fit": lambda: quick_fit(model, digits[0]),
        }[mover]()
    model.to("cpu")  # the fixture's network went along


@pytest.mark.parametrize("row", ROWS)
def test_every_row_trains_and_is_measured_there_as_here(
    row, device, knows, digits, tmp_path
):
    """With shifts and validation, whole and resumed from a file of the other place."""
    found = []
    for place, file in (("cpu", "here"), (device, "there")):
        model = make(row, copy.deepcopy(knows)).to(place)
        history = quick_fit(
            model, digits[0], epochs=2, valid=digits[1], shift=1,
            checkpoint=tmp_path / file,
        )  # fmt: skip
        assert devices.device_of(model) == torch.device(place)
        condition = tm.precompute(model, digits[1])
        report = tm.evaluate(model, digits[1], condition=condition)
        for tensor in (*(condition or ()), report.logits, report.by_bin):
            assert type(tensor) is torch.Tensor
        found.append((history["sup"].tolist(), report.logits))
        logits = model(digits[1].images.to(place), _at(condition, place))
        assert torch.allclose(logits.detach().cpu(), report.logits, atol=1e-5)
    # Fused and plain Adam round differently.
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-3)
    go_on = make(row, copy.deepcopy(knows))
    again = quick_fit(
        go_on, digits[0], epochs=2, valid=digits[1], shift=1,
        checkpoint=tmp_path / "there",
    )  # fmt: skip
    assert again["sup"].tolist() == found[1][0]
    assert devices.device_of(go_on) == torch.device("cpu")


def _at(condition, place):
    return condition and condition.to(place)


def test_measures_take_tensors_from_anywhere(device):
    """Mixed, too: answers from there, labels from here."""
    metrics, d = tm.metrics, tm.distances
    z, target, exo = torch.randn(60, 4), torch.arange(60) % 4, torch.arange(60) % 3
    h, same = torch.randn(60, 5), torch.arange(60) % 2 == 0
    measures = (
        lambda z, t, e, h, s: metrics.report(z, t, e, 3).by_bin,
        lambda z, t, e, h, s: metrics.report(z, t, e, 3).calibration,
        lambda z, t, e, h, s: metrics.exogenous_accuracy(z, t),
        lambda z, t, e, h, s: metrics.disagreement(z[:, None].expand(-1, 3, -1)),
        lambda z, t, e, h, s: metrics.leaf_usage(z.softmax(1)),
        lambda z, t, e, h, s: metrics.probe((h, t), (h, t)),
        lambda z, t, e, h, s: d.pair_distances(h, h.flip(0)),
        lambda z, t, e, h, s: d.verification(h[:, 0].abs(), s),
        lambda z, t, e, h, s: d.overlap(h[:, 0], h[:, 1], np.arange(-9.0, 9)),
        lambda z, t, e, h, s: d.inter_intra_ratio(h, t),
        lambda z, t, e, h, s: d.explained_variance(h),
    )
    given = (z, target, exo, h, same)
    moved = tuple(x.to(device) for x in given)
    mixed = (*moved[:1], target, exo, *moved[3:4], same)
    for measure in measures:
        expected = measure(*given)
        for inputs in (moved, mixed):
            found = measure(*inputs)
            assert "Far" not in repr(type(found))
            assert str(found) == str(expected)


def test_routes_take_the_gates_device(device):
    gate, h = tm.TreeGate(6, 3), torch.randn(20, 6)
    expected = tm.routes.node_probabilities(gate, h)
    best = tm.routes.most_representative(gate, h, 3)
    gate.to(device)
    for given in (h, h.to(device)):
        found = tm.routes.node_probabilities(gate, given)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        assert torch.equal(tm.routes.most_representative(gate, given, 3), best)


def test_figures_take_tensors_from_anywhere(device, digits):
    plots, faces, test = tm.plots, tm.face_plots, digits[1]
    gate, h = tm.TreeGate(6, 3).to(device), torch.randn(len(test), 6).to(device)
    images, target, exo = (x.to(device) for x in (test.images, test.target, test.exo))
    names = [str(n) for n in range(10)]
    points = torch.randn(30, 2).to(device)
    plots.image_grid(images[:4])
    plots.routing(gate(h), test.exo, test)
    plots.routing(gate(h), exo, test)
    plots.partition({"": tm.TreeGate(2, 1).to(device)}, points, target[:30] % 2)
    plots.cosines({"": h[:, 0].sigmoid()})
    plots.embedding(test.images[:, 0, 0, :2].numpy(), exo, "")
    plots.embedding(images[:, 0, 0, :2], test.exo, "")
    faces.predictions(images, target, test.target.flip(0), names)
    faces.pair_histograms({"": (h[:, 0].sigmoid(), test.exo % 2 == 0)})
    faces.tree_of_faces(images, gate, h, 2, 2)
    faces.projections({"": h}, target % 8, names[:8], "pca")
    plt.close("all")


def test_an_identity_network_is_adapted_where_it_is(device, digits):
    layers = tm.ConvEncoder().layers.to(device)
    people = digits[0].subset(slice(64))
    fitted = tm.adapt(
        layers, in_shape=(1, 28, 28), people=people, gate_on="features", epochs=1
    )
    given = tm.adapt(layers, nn.Linear(784, 3), in_shape=(1, 28, 28))
    for network in (fitted, given):
        assert all(map(far, network.parameters()))
        assert all(map(far, tm.starting_encoder(network).parameters()))
        assert far(network(people.images.to(device)))


def test_the_check_against_the_hand_made_leaves_a_module_where_it_was(device, capsys):
    gate = tm.TreeGate(5, 2).to(device).train()
    before = {k: v.cpu().clone() for k, v in gate.state_dict().items()}

    def by_hand(h):
        return torch.stack([gate.log_probs(h).exp()])[0]

    tm.course.same(by_hand, gate, torch.randn(6, 5).to(device))
    assert "gradients equal for 5 tensors" in capsys.readouterr().out
    assert all(
        isinstance(p, Far) and p.dtype == torch.float32 for p in gate.parameters()
    )
    for name, value in gate.state_dict().items():
        assert torch.equal(value.cpu(), before[name])


def test_people_are_told_and_faces_measured_there_as_here(device, monkeypatch):
    monkeypatch.setattr(face_runs, "PAIRS", 40)
    rows = recipes.rows_of("told", "cartoons", 2, "smoke")
    run = next(row.runs[0] for row in rows if row.runs[0].oracle_knows == "portraits")
    train, test = (part.subset(slice(200)) for part in one_run.datasets(run)[::2])
    world = WORLDS["cartoons"]
    encoder = world.does.encoder(run)
    network = tm.ExogenousNetwork(encoder, train.n_exo, gate_on="pooled").freeze()
    model = tm.build("tree", 7, encoder=world.does.encoder(run), seed=0)
    found = []
    for place in ("cpu", device):
        there = network.to(place)
        oracle = world.does.oracle(run, train, test, [there])
        measured = [world.does.measure(run, m.to(place), test) for m in (there, model)]
        found.append((oracle.table.tolist(), measured))
    assert found[0] == found[1]


def test_images_are_drawn_where_their_factors_are(device):
    draw, one = tm.data.render_sprites, torch.full((3,), 0.5)
    expected = draw(torch.arange(3), one, one, one, one)
    found = draw(*(x.to(device) for x in (torch.arange(3), one, one, one, one)))
    assert far(found)
    assert torch.equal(found.cpu(), expected)
    factors = [torch.rand(2, n) for n in (22, 12, 14)]
    found = tm.data.render_faces(*(x.to(device) for x in factors), size=24)
    assert far(found)
    assert torch.equal(found.cpu(), tm.data.render_faces(*factors, size=24))


def test_the_pictures_of_the_book_are_drawn_there(device, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "book"))
    monkeypatch.setenv("THIN_MINI_DEVICE", str(device))
    monkeypatch.setenv("THIN_MINI_PROFILE", "smoke")
    monkeypatch.setenv("THIN_MINI_DATA", "stand-in")
    import picture

    picture.routing()
    plt.close("all")
