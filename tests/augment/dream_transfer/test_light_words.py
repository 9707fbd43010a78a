import dataclasses

import numpy as np
import pytest

from augment.dream_transfer.light_words import LightWords, light_words, side
from envs.cameras import CAMERA_MOUNTS, extrinsic_cv
from envs.randomization.lighting import LightColor, LightDirection, LightIntensity
from envs.scene_settings import Lighting


def turned(degrees):
    return LightDirection.at_level(0).lit(Lighting(), degrees)


def colored(*factors):
    return LightColor.at_level(0).lit(Lighting(), [list(factors)] * 3)


def test_usual_light_is_normal():
    assert light_words(Lighting()) == LightWords("normal", "neutral", "none", "front")


@pytest.mark.parametrize(
    ("stops", "name"),
    [(-1.2, "dim"), (-0.5, "dim"), (-0.3, "normal"), (0.3, "normal"), (0.5, "bright")],
)
def test_brightness_is_in_stops(stops, name):
    lighting = LightIntensity.at_level(0).lit(Lighting(), stops)
    assert light_words(lighting) == LightWords(name, "neutral", "none", "front")


@pytest.mark.parametrize(
    ("factors", "temperature", "tint"),
    [
        ((1.3, 1.0, 0.7), "warm", "none"),
        ((0.7, 1.0, 1.3), "cool", "none"),
        ((1.05, 1.0, 0.95), "neutral", "none"),
        ((0.7, 1.6, 0.7), "neutral", "green"),
        ((1.4, 0.2, 1.4), "neutral", "violet"),
    ],
)
def test_colors_of_light(factors, temperature, tint):
    words = light_words(colored(*factors))
    assert (words.temperature, words.tint) == (temperature, tint)


def test_a_lamp_counts_less_than_the_sun():
    red = [[1.5, 0.75, 0.75], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert light_words(LightColor.at_level(0).lit(Lighting(), red)).temperature == "warm"
    lamp = LightColor.at_level(0).lit(Lighting(), [red[1], red[0], red[1]])
    assert light_words(lamp).temperature == "neutral"


@pytest.mark.parametrize("degrees", [-80, -45, -30, -15, 0, 15, 30, 45, 80])
def test_the_side_is_that_of_the_head_cameras_picture(degrees):
    lighting = turned(degrees)
    to_camera = extrinsic_cv(CAMERA_MOUNTS["head_camera"].pose)[:3, :3]
    x, _, _ = to_camera @ -np.array(lighting.sun_direction)  # right in the picture is positive
    expected = "front" if abs(degrees) < 25 else "right" if x > 0 else "left"
    assert side(lighting) == expected
    assert light_words(lighting) == LightWords("normal", "neutral", "none", expected)


def test_the_sun_decides_where_light_comes_from():
    lighting = dataclasses.replace(turned(60), lamp_colors=((5.0, 5.0, 5.0), (0.0, 0.0, 0.0)))
    assert side(lighting) == side(turned(60)) == "right"
