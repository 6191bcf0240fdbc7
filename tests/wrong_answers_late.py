"""Wrong answers to the exercises from chapter 8 on, as readers write them.

Each is the exercise, words of the message that is meant for it, and the function.
"""

import torch


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


LATE = [
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
]  # fmt: skip
