"""Flat plates with a raised rim."""

from __future__ import annotations

from functools import cache

import numpy as np

from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import CollisionCylinder, Color, ObjectModel, Texture, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import lathe, wall_hulls

MASS = 0.3
"""Kilograms."""
HEIGHT = 0.026
"""Metres (RoboTwin 1.0)."""

_FLOOR, _THICKNESS = 0.006, 0.004
_WHITE = linear("#efece2")


@cache
def plate(shape: int, appearance: int) -> ObjectModel:
    """A plate of 300 g, 18 to 21 cm in diameter and 2.6 cm high; RoboTwin 1.0's is 19.9 cm wide.

    Frame: z up; the origin is in the middle of its bottom. Points: `top`, in the middle of its
    flat floor, where things stand, and `bottom`. Shapes differ in diameter, in how wide the flat
    floor is and in how the rim rises.
    """
    rng = shape_rng("plate", shape)
    unseen = shape in UNSEEN
    radius = round(0.090 + 0.015 * (shape % 10 + 0.5) / 10, 5)
    flat = round(radius * float(rng.uniform(*((0.58, 0.80) if unseen else (0.62, 0.74)))), 5)
    power = float(rng.uniform(*((0.7, 1.9) if unseen else (0.9, 1.5))))
    foot = flat - 0.004
    s = np.linspace(0.0, 1.0, 8)
    outside = [
        (round(float(r), 5), round(float(z), 5))
        for r, z in zip(
            foot + (radius - foot) * s, (HEIGHT - _THICKNESS / 2) * s**power, strict=True
        )
    ]
    inside = [
        (round(float(r), 5), round(float(z), 5))
        for r, z in zip(
            flat + (radius - 0.003 - flat) * s, _FLOOR + (HEIGHT - _FLOOR) * s**power, strict=True
        )
    ]
    name, color, texture = _finish(appearance)
    roughness = round(float(appearance_rng("plate", appearance).uniform(0.15, 0.5)), 2)
    below = lathe([(0.0, 0.0), *outside, (radius, HEIGHT - 0.0008), inside[-1]], 48)
    above = lathe([*inside[::-1], (0.0, _FLOOR)], 48)
    floor = CollisionCylinder(foot, _FLOOR / 2, (0.0, 0.0, _FLOOR / 2))
    middle = len(s) // 2
    rim = [
        piece
        for part in (slice(None, middle + 1), slice(middle, None))
        for piece in wall_hulls(inside[part], outside[part], 12)
    ]
    return ObjectModel(
        visuals=(
            VisualPart(below, color, roughness),
            VisualPart(above, color, roughness, texture=texture),
        ),
        collisions=(floor, *rim),
        mass=MASS,
        points={"top": (0.0, 0.0, _FLOOR), "bottom": (0.0, 0.0, 0.0)},
        name=f"plate-{shape}-{appearance}",
        description=name,
    )


def _finish(appearance: int) -> tuple[str, Color, Texture]:
    """A noun phrase, the color below, and the texture above, v going from the rim inwards."""
    rng = appearance_rng("plate", appearance)
    name, main = paint("plate", appearance)
    ground = main if main == linear("#e6e3da") else _WHITE
    width = round(float(rng.uniform(0.08, 0.2)), 2)
    if appearance in UNSEEN:
        count = int(rng.integers(9, 15))
        rings = [
            (0.12, main),
            (0.2, _WHITE),
            (0.28, main),
            (0.36, _WHITE),
            (0.44, main),
            (1.0, _WHITE),
        ]
        patterns = (
            ("ringed", textures.bands(rings)),
            ("sunburst", textures.stripes(main, _WHITE, count)),
            ("chequered", textures.checks(main, _WHITE, 6)),
        )
        word, texture = patterns[appearance % 3]
        return f"{word} {name} plate", _WHITE, texture
    kind = appearance % 3
    if kind == 0:
        return (
            "white plate" if main == ground else f"white plate with {name} rim",
            ground,
            textures.bands([(width, main), (1.0, ground)]),
        )
    if kind == 1:
        line = paint("plate", appearance, 1)[1]
        return f"{name} plate", main, textures.bands([(0.05, line), (1.0, main)])
    rings = [(0.04, main), (0.04 + width, ground), (0.08 + width, main), (1.0, ground)]
    return f"white plate with {name} rings", ground, textures.bands(rings)
