"""Hand tools that lie flat: screwdrivers, wrenches, spatulas, files and scrapers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import trimesh
from numpy.typing import NDArray

from envs import meshes
from envs.objects import textures
from envs.objects.handle import (
    GRASP_HALF_LENGTH,
    TILES_PER_METRE,
    box_corners,
    grip,
    painted_grip,
)
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import Color, Grasp, ObjectModel, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import from_solid, hull, placed, scaled_uv

Array = NDArray[np.float64]

KINDS = ("screwdriver", "wrench", "spatula", "file", "scraper")
MASS = 0.05
"""Kilograms: RoboTwin 1.0's weigh 10 g."""

_STEELS: tuple[Color, ...] = ((0.42, 0.43, 0.45), (0.22, 0.23, 0.25), (0.50, 0.47, 0.40))


@dataclass(frozen=True)
class _Head:
    """What a tool has in front of its handle, which ends at the origin; it points along x.

    Attributes:
        solids: What is seen.
        pieces: Corners of the convex pieces that touch.
        length: How far it reaches.
    """

    solids: Sequence[meshes.Solid]
    pieces: Sequence[Array]
    length: float


@cache
def tool(shape: int, appearance: int) -> ObjectModel:
    """A hand tool of 50 g, 15 to 24 cm long, whose handle is 2 to 3 cm thick.

    Frame: as it lies on the table on its handle, pointing along x; the origin is in the middle of
    its length, at the height of the handle's axis. Points: `tip`, `handle_end` and `neck`, where
    the handle ends, all on that axis. Grasp: `handle`, in the handle's middle, closing along y.
    Kinds take turns with the shape's number.
    """
    kind = KINDS[shape % len(KINDS)]
    rng = shape_rng("tool", shape)
    # Unseen tools reach past both ends of what the seen ones measure.
    low, high = (-0.2, 1.2) if shape in UNSEEN else (0.0, 1.0)
    long, wide, high_, *sizes = (float(v) for v in rng.uniform(low, high, 7))
    handle_length = 0.090 + 0.024 * long
    half_width, half_height = 0.0105 + 0.0035 * wide, 0.0105 + 0.0020 * high_
    head = _HEADS[kind](half_height, sizes)
    length = handle_length + head.length
    neck = handle_length - length / 2
    forward = np.eye(4)
    forward[0, 3] = neck
    handle = box_corners(
        (-length / 2, neck), (-half_width, half_width), (-half_height, half_height)
    )
    grip_mesh = _handle(kind, length / 2, neck, half_width, half_height)
    name, visuals = _painted(kind, appearance, grip_mesh, placed(from_solid(*head.solids), forward))
    pieces = [handle, *(piece + [neck, 0.0, 0.0] for piece in head.pieces)]
    return ObjectModel(
        visuals=visuals,
        collisions=tuple(hull(piece) for piece in pieces),
        mass=MASS,
        points={
            "tip": (round(length / 2, 5), 0.0, 0.0),
            "handle_end": (round(-length / 2, 5), 0.0, 0.0),
            "neck": (round(neck, 5), 0.0, 0.0),
        },
        grasps={"handle": Grasp((round((neck - length / 2) / 2, 5), 0.0, 0.0), (0.0, 1.0, 0.0))},
        # A round handle would not come to rest on a table without rolling friction.
        angular_damping=0.5,
        name=f"tool-{shape}-{appearance}",
        description=f"{kind} with {name} handle",
    )


def _handle(
    kind: str, back: float, neck: float, half_width: float, half_height: float
) -> trimesh.Trimesh:
    """The grip from x = -back to the neck: full in its middle, round or flat as the kind has it."""
    middle = (neck - back) / 2
    stations = [
        (-back, 0.80),
        (-back + 0.003, 0.95),
        (-back + 0.008, 1.0),
        (middle - GRASP_HALF_LENGTH, 1.0),
        (middle + GRASP_HALF_LENGTH, 1.0),
        (neck - 0.006, 0.80 if kind in ("screwdriver", "file") else 0.95),
        (neck - 0.002, 0.95 if kind == "screwdriver" else 0.80),
        (neck, 0.70),
    ]
    return grip(stations, half_width, half_height, 0.85 if kind == "screwdriver" else 0.5)


def _screwdriver(half_height: float, sizes: Sequence[float]) -> _Head:
    length, radius = 0.075 + 0.030 * sizes[0], 0.0032 + 0.0012 * sizes[1]
    spread = 1.5 + 0.4 * sizes[2]
    rod = meshes.peg((0.0, 0.0, radius), -0.002, length - 0.016, "x", 12)
    blade = meshes.beam(
        [
            (length - 0.018, (-radius, radius), (-radius, radius), 0.9 * radius),
            (length - 0.010, (-spread * radius, spread * radius), (-0.0016, 0.0016), 0.001),
            (length, (-spread * radius, spread * radius), (-0.0007, 0.0007), 0.0005),
        ],
        8,
    )
    collar = meshes.peg((0.0, 0.0, 1.9 * radius), -0.001, 0.005, "x", 12)
    w = spread * radius
    return _Head(
        [collar, rod, blade],
        [
            box_corners((-0.002, length - 0.014), (-radius, radius), (-radius, radius)),
            box_corners((length - 0.014, length), (-w, w), (-0.0012, 0.0012)),
        ],
        length,
    )


def _wrench(half_height: float, sizes: Sequence[float]) -> _Head:
    shank, radius = 0.022 + 0.020 * sizes[0], 0.019 + 0.004 * sizes[1]
    half_thickness = 0.55 * half_height
    gap = radius * (0.42 + 0.08 * sizes[2])
    prong = (radius - gap) / 2
    z = (-half_thickness, half_thickness)
    middle = shank + 0.8 * radius
    bar = meshes.block((-0.002, middle), (-0.0075, 0.0075), (0.7 * z[0], 0.7 * z[1]), 0.0015)
    # The jaw: a crescent round the gap, of a root and two prongs.
    root = [(middle - 0.35 * radius, y, 0.45 * radius) for y in (-0.45 * radius, 0.45 * radius)]
    ends = (gap + prong, middle), (gap + 0.9 * prong, middle + 0.75 * radius)
    solids = [bar, meshes.extrude(root, *z, "z", 0.0015)]
    pieces = [
        box_corners((-0.002, shank), (-0.0075, 0.0075), (0.7 * z[0], 0.7 * z[1])),
        box_corners((shank - 0.001, middle), (-0.9 * radius, 0.9 * radius), z),
    ]
    for side in (-1.0, 1.0):
        discs = [(x, side * y, prong * (1.0 - 0.15 * i)) for i, (y, x) in enumerate(ends)]
        solids.append(meshes.extrude(discs, *z, "z", 0.0012))
        across = sorted((side * gap, side * (gap + 2 * prong)))
        far = middle + 0.75 * radius + 0.85 * prong
        pieces.append(box_corners((middle - 0.002, far), (across[0], across[1]), z))
    return _Head(solids, pieces, middle + 0.75 * radius + 0.85 * prong)


def _spatula(half_height: float, sizes: Sequence[float]) -> _Head:
    shank, length = 0.030 + 0.012 * sizes[0], 0.060 + 0.014 * sizes[1]
    half_width = 0.026 + 0.006 * sizes[2]
    slots = 2 + int(np.clip(3 * sizes[3], 0, 2))
    low, high = -half_height + 0.0005, -half_height + 0.0035
    # The shank bends down to the blade, which lies on the table.
    rod = meshes.beam(
        [
            (-0.002, (-0.004, 0.004), (-0.003, 0.003), 0.002),
            (0.4 * shank, (-0.004, 0.004), (-0.003, 0.003), 0.002),
            (shank, (-0.007, 0.007), (low, low + 0.005), 0.002),
            (shank + 0.006, (-0.009, 0.009), (low, high), 0.001),
        ],
        8,
    )
    start, stop = shank + 0.001, shank + length
    slotted = (start + 0.014, stop - 0.006)
    root = meshes.extrude(
        [
            (start + 0.012, -half_width + 0.012, 0.012),
            (start + 0.012, half_width - 0.012, 0.012),
        ],
        low,
        high,
        "z",
        0.0008,
    )
    lip = meshes.block((stop - 0.012, stop), (-half_width, half_width), (low, high), 0.0008)
    solids = [rod, root, lip]
    count = slots + 1
    pitch = 2 * half_width / (count + 0.6 * slots)
    for i in range(count):
        left = -half_width + 1.6 * pitch * i
        strip = meshes.block(slotted, (left, left + pitch), (low, high), 0.0008)
        solids.append(strip)
    return _Head(
        solids,
        [
            box_corners((-0.002, 0.4 * shank), (-0.004, 0.004), (-0.003, 0.003)),
            np.concatenate(
                [
                    box_corners((0.4 * shank, 0.4 * shank), (-0.004, 0.004), (-0.003, 0.003)),
                    box_corners((shank, shank + 0.006), (-0.008, 0.008), (low, high)),
                ]
            ),
            box_corners((start + 0.002, stop), (-half_width, half_width), (low, high)),
        ],
        stop,
    )


def _file(half_height: float, sizes: Sequence[float]) -> _Head:
    length, half_width = 0.085 + 0.025 * sizes[0], 0.009 + 0.003 * sizes[1]
    half_thickness = 0.0028 + 0.001 * sizes[2]
    taper = 0.45 + 0.25 * sizes[3]
    z = (-half_thickness, half_thickness)
    blade = meshes.beam(
        [
            (-0.002, (-0.004, 0.004), z, 0.001),
            (0.010, (-half_width, half_width), z, 0.001),
            (0.55 * length, (-half_width, half_width), z, 0.001),
            (length, (-taper * half_width, taper * half_width), z, 0.001),
        ],
        8,
    )
    ends = [(0.0, half_width), (0.55 * length, half_width), (length, taper * half_width)]
    points = [(x, side * w, height) for x, w in ends for side in (-1, 1) for height in z]
    return _Head([blade], [np.array(points)], length)


def _scraper(half_height: float, sizes: Sequence[float]) -> _Head:
    length, half_width = 0.060 + 0.020 * sizes[0], 0.022 + 0.010 * sizes[1]
    root = 0.008 + 0.004 * sizes[2]
    z = (-0.0012, 0.0012)
    blade = meshes.beam(
        [
            (-0.002, (-root, root), z, 0.0006),
            (0.25 * length, (-root - 0.001, root + 0.001), z, 0.0006),
            (0.75 * length, (-half_width, half_width), z, 0.0006),
            (length, (-half_width, half_width), (-0.0008, 0.0008), 0.0004),
        ],
        8,
    )
    bolster = meshes.block((-0.001, 0.012), (-root, root), (-0.005, 0.005), 0.002)
    ends = [(0.0, root), (0.25 * length, root), (0.75 * length, half_width), (length, half_width)]
    points = [(x, side * w, height) for x, w in ends for side in (-1, 1) for height in z]
    return _Head(
        [bolster, blade],
        [np.array(points), box_corners((0.0, 0.012), (-root, root), (-0.005, 0.005))],
        length,
    )


_HEADS = dict(zip(KINDS, (_screwdriver, _wrench, _spatula, _file, _scraper), strict=True))


def _painted(
    kind: str, appearance: int, grip_mesh: trimesh.Trimesh, head: trimesh.Trimesh
) -> tuple[str, tuple[VisualPart, VisualPart]]:
    """The parts in one of the appearances, and the word for the handle's color."""
    name, handle = painted_grip("tool", appearance, grip_mesh)
    rng = appearance_rng("tool", appearance)
    steel = _STEELS[int(rng.integers(len(_STEELS)))]
    if kind == "spatula" and appearance % 2:
        nylon = (linear("#2b2c2f"), paint("tool", appearance, 1)[1])[appearance // 2 % 2]
        return name, (handle, VisualPart(head, nylon, 0.6))
    if kind == "file":
        darker: Color = (0.6 * steel[0], 0.6 * steel[1], 0.6 * steel[2])
        cut = textures.checks(steel, darker, 8)
        tiled = scaled_uv(head, TILES_PER_METRE, TILES_PER_METRE)
        return name, (handle, VisualPart(tiled, roughness=0.5, metallic=0.3, texture=cut))
    return name, (handle, VisualPart(head, steel, 0.35, 0.3))
