"""``thin-mini train``: from a folder of faces to its test accuracy."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import QUICK
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini.cli import app
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.fer import LAYOUTS
from thin_mini.large import expressions, starts
from thin_mini.large.comparison import compare_runs
from thin_mini.large.settings import FIELDS, FolderSettings


def run(*arguments):
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    return result.exit_code, result.output


def quick(faces, out, *more):
    return run(faces, "--out", out, *QUICK, *more)


def test_it_trains_thin_and_says_how_well_the_test_people_are_read(trained):
    out, code, said = trained
    assert code == 0
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert f"test accuracy   {result['test']:5.2f} %" in said
    for expression in EXPRESSIONS:
        assert f"\n{expression}" in said
    confusion = np.array(result["confusion"])
    assert result["test"] == pytest.approx(
        100 * confusion.trace() / confusion.sum(), abs=1e-3
    )
    hits = confusion[1, 1] / confusion[1].sum()
    assert result["recall"]["happiness"] == pytest.approx(100 * hits, abs=0.01)
    assert list(result["count"].values()) == confusion.sum(1).tolist()
    most = max(result["count"], key=result["count"].get)
    assert result["majority"] == {
        "expression": most,
        "accuracy": pytest.approx(100 * result["count"][most] / 18, abs=1e-3),
    }
    assert f"majority class {result['majority']['accuracy']:6.2f} %" in said
    assert (
        f"{result['recall']['happiness']:6.2f} % of {result['count']['happiness']}"
        in said
    )
    assert sum(result["images"]) == 84
    assert result["images"][2] == confusion.sum() == 18
    assert (result["dispel"], result["lr"], result["steps"]) == (0.01, 1e-3, 4)


def test_its_result_can_be_compared_with_others(trained):
    out, _, _ = trained
    table = compare_runs(out.parent)
    assert list(table.index) == ["THIN, from the identity network"]
    assert table["seeds"].tolist() == [1]


def test_started_again_it_reads_what_is_there(trained, faces):
    out, _, said = trained
    names = ("checkpoint.pt", "identity.pt")
    written = [(out / name).stat().st_mtime_ns for name in names]
    code, again = quick(faces, out)
    assert code == 0
    assert again.splitlines()[-11:] == said.splitlines()[-11:]  # all but the bars
    assert written == [(out / name).stat().st_mtime_ns for name in names]


def test_with_other_settings_the_folder_is_refused(trained, faces):
    code, said = quick(faces, trained[0], "--lr", 0.1)
    assert code == 1
    assert "made by another run (lr 0.001 there, 0.1 here)" in said


def test_the_model_starts_from_the_identity_network(faces, tmp_path, monkeypatch):
    models = []

    def stop(model, data, valid, out, settings, progress):
        models.append((model, settings))
        raise ValueError("enough")

    monkeypatch.setattr(expressions, "LongRun", stop)
    assert quick(faces, tmp_path, "--precision", "bf16")[0] == 1
    ((model, settings),) = models
    assert model.context.gate_on == "hidden"
    assert settings.mixed_precision == "bf16"
    pairs = zip(
        model.encoder.parameters(), model.context.encoder.parameters(), strict=True
    )
    assert all(torch.equal(a, b) and a.requires_grad for a, b in pairs)


def test_a_tree_needs_nobody_to_be_known(faces, tmp_path):
    code, said = quick(faces, tmp_path, "--model", "tree")
    assert code == 0, said
    assert not (tmp_path / "identity.pt").exists()
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["dispel"], result["start"]) == (0, "random")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "oracle"], "model must be one of"),
        (["--encoder", "resnet"], "encoder must be one of small, vgg16"),
        (["--layout", "zip"], "layout must be one of auto"),
        (["--steps", 0], "steps must be at least 1, got 0"),
        (["--precision", "fp8"], "--precision must be one of"),
        (["--weights", "w.pt"], "files of weights are for VGG-16: add --encoder"),
        (["--identity", "i.pt"], "files of weights are for VGG-16: add --encoder"),
        (["--encoder", "vgg16"], "'thin' needs to know people: pass --identity FILE"),
        (["--encoder", "vgg16", "--identity", "fit"], "fit is for --encoder small"),
        (
            ["--encoder", "vgg16", "--model", "tree"],
            "nothing to start from: pass --weights FILE, or --weights-of imagenet",
        ),
        (["--encoder", "vgg16", "--identity", "i.pt"], "no file i.pt"),
        (
            ["--size", 20],
            "--size must be a multiple of 8 for the small encoder, got 20",
        ),
    ],
)
def test_options_that_cannot_work_are_refused(options, message, faces, tmp_path):
    code, said = quick(faces, tmp_path, *options)
    assert code == 1
    assert message in said
    assert not list(tmp_path.glob("*.pt"))


def test_pictures_in_both_parts_are_refused_or_left_out(faces, tmp_path):
    folder = shutil.copytree(faces, tmp_path / "faces")
    shutil.copy(folder / "0.png", folder / "7.png")  # person 7 is one to test on
    tree = ("--model", "tree")
    code, said = quick(folder, tmp_path / "out", *tree)
    assert code == 1
    assert "1 pictures of the test part are in the training part too" in said
    code, said = quick(folder, tmp_path / "out", *tree, "--drop-twins")
    assert code == 0, said
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert "1 also in the test part" in result["data"]
    assert sum(result["images"]) == 83


def test_a_folder_that_is_not_there_is_named(tmp_path):
    code, said = run(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert code == 1
    assert f"there is no {tmp_path / 'nowhere'}" in said


def test_vgg_networks_get_images_as_their_weights_want_them(tmp_path):
    torch.manual_seed(0)
    sizes = [m.weight for m in tm.VGG16Encoder(32).modules() if hasattr(m, "weight")]
    blocks = ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3))
    names = [f"conv_{b}_{i}" for b, n in blocks for i in range(1, n + 1)]
    values = {}
    for name, weight in zip(names, sizes, strict=True):
        values[f"{name}.weight"] = weight.detach() * 2
        values[f"{name}.bias"] = torch.rand(len(weight))
    for name, before, after in (("fc6", 512, 8), ("fc7", 8, 8), ("fc8", 8, 5)):
        values[f"{name}.weight"] = torch.randn(after, before)
        values[f"{name}.bias"] = torch.rand(after)
    file = tmp_path / "vgg_face.pt"
    torch.save(values, file)
    plain = tm.load_vgg16(tm.VGG16Encoder(32), file)
    images = torch.rand(2, 3, 32, 32)
    for weights_of, prepare in (
        ("vggface", tm.data.vggface_input),
        ("imagenet", tm.data.imagenet_input),
    ):
        settings = FolderSettings(
            encoder="vgg16", size=32, weights=file, weights_of=weights_of, identity=file
        )
        network, encoder = starts.vgg16_start(settings)
        assert torch.equal(encoder(images), plain(prepare(images)))
        as_trained = plain(tm.data.vggface_input(images))
        assert torch.equal(network.encode(images), as_trained)
        assert any(weights_of in name for name in encoder.state_dict())


def test_the_help_names_every_layout_although_it_reads_none():
    assert FIELDS["layout"].metadata["about"] == f"auto, {', '.join(LAYOUTS)}."
