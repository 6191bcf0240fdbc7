"""A row of a table has a run for each seed: one training, described completely.

The hash of a description names its result: runs that two tables share are made once,
and a change of anything makes another run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

GATE_INPUTS = {  # of an exogenous network, as tables name them
    "hidden": "hidden layer",
    "features": "h_exo",
    "pooled": "h_exo, pooled",
    "probabilities": "probabilities",
}

# What may have networks, and no gate or head that sees what they say.
BLIND = {"baseline", "simple", "multi-task", "reversal", "centred"}
BLIND |= {"undone", "undone-truth"}


@dataclass(frozen=True)
class Protocol:
    """How a run is trained.

    Attributes:
        epochs: Passes over the labelled images.
        batch_size: Images in a step.
        lr: Learning rate of Adam, or its peak.
        schedule: ``"one-cycle"`` or ``"constant"``.
        shift: Random shifts by up to so many pixels.
        n_valid: Further training images to choose the epoch on; 0 keeps the last one.
    """

    epochs: int
    batch_size: int = 64
    lr: float = 3e-3
    schedule: str = "one-cycle"
    shift: int = 1
    n_valid: int = 0


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        data: ``"mnist-r"``, ``"dsprites"``, ``"mnist-rs"``, ``"cartoons"`` or
            ``"photos"``.
        source: ``"mnist"`` or ``"digits"``; of what is drawn empty, or for a network
            ``"celebrities"``: the faces of people who are in no other set.
        model: ``"network"`` (the exogenous one) or a name that ``build`` takes.
        by: The exogenous variable, ``"rotation"``, ``"scale"`` or ``"identity"``: what
            a network predicts, an oracle is told, and the accuracy is split by.
        labels: Training images with a label of what is to be learned.
        n_test: Test images.
        seed: Draws data, weights and the order of the images.
        protocol: How it is trained.
        networks: The exogenous networks that feed the gate, or that F_φ starts from.
        gate_on: What a gate gets to see of them.
        dispel: λ of Eq. 8.
        n_scales: Scales of the sprites, 10 or the official 6.
        n_people: Whom the training images show, for faces.
        start: Whether F_φ starts from the exogenous network's encoder (section 4.3).
        oracle_knows: What an oracle tells of people: ``"traits"``, ``"resting"`` (the
            four of the resting expression), ``"others"`` (those that are not), or
            ``"portraits"``: what the network sees in a person's pictures, on average;
            or ``"person"``: who it is, by number.
        apart: Whether F_φ and γ_τ start from weights of their own; else both start from
            those that the seed draws first, which dispelling feels.
        confounded: How far the digit decides the side to which a training image is
            turned, 0..1; networks learn from even ones.
        remover: What λ weighs, if not Eq. 7: a key of ``removal.REMOVERS``.
        probed: Whether to measure what can still be read from h_endo.
        truth: Whether a head that is no ``"oracle"`` is told what one knows, and not
            what a network does.
        summary: What is made of the network's answer first: ``"components"`` or
            ``"clusters"``, as many as ``face_runs.FEW``.
        pictures: Of a person, without labels, over which the network's answer, or
            h_endo, is averaged.
        on: ``"test"``, or ``"valid"``: measured on as many further training images,
            which is how settings are chosen.
    """

    data: str
    source: str
    model: str
    by: str
    labels: int
    n_test: int
    seed: int
    protocol: Protocol
    networks: tuple[Run, ...] = ()
    gate_on: str = "hidden"
    dispel: float = 0.0
    on: str = "test"
    n_scales: int = 10
    n_people: int = 0
    start: bool = False
    oracle_knows: str = "traits"
    apart: bool = False
    confounded: float = 0.0
    remover: str = ""
    probed: bool = False
    truth: bool = False
    summary: str = ""
    pictures: int = 0

    @cached_property
    def hash(self) -> str:
        """Twelve hexadecimal digits that stand for everything above.

        Only what differs from the defaults counts, and other runs by their own hash, so
        that a new setting keeps the old ones.
        """
        settings = _changed(self) | {"protocol": _changed(self.protocol)}
        if self.networks:
            settings["networks"] = [run.hash for run in self.networks]
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def n_experts(self) -> int:
        """Of an ensemble: what its name ends in, or the paper's 8."""
        end = self.model.rpartition("-")[2]
        return int(end) if end.isdigit() else 8

    @property
    def gate_sees(self) -> str:
        """What the gate's input is, for a table; empty without a gate that looks."""
        layer, known = GATE_INPUTS[self.gate_on], self.oracle_knows
        told = f"true {known if self.n_people or known == 'smooth' else 'bin'}"
        if known == "portraits":
            told = f"{layer}, mean of a person"
        if self.truth:
            layer = told
        if self.summary:
            layer = f"{self.summary} of {layer}"
        if self.pictures:
            layer += f", mean of {self.pictures} pictures"
        sees = {"tree": "h_endo", "softmax": "h_endo", "oracle": told}
        looks = (self.networks or self.truth) and self.model not in BLIND
        return sees.get(self.model, layer if looks else "")

    @property
    def training(self) -> dict[str, Any]:
        """What :func:`thin_mini.fit` is told."""
        how = asdict(self.protocol)
        del how["n_valid"]  # of the data
        return how | {"dispel": self.dispel, "seed": self.seed}

    @property
    def cost(self) -> int:
        """Images that pass through training, a measure of the time it takes."""
        return self.protocol.epochs * self.labels

    def __str__(self) -> str:
        about = f"{self.by} network" if self.model == "network" else self.model
        return f"{self.data}, {about}, {self.labels:,} labels, seed {self.seed}"


# Fields by the names that they had first, which hashes and files keep.
FIRST_NAMES = {"oracle_knows": "told"}


def _first_names(settings: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {FIRST_NAMES.get(name, name): value for name, value in settings}


def _changed(part: Run | Protocol) -> dict[str, Any]:
    """What differs from the defaults."""
    own = ((f.name, getattr(part, f.name), f.default) for f in fields(part))
    return _first_names((name, value) for name, value, usual in own if value != usual)


def settings_of(run: Run) -> dict[str, Any]:
    """What a file says of a run, from which :func:`run_from` makes it again."""
    return asdict(run, dict_factory=_first_names)


def run_from(settings: dict[str, Any]) -> Run:
    """The run that a file describes; fields that came later have their defaults.

    Raises:
        TypeError, KeyError: If a field is unknown, or one without a default missing.
    """
    now = {first: name for name, first in FIRST_NAMES.items()}
    own = {now.get(name, name): value for name, value in settings.items()}
    own["protocol"] = Protocol(**settings["protocol"])
    own["networks"] = tuple(map(run_from, settings.get("networks", ())))
    return Run(**own)


@dataclass(frozen=True)
class Row:
    """A line of a table: its runs, seed by seed, and what the paper says.

    Attributes:
        name: As the paper prints it.
        runs: One for each seed.
        paper: The paper's value in percent, None where it has none.
        metric: Which number of a result the row shows.
        reference: The row that the verdict compares with, None for none.
        beside: A second row to show the difference from, without a verdict: for a
            gate the simple ensemble, the same network without one.
        group: What rows of one table may share, such as the number of labels.
        comparable: Whether the paper's value is of the same data; else only
            differences of rows are judged, and of these the direction alone.
    """

    name: str
    runs: tuple[Run, ...]
    paper: float | None = None
    metric: str = "accuracy"
    reference: str | None = None
    beside: str | None = None
    group: dict[str, object] = field(default_factory=dict)
    comparable: bool = True


def all_runs(rows: Sequence[Row]) -> list[Run]:
    """Every run once, networks before what they feed, seed after seed."""
    runs: dict[str, Run] = {}
    for row in rows:
        for run in row.runs:
            for each in (*run.networks, run):
                runs.setdefault(each.hash, each)
    return sorted(runs.values(), key=lambda run: (run.seed, run.model != "network"))
