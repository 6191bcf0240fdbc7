"""THIN, step by step: throwable information networks on small images."""

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
from thin_mini.training import evaluate, fit, precompute
from thin_mini.weights import download_vgg16, load_vgg16, vgg_face

__version__ = "0.1.0"

__all__ = [
    "MLP",
    "Classifier",
    "Condition",
    "ConvEncoder",
    "Encoder",
    "ExogenousNetwork",
    "Experts",
    "Fused",
    "GatedEnsemble",
    "MapPool",
    "Oracle",
    "SoftmaxGate",
    "TreeGate",
    "UniformGate",
    "VGG16Encoder",
    "adapt",
    "build",
    "course",
    "data",
    "dispelling_loss",
    "distances",
    "download_vgg16",
    "evaluate",
    "face_plots",
    "fit",
    "load_vgg16",
    "losses",
    "metrics",
    "n_trainable",
    "plots",
    "precompute",
    "profile",
    "recipes",
    "results",
    "routes",
    "scaling",
    "starting_encoder",
    "thin_loss",
    "vgg_face",
]
