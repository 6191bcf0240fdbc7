"""What the chapters share: the check against the hand-made, and the setting-up."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch

import thin_mini as tm
from thin_mini import course


def softplus(x):
    return torch.log1p(x.exp())


def test_equal_functions_pass_and_say_so(capsys):
    course.same(softplus, torch.nn.functional.softplus, torch.randn(4, 3))
    assert "values equal (4, 3), gradients equal" in capsys.readouterr().out


def test_a_module_is_compared_in_the_gradients_of_its_parameters_too(capsys):
    gate = tm.TreeGate(5, 2).eval()

    def by_hand(h):
        d = torch.sigmoid(gate.norm(gate.linear(h)))
        left, right = d[:, :1], 1 - d[:, :1]
        children = torch.stack([d[:, 1:], 1 - d[:, 1:]], 2)
        return (torch.cat([left, right], 1)[:, :, None] * children).flatten(1)

    course.same(by_hand, gate, torch.randn(3, 5))
    assert "gradients equal for 5 tensors" in capsys.readouterr().out


def test_integer_inputs_are_passed_along_without_a_gradient():
    target = torch.tensor([0, 2, 1])
    course.same(
        lambda z, y: -z.log_softmax(1)[range(3), y].mean(),
        torch.nn.functional.cross_entropy,
        torch.randn(3, 4),
        target,
    )


@pytest.mark.parametrize(
    ("by_hand", "message"),
    [
        (lambda x: softplus(x) + 0.01, "values differ by up to 0.01"),
        (lambda x: softplus(x)[:, :2], r"shape \(4, 2\) by hand, \(4, 3\)"),
        (lambda x: softplus(x) * torch.nan, "values hold NaN"),
        (
            lambda x: softplus(x).detach() + 0 * x,
            "gradients for input 0 differ by up to",
        ),
        (lambda x: x + (softplus(x) - x).detach(), "gradients for input 0 differ"),
    ],
    ids=["values", "shapes", "NaN", "no gradient", "another gradient"],
)
def test_what_differs_fails_and_is_named(by_hand, message):
    with pytest.raises(AssertionError, match=message):
        course.same(by_hand, torch.nn.functional.softplus, torch.randn(4, 3))


def test_a_parameter_that_the_hand_made_ignores_is_named():
    linear = torch.nn.Linear(3, 2)
    with pytest.raises(AssertionError, match=r"only one .* has a gradient for weight"):
        course.same(
            lambda x: x @ linear.weight.detach().T + linear.bias,
            linear,
            torch.randn(4, 3),
        )


def test_a_result_without_any_gradient_fails_with_a_message():
    with pytest.raises(AssertionError, match="gradient"):
        course.same(lambda x: x.detach() * 2, lambda x: x * 2, torch.randn(3))


def test_a_measure_is_compared_in_its_values_and_says_so(capsys):
    def right(z, y):
        return (z.argmax(1) == y).double().mean()

    given = torch.eye(3), torch.tensor([0, 1, 1])
    course.same(right, lambda z, y: (z.argmax(1) == y).sum() / 3.0, *given)
    assert "values equal (), and neither has a gradient" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="values differ"):
        course.same(right, lambda z, y: 100 * right(z, y), *given)
    for pair in (
        (right, lambda z, y: z.sum() / 4.5),
        (lambda z, y: z.sum() / 4.5, right),
    ):
        with pytest.raises(AssertionError, match="through only one"):
            course.same(*pair, *given)


def test_an_infinite_value_in_the_library_is_not_equal_to_everything():
    with pytest.raises(AssertionError, match="infinity"):
        course.same(lambda x: x * 0, lambda x: x * 0 + torch.inf, torch.randn(3))


def test_small_values_are_compared_relative_to_their_size():
    with pytest.raises(AssertionError, match="differ"):
        course.same(lambda x: 2e-5 * x, lambda x: 1e-5 * x, torch.ones(3))


@pytest.mark.usefixtures("clean_env")
def test_setup_seeds_sets_the_style_and_returns_the_profile(monkeypatch):
    monkeypatch.setenv("THIN_MINI_PROFILE", "smoke")
    draws = []
    with mpl.rc_context():
        for _ in range(2):
            assert course.setup() == tm.profile("smoke")
            draws.append(torch.rand(3).tolist())
        assert plt.figure().get_facecolor()[3] == 0  # the page shows through
    plt.close("all")
    assert draws[0] == draws[1]


def test_nothing_is_not_the_same_as_nothing():
    with pytest.raises(AssertionError, match="values are empty"):
        course.same(softplus, torch.nn.functional.softplus, torch.zeros(0, 3))


def endless(x):
    while True:
        x = x + 1


@pytest.mark.parametrize(
    ("by_hand", "says"),
    [
        (torch.nn.functional.softplus, "softplus: right. values equal"),
        (lambda x: None, "nothing there yet. nothing is returned, and a tensor (4, 3)"),
        (lambda x: [x], "not yet. a list came"),
        (lambda x: 2 * softplus(x), "they are 2 times what they should be"),
        (lambda x: softplus(x) * torch.nan, "not yet. values hold NaN"),
        (lambda x: x @ torch.ones(3, 3), "It was called with (4, 3) of torch.float64"),
        (torch.nn.Linear, "Linear: not yet. Your function raised TypeError"),
        (endless, "endless: not yet. It was stopped"),
    ],
)
def test_what_is_being_written_is_answered(by_hand, says, monkeypatch, capsys):
    monkeypatch.setattr(course.checking, "LIMIT", 1.0 if by_hand is endless else 60)
    course.tell(by_hand, torch.nn.functional.softplus, torch.randn(4, 3))
    assert says in " ".join(capsys.readouterr().out.split())


def test_a_loop_that_is_stopped_leaves_the_module_as_it_was(monkeypatch):
    monkeypatch.setattr(course.checking, "LIMIT", 1.0)
    gate = tm.TreeGate(3, 2)
    course.tell(endless, gate, torch.randn(4, 3))
    assert gate.linear.weight.dtype == torch.float32
