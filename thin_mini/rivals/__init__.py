"""What else one could do with an exogenous variable (part V of the book)."""

from thin_mini.rivals.forgetting import (
    CrossCovariance,
    Dispelling,
    Eraser,
    Retrained,
    Reversal,
)
from thin_mini.rivals.heads import (
    Concatenated,
    Conditioned,
    FiLM,
    Modulated,
    Shuffled,
    matched,
)
from thin_mini.rivals.people import Centred, album
from thin_mini.rivals.readers import WithReader
from thin_mini.rivals.sparing import Annealed, Blended, MeanLayer, Shared, Shrunk
from thin_mini.rivals.undo import expected, undo
from thin_mini.rivals.views import (
    Averaged,
    RandomChange,
    SpatialTransformer,
    after,
    turned,
    zoomed,
)

__all__ = [
    "Annealed",
    "Averaged",
    "Blended",
    "Centred",
    "Concatenated",
    "Conditioned",
    "CrossCovariance",
    "Dispelling",
    "Eraser",
    "FiLM",
    "MeanLayer",
    "Modulated",
    "RandomChange",
    "Retrained",
    "Reversal",
    "Shared",
    "Shrunk",
    "Shuffled",
    "SpatialTransformer",
    "WithReader",
    "after",
    "album",
    "expected",
    "matched",
    "turned",
    "undo",
    "zoomed",
]
