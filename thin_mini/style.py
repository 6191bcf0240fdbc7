"""How the figures of the book look."""

from __future__ import annotations

import matplotlib as mpl
import seaborn as sns

# A grey that reads on white and on near-black, since figures are transparent.
INK = "#7a7a7a"
WIDTH = 7.0  # inches


def use_style() -> None:
    """Colours that the colour-blind tell apart, on a page of either shade."""
    sns.set_theme(style="ticks", palette="colorblind", font_scale=0.9)
    mpl.rcParams.update(
        {
            "axes.edgecolor": INK,
            "axes.facecolor": "none",
            "axes.labelcolor": INK,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "none",
            "figure.figsize": (WIDTH, 3.2),
            "legend.frameon": False,
            "legend.labelcolor": INK,
            "savefig.facecolor": "none",
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
