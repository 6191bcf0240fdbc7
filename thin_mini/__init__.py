"""THIN, step by step: throwable information networks on small images.

The whole method, to be read in one evening and in this order:
    losses       what is minimised, Eqs. 6 to 8
    gates        how much each expert counts, Eqs. 3 to 5
    experts      the committee of weak classifiers, Eqs. 1 and 2
    encoders     images to representations
    networks     what every row of Table 2 is made of
    exogenous    what knows the exogenous variable
    models       the rows themselves, by name
    loop         the one loop, and ``fit`` on it in training
    inference    one pass over images for every question
    metrics      what to measure
Around it are ``data`` with ``data.photos``, ``insight`` (distances, routes, figures),
``rivals`` (what else to do with an exogenous variable), ``lab`` (the paper's
experiments), ``large`` (long runs on photographs) and ``cli``; ``basics`` is what all
rest on. A room is imported when a name of it is first used.
"""

from typing import TYPE_CHECKING

from thin_mini._lazy import lazy

if TYPE_CHECKING:  # the list of public names, for ``lazy`` as for editors
    from thin_mini import course, data, losses, metrics, rivals
    from thin_mini.encoders import ConvEncoder, Encoder, MapPool
    from thin_mini.experts import Experts
    from thin_mini.gates import SoftmaxGate, TreeGate, UniformGate
    from thin_mini.inference import evaluate, precompute, predict
    from thin_mini.insight import distances, face_plots, plots, routes
    from thin_mini.lab import recipes, results, verdicts
    from thin_mini.large import scaling
    from thin_mini.large.identity_networks import adapt, starting_encoder
    from thin_mini.large.trained import load
    from thin_mini.large.weights import (
        VGG16Encoder,
        download_vgg16,
        load_vgg16,
        vgg_face,
    )
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
    from thin_mini.training import fit

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy(__name__, globals())
