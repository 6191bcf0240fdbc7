"""Data in which one variable rules the appearance of another."""

from thin_mini.data.augment import shift
from thin_mini.data.cartoons import (
    cartoon_celebrities,
    cartoon_faces,
    cartoon_pairs,
    draw_people,
)
from thin_mini.data.dataset import ExogenousDataset
from thin_mini.data.digits import mnist_r, mnist_rs, rotate
from thin_mini.data.face_files import FaceFiles, FacePairs
from thin_mini.data.face_folders import face_csv, face_folder, face_pairs, open_faces
from thin_mini.data.faces import render_faces
from thin_mini.data.factors import expression_actions
from thin_mini.data.fer import affectnet, expw, fer2013, raf_db
from thin_mini.data.pictures import (
    Pictures,
    class_batches,
    imagenet_input,
    plain_batches,
    vggface_input,
)
from thin_mini.data.sprites import SHAPES, dsprites, render_sprites
from thin_mini.data.store import DataError, cache_folder, data_folder

__all__ = [
    "SHAPES",
    "DataError",
    "ExogenousDataset",
    "FaceFiles",
    "FacePairs",
    "Pictures",
    "affectnet",
    "cache_folder",
    "cartoon_celebrities",
    "cartoon_faces",
    "cartoon_pairs",
    "class_batches",
    "data_folder",
    "draw_people",
    "dsprites",
    "expression_actions",
    "expw",
    "face_csv",
    "face_folder",
    "face_pairs",
    "fer2013",
    "imagenet_input",
    "mnist_r",
    "mnist_rs",
    "open_faces",
    "plain_batches",
    "raf_db",
    "render_faces",
    "render_sprites",
    "rotate",
    "shift",
    "vggface_input",
]
