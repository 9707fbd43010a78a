"""Words for the light: how bright it is, how warm, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augment.video_metrics.attributes import LIGHTS, STOPS
from augment.video_metrics.lab import LUMINANCE
from envs.scene_settings import Lighting

SIDES = ("left", "front", "right")
"""Where light comes from, as the head camera sees it; from the front is from the camera's side."""
TINTS = ("violet", "none", "green")
ASIDE = 25.0
"""Degrees of the sun's turn around the table from which on it comes from a side."""
TINT = 0.25
"""Change of red against blue on a white table, as the logarithm to base 2, that makes light warm or
cool: about daylight against a cloudy morning. The robot, by which `attributes` judges, shows about
0.65 of it."""
LAMP_PART = 0.05
"""Part of a lamp's color that comes back from the middle of the table, if that is white: it hangs 1
m beside it and 1.06 m above."""


@dataclass(frozen=True)
class LightWords:
    """The light in words; None where it is not said.

    Attributes:
        brightness: `dim`, `normal` or `bright`.
        temperature: `cool`, `neutral` or `warm`.
        tint: `green`, `violet` or `none`, across the temperature.
        side: One of `SIDES`.
    """

    brightness: str | None
    temperature: str | None
    tint: str | None
    side: str | None


def light_words(lighting: Lighting) -> LightWords:
    """Words for the light on the table, compared with that of the scene of training."""
    now, usual = _on_table(lighting), _on_table(Lighting())
    red, green, blue = np.log2(now / usual)
    brightness = np.log2(now @ LUMINANCE / (usual @ LUMINANCE))
    return LightWords(
        brightness=LIGHTS["brightness"][_level(brightness, STOPS)],
        temperature=LIGHTS["temperature"][_level(red - blue, TINT)],
        tint=TINTS[_level(green - (red + blue) / 2, TINT)],
        side=side(lighting),
    )


def side(lighting: Lighting) -> str:
    """Where the sun is, as the head camera sees it, which looks along +y with +x to its right."""
    x, y, _ = lighting.sun_direction
    right = np.degrees(np.arctan2(-x, y))  # the light goes away from where it comes from
    return SIDES[_level(right, ASIDE)]


def _level(amount: float, limit: float) -> int:
    """0, 1 or 2: below, within or above the limits."""
    return 1 + int(amount >= limit) - int(amount <= -limit)


def _on_table(lighting: Lighting) -> NDArray[np.float64]:
    """Linear RGB that comes back from something white on the table, without shadows."""
    direction = np.array(lighting.sun_direction)
    # Diffuse light is divided by pi (`envs/shaders/composite0.frag`).
    sun = -direction[2] / np.linalg.norm(direction) / np.pi * np.array(lighting.sun_color)
    lamps = LAMP_PART * np.sum(lighting.lamp_colors, axis=0)
    total: NDArray[np.float64] = np.array(lighting.ambient) + sun + lamps
    return total
