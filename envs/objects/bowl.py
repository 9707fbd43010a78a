"""Bowls of stoneware, enamel and wood, with a foot ring."""

from __future__ import annotations

from functools import cache

import numpy as np
from trimesh import Trimesh

from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import ObjectModel, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import scaled_uv
from envs.objects.vessel import Vessel

MASS = 0.1
"""Kilograms; RoboTwin 1.0's container weighs 1 g."""
FOOT_HEIGHT = 0.004
_CUT = 0.6
"""Part of the height at which the bulging wall's collision is cut."""

_WHITE = linear("#efece2")
_WOOD = linear("#9a6437")


@cache
def bowl(shape: int, appearance: int) -> ObjectModel:
    """A bowl of 100 g, 12 to 15.5 cm wide and 4.5 to 7 cm high.

    Frame: z up; the origin is in the middle of what it stands on. Points: `top` and `bottom` on
    its axis, and `rim`; grasps: `rim_15`, `rim_45`, ... (see `Vessel`). Shapes differ in width,
    depth, foot and in how round or how conical the wall is.
    """
    rng = shape_rng("bowl", shape)
    unseen = shape in UNSEEN
    # Width and depth step evenly through their ranges, so that no two bowls are alike.
    order = shape_rng("bowl", UNSEEN.start if unseen else 0).permutation(10)
    rim = 0.060 + 0.0175 * (shape % 10 + 0.5) / 10
    depth = (order[shape % 10] + 0.5) / 10
    height = 0.045 + 0.025 * depth if unseen else 0.048 + 0.016 * depth
    foot = min(rim * rng.uniform(*((0.40, 0.62) if unseen else (0.45, 0.56))), 0.038)
    power = rng.uniform(*((1.7, 3.2) if unseen else (1.9, 2.5)))
    cone = rng.uniform(*((0.0, 0.55) if unseen else (0.1, 0.4)))
    s = np.linspace(0.0, 1.0, 14) ** 1.6  # closer together below, where the wall turns up
    curve = (1 - (1 - s) ** power) ** (1 / power)
    radii = foot + (rim - foot) * ((1 - cone) * curve + cone * s)
    heights = FOOT_HEIGHT + (height - FOOT_HEIGHT) * s
    profile = [
        (round(float(r), 5), round(float(z), 5)) for r, z in zip(radii, heights, strict=True)
    ]
    vessel = Vessel(profile, thickness=0.004, foot=profile[0][0], foot_height=FOOT_HEIGHT)
    words, visuals = _painted(appearance, *vessel.meshes())
    return ObjectModel(
        visuals=visuals,
        collisions=vessel.collisions([(round(_CUT * height, 5), 8)]),
        mass=MASS,
        points=vessel.points(),
        grasps=vessel.grasps(),
        angular_damping=0.5,
        name=f"bowl-{shape}-{appearance}",
        description=f"{words} bowl",
    )


def _painted(
    appearance: int, outer: Trimesh, inner: Trimesh
) -> tuple[str, tuple[VisualPart, VisualPart]]:
    """Words for a bowl's looks, and the parts that are its outside and its inside."""
    rng = appearance_rng("bowl", appearance)
    name, main = paint("bowl", appearance)
    accent = paint("bowl", appearance, 1)[1]
    if appearance in UNSEEN:
        count = int(rng.integers(8, 13))
        texture = (
            textures.stripes(main, _WHITE, count),
            textures.dots(_WHITE, main, 4),
            textures.bands(
                [(0.55, main), (0.68, _WHITE), (0.82, main), (0.92, _WHITE), (1.0, main)]
            ),
        )[appearance % 3]
        pattern = ("striped", "dotted", "ringed")[appearance % 3]
        mesh = scaled_uv(outer, 4, 1) if pattern == "dotted" else outer
        outside = VisualPart(mesh, roughness=0.35, texture=texture)
        return f"{pattern} {name}", (outside, VisualPart(inner, main, 0.35))
    kind = ("glazed", "stoneware", "wooden")[appearance % 3]
    if kind == "wooden":
        shade = float(rng.uniform(0.5, 1.3))
        grain = textures.wood((_WOOD[0] * shade, _WOOD[1] * shade, _WOOD[2] * shade), rng)
        outside = VisualPart(scaled_uv(outer, 2, 1), roughness=0.7, texture=grain)
        return "wooden", (outside, VisualPart(scaled_uv(inner, 2, 1), roughness=0.7, texture=grain))
    if kind == "stoneware":
        specks = textures.speckled(main, accent, rng, 0.05)
        outside = VisualPart(scaled_uv(outer, 3, 1), roughness=0.6, texture=specks)
        return f"speckled {name}", (outside, VisualPart(inner, _WHITE, 0.5))
    ring = textures.bands([(0.9, main), (0.97, accent), (1.0, main)])
    inside = VisualPart(inner, _WHITE if rng.random() < 0.5 else main, 0.2)
    return f"glazed {name}", (VisualPart(outer, roughness=0.2, texture=ring), inside)
