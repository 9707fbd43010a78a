"""Dustpans: square, tapered and hooded ones, with a handle behind."""

from __future__ import annotations

from functools import cache

import numpy as np
import trimesh
from numpy.typing import NDArray

from envs import meshes
from envs.objects import textures
from envs.objects.handle import GRASP_HALF_LENGTH, box_corners, grip, painted_grip
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import Grasp, ObjectModel, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import from_solid, hull, placed, scaled_uv

Array = NDArray[np.float64]

KINDS = ("dustpan", "tapered dustpan", "hooded dustpan")
MASS = 0.1
"""Kilograms: RoboTwin 1.0's things of this kind weigh 1 or 10 g."""

_WALL = 0.003
_LIP = linear("#1d1e20")


@cache
def dustpan(shape: int, appearance: int) -> ObjectModel:
    """A dustpan of 100 g, 21 to 24 cm long and 14 to 18 cm wide.

    Frame: it lies flat, its handle towards -x, its open edge towards +x; the origin is on the
    ground in the middle of its length and width. Points: `edge`, the middle of the open edge,
    `pan`, the middle of the floor, and `handle_end`. Grasp: `handle`, closing along y. Kinds take
    turns with the shape's number.
    """
    rng = shape_rng("dustpan", shape)
    kind = KINDS[shape % len(KINDS)]
    # Unseen dustpans reach past both ends of what the seen ones measure.
    low, high = (-0.2, 1.2) if shape in UNSEEN else (0.0, 1.0)
    sizes = [float(v) for v in rng.uniform(low, high, 7)]
    pan, handle = 0.122 + 0.022 * sizes[0], 0.084 + 0.012 * sizes[1]
    front = (pan + handle) / 2
    back = front - pan
    wide = 0.076 + 0.014 * sizes[2]
    narrow = wide * (0.70 if kind == "tapered dustpan" else 0.97)
    rise, lip_height = 0.036 + 0.012 * sizes[3], 0.006 + 0.005 * sizes[4]
    sections = {
        "floor": [_strip(back, narrow, 0.0, _WALL), _strip(front, wide, 0.0, 0.0016)],
        "back": [_strip(back - _WALL, narrow, 0.0, rise), _strip(back, narrow, 0.0, rise)],
    }
    for side in (-1.0, 1.0):
        sections[f"side {side}"] = [
            _post(back, side, narrow, rise),
            _post(front - 0.004, side, wide, lip_height),
        ]
    if kind == "hooded dustpan":
        part = 0.42
        over = rise + part * (lip_height - rise)
        sections["hood"] = [
            _strip(back, narrow, rise - _WALL, rise),
            _strip(back + part * pan, narrow + part * (wide - narrow), over - _WALL, over),
        ]
    shell = from_solid(*(meshes.loft(np.array(rows)) for rows in sections.values()))
    lip = from_solid(
        meshes.block((front - 0.006, front + 0.003), (-wide, wide), (0.0, 0.003), 0.0008)
    )
    y, z = 0.0115 + 0.003 * sizes[5], 0.0075 + 0.002 * sizes[6]
    level = round(0.5 * rise, 5)
    taken = round(-front + 0.012 + GRASP_HALF_LENGTH, 5)
    stations = [
        (-front, 0.7),
        (-front + 0.004, 0.95),
        (taken - GRASP_HALF_LENGTH, 1.0),
        (taken + GRASP_HALF_LENGTH, 1.0),
        (back - _WALL + 0.001, 0.85),
    ]
    up = np.eye(4)
    up[2, 3] = level
    hole = meshes.peg((-front + 0.011, 0.0, 0.0042), -z - 0.0004, z + 0.0004, "z")
    pan_part = _shell(shell, appearance)
    name, grip_part = painted_grip("dustpan", appearance, placed(grip(stations, y, z, 0.8), up))
    return ObjectModel(
        visuals=(
            grip_part,
            pan_part,
            VisualPart(lip, _LIP, 0.9),
            VisualPart(placed(from_solid(hole), up), _LIP, 0.9),
        ),
        collisions=(
            *(hull(np.concatenate(rows)) for rows in sections.values()),
            hull(box_corners((-front, back - _WALL), (-y, y), (level - z, level + z))),
        ),
        mass=MASS,
        points={
            "edge": (round(front, 5), 0.0, 0.0),
            "pan": (round((front + back) / 2, 5), 0.0, _WALL),
            "handle_end": (round(-front, 5), 0.0, level),
        },
        grasps={"handle": Grasp((taken, 0.0, level), (0.0, 1.0, 0.0))},
        name=f"dustpan-{shape}-{appearance}",
        description=f"{kind} with {name} handle",
    )


def _strip(x: float, half_width: float, low: float, high: float) -> Array:
    """A section across the pan: a flat rectangle at one x."""
    w = half_width
    return np.array([(x, -w, low), (x, w, low), (x, w, high), (x, -w, high)])


def _post(x: float, side: float, half_width: float, height: float) -> Array:
    """A section of a side wall at one x."""
    outer, inner = side * half_width, side * (half_width - _WALL)
    return np.array([(x, inner, 0.0), (x, outer, 0.0), (x, outer, height), (x, inner, height)])


def _shell(mesh: trimesh.Trimesh, appearance: int) -> VisualPart:
    """The pan in one of the appearances: plastic, sheet metal, or, unseen, patterned plastic."""
    rng = appearance_rng("dustpan", appearance)
    color, other = (paint("dustpan", appearance, place)[1] for place in (0, 2))
    if appearance in UNSEEN:
        pattern = (
            textures.dots(color, other, 2),
            textures.stripes(color, other, 2),
            textures.speckled(color, other, rng, 0.12),
        )[appearance % 3]
        return VisualPart(scaled_uv(mesh, 14.0, 14.0), roughness=0.5, texture=pattern)
    if appearance % 4 == 3:
        return VisualPart(mesh, linear("#8f9396"), 0.35)
    return VisualPart(mesh, color, round(float(rng.uniform(0.3, 0.6)), 2))
