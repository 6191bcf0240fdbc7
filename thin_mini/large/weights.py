"""Published weights for VGG-16, read from the files in which others publish them.

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
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import requests
import torch
from scipy.io import loadmat
from torch import Tensor, nn
from torchvision.models import VGG16_Weights

from thin_mini.basics import checks
from thin_mini.basics.kinds import checked
from thin_mini.basics.locks import workshop
from thin_mini.data.mirrors import in_words, is_right, retrieve
from thin_mini.data.store import PATIENCE_SECONDS, OfflineError, cache_folder
from thin_mini.encoders import VGG16Encoder
from thin_mini.files import DataError, check_writable, regular_file
from thin_mini.models import ExogenousNetwork

IMAGENET_URL = VGG16_Weights.IMAGENET1K_V1.url
IMAGENET_SHA256 = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
IMAGENET_BYTES = 600 << 20  # more than the file has

# What each kind of file calls the 13 convolutions, by block and place in it, and the
# three fully connected layers.
_PLACES = [(b, i) for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]
_LAYERS = {
    "torchvision": [
        *(f"features.{i}" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
        *(f"classifier.{i}" for i in (0, 3, 6)),
    ],
    "Torch": [*(f"conv_{b}_{i}" for b, i in _PLACES), "fc6", "fc7", "fc8"],
    "MatConvNet": [*(f"conv{b}_{i}" for b, i in _PLACES), "fc6", "fc7", "fc8"],
}
# Where training code keeps a state dict, and what its wrappers put before a name.
_WRAPS = ("state_dict", "model_state_dict", "model", "net", "weights")
_PREFIX = re.compile(r"^(?:(?:module|_orig_mod|model|net)\.)+|(?<=\.)_orig_mod\.")
_MEND = (
    "pass torchvision's vgg16-397923af.pth, the vgg_face.mat of VGG-Face's authors, "
    "vgg_face_dag.pth, or the state dict of a port of VGG_FACE.t7 (conv_1_1.weight, …)"
)


def download_vgg16() -> Path:
    """Fetch torchvision's ImageNet weights (528 MB) into the cache, checked by hash.

    Returns:
        The file, for :func:`load_vgg16`.

    Raises:
        OfflineError: If there is neither a copy nor a network.
        DataError: If what came is another file, or the cache cannot be written.
    """
    name, folder = IMAGENET_URL.rpartition("/")[2], cache_folder()
    check_writable(folder)
    mend = f"put the official {name} into {folder}"
    known = f"sha256:{IMAGENET_SHA256}"
    regular_file(folder / name)
    try:
        with workshop(folder) as work:
            if not is_right(folder / name, known):
                retrieve(
                    IMAGENET_URL, known, work, PATIENCE_SECONDS, IMAGENET_BYTES
                ).replace(folder / name)
        return folder / name
    except requests.RequestException as error:
        what = in_words(error, PATIENCE_SECONDS)
        raise OfflineError(f"{IMAGENET_URL} {what}: {mend}") from error
    except ValueError as error:  # pooch: another hash than the one we know
        raise DataError(f"{IMAGENET_URL} sent another file: {mend}") from error
    except OSError as error:
        raise DataError(
            f"{folder / name} cannot be written ({error.strerror}): free some space, "
            "or set THIN_MINI_CACHE to another folder"
        ) from error


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
    kind, values = _read(file)
    _check_keys(file, kind, values, needed=13)
    _fill(file, kind, values, _convolutions(encoder))
    return encoder


@checked
def vgg_face(file: Path | str, gate_on: str = "pooled") -> ExogenousNetwork:
    """The paper's identity network, VGG-Face, frozen: c_σ(γ_τ(I)) of section 4.3.

    Args:
        file: VGG-Face's. Sizes are read from it, so a smaller one would do as well.
        gate_on: What a gate gets to see, as in :class:`thin_mini.ExogenousNetwork`;
            not ``"hidden"``.

    Returns:
        Images (N, 3, 224, 224) → identity logits (N, 2622). How it wants its images
        is said at the top of this module.

    Raises:
        DataError: As in :func:`load_vgg16`, or if the file knows no identities.
        ValueError: If ``gate_on`` is unknown.
    """
    kind, values = _read(file)
    if kind == "torchvision":
        raise DataError(
            f"{file} knows the objects of ImageNet and no identities: pass a file of "
            "VGG-Face, or use load_vgg16"
        )
    _check_keys(file, kind, values, needed=16)
    # 25,088 → 4,096 → 4,096 → 2,622
    widths = [values[f"{name}.bias"].numel() for name in ("fc6", "fc7", "fc8")]
    features = values["fc6.weight"].shape[-1:].numel()
    side = math.isqrt(features // 512)
    if side < 1 or 512 * side**2 != features:
        raise DataError(
            f"{file}: fc6 takes {features} features, and VGG-16 has maps 512×n×n: "
            f"{_MEND}"
        )
    network = vgg_face_network(features, widths, gate_on)
    layers = [*_convolutions(network.encoder), *list(network.head.children())[::2]]
    _fill(file, kind, values, layers)
    return network.freeze()


@checked
def vgg_face_network(
    features: int, widths: list[int], gate_on: str = "pooled"
) -> ExogenousNetwork:
    """VGG-Face before it gets its weights.

    Args:
        features: Of its map, 512·n·n.
        widths: Of its fully connected layers; the last is the number of identities.
        gate_on: As in :func:`vgg_face`.
    """
    features, widths = checks.whole("features", features), [*checks.widths(widths)]
    # Not initialised, since they are overwritten and large.
    fc6, fc7, fc8 = (
        nn.utils.skip_init(nn.Linear, before, after)
        for before, after in zip([features, *widths], widths, strict=False)
    )
    head = nn.Sequential(fc6, nn.ReLU(), fc7, nn.ReLU(), fc8)
    encoder = VGG16Encoder(32 * math.isqrt(features // 512))
    return ExogenousNetwork(encoder, widths[-1], gate_on=gate_on, head=head)


def _read(file: Path | str) -> tuple[str, dict[str, Tensor]]:
    """Which kind of file it is, and what it holds, by its own names."""
    if not Path(file).is_file():
        what = " (what lies there is no file)" if Path(file).exists() else ""
        raise DataError(f"there is no file {file}{what}: {_MEND}")
    try:
        content: Any
        if Path(file).suffix.lower() == ".mat":
            content = _from_matconvnet(file)
        else:
            content = torch.load(file, map_location="cpu", weights_only=True)
        for _ in _WRAPS:  # and not for ever: a state dict may hold itself
            inner = [w for w in _WRAPS if isinstance(content.get(w), Mapping)]
            content = content[inner[0]] if inner else content
        named = [(_own_name(str(n)), v) for n, v in content.items()]
        values = {name: value for name, value in named if isinstance(value, Tensor)}
    except Exception as error:  # both readers raise many kinds for a damaged file
        raise DataError(
            f"{file} is damaged, or no file of weights that can be read without "
            f"running code ({type(error).__name__}): {_MEND}"
        ) from error
    counts = Counter(name for name, value in named if isinstance(value, Tensor))
    if counts and (most := counts.most_common(1)[0])[1] > 1:
        raise DataError(f"{file} holds {most[0]} of two models: save one of them")
    found = {
        kind: sum(f"{name}.weight" in values for name in names)
        for kind, names in _LAYERS.items()
    }
    kind = max(found, key=lambda kind: found[kind])
    if found[kind] == 0:
        kept = ", ".join(map(str, list(values or content)[:3])) or "nothing"
        raise DataError(
            f"{file} holds no layer of VGG-16 (what it holds begins with {kept}): "
            f"{_MEND}"
        )
    return kind, values


def _own_name(name: str) -> str:
    """A tensor's name without what wrappers put before it."""
    # Some ports keep their layers in two groups.
    return re.sub(r"^(features|fc)\.(?=conv|fc)", "", _PREFIX.sub("", name))


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
            values[f"{name}.{part}"] = torch.from_numpy(
                np.ascontiguousarray(value, dtype=np.float32)
            )
    return values


def _check_keys(
    file: Path | str, kind: str, values: dict[str, Tensor], needed: int
) -> None:
    keys = [f"{name}.{part}" for name in _LAYERS[kind] for part in ("weight", "bias")]
    for key in keys[: 2 * needed]:
        if key not in values:
            raise DataError(f"{file} is no whole VGG-16, {key} is missing: {_MEND}")
    for key in values:
        if key not in keys:
            raise DataError(f"{file} is no VGG-16, which has no {key}: {_MEND}")


def _fill(
    file: Path | str, kind: str, values: dict[str, Tensor], modules: list[nn.Module]
) -> None:
    """Check every shape, then copy; if one is wrong, nothing has changed."""
    pairs = [
        (f"{name}.{part}", p)
        for name, module in zip(_LAYERS[kind], modules, strict=False)
        for part, p in module.named_parameters()
    ]
    for key, p in pairs:
        if values[key].shape != p.shape:
            raise DataError(
                f"{file} is no VGG-16: {key} is {tuple(values[key].shape)} there, "
                f"{tuple(p.shape)} here: {_MEND}"
            )
        plain = values[key].layout == torch.strided and not values[key].is_meta
        if not (plain and values[key].is_floating_point()):
            raise DataError(
                f"{file}: {key} is no plain array of floats ({values[key].dtype}, "
                f"{values[key].layout}, on {values[key].device}): {_MEND}"
            )
        if not values[key].isfinite().all():
            raise DataError(f"{file}: {key} holds NaN or infinite values: {_MEND}")
    with torch.no_grad():
        for key, p in pairs:
            # MatConvNet's files take red, green, blue; Torch's blue, green, red.
            swapped = kind == "MatConvNet" and key == "conv1_1.weight"
            p.copy_(values[key].flip(1) if swapped else values[key])


def _convolutions(encoder: nn.Module) -> list[nn.Module]:
    return [module for module in encoder.modules() if isinstance(module, nn.Conv2d)]
