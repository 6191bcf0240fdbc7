"""Every row leaves Python: exported, traced, drawn and as ONNX, for any batch."""

import pytest
import torch
from conftest import ROWS, condition_for, make, randomise

import thin_mini as tm
from thin_mini import gates


@pytest.fixture(params=[*ROWS, "deep tree"])
def model(request, exogenous):
    if request.param == "deep tree":  # the gate that walks down its levels
        return randomise(tm.build("tree", 10, n_experts=256, hidden=2)).eval()
    return randomise(make(request.param, exogenous)).eval()


def inputs(model, dataset, n):
    """What the model takes: images, and for an oracle what it says of them."""
    images = dataset.images[:n]
    if isinstance(model.context, tm.Oracle):
        return images, condition_for(model, dataset, slice(n))
    return (images,)


def test_an_export_with_a_free_batch_gives_the_same_as_the_model(model, digits):
    free = {0: torch.export.Dim("batch")}
    example = inputs(model, digits[0], 4)
    shapes = (free, tm.Condition(free, free))[: len(example)]
    program = torch.export.export(model, example, dynamic_shapes=shapes).module()
    for n in (1, 4, 7):
        given = inputs(model, digits[0], n)
        torch.testing.assert_close(program(*given), model(*given))


def test_a_trace_serves_for_another_batch(model, digits, recwarn):
    traced = torch.jit.trace(model, inputs(model, digits[0], 4))
    assert not [w for w in recwarn if w.category is torch.jit.TracerWarning]
    for n in (1, 4, 7):
        given = inputs(model, digits[0], n)
        torch.testing.assert_close(traced(*given), model(*given))


def test_tensorboard_draws_the_model(model, digits, tmp_path):
    board = pytest.importorskip("torch.utils.tensorboard")
    with board.SummaryWriter(str(tmp_path)) as writer:
        writer.add_graph(model, inputs(model, digits[0], 4))
    assert next(tmp_path.iterdir()).stat().st_size > 1000


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
def test_onnx_gives_the_same_for_another_batch(model, dynamo, digits, tmp_path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    onnxruntime = pytest.importorskip("onnxruntime")
    example, path = inputs(model, digits[0], 4), str(tmp_path / "model.onnx")
    names = ["images", "h_g", "z_exo"]
    free = {"dynamic_axes": {name: {0: "batch"} for name in names}}
    if dynamo:
        batch = {0: torch.export.Dim("batch")}
        shapes = (batch, tm.Condition(batch, batch))[: len(example)]
        free = {"dynamic_shapes": shapes}
    names = names if len(example) > 1 else names[:1]
    torch.onnx.export(model, example, path, input_names=names, dynamo=dynamo, **free)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = inputs(model, digits[0], 7)
    tensors = given if len(given) == 1 else (given[0], *given[1])
    wanted = {i.name for i in session.get_inputs()}
    feed = {n: t.numpy() for n, t in zip(names, tensors, strict=True) if n in wanted}
    (logits,) = session.run(None, feed)
    torch.testing.assert_close(
        torch.from_numpy(logits), model(*given), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("first", ["meta", "export", "meta device"])
@pytest.mark.parametrize("depth", [1, gates.MATRIX_DEPTH, gates.MATRIX_DEPTH + 1])
def test_a_first_forward_elsewhere_does_not_spoil_a_later_one(first, depth):
    gate, h = tm.TreeGate(6, depth).eval(), torch.randn(5, 6)
    if first == "export":
        torch.export.export(gate, (h,))
    elif first == "meta":
        tm.TreeGate(6, depth).to("meta")(h.to("meta"))
    else:
        with torch.device("meta"):
            tm.TreeGate(6, depth)(torch.zeros(5, 6))
    torch.testing.assert_close(gate(h).sum(1), torch.ones(5))
