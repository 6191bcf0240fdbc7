"""Training: the same every time, resumed bit for bit, and never half a file."""

import copy
import math
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from conftest import (
    closed_port,
    cpu_only,
    fingerprint,
    make,
    quick_fit,
    whole_thin_loss,
)

import thin_mini as tm
from thin_mini import training
from thin_mini.basics.checkpoints import Record
from thin_mini.data import DataError
from thin_mini.networks import Model

SCRIPT = """
import sys, torch, thin_mini as tm
from accelerate import Accelerator
torch.set_num_threads(1)
accelerator = Accelerator()
rank, both = accelerator.process_index, accelerator.num_processes
train, valid = tm.data.mnist_r(256, 128, source="digits")
model = tm.build("tree", 10, seed=rank)
history = tm.fit(model, train, epochs=2, batch_size=64, valid=valid, progress=False)
failing = tm.build("baseline", 10, seed=0)
if rank == 1:
    failing.head.register_forward_hook(lambda module, inputs, z: z * float("nan"))
try:
    tm.fit(failing, train, epochs=2, batch_size=64, progress=False)
except FloatingPointError as error:
    stopped = str(error)
torch.save({"n": both, "parameters": dict(model.named_parameters()),
            "buffers": dict(model.named_buffers()),
            "valid": history["valid"].tolist(), "sup": history["sup"].tolist(),
            "stopped": stopped}, f"{sys.argv[1]}/{rank}.pt")
"""


class Code:
    """What a pickle may hold: a call, made when the file is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def stop_at(monkeypatch, epoch):
    """Interrupt a run when it is about to keep what the ``epoch``-th has reached."""
    original, calls = Record.add, []

    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == epoch:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(Record, "add", wrapped)


@cpu_only("what is learned there is what is learned here")
@pytest.mark.parametrize("schedule", ["one-cycle", "constant"])
@pytest.mark.parametrize("row", ["baseline", "thin"])
def test_a_seed_decides_every_bit_of_the_result(row, schedule, exogenous, digits):
    prints = []
    for seed in (0, 0, 1):
        model = make(row, exogenous)
        torch.rand(seed + 3)  # whatever the global generator went through before
        quick_fit(model, digits[0], seed=seed, schedule=schedule)
        prints.append(fingerprint(model))
    assert prints[0] == prints[1] != prints[2]


@cpu_only("what is learned there is what is learned here")
@pytest.mark.parametrize("row", ["baseline", "simple", "tree", "thin", "oracle"])
def test_the_loss_goes_down_and_the_digits_are_learned(row, exogenous, digits):
    model = make(row, exogenous)
    history = quick_fit(model, digits[0], epochs=6)
    assert list(history.index) == [1, 2, 3, 4, 5, 6]
    assert history["sup"].iloc[-1] < 0.65 * history["sup"].iloc[0]
    assert tm.evaluate(model, digits[0]).accuracy > 60
    assert not model.training


@cpu_only("what is learned there is what is learned here")
def test_strong_dispelling_brings_the_similarity_down(exogenous, digits):
    last = {}
    for dispel in (1e-9, 5.0):
        history = quick_fit(make("thin", exogenous), digits[0], dispel=dispel, epochs=9)
        last[dispel] = history["sim"].iloc[-1]
    assert last[5.0] < 0.7 * last[1e-9]


def test_the_history_holds_the_two_terms_of_the_thin_loss(exogenous, moved):
    model, train = make("thin", exogenous), moved[0]
    before = copy.deepcopy(model).train()
    row = quick_fit(model, train, batch_size=len(train), dispel=0.3).loc[1]
    expected = whole_thin_loss(before, exogenous, train, 0.3)
    assert row["sup"] + 0.3 * row["sim"] == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("row", ["exogenous", "thin"])
def test_training_with_the_cached_condition_changes_nothing(
    row, exogenous, digits, monkeypatch
):
    cached, uncached = make(row, exogenous), make(row, exogenous)
    quick_fit(cached, digits[0])
    monkeypatch.setattr(training, "precompute", lambda *_: None)
    quick_fit(uncached, digits[0])
    others = dict(uncached.named_parameters())
    for name, a in cached.named_parameters():
        # Of a bias before a batch norm the gradient is rounding, which Adam enlarges.
        if not name.endswith(("linear.bias", "first.bias")):
            torch.testing.assert_close(a, others[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("with_valid", [False, True], ids=["", "valid"])
@pytest.mark.parametrize("schedule", ["one-cycle", "constant"])
@pytest.mark.parametrize("row", ["baseline", "thin"])
def test_an_interrupted_run_goes_on_to_the_same_bits(
    row, schedule, with_valid, exogenous, digits, tmp_path, monkeypatch
):
    path = tmp_path / "run.pt"
    recipe = {"epochs": 4, "schedule": schedule}
    recipe["valid"] = digits[1] if with_valid else None
    whole = make(row, exogenous)
    expected = quick_fit(whole, digits[0], **recipe)

    with monkeypatch.context() as patch:
        stop_at(patch, epoch=3)
        with pytest.raises(KeyboardInterrupt):
            quick_fit(make(row, exogenous), digits[0], checkpoint=path, **recipe)
    resumed = make(row, exogenous)  # its weights come from the file
    history = quick_fit(resumed, digits[0], checkpoint=path, **recipe)
    assert history.equals(expected)
    assert fingerprint(resumed) == fingerprint(whole)
    again = make(row, exogenous)  # a finished run is read, not repeated
    assert quick_fit(again, digits[0], checkpoint=path, **recipe).equals(expected)
    assert fingerprint(again) == fingerprint(whole)


def test_a_resumed_run_goes_on_with_the_same_random_draws(
    digits, tmp_path, monkeypatch
):
    models, path = [make("simple", None) for _ in range(3)], tmp_path / "run.pt"
    for model in models:
        model.encoder.layers.append(torch.nn.Dropout(0.3))
    quick_fit(models[0], digits[0], epochs=3)
    with monkeypatch.context() as patch:
        stop_at(patch, epoch=2)
        with pytest.raises(KeyboardInterrupt):
            quick_fit(models[1], digits[0], epochs=3, checkpoint=path)
    quick_fit(models[2], digits[0], epochs=3, checkpoint=path)
    assert fingerprint(models[2]) == fingerprint(models[0])


def test_a_checkpoint_does_not_change_the_result_and_leaves_one_file(digits, tmp_path):
    with_file, without = make("tree", None), make("tree", None)
    quick_fit(with_file, digits[0], epochs=2, checkpoint=tmp_path / "a" / "run.pt")
    quick_fit(without, digits[0], epochs=2)
    assert fingerprint(with_file) == fingerprint(without)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["run.pt"]


@pytest.mark.parametrize("row", ["baseline", "thin", "oracle"])
def test_an_interrupted_run_with_shifts_goes_on_to_the_same_bits(
    row, exogenous, digits, tmp_path, monkeypatch
):
    path, recipe = tmp_path / "run.pt", {"epochs": 3, "shift": 2, "valid": digits[1]}
    whole = make(row, exogenous)
    expected = quick_fit(whole, digits[0], **recipe)
    with monkeypatch.context() as patch:
        stop_at(patch, epoch=2)
        with pytest.raises(KeyboardInterrupt):
            quick_fit(make(row, exogenous), digits[0], checkpoint=path, **recipe)
    resumed = make(row, exogenous)
    assert quick_fit(resumed, digits[0], checkpoint=path, **recipe).equals(expected)
    assert fingerprint(resumed) == fingerprint(whole)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 2),
        ("batch_size", 32),
        ("lr", 0.01),
        ("schedule", "constant"),
        ("seed", 5),
        ("dispel", 0.5),
        ("shift", 1),
        ("data", "other"),
        ("valid", "other"),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused(
    key, value, exogenous, digits, tmp_path
):
    path, train = tmp_path / "run.pt", digits[0]
    quick_fit(make("thin", exogenous), train, checkpoint=path)
    changed = {} if value == "other" else {key: value}
    if key == "data":
        train = train.subset(torch.arange(len(train)).flip(0))
    if key == "valid":
        changed = {"valid": digits[1]}
    with pytest.raises(
        ValueError, match=rf"run\.pt was made by .*{key}.*name another file"
    ):
        quick_fit(make("thin", exogenous), train, checkpoint=path, **changed)


def changed_encoder():
    model = make("simple", None)
    with torch.no_grad():
        model.encoder.layers[0].weight[0, 0, 0, 0] += 1e-6
    return model


def half_frozen():
    model = make("simple", None)
    model.encoder.requires_grad_(False)
    return model


def with_dropout():
    model = make("simple", None)
    model.encoder.layers.append(torch.nn.Dropout(0.3))
    return model


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: make("simple", None, seed=1), "initial weights"),
        (changed_encoder, "initial weights"),
        (half_frozen, "architecture"),
        (with_dropout, "architecture"),
    ],
)
def test_a_checkpoint_knows_what_its_run_started_from(build, key, digits, tmp_path):
    path = tmp_path / "run.pt"
    quick_fit(make("simple", None), digits[0], checkpoint=path)
    model = build()
    before = fingerprint(model)
    with pytest.raises(ValueError, match=rf"run\.pt was made by another run \({key} "):
        quick_fit(model, digits[0], checkpoint=path)
    assert fingerprint(model) == before


def test_a_checkpoint_of_other_weights_says_how_to_go_on(digits, tmp_path):
    path = tmp_path / "run.pt"
    quick_fit(make("simple", None), digits[0], checkpoint=path)
    with pytest.raises(ValueError, match="build the model with the seed it had there"):
        quick_fit(make("simple", None, seed=1), digits[0], checkpoint=path)


@pytest.mark.parametrize("with_valid", [False, True], ids=["", "valid"])
def test_a_model_that_holds_the_checkpoints_weights_may_go_on(
    with_valid, digits, tmp_path
):
    path, model = tmp_path / "run.pt", make("simple", None)
    settings = {"epochs": 3, "valid": digits[1] if with_valid else None}
    first = quick_fit(model, digits[0], checkpoint=path, **settings)
    assert quick_fit(model, digits[0], checkpoint=path, **settings).equals(first)
    again = make("simple", None)
    assert quick_fit(again, digits[0], checkpoint=path, **settings).equals(first)


def test_an_oracle_with_another_table_is_another_run(digits, tmp_path):
    path = tmp_path / "run.pt"
    quick_fit(make("oracle", None), digits[0], checkpoint=path)
    other = make("oracle", None)
    other.context.table = other.context.table.flip(0)
    with pytest.raises(ValueError, match=r"made by another run \(context "):
        quick_fit(other, digits[0], checkpoint=path)


@pytest.mark.parametrize("other", ["tree", "baseline"])
def test_a_checkpoint_of_another_architecture_is_refused(other, digits, tmp_path):
    path = tmp_path / "run.pt"
    quick_fit(make("simple", None), digits[0], checkpoint=path)
    before = fingerprint(make(other, None))
    model = make(other, None)
    with pytest.raises(
        ValueError, match=r"run\.pt is of another arch.*\(.*name another file"
    ):
        quick_fit(model, digits[0], checkpoint=path)
    assert fingerprint(model) == before


def test_a_checkpoint_leaves_another_frozen_network_alone(exogenous, digits, tmp_path):
    path = tmp_path / "run.pt"
    quick_fit(make("thin", exogenous), digits[0], checkpoint=path)
    other = tm.ExogenousNetwork(tm.ConvEncoder(), 18).freeze()
    before = fingerprint(other)
    with suppress(ValueError):  # to refuse would be right as well
        quick_fit(make("thin", other), digits[0], checkpoint=path)
    assert fingerprint(other) == before


def damage(kind, path):
    if kind == "truncated":
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind in ("text", "empty"):
        path.write_text("not a checkpoint" if kind == "text" else "")
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "weights":
        torch.save(make("simple", None).state_dict(), path)
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind == "half":
        torch.save({"recipe": torch.load(path, weights_only=True)["recipe"]}, path)


@pytest.mark.parametrize(
    "kind",
    ["truncated", "text", "empty", "folder", "weights", "list", "half"],
)
def test_a_file_that_is_no_whole_checkpoint_is_refused_naming_it(
    kind, digits, tmp_path
):
    path = tmp_path / "run.pt"
    quick_fit(make("simple", None), digits[0], checkpoint=path)
    damage(kind, path)
    with pytest.raises(ValueError, match=r"run\.pt.*name another file"):
        quick_fit(make("simple", None), digits[0], checkpoint=path)


def test_code_inside_a_checkpoint_is_not_run(digits, tmp_path):
    path, trace = tmp_path / "run.pt", tmp_path / "trace"
    torch.save({"recipe": Code(trace)}, path)
    with pytest.raises(ValueError, match=r"run\.pt is no readable checkpoint"):
        quick_fit(make("simple", None), digits[0], checkpoint=path)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the file does hold what it should
    assert trace.exists()


HOLD = """
import sys
from pathlib import Path
from thin_mini.basics.locks import claim
with claim(Path(sys.argv[1]), file=True):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_kept_off_a_checkpoint(digits, tmp_path):
    path = tmp_path / "run.pt"
    settings = {"epochs": 2, "checkpoint": path}
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout.readline() == "held\n"
    path.write_bytes(b"being trained")
    for name in (path, tmp_path / "." / "run.pt"):
        with pytest.raises(
            DataError, match=r"another process is training with .*run\.pt now: wait"
        ):
            quick_fit(make("simple", None), digits[0], checkpoint=name)
    assert path.read_bytes() == b"being trained"
    assert first.poll() is None
    quick_fit(make("simple", None), digits[0], checkpoint=tmp_path / "other.pt")
    path.unlink()
    first.kill()
    first.wait()
    left = {".run.pt.lock", ".run.pt.1234abcd.part"}  # by a kill in the middle
    (tmp_path / ".run.pt.1234abcd.part").write_bytes(b"half")
    assert left < {file.name for file in tmp_path.iterdir()}
    quick_fit(make("simple", None), digits[0], **settings)
    assert {file.name for file in tmp_path.iterdir()} == {"run.pt", "other.pt"}


def test_a_training_that_stops_gives_its_checkpoint_free(digits, tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    stop_at(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        quick_fit(make("simple", None), digits[0], epochs=2, checkpoint=path)
    assert {file.name for file in tmp_path.iterdir()} <= {"run.pt"}


def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_else(
    digits, tmp_path, monkeypatch
):
    path, whole, save = tmp_path / "run.pt", [], torch.save

    def full(state, file):
        if whole:
            file.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(state, file)
        whole.append(file.read_bytes())

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match=r"No space left.*free some space"):
        quick_fit(make("simple", None), digits[0], epochs=3, checkpoint=path)
    assert path.read_bytes() == whole[0]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_named(digits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write to .*file.*choose another"):
        quick_fit(make("simple", None), digits[0], checkpoint=tmp_path / "file" / "a")


@pytest.mark.parametrize("best", [1, 2, 3])
def test_the_weights_of_the_best_validation_epoch_are_kept(best, digits, monkeypatch):
    seen = []

    def pretend(model, dataset, condition=None):
        seen.append(fingerprint(model))
        return SimpleNamespace(accuracy=80.0 if len(seen) >= best else 20.0)

    monkeypatch.setattr(training, "evaluate", pretend)
    model = make("tree", None)
    history = quick_fit(model, digits[0], epochs=3, valid=digits[1])
    assert history["valid"].tolist() == [20.0] * (best - 1) + [80.0] * (4 - best)
    assert fingerprint(model) == seen[best - 1]  # the first of equals
    assert len(set(seen)) == 3


def test_the_frozen_network_sees_each_image_once_in_all_epochs(
    exogenous, digits, monkeypatch
):
    seen = []
    original = tm.ExogenousNetwork.condition

    def counting(self, images, exo=None):
        seen.append(len(images))
        return original(self, images, exo)

    monkeypatch.setattr(tm.ExogenousNetwork, "condition", counting)
    quick_fit(make("thin", exogenous), digits[0], epochs=3, valid=digits[1])
    assert sum(seen) == len(digits[0]) + len(digits[1])


def spy(monkeypatch, cls, name):
    """A list that the first tensor of every call of a method goes to."""
    seen, original = [], getattr(cls, name)

    def watched(self, images, *rest):
        seen.append(images)
        return original(self, images, *rest)

    monkeypatch.setattr(cls, name, watched)
    return seen


def test_encoder_and_frozen_network_see_an_image_equally_shifted(
    exogenous, moved, monkeypatch
):
    frozen = spy(monkeypatch, tm.ExogenousNetwork, "condition")
    task = spy(monkeypatch, Model, "losses")
    quick_fit(make("exogenous", exogenous), moved[0], shift=2)
    assert len(task) == len(frozen) == 4
    assert all(torch.equal(a, b) for a, b in zip(task, frozen, strict=True))
    assert not any(torch.equal(image, moved[0].images[0]) for image in task[0])


def test_an_oracle_is_told_the_same_labels_with_shifts(digits, monkeypatch):
    seen, original = [], Model.losses

    def watched(self, images, target, condition, dispel):
        seen.append(condition.h_g.argmax(1))
        return original(self, images, target, condition, dispel)

    monkeypatch.setattr(Model, "losses", watched)
    for shift in (0, 2):
        quick_fit(make("oracle", None), digits[0], shift=shift)
    assert torch.equal(torch.cat(seen[:4]), torch.cat(seen[4:]))


def test_images_move_anew_in_every_epoch_by_up_to_the_shift(digits, monkeypatch):
    seen, original = [], training.draw_offsets

    def watched(*args):
        seen.append(original(*args))
        return seen[-1]

    monkeypatch.setattr(training, "draw_offsets", watched)
    for seed in (0, 0, 1):
        quick_fit(make("baseline", None), digits[0], epochs=2, shift=2, seed=seed)
    first, second, again, _, other_seed, _ = seen
    assert first.shape == (len(digits[0]), 2)
    assert first.unique().tolist() == [-2, -1, 0, 1, 2]
    assert torch.equal(first, again)
    for other in (second, other_seed):
        assert not torch.equal(first, other)


@pytest.mark.parametrize("shift", [0, 3])
def test_the_validation_column_is_the_accuracy_that_evaluate_gives(shift, digits):
    model = make("simple", None)
    history = quick_fit(model, digits[0], epochs=3, valid=digits[1], shift=shift)
    assert history["valid"].max() == tm.evaluate(model, digits[1]).accuracy


def test_a_loss_that_is_no_number_stops_training_naming_the_epoch(digits):
    model = make("baseline", None)
    model.head.last.bias.data[0] = math.nan
    with pytest.raises(FloatingPointError, match=r"nan in epoch 1: lower lr .*0\.003"):
        quick_fit(model, digits[0])
    model = make("baseline", None)
    with pytest.raises(FloatingPointError, match=r"epoch 2: lower lr \(now 1e\+30\)"):
        quick_fit(
            model, digits[0], batch_size=256, epochs=3, lr=1e30, schedule="constant"
        )


def test_a_batch_larger_than_the_data_is_the_whole_data(digits):
    a, b = make("tree", None), make("tree", None)
    quick_fit(a, digits[0], batch_size=10_000)
    quick_fit(b, digits[0], batch_size=256)
    assert fingerprint(a) == fingerprint(b)


def test_every_epoch_shows_each_image_at_most_once_in_an_order_of_its_own():
    one = SimpleNamespace(process_index=0, num_processes=1, device="cpu")
    orders = [torch.cat(list(training.batches(10, 4, 0, e, one))) for e in (0, 1, 0)]
    assert all(len(set(o.tolist())) == 8 for o in orders)
    assert torch.equal(orders[0], orders[2])
    assert not torch.equal(orders[0], orders[1])


def test_processes_divide_a_batch_between_them():
    ranks = [SimpleNamespace(process_index=r, num_processes=2, device="cpu")
             for r in (0, 1)]  # fmt: skip
    one = SimpleNamespace(process_index=0, num_processes=1, device="cpu")
    shares = [list(training.batches(12, 4, 0, 0, rank)) for rank in ranks]
    for whole, a, b in zip(training.batches(12, 4, 0, 0, one), *shares, strict=True):
        assert sorted(torch.cat([a, b]).tolist()) == sorted(whole.tolist())
        assert len(a) == len(b) == 2


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What two processes on one CPU hold after training together."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "script.py").write_text(SCRIPT)
    shared = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(closed_port())}
    if sys.platform == "linux":
        shared["GLOO_SOCKET_IFNAME"] = "lo"
    processes = [  # what torchrun would start
        subprocess.Popen(
            [sys.executable, str(folder / "script.py"), str(folder)],
            env={**shared, "RANK": r, "LOCAL_RANK": r, "WORLD_SIZE": "2"},
        )
        for r in "01"
    ]
    try:
        assert [p.wait(timeout=120) for p in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f"{r}.pt", weights_only=True) for r in (0, 1)]


@cpu_only("processes on the CPU")
def test_two_processes_end_with_equal_parameters_and_losses(ranks):
    a, b = ranks
    assert a["n"] == b["n"] == 2
    assert a["sup"] == b["sup"]
    assert a["sup"][1] < a["sup"][0]
    for name, value in a["parameters"].items():
        assert torch.equal(value, b["parameters"][name]), name


@cpu_only("processes on the CPU")
def test_a_loss_that_is_no_number_on_one_process_stops_both(ranks):
    assert ranks[0]["stopped"] == ranks[1]["stopped"]
    assert ranks[0]["stopped"].startswith("the loss became nan in epoch 1: lower lr")


@cpu_only("processes on the CPU")
def test_two_processes_end_with_equal_running_statistics(ranks):
    a, b = ranks
    for name, value in a["buffers"].items():
        assert torch.equal(value, b["buffers"][name]), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": 2.5}, r"epochs must be a whole number, got 2\.5"),
        ({"epochs": True}, "epochs must be a whole number, got True"),
        ({"batch_size": 32.0}, r"batch_size must be a whole number, got 32\.0"),
        ({"lr": "0.1"}, r"lr must be a number, got '0\.1'"),
        ({"dispel": -1}, r"dispel \(λ\) must be a number from 0 up, got -1"),
        ({"dispel": "0.1"}, r"dispel \(λ\) must be a number, got '0\.1'"),
        ({"shift": 1.5}, r"shift must be a whole number, got 1\.5"),
        ({"seed": -1}, "seed must lie between 0 and 4294967295, got -1"),
        ({"seed": 0.5}, r"seed must be a whole number, got 0\.5"),
        ({"batch_size": 1}, "at least 2 images in a batch, got batch_size=1"),
        ({"dispel": -0.1}, r"dispel \(λ\) must be a number from 0 up, got -0\.1"),
        ({"dispel": math.nan}, r"dispel .*got nan"),
        ({"dispel": math.inf}, r"dispel .*got inf"),
        ({"lr": 0}, "lr must be a number above 0, got 0"),
        ({"lr": math.nan}, "lr must be a number above 0, got nan"),
        (
            {"schedule": "cosine"},
            "one of one-cycle, constant, got 'cosine'",
        ),
        ({"shift": -1}, r"at least 0 pixels and less .*width, 28, got -1"),
        ({"shift": 28}, r"less than the image's width, 28, got 28"),
    ],
)
def test_fit_refuses_naming_the_value(arguments, message, digits):
    with pytest.raises(ValueError, match=message):
        quick_fit(make("simple", None), digits[0], **arguments)


def test_what_is_no_model_or_no_data_set_is_refused_naming_the_mend(digits):
    model = make("simple", None)
    for function in (quick_fit, tm.evaluate, tm.precompute):
        with pytest.raises(TypeError, match="dataset is a tuple: pass one data set"):
            function(model, digits)
    for function in (quick_fit, tm.evaluate):
        with pytest.raises(TypeError, match=r"model is a Linear: pass what tm\.build"):
            function(torch.nn.Linear(3, 3), digits[0])


def test_a_validation_set_that_does_not_fit_is_refused_before_any_step(digits):
    model, (train, test) = make("simple", None), digits
    before = fingerprint(model)
    small = replace(test, images=test.images[:, :, 2:-2, 2:-2])
    for valid, message in (
        (test.exogenous(), "has 10 classes and the data 18"),
        (small, r"valid are \(1, 24, 24\) and those to train on \(1, 28, 28\)"),
    ):
        with pytest.raises(ValueError, match=message):
            quick_fit(model, train, valid=valid)
    assert fingerprint(model) == before


@pytest.mark.parametrize("dispel", [-1, -1e-9, math.nan, math.inf, True, "much"])
def test_a_lambda_that_is_none_is_refused_wherever_it_enters(dispel, exogenous, digits):
    model, images = make("thin", exogenous), digits[0].images[:4]
    target, z = digits[0].target[:4], torch.randn(4, 18)
    model.dispel = dispel
    for enter in (
        lambda: quick_fit(model, digits[0]),
        lambda: quick_fit(make("thin", exogenous), digits[0], dispel=dispel),
        lambda: training.Losses(model, dispel),
        lambda: model.losses(images, target, dispel=dispel),
        lambda: tm.thin_loss(torch.randn(4, 10), target, z, z, dispel),
        lambda: tm.GatedEnsemble(
            model.encoder, model.experts, model.gate, exogenous, dispel
        ),
    ):
        with pytest.raises(ValueError, match=r"dispel \(λ\) must be a number"):
            enter()


@pytest.mark.parametrize("rows", [1, 3, 5])
def test_a_condition_of_other_images_is_refused(rows, exogenous, moved):
    model, train = make("thin", exogenous), moved[0]
    other = model.context.condition(train.images[:rows])
    for call in (
        lambda: model(train.images[:4], other),
        lambda: model.losses(train.images[:4], train.target[:4], other, 0.5),
    ):
        with pytest.raises(
            ValueError, match=f"4 images but a condition of {rows} rows"
        ):
            call()
    with pytest.raises(ValueError, match=f"256 images but a condition of {rows} rows"):
        tm.evaluate(model, train, condition=other)


def test_a_model_without_a_context_takes_no_condition(exogenous, moved):
    condition = exogenous.condition(moved[0].images[:4])
    with pytest.raises(ValueError, match="has no exogenous side: call it without"):
        make("tree", None)(moved[0].images[:4], condition)


def test_fit_refuses_a_single_image(digits):
    with pytest.raises(ValueError, match="batch_size=64, 1 images"):
        quick_fit(make("simple", None), digits[0].subset(slice(1)))


def test_fit_refuses_data_with_other_classes_than_the_model(digits):
    with pytest.raises(ValueError, match=r"has 10 classes and the data 18: build"):
        quick_fit(make("simple", None), digits[0].exogenous())


def test_fit_refuses_a_model_that_is_all_frozen(exogenous, digits):
    with pytest.raises(ValueError, match="nothing to train: every parameter"):
        quick_fit(exogenous, digits[0].exogenous())


@pytest.mark.parametrize("row", ["baseline", "simple", "tree", "oracle"])
def test_fit_refuses_to_dispel_without_an_exogenous_network(row, digits):
    with pytest.raises(ValueError, match=r"dispel=0\.1 needs a model with a frozen"):
        quick_fit(make(row, None), digits[0], dispel=0.1)


def test_fit_refuses_images_of_another_size(digits):
    small = replace(digits[0], images=digits[0].images[:, :, 2:-2, 2:-2])
    with pytest.raises(ValueError, match=r"\(N, 1, 28, 28\), got \(64, 1, 24, 24\)"):
        quick_fit(make("simple", None), small)
