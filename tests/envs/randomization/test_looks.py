"""Surfaces, appearances and lights: that they are seen, as much as they say."""

import numpy as np
import pytest

from envs.dual_arm_env import DualArmEnv
from envs.randomization import draw, parse
from envs.randomization.surfaces import SPLITS, surface_look
from envs.scene_settings import Lighting, SceneSettings

TASK = "block_hammer_beat"


def lighting(specification, seed=0):
    settings, log = draw(parse(specification), seed, SceneSettings())
    return settings.lighting, log


def on_the_table(light):
    """What reaches a white, level place without shadow: diffuse light is divided by pi."""
    direction = np.array(light.sun_direction)
    cosine = -direction[2] / np.linalg.norm(direction)
    return np.array(light.ambient) + cosine / np.pi * np.array(light.sun_color)


def test_seen_and_unseen_textures_are_disjoint():
    assert not set(SPLITS["seen"]) & set(SPLITS["unseen"])
    for split, numbers in SPLITS.items():
        for kind in ("table_texture", "wall_texture"):
            variation = parse({kind: {"level": 3, "textures": split}})
            drawn = [draw(variation, s, SceneSettings())[1][kind]["texture"] for s in range(150)]
            assert set(drawn) <= set(numbers)
            assert len(set(drawn)) > 60
    unseen = [draw(parse({"table_texture": 3}), s, SceneSettings())[1] for s in range(50)]
    assert {value["table_texture"]["texture"] in SPLITS["unseen"] for value in unseen} == {True}


@pytest.mark.parametrize("kind", ["table", "wall"])
def test_every_texture_is_another_and_always_the_same(kind):
    textures = [surface_look(kind, number).texture for number in range(200)]
    assert len({texture.tobytes() for texture in textures}) == 200
    for texture in textures:
        assert texture.dtype == np.uint8
        assert texture.shape[2] == 3
        assert 5 < texture.mean() < 245
    again = surface_look.__wrapped__(kind, 150).texture
    assert np.array_equal(again, textures[150])


@pytest.mark.parametrize("number", [-1, 200])
def test_there_are_no_other_textures(number):
    with pytest.raises(ValueError, match=r"not in 0 \.\. 199"):
        surface_look("table", number)


def test_table_and_wall_have_textures_of_their_own():
    tables, walls = (
        {surface_look(kind, n).texture.tobytes() for n in range(200)} for kind in ("table", "wall")
    )
    assert not tables & walls


@pytest.fixture(scope="module")
def env(renderer):
    env = DualArmEnv(TASK, obs_mode="rgbd", cameras=("front_camera",), resolution=(160, 120))
    yield env
    env.close()


def picture(env, variations, seed=0):
    observation, info = env.reset(seed=seed, options={"variations": variations})
    return observation["cameras"]["front_camera"]["rgb"].astype(int), info


def areas(env):
    """Where the table, the wall and the block are in the picture."""
    env.reset(seed=0)
    labels = env.simulation.take_pictures(["front_camera"])["front_camera"].segmentation
    things = env.simulation.things
    return {name: labels == things[name].per_scene_id for name in ("table", "wall", "block")}


@pytest.mark.parametrize("surface", ["table", "wall"])
def test_a_surface_changes_with_its_level_and_the_others_stay(env, surface):
    plain, _ = picture(env, {})
    parts = areas(env)
    changes = []
    for level in range(6):
        changed, _ = picture(env, {f"{surface}_texture": level}, seed=0)
        difference = np.abs(changed - plain)
        changes.append(difference[parts[surface]].mean())
        others = [mask for name, mask in parts.items() if name != surface]
        assert all(difference[mask].mean() < 1.0 for mask in others)
    assert changes[0] == 0
    assert np.all(np.diff(changes) > 0)
    assert changes[5] > 5 * changes[1] / 2


def test_an_object_appearance_changes_the_object_alone(env):
    plain, _ = picture(env, {})
    parts = areas(env)
    changed, info = picture(env, {"object_appearance": 5})
    assert all(int(name.split("-")[2]) >= 10 for name in info["instances"].values())
    difference = np.abs(changed - plain).max(axis=2)
    assert difference[parts["block"]].mean() > 2
    assert difference[parts["wall"]].max() == 0


def test_light_goes_around_the_vertical():
    before = np.array(Lighting().sun_direction)
    for sign in "+-":
        light, log = lighting({"light_direction": {"level": 3, "sign": sign}})
        after = np.array(light.sun_direction)
        assert after[2] == before[2]
        assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before))
        angle = np.rad2deg(np.arctan2(*after[1::-1]) - np.arctan2(*before[1::-1]))
        assert angle == pytest.approx(log["light_direction"])


def test_colors_keep_the_strength_of_every_light():
    for seed in range(10):
        light, _ = lighting({"light_color": 5}, seed)
        for color, ever in zip(
            (light.sun_color, *light.lamp_colors),
            (Lighting().sun_color, *Lighting().lamp_colors),
            strict=True,
        ):
            assert np.mean(color) == pytest.approx(np.mean(ever), rel=1e-4)
            assert np.std(color) > 0.01
            assert min(color) >= 0


def test_intensity_is_in_stops():
    for sign, factor in (("+", 2.0), ("-", 0.5)):
        light, _ = lighting({"light_intensity": {"size": [1, 1], "sign": sign}})
        assert np.allclose(light.ambient, factor * np.array(Lighting().ambient))
        assert np.allclose(light.sun_color, factor * np.array(Lighting().sun_color))
        assert np.allclose(light.lamp_colors, factor * np.array(Lighting().lamp_colors))


@pytest.mark.parametrize("direction", [0, 3])
def test_shadows_change_and_what_is_lit_does_not(direction):
    """Also with the sun elsewhere, and at another strength."""
    others = {"light_direction": direction, "light_intensity": direction}
    before, _ = lighting(others)
    for level in range(6):
        for sign in "+-":
            light, _ = lighting({**others, "light_shadow": {"level": level, "sign": sign}})
            assert np.allclose(on_the_table(light), on_the_table(before))
            in_shadow = np.array(light.ambient) / np.array(before.ambient)
            if level:
                assert (in_shadow < 1).all() if sign == "+" else (in_shadow > 1).all()


@pytest.mark.parametrize("sign", ["+", "-"])
def test_shadows_are_darker_and_fainter_in_pictures(renderer, sign):
    env = DualArmEnv(TASK, obs_mode="rgb", cameras=("head_camera",), resolution=(160, 120))
    spread = []
    for level in (0, 2, 4):
        options = {"light_shadow": {"level": level, "sign": sign}}
        observation, _ = env.reset(seed=0, options={"variations": options})
        grey = observation["cameras"]["head_camera"]["rgb"].astype(int).mean(axis=2)
        labels = env.simulation.take_pictures(["head_camera"])["head_camera"].segmentation
        table = grey[labels == env.simulation.things["table"].per_scene_id]
        spread.append(np.median(table) - np.quantile(table, 0.03))
        assert np.median(table) == pytest.approx(165, abs=40)
    assert np.all(np.diff(spread) > 0) if sign == "+" else np.all(np.diff(spread) < 0)


@pytest.mark.parametrize("sign", ["+", "-"])
def test_intensity_shows_in_pictures(env, sign):
    means = [
        picture(env, {"light_intensity": {"level": n, "sign": sign}})[0].mean() for n in range(6)
    ]
    assert means == sorted(means, reverse=sign == "-")
    assert 20 < min(means) < max(means) < 254
