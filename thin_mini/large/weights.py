"""VGG-16, and its weights from the files in which others publish them.

Section 4.3 starts F_φ from ImageNet or from VGG-Face, and models identity with
VGG-Face whole. This library brings neither along; VGG-Face is for non-commercial use
only. Its files differ in the order of the colours, but once they are read here all
take images as ``thin_mini.data.vggface_input`` makes them: values 0..255 in the order
blue, green, red, minus (93.5940, 104.7624, 129.1863). ImageNet's weights take them from
``imagenet_input`` there: red, green, blue, normalised.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor, nn
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import cfgs, make_layers

from thin_mini.basics import checks
from thin_mini.basics.kinds import checked
from thin_mini.basics.locks import workshop
from thin_mini.data.mirrors import fetch_all, is_right
from thin_mini.data.store import cache_folder
from thin_mini.encoders import Encoder
from thin_mini.files import DataError, regular_file
from thin_mini.models import ExogenousNetwork

IMAGENET_URL = VGG16_Weights.IMAGENET1K_V1.url
IMAGENET_SHA256 = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
IMAGENET_BYTES = 600 << 20  # more than the file has
CONVOLUTIONS, LAYERS = 13, 16  # of VGG-16: three are fully connected

# What each kind of file calls them; the convolutions by block and place in it.
_PLACES = [(b, i) for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]
_NAMES = {
    "torchvision": [
        *(f"features.{i}" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
        *(f"classifier.{i}" for i in (0, 3, 6)),
    ],
    "Torch": [*(f"conv_{b}_{i}" for b, i in _PLACES), "fc6", "fc7", "fc8"],
    "MatConvNet": [*(f"conv{b}_{i}" for b, i in _PLACES), "fc6", "fc7", "fc8"],
}
_KEYS = {
    kind: [f"{name}.{part}" for name in names for part in ("weight", "bias")]
    for kind, names in _NAMES.items()
}
# MatConvNet's files take red, green, blue; Torch's blue, green, red.
_RED_FIRST = "conv1_1.weight"
# Where training code keeps a state dict, and what wrappers put before a name; some
# ports keep their layers in two groups.
_WRAPS = ("state_dict", "model_state_dict", "model", "net", "weights")
_PREFIX = re.compile(
    r"^(?:(?:module|_orig_mod|model|net)\.)*(?:(?:features|fc)\.(?=conv|fc))?"
    r"|(?<=\.)_orig_mod\."
)


class VGG16Encoder(Encoder):
    """The 13 convolutions of VGG-16 (section 4.3), without batch norm as published.

    Args:
        image_size: Height and width of the image in pixels, a multiple of 32.

    Shape:
        images (N, 3, image_size, image_size) → h (N, 25,088) at 224, the map
        512×7×7 flattened.
    """

    def __init__(self, image_size: int = 224) -> None:
        checks.whole("image_size", image_size, 0)
        if image_size < 32 or image_size % 32:
            raise ValueError(f"image_size must be a multiple of 32, got {image_size}")
        super().__init__(make_layers(cfgs["D"]), (3, image_size, image_size))


def download_vgg16() -> Path:
    """Fetch torchvision's ImageNet weights (528 MB) into the cache, checked by hash.

    Returns:
        The file, for :func:`load_vgg16`.

    Raises:
        OfflineError: If there is no copy, and no network that sends this very file.
        DataError: If the cache cannot be written.
    """
    mirror, slash, name = IMAGENET_URL.rpartition("/")
    file, known = cache_folder() / name, f"sha256:{IMAGENET_SHA256}"
    mirrors, mend = [mirror + slash], f"put the official {name} into {file.parent}"
    regular_file(file)
    with workshop(file.parent) as work:
        if not is_right(file, known):
            fetch_all({name: known}, mirrors, work, IMAGENET_BYTES, mend)
            (work / name).replace(file)
    return file


@checked
def load_vgg16(encoder: VGG16Encoder, file: Path | str) -> VGG16Encoder:
    """Start F_φ from published weights: VGG16 or VGGFace in Table 4 (section 4.3).

    Args:
        encoder: Its 13 convolutions are overwritten, unless there is an error.
        file: ImageNet's, from :func:`download_vgg16`, or VGG-Face's. If it has fully
            connected layers as well, they are left aside. A checkpoint that keeps
            them under state_dict or model will do, and names as DataParallel or
            torch.compile give them (module., _orig_mod.).

    Returns:
        The encoder. How it wants its images is said at the top of this module.

    Raises:
        DataError: If the file is missing or unreadable, or not VGG-16 in every key
            and shape.
    """
    _fill(file, _read(file, CONVOLUTIONS), encoder)
    return encoder


@checked
def vgg_face(file: Path | str) -> ExogenousNetwork:
    """The paper's identity network, VGG-Face, frozen: c_σ(γ_τ(I)) of section 4.3.

    Args:
        file: VGG-Face's. Sizes are read from it, so a smaller one would do as well.

    Returns:
        Images (N, 3, 224, 224) → identity logits (N, 2622). A gate gets to see the
        means of its maps. How it wants its images is said at the top of this module.

    Raises:
        DataError: As in :func:`load_vgg16`, or if the file knows no identities.
    """
    values = _read(file, LAYERS)
    widths = [values[f"{name}.bias"].numel() for name in ("fc6", "fc7", "fc8")]
    features = values["fc6.weight"].shape[-1:].numel()  # 25,088, of a map 512×7×7
    side = math.isqrt(features // 512)
    if side < 1 or 512 * side**2 != features:
        raise _refused(
            f"{file}: fc6 takes {features} features, and VGG-16 has maps 512×n×n"
        )
    network = vgg_face_network(32 * side, widths)
    _fill(file, values, network)
    return network.freeze()


@checked
def vgg_face_network(image_size: int, widths: list[int]) -> ExogenousNetwork:
    """VGG-Face before it gets its weights.

    Args:
        image_size: As in :class:`VGG16Encoder`.
        widths: Of its fully connected layers; the last is the number of identities.
    """
    with torch.device("meta"):  # not drawn, since they are overwritten and large
        encoder = VGG16Encoder(image_size)
        sizes = [encoder.out_features, *checks.widths(widths)]
        fc6, fc7, fc8 = (nn.Linear(a, b) for a, b in pairwise(sizes))
        head = nn.Sequential(fc6, nn.ReLU(), fc7, nn.ReLU(), fc8)
    network = ExogenousNetwork(encoder, sizes[-1], gate_on="pooled", head=head)
    return network.to_empty(device="cpu")


def _refused(what: str) -> DataError:
    return DataError(
        f"{what}: pass torchvision's vgg16-397923af.pth, the vgg_face.mat of "
        "VGG-Face's authors, vgg_face_dag.pth, or the state dict of a port of "
        "VGG_FACE.t7 (conv_1_1.weight, …)"
    )


def _read(file: Path | str, n_layers: int) -> dict[str, Tensor]:
    """The first layers' values by the file's own names, weight and bias in turn."""
    values = _state_dict(file)
    kind = max(_KEYS, key=lambda kind: len(values.keys() & _KEYS[kind]))
    keys = _KEYS[kind]
    if not values.keys() & keys:
        kept = ", ".join(map(str, [*values][:3])) or "nothing"
        raise _refused(
            f"{file} holds no layer of VGG-16 (what it holds begins with {kept})"
        )
    if kind == "torchvision" and n_layers == LAYERS:
        raise DataError(
            f"{file} knows the objects of ImageNet and no identities: pass a file of "
            "VGG-Face, or use load_vgg16"
        )
    needed = keys[: 2 * n_layers]
    if missing := [key for key in needed if key not in values]:
        raise _refused(f"{file} is no whole VGG-16, {missing[0]} is missing")
    if unknown := [key for key in values if key not in keys]:
        raise _refused(f"{file} is no VGG-16, which has no {unknown[0]}")
    return {key: values[key] for key in needed}


def _state_dict(file: Path | str) -> dict[str, Any]:
    """What a file holds, by names without what wrappers put before them."""
    if not Path(file).is_file():
        what = " (what lies there is no file)" if Path(file).exists() else ""
        raise _refused(f"there is no file {file}{what}")
    try:
        content: Any
        if Path(file).suffix.lower() == ".mat":
            content = _from_matconvnet(file)
        else:
            content = torch.load(file, map_location="cpu", weights_only=True)
        for _ in _WRAPS:  # and not for ever: a state dict may hold itself
            inner = [w for w in _WRAPS if isinstance(content.get(w), Mapping)]
            content = content[inner[0]] if inner else content
    except Exception as error:  # both readers raise many kinds for a damaged file
        raise _refused(
            f"{file} is damaged, or no file of weights that can be read without "
            f"running code ({type(error).__name__})"
        ) from error
    values = {}
    for name, value in content.items():
        if isinstance(value, Tensor):
            name = _PREFIX.sub("", str(name))
            if name in values:
                raise DataError(f"{file} holds {name} of two models: save one of them")
            values[name] = value
    return values or content


def _from_matconvnet(file: Path | str) -> dict[str, Tensor]:
    """The layers of a SimpleNN of MatConvNet, as a state dict."""
    content = loadmat(file, simplify_cells=True)
    values = {}
    for layer in content.get("net", content)["layers"]:
        if len(layer.get("weights", ())) != 2:
            continue
        name, (weight, bias) = layer["name"], layer["weights"]
        # (H, W, in, out), of which the reader drops leading dimensions of 1
        weight = weight.reshape((1,) * (4 - weight.ndim) + weight.shape)
        weight = weight.transpose(3, 2, 0, 1)  # (out, in, H, W)
        if name.startswith("fc"):  # a convolution over the whole map
            weight = weight.reshape(len(weight), -1)  # (out, in·H·W)
        for part, value in (("weight", weight), ("bias", bias.ravel())):
            values[f"{name}.{part}"] = torch.from_numpy(np.asarray(value, np.float32))
    return values


def _fill(file: Path | str, values: dict[str, Tensor], module: nn.Module) -> None:
    """Check every value, then copy; if one is wrong, nothing has changed."""
    pairs = [*zip(values.items(), module.parameters(), strict=True)]
    for (key, value), p in pairs:
        if value.shape != p.shape:
            raise _refused(
                f"{file} is no VGG-16: {key} is {tuple(value.shape)} there, "
                f"{tuple(p.shape)} here"
            )
        plain = value.layout == torch.strided and not value.is_meta
        if not (plain and value.is_floating_point()):
            raise _refused(
                f"{file}: {key} is no plain array of floats ({value.dtype}, "
                f"{value.layout}, on {value.device})"
            )
        if not value.isfinite().all():
            raise _refused(f"{file}: {key} holds NaN or infinite values")
    with torch.no_grad():
        for (key, value), p in pairs:
            p.copy_(value.flip(1) if key == _RED_FIRST else value)
