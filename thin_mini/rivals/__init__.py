"""What else one could do with an exogenous variable (part V of the book)."""

from thin_mini.rivals.heads import (
    Concatenated,
    Conditioned,
    FiLM,
    Modulated,
    Shuffled,
    matched,
)
from thin_mini.rivals.readers import Reversed, WithReader
from thin_mini.rivals.removers import (
    CrossCovariance,
    Dispelling,
    Eraser,
    Retrained,
    Reversal,
)
from thin_mini.rivals.undo import INVERSES, expected, undo
from thin_mini.rivals.views import (
    Averaged,
    RandomChange,
    SpatialTransformer,
    after,
    turned,
    warped,
    zoomed,
)

__all__ = [
    "INVERSES",
    "Averaged",
    "Concatenated",
    "Conditioned",
    "CrossCovariance",
    "Dispelling",
    "Eraser",
    "FiLM",
    "Modulated",
    "RandomChange",
    "Retrained",
    "Reversal",
    "Reversed",
    "Shuffled",
    "SpatialTransformer",
    "WithReader",
    "after",
    "expected",
    "matched",
    "turned",
    "undo",
    "warped",
    "zoomed",
]
