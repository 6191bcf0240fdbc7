"""Training at scale: the same result whatever is killed, shared out or too small."""

import faulthandler
import math
import os
import random
import shutil
import signal
import traceback
import warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate import Accelerator, notebook_launcher
from accelerate.state import AcceleratorState, PartialState
from conftest import closed_port, cpu_only, fingerprint, noisy_faces
from torch import nn

import thin_mini as tm
from thin_mini.data import DataError, Pictures, class_batches
from thin_mini.large import preflight, scaling
from thin_mini.large.feed import Feed
from thin_mini.large.microbatch import MicroBatches
from thin_mini.large.scaling import predict, train
from thin_mini.large.settings import Settings

SIZE = 8
LOSSES = ["sup", "sim", "valid"]
needs_fork = pytest.mark.skipif(
    "sys.platform != 'linux' or config.getoption('second_device')",
    reason="needs fork, and processes on the CPU",
)


def encoder():
    return tm.ConvEncoder(3, SIZE, (4,))


def thin(seed=0, norm=True, dropout=0.0):
    torch.manual_seed(7)
    frozen = tm.ExogenousNetwork(encoder(), 5, hidden=6).freeze()
    torch.manual_seed(seed)
    model = tm.build(
        "thin", 7, exogenous=frozen, encoder=encoder(), n_experts=2, hidden=5, seed=seed
    )
    if dropout:
        model.encoder.layers.append(nn.Dropout(dropout))
    for part in () if norm else (model.encoder, model.experts, model.gate):
        without_norm(part)
    return model


def without_norm(module):
    for name, child in module.named_children():
        if "BatchNorm" in type(child).__name__:
            setattr(module, name, nn.Identity())
        else:
            without_norm(child)


DATA, VALID = noisy_faces(40, SIZE, 0), noisy_faces(14, SIZE, 1)
CHANGED = noisy_faces(40, SIZE, 0, augment=True)
quick = partial(
    train, steps=6, every=4, batch_size=8, lr=3e-3, dispel=0.3, progress=False
)


def log(folder):
    exact = {"index_col": "step", "float_precision": "round_trip"}
    return pd.read_csv(folder / "log.csv", **exact)[LOSSES]


def place(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)["place"]


def child(function):
    """A forked process that runs a function, and dies if it hangs."""
    pid = os.fork()
    if pid == 0:
        faulthandler.dump_traceback_later(100, exit=True)
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ending(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def as_in_a_new_process(**variables):
    """Undo what a forked process inherits, and set what a launcher would."""
    os.environ.update(OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo", **variables)
    AcceleratorState._shared_state.clear()
    PartialState._shared_state.clear()


def as_torchrun(function, folder):
    """What two processes return that see the variables torchrun sets."""
    port = str(closed_port())

    def one(rank):
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
        as_in_a_new_process(**shared, RANK=rank, LOCAL_RANK=rank)
        torch.save(function(int(rank)), folder / f"{rank}.pt")

    pids = [child(partial(one, rank)) for rank in "01"]
    assert [ending(pid) for pid in pids] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in "01"]


def no_more_than(n):
    """A hook that makes a module fail as a GPU does with more than n images."""

    def hook(module, inputs):
        if module.training and len(inputs[0]) > n:
            raise torch.OutOfMemoryError(f"{len(inputs[0])} images are too many")

    return hook


def test_a_run_learns_and_logs_every_interval_and_the_end(tmp_path):
    model = thin()
    history = quick(model, DATA, VALID, folder=tmp_path, steps=90, every=40)
    assert list(history.index) == [40, 80, 90]
    assert history["sup"].iloc[-1] < 0.9 * history["sup"].iloc[0]
    assert (history["images_per_second"] > 0).all()
    assert log(tmp_path).equals(history[LOSSES])
    assert not model.training
    right = predict(model, VALID, n=5).argmax(1) == VALID.files.target
    assert history["valid"].max() == pytest.approx(100 * right.double().mean().item())


def test_a_seed_decides_every_bit_and_workers_change_none(tmp_path):
    prints = []
    for i, options in enumerate([{}, {"workers": 1}, {"seed": 1}]):
        torch.rand(i + 3)
        model = thin()
        quick(model, CHANGED, VALID, folder=tmp_path / str(i), **options)
        prints.append(fingerprint(model))
    assert prints[0] == prints[1] != prints[2]


@needs_fork
@pytest.mark.parametrize("data", [DATA, CHANGED], ids=["cached", "augmented"])
def test_killed_at_any_step_again_and_again_it_ends_at_the_same_bits(
    data, tmp_path, monkeypatch
):
    make, settings = partial(thin, dropout=0.3), {"steps": 12, "every": 3}
    whole = make()
    quick(whole, data, VALID, folder=tmp_path / "whole", **settings)
    killed, endings = tmp_path / "killed", []

    def run(left):
        passes, save = MicroBatches.__call__, torch.save

        def mortal(self, *args):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return passes(self, *args)

        def half(state, path):
            save(state, path)
            if left == 0:  # dies while it writes
                os.truncate(path, os.path.getsize(path) // 2)
                os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(MicroBatches, "__call__", mortal)
        monkeypatch.setattr(torch, "save", half)
        quick(make(), data, VALID, folder=killed, **settings)

    lives = random.Random(0)
    # Once without a step, once while writing, then at random.
    for left in [1, 3, *(lives.randint(2, 7) for _ in range(20))]:
        endings.append(ending(child(partial(run, left))))
        if endings[-1] == 0:
            break
    assert set(endings) == {0, -signal.SIGKILL}
    assert len(endings) > 3
    assert log(killed).equals(log(tmp_path / "whole"))
    assert sorted(p.name for p in killed.glob("*.*")) == ["checkpoint.pt", "log.csv"]
    resumed = make()  # its weights come from the file
    quick(resumed, data, VALID, folder=killed, **settings)
    assert fingerprint(resumed) == fingerprint(whole)


def test_more_steps_later_are_the_steps_of_one_long_run(tmp_path):
    long, short = thin(), thin()
    quick(long, CHANGED, VALID, folder=tmp_path / "long", steps=8)
    for steps in (4, 8):
        quick(short, CHANGED, VALID, folder=tmp_path / "short", steps=steps)
    assert log(tmp_path / "short").equals(log(tmp_path / "long"))
    assert fingerprint(short) == fingerprint(long)
    with pytest.raises(ValueError, match=r"done 8 steps: ask for at least .*is 5"):
        quick(thin(), CHANGED, VALID, folder=tmp_path / "long", steps=5)


def test_a_log_is_cut_back_to_the_checkpoint_and_a_run_can_start_anew(tmp_path):
    first = quick(thin(), DATA, VALID, folder=tmp_path)
    before = (tmp_path / "log.csv").read_text()
    with (tmp_path / "log.csv").open("a") as file:
        file.write("12,0,0,0,0\n")
    quick(thin(), DATA, VALID, folder=tmp_path)
    assert (tmp_path / "log.csv").read_text() == before
    again = quick(thin(), DATA, VALID, folder=tmp_path, lr=0.1, resume=False)
    assert not first[LOSSES].equals(again[LOSSES])


@needs_fork
def test_two_processes_do_what_one_does(tmp_path):
    def run(rank):
        model = thin(norm=False)
        torch.rand(rank)  # what the processes went through before
        # Shares of 5 and of 4 images, and of both an odd and an even piece.
        settings = {"batch_size": 9, "accumulate": 2}
        quick(model, CHANGED, VALID, folder=tmp_path / "two", **settings)
        return dict(model.state_dict())

    a, b = as_torchrun(run, tmp_path)
    one = thin(norm=False)
    quick(one, CHANGED, VALID, folder=tmp_path / "one", batch_size=9)
    for name, value in one.state_dict().items():
        assert torch.equal(a[name], b[name]), name
        torch.testing.assert_close(a[name], value, rtol=1e-3, atol=2e-4)
    two = log(tmp_path / "two")
    pd.testing.assert_frame_equal(two, log(tmp_path / "one"), rtol=1e-4)


@needs_fork
def test_a_notebook_starts_two_processes_as_well(tmp_path):
    def run(folder):
        quick(thin(norm=False), DATA, VALID, folder=Path(folder))

    def notebook():
        as_in_a_new_process()
        port, folder = str(closed_port()), str(tmp_path / "two")
        notebook_launcher(run, (folder,), num_processes=2, use_port=port)

    assert ending(child(notebook)) == 0
    notebook_launcher(run, (str(tmp_path / "one"),), num_processes=1)
    two = log(tmp_path / "two")
    pd.testing.assert_frame_equal(two, log(tmp_path / "one"), rtol=1e-4)


@needs_fork
def test_two_processes_stop_together_and_find_micro_batches_together(tmp_path):
    passes, rehearse = MicroBatches._passes, MicroBatches.rehearse

    def failing(rank):
        steps = []

        def spoiled(self, *args):
            steps.append(1)
            means = passes(self, *args)
            return means * math.nan if len(steps) == 6 and rank == 1 else means

        MicroBatches._passes = spoiled
        with pytest.raises(FloatingPointError) as error:
            quick(thin(), DATA, VALID, folder=tmp_path / "nan")
        MicroBatches._passes = passes
        return str(error.value)

    def changed_by_the_rehearsal(self, *args):
        before = fingerprint(self.losses), torch.get_rng_state().tolist()
        rehearse(self, *args)
        assert before == (fingerprint(self.losses), torch.get_rng_state().tolist())
        assert all(p.grad is None for p in self.losses.parameters())

    def cramped(rank, n, folder):
        """Train with room for n images on the second process."""
        MicroBatches.rehearse = changed_by_the_rehearsal
        model = thin()
        if rank == 1:
            model.experts.register_forward_pre_hook(no_more_than(n))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            quick(model, DATA, VALID, folder=folder)
        said = [str(w.message) for w in caught if "memory" in str(w.message)]
        return said, fingerprint(model)

    def run(rank):
        with_nan, little = failing(rank), cramped(rank, 3, tmp_path / "memory")
        with pytest.raises(MemoryError) as error:
            cramped(rank, 1, tmp_path / "none")
        return {"nan": with_nan, "little": little, "none": str(error.value)}

    a, b = as_torchrun(run, tmp_path)
    assert a["nan"] == b["nan"]
    assert a["nan"].startswith("the loss became nan in step 6: lower lr (now 0.003)")
    assert a["nan"].endswith("checkpoint.pt is kept")
    assert place(tmp_path / "nan")["step"] == 4
    (said, first), (silence, second) = a["little"], b["little"]
    assert (len(said), len(silence)) == (1, 0)
    assert "2 micro-batches to a step, each of about 2 images" in said[0]
    assert first == second  # running statistics as well
    assert place(tmp_path / "memory") == {"step": 6, "pieces": 2}
    assert a["none"] == b["none"]
    assert "batch norm needs 2: take smaller images" in a["none"]


def test_micro_batches_add_up_to_the_batch(tmp_path):
    whole, cut = thin(norm=False), thin(norm=False)
    quick(whole, DATA, VALID, folder=tmp_path / "whole")
    quick(cut, DATA, VALID, folder=tmp_path / "cut", accumulate=3)  # 3, 3 and 2
    for a, b in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-4)


def test_processes_talk_only_with_the_last_micro_batch():
    silent, seen, losses = [False], [], nn.Linear(1, 2)

    class Quiet:
        def __init__(self, module):
            pass

        def __enter__(self):
            silent[0] = True

        def __exit__(self, *_):
            silent[0] = False

    def forward(images, target, condition):
        seen.append(silent[0])
        return losses(images.mean().view(1, 1))[0].unbind()

    processes = SimpleNamespace(
        num_processes=1,
        device=torch.device("cpu"),
        no_sync=Quiet,
        backward=lambda loss: loss.backward(),
        reduce=lambda value, how: value,
    )
    losses.dispel = 0.1
    micro = MicroBatches(losses, 8, 4, processes)
    micro.prepared = forward
    micro(torch.rand(8, 3, 4, 4), torch.zeros(8), None, 1)
    assert seen == [True, True, True, False]


@pytest.mark.parametrize("part", ["encoder", "experts"])
def test_out_of_memory_halves_the_micro_batch_says_so_once_and_loses_no_step(
    part, tmp_path, monkeypatch
):
    # Both ask the frozen side about two images at a time: on some processors the last
    # bits of an answer depend on how many are asked about together.
    monkeypatch.setattr(MicroBatches, "size", property(lambda self: 2))
    poor, asked = thin(dropout=0.3), thin(dropout=0.3)
    getattr(poor, part).register_forward_pre_hook(no_more_than(2))
    with pytest.warns(
        UserWarning, match="out of memory: continuing with 4 mic"
    ) as said:
        quick(poor, DATA, VALID, folder=tmp_path / "poor")
    assert len([w for w in said if "memory" in str(w.message)]) == 1
    quick(asked, DATA, VALID, folder=tmp_path / "asked", accumulate=4)
    # Not bit for bit: some versions of PyTorch sum the halves in another order.
    losses = [log(tmp_path / name)[["sup", "sim"]] for name in ("poor", "asked")]
    np.testing.assert_allclose(*losses, rtol=1e-3)
    assert fingerprint(poor) == fingerprint(asked)
    assert place(tmp_path / "poor") == {"step": 6, "pieces": 4}


def test_without_memory_for_two_images_there_is_a_clear_error(tmp_path):
    model = thin()
    model.encoder.register_forward_pre_hook(no_more_than(1))
    with pytest.raises(MemoryError, match=r"with 2 images in .*norm needs 2: take"):
        quick(model, DATA, VALID, folder=tmp_path)


def test_one_of_several_processes_cannot_go_on_alone():
    losses = nn.BatchNorm1d(1)
    processes = SimpleNamespace(num_processes=2, process_index=1)
    micro = MicroBatches(losses, 16, 2, processes)
    micro._passes = lambda *_: no_more_than(0)(losses, [[1]])
    with pytest.raises(MemoryError, match=r"process 1 at step 9: .* accumulate=4 \("):
        micro(None, None, None, 9)


def test_another_error_is_not_taken_for_lack_of_memory(tmp_path):
    model = thin()

    def fail(module, inputs):
        raise RuntimeError("something else")

    model.experts.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="something else"):
        quick(model, DATA, VALID, folder=tmp_path)


def test_weights_that_are_no_numbers_are_never_saved(tmp_path, monkeypatch):
    model, step = thin(), torch.optim.Adam.step
    done = []

    def ruin(self, *args, **kwargs):
        done.append(1)
        step(self, *args, **kwargs)
        if len(done) == 8:  # the losses of all eight steps were fine
            model.experts.bias.data[:] = math.nan

    monkeypatch.setattr(torch.optim.Adam, "step", ruin)
    with pytest.raises(FloatingPointError, match=r"experts.bias became nan in step 8"):
        quick(model, DATA, VALID, folder=tmp_path, steps=9)
    assert place(tmp_path)["step"] == 4
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert all(value.isfinite().all() for value in saved["model"].values())


@pytest.mark.parametrize(
    ("data", "steps", "seen"),
    [
        (DATA, 6, 40),  # 48 images are asked for, and there are 40
        (DATA, 4, 32),
        (CHANGED, 6, 48),
    ],
)
def test_the_frozen_side_sees_no_image_twice_without_need(
    data, steps, seen, tmp_path, monkeypatch
):
    images, original = [], tm.ExogenousNetwork.condition

    def counting(self, batch, exo=None):
        images.append(len(batch))
        return original(self, batch, exo)

    monkeypatch.setattr(tm.ExogenousNetwork, "condition", counting)
    quick(thin(), data, VALID, folder=tmp_path, steps=steps)
    assert sum(images) == seen + len(VALID)


def test_a_cached_condition_changes_nothing(tmp_path):
    for name, steps in (("cached", 5), ("uncached", 4)):  # 40 images are 5 batches
        quick(thin(), DATA, VALID, folder=tmp_path / name, steps=steps)
    rows = [log(tmp_path / name).loc[[4]] for name in ("cached", "uncached")]
    pd.testing.assert_frame_equal(*rows, rtol=1e-4)


def test_the_checkpoint_leaves_the_frozen_side_out_but_knows_it(tmp_path):
    quick(thin(), DATA, VALID, folder=tmp_path)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["model"].keys() == saved["best"].keys()
    assert not any(name.startswith("context") for name in saved["model"])
    other = thin()
    other.context.head.last.bias.data += 1
    with pytest.raises(ValueError, match=r"made by another run \(context"):
        quick(other, DATA, VALID, folder=tmp_path)


@pytest.mark.parametrize("best", [1, 2])
def test_the_weights_of_the_best_validation_are_kept(best, tmp_path, monkeypatch):
    prints = []

    def pretend(self, known):
        prints.append(fingerprint(self.model))
        wrong = nn.functional.one_hot((VALID.files.target + 1) % 7, 7)
        right = nn.functional.one_hot(VALID.files.target, 7)
        return right if len(prints) >= best else wrong

    monkeypatch.setattr(scaling.LongRun, "logits", pretend)
    model = thin()
    history = quick(model, DATA, VALID, folder=tmp_path, every=2)
    assert history["valid"].tolist() == [0.0] * (best - 1) + [100.0] * (4 - best)
    assert fingerprint(model) == prints[best - 1]  # the first of equals
    assert len(set(prints)) == 3


def test_tensorboard_shows_the_log(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    quick(thin(), DATA, VALID, folder=tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("sup")] == [4, 6]
    values = [event.value for event in events.Scalars("valid")]
    assert values == pytest.approx(log(tmp_path)["valid"].tolist())


def test_it_works_without_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "is_tensorboard_available", lambda: False)
    quick(thin(), DATA, VALID, folder=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.pt", "log.csv"]


@cpu_only("accelerate knows no pretended device")
def test_bfloat16_computes_nearly_the_same_and_is_forgotten_afterwards(tmp_path):
    left_behind = Accelerator()  # as by fit
    full = quick(thin(), DATA, VALID, folder=tmp_path / "full")
    inputs = []
    model = thin()
    model.experts.register_forward_pre_hook(lambda m, h: inputs.append(h[0].dtype))
    half = quick(model, DATA, VALID, folder=tmp_path / "half", mixed_precision="bf16")
    assert torch.bfloat16 in inputs
    assert half["sup"].tolist() == pytest.approx(full["sup"].tolist(), rel=0.03)
    assert half["sup"].tolist() != full["sup"].tolist()
    assert left_behind.mixed_precision == Accelerator().mixed_precision == "no"


def test_images_arrive_channels_last_and_the_model_is_compiled_if_asked(
    tmp_path, monkeypatch
):
    compiled, layouts, model = [], [], thin()
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(self))
    layout = torch.channels_last
    model.encoder.register_forward_pre_hook(
        lambda m, x: layouts.append(x[0].is_contiguous(memory_format=layout))
    )
    quick(model, DATA, VALID, folder=tmp_path, compile=True)
    assert all(layouts)
    assert [type(module).__name__ for module in compiled] == ["Losses"]


def test_classes_come_in_turn_if_asked():
    files = DATA.files.subset(torch.tensor([*range(7), *range(0, 40, 7)]).cpu())
    data = Pictures(files, SIZE)
    steps = list(Feed(Accelerator(), 4, balanced=True, seed=3).steps(data, 2, 4))
    assert [step for step, *_ in steps] == [2, 3, 4]
    for step, (index, images, target) in steps:
        assert torch.equal(index, class_batches(files.target, 4, 3, step - 1))
        assert torch.equal(target, files.target[index])
        assert torch.equal(images[0], data[0, int(index[0])][0])


def test_processes_divide_a_batch_and_its_images_come_from_its_step():
    one, *two = (
        Feed(SimpleNamespace(process_index=r, num_processes=n), 9)
        for r, n in ((0, 1), (0, 2), (1, 2))
    )
    for step in (1, 7):
        shares = [feed.share(CHANGED, step).tolist() for feed in two]
        assert [len(share) for share in shares] == [5, 4]
        together = sorted(shares[0] + shares[1])
        assert together == sorted(one.share(CHANGED, step).tolist())
    (_, (index, images, _)), *_ = Feed(Accelerator(), 4).steps(CHANGED, 7, 9)
    expected = torch.stack([CHANGED[7, i][0] for i in index.tolist()])
    assert torch.equal(images, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch_size": 1}, "batch_size must be at least 2, got 1"),
        ({"batch_size": 41}, "batch_size=41 is more than the 40 training images"),
        ({"accumulate": 0}, "accumulate must be at least 1, got 0"),
        ({"accumulate": 5}, r"at least 2 images in a micro.*=8 .* and accumulate=5"),
        ({"workers": -1}, "workers must be at least 0, got -1"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"lr": math.nan}, "lr must be a number above 0, got nan"),
        ({"dispel": -1.0}, r"dispel \(λ\) must be a number from 0 up, got -1.0"),
        ({"mixed_precision": "fp8"}, r"one of no, bf16, got 'fp8'"),
        ({"device": "tpu"}, "device='tpu': device must be one of auto, cpu, cuda"),
        (
            {"device": "cuda"},
            "device='cuda', but PyTorch sees .*look whether `nvidia-smi`",
        ),
        ({"valid": CHANGED}, "valid is augmented"),
        ({"valid": Pictures(VALID.files, 16)}, r"takes images \(3, 8, 8\) and valid"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(options, message, tmp_path):
    options = {"valid": VALID} | options
    with pytest.raises(ValueError, match=message):
        quick(thin(), DATA, folder=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_models_that_do_not_fit_are_refused(tmp_path):
    oracle = tm.build("oracle", 7, n_exo=5, encoder=encoder(), n_experts=2)
    few = tm.build("simple", 6, encoder=encoder(), n_experts=2)
    frozen = tm.ExogenousNetwork(encoder(), 7).freeze()
    for model, message in (
        (oracle, "an oracle would need the true people"),
        (few, "data has class 6 and the model 6 classes: build it with n_classes=7"),
        (frozen, "nothing to train"),
    ):
        with pytest.raises(ValueError, match=message):
            quick(model, DATA, VALID, folder=tmp_path)


def test_a_gpu_without_bfloat16_is_told_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    settings = Settings(mixed_precision="bf16", dispel=0)
    with pytest.raises(ValueError, match=r"capability 8\.0, and this one has 7\.5"):
        preflight.make_accelerator(torch.device("cuda"), settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [("lr", 0.1), ("batch_size", 6), ("seed", 4), ("balanced", True), ("every", 3)],
)
def test_a_folder_of_another_run_is_refused(key, value, tmp_path):
    if not (shared := tmp_path.parent / "of another run").exists():
        quick(thin(), DATA, VALID, folder=shared)
    with pytest.raises(ValueError, match=rf"made by another run \({key}.*name another"):
        quick(thin(), DATA, VALID, folder=shared, **{key: value})


def test_other_initial_weights_are_another_run(tmp_path):
    quick(thin(), DATA, VALID, folder=tmp_path)
    with pytest.raises(
        ValueError, match=r"made by another run \(initial weights .*seed"
    ):
        quick(thin(seed=1), DATA, VALID, folder=tmp_path)


def test_a_run_made_longer_is_still_the_run_of_its_first_weights(tmp_path):
    model = thin()
    for steps in (4, 6):  # the second time it starts from trained weights
        quick(model, DATA, VALID, folder=tmp_path, steps=steps)
    quick(thin(), DATA, VALID, folder=tmp_path, steps=8)


def test_other_pictures_are_another_run(tmp_path):
    quick(thin(), DATA, VALID, folder=tmp_path)
    with pytest.raises(ValueError, match=r"made by another run \(data"):
        quick(thin(), CHANGED, VALID, folder=tmp_path)


def test_a_folder_without_room_is_named_before_any_work(tmp_path, monkeypatch):
    room = SimpleNamespace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: room)
    with pytest.raises(DataError, match=r"has 0\.00 GB left .* choose another folder"):
        quick(thin(), DATA, VALID, folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write to .*file"):
        quick(thin(), DATA, VALID, folder=tmp_path / "file")


def test_a_disk_that_fills_up_leaves_the_older_checkpoint(tmp_path, monkeypatch):
    save, saved = torch.save, []

    def full(state, path):
        if saved:
            path.write_bytes(b"half")
            raise RuntimeError("PytorchStreamWriter failed writing file")
        save(state, path)
        saved.append(1)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match=r"failed writing.*free some space.*is kept"):
        quick(thin(), DATA, VALID, folder=tmp_path)
    assert place(tmp_path)["step"] == 4
    assert list(log(tmp_path).index) == [4]
