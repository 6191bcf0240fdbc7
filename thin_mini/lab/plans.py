"""What a recipe is, what all its rows share, and how a row is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from thin_mini.lab.rows import Protocol, Row, Run
from thin_mini.lab.worlds import World
from thin_mini.paper import NAMES
from thin_mini.profiles import Profile

PAPER_EPOCHS = 6  # at most; the best is chosen on validation images
GATED = ("tree", "exogenous", "oracle", "thin")
RANDOM = "random start"
OF_ROWS = {f.name for f in fields(Row)}


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
        return self.run(
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
        **changes: Any,
    ) -> Row:
        """A row of one architecture, by default as the plan and its world have it.

        Args:
            model: A name of ``paper.NAMES``.
            labels: Of the task.
            by: The variables whose networks feed the gate, the first one the runs'.
            exo_labels: Labels of those networks.
            **changes: Of the row or of its runs, which have no name in common. A row
                whose reference has its name is held against none.
        """
        about: dict[str, Any] = {
            "name": NAMES[model],
            "comparable": self.world.comparable,
        }
        about |= {key: changes.pop(key) for key in OF_ROWS & changes.keys()}
        if about.get("reference") == about["name"]:
            del about["reference"]
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
            runs.append(self.run("exogenous" if gated else model, labels, seed, **own))
        return Row(runs=tuple(runs), **about)

    def architectures(
        self,
        labels: int | None = None,
        suffix: str = "",
        *,
        models: Iterable[str] = NAMES,
        against: str | None = None,
        **changes: Any,
    ) -> list[Row]:
        """A row for each, beside the baseline and, of a gate, the simple ensemble.

        Args:
            labels: Of the task, by default all.
            suffix: What follows the architecture in the name of its row.
            models: Which.
            against: The suffix of the rows that these are held against, if another.
            **changes: As in :meth:`row`.
        """
        same = suffix if against is None else against
        rows = []
        for model in models:
            own = {
                "name": NAMES[model] + suffix,
                "reference": NAMES["baseline"] + same,
                "beside": NAMES["simple"] + same if model in GATED else None,
                "paper": self.world.accuracies.get(model),
            }
            rows.append(self.row(model, labels, **(own | changes)))
        return rows

    def run(self, model: str, labels: int, seed: int, **own: Any) -> Run:
        """A run on these data, with the settings that differ from the defaults."""
        _, own["n_people"], own["n_test"] = self.world.sizes(self.budget)
        own |= {"n_scales": self.n_scales, "labels": labels, "seed": seed}
        return Run(self.world.name, model=model, **own)


Maker = Callable[[Plan], list[Row]]


class Head(NamedTuple):
    """What stands over a recipe on one data set, as the committed runs have it.

    Attributes:
        runs: How many there are.
        minutes: That they take on two cores.
        headline: The result that says most: a row, or its difference from another.
    """

    runs: int
    minutes: int
    headline: str


@dataclass(frozen=True)
class Recipe:
    """Rows to be made on one or several data sets.

    Attributes:
        name: On the command line.
        about: What it is for.
        options: Of the plan.
        makers: By data set, what makes the rows from a plan.
        heads: By data set, what they take and find.
    """

    name: str
    about: str
    options: dict[str, Any]
    makers: dict[str, Maker] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)

    def command(self, data: str) -> str:
        """What makes the rows on one data set."""
        return f"thin-mini reproduce {self.name} --data {data}"


RECIPES: dict[str, Recipe] = {}
# How the docstring of a maker says it, after the command.
HEAD = r"--data (\S+): (\d+) runs, (\d+) minutes on two cores\n +(.+)"


def recipe(
    name: str, data: Iterable[str], about: str = "", **options: Any
) -> Callable[[Maker], Maker]:
    """Say that the function below makes the rows of ``thin-mini reproduce NAME``.

    What that takes and finds its docstring says, and a test holds it to the committed
    results.

    Args:
        name: On the command line.
        data: The data sets that it runs on.
        about: What it is for, by default as the function says.
        **options: Of the plan.
    """

    def enter(maker: Maker) -> Maker:
        told = maker.__doc__ or ""
        line = told.partition("\n")[0].rstrip(".")
        text = about or line[:1].lower() + line[1:]
        own = RECIPES.setdefault(name, Recipe(name, text, options))
        own.makers.update(dict.fromkeys(data, maker))
        for on, runs, minutes, found in re.findall(rf"reproduce {name} {HEAD}", told):
            own.heads[on] = Head(int(runs), int(minutes), found)
        return maker

    return enter
