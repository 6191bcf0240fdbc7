"""A finished run is something one can use: loaded, asked, measured, exported."""

import csv
import json
import math
import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import cpu_only
from PIL import Image
from typer.testing import CliRunner

import thin_mini as tm
from thin_mini.cli import app
from thin_mini.data import DataError
from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos.detect import CASCADE
from thin_mini.large import export, starts, trained
from thin_mini.large.run_folder import write_json


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def no_bars(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def copy(trained, tmp_path):
    """A run that may be spoiled."""
    return shutil.copytree(trained[0], tmp_path / "run")


@pytest.fixture
def no_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)  # its import then fails


def test_the_model_comes_back_and_answers_as_it_was_measured(trained, faces, device):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    back = tm.load(trained[0])
    back.model.to(device)
    assert torch.equal(torch.get_rng_state(), before)
    assert back.classes == EXPRESSIONS
    assert (back.size, back.normalization) == (16, "none")
    assert not back.model.training
    with (faces / "faces.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    images = torch.stack([back.prepare(faces / row["path"]) for row in rows])
    answer = back.answer(images)
    expected = back.model(images.to(device)).softmax(1)
    torch.testing.assert_close(answer.probabilities, expected.cpu())
    said = [back.classes[i] for i in answer.probabilities.argmax(1)]
    right = np.mean([a == row["expression"] for a, row in zip(said, rows, strict=True)])
    assert back.about["test"] == pytest.approx(100 * right, abs=1e-3)
    assert answer.leaves.shape == (18, 8)
    torch.testing.assert_close(answer.leaves.sum(1), torch.ones(18, device="cpu"))


def test_pictures_of_any_kind_are_prepared_alike(trained, faces):
    back = tm.load(trained[0])
    for mode in ("L", "RGB", "RGBA", "1"):
        image = back.prepare(Image.open(faces / "0.png").convert(mode))
        assert (image.shape, image.dtype) == ((3, 16, 16), torch.float32)
        assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 16, 16), r"must be \(N, 3, 16, 16\)"),
        (torch.zeros(0, 3, 16, 16), "ask for at least one image"),
        (torch.zeros(1, 3, 8, 8), "must be"),
        (255 * torch.ones(1, 3, 16, 16), r"in 0\.\.1, and image 0 holds 255"),
        (torch.full((1, 3, 16, 16), torch.nan), "image 0 holds NaN"),
        (torch.zeros(1, 3, 16, 16, dtype=torch.float64), r"got torch\.float64"),
    ],
)
def test_images_that_are_not_prepared_are_refused(images, message, trained):
    with pytest.raises(ValueError, match=message):
        tm.load(trained[0]).answer(images)


@cpu_only("a run is loaded onto the CPU")
@pytest.mark.parametrize("model", ["baseline", "simple", "exogenous"])
@pytest.mark.parametrize("encoder", ["small", "vgg16"])
def test_every_row_comes_back_bit_for_bit(model, encoder, trained, tmp_path):
    torch.manual_seed(0)
    result = json.loads((trained[0] / "result.json").read_text())
    size = 16 if encoder == "small" else 64
    about = {"model": model, "encoder": encoder, "size": size, "seed": 0}
    about |= {"n_experts": 2, "hidden": 4 if encoder == "small" else (4, 4)}
    about["start"] = "identity" if encoder == "small" else "imagenet"
    if encoder == "small":
        network = tm.ExogenousNetwork(tm.ConvEncoder(3, 16, starts.WIDTHS), 5).freeze()
        start = tm.starting_encoder(network)
    else:
        start, network = tm.VGG16Encoder(64), None
        start.layers = starts.Prepared(tm.data.imagenet_input, start.layers)
        if model == "exogenous":
            network = starts.vgg_face_network(64, [8, 6, 5]).requires_grad_(False)
            for p in network.parameters():
                p.data.normal_(std=0.01)
            layers = network.encoder.layers
            network.encoder.layers = starts.Prepared(tm.data.vggface_input, layers)
            network.freeze()
    whole = starts.put_together(about, network, start).eval()
    trained_run(tmp_path, whole, result | about)
    back = tm.load(tmp_path)
    images = torch.rand(2, 3, size, size)
    assert torch.equal(back.answer(images).probabilities, whole(images).softmax(1))
    assert (back.answer(images).leaves is None) == (model == "baseline")
    assert back.normalization == ("none" if encoder == "small" else "imagenet")


def trained_run(folder, model, about):
    keys = ("model", "encoder", "size", "seed", "n_experts", "hidden", "start")
    trained.save_model(folder, model, {key: about[key] for key in keys})
    write_json(folder / "result.json", about)


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def edit(folder, **values):
    file = folder / "result.json"
    text = json.dumps(json.loads(file.read_text()) | values)
    file.write_text(text)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "there is no .*run: name the --out"),
        (lambda run: (shutil.rmtree(run), run.write_text("")), "run is a file"),
        (lambda run: (shutil.rmtree(run), run.mkdir()), "holds no run"),
        (lambda run: (run / "result.json").unlink(), r"not finished \(at step 4\)"),
        (lambda run: (run / "model.pt").unlink(), "has a result and no model.pt"),
        (lambda run: halve(run / "model.pt"), "model.pt is damaged"),
        (lambda run: halve(run / "result.json"), "result.json cannot be read"),
        (lambda run: torch.save(run, run / "model.pt"), "model.pt is damaged"),
        (lambda run: torch.save([1], run / "model.pt"), "model.pt is damaged"),
        (lambda run: edit(run, test=float("nan")), "says test nan, which no run can"),
        (lambda run: edit(run, test=99.0), "says test 99.0 beside a confusion"),
        (lambda run: edit(run, seed=7), r"belong to two runs \(seed 0 and 7\)"),
        (lambda run: edit(run, model="oracle"), "says model oracle"),
        (lambda run: edit(run, data=5), "says data 5, which no run can"),
        (lambda run: edit(run, seed=0.5), "says seed 0.5, which no run can"),
        (lambda run: edit(run, images="x"), "says images x, which no run can"),
        (lambda run: edit(run, confusion=[[math.nan]]), "says test .* beside a conf"),
        (lambda run: (run / "result.json").write_text(""), "not whole JSON.*start its"),
    ],
)
@pytest.mark.parametrize("command", [False, True])
def test_what_is_no_finished_run_is_named(spoil, message, command, copy, faces):
    spoil(copy)
    if command:
        code, said = run("predict", copy, faces / "0.png")
        assert code == 1
        assert said.count("\n") == 1
    else:
        with pytest.raises(DataError, match=message):
            tm.load(copy)


def test_weights_that_are_no_numbers_are_refused(copy):
    saved = torch.load(copy / "model.pt", weights_only=True)
    saved["weights"]["experts.bias"][:] = torch.nan
    torch.save(saved, copy / "model.pt")
    with pytest.raises(DataError, match="weights that are no numbers"):
        tm.load(copy)


def test_a_picture_gets_probabilities_leaf_weights_and_caveats_once(
    trained, faces, tmp_path, no_opencv, caplog
):
    table, image = tmp_path / "a" / "out.csv", tmp_path / "out.png"
    code, said = run(
        *("predict", trained[0], faces / "0.png", faces / "1.png"),
        *("--csv", table, "--save", image),
    )
    assert code == 0, said
    assert said.count("not for decisions about people") == 1
    assert caplog.text.count("whole pictures are taken: OpenCV is missing") == 1
    rows = pd.read_csv(table)
    assert rows["picture"].tolist() == [str(faces / "0.png"), str(faces / "1.png")]
    assert rows["seen"].tolist() == ["whole", "whole"]
    assert rows[list(EXPRESSIONS)].sum(axis=1).tolist() == pytest.approx([1, 1])
    leaves = [f"leaf {n}" for n in range(1, 9)]
    assert rows[leaves].sum(axis=1).tolist() == pytest.approx([1, 1])
    assert (
        rows["expression"].tolist() == rows[list(EXPRESSIONS)].idxmax(axis=1).tolist()
    )
    with Image.open(image) as drawn:
        assert min(drawn.size) > 200
    code, said = run("predict", trained[0], faces / "0.png")
    assert "leaf weights: " in said
    for expression in EXPRESSIONS:
        assert f"  {expression}" in said


def test_folders_are_searched_and_what_cannot_be_read_is_said(
    trained, faces, tmp_path, no_opencv, caplog
):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    shutil.copy(faces / "3.png", deep / "x.png")
    shutil.copy(faces / "4.png", deep / ".hidden.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    code, said = run("predict", trained[0], tmp_path)
    assert code == 0, said
    assert "x.png" in said
    assert "hidden" not in said
    assert "broken.jpg cannot be read" in caplog.text
    code, said = run("predict", trained[0], tmp_path / "broken.jpg")
    assert code == 1
    assert said == "none of the pictures could be read: name others\n"


def test_a_face_is_cut_out_where_opencv_finds_one(
    trained, tmp_path, monkeypatch, faces
):
    class CascadeClassifier:
        def __init__(self, path):
            pass

        def detectMultiScale(self, grey, **options):  # noqa: N802
            return np.array([(60, 20, 20, 20)]) if grey.shape == (100, 100) else ()

    (tmp_path / CASCADE).touch()
    fake = SimpleNamespace(
        data=SimpleNamespace(haarcascades=str(tmp_path)),
        CascadeClassifier=CascadeClassifier,
    )
    monkeypatch.setitem(sys.modules, "cv2", fake)
    pixels = np.zeros((100, 100), np.uint8)
    pixels[15:45, 55:85] = np.random.default_rng(0).integers(0, 255, (30, 30))
    Image.fromarray(pixels).save(tmp_path / "scene.png")
    Image.fromarray(pixels[15:45, 55:85]).save(tmp_path / "face.png")
    paths = (tmp_path / "scene.png", tmp_path / "face.png")
    csvs = (tmp_path / "found.csv", tmp_path / "whole.csv")
    assert run("predict", trained[0], *paths, "--csv", csvs[0])[0] == 0
    assert run("predict", trained[0], *paths, "--csv", csvs[1], "--whole")[0] == 0
    found, whole = map(pd.read_csv, csvs)
    assert found["seen"].tolist() == ["face", "whole"]
    numbers = list(EXPRESSIONS)
    assert np.allclose(found[numbers].iloc[0], found[numbers].iloc[1])
    assert not np.allclose(whole[numbers].iloc[0], whole[numbers].iloc[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "there is no nowhere.png: name a picture"),
        (["{empty}"], "holds no picture"),
        (["{faces}/0.png", "--save", "x.txt"], "x.txt names no kind of image"),
        (["{faces}/0.png", "--csv", "{faces}/0.png"], "0.png would be written over"),
        (["{faces}", "--save", "{faces}/1.png"], "1.png would be written over"),
        (["{faces}/0.png", "--csv", "{faces}"], "is a folder: name a file"),
        (["{faces}/0.png", "--device", "tpu"], "--device tpu: device must be one of"),
    ],
)
def test_predict_refuses_what_cannot_work(arguments, message, trained, faces, tmp_path):
    named = [a.format(faces=faces, empty=tmp_path) for a in arguments]
    code, said = run("predict", trained[0], *named)
    assert code == 1
    assert said.startswith(message) or message in said
    assert said.count("\n") == 1


def test_a_run_is_measured_on_other_folders_and_on_its_own(trained, faces, tmp_path):
    result = json.loads((trained[0] / "result.json").read_text())
    code, said = run("evaluate", trained[0], faces)
    assert code == 0, said
    assert f"test accuracy  {result['test']:6.2f} %" in said
    assert "majority class" in said
    for part, n in (("test/happiness", 5), ("test/fear", 3)):
        (tmp_path / "other" / part).mkdir(parents=True)
        for i in range(n):
            new = np.random.default_rng(i).integers(0, 255, (20, 20), dtype=np.uint8)
            name = f"{part[5:]}{i}.png"
            Image.fromarray(new + n).save(tmp_path / "other" / part / name)
    code, said = run("evaluate", trained[0], tmp_path / "other")
    assert code == 0, said
    assert "8 pictures" in said
    assert "majority class  62.50 %, always happiness" in said
    assert "% of 5\n" in said
    code, said = run("evaluate", trained[0], tmp_path / "nowhere")
    assert (code, said.count("\n")) == (1, 1)


def test_pairs_tell_one_person_from_two(trained, faces):
    rows = [("path1", "path2", "same")]
    rows += [(f"{i}.png", f"{i + 9}.png", 1) for i in range(12)]
    rows += [(f"{i}.png", f"{i + 10}.png", 0) for i in range(12)]
    with (faces / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    code, said = run("evaluate", trained[0], faces, "--pairs")
    assert code == 0, said
    lines = said.splitlines()[-2:]
    assert [line.split()[0] for line in lines] == ["h_exo", "h_endo"]
    assert said.count("of the pairs, threshold") == 2
    (faces / "pairs.csv").unlink()
    code, said = run("evaluate", trained[0], faces, "--pairs")
    assert (code, said.count("\n")) == (1, 1)


def test_runs_are_listed_with_what_is_unfinished_or_damaged(trained, tmp_path):
    for name in ("whole", "half", "new", "spoilt"):
        shutil.copytree(trained[0], tmp_path / "deep" / name)
    (tmp_path / "deep" / "half" / "result.json").unlink()
    for file in ("result.json", "checkpoint.pt", "log.csv"):
        (tmp_path / "deep" / "new" / file).unlink()
    halve(tmp_path / "deep" / "spoilt" / "result.json")
    (tmp_path / "no run").mkdir()
    code, said = run("runs", tmp_path)
    assert code == 0
    lines = {line.split()[0]: line for line in said.splitlines()[1:]}
    assert set(lines) == {f"deep/{n}" for n in ("whole", "half", "new", "spoilt")}
    assert "finished" in lines["deep/whole"]
    assert " thin " in lines["deep/whole"]
    assert "unfinished, at step 4" in lines["deep/half"]
    assert " thin " in lines["deep/half"]
    assert "unfinished, before its first checkpoint" in lines["deep/new"]
    assert "damaged" in lines["deep/spoilt"]
    code, said = run("runs", tmp_path / "no run")
    assert code == 1
    assert "holds no run" in said


def test_without_onnx_it_says_what_to_install(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, said = run("export", trained[0], "--onnx")
    assert code == 1
    assert "onnx is missing" in said
    assert 'pip install "thin-mini[onnx]"' in said
    assert run("export", trained[0]) == (1, "name a format to write: --onnx\n")
    before = (trained[0] / "model.pt").read_bytes()
    code, said = run("export", trained[0], "--onnx", "--out", trained[0] / "model.pt")
    assert (code, said.count("\n")) == (1, 1)
    assert "model.pt names no ONNX file: let it end in .onnx" in said
    assert (trained[0] / "model.pt").read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="where names are any bytes")
def test_a_name_of_any_bytes_is_told_as_it_is(trained, faces, tmp_path):
    picture = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.png")
    shutil.copy(faces / "0.png", picture)
    table = tmp_path / "found.csv"
    code, said = run("predict", trained[0], tmp_path, "--csv", table)
    assert code == 0, said
    with table.open(newline="", errors="surrogateescape") as file:
        assert [row["picture"] for row in csv.DictReader(file)] == [picture]


def test_onnx_answers_as_the_model_for_any_number_of_images(trained, tmp_path, device):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    back = tm.load(trained[0])
    back.model.to(device)
    session = runtime.InferenceSession(export.to_onnx(back, tmp_path / "model.onnx"))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == list(EXPRESSIONS)
    for n in (1, 2, 5):
        images = torch.rand(n, 3, 16, 16)
        (said,) = session.run(None, {"images": images.cpu().numpy()})
        torch.testing.assert_close(
            torch.from_numpy(said), back.answer(images).probabilities
        )
