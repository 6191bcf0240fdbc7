"""What the rooms of the test suite share."""

import csv
import hashlib
import os
import socket
import struct
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

# Before torch and accelerate are used: results here are claimed for a CPU.
os.environ.setdefault("ACCELERATE_USE_CPU", "true")
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image
from second_device import second_device
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini.basics.provenance import same_order_of_sums
from thin_mini.cli import app
from thin_mini.data import FaceFiles, Pictures, store
from thin_mini.data.factors import EXPRESSIONS

mpl.use("Agg")
# A grammar of addresses that checks nothing here would take nbformat two seconds.
sys.modules["rfc3987_syntax"] = None
same_order_of_sums()  # of tests as of the processes that they start
torch.set_num_threads(1)
settings.register_profile("quick", deadline=None, max_examples=20, derandomize=True)
settings.load_profile("quick")

ROWS = ("baseline", "simple", "tree", "exogenous", "oracle", "thin")
# The folder that the session started with, since most tests unset the variable.
_named = os.environ.get("THIN_MINI_DATA", "")
MNIST_FOLDER = Path(_named).resolve() if Path(_named or "?").is_dir() else None

quick_fit = partial(tm.fit, epochs=1, batch_size=64, progress=False)


def make(row, exogenous, seed=0):
    """A row of Table 2 for rotated digits."""
    return tm.build(row, 10, exogenous=exogenous, n_exo=18, seed=seed)


def fingerprint(module):
    """A hash of every parameter and buffer."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def condition_for(model, dataset, index=slice(None)):
    """What the context says, with the true labels for an oracle; None without one."""
    if model.context is None:
        return None
    return model.context.condition(dataset.images[index], dataset.exo[index])


def whole_thin_loss(model, exogenous, train, dispel):
    """Eq. 8 put together from its parts, without the model's own losses."""
    return tm.thin_loss(
        model(train.images),
        train.target,
        exogenous.classify(model.encoder(train.images)),
        exogenous.classify(exogenous.encode(train.images)),
        dispel,
    )


def cpu_only(reason):
    """A test that says nothing about a second device."""
    return pytest.mark.skipif("config.getoption('second_device')", reason=reason)


def closed_port():
    """A port of this machine where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def idx(array):
    """A uint8 array as MNIST's files hold it."""
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.numpy().tobytes()


def lay(root, files):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


needs_pipes = pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="needs the pipes of Unix"
)


def pipe_at(path):
    """A pipe in place of a file: who reads it without a look waits for ever."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def randomise(module):
    """Weights and running statistics that no default hides behind."""
    for norm in module.modules():
        if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(norm.weight)
            torch.nn.init.normal_(norm.bias)
    return module


def pytest_addoption(parser):
    parser.addoption(
        "--second-device",
        action="store_true",
        help="make what tests make on a pretended second device",
    )


@pytest.fixture(scope="session", autouse=True)
def device(request):
    """Where the tensors and modules are that tests make."""
    if not request.config.getoption("--second-device"):
        yield torch.device("cpu")
    else:
        with second_device(tests_are_there=True) as device:
            patch = pytest.MonkeyPatch()
            patch.setenv("THIN_MINI_DEVICE", str(device))
            yield device
            patch.undo()


@pytest.fixture(autouse=True)
def _same_start():
    """Seed and threads: a process that is forked with several may hang at once."""
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def closed_figures():
    """The style and the figures of a test end with it."""
    with plt.rc_context():
        yield
    plt.close("all")


@pytest.fixture
def clean_env(monkeypatch, tmp_path):
    """No variable set, an empty cache (returned), and no network."""
    for name in ("THIN_MINI_DATA", "THIN_MINI_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("THIN_MINI_CACHE", str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(store, "MIRRORS", [f"http://127.0.0.1:{closed_port()}/"])
    return tmp_path / "cache"


@pytest.fixture
def files(clean_env, monkeypatch):
    """A small MNIST of known hashes: 30 training and 20 test images."""
    made = {}
    for part, n in (("train", 30), ("t10k", 20)):
        images = torch.zeros(n, 28, 28, dtype=torch.uint8)
        images[:, 8:20, 8:20] = torch.randint(256, (n, 12, 12), dtype=torch.uint8)
        made[f"{part}-images-idx3-ubyte"] = idx(images)
        made[f"{part}-labels-idx1-ubyte"] = idx(torch.arange(n).remainder(10).byte())
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    assert hashes.keys() == store.MNIST_SHA256.keys()
    monkeypatch.setattr(store, "MNIST_SHA256", hashes)
    return made


@pytest.fixture(scope="session")
def digits():
    """(train, test): 256 and 128 rotated digits of the stand-in."""
    return tm.data.mnist_r(256, 128, source="digits")


@pytest.fixture(scope="session")
def moved(digits, device):
    """The same digits where the models of a test are."""
    columns = ("images", "target", "exo")
    return tuple(
        replace(part, **{name: getattr(part, name).to(device) for name in columns})
        for part in digits
    )


@pytest.fixture(scope="session")
def exogenous(digits):
    """An exogenous network, trained for one epoch, then frozen."""
    torch.manual_seed(0)
    network = tm.ExogenousNetwork(tm.ConvEncoder(), n_classes=18)
    quick_fit(network, digits[0].exogenous())
    return network.freeze()


# Options that train in a second.
QUICK = ("--size", 16, "--steps", 4, "--batch-size", 16, "--layout", "csv")


def noisy_faces(n, size, seed, augment=False):
    """Pictures without files, whose brightness tells the expression a little."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(n) % 7
    noise = torch.randint(0, 150, (n, size, size), generator=generator)
    files = FaceFiles(
        root=Path(),
        paths=tuple(f"{seed}/{i}" for i in range(n)),
        target=target,
        identity=torch.arange(n) % 5,
        people=tuple("abcde"),
        name="noise",
        pixels=(noise + 15 * target[:, None, None]).byte(),
    )
    return Pictures(files, size, augment=augment)


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """A table of 84 grey pictures: seven people to train on and two to test."""
    root, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    rows = [("path", "expression", "identity", "split")]
    for i in range(84):
        person, expression = i % 9, i % 7
        pixels = random.integers(0, 100, (20, 20)) + 15 * expression
        name = f"{i}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(root / name)
        split = "test" if person > 6 else "train"
        rows.append((name, EXPRESSIONS[expression], f"person {person}", split))
    with (root / "faces.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return root


@pytest.fixture(scope="session")
def trained(faces, tmp_path_factory):
    """The folder of a run of THIN, and what the command said."""
    out = tmp_path_factory.mktemp("runs") / "thin-0"
    command = ["train", faces, "--out", out, *QUICK]
    result = CliRunner().invoke(app, list(map(str, command)))
    return out, result.exit_code, result.output


@pytest.fixture
def untrained(clean_env, monkeypatch):
    """Networks of runs are frozen as they are drawn."""
    from thin_mini.lab import one_run

    monkeypatch.setattr(
        one_run,
        "trained_network",
        lambda run, root, gate_on="hidden": one_run._network(run, gate_on).freeze(),
    )
