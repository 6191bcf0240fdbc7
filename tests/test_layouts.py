"""Folders of faces as they lie on people's disks, and pictures on both sides."""

import hashlib
import io
import os
import re
import shutil
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from test_fer import (
    affectnet_npy_tree,
    affectnet_row,
    affectnet_tree,
    csv_tree,
    draw,
    expw_tree,
    fer2013_tree,
    folder_tree,
    names,
    raf_tree,
    write,
)

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos import fer, reading, tables
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.fer import LAYOUTS, face_csv, open_faces, open_test
from thin_mini.data.photos.pairs import face_pairs
from thin_mini.data.photos.pictures import Pictures, class_batches
from thin_mini.data.photos.reading import read_picture
from thin_mini.files import DataError

RAF = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


def numbered_tree(root, parts=("train", "test"), numbers=range(1, 8)):
    for part in parts:
        for i in numbers:
            draw(root / part / str(i) / f"{part}_{i}_aligned.jpg")


# --- one table of layouts ------------------------------------------------------------


@pytest.mark.parametrize("parts", [("train", "test"), ("Train", "Test")])
def test_raf_db_in_numbered_folders(tmp_path, parts):
    numbered_tree(tmp_path / "archive" / "DATASET", parts)
    write(tmp_path / "archive" / "train_labels.csv", "image,label", "a.jpg,5")
    train, test = open_faces(tmp_path)
    assert names(train) == names(test) == list(RAF)
    assert fer.raf_db(tmp_path)[1].paths == test.paths
    assert train.name == "RAF-DB"


def test_numbers_of_another_data_set_are_refused(tmp_path):
    numbered_tree(tmp_path, numbers=range(8))
    with pytest.raises(DataError, match=r"test/0 is called after no expression: the"):
        open_faces(tmp_path)


@pytest.mark.parametrize(
    "form", ["{0}_aligned.jpg {1}", "{0}.jpg {1} 0.93", "{0}.JPG,{1},m", "{0}.jpg\t{1}"]
)
@pytest.mark.parametrize("inner", ["basic/EmoLabel", "EmoLabel", "."])
def test_raf_dbs_list_in_its_forms(tmp_path, form, inner):
    raf_tree(tmp_path)
    rows = [f"train_{i:05d} {i}" for i in range(1, 8)] + ["test_0001 7"]
    rows = [form.format(*row.split()) for row in rows]
    shutil.rmtree(tmp_path / "basic/EmoLabel")
    if inner != "basic/EmoLabel":
        shutil.move(tmp_path / "basic/Image", tmp_path / "Image")
        shutil.rmtree(tmp_path / "basic")
    name = "list_partition_label.txt" if inner == "." else "list_patition_label.txt"
    (tmp_path / inner).mkdir(parents=True, exist_ok=True)
    (tmp_path / inner / name).write_text("\r\n".join(rows), encoding="utf-8-sig")
    train, test = open_faces(tmp_path)
    assert (names(train), names(test)) == (list(RAF), ["neutral"])


def test_affectnet_with_backslashes_and_without_a_half(tmp_path):
    affectnet_tree(tmp_path)
    for name in ("training.csv", "validation.csv"):
        text = (tmp_path / name).read_text().replace("1/", "1\\").replace("2/", "2\\")
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    train, test = open_faces(tmp_path)
    assert (names(train), names(test)) == (list(EXPRESSIONS), ["neutral", "anger"])
    (tmp_path / "training.csv").unlink()
    with pytest.raises(
        DataError, match=r"no picture to train with .*only 2 test: .*training\.csv"
    ):
        open_faces(tmp_path)
    assert names(open_test(tmp_path)) == ["neutral", "anger"]
    assert open_test(tmp_path).skipped == {"contempt": 1}


@pytest.mark.parametrize("prefix", ["", "Manually_Annotated_Images/"])
@pytest.mark.parametrize("named", [".", "training.csv", "validation.csv"])
def test_affectnet_by_its_lists(tmp_path, prefix, named):
    lists, images = "Manually_Annotated_file_lists", "Manually_Annotated_Images"
    affectnet_tree(tmp_path, lists, images)
    for file in (tmp_path / lists).iterdir():
        text = file.read_text().replace("\n1/", f"\n{prefix}1/")
        file.write_text(re.sub("^2/", f"{prefix}2/", text, flags=re.MULTILINE))
    train, test = open_faces(tmp_path / lists / named)
    assert (names(train), names(test)) == (list(EXPRESSIONS), ["neutral", "anger"])


@pytest.mark.parametrize("x", ["inf", "1e30", "NULL", "nan"])
def test_an_impossible_box_is_none(tmp_path, x):
    affectnet_tree(tmp_path)
    with (tmp_path / "training.csv").open("a") as file:
        file.write(affectnet_row("1/3.jpg", 0, f"{x},1,4,5") + "\n")
    assert open_faces(tmp_path)[0].skipped["no face box"] == 2


def test_affectnet_without_boxes(tmp_path):
    header = " subDirectory_filePath , expression "
    write(tmp_path / "training.csv", header, "1/a.jpg,3", "1/b.jpg,7")
    write(tmp_path / "validation.csv", header, "1/c.jpg,1.0")
    for name in "abc":
        draw(tmp_path / f"1/{name}.jpg")
    train, test = open_faces(tmp_path)
    assert (names(train), names(test)) == (["surprise"], ["happiness"])
    assert (train.boxes, train.skipped) == (None, {"contempt": 1})


def test_affectnet_in_single_files_from_a_mac(tmp_path):
    affectnet_npy_tree(tmp_path)
    annotations = tmp_path / "val_set/annotations"
    (annotations / "._3_exp.npy").write_bytes(b"\0\5\x16\7")
    (tmp_path / "val_set/images/.DS_Store").write_bytes(b"")
    draw(tmp_path / "val_set/images/99.jpg")  # without a label
    for name in ("valence", "lnd"):
        np.save(annotations / f"3_{name}.npy", np.array("0.1"))
    shutil.rmtree(tmp_path / "train_set")
    with pytest.raises(DataError, match=r"no picture to train.*train_set and val_set"):
        open_faces(tmp_path)
    assert names(open_test(tmp_path)) == ["surprise"]
    half = open_test(tmp_path / "val_set")  # images and annotations alone
    assert (names(half), half.skipped) == (["surprise"], {"contempt": 1, "no label": 1})
    np.save(annotations / "3_exp.npy", np.array("3.5"))
    with pytest.raises(
        DataError, match=r"3_exp\.npy holds no number .*3\.5, but they go"
    ):
        open_test(tmp_path)
    np.save(annotations / "3_exp.npy", np.zeros(99))
    with pytest.raises(DataError, match=r"3_exp\.npy holds no number"):
        open_test(tmp_path)
    with (annotations / "3_exp.npy").open("wb") as file:  # of 128 bytes
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(DataError, match=r"3_exp\.npy holds no number"):
        open_test(tmp_path)


def test_raf_dbs_pictures_without_aligned_in_their_names(tmp_path):
    raf_tree(tmp_path)
    for file in (tmp_path / "basic/Image/aligned").iterdir():
        file.rename(file.with_name(file.name.replace("_aligned", "")))
    assert names(open_faces(tmp_path)[0]) == list(RAF)


def test_a_list_may_be_a_link(tmp_path):
    raf_tree(tmp_path)
    file = tmp_path / "basic/EmoLabel/list_patition_label.txt"
    shutil.move(file, tmp_path / "store")
    file.symlink_to(tmp_path / "store")
    assert names(open_faces(file)[0]) == list(RAF)


def test_expw_with_its_list_at_the_root(tmp_path):
    expw_tree(tmp_path)
    shutil.move(tmp_path / "label/label.lst", tmp_path / "label.lst")
    shutil.rmtree(tmp_path / "label")
    assert len(open_faces(tmp_path)[0]) == 16
    shutil.move(tmp_path / "image/origin", tmp_path / "origin")
    shutil.rmtree(tmp_path / "image")
    assert len(open_faces(tmp_path)[0]) == 16
    assert len(fer.expw(tmp_path / "label.lst")[0]) == 16
    for file in (tmp_path / "origin").iterdir():
        file.rename(tmp_path / file.name)
    shutil.rmtree(tmp_path / "origin")
    assert len(open_faces(tmp_path)[1]) == 4


@pytest.mark.parametrize("name", ["fer2013.csv", "icml_face_data.csv", "train.csv"])
@pytest.mark.parametrize("folder", [".", "fer2013"])
def test_fer2013s_tables(tmp_path, name, folder):
    header = "emotion, Usage, pixels" if "icml" in name else "emotion,pixels,Usage"
    rows, usage = [], ["Training", "Training", "PublicTest", "PrivateTest", "Training"]
    for i, part in enumerate(usage):
        pixels = " ".join([str(i)] * 48**2)
        rows.append(
            f"{i},{part},{pixels}" if "icml" in name else f"{i},{pixels},{part}"
        )
    if name == "train.csv":  # the competition's has no parts
        header, rows = "emotion,pixels", [row.rsplit(",", 1)[0] for row in rows]
    write(tmp_path / folder / name, header, *rows)
    write(tmp_path / folder / "test.csv", "pixels", "1 2 3")
    train, test = open_faces(tmp_path)
    assert fer.fer2013(tmp_path)[1].paths == test.paths
    assert open_faces(tmp_path / folder / name)[1].paths == test.paths
    if name == "train.csv":
        assert (len(train), len(test)) == (4, 1)
    else:
        assert names(train) == ["anger", "disgust", "sadness"]
        assert names(test) == ["fear", "happiness"]
        assert test.pixels[1].unique().tolist() == [3]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7,1 2 3 4,Training", "row 3: emotion is '7'; take 0 to 6"),
        ("0,1 2 3 256,Training", "row 3: .*numbers of 0 to 255"),
        ("0,1 2 3 x,Training", "row 3: .*numbers of 0 to 255"),
        ("0.5,1 2 3 4,Training", "row 3: emotion is '0.5'; take 0 to 6"),
        ("0,1 2 3,Training", "row 3: .* a square .*size 3"),
        ("0,1,Training", "row 3: .* as in the other rows .*size 1"),
        ("0,1 2 3 4,Holiday", "row 3: Usage is 'Holiday'; take Training"),
    ],
)
def test_a_row_of_fer2013_that_is_odd(tmp_path, row, message):
    write(tmp_path / "fer2013.csv", "emotion,pixels,Usage", "0,1 2 3 4,Training", row)
    with pytest.raises(DataError, match=message):
        open_faces(tmp_path)


def test_labels_of_fer2013_as_spreadsheets_write_them(tmp_path):
    rows = [f"{i}.0,1 2 3 {i}" for i in range(7)]
    write(tmp_path / "train.csv", "emotion,pixels", *rows)
    assert len(open_faces(tmp_path)[0]) == 6


@pytest.mark.parametrize(
    ("parts", "n_valid"),
    [
        (("Train", "Test"), None),
        (("TRAINING", "TESTING", "VALID"), 9),
        (("train", "test", "dev"), 9),
        (("train", "validation"), None),
        (("train", "val"), None),
        (("train", "Dev"), None),
    ],
)
def test_parts_by_any_name(tmp_path, parts, n_valid, caplog):
    folder_tree(tmp_path / "images", parts)
    train, test = open_faces(tmp_path)
    assert len(test) == 9
    assert train.held is None if n_valid is None else train.held.sum() == n_valid
    alone = len(parts) == 2 and parts[1] != "Test"
    assert ("its validation part is the test part" in caplog.text) == alone
    assert open_test(tmp_path).paths == test.paths


def test_class_folders_in_capitals_and_in_the_alphabets_order(tmp_path):
    alphabet = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
    for form in (str.upper, str.title, lambda e: f"{alphabet.index(e)}_{e}"):
        root = tmp_path / form("fear")
        for e in alphabet:
            for part in ("train", "test"):
                draw(root / part / form(e) / "deeper" / "1.JPEG")
            draw(root / "alone" / form(e) / "a.BMP")
            draw(root / "alone" / form(e) / "b.bmp")
        train, _ = open_faces(root / "alone")
        assert len(train) == 10
        shutil.rmtree(root / "alone")
        train, test = open_faces(root)
        assert names(train) == names(test) == list(alphabet)


def test_parts_inside_the_class_folders(tmp_path):
    for e in ("fear", "anger"):
        for part in ("train", "test"):
            draw(tmp_path / e / part / "a.png")
    train, test = open_faces(tmp_path)
    assert (train.paths, test.paths) == (
        ("anger/train/a.png", "fear/train/a.png"),
        ("anger/test/a.png", "fear/test/a.png"),
    )


def test_contempt_and_pictures_outside_are_counted(tmp_path, caplog):
    folder_tree(tmp_path)
    draw(tmp_path / "train/Contempt/a.png")
    draw(tmp_path / "train/loose.png")
    train, _ = open_faces(tmp_path)
    assert train.skipped == {"contempt": 1, "in no class folder": 1}
    assert "1 contempt" in caplog.text
    draw(tmp_path / "more/train/Happy/a.png")  # as some archives double themselves
    with pytest.raises(DataError, match=r"more/train is called after no expression"):
        open_faces(tmp_path)
    shutil.rmtree(tmp_path / "more")
    draw(tmp_path / "fear/a.png")
    assert open_faces(tmp_path)[0].skipped["in no part"] == 1


def test_only_test_pictures_can_be_measured_on(tmp_path):
    folder_tree(tmp_path, ["test"])
    with pytest.raises(DataError, match=r"no picture to train with .*only 9 test"):
        open_faces(tmp_path)
    assert len(open_test(tmp_path)) == 9
    (tmp_path / "test").rename(tmp_path / "train")
    with pytest.raises(DataError, match="no picture to test with"):
        open_test(tmp_path)
    for folder in (tmp_path / "train").iterdir():
        folder.rename(tmp_path / folder.name)
    (tmp_path / "train").rmdir()
    assert len(open_test(tmp_path)) == 9  # of a folder without parts all


def test_what_is_found_and_what_is_expected_is_said(tmp_path):
    (tmp_path / "stuff").mkdir()
    write(tmp_path / "pairs.txt", "1")
    with pytest.raises(
        DataError,
        match=r"holds pairs\.txt, stuff \(stuff holds nothing\): no known layout.*"
        r"fer2013: fer2013\.csv.*tm\.data\.face_pairs",
    ):
        open_faces(tmp_path)
    for layout in LAYOUTS:
        with pytest.raises(DataError, match=r"holds pairs\.txt, stuff .*needs "):
            open_faces(tmp_path, layout)


# --- hidden files, and kinds of pictures ---------------------------------------------


def test_hidden_files_are_not_seen_at_any_depth(tmp_path):
    folder_tree(tmp_path)
    before = [part.paths for part in open_faces(tmp_path)]
    for name in (
        ".ipynb_checkpoints/0-checkpoint.png",
        "._0.png",
        "__MACOSX/0.png",
        "@eaDir/0.png",
        "a/.b/0.png",
    ):
        draw(tmp_path / "test/Happy" / name)
        draw(tmp_path / name)
    shutil.copy(
        tmp_path / "train/Happy/0.PNG",
        tmp_path / "test/Happy/.ipynb_checkpoints/0-checkpoint.png",
    )
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        write(tmp_path / "test" / name, "x")
        write(tmp_path / "test/Happy" / name, "x")
    parts = open_faces(tmp_path)
    assert [part.paths for part in parts] == before
    assert parts[0].skipped == {}


def test_a_table_made_by_walking_lists_hidden_files(tmp_path):
    rows = ["a.png,happy,train", "b.png,sad,test"]
    hidden = [".ipynb_checkpoints/b-checkpoint.png,sad,train", "./._a.png,happy,test"]
    train, test = face_csv(
        csv_tree(tmp_path, *rows, *hidden, header="path,expression,split")
    )
    assert (len(train), len(test), train.skipped) == (1, 1, {"hidden": 2})


@pytest.mark.parametrize(
    "ending", ["gif", "jfif", "webp", "bmp", "tiff", "jpe", "PNG", "ppm", "tga", "ico"]
)
def test_pictures_of_every_ending_are_listed_and_read(tmp_path, ending):
    for part in ("train", "test"):
        draw(tmp_path / part / "happy" / f"a.{ending}", size=(16, 16))
    train, test = open_faces(tmp_path)
    assert (len(train), len(test)) == (1, 1)
    assert train.load(8, progress=False).images.shape == (1, 3, 8, 8)


def test_a_picture_that_moves_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), (250 * (i == 0), 0, 0)) for i in range(3)]
    for ending in ("gif", "webp", "tiff", "png"):
        file = tmp_path / f"a.{ending}"
        frames[0].save(file, save_all=True, append_images=frames[1:])
        assert read_picture(file).getpixel((4, 4))[0] > 240


def test_kinds_that_are_not_read_are_counted_and_said(tmp_path, caplog):
    folder_tree(tmp_path)
    for name in ("a.heic", "b.HEIC", "c.mp4", "d.eps", "e.raw"):
        write(tmp_path / "train/Happy" / name, "x")
    Image.new("RGB", (4, 4)).save(tmp_path / "train/Happy/plain", "jpeg")  # is read
    train, _ = open_faces(tmp_path)
    assert (len(train), train.skipped) == (
        10,
        {
            "not read (.heic)": 2,
            "not read (.mp4)": 1,
            "not read (.eps)": 1,
            "not read (.raw)": 1,
        },
    )
    assert "2 not read (.heic)" in caplog.text
    shutil.rmtree(tmp_path / "train/sadness")
    write(tmp_path / "train/sadness/a.heic", "x")
    with pytest.raises(DataError, match=r"sadness holds no picture.*4 not|3 not"):
        open_faces(tmp_path)


# --- one picture on both sides -------------------------------------------------------


def test_a_file_in_both_parts_of_a_table(tmp_path):
    rows = ("a.png,sad,train", "b.png,sad,train", "./a.png,sad,test", "c.png,sad,test")
    file = csv_tree(tmp_path, *rows, header="path,expression,split")
    for twins in ("refuse", "drop"):
        with pytest.raises(
            DataError,
            match=r"1 pictures are listed in two parts .*a\.png, in train and",
        ):
            open_faces(file, twins=twins)


@pytest.mark.parametrize("layout", ["csv", "folder", "raf-db", "affectnet"])
def test_a_copy_in_the_other_part(tmp_path, layout):
    trees = {
        "csv": (csv_tree, "a.png", "d.png"),
        "folder": (folder_tree, "train/Happy/0.PNG", "test/angry/2.PNG"),
        "raf-db": (
            raf_tree,
            "basic/Image/aligned/train_00003_aligned.jpg",
            "basic/Image/aligned/test_0001_aligned.jpg",
        ),
        "affectnet": (affectnet_tree, "1/0.jpg", "2/6.jpg"),
    }
    tree, a, b = trees[layout]
    tree(tmp_path)
    n_train, n_test = map(len, open_faces(tmp_path))
    shutil.copy(tmp_path / a, tmp_path / b)
    with pytest.raises(DataError, match=r"1 pictures of the test part .*byte for byte"):
        open_faces(tmp_path)
    train, test = open_faces(tmp_path, twins="drop")
    assert (len(train), len(test)) == (n_train - 1, n_test)
    assert train.skipped["also in the test part"] == 1
    assert not any(a.endswith(path) for path in train.paths)
    with pytest.raises(ValueError, match="twins must be one of refuse, drop, got 'x'"):
        open_faces(tmp_path, twins="x")


def valid_tree(root):
    """A table with three parts, whose pictures all differ."""
    names = [f"{i}.png" for i in range(9)]
    for i, name in enumerate(names):
        draw(root / name, (20 * i, 0, 0))
    rows = [
        f"{n},sad,{('train', 'valid', 'test')[i // 3]}" for i, n in enumerate(names)
    ]
    write(root / "faces.csv", "\n".join(["path,expression,split", *rows]))


@pytest.mark.parametrize(
    ("low", "high", "said", "sizes"),
    [
        (0, 3, "1 pictures of the validation part are in the training part", (2, 3, 3)),
        (3, 6, "1 pictures of the test part are in the validation part", (3, 2, 3)),
        (0, 6, "1 pictures of the test part are in the training part", (2, 3, 3)),
    ],
)
def test_a_copy_in_the_validation_part(tmp_path, low, high, said, sizes):
    valid_tree(tmp_path)
    open_faces(tmp_path)
    shutil.copy(tmp_path / f"{low}.png", tmp_path / f"{high}.png")
    pair = rf"{low}\.png = {high}\.png"
    with pytest.raises(DataError, match=rf"{said} too, byte for byte .*{pair}"):
        open_faces(tmp_path)
    train, test = open_faces(tmp_path, twins="drop")
    rest, valid = train.split()
    assert (len(rest), len(valid), len(test)) == sizes
    assert f"{low}.png" not in train.paths
    part = "validation" if high == 3 else "test"
    assert train.skipped == {f"also in the {part} part": 1}


def test_a_drawn_validation_part_keeps_copies_on_one_side(tmp_path):
    for i in range(20):  # pairs of copies, and two for the test
        draw(tmp_path / "train" / "happy" / f"{i:02d}.png", (i // 2, 0, 0))
    for i in range(2):
        draw(tmp_path / "test" / "happy" / f"{i}.png", (0, 200, i))
    train, _ = open_faces(tmp_path)
    for seed in range(5):
        marks = [
            {(tmp_path / path).read_bytes() for path in part.paths}
            for part in train.split(4, seed)
        ]
        assert not marks[0] & marks[1]


def test_a_copy_under_two_people_keeps_both_on_one_side(tmp_path):
    for i in range(12):  # six people, and a copy from the first to the last
        draw(tmp_path / f"{i}.png", (20 * i, 0, 0))
    shutil.copy(tmp_path / "0.png", tmp_path / "11.png")
    rows = [f"{i}.png,sad,p{i // 2}" for i in range(12)]
    write(tmp_path / "faces.csv", "\n".join(["path,expression,identity", *rows]))
    files = face_csv(tmp_path / "faces.csv")[0]
    plain = face_csv(tmp_path / "faces.csv", seed=3)
    assert {path for part in plain for path in part.paths} == {
        f"{i}.png" for i in range(12)
    }
    for seed in range(8):
        parts = [*face_csv(tmp_path / "faces.csv", seed), *files.split(4, seed)]
        for part in parts:
            assert ("0.png" in part.paths) == ("11.png" in part.paths)


def test_copies_with_two_expressions_in_the_training_part_are_counted(tmp_path, caplog):
    folder_tree(tmp_path)
    open_faces(tmp_path)
    assert "another expression" not in caplog.text
    a, b, c = (
        tmp_path / "train" / f for f in ("Happy/0.PNG", "Happy/9.PNG", "sadness")
    )
    shutil.copy(a, b)  # the same expression: nothing to say
    open_faces(tmp_path)
    assert "another expression" not in caplog.text
    shutil.copy(a, c / "8.png")
    open_faces(tmp_path)
    assert "3 training pictures have another expression under another" in caplog.text
    assert "train/Happy/0.PNG = train/sadness/8.png" in caplog.text


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("where", ["terminal", "file"])
def test_a_bar_stands_over_what_takes_long(tmp_path, monkeypatch, shown, where):
    monkeypatch.setattr(reading, "BAR_AFTER", 0)
    if not shown:
        monkeypatch.setenv("TQDM_DISABLE", "1")
    else:
        monkeypatch.delenv("TQDM_DISABLE", raising=False)
    screen = Terminal() if where == "terminal" else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    for tree in (folder_tree, affectnet_npy_tree, fer2013_tree):
        tree(tmp_path / tree.__name__)
        open_faces(tmp_path / tree.__name__)
    said = screen.getvalue()
    labels = {
        "recognising pictures", "looking for pictures", "looking for copies (sizes)",
        "looking for copies (first bytes)", "looking for copies (all bytes)",
        "looking for copies (pixels)", "reading labels", "reading pixels",
    }  # fmt: skip
    seen = {label for label in labels if f"{label}: " in said}
    assert seen == (labels if shown and where == "terminal" else set())
    assert ("00:00<" in said) == bool(seen)  # the time left


def test_a_drawn_split_keeps_copies_on_one_side(tmp_path):
    for i in range(20):
        draw(tmp_path / "happy" / f"{i:02d}.png", (i // 2, 0, 0))  # pairs of copies
    for seed in range(5):
        train, test = open_faces(tmp_path, seed=seed)
        shades = [
            set(part.load(4, progress=False).images.unique().tolist())
            for part in (train, test)
        ]
        assert shades[0] & shades[1] <= {0.0}
        assert (len(train), len(test)) == (16, 4)


def test_only_what_begins_alike_is_read_whole(tmp_path, monkeypatch):
    folder_tree(tmp_path)
    rest = bytes(5000)
    for name, start in (("train/Happy/0", b"a"), ("test/Happy/0", b"b")):
        (tmp_path / f"{name}.PNG").write_bytes(start + rest)
    (tmp_path / "train/Happy/1.PNG").write_bytes(bytes(4999) + b"a")
    (tmp_path / "test/Happy/1.PNG").write_bytes(bytes(4999) + b"b")
    whole, sha256 = [], hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda b: [whole.append(b), sha256(b)][1])
    open_faces(tmp_path)
    assert sorted(whole) == [bytes(4999) + end for end in (b"a", b"b")]


def test_fer2013_repeats_pictures_and_says_so(tmp_path, caplog):
    fer2013_tree(tmp_path)  # all its pictures are alike
    train, test = open_faces(tmp_path)
    assert (len(train), len(test)) == (3, 2)
    assert "2 pictures of the test part are in the training part too" in caplog.text


# --- tables --------------------------------------------------------------------------


def test_a_table_as_spreadsheets_write_it(tmp_path):
    for name in ("a b", "c", "d", "e"):
        draw(tmp_path / "pictures" / f"{name}.png")
    for separator in ",;\t":
        lines = (
            [" Path ", "EXPRESSION", "Split"],
            ["pictures\\a b.png", "Happy", "Train"],
        )
        lines += ["", "", ""], [str(tmp_path / "pictures/c.png"), " fear ", "dev"]
        lines += (
            ['"pictures/d.png"', "contempt", "train"],
            ["./pictures/e.png", "sad", "TEST"],
        )
        text = "\r\n".join(separator.join(line) for line in lines)
        (tmp_path / "faces.csv").write_bytes(text.encode("utf-8-sig"))
        train, test = open_faces(tmp_path)
        assert train.paths == ("pictures/a b.png", "pictures/c.png")
        assert (names(test), train.skipped) == (["sadness"], {"contempt": 1})
        assert train.held.tolist() == [False, True]


@pytest.mark.parametrize("unknown", ["NA", "nan", "NaN", "None", "-1", "  "])
def test_nobody_is_called_na(tmp_path, unknown):
    rows = ("a.png,sad,Ann", f"b.png,fear,{unknown}")
    file = csv_tree(tmp_path, *rows, header="path,expression,identity")
    with pytest.raises(
        DataError, match=rf"row 3: identity is '{unknown.strip()}'; fil"
    ):
        face_csv(file)


def test_one_file_twice_in_a_list(tmp_path, caplog):
    rows = [f"{i}.png,sad,{('train', 'test')[i % 2]}" for i in range(6)]
    file = csv_tree(tmp_path, *rows, rows[0], header="path,expression,split")
    train, test = face_csv(file)
    assert (len(train), len(test), train.skipped) == (3, 3, {"listed twice": 1})
    other = rows[0].replace("sad", "fear")
    file = csv_tree(tmp_path, *rows, other, header="path,expression,split")
    with pytest.raises(
        DataError, match=r"2 of the 7 rows list one picture with two .*0\.png"
    ):
        face_csv(file)


@pytest.mark.parametrize("path", ["../a.png", "/a.png", "b/../../a.png", "..\\a.png"])
def test_a_path_that_leaves_the_folder(tmp_path, path):
    draw(tmp_path / "a.png")
    draw(tmp_path / "in/b.png")
    write(tmp_path / "in/faces.csv", "path,expression", "b.png,sad", f"{path},sad")
    with pytest.raises(
        DataError, match=r"1 paths lead out of .*in \(the first: .*a\.png"
    ):
        open_faces(tmp_path / "in")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,expression\na.png,happy,x\n", "row 2 has 3 values for 2 columns"),
        ('path,expression\na.png,"happy\n', r"row 2: .*close its quotation marks"),
        ("path,path,expression\na.png,a.png,sad\n", "two columns path"),
        ("", "no column path, expression: .*it is empty"),
        ("\n\n", "it is empty"),
        (b"\xff\xfep\0a\0", "save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "save it as UTF-8"),
    ],
)
def test_a_table_that_is_broken(tmp_path, text, message):
    draw(tmp_path / "a.png")
    text = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "faces.csv").write_bytes(text)
    with pytest.raises(DataError, match=message):
        face_csv(tmp_path / "faces.csv")


# --- pairs ---------------------------------------------------------------------------


def lfw_tree(root, separator="\t", inner="lfw", ending=".jpg", head="2\t1"):
    for i in range(1, 4):
        draw(root / inner / "Ann_B" / f"Ann_B_{i:04d}{ending}")
        draw(root / inner / "Cid" / f"Cid_{i:04d}{ending}")
    rows = ["Ann_B 1 3", "Ann_B 2 Cid 1", "Cid 1 2", "Cid 3 Ann_B 1"]
    write(
        root / "pairs.txt",
        *[head] * bool(head),
        *(r.replace(" ", separator) for r in rows),
    )
    return root / "pairs.txt"


@pytest.mark.parametrize("separator", ["\t", " "])
@pytest.mark.parametrize("inner", [".", "lfw", "lfw-deepfunneled/lfw-deepfunneled"])
@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_lfws_pairs(tmp_path, separator, inner, ending):
    file = lfw_tree(tmp_path, separator, inner, ending)
    pairs = face_pairs(file)
    assert pairs.first[0] == f"Ann_B/Ann_B_0001{ending}"
    assert pairs.second == tuple(
        f"{p}{ending}"
        for p in (
            "Ann_B/Ann_B_0003",
            "Cid/Cid_0001",
            "Cid/Cid_0002",
            "Ann_B/Ann_B_0001",
        )
    )
    assert pairs.same.tolist() == [True, False, True, False]
    assert face_pairs(tmp_path).first == pairs.first
    (tmp_path / "around").mkdir()
    for entry in list(tmp_path.iterdir()):
        if entry.name != "around":
            entry.rename(tmp_path / "around" / entry.name)
    pairs = face_pairs(tmp_path)
    assert pairs.load(8, progress=False)[0].shape == (4, 3, 8, 8)


def test_lfws_pairs_as_a_table_and_for_development(tmp_path, caplog):
    lfw_tree(tmp_path, ",", head="name,imagenum1,imagenum2,").rename(
        tmp_path / "pairs.csv"
    )
    assert len(face_pairs(tmp_path / "pairs.csv")) == 4
    assert not caplog.text
    assert len(face_pairs(lfw_tree(tmp_path, head="2"))) == 4
    assert not caplog.text
    assert len(face_pairs(lfw_tree(tmp_path, head="10\t300"))) == 4
    assert "announces 6000 pairs and has 4" in caplog.text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Ann_B\t1", "line 2: 'Ann_B.*is not a pair: write"),
        ("Ann_B\tone\t2", "is not a pair"),
        ("Ann_B\t1\tCid", "is not a pair"),
        pytest.param("a 1 1 1 1 " * 2000 + "x", "is not a pair", id="said at once"),
        ("Ann_B\t1\t9", r"1 of the 2 pictures listed are no files.*Ann_B_0009\.jpg"),
        ("Eve\t1\t2", r"no picture such as Eve/Eve_0001\.jpg lies beside"),
        ("", "holds no pair"),
    ],
)
def test_lfws_pairs_with_a_fault(tmp_path, line, message):
    lfw_tree(tmp_path)
    write(tmp_path / "pairs.txt", "1\t1", line)
    with pytest.raises(DataError, match=message):
        face_pairs(tmp_path / "pairs.txt")


def test_pairs_listed_twice(tmp_path, caplog):
    for name in "abc":
        draw(tmp_path / f"{name}.png")
    lines = ["a.png,b.png,1", "b.png,a.png,1", "a.png,c.png,0"]
    write(tmp_path / "pairs.csv", "path1,path2,same", *lines)
    assert len(face_pairs(tmp_path)) == 2
    assert "1 repeated pairs" in caplog.text
    write(tmp_path / "pairs.csv", "path1,path2,same", *lines, "c.png,a.png,1")
    with pytest.raises(DataError, match=r"a\.png and c\.png are one person in one row"):
        face_pairs(tmp_path)


# --- what is no file, or too large ---------------------------------------------------


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_of_169_megapixels_is_refused_by_its_size(tmp_path, monkeypatch):
    Image.new("1", (13_000, 13_000)).save(tmp_path / "a.png")
    monkeypatch.setattr(reading, "_rgb", lambda picture: pytest.fail("decoded"))
    with pytest.raises(DataError, match=r"13,000×13,000 are 169 megapixels"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_pipe_or_folder_in_place_of_a_file_does_not_hang(tmp_path, make):
    make(tmp_path / "a.png")
    make(tmp_path / "faces.csv")
    what = "a pipe" if make is os.mkfifo else "a folder"
    for ask in (
        lambda: read_picture(tmp_path / "a.png"),
        lambda: open_faces(tmp_path),
        lambda: next(tables.read_lines(tmp_path / "faces.csv")),
    ):
        with pytest.raises(DataError, match=rf"{what} and not a file: put the file"):
            ask()
    with pytest.raises(
        DataError, match=r"a pipe and not a file|holds nothing, and none"
    ):
        face_pairs(tmp_path / "faces.csv")
    folder_tree(tmp_path / "tree")
    make(tmp_path / "tree/train/Happy/x.png")
    with pytest.raises(DataError, match=r"1 of the 10 .*are no files .*x\.png"):
        open_faces(tmp_path / "tree")
    affectnet_npy_tree(tmp_path / "npy")
    file = tmp_path / "npy/val_set/annotations/3_exp.npy"
    file.unlink()
    make(file)
    with pytest.raises(DataError, match=rf"3_exp\.npy is {what} and not a file"):
        open_faces(tmp_path / "npy")


def test_circles_of_links_end_and_links_are_followed(tmp_path):
    folder_tree(tmp_path / "far", ["train"])
    folder_tree(tmp_path / "near", ["test"])
    (tmp_path / "near/train").symlink_to(tmp_path / "far/train")
    (tmp_path / "near/test/Happy/up").symlink_to(tmp_path / "near")
    assert [len(part) for part in open_faces(tmp_path / "near")] == [9, 9]


# --- lists that do not fit -----------------------------------------------------------


def files_of(root, **changes):
    for i in range(4):
        draw(root / f"{i}.png")
    fields = {
        "root": root,
        "paths": tuple(f"{i}.png" for i in range(4)),
        "target": torch.arange(4),
        "identity": torch.full((4,), -1),
        "people": (),
        "name": "made up",
    }
    return FaceFiles(**fields | changes)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("target", torch.arange(4.0), "target must be torch.int64, got torch.float32"),
        ("target", torch.zeros(4, 1).long(), r"target must be \(4,\), got \(4, 1\)"),
        ("identity", torch.full((4,), -1.0), "identity must be torch.int64, got"),
        ("boxes", torch.zeros(4, 2).long(), r"boxes must be \(4, 4\), got \(4, 2\)"),
        ("held", torch.zeros(4), "held must be torch.bool, got torch.float32"),
        ("pixels", torch.zeros(4, 8), r"pixels must be \(4, H, W\), got \(4, 8\)"),
        ("pixels", torch.zeros(4, 8, 8), "pixels must be torch.uint8, got"),
    ],
)
def test_rows_of_another_kind(tmp_path, field, value, message):
    with pytest.raises(ValueError, match=message):
        files_of(tmp_path, **{field: value})


@pytest.mark.parametrize("index", [4, -5, 99])
def test_an_index_out_of_range_is_named(tmp_path, index):
    files = files_of(tmp_path)
    for ask in (files.picture, Pictures(files, 8).__getitem__):
        with pytest.raises(
            IndexError, match=rf"{index} picks none of 4 pictures of made up"
        ):
            ask(index)
    with pytest.raises(IndexError, match="4 pictures of made up"):
        files.subset(torch.tensor([index]))
    assert torch.equal(Pictures(files, 8)[-1][0], Pictures(files, 8)[3][0])
    with pytest.raises(IndexError, match="4 pictures of made up"):
        files.subset(torch.tensor([True, False]))
    assert sum(1 for _ in Pictures(files, 8)) == 4


def test_messages_name_what_their_reader_can_change(tmp_path):
    with pytest.raises(ValueError, match=r"made up has a single picture to divide"):
        files_of(tmp_path).subset(slice(0, 1)).split(1)
    with pytest.raises(ValueError, match="balanced") as caught:
        class_batches(torch.zeros(4).long(), 2, 0, 0)
    assert "plain_batches" not in str(caught.value)
    for odd, message in (
        (torch.zeros(4), "target must be int64"),
        (torch.zeros(2, 2).long(), "one label for each"),
        (torch.zeros(0).long(), "target is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            class_batches(odd, 2, 0, 0)


def test_a_normalisation_in_double_gives_what_networks_take(tmp_path):
    data = Pictures(files_of(tmp_path), 8, normalize=lambda image: image.double() - 1)
    assert data[0][0].dtype == torch.float32
    with pytest.raises(ValueError, match=r"seed must lie between 0 and .*, got -1"):
        Pictures(data.files, 8, seed=-1)
