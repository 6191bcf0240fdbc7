"""Readers of faces on disk: every layout, every fault, and batches without luck."""

import csv
import hashlib
import logging
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from thin_mini.data.factors import EXPRESSIONS
from thin_mini.data.photos import fer, pictures, published
from thin_mini.data.photos.face_files import FaceFiles
from thin_mini.data.photos.fer import face_csv, face_folder, open_faces
from thin_mini.data.photos.pairs import face_pairs
from thin_mini.data.photos.pictures import Pictures, class_batches, plain_batches
from thin_mini.data.photos.reading import read_picture
from thin_mini.data.store import data_folder
from thin_mini.files import DataError


def draw(path, colour=None, size=(8, 8), **options):
    """A picture of one colour (RGB); each path has one of its own."""
    colour = colour or tuple(hashlib.sha256(str(path).encode()).digest()[:3])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def names(files):
    return [EXPRESSIONS[t] for t in files.target.tolist()]


def listed(root, n=10, people=0, **fields):
    """FaceFiles with n pictures on disk, each of another shade."""
    for i in range(n):
        draw(root / f"{i}.png", (10 * i % 256, 0, 0))
    identity = torch.arange(n) % people if people else torch.full((n,), -1)
    return FaceFiles(
        root=root,
        paths=tuple(f"{i}.png" for i in range(n)),
        target=torch.arange(n) % len(EXPRESSIONS),
        identity=identity,
        people=tuple(f"person {p}" for p in range(people)),
        name="made up",
        **fields,
    )


# --- the published layouts -----------------------------------------------------------


def raf_tree(root, n=7):
    """Labels 1..7 in order for training and one 7 (neutral) for the test."""
    lines = [f"train_{i:05d} {1 + (i - 1) % 7}" for i in range(1, n + 1)]
    lines.append("test_0001 7")
    for line in lines:
        draw(root / "basic/Image/aligned" / f"{line.split()[0]}_aligned.jpg")
    lines = [line.replace(" ", ".jpg ") for line in lines]
    write(root / "basic/EmoLabel/list_patition_label.txt", *lines)


def affectnet_row(path, expression, box="2,1,4,5"):
    return f"{path},{box},1.5;2.5;3.5;4.5,{expression},-0.1,0.2"


def affectnet_tree(root, lists=".", images="."):
    """Ids 0..10 for training and 0, 6, 7 for the test, whose list has no header."""
    header = ",".join(published.AFFECTNET_COLUMNS)
    train = [affectnet_row(f"1/{i}.jpg", i) for i in range(11)]
    train.append(affectnet_row("1/0.jpg", 0, "NULL,NULL,NULL,NULL"))
    test = [affectnet_row(f"2/{i}.jpg", i) for i in (0, 6, 7)]
    write(root / lists / "training.csv", header, *train)
    write(root / lists / "validation.csv", *test)
    for path in [f"1/{i}.jpg" for i in range(11)] + [f"2/{i}.jpg" for i in (0, 6, 7)]:
        draw(root / images / path)


def affectnet_npy_tree(root):
    for part, ids in (("train_set", range(12)), ("val_set", (3, 7))):
        (root / part / "annotations").mkdir(parents=True)
        for i in ids:  # the official files hold text of no dimension
            np.save(root / part / f"annotations/{i}_exp.npy", np.array(str(i % 8)))
            draw(root / part / f"images/{i}.jpg")


def expw_tree(root, n=10):
    """Two faces on each of n photographs: left red, right blue; and one doubtful."""
    lines = []
    for i in range(n):
        image = Image.new("RGB", (16, 8), (255, 0, 0))
        image.paste((0, 0, 255), (8, 0, 16, 8))
        image.putpixel((0, 7), (255, i, 0))  # no photograph is another's copy
        (root / "image/origin").mkdir(parents=True, exist_ok=True)
        image.save(root / f"image/origin/a photo {i}.png")
        lines.append(f"a photo {i}.png 0 0 0 8 8 99.5 {i % 7}")
        lines.append(f"a photo {i}.png 1 0 8 16 8 60.01 3")
    lines.append("a photo 0.png 2 0 0 8 8 60 3")
    write(root / "label/label.lst", *lines)


def fer2013_tree(root):
    rows = [
        f"{i},{' '.join(['9'] * 48**2)},{usage}"
        for i, usage in enumerate(
            ["Training", "Training", "PublicTest", "PrivateTest", "Training"]
        )
    ]
    write(root / "fer2013/fer2013.csv", "emotion,pixels,Usage", *rows)


def folder_tree(root, parts=("train", "test")):
    for part in parts:
        for folder in ("Happy", "sadness", "angry"):
            for i in range(3):
                draw(root / part / folder / f"{i}.PNG")
        write(root / part / "sadness" / "notes.txt", "no picture")


def csv_tree(root, *rows, header="path,expression,identity,split"):
    rows = rows or (
        "a.png,happy,Ann,train",
        "b.png,Sadness,Bob,train",
        "c.png,neutral,Ann,valid",
        "d.png,fear,Cid,test",
    )
    for row in rows:
        draw(root / row.split(",")[0])
    write(root / "faces.csv", header, *rows)
    return root / "faces.csv"


TREES = {
    "raf-db": raf_tree,
    "affectnet": affectnet_tree,
    "expw": expw_tree,
    "fer2013": fer2013_tree,
    "csv": csv_tree,
    "folder": folder_tree,
}


def test_raf_db_has_its_own_numbers_and_split(tmp_path):
    raf_tree(tmp_path)
    train, test = fer.raf_db(tmp_path)
    assert names(train) == (
        ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
    )
    assert train.paths[0] == "Image/aligned/train_00001_aligned.jpg"
    assert (names(test), test.identified, test.boxes) == (["neutral"], False, None)
    assert fer.raf_db(tmp_path / "basic")[0].paths == train.paths


def test_raf_db_says_what_is_missing_and_where_to_ask(tmp_path):
    with pytest.raises(DataError, match=r"list_patition_label.*aligned.*whdeng\.cn"):
        fer.raf_db(tmp_path)


def test_raf_db_refuses_the_compound_labels(tmp_path):
    raf_tree(tmp_path)
    write(tmp_path / "basic/EmoLabel/list_patition_label.txt", "", "train_00001.jpg 8")
    with pytest.raises(DataError, match=r"line 2: 'train_00001\.jpg 8'"):
        fer.raf_db(tmp_path)


def test_half_unpacked_pictures_are_an_error(tmp_path):
    raf_tree(tmp_path)
    for i in range(1, 5):
        (tmp_path / f"basic/Image/aligned/train_{i:05d}_aligned.jpg").unlink()
    with pytest.raises(DataError, match=r"train: 4 of the 7.*00001.*00002.*00003_al"):
        fer.raf_db(tmp_path)


def test_one_absent_picture_in_a_hundred_is_counted(tmp_path, caplog):
    raf_tree(tmp_path, n=100)
    (tmp_path / "basic/Image/aligned/train_00002_aligned.jpg").unlink()
    train, test = fer.raf_db(tmp_path)
    assert len(train) == 99
    assert names(train)[:2] == ["surprise", "disgust"]
    assert train.skipped == test.skipped == {"no image": 1}
    assert "train_00002_aligned" in caplog.text
    assert "1 no image" in train.source


def test_a_whole_test_part_cannot_hide_among_the_training_pictures(tmp_path):
    raf_tree(tmp_path, n=200)
    (tmp_path / "basic/Image/aligned/test_0001_aligned.jpg").unlink()
    with pytest.raises(DataError, match="test: 1 of the 1 "):
        fer.raf_db(tmp_path)


@pytest.mark.parametrize(
    ("lists", "images"),
    [
        (".", "."),
        ("Manually_Annotated_file_lists", "Manually_Annotated_Images"),
        (
            "Manually_Annotated_file_lists",
            "Manually_Annotated/Manually_Annotated_Images",
        ),
    ],
)
def test_affectnet_keeps_seven_expressions_and_counts_the_rest(tmp_path, lists, images):
    affectnet_tree(tmp_path, lists, images)
    train, test = fer.affectnet(tmp_path)
    assert names(train) == list(EXPRESSIONS)
    assert names(test) == ["neutral", "anger"]
    assert train.boxes[0].tolist() == [2, 1, 6, 6]
    assert train.skipped == {
        "contempt": 2,
        "no expression": 1,
        "uncertain": 1,
        "no face": 1,
        "no face box": 1,
    }
    assert train.load(4, progress=False).images.shape == (7, 3, 4, 4)


@pytest.mark.parametrize("odd", ["11", "happy", ""])
def test_affectnet_names_an_odd_expression(tmp_path, odd):
    affectnet_tree(tmp_path)
    write(tmp_path / "validation.csv", affectnet_row("2/0.jpg", odd))
    with pytest.raises(DataError, match=f"row 1: expression is '{odd}'; take the"):
        fer.affectnet(tmp_path)


def test_affectnet_in_single_files(tmp_path):
    affectnet_npy_tree(tmp_path)
    train, test = open_faces(tmp_path)
    assert train.target.tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3]  # 8 after 6
    assert train.paths[-1] == "train_set/images/11.jpg"
    assert (names(test), train.skipped) == (["surprise"], {"contempt": 2})
    shutil.rmtree(tmp_path / "val_set")
    with pytest.raises(DataError, match=r"val_set.*mohammadmahoor"):
        open_faces(tmp_path)


def test_affectnet_unpickles_nothing(tmp_path):
    affectnet_npy_tree(tmp_path)
    np.save(tmp_path / "val_set/annotations/3_exp.npy", np.array({}, dtype=object))
    with pytest.raises(DataError, match=r"3_exp\.npy holds no number.*allow_pickle"):
        fer.affectnet(tmp_path)


def test_expw_keeps_sure_faces_and_cuts_them_out(tmp_path):
    expw_tree(tmp_path)
    train, test = fer.expw(tmp_path)
    assert (len(train), len(test)) == (16, 4)  # 80/20
    assert train.skipped == {"confidence ≤ 60": 1}
    assert not set(train.paths) & set(test.paths)  # no photograph on both sides
    images = train.load(4, progress=False).images.mean((2, 3))
    torch.testing.assert_close(images[0], torch.tensor([1.0, 0, 0]), rtol=0, atol=0.01)
    assert torch.equal(images[1], torch.tensor([0.0, 0, 1]))
    again, other = fer.expw(tmp_path), fer.expw(tmp_path, seed=1)
    assert again[1].paths == test.paths != other[1].paths
    order = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    for files in (train, test):
        for path, label in zip(files.paths[::2], names(files)[::2], strict=True):
            assert label == order[int(path[-5]) % 7]  # the left face
        assert set(names(files)[1::2]) == {"happiness"}


ODD = ("a.jpg 0 0 0 8 8 nan 3", "a.jpg 0 0 0 8 1e99 99 3", "a.jpg 0 0 .5 8 8 99 3")


@pytest.mark.parametrize(
    "odd", ["a.jpg 0 0 0 8 8 99", "a.jpg 0 0 0 8 8 99 7", "x", *ODD]
)
def test_expw_names_an_odd_line(tmp_path, odd):
    expw_tree(tmp_path)
    write(tmp_path / "label/label.lst", odd)
    with pytest.raises(DataError, match=f"line 1: '{odd}'"):
        fer.expw(tmp_path)


def test_fer2013_holds_pixels(tmp_path):
    fer2013_tree(tmp_path)
    train, test = fer.fer2013(tmp_path / "fer2013")
    assert names(train) == ["anger", "disgust", "sadness"]
    assert names(test) == ["fear", "happiness"]
    data = train.load(48, grey=True, progress=False)
    assert torch.equal(data.images, torch.full((3, 1, 48, 48), 9 / 255))
    assert Pictures(test, size=8)[1][0].shape == (3, 8, 8)
    assert train.subset(slice(1, 2)).pixels.shape == (1, 48, 48)


def test_another_table_than_kaggles_is_read_and_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"fer2013\.csv.*Kaggle"):
        fer.fer2013(tmp_path)
    fer2013_tree(tmp_path)
    assert "another fer2013.csv than Kaggle's" in fer.fer2013(tmp_path)[0].source
    content = (tmp_path / "fer2013/fer2013.csv").read_bytes()
    monkeypatch.setattr(
        published, "FER2013_MD5", {"a": hashlib.md5(content).hexdigest()}
    )
    assert fer.fer2013(tmp_path)[0].source == "FER2013, 3 pictures"


# --- the reader's own pictures -------------------------------------------------------


def test_folders_go_by_any_of_their_names(tmp_path):
    folder_tree(tmp_path, ("train", "val", "test"))
    train, test = face_folder(tmp_path)
    assert (len(train), len(test)) == (18, 9)
    assert set(names(test)) == {"happiness", "sadness", "anger"}
    rest, valid = train.split(2)
    assert all(path.startswith("val/") for path in valid.paths)
    assert (len(rest), len(valid)) == (9, 9)
    assert test.name == tmp_path.name


def test_folders_without_a_split_are_drawn(tmp_path):
    folder_tree(tmp_path, [""])
    train, test = open_faces(tmp_path)
    assert (len(train), len(test)) == (7, 2)
    assert face_folder(tmp_path)[1].paths == test.paths


def test_folders_that_are_no_expression_or_empty(tmp_path):
    folder_tree(tmp_path)
    (tmp_path / "train/fear").mkdir()
    with pytest.raises(DataError, match=r"fear holds no picture"):
        face_folder(tmp_path)
    (tmp_path / "train/fear").rename(tmp_path / "train/bored")
    with pytest.raises(
        DataError, match=r"bored is called.*neutral, happiness, sadness, .*, happy"
    ):
        face_folder(tmp_path)
    shutil.rmtree(tmp_path / "train/bored")
    shutil.rmtree(tmp_path / "test")
    with pytest.raises(DataError, match="no picture to test"):
        face_folder(tmp_path)


def test_a_table_with_people_and_parts(tmp_path):
    train, test = face_csv(csv_tree(tmp_path))
    assert train.people == test.people == ("Ann", "Bob", "Cid")
    assert names(train) == ["happiness", "sadness", "neutral"]
    assert (train.identity.tolist(), test.identity.tolist()) == ([0, 1, 0], [2])
    rest, valid = train.split(1, seed=3)  # the table's own validation picture
    assert (rest.paths, valid.paths) == (("a.png", "b.png"), ("c.png",))
    data = test.load(8, progress=False)
    assert (data.exo.tolist(), data.n_exo, data.exo_name) == ([2], 3, "identity")


def test_a_table_warns_of_people_on_both_sides(tmp_path, caplog):
    face_csv(csv_tree(tmp_path, "a.png,happy,Ann,train", "b.png,sad,Ann,test"))
    assert "1 people are in train and in test" in caplog.text


def test_a_table_without_parts_is_split_by_people(tmp_path):
    rows = [f"{i}.png,happy,{'abcde'[i % 5]}" for i in range(20)]
    file = csv_tree(tmp_path, *rows, header="path,expression,identity")
    train, test = face_csv(file)
    assert (len(train), len(test)) == (16, 4)
    assert not set(train.identity.tolist()) & set(test.identity.tolist())


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("file,expression", "a.png,happy", "no column path: its columns are file, e"),
        ("path,label", "a.png,happy", "no column expression: .* path, label"),
        ("path,expression", "a.png,bored", "row 2: expression is 'bored'; take one of"),
        ("path,expression", "", "holds no row"),
        ("path,expression", '" ",happy', "row 2: path is ''"),
        ("path,expression,identity", "a.png,happy,", "row 2: identity is ''.*or none"),
        ("path,expression,split", "a.png,happy,all", "'all'; take train, valid or te"),
        ("path,expression,split", "a.png,happy,test", "no picture to train"),
        ("path,expression", "a.png,happy", "no picture to test"),
        ("path,expression", "b.png,happy", "1 of the 1 pictures.*first: b.png"),
        ("", "", "has no column path, expression: .*it is empty"),
    ],
)
def test_a_table_with_a_fault(tmp_path, header, row, message):
    draw(tmp_path / "a.png")
    write(tmp_path / "faces.csv", header, row)
    with pytest.raises(DataError, match=message):
        face_csv(tmp_path / "faces.csv")


def test_pairs_are_read_once_each(tmp_path, monkeypatch):
    for i in range(3):
        draw(tmp_path / f"{i}.png", (100 * i, 0, 0))
    lines = ["0.png,1.png,1", "0.png,2.png,0", "2.png,1.png,0"]
    write(tmp_path / "pairs.csv", "path1,path2,same", *lines)
    pairs = face_pairs(tmp_path / "pairs.csv")
    seen = []
    opened = Image.open
    monkeypatch.setattr(
        Image, "open", lambda path, **kw: [seen.append(path), opened(path, **kw)][1]
    )
    first, second, same = pairs.load(4, progress=False)
    assert (first[:, 0, 0, 0] * 255).tolist() == [0, 0, 200]
    assert (second[:, 0, 0, 0] * 255).tolist() == [100, 200, 100]
    assert same.tolist() == [True, False, False]
    assert len(seen) == 3


def test_pairs_among_some_pictures_have_both_there(tmp_path):
    for name in "abc":
        draw(tmp_path / f"{name}.png", (0, 0, 0))
    lines = ["a.png,b.png,1", "b.png,c.png,0", "a.png,c.png,0"]
    write(tmp_path / "pairs.csv", "path1,path2,same", *lines)
    pairs = face_pairs(tmp_path / "pairs.csv").among(["a.png", "c.png"])
    assert (pairs.first, pairs.second) == (("a.png",), ("c.png",))
    assert pairs.same.tolist() == [False]
    assert len(pairs.among(["b.png"])) == 0


def test_pairs_with_a_fault(tmp_path):
    draw(tmp_path / "a.png")
    write(tmp_path / "pairs.csv", "path1,path2,same", "a.png,a.png,yes")
    with pytest.raises(DataError, match="same is 'yes'; write 0 or 1"):
        face_pairs(tmp_path / "pairs.csv")
    write(tmp_path / "pairs.csv", "path1,path2,same", "a.png,b.png,1")
    with pytest.raises(DataError, match=r"first: b\.png"):
        face_pairs(tmp_path / "pairs.csv")
    with pytest.raises(DataError, match=r"nothing\.csv cannot be read"):
        face_pairs(tmp_path / "nothing.csv")


@pytest.mark.parametrize("layout", TREES)
def test_every_layout_is_recognised(tmp_path, layout):
    TREES[layout](tmp_path)
    train, test = open_faces(tmp_path)
    named = open_faces(tmp_path, layout)
    assert (named[0].paths, named[1].paths) == (train.paths, test.paths)
    assert min(len(train), len(test)) > 0


def test_what_is_not_recognised(tmp_path):
    with pytest.raises(DataError, match=r"no known layout.*raf-db: basic.*folder: fol"):
        open_faces(tmp_path)
    csv_tree(tmp_path)
    expw_tree(tmp_path)
    with pytest.raises(DataError, match=r"several layouts \(expw, csv\)"):
        open_faces(tmp_path)
    assert open_faces(tmp_path / "faces.csv")[1].paths == ("d.png",)
    with pytest.raises(ValueError, match=r"layout must be one of auto, raf.*got 'raf'"):
        open_faces(tmp_path, "raf")
    with pytest.raises(DataError, match="there is no "):
        open_faces(tmp_path / "nowhere")


# --- pictures of all kinds -----------------------------------------------------------


def colour(path):
    return read_picture(path).getpixel((0, 0))


@pytest.mark.parametrize(
    ("mode", "pixel", "ending", "expected"),
    [
        ("RGB", (10, 20, 30), "png", (10, 20, 30)),
        ("L", 40, "png", (40, 40, 40)),
        ("1", 1, "png", (255, 255, 255)),
        ("RGBA", (10, 20, 30, 0), "png", (255, 255, 255)),
        ("LA", (50, 255), "png", (50, 50, 50)),
        ("I;16", 257 * 60, "png", (60, 60, 60)),
        ("I", 257 * 60, "tif", (60, 60, 60)),
    ],
)
def test_pictures_of_every_kind(tmp_path, mode, pixel, ending, expected):
    Image.new(mode, (4, 4), pixel).save(tmp_path / f"a.{ending}")
    assert colour(tmp_path / f"a.{ending}") == expected


def test_palettes_and_printers_colours(tmp_path):
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    image.quantize(4).save(tmp_path / "a.gif")
    assert colour(tmp_path / "a.gif") == (255, 0, 0)
    image.convert("P").save(
        tmp_path / "b.png", transparency=image.convert("P").getpixel((0, 0))
    )
    assert colour(tmp_path / "b.png") == (255, 255, 255)
    image.convert("CMYK").save(tmp_path / "c.jpg", quality=100)
    red, green, blue = colour(tmp_path / "c.jpg")
    assert red > 250
    assert max(green, blue) < 5


def test_a_camera_that_was_held_sideways(tmp_path):
    image = Image.new("RGB", (4, 2))
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    image.save(tmp_path / "a.png", exif=exif)
    upright = read_picture(tmp_path / "a.png")
    assert upright.size == (2, 4)
    assert upright.getpixel((1, 0)) == (255, 255, 255)


def test_what_is_no_whole_picture(tmp_path):
    draw(tmp_path / "whole.jpg", size=(64, 64))
    data = (tmp_path / "whole.jpg").read_bytes()
    for name, content in (("cut", data[:-200]), ("text", b"hello"), ("void", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} cannot be read as a picture"):
            read_picture(tmp_path / name)
    Image.new("F", (4, 4)).save(tmp_path / "float.tif")
    with pytest.raises(DataError, match="no known range"):
        read_picture(tmp_path / "float.tif")


def test_a_box_is_cut_at_the_border(tmp_path):
    draw(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", [-3, 2, 5, 99]).size == (5, 6)
    with pytest.raises(
        DataError, match=r"box \(8, 0, 12, 4\) holds nothing of the 8×8"
    ):
        read_picture(tmp_path / "a.png", [8, 0, 12, 4])


def test_loading_keeps_pictures_beside_their_labels(tmp_path, caplog):
    files = listed(tmp_path, n=21)
    (tmp_path / "4.png").write_bytes(b"no picture")
    data = files.load(4, progress=False)
    assert (len(data), data.n_classes, data.n_exo) == (20, 7, 1)
    assert data.exo_name == "identity (unknown)"
    assert not data.exo.any()
    shade = (data.images[:, 0, 0, 0] * 255 / 10).round().long()
    assert shade.tolist() == [i for i in range(21) if i != 4]
    assert torch.equal(data.target, shade % 7)
    assert data.source.endswith(
        "20 pictures (left out of the whole list: 1 unreadable)"
    )
    assert "Left out 1 of 21" in caplog.text
    assert "4.png" in caplog.text
    assert len(files.readable(progress=False)) == 20
    with pytest.raises(DataError, match=r"4\.png"):
        Pictures(files, size=4)[4]


def test_too_many_damaged_pictures_are_an_error(tmp_path):
    files = listed(tmp_path, n=19)
    (tmp_path / "4.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1 of 19 pictures.*5%.*4\.png"):
        files.load(4, progress=False)


def test_size_zero_and_lists_that_do_not_fit(tmp_path):
    files = listed(tmp_path, n=2)
    for ask in (lambda: files.load(0), lambda: Pictures(files, size=0)):
        with pytest.raises(ValueError, match="size must be at least 1, got 0"):
            ask()
    fields = vars(files)
    with pytest.raises(ValueError, match="target must lie between 0 and 6, got 7"):
        FaceFiles(**fields | {"target": torch.tensor([0, 7])})
    with pytest.raises(ValueError, match="identity must lie between -1 and -1, got 0"):
        FaceFiles(**fields | {"identity": torch.tensor([0, 0])})
    with pytest.raises(ValueError, match=r"boxes must be \(2, 4\), got \(1, 4\)"):
        FaceFiles(**fields | {"boxes": torch.zeros(1, 4)})
    with pytest.raises(ValueError, match="list of pictures is empty"):
        files.subset(slice(0, 0))


def test_a_split_tears_nobody_apart(tmp_path):
    files = listed(tmp_path, n=40, people=8)
    rest, valid = files.split(7, seed=1)
    assert len(valid) == 10  # two people of five pictures
    assert sorted(rest.paths + valid.paths) == sorted(files.paths)
    assert not set(rest.identity.tolist()) & set(valid.identity.tolist())
    assert files.split(7, seed=1)[1].paths == valid.paths
    assert files.split(7, seed=2)[1].paths != valid.paths
    unknown = FaceFiles(
        **vars(files) | {"identity": -torch.ones(40).long(), "people": ()}
    )
    assert len(unknown.split(7)[1]) == 7
    for n_valid in (0, 40):
        with pytest.raises(ValueError, match="between 1 and 39"):
            files.split(n_valid)
    with pytest.raises(ValueError, match=r"setting 36 of 40 .* of made up aside"):
        files.split(36)


# --- training ------------------------------------------------------------------------


def test_a_changed_picture_depends_on_seed_step_and_index_alone(tmp_path):
    data = Pictures(listed(tmp_path), size=12, augment=True, seed=5)
    Image.effect_noise((12, 12), 90).convert("RGB").save(tmp_path / "3.png")
    state = torch.get_rng_state()
    image, target, identity = data[2, 3]
    assert torch.equal(torch.get_rng_state(), state)
    assert (image.shape, image.dtype) == ((3, 12, 12), torch.float32)
    assert (target, identity) == (3, -1)
    assert 0 <= image.min() < image.max() <= 1
    torch.rand(7)
    assert torch.equal(data[2, 3][0], image)
    other_seed = Pictures(data.files, size=12, augment=True, seed=6)
    plain = Pictures(data.files, size=12)
    for other in (data[3, 3], data[3], other_seed[2, 3], plain[2, 3]):
        assert not torch.equal(other[0], image)
    assert torch.equal(plain[7, 3][0], data.files.load(12, progress=False).images[3])


def test_any_number_of_workers_sees_the_same_pictures(tmp_path):
    data = Pictures(listed(tmp_path), size=8, augment=True)
    batches = [[(step, i) for i in (step, 9 - step)] for step in range(4)]
    alone, two = (
        list(DataLoader(data, batch_sampler=batches, num_workers=n)) for n in (0, 2)
    )
    for (a, *labels), (b, *same) in zip(alone, two, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(labels[0], same[0])


def test_what_the_networks_take(tmp_path):
    files = listed(tmp_path, n=1)
    draw(tmp_path / "0.png", (255, 0, 51))
    vgg = Pictures(files, size=2, normalize=pictures.vggface_input)[0][0]
    torch.testing.assert_close(
        vgg[:, 0, 0], torch.tensor([51 - 93.5940, -104.7624, 255 - 129.1863])
    )
    image = Pictures(files, size=2, normalize=pictures.imagenet_input)[0][0]
    torch.testing.assert_close(
        image[:, 0, 0],
        torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]),
    )


def test_plain_batches_are_shuffled_epochs():
    steps = [plain_batches(23, 5, 0, step) for step in range(8)]
    for epoch in (steps[:4], steps[4:]):
        assert len(torch.cat(epoch).unique()) == 20  # none twice, the last 3 dropped
    assert not torch.equal(steps[0], steps[4])
    assert not torch.equal(steps[0], plain_batches(23, 5, 1, 0))
    steps[0].zero_()  # what the caller does to its batch changes no later one
    assert len(plain_batches(23, 5, 0, 0).unique()) == 5
    for size in (0, 24):
        with pytest.raises(ValueError, match=f"between 1 and 23, got {size}"):
            plain_batches(23, size, 0, 0)


def test_class_batches_show_the_expressions_in_turn():
    target = torch.tensor([0] * 50 + [1] * 20 + [2, 3, 4, 5] * 3 + [6] * 2)
    steps = [class_batches(target, 16, 0, step) for step in range(7)]
    shown = torch.cat(steps)  # 112 = 7 · 16
    assert torch.equal(target[shown], torch.arange(112) % 7)
    happy = shown[target[shown] == 1]  # 16 of 20
    assert len(happy.unique()) == 16
    angry = shown[target[shown] == 6].view(-1, 2)  # again and again both
    assert torch.equal(angry.sort(1).values, torch.tensor([[82, 83]] * 8))
    assert torch.equal(class_batches(target, 16, 0, 3), steps[3])
    assert not torch.equal(class_batches(target, 16, 1, 3), steps[3])


def test_class_batches_need_every_class():
    with pytest.raises(ValueError, match=r"no image of fear, anger: .*balanced=False"):
        class_batches(torch.tensor([0, 1, 2, 3, 5]), 4, 0, 0)
    with pytest.raises(ValueError, match=r"target label 7 .* run from 0 to 6"):
        class_batches(torch.arange(8), 4, 0, 0)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        class_batches(torch.arange(7), 0, 0, 0)


# --- the real folder -----------------------------------------------------------------


def real_faces():
    folder = data_folder()
    if folder is None or not (folder / "faces/faces.csv").is_file():
        pytest.skip("THIN_MINI_DATA names no folder with faces/faces.csv")
    return folder / "faces"


def test_the_real_faces():
    train, test = open_faces(real_faces())
    assert (len(train), len(test), len(train.people)) == (10_196, 1_763, 5_265)
    assert not set(train.identity.tolist()) & set(test.identity.tolist())
    with (train.root / "faces.csv").open() as file:
        rows = list(csv.DictReader(file))
    said = {row["path"]: (row["expression"], row["identity"]) for row in rows}
    for files in (train, test):
        who = [files.people[i] for i in files.identity.tolist()]
        found = dict(zip(files.paths, zip(names(files), who, strict=True), strict=True))
        assert found == {path: said[path] for path in files.paths}
    rest, valid = train.split(256)
    assert 256 <= len(valid) < 256 + 530
    assert not set(rest.identity.tolist()) & set(valid.identity.tolist())
    images = test.subset(slice(0, 200)).load(72, grey=True, progress=False).images
    assert 0.1 < images.mean() < 0.9


def test_the_real_pairs(caplog):
    caplog.set_level(logging.WARNING)
    pairs = face_pairs(real_faces() / "pairs.csv")
    assert (len(pairs), int(pairs.same.sum())) == (5_071, 2_597)
    assert not caplog.text
