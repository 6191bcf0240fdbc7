"""What all rows of a recipe share: data, budget, protocol, and how a row is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from thin_mini.paper import NAMES, PAPER_LAMBDA
from thin_mini.profiles import Profile
from thin_mini.runs import Protocol, Row, Run

LAMBDAS = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5)  # Figures 4 and 5
PAPER_EPOCHS = 6  # at most; the best is chosen on validation images
GATED = ("tree", "exogenous", "oracle", "thin")


def beside(model: str, about: str = "") -> str | None:
    """The row that a gate's is shown beside: the simple ensemble, its like."""
    return NAMES["simple"] + about if model in GATED else None


@dataclass(frozen=True)
class Plan:
    """What all rows of a recipe share: data, budget and seeds."""

    data: str
    source: str
    budget: Profile
    seeds: int
    paper_protocol: bool = False
    plain: bool = False  # no random shifts, and a gate on the hidden layer
    n_scales: int = 10  # of the sprites

    @property
    def gate_on(self) -> str:
        """What the gate sees of the network; ``choices`` compares, on validation."""
        if self.paper_protocol:
            return "features"  # h_exo, as the paper has it
        return "hidden" if self.data == "dsprites" or self.plain else "probabilities"

    @property
    def by(self) -> str:
        """The exogenous variable of these data."""
        return "scale" if self.data == "dsprites" else "rotation"

    @property
    def all_labels(self) -> int:
        """Every training image but those set aside for validation."""
        n = self.budget.n_images
        return n - n // 12 if self.paper_protocol else n

    @property
    def few_labels(self) -> int:
        """Few task labels, where conditioning should pay."""
        if self.budget.name == "smoke":
            return 64
        return 2_000 if self.data == "dsprites" else 1_000

    def protocol(self, labels: int) -> Protocol:
        """The paper's protocol, or ours, whose settings ``choices`` bears out."""
        if self.paper_protocol:
            epochs = min(self.budget.epochs, PAPER_EPOCHS)
            return Protocol(epochs, 32, 1e-3, "constant", 0, labels // 11)
        if self.budget.name == "smoke":
            return Protocol(self.budget.epochs, shift=0 if self.plain else 1)
        return Protocol(epochs_for(labels), shift=0 if self.plain else 1)

    def network(self, by: str, labels: int, seed: int) -> Run:
        """The exogenous network that predicts ``by``."""
        return Run(
            self.data,
            self.source,
            "network",
            by,
            labels,
            self.budget.n_test,
            seed,
            replace(self, plain=False).protocol(labels),
            n_scales=self.n_scales,
        )

    def row(
        self,
        model: str,
        *,
        name: str | None = None,
        labels: int | None = None,
        exo_labels: int | None = None,
        by: tuple[str, ...] | None = None,
        dispel: float | None = None,
        gate_on: str | None = None,
        on: str = "test",
        protocol: Protocol | None = None,
        **about: object,
    ) -> Row:
        """A row of one architecture."""
        labels = self.all_labels if labels is None else labels
        by = (self.by,) if by is None else by
        gated = model in ("exogenous", "thin")
        if dispel is None:
            dispel = PAPER_LAMBDA if model == "thin" else 0.0

        def run(seed: int) -> Run:
            networks = tuple(
                self.network(variable, exo_labels or self.all_labels, seed)
                for variable in by
            )
            return Run(
                self.data,
                self.source,
                # THIN is the exogenous ensemble with λ > 0, and one without is none.
                "exogenous" if gated else model,
                by[0],
                labels,
                self.budget.n_test,
                seed,
                protocol or self.protocol(labels),
                networks if gated else (),
                (gate_on or self.gate_on) if gated else "hidden",
                dispel,
                on,
                self.n_scales,
            )

        runs = tuple(run(seed) for seed in range(self.seeds))
        return Row(name or NAMES[model], runs, **about)  # type: ignore[arg-type]


def lambda_sweep(row: Callable[..., Row], papers: dict[float, float]) -> list[Row]:
    """THIN with each λ, beside the paper's points that its text gives as numbers."""
    return [
        row(
            name=f"λ = {value:g}",
            dispel=value,
            paper=papers.get(value),
            reference=None if value == 0 else "λ = 0",
        )
        for value in LAMBDAS
    ]


def epochs_for(labels: int) -> int:
    """Passes over the labelled images: fewer labels, more passes."""
    steps = ((500, 80), (2_000, 40), (8_000, 20), (30_000, 10), (100_000, 6))
    return next((epochs for limit, epochs in steps if labels <= limit), 3)
