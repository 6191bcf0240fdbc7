"""The words of the moving figures, and where their pictures are."""

from __future__ import annotations

from typing import Any, NamedTuple

import live_data

from thin_mini.basics.intervals import mean_interval


class Words(NamedTuple):
    """What a figure says of itself.

    Attributes:
        picture: Its still form, in ``_static``.
        alt: What that shows.
        instead: What one could do with JavaScript.
        caption: What it shows; numbers in braces come from results.
    """

    picture: str
    alt: str
    instead: str
    caption: str


WORDS = {
    "thin": Words(
        "routing.svg",
        "Stacked areas over the rotation from minus 90 to 90 degrees: how much each of "
        "the eight experts counts. Different experts lead in different parts of it.",
        "draw a digit, turn it, and see what the frozen network believes, how the tree "
        "weighs the experts and what three models answer",
        "Turn the digit, or draw your own. The frozen network follows the angle, "
        "the tree passes the weight from leaf to leaf, and the digit is to stay. These "
        "are the networks themselves, one run of each with 1,000 labels ({hashes}); of "
        "10,000 test images they get {right} % right. They know ten digits and nothing "
        "else.",
    ),
    "tree": Words(
        "plane.svg",
        "The plane in four colours, one for each leaf of a tree with three nodes, with "
        "straight borders that are faint where the tree is undecided.",
        "move the weights, the bias and the temperature of three nodes, and a point, "
        "and see how the leaves divide the plane",
        "Move a node's line and the point. Each node cuts along a straight line, "
        "softly where the temperature is high; a leaf counts where the answers on its "
        "way agree.",
    ),
    "lambda": Words(
        "live/still-lambda.svg",
        "Two panels over λ from 0 to 0.5, from a random start and from the weights of "
        "γ_τ: the accuracy on digits hardly changes; what c_σ reads of the angle falls "
        "from the second start, and what fresh probes read falls little.",
        "move λ and see accuracy, |cos| and what is read of the angle, each with its "
        "interval",
        "Move λ. Each mark is the mean of five runs with its 95 % interval; the number "
        "behind it is the paired difference from λ = 0, bold where its interval leaves "
        "0 out. From γ_τ's weights c_σ reads {read:.0f} % of the angles at λ = 0 and "
        "{less:.0f} % at λ = 0.5, a fresh linear probe {linear:.0f} and {kept:.0f} %.",
    ),
    "arrows": Words(
        "live/still-arrows.svg",
        "Two arrows that begin at one point. Both are made of a long part that all "
        "images share and a short one of their own, at right angles to each other; yet "
        "the arrows point almost the same way.",
        "turn both parts of two arrows, and see what the cosine says of them",
        "Drag the end of the second arrow. Both answers are a part that all images "
        "share and a part of the image's own. Only the second tells anything of the "
        "angle; the cosine hears both. From a random start, at λ = 0, |cos| is "
        "{cosine:.2f} on average, although c_σ names {named:.0f} % of the bins, where "
        "guessing names {chance:.0f} %.",
    ),
    "faces": Words(
        "faces.png",
        "Drawn faces: five people in rows, seven expressions in columns. Some neutral "
        "faces look pleased, some sad.",
        "change who a drawn face is, what it does, its pose and its light, and give a "
        "neutral face the mouth of another's smile",
        "Change who it is, what the face does, how it is turned and lit. The page "
        "draws by the formulas of <code>tm.data.render_faces</code>, without grain. "
        "Where rest and smile raise the same corners, a picture shows their sum: that "
        "is why it helps to know the person.",
    ),
    "map": Words(
        "live/still-map.svg",
        "Points above the baseline over the number of task labels, a line with "
        "intervals for each architecture on MNIST-R: gates lose with 250 labels, gain "
        "most around 1,000, and gain little with all of them.",
        "choose data, labels and rival, and see who wins there, by how much, and how "
        "sure it is",
        "Choose data, a cell and a rival. A cell has the chosen rival's points above "
        "the baseline of the same data, labels and training, paired by seed; a dot was "
        "not run. {rows:,} rows of {runs:,} runs. Where many are compared, the highest "
        "looks better than it is: hold its distance from the next one against its "
        "interval.",
    ),
    "interval": Words(
        "live/still-interval.svg",
        "Five differences of THIN and the baseline for each of three amounts of "
        "labels, with means and 95 % intervals: above 0 with 1,000 labels and with "
        "60,000, below 0 with 250.",
        "drag five pairs of results, and see their mean, its interval and the verdict",
        "Drag the results, or choose one and press the arrow keys. Move both of a pair "
        "together, and nothing changes: an interval of differences does not mind that "
        "all models find one draw hard. Mean and interval are Student's with four "
        "degrees of freedom, the verdict is the ledger's; with 1,000 labels THIN lies "
        "{mean:+.2f} ± {half:.2f} points from the baseline.",
    ),
}


def numbers_of(name: str) -> dict[str, Any]:
    """What a caption says of the committed results."""
    if name == "lambda":
        before = live_data.of_model("Baseline, 1,000 labels", "network")
        after = live_data.of_model("Baseline, 1,000 labels", "network", 0.5)
        read, linear = (
            [live_data.mean_of(line, metric) for line in (before, after)]
            for metric in ("read", "linear")
        )
        return {"read": read[0], "less": read[1], "linear": linear[0]} | {
            "kept": linear[1]
        }
    if name == "arrows":
        line = live_data.of_model("Baseline, 1,000 labels", "apart")
        cosine, named = (live_data.mean_of(line, m) for m in ("cosine", "read"))
        return {"cosine": cosine, "named": named, "chance": 100 / 18}
    if name == "map":
        lines = live_data.of_map()
        runs = [
            value for line in lines for value in line["values"] if value is not None
        ]
        return {"rows": len(lines), "runs": len(runs)}
    if name == "interval":
        first, *_ = live_data.of_interval()
        pairs = zip(first["ours"], first["other"], strict=True)
        mean, half = mean_interval([ours - other for ours, other in pairs])
        return {"mean": mean, "half": half}
    return {}
