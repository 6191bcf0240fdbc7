"""The face that moves: its pictures are the library's, and its task has an answer."""

import json
import random

import pytest
import torch
from moving import SCRIPTS, browser, compute, each_engine, numbers_script, played
from test_live_numbers import pressed, slid

import thin_mini as tm
from thin_mini.data.factors import ACTIONS, NAMES, NUISANCES, TRAITS

FACES, SIZE = 12, 64
ABSENT = {"occlusion", "noise", "noise_seed", "occlusion_x", "occlusion_y"}


@pytest.fixture(scope="module")
def faces():
    """Factors by name of random faces: the first at rest, the last at their ends."""
    random_ = random.Random(0)
    found = []
    for i in range(FACES):
        draw = random_.random if i < FACES - 2 else lambda: random_.choice([0.0, 1.0])
        own = {name: round(draw(), 3) for name in NAMES}
        if i == 0:
            own |= dict.fromkeys(ACTIONS, 0.0) | dict.fromkeys(NUISANCES, 0.5)
        found.append(own | dict.fromkeys(ABSENT, 0.0))
    return found


@each_engine
def test_the_page_draws_what_the_library_does(engine, tmp_path, faces):
    parts = (
        torch.tensor([[face[name] for name in names] for face in faces])
        for names in (TRAITS, ACTIONS, NUISANCES)
    )
    images = tm.data.render_faces(*parts, size=SIZE).permute(0, 2, 3, 1).flatten(1)
    given = tmp_path / "given.js"
    given.write_text(f"const FACES = {json.dumps(faces)};")
    files = [SCRIPTS / "face.js", numbers_script(tmp_path, "faces"), given]
    asked = (
        "FACES.map((f) => Array.from(thinMini.face.render(f,"
        f"thinMini.data.faces.rows.stops, {SIZE}), (v) => Math.round(1e5 * v) / 1e5))"
    )
    off = (torch.tensor(compute(engine, tmp_path, files, asked)) - images).abs()
    # In shares of full brightness; a grey value of a screen is 0.004.
    assert off.max() < 1e-4
    assert images.std() > 0.1


@browser
def test_a_neutral_face_gets_the_mouth_of_a_smile_and_is_told(tmp_path):
    numbers_script(tmp_path, "faces")
    first, raised, happy, answer, turned, dom = played(
        *(tmp_path, "faces", slid("resting mouth", 0.94), pressed("happiness")),
        *(pressed("Show an answer"), slid("yaw", 0.9)),
    )
    assert first.startswith(
        "Your face is neutral. The corners of your mouth are raised"
    )
    assert "by −0.01, the other's by +0.11. Its mouth at rest" in first
    assert raised.startswith("Done.")
    assert happy.startswith("Your face shows happiness.")
    assert "take it back to neutral" in happy
    assert answer.startswith("Done.")
    assert "+0.11, the other's by +0.11" in answer
    assert turned.startswith("Done.")
    assert dom.count("<canvas") == 2
    assert dom.count('type="range"') == len(NAMES) - len(ABSENT)
