"""THIN, step by step: throwable information networks on small images.

A room is imported when a name of it is first used, so that the command line answers at
once and nobody waits for what they do not use.
"""

from typing import TYPE_CHECKING

from thin_mini._lazy import lazy

if TYPE_CHECKING:  # the same for editors and mypy; a test holds the two equal
    from thin_mini import (
        course,
        data,
        distances,
        face_plots,
        losses,
        metrics,
        plots,
        recipes,
        results,
        routes,
        scaling,
    )
    from thin_mini.encoders import ConvEncoder, Encoder, MapPool, VGG16Encoder
    from thin_mini.experts import Experts
    from thin_mini.gates import SoftmaxGate, TreeGate, UniformGate
    from thin_mini.identity import adapt, starting_encoder
    from thin_mini.inference import evaluate, precompute, predict
    from thin_mini.losses import dispelling_loss, thin_loss
    from thin_mini.models import (
        MLP,
        Classifier,
        Condition,
        ExogenousNetwork,
        Fused,
        GatedEnsemble,
        Oracle,
        build,
        n_trainable,
    )
    from thin_mini.profiles import profile
    from thin_mini.trained import load
    from thin_mini.training import fit
    from thin_mini.weights import download_vgg16, load_vgg16, vgg_face

__version__ = "0.1.0"

ROOMS = (
    "course data distances face_plots losses metrics plots recipes results "
    "routes scaling"
)
NAMES = {
    "encoders": "ConvEncoder Encoder MapPool VGG16Encoder",
    "experts": "Experts",
    "gates": "SoftmaxGate TreeGate UniformGate",
    "identity": "adapt starting_encoder",
    "inference": "evaluate precompute predict",
    "losses": "dispelling_loss thin_loss",
    "models": (
        "MLP Classifier Condition ExogenousNetwork Fused GatedEnsemble Oracle "
        "build n_trainable"
    ),
    "profiles": "profile",
    "trained": "load",
    "training": "fit",
    "weights": "download_vgg16 load_vgg16 vgg_face",
}
__getattr__, __dir__, __all__ = lazy(__name__, globals(), NAMES, ROOMS)
