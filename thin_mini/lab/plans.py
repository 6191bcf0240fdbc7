"""What a recipe is, what all its rows share, and how a row is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from thin_mini.lab.runs import Protocol, Row, Run
from thin_mini.lab.worlds import World
from thin_mini.paper import NAMES
from thin_mini.profiles import Profile

PAPER_EPOCHS = 6  # at most; the best is chosen on validation images
GATED = ("tree", "exogenous", "oracle", "thin")
RANDOM = "random start"
BINNED = ("mnist-r", "dsprites")
FACES = ("cartoons", "photos")


@dataclass(frozen=True)
class Plan:
    """What all rows of a recipe share.

    Attributes:
        world: The data, and what goes with them.
        budget: How much to compute.
        seeds: Repetitions.
        source: Where images come from that are not drawn.
        first: The first of the seeds.
        paper_protocol: Whether to train as the paper does.
        plain: Whether to do without random shifts, and with a gate on the hidden layer.
        n_scales: Of the sprites.
    """

    world: World
    budget: Profile
    seeds: int
    source: str = ""
    first: int = 0
    paper_protocol: bool = False
    plain: bool = False
    n_scales: int = 10

    @property
    def each_seed(self) -> range:
        """The seeds."""
        return range(self.first, self.first + self.seeds)

    @property
    def gate_on(self) -> str:
        """What the gate sees of the network: for the paper h_exo itself."""
        if self.paper_protocol:
            return "features"
        return "hidden" if self.plain else self.world.gate_on

    @property
    def all_labels(self) -> int:
        """Every training image but those set aside for validation."""
        n, *_ = self.world.sizes(self.budget)
        return n - n // 12 if self.paper_protocol else n

    @property
    def few_labels(self) -> int:
        """Few task labels, where conditioning should pay."""
        return 64 if self.budget.name == "smoke" else self.world.few

    @property
    def amounts(self) -> list[int]:
        """Numbers of task labels that the world's tables are made for."""
        n, many = self.all_labels, self.world.many
        return [n] if many is None else sorted({self.few_labels, min(n, many)})

    def protocol(self, labels: int) -> Protocol:
        """The paper's protocol, or ours, whose settings ``choices`` bears out."""
        epochs = self.budget.epochs
        if self.paper_protocol:
            epochs = min(epochs, PAPER_EPOCHS)
            return Protocol(epochs, 32, 1e-3, "constant", 0, labels // 11)
        if self.budget.name != "smoke":
            epochs = next(n for limit, n in self.world.passes if labels <= limit)
        return Protocol(epochs, shift=0 if self.plain else 1)

    def network(self, seed: int, labels: int | None = None, by: str = "") -> Run:
        """The exogenous network that predicts ``by``, the world's own by default."""
        labels = labels or self.all_labels
        return self._run(
            "network",
            labels,
            seed,
            source=self.world.strangers or self.source,
            by=by or self.world.by,
            protocol=replace(self, plain=False).protocol(labels),
        )

    def row(
        self,
        model: str,
        labels: int | None = None,
        *,
        by: tuple[str, ...] = ("",),
        exo_labels: int | None = None,
        about: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Row:
        """A row of one architecture, by default as the plan and its world have it.

        Args:
            model: A name of ``paper.NAMES``.
            labels: Of the task.
            by: The variables whose networks feed the gate, the first one the runs'.
            exo_labels: Labels of those networks.
            about: Of the row; one whose reference has its name is held against none.
            **changes: Of the runs.
        """
        # THIN is the exogenous ensemble with λ > 0, and one without is none.
        gated = model in ("exogenous", "thin")
        looks = gated or changes.get("oracle_knows") == "portraits"
        labels = labels or self.all_labels
        own: dict[str, Any] = {
            "source": self.source,
            "by": by[0] or self.world.by,
            "protocol": self.protocol(labels),
            "dispel": self.world.dispel if model == "thin" else 0.0,
            "gate_on": self.gate_on,
            "start": self.world.start,
        }
        own |= changes
        if not looks:
            own["gate_on"] = "hidden"
        runs = []
        for seed in self.each_seed:
            networks = [self.network(seed, exo_labels, each) for each in by]
            own["networks"] = tuple(networks) if looks or own["start"] else ()
            runs.append(self._run("exogenous" if gated else model, labels, seed, **own))
        row: dict[str, Any] = {"name": NAMES[model]}
        row |= {"comparable": self.world.comparable, **(about or {})}
        if row.get("reference") == row["name"]:
            row["reference"] = None
        return Row(runs=tuple(runs), **row)

    def _run(self, model: str, labels: int, seed: int, **own: Any) -> Run:
        _, n_people, n_test = self.world.sizes(self.budget)
        return Run(
            self.world.name,
            model=model,
            labels=labels,
            seed=seed,
            n_test=n_test,
            n_scales=self.n_scales,
            n_people=n_people,
            **own,
        )


Maker = Callable[[Plan], list[Row]]


@dataclass(frozen=True)
class Recipe:
    """Rows to be made on one or several data sets.

    Attributes:
        name: On the command line.
        about: What it is for.
        headline: A pattern: of the rows that it fits the last one's result says most.
        makers: By data set, what makes the rows from a plan.
        options: Of the plan.
    """

    name: str
    about: str
    headline: str
    options: dict[str, Any]
    makers: dict[str, Maker] = field(default_factory=dict)


RECIPES: dict[str, Recipe] = {}


def recipe(
    name: str, data: Iterable[str], headline: str, about: str = "", **options: Any
) -> Callable[[Maker], Maker]:
    """Say that the function below makes the rows of ``thin-mini reproduce NAME``.

    What the recipe costs and finds is computed, :func:`thin_mini.lab.estimates.head`.

    Args:
        name: On the command line.
        data: The data sets that it runs on.
        headline: A pattern: of the rows that it fits the last one's result says most.
        about: What it is for, by default as the function says.
        **options: Of the plan.
    """

    def enter(maker: Maker) -> Maker:
        line = (maker.__doc__ or "").partition("\n")[0].rstrip(".")
        text = about or line[:1].lower() + line[1:]
        own = RECIPES.setdefault(name, Recipe(name, text, headline, options))
        own.makers.update(dict.fromkeys(data, maker))
        return maker

    return enter


def architectures(
    plan: Plan,
    labels: int | None = None,
    suffix: str = "",
    *,
    models: Iterable[str] = NAMES,
    against: str | None = None,
    about: dict[str, Any] | None = None,
    **changes: Any,
) -> list[Row]:
    """A row for each, beside the baseline and, of a gate, the simple ensemble.

    Args:
        plan: Of the recipe.
        labels: Of the task, by default all.
        suffix: What follows the architecture in the name of its row.
        models: Which.
        against: The suffix of the rows that these are held against, if another.
        about: Of the rows.
        **changes: As in :meth:`Plan.row`.
    """
    same = suffix if against is None else against
    rows = []
    for model in models:
        own = {
            "name": NAMES[model] + suffix,
            "reference": NAMES["baseline"] + same,
            "beside": NAMES["simple"] + same if model in GATED else None,
            "paper": plan.world.accuracies.get(model),
        }
        own |= about or {}
        rows.append(plan.row(model, labels, about=own, **changes))
    return rows
