from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import SCENES, scene, things_of

from augment.clip import Clip
from augment.dream_transfer.color_words import named
from augment.dream_transfer.light_words import LightWords
from augment.dream_transfer.prompt_claims import claims
from augment.dream_transfer.prompts import write
from augment.dream_transfer.scene_words import SceneWords, scene_words
from augment.dream_transfer.surface_words import SurfaceWords
from augment.video_metrics.attributes import Claim, holds
from envs.demonstrations import recording

USUAL = LightWords("normal", "neutral", "none", "front")
ROBOT = (70, 71, 72)
TEAL, WHITE = named("teal"), named("white")


def made(*descriptions, said=None, source=USUAL, **parts):
    """Claims of all that is known about things, and of other parts."""
    words = replace(scene(*descriptions), **{"table": None, "wall": None, "light": said, **parts})
    return claims(words, things_of(*descriptions), replace(words, light=source))


@pytest.mark.parametrize(
    ("description", "color"),
    [
        ("teal soda bottle", "turquoise"),
        ("burgundy loafer", "dark red"),
        ("white plate with teal rim", "white"),
        ("red mottled block", "red"),
        ("sage soda bottle", None),
        ("teal enamel cup", None),
        ("red apple", None),
        ("mallet with teal handle", None),
        ("teal and white sneaker", None),
        ("wooden bowl", None),
    ],
)
def test_colors_are_claimed_of_what_has_them(description, color):
    assert made(description) == (() if color is None else (Claim((20,), "color", color, ROBOT),))


@pytest.mark.parametrize(
    ("words", "color"),
    [
        (SurfaceWords("plain", (TEAL,)), "turquoise"),
        (SurfaceWords("dotted", (TEAL, WHITE)), "turquoise"),
        (SurfaceWords("striped", (TEAL,)), "turquoise"),
        (SurfaceWords("striped", (TEAL, WHITE)), None),
        (SurfaceWords("plain", (named("silver"),)), None),
        (SurfaceWords("wooden", ()), None),
    ],
)
def test_surfaces_are_claimed(words, color):
    expected = [] if color is None else [color]
    (*table, pattern), wall = made("wooden bowl", table=words), made("wooden bowl", wall=words)
    assert table == [Claim((2,), "color", name, ROBOT) for name in expected]
    said = "plain" if words.pattern == "plain" else "patterned"
    assert pattern == Claim((2,), "pattern", said, ROBOT)
    assert wall == tuple(Claim((3, 4, 5, 6), "color", name, ROBOT) for name in expected)


def test_light_is_judged_by_the_robot():
    said = LightWords("dim", "warm", "none", "left")
    assert made("wooden bowl", said=said) == (
        Claim(ROBOT, "brightness", "dim"),
        Claim(ROBOT, "temperature", "warm"),
    )
    only = LightWords(None, "neutral", None, None)
    assert made("wooden bowl", said=only) == (Claim(ROBOT, "temperature", "neutral"),)
    assert made("wooden bowl") == ()


@pytest.mark.parametrize(
    ("said", "source", "expected"),
    [
        ("dim", "normal", "dim"),
        ("normal", "normal", "normal"),
        ("normal", "dim", "bright"),
        ("bright", "dim", "bright"),
        ("dim", "bright", "dim"),
        ("dim", "dim", None),
        ("bright", "bright", None),
    ],
)
def test_light_is_claimed_as_a_change(said, source, expected):
    found = made(
        "wooden bowl",
        said=LightWords(said, None, None, None),
        source=replace(USUAL, brightness=source),
    )
    assert found == (() if expected is None else (Claim(ROBOT, "brightness", expected),))


@settings(max_examples=150, deadline=None)
@given(SCENES, st.integers(0, 2**32 - 1))
def test_a_prompt_claims_some_of_what_is_true(words, seed):
    ids = {thing.name: {"ids": [number]} for number, thing in enumerate(words.things, 20)}
    things = {**things_of(), **ids}
    source = SceneWords(words.things, None, None, USUAL)
    said = claims(write(words, np.random.default_rng(seed)).said, things, source)
    assert set(said) <= set(claims(words, things, source))


def pictures(env, variations):
    _, info = env.reset(seed=3, options={"variations": variations})
    seen = env.pictures.values()
    parts = {
        name: np.stack([getattr(picture, name) for picture in seen])[None]
        for name in ("rgb", "depth", "segmentation", "intrinsic_cv", "extrinsic_cv")
    }
    return Clip(**parts), {**info, "things": recording.things_of(env)}


def test_the_simulators_own_clips_bear_claims_out():
    env = recording.RecordedEnv(
        "dual_bottles_pick_easy",
        obs_mode="rgbd",
        cameras=("head_camera", "left_camera"),
        resolution=(96, 72),
    )
    source, source_info = pictures(env, {})
    look = {
        "object_appearance": {"numbers": (27, 44)},
        "table_texture": {"size": (1.0, 1.0), "textures": "seen"},
        "wall_texture": {"size": (1.0, 1.0), "textures": "seen"},
        "light_intensity": {"size": (0.8, 0.8), "sign": "-"},
    }
    clip, info = pictures(env, look)
    env.close()
    words, before = scene_words(info), scene_words(source_info)
    said = claims(words, info["things"], before)
    assert {claim.kind for claim in said} == {"color", "pattern", "brightness", "temperature"}
    assert sum(claim.kind == "color" for claim in said) >= 2
    assert all(holds(clip, claim, source) is not False for claim in said)
    wrong = replace(words, light=replace(words.light, brightness="bright"))
    found = claims(wrong, info["things"], before)
    assert [holds(clip, c, source) for c in found if c.kind == "brightness"] == [False]
