"""Data in which one variable rules the appearance of another."""

from thin_mini.data.augment import shift
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.digits import mnist_r, mnist_rs, rotate
from thin_mini.data.faces import expression_actions, render_faces
from thin_mini.data.sprites import SHAPES, dsprites, render_sprites
from thin_mini.data.store import DataError, cache_folder, data_folder

__all__ = [
    "SHAPES",
    "DataError",
    "ExogenousDataset",
    "cache_folder",
    "data_folder",
    "dsprites",
    "expression_actions",
    "mnist_r",
    "mnist_rs",
    "render_faces",
    "render_sprites",
    "rotate",
    "shift",
]
