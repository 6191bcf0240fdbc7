"""Wrong answers to exercises of chapters 1 to 6, as readers write them.

Each is the exercise, words of the message that is meant for it, and the function.
"""

import torch
import torch.nn.functional as F


def four(z):
    root, left, right = torch.sigmoid(z).unbind(1)
    both = [root * left, root * (1 - left), (1 - root) * right]
    return torch.stack([*both, (1 - root) * (1 - right)], 1)


def deep(z, order, first=F.logsigmoid):
    """Leaf by leaf: ``order`` gives the column of a node by its level and place."""
    depth = (z.shape[1] + 1).bit_length() - 1
    leaves = []
    for leaf in range(2**depth):
        path, place = 0, 0
        for level in range(depth):
            column = z[:, order(level, place, depth)]
            turn = leaf >> (depth - 1 - level) & 1
            path = path + (first(-column) if turn else first(column))
            place = 2 * place + turn
        leaves.append(path)
    return torch.stack(leaves, 1)


def by_level(level, place, depth):
    return 2**level - 1 + place


def by_branch(level, place, depth):
    column = 0
    for i in range(level):
        right = place >> (level - 1 - i) & 1
        column += 1 + right * (2 ** (depth - 1 - i) - 1)
    return column


def blocks(z):
    paths, start = torch.zeros_like(z[:, :1]), 0
    while start < z.shape[1]:
        now = z[:, start : start + paths.shape[1]]
        start += now.shape[1]
        paths = torch.cat([paths + F.logsigmoid(now), paths + F.logsigmoid(-now)], 1)
    return paths


def greedy(points, weight, bias):
    leaves = []
    for a in (points @ weight.T + bias).tolist():
        node = 0 if a[0] > 0 else 1
        leaves.append(2 * node + (0 if a[1 + node] > 0 else 1))
    return torch.tensor(leaves).to(points.device)


def counted(g, log=torch.log):
    return -torch.where(g > 0, g * log(g.clamp(min=1e-30)), 0 * g).sum(-1)


def block(x, weight, gain, shift, flip=(), dim=(0, 2, 3), correction=0):
    n, _, size, _ = x.shape
    maps = weight.flip(flip).flatten(1) @ F.unfold(x, 3, padding=1)
    maps = maps.view(n, -1, size, size)
    spread = (maps.var(dim, correction=correction, keepdim=True) + 1e-5).sqrt()
    maps = (maps - maps.mean(dim, keepdim=True)) / spread
    maps = (maps * gain[:, None, None] + shift[:, None, None]).clamp(min=0)
    return maps.view(n, -1, size // 2, 2, size // 2, 2).amax((3, 5))


def wilson(p, n, z=1.96, root=0.5):
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)) ** root
    return 100 * torch.stack([middle - half, middle + half], 1)


def loop(h, first, last, bias, step=1):
    size, logits = last.shape[1], []
    for i, (w, b) in enumerate(zip(last, bias, strict=True)):
        own = slice(i * size, (i + 1) * size) if step == 1 else slice(i, None, step)
        logits.append((h @ first[own].T).clamp(min=0) @ w + b)
    return torch.stack(logits, 1)


def errors(p, target):
    mean, t = p.mean(1, keepdim=True), target[:, None]
    return (mean - t) ** 2, (p - t) ** 2, (p - mean) ** 2


def neighbours(image, u, v, weigh=lambda far: 1 - far, rows=True):
    ink = 0
    for column in (u.floor(), u.floor() + 1):
        for row in (v.floor(), v.floor() + 1) if rows else (v.floor(),):
            there = image[row.long(), column.long()]
            part = weigh((u - column).abs())
            ink = ink + part * (weigh((v - row).abs()) if rows else 1) * there
    return ink


def one_after_the_other(x, y, degrees):
    angle = torch.deg2rad(degrees)
    x = x * angle.cos() - y * angle.sin()
    y = x * angle.sin() + y * angle.cos()
    return torch.stack([x, y], 1)


def four_logs(yes, no, both=torch.add):
    leaves = [both(yes[:, 0], yes[:, 1]), both(yes[:, 0], no[:, 1])]
    leaves += [both(no[:, 0], yes[:, 2]), both(no[:, 0], no[:, 2])]
    return torch.stack(leaves, 1)


EARLY = [
    ("turn-back", "second number is made from the first", one_after_the_other),
    ("cross-entropy", "is a table", lambda z, y: -F.log_softmax(z, -1)[:, y].mean()),
    ("wilson", "divide percent by 100 first", lambda p, n: wilson(p, n)),
    ("wilson", "z is rounded to 1.96", lambda p, n: wilson(p / 100, n, 1.95996398454)),
    ("range-relative", "closed to a circle",
     lambda z, b: 100 * (1 - torch.stack([
         (z.argmax(1) - b) % z.shape[1], (b - z.argmax(1)) % z.shape[1]
     ]).amin(0).float().mean() / z.shape[1])),
    ("node-probabilities", "outside of the root",
     lambda h, w, b, gain, shift: torch.sigmoid(
         F.normalize((h - h.mean(0)) @ w.T, dim=0) * len(h) ** 0.5 * gain + shift)),
    ("log-leaves", "is not 1 - log d",
     lambda z: four_logs(F.logsigmoid(z), 1 - F.logsigmoid(z))),
    ("log-leaves", "The logarithms are multiplied",
     lambda z: four_logs(F.logsigmoid(z), F.logsigmoid(-z), torch.mul)),
    ("between-pixels", "Rows and columns are exchanged",
     lambda image, u, v: neighbours(image.T, u, v)),
    ("between-pixels", "nearest pixel, whole",
     lambda image, u, v: image[v.round().long(), u.round().long()]),
    ("between-pixels", "count alike",
     lambda image, u, v: neighbours(image, u, v, lambda far: 0 * far + 0.5)),
    ("between-pixels", "far pixels count most",
     lambda image, u, v: neighbours(image, u, v, lambda far: far)),
    ("between-pixels", "Only columns are mixed",
     lambda image, u, v: neighbours(image, u, v, rows=False)),
    ("conv-block", "divided by N - 1", lambda *x: block(*x, correction=1)),
    ("conv-block", "mirrored", lambda *x: block(*x, flip=(2, 3))),
    ("conv-block", "of single images", lambda *x: block(*x, dim=(2, 3))),
    ("conv-block", "The batch norm is missing",
     lambda x, w, *_: F.max_pool2d(F.conv2d(x, w, padding=1).clamp(min=0), 2)),
    ("conv-block", "comes before the batch norm",
     lambda x, w, gain, shift: F.max_pool2d(
         F.batch_norm(F.relu(F.conv2d(x, w, padding=1)), None, None, gain, shift,
                      True), 2)),
    ("wilson", "no width at 100 %",
     lambda percent, n: torch.stack([
         percent - 196 * (percent / 100 * (1 - percent / 100) / n) ** 0.5,
         percent + 196 * (percent / 100 * (1 - percent / 100) / n) ** 0.5], 1)),
    ("wilson", "shares between 0 and 1", lambda p, n: wilson(p / 100, n) / 100),
    ("wilson", "z is 1 here", lambda p, n: wilson(p / 100, n, z=1)),
    ("wilson", "The square root is lost", lambda p, n: wilson(p / 100, n, root=1)),
    ("bins", "the nineteenth", lambda a: torch.floor((a + 90) / 10).int()),
    ("bins", "nearest edge",
     lambda a: torch.round((a + 90) / 10).clamp(0, 17).long()),
    ("bins", "no class is called so", lambda a: torch.floor(a / 10).long()),
    ("bins", "beside 0° are merged", lambda a: (a / 10).long().add(9).clamp(max=17)),
    ("bins", "counted from 1",
     lambda a: torch.floor((a + 90) / 10).clamp(max=17).long() + 1),
    ("committee", "dealt out one by one",
     lambda h, first, last, bias: loop(h, first, last, bias, step=len(last))),
    ("committee", "two linear layers are one",
     lambda h, first, last, bias: torch.einsum(
         "nlh,lhk->nlk", (h @ first.T).view(len(h), *last.shape[:2]), last) + bias),
    ("committee", "their average already", lambda *x: loop(*x).sum(1) / 3),
    ("committee", "bias of the second layers is missing",
     lambda h, first, last, bias: loop(h, first, last, torch.zeros_like(bias))),
    ("committee", "A softmax too early", lambda *x: F.softmax(loop(*x), -1)),
    ("one-network", "sum of the experts",
     lambda last, bias: torch.cat([torch.cat([*last]), bias.sum(0, keepdim=True)])),
    ("one-network", "The weights lack the 1/L",
     lambda last, bias: torch.cat([torch.cat([*last]), bias.mean(0, keepdim=True)])),
    ("one-network", "The biases are added up",
     lambda last, bias: torch.cat([torch.cat([*last]) / 3, bias.sum(0, True)])),
    ("one-network", "averaged. They belong to different hidden units",
     lambda last, bias: torch.vstack([sum(last) / 3, sum(bias) / 3])),
    ("diversity", "divided by L - 1",
     lambda p, t: (*[x.mean() for x in errors(p, t)[:2]], p.var(1).mean())),
    ("diversity", "needs no target",
     lambda p, t: (errors(p, t)[0].mean(), *[errors(p, t)[1].mean()] * 2)),
    ("diversity", "answers are averaged",
     lambda p, t: (errors(p, t)[1].mean(1).mean(), *map(torch.mean, errors(p, t)[1:]))),
    ("diversity", "summed over the classes",
     lambda p, t: tuple(x.sum(-1).mean() for x in errors(p, t))),
    ("one-path", "taken to the left", lambda d: d[:, 0] * d[:, 2]),
    ("one-path", "answers for the right half", lambda d: (1 - d[:, 0]) * d[:, 1]),
    ("one-path", "The third turns left", lambda d: (1 - d[:, 0]) * (1 - d[:, 2])),
    ("one-path", "The steps are added", lambda d: (1 - d[:, 0]) + d[:, 2]),
    ("one-path", "all four leaves",
     lambda d: four(torch.special.logit(d))),
    ("node-probabilities", "Gain and shift are missing",
     lambda h, w, b, *_: torch.sigmoid(
         F.batch_norm(h @ w.T + b, None, None, training=True))),
    ("node-probabilities", "divided by the variance",
     lambda h, w, b, gain, shift: torch.sigmoid(
         (h @ w.T - (h @ w.T).mean(0)) / ((h @ w.T).var(0, correction=0) + 1e-5) * gain
         + shift)),
    ("node-probabilities", "comes after the sigmoid",
     lambda h, w, b, gain, shift: F.batch_norm(
         torch.sigmoid(h @ w.T + b), None, None, gain, shift, True)),
    ("tree-gate", "last two leaves are exchanged",
     lambda z: four(z)[:, [0, 1, 3, 2]]),
    ("tree-gate", "answers of the three nodes", torch.sigmoid),
    ("log-leaves", "never above 0",
     lambda z: -torch.stack([F.logsigmoid(-z[:, 0]) + F.logsigmoid(-z[:, 1]),
                             F.logsigmoid(-z[:, 0]) + F.logsigmoid(z[:, 1]),
                             F.logsigmoid(z[:, 0]) + F.logsigmoid(-z[:, 2]),
                             F.logsigmoid(z[:, 0]) + F.logsigmoid(z[:, 2])], 1)),
    ("tree-gate", "from right to left", lambda z: four(z)[:, [3, 2, 1, 0]]),
    ("tree-gate", "The steps of a path are added",
     lambda z: torch.stack([
         z[:, 0].sigmoid() + z[:, 1].sigmoid(),
         z[:, 0].sigmoid() + (-z[:, 1]).sigmoid(),
         (-z[:, 0]).sigmoid() + z[:, 2].sigmoid(),
         (-z[:, 0]).sigmoid() + (-z[:, 2]).sigmoid()], 1)),
    ("tree-gate", "softmax over paths",
     lambda z: torch.softmax(z @ z.new_tensor(
         [[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]]), 1)),
    ("log-leaves", "A floor under the product",
     lambda z: four(z).clamp(min=1e-12).log()),
    ("any-depth", "branch by branch", lambda z: deep(z, by_branch)),
    ("any-depth", "before all right ones", blocks),
    ("any-depth", "rounded to 0 or 1",
     lambda z: deep(z, by_level, lambda x: x.sigmoid().log())),
    ("any-depth", "Left and right are swapped", lambda z: deep(-z, by_level)),
    ("any-depth", "stops after two levels", lambda z: deep(z[:, :3], by_level)),
    ("any-depth", "one question of all paths",
     lambda z: deep(z, lambda level, place, depth: 2**level - 1)),
    ("partition", "likelier step", greedy),
    ("partition", "Left and right are swapped",
     lambda x, w, b: four(-(x @ w.T + b)).argmax(1)),
    ("partition", "counted from 1", lambda x, w, b: four(x @ w.T + b).argmax(1) + 1),
    ("partition", "The bias is missing", lambda x, w, b: four(x @ w.T).argmax(1)),
    ("partition", "how much the leaf", lambda x, w, b: four(x @ w.T + b).max(1)[0]),
    ("leaf-use", "0 times log 0",
     lambda g: (counted(g.mean(0)).exp(), (-(g * g.log()).sum(1)).mean().exp())),
    ("leaf-use", "These are entropies",
     lambda g: (counted(g.mean(0)), counted(g).mean())),
    ("leaf-use", "entropy in bits",
     lambda g: (counted(g.mean(0), torch.log2).exp(),
                counted(g, torch.log2).mean().exp())),
    ("leaf-use", "mean of numbers of leaves",
     lambda g: (counted(g.mean(0)).exp(), counted(g).exp().mean())),
    ("leaf-use", "over all images stands first",
     lambda g: (counted(g).mean().exp(), counted(g.mean(0)).exp())),
    ("scaled-groups", "dealt out one by one",
     lambda a, g, last, bias: (a * torch.cat([g] * 3, 1)) @ last.flatten(0, 1)
     + g @ bias),
    ("scaled-groups", "are all added, whole",
     lambda a, g, last, bias: (a * g.repeat_interleave(3, 1)) @ last.flatten(0, 1)
     + bias.sum(0)),
    ("scaled-groups", "averaged alike",
     lambda a, g, last, bias: (a * g.repeat_interleave(3, 1)) @ last.flatten(0, 1)
     + bias.mean(0)),
    ("scaled-groups", "never learns",
     lambda a, g, last, bias: (a * g.detach().repeat_interleave(3, 1))
     @ last.flatten(0, 1) + g.detach() @ bias),
]  # fmt: skip
