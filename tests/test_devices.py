"""Where a model is decides; which device a chapter takes, and what if there is none."""

from types import SimpleNamespace

import accelerate
import pytest
import torch
from conftest import make, quick_fit

import thin_mini as tm
from thin_mini.basics import devices
from thin_mini.basics.devices import check_place, choose_device, device_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 1)


def test_a_module_without_a_tensor_is_on_the_cpu():
    assert device_of(tm.UniformGate(3)) == device_of(tm.TreeGate(4, 2)) == CPU
    with torch.device("meta"):
        assert device_of(tm.TreeGate(4, 2)).type == "meta"


def test_parts_on_two_devices_are_an_error_that_names_both():
    gate = tm.TreeGate(4, 2)
    gate.norm.to("meta")
    with pytest.raises(
        ValueError, match=r"on cpu and meta: .* first, model\.to\('meta"
    ):
        device_of(gate)


def test_fit_and_evaluate_leave_the_model_where_it_is(digits, monkeypatch):
    """Whatever accelerator this machine has: one that there is not is never used."""
    monkeypatch.setattr(accelerate.Accelerator, "device", CUDA)
    model = make("tree", None)
    quick_fit(model, digits[0], valid=digits[1])
    assert device_of(model) == CPU
    assert tm.evaluate(model, digits[1]).logits.device == CPU


@pytest.mark.parametrize("value", ["cpu", "cpu:0"])
def test_the_variable_decides(value, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DEVICE", value)
    monkeypatch.setattr(accelerate.Accelerator, "device", CUDA)
    assert choose_device().type == tm.course.setup().device[:3] == "cpu"
    assert choose_device("cpu") == CPU


def test_an_argument_counts_more_than_the_variable(monkeypatch):
    monkeypatch.setenv("THIN_MINI_DEVICE", "nonsense")
    assert choose_device("cpu") == CPU


def test_without_a_word_it_is_the_accelerator_where_it_pays(monkeypatch):
    monkeypatch.delenv("THIN_MINI_DEVICE", raising=False)
    monkeypatch.setattr(accelerate.Accelerator, "device", CUDA)
    assert choose_device() == choose_device(small=True) == CUDA
    monkeypatch.setattr(accelerate.Accelerator, "device", torch.device("mps"))
    assert [choose_device(small=small).type for small in (False, True)] == [
        "mps",
        "cpu",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gpu", "device must be one of auto, cpu, cuda, mps"),
        ("meta", "device must be one of auto, cpu, cuda, mps"),
        ("cuda:x", "device must be one of auto"),
        ("xpu", "PyTorch sees no such device here: take 'auto' or 'cpu'"),
        ("cuda:99", "sees no such device here: look whether `nvidia-smi` sees it"),
    ],
)
def test_a_device_that_there_is_not_is_one_clear_error(value, message, monkeypatch):
    monkeypatch.setenv("THIN_MINI_DEVICE", value)
    with pytest.raises(ValueError, match=f"^THIN_MINI_DEVICE='{value}'.*{message}"):
        tm.course.setup()


def test_of_several_processes_each_must_have_its_model_where_it_works():
    two = SimpleNamespace(num_processes=2, process_index=1, device=CUDA)
    message = r"process 1 of 2, which works on cuda:1, .* on cpu: .*model\.to\('cuda:1'"
    with pytest.raises(ValueError, match=message):
        check_place(two, CPU)
    assert check_place(two, CUDA) is two
    two.device = torch.device("cpu", 0)  # what accelerate says of processes on CPUs
    assert check_place(two, CPU) is two
    assert devices.check_place(SimpleNamespace(num_processes=1, device=CUDA), CPU)
