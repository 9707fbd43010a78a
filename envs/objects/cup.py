"""Cups without a handle: tumblers of plastic, enamel and stoneware."""

from __future__ import annotations

from functools import cache

import numpy as np
from trimesh import Trimesh

from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import Color, ObjectModel, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import scaled_uv
from envs.objects.vessel import Vessel

MASS = 0.05
"""Kilograms; RoboTwin 1.0's cup weighs 10 g."""
KINDS = ("plastic", "enamel", "stoneware")

_WHITE = linear("#efece2")
_DARK = linear("#26323f")


@cache
def cup(shape: int, appearance: int) -> ObjectModel:
    """A cup of 50 g, 8 to 11 cm high, 3.6 to 4.8 cm in radius at the rim.

    Frame: it stands along z; the origin is in the middle of its bottom. Points: `top` and `bottom`
    on its axis, and `rim`; grasps: `rim_15`, `rim_45`, ... (see `Vessel`). Shapes differ in height,
    width, taper and how round the wall is at the bottom.
    """
    rng = shape_rng("cup", shape)
    unseen = shape in UNSEEN
    # The first two measures step evenly through their range, so that no two cups are alike.
    order = shape_rng("cup", UNSEEN.start if unseen else 0).permutation(10)
    step = (shape % 10 + 0.5) / 10
    rim = 0.036 + 0.012 * step
    height = 0.080 + 0.030 * (order[shape % 10] + 0.5) / 10
    foot = rim * rng.uniform(*((0.58, 0.98) if unseen else (0.68, 0.92)))
    bulge = rng.uniform(*((0.45, 1.0) if unseen else (0.55, 1.0)))
    corner = rng.uniform(0.002, 0.012)
    s = np.linspace(0.0, 1.0, 9)
    radii = foot + (rim - foot) * s**bulge
    heights = corner + (height - corner) * s
    arc = np.linspace(0.0, np.pi / 2, 5)[:-1]
    outside = [
        *zip(radii[0] - 0.8 * corner * (1 - np.sin(arc)), corner * (1 - np.cos(arc)), strict=True),
        *zip(radii, heights, strict=True),
    ]
    profile = [(round(float(r), 5), round(float(z), 5)) for r, z in outside]
    vessel = Vessel(profile, thickness=0.003, foot=profile[0][0])
    words, visuals = _painted(appearance, *vessel.meshes())
    return ObjectModel(
        visuals=visuals,
        collisions=vessel.collisions(),
        mass=MASS,
        points=vessel.points(),
        grasps=vessel.grasps(),
        angular_damping=1.0,  # lying on its side it would roll for ever
        name=f"cup-{shape}-{appearance}",
        description=f"{words} cup",
    )


def _painted(
    appearance: int, outer: Trimesh, inner: Trimesh
) -> tuple[str, tuple[VisualPart, VisualPart]]:
    """Words for a cup's looks, and the parts that are its outside and its inside."""
    rng = appearance_rng("cup", appearance)
    name, main = paint("cup", appearance)
    accent = paint("cup", appearance, 1)[1]
    deep: Color = (0.7 * main[0], 0.7 * main[1], 0.7 * main[2])
    # A cup is about three times as far round as it is high.
    around = scaled_uv(outer, 3, 1)
    if appearance in UNSEEN:
        count = int(rng.integers(3, 5))
        pattern, texture = (
            ("striped", textures.stripes(main, _WHITE, count)),
            ("dotted", textures.dots(main, _WHITE, count)),
            ("chequered", textures.checks(main, _WHITE, count)),
        )[appearance % 3]
        outside = VisualPart(around, roughness=0.35, texture=texture)
        return f"{pattern} {name}", (outside, VisualPart(inner, _WHITE, 0.35))
    kind = KINDS[appearance % len(KINDS)]
    if kind == "enamel":  # a dark edge, as where enamel is thin
        edged = textures.bands([(0.93, main), (1.0, _DARK)])
        outside, inside = VisualPart(outer, roughness=0.2, texture=edged), _WHITE
    elif kind == "stoneware":
        specks = textures.speckled(main, deep, rng, 0.12)
        outside, inside = VisualPart(around, roughness=0.6, texture=specks), linear("#d9d2c0")
    else:
        low = round(float(rng.uniform(0.5, 0.7)), 2)
        ring = textures.bands([(low, main), (low + 0.14, accent), (1.0, main)])
        outside, inside = VisualPart(outer, roughness=0.4, texture=ring), deep
    return f"{name} {kind}", (outside, VisualPart(inner, inside, outside.roughness))
