"""Blocks: cubes, the handover bar, and pads. Their main color is what an instruction names."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from trimesh import Trimesh

from envs import meshes
from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import CollisionBox, Color, Grasp, ObjectModel, Vector, VisualPart
from envs.objects.shapes import from_solid, scaled_uv

COLORS: dict[str, Color] = {
    "red": (0.72, 0.05, 0.04),
    "green": (0.05, 0.40, 0.08),
    "blue": (0.05, 0.13, 0.62),
    "black": (0.03, 0.03, 0.03),
}
WHITE: Color = (0.75, 0.74, 0.70)
CUBE_HALF_SIZE = 0.025


@cache
def block(shape: int, appearance: int, color: str = "red") -> ObjectModel:
    """A cube around its origin, 10 g.

    Shape 0 has RoboTwin 1.0's 5 cm edges; the others have edges of 48 to 52 mm, and edges and
    corners that are more or less rounded. Points: `top` and `bottom`; grasps: `x` and `y`, which
    close along that axis.
    """
    rng = shape_rng("block", shape)
    half = CUBE_HALF_SIZE if shape == 0 else round(float(rng.uniform(0.024, 0.026)), 6)
    bevel = round(float(rng.uniform(0.001, 0.006)), 5)
    return _box((half,) * 3, bevel, 0.01, "block", shape, appearance, color)


@cache
def bar(shape: int, appearance: int, color: str = "red") -> ObjectModel:
    """The upright bar of the handover, 100 g: 6 x 6 x 20 cm (RoboTwin 1.0) in shape 0.

    The others are 5 to 6.4 cm wide and 19 to 21 cm high. Points and grasps as a `block` has them.
    """
    rng = shape_rng("bar", shape)
    width, depth = (round(float(v), 5) for v in rng.uniform(0.025, 0.032, 2))
    height = round(float(rng.uniform(0.095, 0.105)), 5)
    bevel = round(float(rng.uniform(0.001, 0.006)), 5)
    half = (0.03, 0.03, 0.1) if shape == 0 else (width, depth, height)
    return _box(half, bevel, 0.1, "bar", shape, appearance, color)


@cache
def pad(shape: int, appearance: int, color: str = "blue") -> ObjectModel:
    """The pad on which the bar ends: 10 x 10 x 1 cm (RoboTwin 1.0) in shape 0.

    The others are 9 to 11 cm wide and long. Points as a `block` has them; a gripper
    cannot span it.
    """
    width, length = (round(float(v), 5) for v in shape_rng("pad", shape).uniform(0.045, 0.055, 2))
    half = (0.05, 0.05, 0.005) if shape == 0 else (width, length, 0.005)
    return replace(_box(half, 0.001, 0.1, "pad", shape, appearance, color), grasps={})


def _box(
    half: Vector,
    bevel: float,
    mass: float,
    family: str,
    shape: int,
    appearance: int,
    color: str,
) -> ObjectModel:
    x, y, z = half
    mesh = from_solid(meshes.block((-x, x), (-y, y), (-z, z), bevel))
    part, finish = _finished(mesh, appearance, COLORS[color])
    return ObjectModel(
        visuals=(part,),
        collisions=(CollisionBox(half),),
        mass=mass,
        points={"top": (0.0, 0.0, z), "bottom": (0.0, 0.0, -z)},
        grasps={
            "x": Grasp((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
            "y": Grasp((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        },
        name=f"{family}-{shape}-{appearance}",
        description=f"{color} {finish} {family}",
    )


def _finished(mesh: Trimesh, appearance: int, color: Color) -> tuple[VisualPart, str]:
    """The mesh in one of the appearances of a color, and the word for it."""
    rng = appearance_rng("block", appearance)
    shade = np.clip(np.array(color) * rng.uniform(0.8, 1.2), 0.0, 1.0)
    main: Color = (float(shade[0]), float(shade[1]), float(shade[2]))
    roughness = round(float(rng.uniform(0.35, 0.9)), 2)
    tiles = 1 / 0.05  # one picture for 5 cm
    if appearance in UNSEEN:
        count = int(rng.integers(3, 6))
        kind, texture = (
            ("striped", textures.stripes(main, WHITE, count)),
            ("chequered", textures.checks(main, WHITE, count)),
            ("dotted", textures.dots(main, WHITE, count)),
        )[appearance % 3]
        # Little of the white, so that it is still a block of its color.
        mixed = 0.6 * textures.encoded(shade[None, None]) + 0.4 * texture
        texture = np.round(mixed).astype(np.uint8)
        return VisualPart(scaled_uv(mesh, tiles, tiles), roughness=roughness, texture=texture), kind
    kind = ("plain", "wooden", "mottled")[appearance % 3]
    if kind == "plain":
        return VisualPart(mesh, main, roughness), kind
    texture = textures.wood(main, rng) if kind == "wooden" else textures.mottled(main, rng)
    return VisualPart(scaled_uv(mesh, tiles, tiles), roughness=roughness, texture=texture), kind
