"""THIN on VGG-16 beside plain VGG-16: training steps in turn, as in section 4.3."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from report import Report, chip_name, timed
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import thin_mini as tm
from thin_mini.training import Losses

# Dense bf16 multiplications and additions, in 10¹² a second, from NVIDIA's data sheets
# (with sums in float32; those that they print "with sparsity" halved).
DATA_SHEETS = {
    "NVIDIA H200": 989,
    "NVIDIA H100 80GB HBM3": 989,
    "NVIDIA H100 PCIe": 756,
    "NVIDIA A100-SXM4-40GB": 312,
    "NVIDIA A100-SXM4-80GB": 312,
    "NVIDIA A100 80GB PCIe": 312,
    "NVIDIA L40S": 362,
    "NVIDIA L4": 121,
}
PLAIN, THIN = "plain VGG-16", "THIN on VGG-16"
CLASSES = 7  # expressions
Chip = dict[str, float | None]  # 10¹² operations a second, by who says so
Row = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """Of the networks, and how long to measure."""

    encoder: Callable[[], tm.Encoder]
    identities: int
    identity_hidden: int
    n_experts: int
    hidden: int
    product: int  # side of the matrices whose product is the chip's peak
    rounds: int
    steps: int


FULL = Sizes(tm.VGG16Encoder, 2_622, 4_096, 32, 512, 8_192, 7, 5)
TINY = Sizes(lambda: tm.ConvEncoder(3, 32, (8, 16)), 20, 32, 4, 16, 128, 2, 1)


@dataclass(frozen=True)
class Setting:
    """How a step is computed."""

    batch_size: int
    channels_last: bool = True
    compiled: bool = False

    def __str__(self) -> str:
        layout = ", channels-last" if self.channels_last else ""
        compiled = ", compiled" if self.compiled else ""
        return f"bf16{layout}{compiled}, batches of {self.batch_size}"


def settings(report: Report) -> list[Setting]:
    """The paper's batches, and such as fill the chip; what takes longest comes last."""
    if report.tiny:
        small, large = 2, 4
    else:
        memory = torch.cuda.get_device_properties(report.device).total_memory
        small, large = 16, 128 if memory > 40e9 else 32
    return [
        Setting(large),
        Setting(large, channels_last=False),
        Setting(small),
        Setting(large, compiled=True),
    ]


def build(name: str, sizes: Sizes) -> tm.Classifier:
    """A row of Table 4 with random weights, 98.8 million that are trained at full size.

    Plain VGG-16 has the same convolutions and one classifier as large as all experts.
    THIN has a frozen network as large as VGG-Face beside it.
    """
    encoder, frozen = sizes.encoder(), None
    if name == THIN:
        n, hidden = sizes.identities, sizes.identity_hidden
        head = nn.Sequential(
            *(nn.Linear(encoder.out_features, hidden), nn.ReLU()),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, n)),
        )
        frozen = tm.ExogenousNetwork(sizes.encoder(), n, gate_on="pooled", head=head)
        frozen.freeze()
    return tm.build(
        "thin" if name == THIN else "baseline",
        CLASSES,
        exogenous=frozen,
        n_experts=sizes.n_experts,
        hidden=(sizes.hidden, sizes.hidden),
        encoder=encoder,
        pool=tm.MapPool(encoder.out_shape),
    )


class Step:
    """One training step on one batch, and what it takes.

    Attributes:
        loss: Eq. 8 before the first step.
        peak_gb: Memory at its fullest; None where the device does not say.
        flops: Floating-point operations of a step, forwards and backwards.
        parameters: How many are trained.
    """

    def __init__(self, name: str, sizes: Sizes, setting: Setting, report: Report):
        device = report.device
        before = memory(device)
        layout = (
            torch.channels_last if setting.channels_last else torch.contiguous_format
        )
        torch.manual_seed(0)
        with device:
            model = build(name, sizes).to(memory_format=layout).train()
        images = torch.rand(setting.batch_size, *model.encoder.in_shape)
        self.images = images.to(device, memory_format=layout)
        self.target = torch.arange(setting.batch_size, device=device) % CLASSES
        self.losses, self.dispel = Losses(model, model.dispel), model.dispel
        self.device, self.parameters = device, tm.n_trainable(model)
        trained = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=1e-5, fused=True)
        few = self.images[:2], self.target[:2]
        with FlopCounterMode(display=False) as counter:
            self.backward(*few)
        self.flops = counter.get_total_flops() * setting.batch_size // 2
        if setting.compiled:
            # The backend that compiles takes a minute; without it the tracing is left.
            self.losses.compile(backend="eager" if report.tiny else "inductor")
        self.loss = self.backward(self.images, self.target).item()
        for _ in range(3):
            self()
        self.peak_gb = None
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self()
            self.peak_gb = round((torch.cuda.max_memory_allocated() - before) / 1e9, 2)

    def backward(self, images: Tensor, target: Tensor) -> Tensor:
        """Eq. 8 in bf16, the frozen network asked anew, as where images change."""
        self.losses.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16):
            sup, sim = self.losses(images, target, None)
            loss = sup + self.dispel * sim
        loss.backward()
        return loss.detach()

    def __call__(self) -> None:
        self.backward(self.images, self.target)
        self.optimizer.step()


def memory(device: torch.device) -> int:
    """What is taken of the device's."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def peak(report: Report, n: int) -> Chip:
    """What the chip does at best: measured on one large product, and as it is sold."""
    a, b = (
        torch.randn(n, n, device=report.device, dtype=torch.bfloat16) for _ in range(2)
    )
    out = torch.empty_like(a)

    def product() -> None:
        torch.mm(a, b, out=out)

    times = 2 if report.tiny else 20
    timed(product, times, report.device)  # warm-up
    seconds = min(timed(product, times, report.device) for _ in range(3))
    chip: Chip = {
        "measured_peak": round(2e-12 * n**3 / seconds, 4),
        "data_sheet": DATA_SHEETS.get(chip_name(report.device)),
    }
    report.say(
        f"a product of {n}×{n} matrices in bf16, 10¹² operations a second: {chip}"
    )
    return chip


def in_turn(
    calls: dict[str, Callable[[], None]], rounds: int, steps: int, device: torch.device
) -> dict[str, list[float]]:
    """Seconds of a call in each round, the calls one after another in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(timed(call, steps, device))
    return seconds


def compare(
    setting: Setting, sizes: Sizes, report: Report, chip: Chip
) -> dict[str, Row]:
    """Both networks under one setting."""
    # What an earlier setting compiled would count against this one's.
    torch.compiler.reset()
    steps = {name: Step(name, sizes, setting, report) for name in (PLAIN, THIN)}
    seconds = in_turn(dict(steps), sizes.rounds, sizes.steps, report.device)
    rows: dict[str, Row] = {}
    for name, step in steps.items():
        median = statistics.median(seconds[name])
        ratios = [a / b for a, b in zip(seconds[name], seconds[PLAIN], strict=True)]
        speed = 1e-12 * step.flops / median
        rows[name] = {
            "images_per_second": round(setting.batch_size / median, 1),
            "time_ratio": round(statistics.median(ratios), 3),
            "peak_memory_gb": step.peak_gb,
            "gflop_per_image": round(1e-9 * step.flops / setting.batch_size, 3),
            "parameters": step.parameters,
            "loss": round(step.loss, 4),
        }
        for kind, tflops in chip.items():
            share = None if tflops is None else round(speed / tflops, 4)
            rows[name][f"share_of_{kind}"] = share
        report.say(f"{setting}, {name}: {rows[name]}")
    return rows


def measure(report: Report) -> None:
    """Every setting for which there is time, each kept as it comes."""
    sizes = TINY if report.tiny else FULL
    chip = peak(report, sizes.product)
    report.keep(peak_tflops=chip)
    tables: dict[str, dict[str, Row]] = {}
    first: dict[int, dict[str, float]] = {}
    longest = 0.0
    for setting in settings(report):
        if report.left < longest:
            report.say(f"no time for {setting}")
            report.keep(left_out=str(setting))
            continue
        before = report.seconds
        tables[str(setting)] = found = compare(setting, sizes, report, chip)
        report.keep(settings=tables)
        losses = {name: row["loss"] for name, row in found.items()}
        others = first.setdefault(setting.batch_size, losses)
        same = all(math.isclose(losses[k], others[k], rel_tol=0.02) for k in losses)
        report.check(f"{setting}: the loss that the other ways have", same, str(losses))
        longest = max(longest, report.seconds - before)
        if report.device.type == "cuda":
            torch.cuda.empty_cache()
