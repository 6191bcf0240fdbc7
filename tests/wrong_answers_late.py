"""Wrong answers to the exercises from chapter 8 on, as readers write them.

Each is the exercise, words of the message that is meant for it, and the function.
"""

import torch
import torch.nn.functional as F
from scipy import stats

from thin_mini import dispelling_loss


def standard(x, dim=0, correction=1):
    spread = x.std(dim, correction=correction, keepdim=True)
    return ((x - x.mean(dim, keepdim=True)) / spread).detach()


def ellipse(dx, dy, scale, angle, long=12.75, short=7.22):
    u = (angle.cos() * dx - angle.sin() * dy) / scale
    v = (angle.sin() * dx + angle.cos() * dy) / scale
    return (u / long) ** 2 + (v / short) ** 2 <= 1


def heard(h, weight, part):
    return (h[:, part] @ weight[:, part].T).var(0).sum()


def by_threshold(distance, same, fit, on):
    tried = distance[fit].sort().values
    right = [((distance[fit] <= t) == same[fit]).sum() for t in tried]
    best = tried[right.index(max(right))]
    return 100 * ((distance[on] <= best) == same[on]).float().mean()


def whole_people(identity, n):
    held = torch.zeros_like(identity, dtype=torch.bool)
    for person in range(int(identity.max()), -1, -1):
        if held.sum() < n:
            held |= identity == person
    return held


def copied(h, fresh, frozen):
    with torch.no_grad():
        for own, other in zip(fresh.parameters(), frozen.parameters(), strict=True):
            own.copy_(other)
    return fresh.eval()(h)


def loaded(h, fresh, frozen):
    fresh.load_state_dict(frozen.state_dict())
    return fresh.eval()(h)


def size(n_in, hidden, n_classes, n_experts):
    first, second = (n_in + 1) * hidden, (hidden + 1) * hidden
    return first, second, (hidden + 1) * n_classes, 4 * hidden, n_experts


def ends(gains, quantile=None):
    n = gains.shape[1]
    quantile = stats.t.ppf(0.975, n - 1) if quantile is None else quantile
    half = quantile * gains.std(1) / n**0.5
    return gains.mean(1) - half, gains.mean(1) + half


def verdicts(gains, paper, smallest, wide=3, lost=4, quantiles=()):
    freedom = gains.shape[1] - 1
    outer, inner = quantiles or stats.t.ppf([0.975, 0.95], freedom)
    found = []
    for low, high, a, b in zip(*ends(gains, outer), *ends(gains, inner), strict=True):
        if low <= 0 <= high:
            found.append(2 if -smallest < a and b < smallest else wide)
        elif high < 0:
            found.append(lost)
        else:
            found.append(0 if high >= paper else 1)
    return torch.tensor(found)


def holm(p):
    order, most, found = p.argsort(), 0.0, p.clone()
    for rank, i in enumerate(order.tolist()):
        most = max(most, min(1.0, (len(p) - rank) * float(p[i])))
        found[i] = most
    return found


def doubt(logits, label):
    p = logits.softmax(1)
    return p.max(1).values - p[range(len(p)), label]


def ratio(h, target, weigh=len, total=False):
    between = within = 0
    for c in target.unique():
        own = h[target == c]
        between = between + weigh(own) * (own.mean(0) - h.mean(0)).square().sum()
        within = within + (own - own.mean(0)).square().sum()
    return between / (within + total * between)


def bits(left, group, log=torch.log2, shares=True):
    found = 0
    for side in (left, 1 - left):
        for k in group.unique():
            p = side[group == k].sum() / (len(left) if shares else 1)
            q = side.sum() * (group == k).sum() / (len(left) ** 2 if shares else 1)
            found = found + (p * log(p / q) if p > 0 else 0)
    return found


def cosine(a, b):
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


def scaled(a, g):
    return (a.view(len(a), g.shape[1], -1) * g[:, :, None]).flatten(1)


def erased(h, z, along, by):
    x = h - h.mean(0)
    s = x.T @ (z - z.mean()) / len(h)
    w = torch.linalg.inv(x.T @ x / len(h)) @ s
    parts = {"s": s, "w": w}
    along, by = parts[along], parts[by]
    return h - (x @ by)[:, None] * along / (along @ by)


def turned(target, angle, chosen, low=4):
    left = target <= low
    to = torch.where(left, -angle.abs(), angle.abs())
    return torch.where(chosen, to, angle)


LATE = [
    ("dispelling", "square of the cosine",
     lambda a, b: (F.cosine_similarity(a, b.detach()) ** 2).mean()),
    ("dispelling", "taken over the images",
     lambda a, b: F.cosine_similarity(a, b.detach(), 0).abs().mean()),
    ("thin-loss", "are exchanged",
     lambda z, y, a, b, d: F.cross_entropy(z, y) + d * dispelling_loss(b, a)),
    ("probe-split", "fitted on all images",
     lambda h, c, n: 100 * (torch.cdist(
         h[n:2 * n], torch.stack([h[c == k].mean(0) for k in range(3)])
     ).argmin(1) == c[n:2 * n]).float().mean()),
    ("paired-interval", "2n - 2 degrees of freedom",
     lambda a, b: ((a - b).mean(), stats.t.ppf(0.975, 2 * len(a) - 2)
                   * ((a.var() + b.var()) / len(a)).sqrt())),
    ("paired-interval", "quantile at 0.95",
     lambda a, b: ((a - b).mean(), stats.t.ppf(0.95, len(a) - 1)
                   * (a - b).std() / len(a) ** 0.5)),
    ("paired-interval", "the two ends",
     lambda a, b: stats.ttest_rel(a, b).confidence_interval()),
    ("paired-interval", "the error of the mean",
     lambda a, b: ((a - b).mean(), stats.sem(a - b))),
    ("paired-interval", "The sign is turned",
     lambda a, b: ((b - a).mean(), stats.sem(b - a) * stats.t.ppf(0.975, len(a) - 1))),
    ("single-runs", "These are pairs", lambda a, b: 100 * (a > b).float().mean()),
    ("single-runs", "compares the means", lambda a, b: 100 * (a.sum() > b.sum())),
    (
        "single-runs", "the reference wins",
        lambda a, b: 100 * (a[:, None] < b).float().mean(),
    ),
    ("single-runs", "This is a count", lambda a, b: (a[:, None] > b).sum()),
    (
        "sprite", "turned along with the sprite",
        lambda dx, dy, s, a: ellipse(dx, dy, s, -a),
    ),
    ("sprite", "The scale multiplies", lambda dx, dy, s, a: ellipse(dx, dy, 1 / s, a)),
    ("sprite", "The scale is not used", lambda dx, dy, s, a: ellipse(dx, dy, 1, a)),
    ("sprite", "half axes are exchanged", lambda *x: ellipse(*x, 7.22, 12.75)),
    ("scale-bins", "an eleventh bin", lambda s: torch.floor((s - 0.5) / 0.05)),
    (
        "scale-bins", "rounds to the nearest",
        lambda s: torch.round((s - 0.5) / 0.05).clamp(max=9),
    ),
    ("scale-bins", "counted from 0", lambda s: (s / 0.05).floor().clamp(max=19)),
    (
        "joined", "Gradients go into the frozen networks",
        lambda r, s: torch.cat(
            [(r - r.mean(0)) / r.std(0), (s - s.mean(0)) / s.std(0)], 1
        ),
    ),
    ("joined", "joined as they come", lambda r, s: torch.cat([r, s], dim=1)),
    (
        "joined", "over an image's features",
        lambda r, s: torch.cat([standard(r, 1), standard(s, 1)], 1),
    ),
    (
        "joined", "divided by N. ",
        lambda r, s: torch.cat([standard(r, 0, 0), standard(s, 0, 0)], 1),
    ),
    (
        "who-speaks", "Only the weights",
        lambda h, w, n: 100 * (w[:, :n] ** 2).sum() / (w**2).sum(),
    ),
    (
        "who-speaks", "Only the features' spread",
        lambda h, w, n: 100 * h[:, :n].var(0).sum() / h.var(0).sum(),
    ),
    (
        "who-speaks", "the part of the other features",
        lambda h, w, n: 100 / (1 + heard(h, w, slice(n)) / heard(h, w, slice(n, None))),
    ),
    (
        "smooth-angle", "not doubled",
        lambda d: torch.stack([torch.deg2rad(d).cos(), torch.deg2rad(d).sin()], 1),
    ),
    (
        "smooth-angle", "sine and cosine take radians",
        lambda d: torch.stack([(2 * d).cos(), (2 * d).sin()], dim=1),
    ),
    (
        "smooth-angle", "two columns are exchanged",
        lambda d: torch.stack([d.mul(2).deg2rad().sin(), d.mul(2).deg2rad().cos()], 1),
    ),
    ("same-corners", "The sign is turned", lambda a, b: (b - a) * 0.24 / 0.13),
    ("same-corners", "upside down", lambda a, b: 0.13 / 0.24 * (a - b)),
    ("same-corners", "do not count alike", lambda a, b: a - b),
    ("same-corners", "b rests at 0.5", lambda a, b: 0.24 * (a - 0.5) / 0.13),
    (
        "person-split", "these are acquaintances",
        lambda i, n: torch.tensor([k >= len(i) - n for k in range(len(i))]),
    ),
    (
        "person-split", "cut in two",
        lambda i, n: torch.isin(
            torch.arange(len(i)), i.cpu().argsort(descending=True, stable=True)[:n]
        ),
    ),
    ("person-split", "to train on", lambda i, n: ~whole_people(i, n)),
    ("person-split", "n counts images", lambda i, n: i > i.max() - n),
    (
        "pair-accuracy", "on the pairs that it is judged by",
        lambda d, s, n: by_threshold(d, s, slice(n, None), slice(n, None)),
    ),
    (
        "pair-accuracy", "by the pairs that it was chosen on",
        lambda d, s, n: by_threshold(d, s, slice(n), slice(n)),
    ),
    (
        "pair-accuracy", "All pairs are judged",
        lambda d, s, n: by_threshold(d, s, slice(n), slice(None)),
    ),
    (
        "pair-accuracy", "Far pairs count as one person",
        lambda d, s, n: 100 - by_threshold(d, s, slice(n), slice(n, None)),
    ),
    ("starting-encoder", "The frozen network itself", lambda h, a, b: b(h)),
    ("starting-encoder", "statistics stayed behind", copied),
    (
        "starting-encoder", "The batch norm is awake",
        lambda h, a, b: (a.load_state_dict(b.state_dict()), a(h))[1],
    ),
    (
        "starting-encoder", "The copy is frozen as well",
        lambda h, a, b: loaded(h, a.requires_grad_(False), b),
    ),
    ("starting-encoder", "a random start", lambda h, a, b: a.eval()(h)),
    (
        "parameters-of", "The biases are missing",
        lambda i, h, k, n: n * (i * h + h * h + h * k + 4 * h),
    ),
    (
        "parameters-of", "The batch norms are missing",
        lambda *x: x[3] * sum(size(*x)[:3]),
    ),
    (
        "parameters-of", "The first layer is counted once",
        lambda *x: x[3] * sum(size(*x)[1:4]) + size(*x)[0],
    ),
    ("parameters-of", "This is one expert", lambda *x: sum(size(*x)[:4])),
    ("verdict", "read as no effect", lambda *x: verdicts(*x, wide=2)),
    (
        "verdict", "1.96 is for hundreds of runs",
        lambda *x: verdicts(*x, quantiles=(1.96, 1.645)),
    ),
    (
        "verdict", "held against the 90 % interval",
        lambda g, *x: verdicts(
            g, *x, quantiles=[stats.t.ppf(0.975, g.shape[1] - 1)] * 2
        ),
    ),
    (
        "verdict", "be it as wide as it may",
        lambda g, paper, least: torch.where(
            (ends(g)[0] <= paper) & (ends(g)[1] >= paper), 0, verdicts(g, paper, least)
        ),
    ),
    (
        "verdict", "The sign is not looked at",
        lambda g, *x: verdicts(torch.where(ends(g)[1] < 0, -1, 1)[:, None] * g, *x),
    ),
    (
        "verdict", "Our mean is held against",
        lambda g, paper, least: torch.where(
            (verdicts(g, paper, least) == 0) & (g.mean(1) < paper),
            1,
            verdicts(g, paper, least),
        ),
    ),
    ("holm", "which is Bonferroni", lambda p: torch.clamp(p * len(p), max=1)),
    (
        "holm", "below a smaller one",
        lambda p: torch.clamp(p * (len(p) - p.argsort().argsort()), max=1),
    ),
    ("holm", "They come sorted", lambda p: holm(p).sort()[0]),
    (
        "holm", "Benjamini and Hochberg",
        lambda p: torch.as_tensor(
            stats.false_discovery_control(p.cpu().numpy()), dtype=torch.float32
        ),
    ),
    (
        "wrong-labels", "Logits are compared",
        lambda z, y, n: (z[range(len(z)), y] - z.amax(1)).argsort()[:n],
    ),
    (
        "wrong-labels", "Only the label's probability",
        lambda z, y, n: z.softmax(1)[range(len(z)), y].argsort()[:n],
    ),
    (
        "wrong-labels", "The label is not asked",
        lambda z, y, n: z.softmax(1).amax(1).argsort(descending=True)[:n],
    ),
    (
        "balanced-accuracy", "This is the accuracy",
        lambda y, said: 100 * (y == said).float().mean(),
    ),
    (
        "balanced-accuracy", "mean precision",
        lambda y, said: 100
        * sum((y[said == c] == c).float().mean() for c in said.unique())
        / len(said.unique()),
    ),
    (
        "balanced-accuracy", "class without an image",
        lambda y, said: 100
        * sum((said[y == c] == c).float().mean() for c in y.unique())
        / (y.max() + 1),
    ),
    (
        "balanced-accuracy", "This is a fraction",
        lambda y, said: sum((said[y == c] == c).float().mean() for c in y.unique())
        / len(y.unique()),
    ),
    ("inter-intra", "as often as it has images", lambda *x: ratio(*x, lambda own: 1)),
    ("inter-intra", "that is η²", lambda *x: ratio(*x, total=True)),
    ("inter-intra", "ratio of lengths", lambda *x: ratio(*x) ** 0.5),
    ("inter-intra", "upside down", lambda *x: 1 / ratio(*x)),
    ("bits", "the natural one", lambda *x: bits(*x, log=torch.log)),
    ("bits", "wholly on one side", lambda s, k: bits((s > 0.5).float(), k)),
    ("bits", "holds counts", lambda *x: bits(*x, shares=False)),
    (
        "bits", "does not know before",
        lambda s, k: stats.entropy(k.bincount().cpu().numpy(), base=2),
    ),
    ("centred-cosine", "still counts", lambda a, b: cosine(a, b).abs().mean()),
    (
        "centred-cosine", "one side only",
        lambda a, b: cosine(a, b - b.mean(0)).abs().mean(),
    ),
    (
        "centred-cosine", "over an image's logits",
        lambda a, b: cosine(a - a.mean(1, True), b - b.mean(1, True)).abs().mean(),
    ),
    (
        "centred-cosine", "absolute value is missing",
        lambda a, b: cosine(a - a.mean(0), b - b.mean(0)).mean(),
    ),
    ("expected-angle", "the likeliest bin", lambda z, c: c[z.max(1).indices]),
    ("expected-angle", "The softmax is missing", lambda z, c: (z * c).sum(1)),
    (
        "expected-angle", "goes over the images",
        lambda z, c: (z.softmax(dim=0) * c).sum(1),
    ),
    ("expected-angle", "The sign is turned", lambda z, c: F.softmax(z, 1) @ -c),
    (
        "film-groups", "get different weights",
        lambda a, g: torch.relu(a * g.repeat(1, a.shape[1] // g.shape[1])),
    ),
    ("film-groups", "scale is 1 + g", lambda a, g: torch.relu(scaled(a, 1 + g))),
    (
        "film-groups", "as concatenation does",
        lambda a, g: torch.relu(a + scaled(torch.ones_like(a), g)),
    ),
    ("film-groups", "The rectifier is missing", lambda a, g: scaled(a, g)),
    ("film-groups", "never learns", lambda a, g: torch.relu(scaled(a, g.detach()))),
    ("reversed-gradient", "passes as it is", lambda h: h.clone()),
    ("reversed-gradient", "is stopped, and not turned", lambda h: h.detach().clone()),
    ("reversed-gradient", "The values are turned as well", lambda h: 0 - h),
    ("reversed-gradient", "turned and doubled", lambda h: h - 3 * (h - h.detach())),
    ("leace", "by more than the least", lambda h, z: erased(h, z, "s", "s")),
    ("leace", "What the best reader", lambda h, z: erased(h, z, "w", "w")),
    ("leace", "The mean is gone", lambda h, z: erased(h, z, "s", "w") - h.mean(0)),
    (
        "confounded", "those with u above",
        lambda y, a, u, s: turned(y, a, u > s),
    ),
    ("confounded", "sides are exchanged", lambda y, a, u, s: turned(9 - y, a, u < s)),
    ("confounded", "Every digit is confounded", lambda y, a, u, s: turned(y, a, u < 2)),
    (
        "confounded", "already is sent away",
        lambda y, a, u, s: torch.where(u < s, torch.where(y < 5, -a, a), a),
    ),
    ("confounded", "The border is moved", lambda y, a, u, s: turned(y, a, u < s, 5)),
    ("tuning-share", "what is left of the gain", lambda a, b, c, d: (d - c).mean()),
    (
        "tuning-share", "what tuning brought the baseline",
        lambda a, b, c, d: c.mean() - a.mean(),
    ),
    (
        "tuning-share", "The sign is turned",
        lambda a, b, c, d: (d - c).mean() - (b - a).mean(),
    ),
    ("tuning-share", "the whole gain", lambda a, b, c, d: b.mean() - a.mean()),
]  # fmt: skip
