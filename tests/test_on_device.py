"""The method on a device: the model is there, images come from the CPU, results return.

On the device that ``THIN_MINI_DEVICE`` names, by default the CPU and a pretended second
device; ``benchmarks/gpu.py`` runs these tests on a GPU.
"""

import copy
import os

import pytest
import torch
from conftest import ROWS, condition_for, make, noisy_faces, randomise
from second_device import second_device
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensorMode,
)

import thin_mini as tm
from thin_mini.training import Losses

NAMED = os.environ.get("THIN_MINI_DEVICE") or "cpu"
HERE = torch.device("cpu")
close = torch.testing.assert_close


@pytest.fixture(params=["named", "pretended"])
def there(request):
    """The device, with its number as tensors name it; also a pretended one."""
    if request.param == "named":
        yield torch.zeros(1, device=NAMED).device
    elif NAMED != "cpu":
        pytest.skip("pretended only where there is no other")
    else:
        with second_device() as device:
            yield device


@pytest.fixture(autouse=True)
def _all_digits():
    """Float32 as on the CPU, so that both places can be compared."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.fixture
def exogenous(exogenous):
    """One of this test's own, since a model takes its context along when it moves."""
    return copy.deepcopy(exogenous)


def placed(model):
    """Where each parameter and buffer is."""
    values = [*model.parameters(), *model.buffers()]
    return {value.device for value in values}


def twins(row, exogenous, there):
    """One model, here and there."""
    model = randomise(make(row, exogenous))
    return model.eval(), copy.deepcopy(model).to(there).eval()


def loose(got, expected, **tolerance):
    """The same to within what other sums of float32 make of it, and on the CPU."""
    assert got.device == HERE
    close(got, expected, **({"rtol": 1e-3, "atol": 1e-4} | tolerance))


@pytest.mark.parametrize("row", ROWS)
def test_fit_trains_where_the_model_is(row, digits, exogenous, there):
    model = make(row, exogenous).to(there)
    before = [p.detach().clone() for p in model.parameters() if p.requires_grad]
    history = tm.fit(
        model,
        digits[0],
        epochs=2,
        batch_size=64,
        shift=1,
        valid=digits[1],
        progress=False,
    )
    assert placed(model) == {there}
    assert history["sup"].iloc[1] < history["sup"].iloc[0]
    trained = [p for p in model.parameters() if p.requires_grad]
    assert not any(map(torch.equal, before, trained))


@pytest.mark.parametrize("row", ROWS)
def test_evaluate_and_precompute_answer_on_the_cpu(row, digits, exogenous, there):
    here, moved = twins(row, exogenous, there)
    expected, got = (tm.evaluate(model, digits[1]) for model in (here, moved))
    loose(got.logits, expected.logits)
    assert got.accuracy == pytest.approx(expected.accuracy, abs=1)
    known = tm.precompute(moved, digits[1])
    if here.context is None:
        assert known is None
    else:
        for ours, theirs in zip(known, tm.precompute(here, digits[1]), strict=True):
            loose(ours, theirs)
    again = tm.evaluate(moved, digits[1], condition=known)
    loose(again.logits, expected.logits)
    assert placed(moved) == {there}


@pytest.mark.parametrize("row", ROWS)
def test_losses_and_gradients_are_those_of_the_cpu(row, digits, exogenous, there):
    dispel = 0.5 if row in ("exogenous", "thin") else 0.0
    gradients = []
    for model in twins(row, exogenous, there):
        device = next(model.parameters()).device
        train = digits[0].subset(slice(32))
        condition = condition_for(copy.deepcopy(model).cpu(), train)
        if condition is not None:
            condition = condition.at(torch.arange(32), device)
        images, target = train.images.to(device), train.target.to(device)
        sup, sim = Losses(model, dispel)(images, target, condition)
        (sup + dispel * sim).backward()
        found = {k: p.grad for k, p in model.named_parameters() if p.requires_grad}
        gradients.append(found | {"sup": sup.detach(), "sim": sim.detach()})
    for name, value in gradients[0].items():
        loose(gradients[1][name].cpu(), value, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("row", ROWS)
def test_a_step_never_waits_for_the_device(row, digits, exogenous, there):
    model = make(row, exogenous).to(there).train()
    images, target = digits[0].images[:8].to(there), digits[0].target[:8].to(there)
    known = None
    if row == "oracle":
        known = model.context.condition(images, digits[0].exo[:8].to(there))
    offsets = torch.randint(-1, 2, (8, 2), device=there)

    def step(images, offsets, target):
        losses = Losses(model, model.dispel)
        sup, sim = losses(tm.data.shift(images, offsets), target, known)
        (sup + sim).backward()

    if there.type == "cuda":
        step(images, offsets, target)  # what is made once may wait
        torch.cuda.set_sync_debug_mode("error")
        try:
            step(images, offsets, target)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    elif there == HERE:
        # Tensors without values, which nobody can ask for one.
        with FakeTensorMode(allow_non_fake_inputs=True) as fake:
            step(*(fake.from_tensor(x) for x in (images, offsets, target)))
            with pytest.raises(DataDependentOutputException):
                int(fake.from_tensor(offsets).max())
    else:
        pytest.skip("a pretended device never waits")


@pytest.mark.parametrize("depth", [1, 3, 7, 8, 10])
def test_gates_and_their_gradients_are_those_of_the_cpu(depth, there):
    gate = randomise(tm.TreeGate(20, depth)).eval()
    h = torch.randn(16, 20)
    weights = torch.rand(16, 2**depth)
    found = []
    for device in (HERE, there):
        x = h.to(device).requires_grad_()
        g = copy.deepcopy(gate).to(device)(x)
        (gradient,) = torch.autograd.grad((g * weights.to(device)).sum(), x)
        found.append((g.detach().cpu(), gradient.cpu()))
    for got, expected in zip(found[1], found[0], strict=True):
        loose(got, expected)
    loose(found[1][0].sum(1), torch.ones(16), atol=1e-5)


@pytest.mark.parametrize("make_gate", [tm.UniformGate, lambda n: tm.SoftmaxGate(20, n)])
def test_flat_gates_are_those_of_the_cpu(make_gate, there):
    gate, h = make_gate(8).eval(), torch.randn(16, 20)
    loose(copy.deepcopy(gate).to(there)(h.to(there)).detach().cpu(), gate(h).detach())


def test_a_checkpoint_from_there_goes_on_here_and_there(
    digits, exogenous, tmp_path, there
):
    path, settings = tmp_path / "run.pt", {"epochs": 2, "batch_size": 64}
    model = make("thin", exogenous).to(there)
    history = tm.fit(model, digits[0], checkpoint=path, progress=False, **settings)
    for device in (HERE, there):
        other = make("thin", copy.deepcopy(exogenous).cpu()).to(device)
        again = tm.fit(other, digits[0], checkpoint=path, progress=False, **settings)
        assert again.equals(history)
        assert placed(other) == {device}
        for name, value in other.state_dict().items():
            assert torch.equal(value.cpu(), model.state_dict()[name].cpu()), name


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_long_runs_train_there_and_predict_on_the_cpu(precision, tmp_path, there):
    if precision == "bf16" and there.type not in ("cpu", "cuda"):
        pytest.skip("no autocast for a pretended device")
    torch.manual_seed(0)
    widths = (4, 8)
    people = tm.ExogenousNetwork(tm.ConvEncoder(3, 16, widths), 5, hidden=8).freeze()
    encoder = tm.ConvEncoder(3, 16, widths)
    model = tm.build("thin", 7, exogenous=people, encoder=encoder, hidden=8, seed=0)
    model.to(there)
    data, valid = noisy_faces(64, 16, 0), noisy_faces(20, 16, 1)
    history = tm.scaling.train(
        model,
        data,
        valid,
        steps=6,
        every=3,
        folder=tmp_path,
        batch_size=16,
        lr=1e-3,
        mixed_precision=precision,
        device=str(there),
        progress=False,
    )
    assert list(history.index) == [3, 6]
    assert placed(model) == {there}
    logits = tm.scaling.predict(model, valid)
    assert logits.shape == (20, 7)
    here = copy.deepcopy(model).cpu()
    images = torch.stack([valid[i][0] for i in range(20)])
    with torch.no_grad():
        loose(logits, here(images))
    assert placed(model) == {there}


def test_digits_turn_and_images_shift_there_whatever_holds_the_angles(there):
    images, angles = torch.rand(2, 1, 8, 8), torch.tensor([10.0, 20.0])
    offsets = torch.tensor([[1, 0], [0, -1]])
    for change, how in ((tm.data.rotate, angles), (tm.data.shift, offsets)):
        for given in (how, how.to(there)):
            got = change(images.to(there), given)
            assert got.device == there
            close(got.cpu(), change(images, how))
