"""Each exercise answers: to nothing, to what is right, and to each mistake by its name.

The solutions are those that the chapters fold away; the wrong answers are written here,
as readers write them, and not taken from the checker.
"""

import contextlib
import copy
import re
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from second_device import second_device
from test_sentences import NOTEBOOKS
from wrong_answers_early import EARLY
from wrong_answers_late import LATE

import thin_mini as tm
from thin_mini import course
from thin_mini.course import checking, running
from thin_mini.course.exercise import find, names

check, hint = course.check, course.hint
ASKS = re.compile(r'tm\.course\.check\("([\w-]+)", (\w+)\)\Z')


def in_chapters():
    """(name, chapter, place in it, whether folded away, function), from the cells."""
    for chapter, cells in NOTEBOOKS.items():
        for i, cell in enumerate(cells):
            source = "".join(cell["source"])
            if asked := ASKS.search(source):
                made = {"torch": torch, "tm": tm}
                exec(source[: asked.start()], made)
                folded = "hide-cell" in cell["metadata"].get("tags", ())
                yield asked[1], chapter, i, folded, made[asked[2]]


CELLS = [*in_chapters()]
solutions = SimpleNamespace(
    **{name.replace("-", "_"): solved for name, *_, folded, solved in CELLS if folded}
)


def leaves(d):
    root, left, right = d.unbind(1)
    both = [
        root * left,
        root * (1 - left),
        (1 - root) * right,
        (1 - root) * (1 - right),
    ]
    return torch.stack(both, dim=1)


def interval(gain, error, n, quantile=None):
    quantile = stats.t.ppf(0.975, n - 1) if quantile is None else quantile
    return gain.mean(), quantile * error


def nodes(h, weight, bias, gain, shift, dim=0, correction=0):
    a = h @ weight.T + bias
    spread = (a.var(dim, correction=correction, keepdim=True) + 1e-5).sqrt()
    return (a - a.mean(dim, keepdim=True)) / spread * gain + shift


def mean_image(pixels, labels):
    return torch.stack([pixels[labels == c].mean(0) for c in labels.unique()])


def no_grad(function):
    def under(*inputs):
        with torch.no_grad():
            return function(*inputs)

    return under


def cosine(z_endo, z_exo):
    return (z_endo * z_exo).sum(1) / (z_endo.norm(dim=1) * z_exo.norm(dim=1))


# Wrong answers: the exercise, words of the message that is meant for it, the function.
WRONG = [
    (
        "turn-back", "turns the other way",
        lambda x, y, d: solutions.turn_back(x, y, -d),
    ),
    (
        "turn-back", "sine and cosine take radians",
        lambda x, y, d: torch.stack(
            [x * d.cos() - y * d.sin(), x * d.sin() + y * d.cos()], 1
        ),
    ),
    (
        "turn-back", "two columns are exchanged",
        lambda x, y, d: solutions.turn_back(x, y, d)[:, [1, 0]],
    ),
    (
        "explained", "as often as it has images",
        lambda p, c: (mean_image(p, c) - p.mean(0)).square().sum()
        / (p - p.mean(0)).square().sum(),
    ),
    (
        "explained", "within the groups",
        lambda p, c: (p - mean_image(p, c)[c]).square().sum()
        / (p - p.mean(0)).square().sum(),
    ),
    ("explained", "This is η", lambda p, c: solutions.explained(p, c) ** 0.5),
    (
        "cross-entropy", "A softmax too early",
        lambda z, y: F.nll_loss(z.softmax(1).log_softmax(1), y),
    ),
    (
        "cross-entropy", "e to a large logit overflows",
        lambda z, y: -(z.exp() / z.exp().sum(1, keepdim=True))[range(len(z)), y]
        .log()
        .mean(),
    ),
    (
        "cross-entropy", "the sum over the images",
        lambda z, y: (z.logsumexp(1) - z[range(len(z)), y]).sum(),
    ),
    (
        "cross-entropy", "The sign is turned",
        lambda z, y: z.log_softmax(1)[range(len(z)), y].mean(),
    ),
    (
        "range-relative", "the exact accuracy",
        lambda z, b: 100 * (z.argmax(1) == b).float().mean(),
    ),
    (
        "range-relative", "within one bin",
        lambda z, b: 100 * ((z.argmax(1) - b).abs() < 2).float().mean(),
    ),
    (
        "range-relative", "in percent",
        lambda z, b: 1 - (z.argmax(1) - b).abs().float().mean() / z.shape[1],
    ),
    (
        "range-relative", "cancel here",
        lambda z, b: 100 * (1 - (z.argmax(1) - b).float().mean() / z.shape[1]),
    ),
    (
        "frozen-reader", "The batch norm is awake",
        lambda h, reader: reader.requires_grad_(False)(h),
    ),
    (
        "frozen-reader", "Gradients arrive in the frozen branch",
        lambda h, reader: reader.eval()(h),
    ),
    ("frozen-reader", "Nothing is frozen", lambda h, reader: reader(h)),
    (
        "frozen-reader", "stops the gradient that should pass",
        no_grad(lambda h, reader: reader.eval()(h)),
    ),
    (
        "ensemble", "averages probabilities in place of logits",
        lambda Z: F.softmax(Z, -1).sum(1) / Z.shape[1],
    ),
    ("ensemble", "A softmax too early", lambda Z: Z.softmax(2).mean(1).softmax(1)),
    ("ensemble", "adds the logits up", lambda Z: sum(Z.unbind(1)).softmax(1)),
    ("ensemble", "need the softmax", lambda Z: Z.mean(dim=1)),
    ("ensemble", "over the classes", lambda Z: Z.mean(-1).softmax(1)),
    (
        "node-probabilities", "The batch norm is missing",
        lambda h, w, b, *_: torch.sigmoid(h @ w.T + b),
    ),
    (
        "node-probabilities", "a layer norm",
        lambda *x: nodes(*x, dim=1).sigmoid(),
    ),
    (
        "node-probabilities", "divided by N - 1",
        lambda *x: nodes(*x, correction=1).sigmoid(),
    ),
    ("node-probabilities", "These are logits", lambda *x: nodes(*x)),
    (
        "node-probabilities", "Left and right are swapped",
        lambda *x: (-nodes(*x)).sigmoid(),
    ),
    ("tree-gate", "Left and right are swapped", lambda z: leaves(1 - z.sigmoid())),
    ("tree-gate", "sigmoid of Eq. 3 is missing", lambda z: leaves(z)),
    ("tree-gate", "A softmax too early", lambda z: leaves(z.softmax(1))),
    (
        "tree-gate", "answers for both halves",
        lambda z: leaves(z[:, [0, 1, 1]].sigmoid()),
    ),
    ("tree-gate", "taken for each other", lambda z: leaves(z[:, [0, 2, 1]].sigmoid())),
    ("log-leaves", "0 has no logarithm", lambda z: leaves(z.sigmoid()).log()),
    (
        "log-leaves", "is not -log d",
        lambda z: torch.stack(
            [
                F.logsigmoid(z[:, 0]) + F.logsigmoid(z[:, 1]),
                F.logsigmoid(z[:, 0]) - F.logsigmoid(z[:, 1]),
                -F.logsigmoid(z[:, 0]) + F.logsigmoid(z[:, 2]),
                -F.logsigmoid(z[:, 0]) - F.logsigmoid(z[:, 2]),
            ],
            1,
        ),
    ),
    ("log-leaves", "Left and right are swapped", lambda z: solutions.log_leaves(-z)),
    ("log-leaves", "These are the probabilities", lambda z: leaves(z.sigmoid())),
    (
        "mixture", "mixes probabilities",
        lambda g, Z: (g[:, :, None] * Z.softmax(2)).sum(1),
    ),
    ("mixture", "A softmax too early", lambda g, Z: solutions.mixture(g, Z).softmax(1)),
    ("mixture", "The gate is not asked", lambda g, Z: Z.mean(1)),
    (
        "mixture", "a distribution already",
        lambda g, Z: solutions.mixture(g.softmax(1), Z),
    ),
    ("mixture", "never learns", lambda g, Z: solutions.mixture(g.detach(), Z)),
    (
        "dispelling", "Gradients go into the frozen branch",
        lambda a, b: cosine(a, b).abs().mean(),
    ),
    ("dispelling", "wrong side", lambda a, b: cosine(a.detach(), b).abs().mean()),
    ("dispelling", "where the gradient should pass", no_grad(solutions.dispelling)),
    (
        "dispelling", "The absolute value is missing",
        lambda a, b: cosine(a, b.detach()).mean(),
    ),
    (
        "dispelling", "comes after the mean",
        lambda a, b: cosine(a, b.detach()).mean().abs(),
    ),
    (
        "dispelling", "The lengths are missing",
        lambda a, b: (a * b.detach()).sum(1).abs().mean(),
    ),
    (
        "dispelling", "one cosine for the whole batch",
        lambda a, b: cosine(a.reshape(1, -1), b.detach().reshape(1, -1)).abs()[0],
    ),
    (
        "probe-split", "the images that it was fitted on",
        lambda h, c, n: solutions.probe_split(h[:n].repeat(2, 1), c[:n].repeat(2), n),
    ),
    (
        "probe-split", "fitted on the images that it is measured on",
        lambda h, c, n: solutions.probe_split(
            h[n : 2 * n].repeat(2, 1), c[n : 2 * n].repeat(2), n
        ),
    ),
    ("probe-split", "the share of errors", lambda *x: 100 - solutions.probe_split(*x)),
    (
        "thin-loss", "A softmax too early",
        lambda z, *rest: solutions.thin_loss(z.softmax(1), *rest),
    ),
    ("thin-loss", "λ is missing", lambda *x: solutions.thin_loss(*x[:4], 1)),
    (
        "thin-loss", "the wrong term",
        lambda z, y, a, b, dispel: dispel * F.cross_entropy(z, y)
        + solutions.dispelling(a, b),
    ),
    ("thin-loss", "the wrong sign", lambda *x: solutions.thin_loss(*x[:4], -x[4])),
    (
        "thin-loss", "Gradients go into the frozen branch",
        lambda z, y, a, b, dispel: F.cross_entropy(z, y)
        + dispel * cosine(a, b).abs().mean(),
    ),
    (
        "thin-loss", "z_endo gets none of it",
        lambda z, y, a, b, dispel: F.cross_entropy(z, y)
        + dispel * no_grad(solutions.dispelling)(a, b),
    ),
    (
        "paired-interval", "The square root is lost",
        lambda a, b: interval(a - b, (a - b).std() / len(a), len(a)),
    ),
    (
        "paired-interval", "The differences are unpaired",
        lambda a, b: interval(a - b, ((a.var() + b.var()) / len(a)).sqrt(), len(a)),
    ),
    (
        "paired-interval", "1.96 is for hundreds of runs",
        lambda a, b: interval(a - b, (a - b).std() / len(a) ** 0.5, len(a), 1.96),
    ),
    (
        "paired-interval", "divided by n",
        lambda a, b: interval(
            a - b, (a - b).std(correction=0) / len(a) ** 0.5, len(a)
        ),
    ),
    (
        "paired-interval", "spread of single runs",
        lambda a, b: interval(a - b, (a - b).std(), len(a)),
    ),
    ("honest-choice", "chooses on the test images", lambda v, t: t.mean(1).max()),
    ("honest-choice", "by which it chose", lambda v, t: v.mean(1).max()),
    (
        "honest-choice", "luckiest single run",
        lambda v, t: t[int(v.argmax()) // v.shape[1]].mean(),
    ),
    (
        "honest-choice", "best run is reported",
        lambda v, t: t[v.mean(1).argmax()].max(),
    ),
]  # fmt: skip
WRONG += EARLY + LATE
SEEDED = [pytest.param(*one, id=f"{one[0]}: {one[1]}") for one in WRONG]
every_exercise = pytest.mark.parametrize("name", names())


def solution(name):
    return getattr(solutions, name.replace("-", "_"))


def stubs():
    def dots(*inputs): ...

    def told(*inputs):
        """It has a docstring, and a line."""
        pass

    def unfinished(*inputs):
        raise NotImplementedError

    return [dots, told, unfinished, lambda *inputs: ..., lambda *inputs: None]


@every_exercise
def test_it_stands_in_its_chapter_with_an_empty_body_and_a_solution(name):
    (stub, solved) = [cell for cell in CELLS if cell[0] == name]
    assert [stub[3], solved[3]] == [False, True]
    assert stub[1] == solved[1] == find(name).chapter
    assert solved[2] == stub[2] + 1
    task = "".join(NOTEBOOKS[stub[1]][stub[2] - 1]["source"])
    assert f"**{'★' * find(name).level} " in task
    assert check(name, stub[4]).state == "nothing there yet"


def test_chapters_ask_for_no_other():
    assert {cell[0] for cell in CELLS} == {*names()}


@every_exercise
def test_a_stub_is_refused(name):
    for stub in stubs():
        answer = check(name, stub)
        assert answer.state == "nothing there yet"
        assert find(name).task in answer.text


@every_exercise
def test_the_solution_passes(name):
    answer = check(name, solution(name))
    assert answer.state == "right", answer
    assert find(name).notice in answer.text


@pytest.mark.parametrize(("name", "says", "wrong"), SEEDED)
def test_a_wrong_answer_is_caught_by_its_name(name, says, wrong):
    answer = check(name, wrong)
    assert answer.state == "not yet"
    assert says in " ".join(answer.text.split()), answer


@pytest.mark.parametrize(("name", "says", "wrong"), SEEDED)
def test_so_it_is_in_float64_and_on_another_device(name, says, wrong):
    def elsewhere(*inputs, **move):
        came = wrong(*inputs)
        return came.to(**move) if isinstance(came, torch.Tensor) else came

    for move in ({"dtype": torch.float64}, {"device": "mps"}):
        with second_device():
            answer = check(name, lambda *inputs, m=move: elsewhere(*inputs, **m))
        assert answer.state == "not yet"
        assert says in answer.text, (move, answer)
        if find(name).gradients:
            assert ("Device: " if "device" in move else "float64 came") in answer.text


@every_exercise
def test_three_mistakes_of_each_are_seeded_and_told_apart(name):
    told = [says for exercise, says, _ in WRONG if exercise == name]
    assert len(told) >= 3
    mistakes = find(name).mistakes
    meant = [[text for text in mistakes if says in text] for says in told]
    assert all(len(texts) == 1 for texts in meant), meant
    assert len({texts[0] for texts in meant}) == len(told)


# A checker that looks less closely lets something through.


def slips():
    """The wrong answers that are not caught by their own message."""
    for name, says, wrong in WRONG:
        answer = check(name, wrong)
        if answer.state != "not yet" or says not in answer.text:
            yield name, says


def blind_to(kind):
    """A run whose results lack what begins with a word."""

    def run(*given):
        came, found = running.run(*given)
        return came, {k: x for k, x in found.items() if not k.startswith(kind)}

    return run


WEAKER = {
    "any value will do": ("TOLERANCE", dict.fromkeys(checking.TOLERANCE, torch.inf)),
    "gradients are not compared": ("run", blind_to("gradient")),
    "what a call leaves behind is not compared": ("run", blind_to("state")),
    "mistakes are not looked for": ("_mistake", lambda *given: ""),
    "one type of floats will do": ("_kind", lambda *given: ""),
}


def wakes_it_afterwards(h, reader):
    logits = solutions.frozen_reader(h, copy.deepcopy(reader))
    reader(h)
    return logits


# Wrong in what they leave behind, or in their type, and in nothing else.
SLY = {
    "frozen-reader": wakes_it_afterwards,
    "ensemble": lambda Z: solutions.ensemble(Z).double(),
}


def test_all_is_caught_as_it_is():
    assert [*slips()] == []
    assert "State: the call changes" in check("frozen-reader", wakes_it_afterwards).text


@pytest.mark.parametrize("weaker", WEAKER)
def test_a_weaker_checker_fails(weaker, monkeypatch):
    monkeypatch.setattr(checking, *WEAKER[weaker])
    passed = [name for name, sly in SLY.items() if check(name, sly).state == "right"]
    assert passed or next(slips(), None)


# Whatever comes, the answer is calm.


def test_a_reader_waits_for_less_than_ten_seconds():
    assert checking.LIMIT + 1 < 10  # and a second for a loop beside the main thread


def endless(z):
    while True:
        z = z + 1


def stubborn(z):
    while True:
        with contextlib.suppress(Exception):  # a time limit is none
            time.sleep(1)


def deaf(z):
    while True:
        try:
            while True:
                z = z + 1
        except:  # noqa: E722
            pass


def chatty(z):
    print("the leaves are", leaves(z.sigmoid()).shape)


def many(z):
    while True:
        print("x" * 1000)


def fails(z):
    raise RuntimeError("no such leaf\nand more")


def gives_up(z):
    raise BaseException("no more")


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError


def mute(z):
    raise MuteError


def not_there(z):
    raise NotImplementedError("'sort' is not currently implemented for the MPS device")


STRANGE = {
    "a class": (torch.nn.Linear, "Pass a function: a class came"),
    "a result": (torch.zeros(6, 4), "not called: a Tensor came"),
    "nothing": (None, "a NoneType came"),
    "a module": (torch.nn.Identity(), "Shape: (6, 3) came"),
    "raises": (fails, "raised RuntimeError: no such leaf"),
    "leaves": (lambda z: sys.exit(3), "raised SystemExit: 3"),
    "recurs": (lambda z: STRANGE["recurs"][0](z), "raised RecursionError"),
    "two inputs": (lambda z, y: z, "raised TypeError"),
    "changes its input": (lambda z: z.sigmoid_(), "raised RuntimeError"),
    "prints": (chatty, "It printed 'the leaves are torch.Size([6, 4])', which is no"),
    "a list": (lambda z: [z], "a list came"),
    "numbers": (lambda z: 0.5, "a float came"),
    "a whole number": (lambda z: 1, "an int came"),
    "NumPy": (lambda z: z.detach().numpy(), "a ndarray came"),
    "NaN": (lambda z: leaves(z) * torch.nan, "NaN or infinite"),
    "meta": (lambda z: leaves(z).to("meta"), "(6, 4) of torch.float32 on meta came"),
    "complex": (lambda z: leaves(z) * 1j, "(6, 4) of torch.complex64 on cpu"),
    "empty": (lambda z: leaves(z)[:0], "Shape: (0, 4) came"),
    "float64": (lambda z: leaves(z.sigmoid()).double(), "float64 came"),
    "half": (lambda z: leaves(z.sigmoid()).half(), "float16 came"),
    "too large": (lambda z: 1000 * leaves(z.sigmoid()), "a row sums to 1000"),
    "far too many": (lambda z: z[:1].expand(10**9, 3), "a tensor (1000000000, 3) of"),
    "lacks an operator": (not_there, "raised NotImplementedError: 'sort' is not"),
    "gives up": (gives_up, "raised BaseException: no more"),
    "is mute": (mute, "<exception str() failed>"),
    "too many": (lambda z: leaves(z.sigmoid()).repeat(1000, 1), "Shape: (6000, 4)"),
    "of its own type": (
        lambda z: leaves(z.sigmoid().float()), "torch.float32 came from inputs of",
    ),
}  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_answers_are_told_calmly(strange):
    given, says = STRANGE[strange]
    answer = check("tree-gate", given)
    assert answer.state == ("nothing there yet" if strange == "prints" else "not yet")
    assert says in answer.text, answer
    assert "\n\n" not in answer.text
    assert all(len(line) <= 88 for line in str(answer).splitlines())


def test_a_thousand_times_too_large_is_said():
    answer = check("mixture", lambda g, Z: 1000 * solutions.mixture(g, Z))
    assert "1000 times what they should be" in answer.text


def test_one_number_is_a_multiple_only_if_that_tells_something():
    answer = check("dispelling", lambda a, b: 1.3 * solutions.dispelling(a, b))
    assert "Values: it differs by 30 % of the largest." in answer.text
    for times in (-1, 6, 0.01):
        answer = check(
            "dispelling", lambda a, b, k=times: k * solutions.dispelling(a, b)
        )
        assert f"they are {times} times what they should be" in answer.text


def test_where_a_gradient_is_missing_is_said():
    answer = check("mixture", lambda g, Z: solutions.mixture(g, Z.detach()))
    assert "Gradient: none arrives at Z." in answer.text
    answer = check("mixture", no_grad(solutions.mixture))
    assert "no gradient flows back from them: `detach`, `no_grad`" in answer.text
    answer = check("dispelling", lambda a, b: solutions.dispelling(a, b).item())
    assert "a float came" in answer.text
    assert "A number has no gradient." in answer.text


def test_what_it_printed_and_where_it_failed_is_said():
    def wrong(z):
        print("d is", tuple(z.shape))
        return z.sigmoid()

    def failing(z):
        print("d is", tuple(z.shape))
        root, left = z.unbind(1)
        return root * left

    assert "It printed 'd is (6, 3)'." in check("tree-gate", wrong).text
    told = " ".join(str(check("tree-gate", failing)).split())
    assert "in the line `root, left = z.unbind(1)`" in told
    assert "It printed 'd is (6, 3)'." in told


def test_a_reader_keeps_the_threads_and_needs_but_one(monkeypatch):
    before = torch.get_num_threads()
    used = []
    torch.set_num_threads(2)
    try:
        check("tree-gate", lambda z: used.append(torch.get_num_threads()))
        assert used == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_where_values_differ_is_said():
    off = torch.zeros(6, 3)
    off[2, 1] = 1
    answer = check("mixture", lambda g, Z: solutions.mixture(g, Z) + off)
    assert "Values: 1 of 18 differ, most at [2, 1], by" in answer.text
    answer = check("cross-entropy", lambda z, y: 0 * z.nan_to_num(0, 0, 0).sum())
    assert "Values: it differs by 100 %" in answer.text
    answer = check("tree-gate", lambda z: leaves(z.sigmoid()).T)
    assert "(4, 6) came, (6, 4) is wanted. Are the axes exchanged?" in answer.text


def test_on_another_device_is_said_and_where_chapters_are_is_right(monkeypatch):
    with second_device() as device:
        answer = check("tree-gate", lambda z: leaves(z.sigmoid()).to(device))
        assert f"Device: the answer is on {device}" in answer.text
        monkeypatch.setenv("THIN_MINI_DEVICE", str(device))
        for name in names():
            assert check(name, solution(name)).state == "right", name
        made_here = check("ensemble", lambda Z: Z.mean(1).softmax(1) + torch.zeros(4))
        assert "two devices" in made_here.text


@pytest.mark.parametrize("loop", [endless, stubborn, deaf, many])
def test_what_never_ends_is_stopped(loop, monkeypatch, capsys):
    monkeypatch.setattr(checking, "LIMIT", 0.5)
    before, start = torch.get_rng_state(), time.monotonic()
    assert "does a loop never end?" in check("tree-gate", loop).text
    assert time.monotonic() - start < 9
    assert torch.equal(torch.get_rng_state(), before)
    assert capsys.readouterr().out == ""


def test_so_it_is_beside_the_main_thread_and_without_timers(monkeypatch):
    said = []
    tries = [endless, fails, lambda z: sys.exit(3), solution("tree-gate")]

    def work():
        for one in tries:
            monkeypatch.setattr(checking, "LIMIT", 0.5 if one is endless else 8)
            said.append(check("tree-gate", one).text)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    monkeypatch.delattr(running.signal, "setitimer")  # as on Windows
    work()
    wanted = ["never end", "no such leaf", "SystemExit", "right"] * 2
    for answer, words in zip(said, wanted, strict=True):
        assert words in answer
    left = [t for t in threading.enumerate() if t.daemon and "target" in t.name]
    for thread in left:  # a loop beside the main thread is ended as well
        thread.join(20)
        assert not thread.is_alive()


def test_a_reader_may_be_in_any_mode():
    with torch.no_grad():
        assert check("mixture", solution("mixture")).state == "right"
    with torch.inference_mode():
        assert check("mixture", solution("mixture")).state == "right"
    torch.set_default_dtype(torch.float64)
    try:
        assert check("mixture", solution("mixture")).state == "right"
    finally:
        torch.set_default_dtype(torch.float32)


def test_an_unknown_exercise_lists_the_nearest():
    for ask in (lambda: check("treegate", endless), lambda: hint("Tree gates", 2)):
        with pytest.raises(ValueError, match=r"near it: .*tree-gate"):
            ask()
    with pytest.raises(ValueError, match="mixture"):
        check("?", endless)


@every_exercise
def test_hints_say_more_and_more_and_no_solution(name):
    told = [hint(name, level).text for level in (1, 2, 3)]
    assert len({*told}) == 3
    for text in told:
        assert text.startswith(f"{name}, hint ")
        assert "return" not in text
    assert hint(name).text == told[0]


@every_exercise
def test_the_texts_are_sentences(name):
    exercise = find(name)
    assert exercise.level in (1, 2, 3)
    for text in (*exercise.hints, exercise.notice, *exercise.mistakes):
        assert re.fullmatch(r"[^\s].*[.?]", text), text
    answer = check(name, solution(name)).text
    assert answer == f"{name}: right. Notice: {exercise.notice}"
