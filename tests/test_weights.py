"""Published weights: every form gives the same network; anything else is refused."""

import hashlib
import os
import threading
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import closed_port, fingerprint
from scipy.io import savemat
from torch import Tensor
from torchvision.models import resnet18
from torchvision.models.vgg import cfgs, make_layers

import thin_mini as tm
from thin_mini.data import DataError
from thin_mini.data.store import OfflineError
from thin_mini.large import weights

SIZE, MAP, WIDTHS = 64, 2, (16, 12, 11)  # instead of 224, 7, (4096, 4096, 2622)
WIDTH = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}
CONVOLUTIONS = [(b, i) for b in WIDTH for i in range(1, 3 if b < 3 else 4)]
MODULES = [i for i, m in enumerate(make_layers(cfgs["D"])) if hasattr(m, "weight")]


@pytest.fixture(scope="module")
def layers():
    """A VGG-Face that takes red, green, blue: (H, W, in, out) and (out,) each."""
    generator, before, made = np.random.default_rng(0), 3, {}
    sizes = [(f"conv{b}_{i}", 3, WIDTH[b]) for b, i in CONVOLUTIONS]
    sizes += [(f"fc{6 + i}", 1 if i else MAP, width) for i, width in enumerate(WIDTHS)]
    for name, side, after in sizes:
        spread = (2 / (side**2 * before)) ** 0.5
        weight = generator.normal(0, spread, (side, side, before, after))
        bias = generator.normal(0, 0.1, after)
        made[name] = weight.astype(np.float32), bias.astype(np.float32)
        before = after
    return made


def by_hand(layers, x):
    """The definition of MatConvNet, from the arrays as they lie in its file."""
    for name, arrays in layers.items():
        weight, bias = map(torch.from_numpy, arrays)
        if name.startswith("conv"):
            windows = F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
            x = torch.einsum("nchwij,ijco->nohw", windows, weight)
            x = torch.relu(x + bias[:, None, None])
            if name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"):
                x = F.max_pool2d(x, 2)
        else:
            x = torch.einsum("nchw,hwco->no", x, weight)[..., None, None]
            x = x + bias[:, None, None]
            x = x if name == "fc8" else torch.relu(x)
        if name == "conv5_3":
            h = x.flatten(1)
    return h, x[..., 0, 0]


@pytest.fixture(scope="module")
def expected(layers):
    images = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    return images, *by_hand(layers, images)


def state_dict(layers, names, bgr=False):
    values = {}
    for name, (old, (weight, bias)) in zip(names, layers.items(), strict=True):
        weight = torch.from_numpy(weight).permute(3, 2, 0, 1)
        weight = weight.flip(1) if bgr and old == "conv1_1" else weight
        weight = weight.flatten(1) if old.startswith("fc") else weight
        values |= {f"{name}.weight": weight.clone(), f"{name}.bias": Tensor(bias)}
    return values


def as_torchvision(layers, path):
    names = [f"features.{i}" for i in MODULES] + [f"classifier.{i}" for i in (0, 3, 6)]
    values = state_dict(layers, names)
    torch.save(values, path, _use_new_zipfile_serialization=False)  # as that file is


def as_torch_port(layers, path, features="", fc=""):
    names = [f"{features}conv_{b}_{i}" for b, i in CONVOLUTIONS]
    names += [f"{fc}fc{i}" for i in (6, 7, 8)]
    torch.save(state_dict(layers, names, bgr=True), path)


def as_dag(layers, path):
    torch.save(state_dict(layers, layers), path)


def as_matconvnet(layers, path, nested=True):
    """Layers without weights lie in between, and say so in two ways."""
    cell = []
    for name, (weight, bias) in layers.items():
        pair = np.empty((1, 2), object)
        pair[0, 0], pair[0, 1] = weight, bias[None] if nested else bias[:, None]
        cell += [
            {"type": "conv", "name": name, "weights": pair, "stride": 1.0},
            {"type": "relu", "name": f"relu{name[4:]}"},
            {"type": "pool", "name": "pool", "weights": np.empty((0, 0), object)},
        ]
    net = {"layers": np.array(cell, object)[None], "normalization": {"border": 0.0}}
    savemat(path, {"net": net} if nested else {"layers": net["layers"], "meta": {}})


FORMS = {
    "torch-port.pth": as_torch_port,
    "grouped-port.pth": partial(as_torch_port, features="features.", fc="fc."),
    "vgg_face_dag.pth": as_dag,
    "vgg_face.mat": as_matconvnet,
    "vgg-face.mat": partial(as_matconvnet, nested=False),
}


@pytest.fixture(params=FORMS)
def face_file(request, layers, tmp_path):
    path = tmp_path / request.param
    FORMS[request.param](layers, path)
    yield path
    path.unlink()  # 60 MB


def test_every_form_of_vgg_face_gives_the_network_by_hand(face_file, expected):
    images, h, z = expected
    blue_first, network = images.flip(1), tm.vgg_face(face_file)
    h_g, z_exo = network.condition(blue_first)
    means = h.view(2, 512, MAP, MAP).mean((2, 3))
    torch.testing.assert_close(h_g, means, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(z_exo, z, rtol=1e-3, atol=1e-4)
    assert (network(images) - z).abs().max() > 0.1  # the order of colours matters
    assert network.frozen
    assert tm.n_trainable(network) == 0
    assert (network.n_classes, network.gate_features) == (WIDTHS[-1], 512)
    encoder = tm.load_vgg16(tm.VGG16Encoder(SIZE), face_file)  # F_φ of "VGGFace"
    torch.testing.assert_close(encoder(blue_first), h, rtol=1e-3, atol=1e-4)
    assert tm.n_trainable(encoder) == 14_714_688


def test_imagenet_weights_start_an_encoder_and_make_no_identity_network(
    layers, expected, tmp_path
):
    images, h, _ = expected
    path = tmp_path / "vgg16.pth"
    as_torchvision(layers, path)
    encoder = tm.load_vgg16(tm.VGG16Encoder(SIZE), path)
    torch.testing.assert_close(encoder(images), h, rtol=1e-3, atol=1e-4)
    with pytest.raises(DataError, match=r"vgg16\.pth knows the objects of ImageNet"):
        tm.vgg_face(path)
    path.unlink()


FACE = {f"conv_{b}_{i}.weight": (WIDTH[b],) for b, i in CONVOLUTIONS}
for (name, shape), before in zip(
    list(FACE.items()), [3, *(s[0] for s in FACE.values())], strict=False
):
    FACE |= {name: (*shape, before, 3, 3), name.replace("weight", "bias"): shape}
FACE |= {"fc6.weight": (16, 2048), "fc6.bias": (16,)}
FACE |= {"fc7.weight": (12, 16), "fc7.bias": (12,)}
FACE |= {"fc8.weight": (11, 12), "fc8.bias": (11,)}


def hollow(shapes):
    """Zeros of these shapes that take no room in a file."""
    return {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv_1_2.weight": None}, "conv_1_2.weight is missing"),
        ({"conv_5_3.bias": None}, "conv_5_3.bias is missing"),
        ({"fc8.weight": None}, "fc8.weight is missing"),
        ({"fc9.weight": (1,)}, "which has no fc9.weight"),
        (
            {"conv_3_1.weight": (256, 128, 1, 1)},
            r"conv_3_1.weight is \(256, 128, 1, 1\) there, \(256, 128, 3, 3\) here",
        ),
        ({"conv_4_2.bias": (256,)}, r"conv_4_2.bias is \(256,\) there, \(512,\) here"),
        ({"fc7.weight": (12, 17)}, r"fc7.weight is \(12, 17\) there, \(12, 16\) here"),
        ({"fc8.bias": (10,)}, r"fc8.weight is \(11, 12\) there, \(10, 12\) here"),
        ({"fc6.weight": (16, 3 * 512)}, "fc6 takes 1536 features, and .* 512×n×n"),
        ({"fc6.bias": (15,)}, r"fc6.weight is \(16, 2048\) there, \(15, 2048\) here"),
        ({"fc6.weight": ()}, "fc6 takes 1 features"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_wrong_key_is_named_with_both_shapes_and_the_mend(change, message, tmp_path):
    shapes = {k: s for k, s in (FACE | change).items() if s is not None}
    path = tmp_path / "face.pth"
    torch.save(hollow(shapes), path)
    with pytest.raises(DataError, match=rf"face\.pth.*{message}.*: pass torchvision's"):
        tm.vgg_face(path)


def test_an_encoder_stays_as_it_was_unless_the_whole_file_fits(tmp_path):
    encoder, path = tm.VGG16Encoder(32), tmp_path / "face.pth"
    before = fingerprint(encoder)
    for wrong in ({"conv_5_3.bias": torch.zeros(4)}, {"conv_5_3.bias": torch.ones(4)}):
        torch.save(hollow(FACE) | wrong, path)
        with pytest.raises(DataError, match=r"conv_5_3\.bias"):
            tm.load_vgg16(encoder, path)
    torch.save(hollow(FACE) | {"conv_5_3.bias": torch.full((512,), torch.nan)}, path)
    with pytest.raises(DataError, match=r"conv_5_3\.bias holds NaN or infinite"):
        tm.load_vgg16(encoder, path)
    assert fingerprint(encoder) == before
    torch.save(hollow({k: s for k, s in FACE.items() if "fc" not in k}), path)
    assert tm.load_vgg16(encoder, path)(torch.rand(1, 3, 32, 32)).abs().sum() == 0


@cache
def encoder():
    """Whose weights are always overwritten, or of no interest."""
    return tm.VGG16Encoder(32)


class Trap:
    """A pickle that would run code: it makes the file that it is given."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def other_network(path):
    torch.save(resnet18().state_dict(), path)


def truncated(path):
    torch.save(hollow(FACE), path)
    path.write_bytes(path.read_bytes()[:1000])


def no_weights(path):
    torch.save({"epoch": 3, "best": 0.9}, path)


def empty(path):
    torch.save({}, path)


def text(path):
    path.write_text("not found")


def trap(path):
    torch.save({"conv_1_1.weight": Trap(path.with_name("sprung"))}, path)


def one_tensor(path):
    torch.save(torch.zeros(3), path)


@pytest.mark.parametrize(
    "load", [tm.vgg_face, lambda file: tm.load_vgg16(encoder(), file)]
)
@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, r"there is no file .*VGG_FACE\.t7"),
        (lambda path: path.mkdir(), r"there is no file .*VGG_FACE\.t7"),
        (text, r"VGG_FACE\.t7 is damaged, or no file of w"),
        (truncated, r"VGG_FACE\.t7 is damaged, or no file of w"),
        (trap, r"without running code \(UnpicklingError\)"),
        (one_tensor, r"VGG_FACE\.t7 is damaged, or no file of w"),
        (no_weights, r"no layer of VGG-16 \(what it holds begins with epoch, best\)"),
        (empty, r"no layer of VGG-16 \(what it holds begins with nothing\)"),
        (other_network, r"no layer of VGG-16 \(what it holds begins with conv1.weight"),
        (os.mkfifo, r"there is no file .*VGG_FACE\.t7 \(what lies there is no file\)"),
    ],
)
def test_a_file_of_something_else_is_refused_and_not_run(
    load, write, message, tmp_path
):
    path = tmp_path / "VGG_FACE.t7"
    write(path)
    with pytest.raises(DataError, match=rf"{message}.*vgg_face_dag\.pth"):
        load(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
)
@pytest.mark.parametrize("wraps", [(), ("state_dict",), ("model", "model_state_dict")])
def test_training_code_wraps_its_weights(prefix, wraps, tmp_path):
    """As DataParallel, torch.compile and checkpoints with an optimizer leave them."""
    path, values = tmp_path / "checkpoint.pth", hollow(FACE)
    values["conv_5_3.bias"] = torch.full((512,), 2.0, dtype=torch.float64)
    content = {f"{prefix}{key}": value for key, value in values.items()}
    for wrap in wraps:
        content = {"epoch": 3, wrap: content, "optimizer": {"state": {}, "lr": 0.1}}
    torch.save(content, path)
    loaded = tm.load_vgg16(encoder(), path)
    assert (loaded(torch.rand(1, 3, 32, 32)) == 2).all()
    assert tm.vgg_face(path)(torch.rand(1, 3, 64, 64)).dtype == torch.float32


def test_a_state_dict_that_holds_itself_ends(tmp_path):
    content = {}
    content["state_dict"] = content
    torch.save(content, tmp_path / "loop.pth")
    with pytest.raises(DataError, match="no layer of VGG-16"):
        tm.vgg_face(tmp_path / "loop.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: {"conv_1_1.weight": v.to_sparse()}, "no plain array .*sparse_coo"),
        (lambda v: {"conv_1_1.weight": v.to("meta")}, "no plain array .*meta"),
        (lambda v: {"conv_1_1.weight": v.to(torch.int8)}, "no plain array .*int8"),
        (lambda v: {"conv_1_1.weight": v.to(torch.complex64)}, "no plain array"),
        (lambda v: {"module.conv_1_1.weight": 2 * v}, "conv_1_1.weight of two models"),
    ],
)
def test_weights_that_are_no_plain_floats_or_of_two_models(change, message, tmp_path):
    values = hollow(FACE)
    values = {name: value.clone() for name, value in values.items()}
    path = tmp_path / "odd.pth"
    torch.save(values | change(values["conv_1_1.weight"]), path)
    with pytest.raises(DataError, match=message):
        tm.load_vgg16(encoder(), path)


def test_vgg16_with_batch_norm_is_another_network(tmp_path):
    path = tmp_path / "vgg16_bn.pth"
    layers = make_layers(cfgs["D"], batch_norm=True).state_dict()
    shapes = {f"features.{key}": value.shape for key, value in layers.items()}
    torch.save(hollow(shapes), path)
    with pytest.raises(DataError, match=r"no whole VGG-16, features\.2\.weight is mis"):
        tm.load_vgg16(encoder(), path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": np.zeros(3)}, "no file of weights"),
        ({"net": {"layers": np.zeros((1, 0), object)}}, "no layer of VGG-16"),
        (None, "no file of weights"),
    ],
    ids=["other", "empty", "truncated"],
)
def test_a_mat_file_of_something_else_is_refused(content, message, tmp_path):
    path = tmp_path / "vgg_face.mat"
    savemat(path, content or {"x": np.zeros(3)})
    if content is None:
        path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(DataError, match=rf"vgg_face\.mat .*{message}"):
        tm.vgg_face(path)


@contextmanager
def served(folder):
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *args: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/vgg16.pth"
    finally:
        server.shutdown()
        server.server_close()


def test_imagenet_weights_are_fetched_once_and_checked(
    clean_env, tmp_path, monkeypatch
):
    content = b"the official weights"
    (tmp_path / "vgg16.pth").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    with served(tmp_path) as url:
        monkeypatch.setattr(weights, "IMAGENET_URL", url)
        with pytest.raises(DataError, match=r"something else as vgg16\.pth\): put the"):
            tm.download_vgg16()
        assert not list(clean_env.glob("vgg16*"))
        monkeypatch.setattr(weights, "IMAGENET_SHA256", digest)
        assert tm.download_vgg16().read_bytes() == content
    path = tm.download_vgg16()  # now without the server
    assert path == clean_env / "vgg16.pth"
    path.write_bytes(b"altered")
    with pytest.raises(OfflineError):
        tm.download_vgg16()


def test_without_a_network_the_download_says_where_to_put_the_file(
    clean_env, monkeypatch
):
    url = f"http://127.0.0.1:{closed_port()}/vgg16.pth"
    monkeypatch.setattr(weights, "IMAGENET_URL", url)
    with pytest.raises(
        OfflineError, match=rf"put the official vgg16.pth into {clean_env}"
    ):
        tm.download_vgg16()
