"""Data in which one variable rules the appearance of another."""

from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.digits import mnist_r, rotate
from thin_mini.data.store import DataError, cache_folder, data_folder

__all__ = [
    "DataError",
    "ExogenousDataset",
    "cache_folder",
    "data_folder",
    "mnist_r",
    "rotate",
]
