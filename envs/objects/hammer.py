"""Hammers: ball-peen, claw, club and cross-peen hammers and mallets, lying on face and handle."""

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
from envs.objects.model import Color, Grasp, ObjectModel, Vector, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import circle, from_solid, hull, joined, lathe, placed, scaled_uv, tube

Array = NDArray[np.float64]

KINDS = ("ball-peen hammer", "claw hammer", "mallet", "club hammer", "cross-peen hammer")
MASS = 0.1
"""Kilograms: RoboTwin 1.0's weigh 1 g."""

_CORNERS = 12
"""Corners of a round head's collision piece: one of its flat sides looks along the handle."""
_WOODS = ("#b98a52", "#8a5a30", "#d2a972")


@dataclass(frozen=True)
class _Head:
    """A head whose axis is z, and whose middle the handle's axis meets at the origin.

    Attributes:
        mesh: What is seen.
        pieces: Corners of the convex pieces that touch.
        face: z of the face, which looks down.
        top: z of the other end.
        inside: Half width of the head along the handle, where the handle ends in it.
    """

    mesh: trimesh.Trimesh
    pieces: list[Array]
    face: float
    top: float
    inside: float


@cache
def hammer(shape: int, appearance: int) -> ObjectModel:
    """A hammer of 100 g, 14 to 21 cm long (RoboTwin's copy: 2.7 x 17.5 x 13.4 cm).

    Frame: as it lies on the table with its face down, that is on the rim of its face and on the
    end of its handle. The handle points along x, the head is at +x, a little higher than on a
    level handle; the origin is in the handle where a hand takes it, 7 to 10 cm from the head.
    Points: `face`, the face's middle, `head_top`, the middle of the head's other end, and
    `handle_end`. Grasp: `handle`, closing along y. Kinds take turns with the shape's number.
    """
    kind = KINDS[shape % len(KINDS)]
    rng = shape_rng("hammer", shape)
    # Unseen hammers reach past both ends of what the seen ones measure.
    low, high = (-0.2, 1.2) if shape in UNSEEN else (0.0, 1.0)
    front, back, width, height, *sizes = (float(v) for v in rng.uniform(low, high, 8))
    front, back = 0.075 + 0.018 * front, 0.065 + 0.035 * back
    width, height = 0.0105 + 0.0035 * width, 0.0105 + 0.0035 * height
    head = _HEADS[kind](sizes)
    pieces = [piece + [front, 0.0, 0.0] for piece in head.pieces]
    turn = _lying(np.concatenate(pieces), np.array([-back, -height]))
    handle = box_corners((-back, front - 0.8 * head.inside), (-width, width), (-height, height))
    into_head = np.eye(4)
    into_head[0, 3] = front

    def moved(x: float, z: float) -> Vector:
        p = np.round(turn[:3, :3] @ [x, 0.0, z], 5) + 0.0
        return float(p[0]), float(p[1]), float(p[2])

    grip_mesh, shank = _handle(front, back, width, height)
    name, visuals = _painted(
        kind,
        appearance,
        placed(grip_mesh, turn),
        placed(shank, turn),
        placed(head.mesh, turn @ into_head),
    )
    return ObjectModel(
        visuals=visuals,
        collisions=tuple(hull(piece @ turn[:3, :3].T) for piece in [handle, *pieces]),
        mass=MASS,
        points={
            "face": moved(front, head.face),
            "head_top": moved(front, head.top),
            "handle_end": moved(-back, 0.0),
        },
        grasps={"handle": Grasp((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))},
        name=f"hammer-{shape}-{appearance}",
        description=f"{kind} with {name} handle",
    )


def _lying(head: Array, handle_end: Array) -> Array:
    """Turn (4 x 4) about y that brings the head's lowest rim and the handle's end to one height.

    Args:
        head: (n, 3) corners of the head, the handle being level along x.
        handle_end: x and z of the handle's lowest corner.
    """
    angle = float(np.arctan2(handle_end[1] - head[:, 2], head[:, 0] - handle_end[0]).max())
    c, s = np.cos(angle), np.sin(angle)
    turn = np.eye(4)
    turn[:3, :3] = [[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]]
    return turn


def _handle(
    front: float, back: float, half_width: float, half_height: float
) -> tuple[trimesh.Trimesh, trimesh.Trimesh]:
    """Grip and shank: full in the hand and at the end, slimmer at the head and behind the hand."""
    hand, split = GRASP_HALF_LENGTH, GRASP_HALF_LENGTH + 0.008
    grip_stations = [
        (-back, 0.88),
        (-back + 0.002, 1.0),
        (-back + 0.012, 1.0),
        (-0.6 * hand - 0.4 * back, 0.92),
        (-hand, 1.0),
        (hand, 1.0),
        (split - 0.002, 0.95),
        (split, 0.86),
    ]
    shank_stations = [(split - 0.002, 0.86), (front, 0.86)]
    return (
        grip(grip_stations, half_width, half_height, 0.6),
        grip(shank_stations, half_width, half_height, 0.6),
    )


def _ball_peen(sizes: Sequence[float]) -> _Head:
    radius = 0.0145 + 0.003 * sizes[0]
    face, neck = -0.040 - 0.010 * sizes[1], 0.62 * radius
    ball = 0.80 * radius
    top = 0.028 + 0.008 * sizes[2]
    # The ball is a sphere about this height, which the neck runs into.
    z = top - ball
    arc = np.linspace(-0.9, np.pi / 2, 9)
    rounded = [(ball * float(np.cos(a)), z + ball * float(np.sin(a))) for a in arc]
    profile = [
        *_face(radius, face),
        (radius, face + 0.014),
        (neck, face + 0.021),
        (neck, -0.014),
        (0.9 * radius, -0.012),
        (0.9 * radius, 0.010),
        (neck, 0.013),
        *rounded[:-1],
        (0.0, top),
    ]
    ends = [(radius, face), (radius, face + 0.014), (0.9 * radius, 0.010)]
    return _Head(
        lathe(profile, 24),
        [_lathed(ends), _lathed([(0.9 * radius, 0.010), (ball, z), (0.5 * ball, top)])],
        face,
        top,
        0.9 * radius,
    )


def _mallet(sizes: Sequence[float]) -> _Head:
    radius = 0.020 + 0.006 * sizes[0]
    half = 0.036 + 0.010 * sizes[1]
    waist = radius * (0.97 - 0.10 * sizes[2])
    profile = [
        *_face(radius, -half, 0.004),
        (radius, -half + 0.012),
        (waist, -half + 0.015),
        (waist, half - 0.015),
        (radius, half - 0.012),
        (radius, half - 0.004),
        (radius - 0.004, half),
        (0.0, half),
    ]
    ends = [(radius - 0.004, -half), (radius, -half + 0.004)]
    return _Head(
        lathe(profile, 28),
        [_lathed([*ends, *((r, -z) for r, z in ends)])],
        -half,
        half,
        waist,
    )


def _claw(sizes: Sequence[float]) -> _Head:
    radius = 0.0135 + 0.0025 * sizes[0]
    face, top = -0.042 - 0.008 * sizes[1], 0.034 + 0.010 * sizes[2]
    bend = 0.024 + 0.008 * sizes[3]
    neck = 0.68 * radius
    poll = lathe(
        [
            *_face(radius, face),
            (radius, face + 0.013),
            (neck, face + 0.019),
            (neck, -0.010),
            (0.0, -0.010),
        ],
        24,
    )
    cheek = meshes.block((-radius, radius), (-0.012, 0.012), (-0.013, 0.013), 0.003)
    t = np.linspace(0.0, 1.0, 7)
    # Each prong leaves the head upwards and bends towards the handle's end.
    path = np.stack([-bend * t**2, 0.0055 + 0.004 * t, 0.009 + (top - 0.009) * t], axis=1)
    half_axes = np.stack([0.009 - 0.0065 * t, 0.0050 - 0.0018 * t], axis=1)
    prongs = [
        tube(path * [1.0, side, 1.0], half_axes, 10, up=(0.0, 1.0, 0.0)) for side in (-1.0, 1.0)
    ]
    row = np.array(
        [
            (x + sx * a, sy * (y + b), z)
            for (x, y, z), (a, b) in zip(path, half_axes, strict=True)
            for sx in (-1, 1)
            for sy in (-1, 1)
        ]
    )
    return _Head(
        joined(poll, from_solid(cheek), *prongs),
        [
            _lathed([(radius, face), (radius, face + 0.013), (neck, face + 0.019)]),
            _lathed([(neck, face + 0.019), (neck, -0.010)]),
            box_corners((-radius, radius), (-0.012, 0.012), (-0.013, 0.013)),
            row[: 4 * 4],
            row[3 * 4 :],
        ],
        face,
        top,
        radius,
    )


def _club(sizes: Sequence[float]) -> _Head:
    half_width = 0.0155 + 0.004 * sizes[0]
    half = 0.034 + 0.010 * sizes[1]
    inset = 0.003 + 0.003 * sizes[2]

    def section(z: float, smaller: float) -> Array:
        size = half_width - smaller
        flat = meshes.outline(meshes.corners((-size, size), (-size, size), 0.25 * size), 8)
        return np.insert(flat, 2, z, axis=1)

    levels = [(-half, inset), (-half + inset, 0.0), (half - inset, 0.0), (half, inset)]
    sections = np.array([section(z, smaller) for z, smaller in levels])
    return _Head(
        from_solid(meshes.loft(sections)), [sections.reshape(-1, 3)], -half, half, half_width
    )


def _cross_peen(sizes: Sequence[float]) -> _Head:
    half_width = 0.0125 + 0.003 * sizes[0]
    face, top = -0.036 - 0.010 * sizes[1], 0.040 + 0.010 * sizes[2]
    edge = 0.0025

    def section(z: float, along: float, across: float) -> Array:
        size = ((-along, along), (-across, across))
        flat = meshes.outline(meshes.corners(*size, 0.3 * min(along, across)), 8)
        return np.insert(flat, 2, z, axis=1)

    w = half_width
    sections = [
        section(face, w - 0.002, w - 0.002),
        section(face + 0.002, w, w),
        section(0.012, w, w),
        # The wedge's edge lies across the handle.
        section(top - 0.002, edge + 0.0005, w),
        section(top, edge - 0.001, w - 0.002),
    ]
    return _Head(
        from_solid(meshes.loft(np.array(sections))),
        [np.concatenate(sections[:3]), np.concatenate(sections[2:])],
        face,
        top,
        half_width,
    )


_HEADS = dict(zip(KINDS, (_ball_peen, _claw, _mallet, _club, _cross_peen), strict=True))


def _face(radius: float, z: float, bevel: float = 0.0015) -> list[tuple[float, float]]:
    """A lathe's profile of a face that looks down, from its middle over its bevelled rim."""
    return [(0.0, z), (radius - bevel, z), (radius, z + bevel)]


def _lathed(ends: Sequence[tuple[float, float]]) -> Array:
    """Corners of the convex hull of what a lathe makes of (radius, z)."""
    return np.concatenate([circle(radius, z, _CORNERS) for radius, z in ends])


def _painted(
    kind: str,
    appearance: int,
    grip_mesh: trimesh.Trimesh,
    shank: trimesh.Trimesh,
    head: trimesh.Trimesh,
) -> tuple[str, tuple[VisualPart, ...]]:
    """The parts in one of the appearances, and the word for the handle's color."""
    name, handle = painted_grip("hammer", appearance, grip_mesh)
    accent = paint("hammer", appearance, 1)[1]
    rng = appearance_rng("hammer", appearance)
    timber = textures.wood(linear(_WOODS[appearance % 3]), rng, 5)
    steel: Color = (0.20, 0.21, 0.23) if appearance % 2 else (0.42, 0.43, 0.45)
    if appearance % 3 == 1:
        neck = VisualPart(shank, steel, 0.4, 0.3)
    else:
        grain = scaled_uv(shank, TILES_PER_METRE, 0.4 * TILES_PER_METRE)
        neck = VisualPart(grain, roughness=0.6, texture=timber)
    if kind != "mallet":
        return name, (handle, neck, VisualPart(head, steel, 0.35, 0.3))
    if appearance % 3 == 0:
        return name, (handle, neck, VisualPart(head, roughness=0.6, texture=timber))
    rubber: Color = (0.035, 0.035, 0.04) if appearance % 3 == 1 else accent
    return name, (handle, neck, VisualPart(head, rubber, 0.75))
