"""The exam bank: points that add up, and every number worked out anew."""

import re
from math import exp, log, pi, sqrt
from statistics import mean

import pytest
import torch
from test_book import TEXT
from test_sentences import PROSE
from test_teaching import PAGES, explained, interval, wilson

import thin_mini as tm

# The exam: each question with its kind, its points and its folded solution.

QUESTION = re.compile(
    r"^\*\*(\d+)\.\*\* \*\(chapter (\d+), ([a-z ]+), (\d) points\)\* "
    r".+?^```\{dropdown\} Solution\n(.+?)^```$",
    re.M | re.S,
)
EXAM = {
    int(number): (int(chapter), kind, int(points), " ".join(solution.split()))
    for number, chapter, kind, points, solution in QUESTION.findall(PAGES["exam"])
}


def test_the_exam_covers_the_course_in_all_kinds():
    assert sorted(EXAM) == list(range(1, len(EXAM) + 1))
    assert len(EXAM) == PAGES["exam"].count("{dropdown} Solution") >= 40
    assert {question[0] for question in EXAM.values()} >= set(range(1, 22))
    kinds = [question[1] for question in EXAM.values()]
    for kind, at_least in (
        ("recall", 4),
        ("on paper", 15),
        ("reading", 6),
        ("flaw", 12),
    ):
        assert kinds.count(kind) >= at_least, kind
    assert set(kinds) == {"recall", "on paper", "reading", "flaw"}


@pytest.mark.parametrize("number", sorted(EXAM))
def test_the_points_of_a_solution_add_up(number):
    _, _, points, solution = EXAM[number]
    given = re.findall(r"\((\d|½)(?:;[^)]*)?\)", solution)
    told = sum(0.5 if part == "½" else int(part) for part in given)
    assert told == points or "A point each." in solution


PROSE_OF_PAGES = [text for name, text in TEXT.items() if "/" not in name]
WORDS = " ".join([*PROSE.values(), *PROSE_OF_PAGES]).lower()
WORDS = " ".join(re.findall(r"\w+", WORDS))


@pytest.mark.parametrize("number", sorted(EXAM))
def test_no_answer_is_a_sentence_of_the_book(number):
    """No eight words of a solution in a row stand in a chapter or on a page."""
    words = re.findall(r"\w+", EXAM[number][-1].lower())
    runs = {" ".join(words[i : i + 8]) for i in range(len(words) - 7)}
    assert not [run for run in runs if f" {run} " in WORDS]


def entropy(*shares: float) -> float:
    """Of a distribution, in nats."""
    return -sum(share * log(share) for share in shares)


def signed(values: list[float], t: float = 2.776) -> str:
    """A mean and half its interval, as the solutions write it."""
    low, high = interval(values, t)
    return f"{(low + high) / 2:.2f} ± {(high - low) / 2:.2f}"


def off(*bins: int, of: int = 18) -> tuple[str, str, str]:
    """The three accuracies of answers that are off by some bins."""
    logits = torch.nn.functional.one_hot(torch.tensor(bins), of).float()
    found = tm.metrics.exogenous_accuracy(logits, torch.zeros(len(bins)).long())
    return tuple(f"{value:.1f}".removesuffix(".0") for value in found.values())


def gates(features: int, depth: int) -> str:
    """The parameters of a tree gate."""
    return f"{tm.n_trainable(tm.TreeGate(features, depth)):,}"


def mixed(experts: list[list[float]], how: str) -> torch.Tensor:
    """Equal shares of some experts' logits or probabilities."""
    z = torch.tensor(experts)
    return z.mean(0) if how == "logits" else z.softmax(1).mean(0)


def loss(*answer: float) -> float:
    """Eq. 7 of an answer beside (3, 4, 0)."""
    z = torch.tensor([answer]).float()
    return float(tm.dispelling_loss(z, torch.tensor([[3.0, 4.0, 0.0]])))


def leaves(root: float, left: float, right: float) -> list[float]:
    """The gate of three nodes."""
    return [
        root * left,
        root * (1 - left),
        (1 - root) * right,
        (1 - root) * (1 - right),
    ]


def doubled(left: float) -> float:
    """The mean direction of two ends at 85 degrees, by doubled angles."""
    a = torch.deg2rad(torch.tensor([-170.0, 170.0]).double())
    p = torch.tensor([left, 1 - left]).double()
    return float(torch.rad2deg(torch.atan2(p @ a.sin(), p @ a.cos())) / 2)


base, model = [84.1, 85.0, 83.2, 86.0, 84.7], [84.9, 85.6, 84.1, 86.5, 85.4]
pairs = [m - b for m, b in zip(model, base, strict=True)]
three = [-0.1, -0.1, 0.4]
five = [1.2, 0.4, 2.0, 1.1, 0.8]
tree_a, tree_b = (0.97, 0.01, 0.01, 0.01), leaves(0.7, 0.9, 0.4)
ellipse, square = pi * 12.75 * 7.22, 19.2**2
counts = torch.tensor([[90, 10, 0], [20, 20, 0], [6, 2, 2]]).double()
recalls = counts.diagonal() / counts.sum(1)
small = tm.Classifier(tm.ConvEncoder(3, 32, (16, 16)), 10)  # of question 5
p, q = torch.tensor([0.5, 0.3, 0.2, 0]), torch.tensor([0.1, 0.3, 0.4, 0.2])

WORKED = {  # question: what its solution has to say, computed
    5: [f"{tm.n_trainable(small):,}", f"{100 * 262_400 / tm.n_trainable(small):.1f} %"],
    6: ["{:.1f} to {:.1f} %".format(*wilson(45, 50)),
        "{:.1f} to {:.1f} %".format(*wilson(48, 50))],
    8: ["{:.1f} to {:.1f} %".format(*wilson(69, 80)),
        "{:.1f} to {:.1f} %".format(*wilson(1150, 1200))],
    9: [*off(0, 0, 1, 1, 2, 0, 17, 3, 0, 1), *off(0, 0, 1, 1, 2, 0, 0, 3, 0, 1)],
    10: [f"{(94 - 75) / (100 - 75):.0%}".strip("%"),
         f"{100 * (1 - (10**2 - 1) / 30 / 10):.0f} %",
         off(5, 4, 3, 2, 1, 0, 1, 2, 3, 4, of=10)[2]],
    13: [f"{0.25 * 0 + 0.75 * 1:.2f}", "(0.25,0.75,1.5,0)"],
    15: [signed(base), signed(model), signed(pairs)],
    18: [f"{share:.2f}" for share in tree_b]
    + [f"{entropy(*tree_b):.3f}", f"{exp(entropy(*tree_b)):.2f}"],
    19: [f"{log(1 + exp(-2)):.3f}", f"{log(1 + exp(-2)) + log(1 + exp(30)):.3f}"],
    20: [gates(64, 4).replace(",", ""), gates(64, 5).replace(",", ""),
         str(tm.n_trainable(tm.SoftmaxGate(64, 16)))],
    21: [f"{exp(entropy(0.33, 0.33, 0.33, 0.01)):.2f}",
         f"{exp(entropy(*tree_a)):.2f}"],
    23: ["({:.2f},{:.2f})".format(*mixed([[10, 0], [0, 2], [0, 2.0]], "logits")),
         f"{mixed([[10, 0], [0, 2], [0, 2.0]], 'p')[0]:.3f}"],
    27: [f"{loss(1, 2, 2):.3f}",
         f"{mean([loss(4, -3, 5), loss(1, 2, 2), loss(-6, -8, 0)]):.3f}"],
    32: [signed(three, 4.303)],
    34: [f"{0.8 * sqrt(ellipse / square):.3f}", f"{square / ellipse:.2f}"],
    37: [gates(384, 4).replace(",", ""), gates(256, 4).replace(",", ""), "1,920"],
    40: [signed(five), f"{24 * 0.05:.1f}", f"{100 * (1 - 0.95**24):.0f}"],
    42: [f"{0.24 * 0.4 / 0.13:.3f}"],
    43: [f"{sqrt(2 - 2 * 0.68):.1f}"],
    45: [f"{16 * (25_088 * 512 + 512):,}".replace(",", "{,}"),
         f"{16 * (4608 * 512 + 512):,}".replace(",", "{,}"),
         gates(512, 4).replace(",", "")],
    46: [f"{3572 / 40 - 3520 / 40:.1f}"],
    47: [f"{100 * counts.diagonal().sum() / counts.sum():.1f} %",
         f"{100 * recalls.mean():.1f} %", f"{100 * 20 / counts[:, 1].sum():.1f}",
         f"{100 * counts[0].sum() / counts.sum():.1f} %"],
    48: [f"{100 * (0.7**2 + 0.3**2 / 3):.0f}"],
    50: [f"{100 * torch.minimum(p, q).sum() / torch.maximum(p, q).sum():.1f}"],
    52: [f"{0.2 * 85 - 0.8 * 85:.0f}", f"{abs(doubled(0.5)):.0f}°",
         f"{doubled(0.8):.1f}"],
    55: [str(tm.n_trainable(tm.rivals.FiLM(18, 256))),
         str(tm.n_trainable(tm.SoftmaxGate(18, 8))), gates(18, 3)],
}  # fmt: skip


@pytest.mark.parametrize("number", sorted(WORKED))
def test_the_numbers_of_a_solution_come_out(number):
    solution = EXAM[number][-1]
    for told in WORKED[number]:
        assert told in solution, told


def test_the_shares_and_the_verdicts_of_the_exam():
    """Questions 2, 3, 14, 31 and 57, whose numbers are few."""
    for values, told in (((0, 4, 4, 0), (0, 0, 100)), ((0, 2, 4, 6), (80, 20, 100))):
        images = torch.tensor(values).double().repeat_interleave(2)[:, None, None, None]
        digit, side = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
        labels = [y.repeat_interleave(2) for y in (digit, side, 2 * digit + side)]
        data = type("Data", (), {"images": images})
        shares = [100 * explained(data, y) for y in labels]
        assert shares == pytest.approx(told)
    for members, told in (((1, 4, 7), (1, 7, 6)), ((4, 4, 7), (4, 6, 2))):
        middle = mean(members)
        found = (middle - 3) ** 2, mean((m - 3) ** 2 for m in members)
        assert (*found, mean((m - middle) ** 2 for m in members)) == pytest.approx(told)
    words = re.findall(r"[A-E] ([a-z]+)", EXAM[31][-1])[:5]
    rows_of_31 = ((0.6, 0.2), (0.2, 0.1), (0.02, 0.12), (0.1, 0.5), (-0.3, 0.1))
    for word, (middle, half) in zip(words, rows_of_31, strict=True):
        step = half * sqrt(5) / 2.776 / sqrt(2.5 / 4)
        seeds = [middle + step * k / 2 for k in range(-2, 3)]
        assert interval(seeds)[1] == pytest.approx(middle + half)
        assert tm.verdicts.judge(0.5, seeds, smallest=0.2, reference=90.0) == word
    x, is_b = torch.tensor([-1.0, 1, -3, 3]), torch.tensor([0, 0, 1, 1])
    erased = tm.rivals.Eraser(x[:, None], is_b)(x[:, None])[:, 0]
    assert torch.equal(erased, x)
    assert max(((x > t) == is_b).float().mean() for t in (-2, 0, 2)) == 0.75
