"""THIN, step by step: throwable information networks on small images."""

from thin_mini import course, data, losses, metrics, plots, recipes, results
from thin_mini.encoders import ConvEncoder
from thin_mini.experts import Experts
from thin_mini.gates import SoftmaxGate, TreeGate, UniformGate
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

__version__ = "0.1.0"

__all__ = [
    "MLP",
    "Classifier",
    "Condition",
    "ConvEncoder",
    "ExogenousNetwork",
    "Experts",
    "Fused",
    "GatedEnsemble",
    "Oracle",
    "SoftmaxGate",
    "TreeGate",
    "UniformGate",
    "build",
    "course",
    "data",
    "dispelling_loss",
    "evaluate",
    "fit",
    "losses",
    "metrics",
    "n_trainable",
    "plots",
    "precompute",
    "profile",
    "recipes",
    "results",
    "thin_loss",
]
