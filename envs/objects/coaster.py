"""Coasters: round, square and six-sided ones of wood, cork and felt."""

from __future__ import annotations

from functools import cache

import numpy as np

from envs import meshes
from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import ObjectModel, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import from_solid, hull, scaled_uv

MASS = 0.01
"""Kilograms (RoboTwin 1.0)."""
OUTLINES = ("round", "square", "hexagonal", "octagonal")

_CORK = linear("#a9794a")
_WOOD = linear("#8a5a34")


@cache
def coaster(shape: int, appearance: int) -> ObjectModel:
    """A flat coaster of 10 g, 9 to 11 cm from side to side and 4 to 8 mm thick.

    Frame: z up, the origin in the middle of its bottom. Points: `top` and `bottom`. It is too wide
    for a gripper. Outlines take turns with the shape's number; only unseen ones are octagonal.
    """
    rng = shape_rng("coaster", shape)
    unseen = shape in UNSEEN
    outline = OUTLINES[shape % (4 if unseen else 3)]
    half = round(0.045 + 0.010 * (shape % 10 + 0.5) / 10, 5)
    thickness = round(float(rng.uniform(0.004, 0.008)), 5)
    bevel = round(float(rng.uniform(0.0005, 0.0015)), 5)
    corner, points = {
        "round": (half, 40),
        "square": (round(float(rng.uniform(0.004, 0.018)), 5), 24),
        "hexagonal": (half, 6),
        "octagonal": (half, 8),
    }[outline]
    discs = meshes.corners((-half, half), (-half, half), corner)
    solid = meshes.extrude(discs, 0.0, thickness, "z", bevel, points)
    edge = meshes.outline(discs, points)
    levels = [np.insert(edge, 2, z, axis=1) for z in (0.0, thickness)]
    name, part = _finished(appearance, solid)
    return ObjectModel(
        visuals=(part,),
        collisions=(hull(np.concatenate(levels)),),
        mass=MASS,
        points={"top": (0.0, 0.0, thickness), "bottom": (0.0, 0.0, 0.0)},
        name=f"coaster-{shape}-{appearance}",
        description=f"{outline} {name} coaster",
    )


def _finished(appearance: int, solid: meshes.Solid) -> tuple[str, VisualPart]:
    """Words for a coaster's looks, and the part."""
    rng = appearance_rng("coaster", appearance)
    name, color = paint("coaster", appearance)
    mesh = from_solid(solid)
    if appearance in UNSEEN:
        count = int(rng.integers(3, 5))
        texture = (
            textures.checks(color, linear("#efece2"), count),
            textures.stripes(color, linear("#efece2"), count),
            textures.dots(linear("#efece2"), color, count),
        )[appearance % 3]
        return f"patterned {name}", VisualPart(scaled_uv(mesh, 10, 10), texture=texture)
    kind = ("wooden", "cork", f"{name} felt", f"{name} slate")[appearance % 4]
    shade = float(rng.uniform(0.6, 1.3))
    texture = {
        0: textures.wood((_WOOD[0] * shade, _WOOD[1] * shade, _WOOD[2] * shade), rng),
        1: textures.speckled(_CORK, linear("#5f3d20"), rng, 0.10 + 0.1 * shade),
        2: textures.mottled(color, rng, 0.2),
        3: textures.speckled(color, linear("#d9d6cc"), rng, 0.04),
    }[appearance % 4]
    return kind, VisualPart(scaled_uv(mesh, 10, 10), roughness=0.85, texture=texture)
