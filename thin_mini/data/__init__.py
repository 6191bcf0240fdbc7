"""Data in which one variable rules the appearance of another."""

from typing import TYPE_CHECKING

from thin_mini._lazy import lazy

if TYPE_CHECKING:  # the list of public names, for ``lazy`` as for editors
    from thin_mini.data.augment import shift
    from thin_mini.data.cartoons import (
        cartoon_celebrities,
        cartoon_faces,
        cartoon_pairs,
        draw_people,
    )
    from thin_mini.data.dataset import ExogenousDataset
    from thin_mini.data.digits import mnist_r, mnist_rs, rotate
    from thin_mini.data.faces import render_faces
    from thin_mini.data.factors import expression_actions
    from thin_mini.data.photos.detect import largest_face
    from thin_mini.data.photos.face_files import FaceFiles
    from thin_mini.data.photos.fer import (
        affectnet,
        expw,
        face_csv,
        face_folder,
        fer2013,
        open_faces,
        open_test,
        raf_db,
    )
    from thin_mini.data.photos.pairs import FacePairs, face_pairs
    from thin_mini.data.photos.pictures import (
        Pictures,
        class_batches,
        imagenet_input,
        plain_batches,
        vggface_input,
    )
    from thin_mini.data.sprites import SHAPES, dsprites, render_sprites
    from thin_mini.data.store import DataError, cache_folder, data_folder

__getattr__, __dir__, __all__ = lazy(__name__, globals())
