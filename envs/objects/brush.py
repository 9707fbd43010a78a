"""Brushes: hand brushes as they go with a dustpan, paintbrushes, and scrubbing brushes."""

from __future__ import annotations

from functools import cache

import numpy as np
import trimesh
from numpy.typing import NDArray

from envs import meshes
from envs.objects import textures
from envs.objects.handle import GRASP_HALF_LENGTH, box_corners, grip, painted_grip
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import CollisionHull, Grasp, ObjectModel, VisualPart
from envs.objects.palette import linear
from envs.objects.shapes import from_solid, hull, placed, scaled_uv

Array = NDArray[np.float64]

KINDS = ("hand brush", "paintbrush", "scrubbing brush")
MASS = 0.06
"""Kilograms: RoboTwin 1.0's things of this kind weigh 1 or 10 g."""

_BRISTLES = (
    ("black", "#26231f", "#3b3731"),
    ("pale", "#c9b68b", "#a28a5c"),
    ("white", "#d9d7cf", "#b3b0a6"),
    ("brown", "#5a3f28", "#3f2b1a"),
)
_UNSEEN_BRISTLES = (
    ("orange", "#cf6a24", "#a34d16"),
    ("violet", "#6b4a8c", "#4d3368"),
    ("grey", "#7c7f83", "#5d6064"),
)
_METAL = linear("#a8a79f")


@cache
def brush(shape: int, appearance: int) -> ObjectModel:
    """A brush of 60 g, 12 to 23 cm long.

    Frame: as it lies on the table, a hand brush and a scrubbing brush on their bristles, a
    paintbrush on its side. x runs from the handle to the bristles (along a scrubbing brush); the
    origin is on the ground in the middle of its length and width. Points: `bristles`, their middle
    as they touch the ground or, for a paintbrush, their tip; `handle_end`. Grasp: `handle`, closing
    along y. Kinds take turns with the shape's number.
    """
    rng = shape_rng("brush", shape)
    kind = KINDS[shape % len(KINDS)]
    # Unseen brushes reach past both ends of what the seen ones measure.
    low, high = (-0.2, 1.2) if shape in UNSEEN else (0.0, 1.0)
    sizes = [float(v) for v in rng.uniform(low, high, 6)]
    build = {"hand brush": _hand_brush, "paintbrush": _paintbrush}.get(kind, _scrubbing_brush)
    return build(shape, appearance, sizes)


def _hand_brush(shape: int, appearance: int, sizes: list[float]) -> ObjectModel:
    head, handle = 0.105 + 0.030 * sizes[0], 0.078 + 0.014 * sizes[1]
    half = (head + handle) / 2
    height, half_width = 0.034 + 0.012 * sizes[2], 0.015 + 0.006 * sizes[3]
    y, z = 0.0105 + 0.003 * sizes[4], 0.0075 + 0.002 * sizes[5]
    neck, level = -half + handle, height + 0.009
    # A hand takes the handle in the middle between its end and the block.
    taken = -half + handle / 2
    stations = [
        (-half, 0.7),
        (-half + 0.004, 0.95),
        (taken - GRASP_HALF_LENGTH, 1.0),
        (taken + GRASP_HALF_LENGTH, 1.0),
        (neck + 0.012, 0.85),
    ]
    block = meshes.block(
        (neck, half), (-half_width, half_width), (height, height + 0.018), bevel=0.003
    )
    tufts = _tufts(
        (neck + 0.004, half - 0.004), half_width - 0.003, (0.0, height + 0.001), flare=0.006
    )
    return _model(
        "hand brush",
        shape,
        appearance,
        handle=_lifted(grip(stations, y, z, 0.8), level),
        wood=from_solid(block),
        tufts=tufts,
        pieces=[
            hull(box_corners((-half, neck), (-y, y), (level - z, level + z))),
            hull(box_corners((neck, half), (-half_width, half_width), (height, height + 0.018))),
        ],
        bristles=((neck + half) / 2, 0.0, 0.0),
        grasp=(taken, 0.0, level),
    )


def _paintbrush(shape: int, appearance: int, sizes: list[float]) -> ObjectModel:
    tuft, ferrule = 0.042 + 0.016 * sizes[0], 0.026 + 0.012 * sizes[1]
    handle = 0.095 + 0.018 * sizes[2]
    half = (tuft + ferrule + handle) / 2
    half_width, thick = 0.021 + 0.011 * sizes[3], 0.0085 + 0.002 * sizes[4]
    y = 0.0105 + 0.003 * sizes[5]
    neck = -half + handle
    taken = neck - 0.012 - GRASP_HALF_LENGTH
    stations = [
        (-half, 0.5),
        (-half + 0.006, 0.7),
        (-half + 0.02, 0.72),
        (taken - GRASP_HALF_LENGTH, 1.0),
        (taken + GRASP_HALF_LENGTH, 1.0),
        (neck + 0.002, 0.95),
    ]
    band = meshes.beam(
        [
            (neck - 0.004, (-y, y), (-thick, thick), 0.6 * thick),
            (neck + 0.008, (-half_width, half_width), (-thick, thick), 0.5 * thick),
            (neck + ferrule, (-half_width, half_width), (-thick, thick), 0.5 * thick),
        ]
    )
    start, tip = neck + ferrule - 0.001, half
    rows = [
        (start, half_width - 0.001, 0.92 * thick),
        (start + 0.6 * tuft, half_width + 0.001, 0.9 * thick),
        (tip, half_width - 0.004, 0.25 * thick),
    ]
    tufts = meshes.beam([(x, (-w, w), (-h, h), 0.5 * h) for x, w, h in rows])
    flat = np.concatenate([box_corners((x, x), (-w, w), (-h, h)) for x, w, h in rows])
    ferrule_corners = np.concatenate(
        [
            box_corners((neck - 0.004, neck - 0.004), (-y, y), (-thick, thick)),
            box_corners((neck + 0.008, neck + ferrule), (-half_width, half_width), (-thick, thick)),
        ]
    )
    up = np.array([0.0, 0.0, thick])
    return _model(
        "paintbrush",
        shape,
        appearance,
        handle=_lifted(grip(stations, y, thick, 0.9), thick),
        metal=_lifted(from_solid(band), thick),
        tufts=(_lifted(from_solid(tufts), thick), hull(flat + up)),
        pieces=[
            hull(box_corners((taken - 0.03, neck), (-y, y), (-thick, thick)) + up),
            hull(
                box_corners((-half, taken - 0.03), (-0.75 * y, 0.75 * y), (-thick, 0.7 * thick))
                + up
            ),
            hull(ferrule_corners + up),
        ],
        bristles=(half, 0.0, thick),
        grasp=(taken, 0.0, thick),
    )


def _scrubbing_brush(shape: int, appearance: int, sizes: list[float]) -> ObjectModel:
    half, half_width = 0.064 + 0.012 * sizes[0], 0.023 + 0.006 * sizes[1]
    height, thick = 0.020 + 0.008 * sizes[2], 0.014 + 0.004 * sizes[3]
    y, z = 0.012 + 0.004 * sizes[4], 0.011 + 0.003 * sizes[5]
    round_ = 0.6 * half_width
    plan = meshes.corners((-half, half), (-half_width, half_width), round_)
    block = meshes.extrude(plan, height, height + thick, "z", bevel=0.003, points=16)
    outline = meshes.outline(plan, 16)
    corners = np.concatenate(
        [np.insert(outline, 2, level, axis=1) for level in (height, height + thick)]
    )
    top = height + thick - 0.002 + z
    long = 0.72 * half
    stations = [
        (-long, 0.55),
        (-long + 0.008, 0.9),
        (-GRASP_HALF_LENGTH, 1.0),
        (GRASP_HALF_LENGTH, 1.0),
        (long - 0.008, 0.9),
        (long, 0.55),
    ]
    return _model(
        "scrubbing brush",
        shape,
        appearance,
        handle=_lifted(grip(stations, y, z, 0.8), top),
        wood=from_solid(block),
        tufts=_tufts(
            (-half + 0.006, half - 0.006), half_width - 0.004, (0.0, height + 0.001), flare=0.003
        ),
        pieces=[hull(box_corners((-long, long), (-y, y), (top - z, top + z))), hull(corners)],
        bristles=(0.0, 0.0, 0.0),
        grasp=(0.0, 0.0, top),
    )


def _tufts(
    x: tuple[float, float], half_width: float, z: tuple[float, float], flare: float
) -> tuple[trimesh.Trimesh, CollisionHull]:
    """Bristles that point down and spread towards their ends: what is seen, and what touches."""
    sections = []
    for level, more in ((z[1], 0.0), (z[0], flare)):
        wide = half_width + more
        plan = meshes.corners((x[0] - more, x[1] + more), (-wide, wide), 0.4 * half_width)
        sections.append(np.insert(meshes.outline(plan, 12), 2, level, axis=1))
    return from_solid(meshes.loft(np.array(sections))), hull(np.concatenate(sections))


def _lifted(mesh: trimesh.Trimesh, z: float) -> trimesh.Trimesh:
    up = np.eye(4)
    up[2, 3] = z
    return placed(mesh, up)


def _model(
    kind: str,
    shape: int,
    appearance: int,
    *,
    handle: trimesh.Trimesh,
    tufts: tuple[trimesh.Trimesh, CollisionHull],
    pieces: list[CollisionHull],
    bristles: tuple[float, float, float],
    grasp: tuple[float, float, float],
    wood: trimesh.Trimesh | None = None,
    metal: trimesh.Trimesh | None = None,
) -> ObjectModel:
    """Puts the parts of a brush together, in the colors of an appearance."""
    rng = appearance_rng("brush", appearance)
    name, painted = painted_grip("brush", appearance, handle)
    hairs = _UNSEEN_BRISTLES if appearance in UNSEEN else _BRISTLES
    hair_name, light, dark = hairs[int(rng.integers(len(hairs)))]
    hair = textures.stripes(linear(light), linear(dark), 5)
    visuals = [painted, VisualPart(scaled_uv(tufts[0], 60.0, 8.0), roughness=0.95, texture=hair)]
    if wood is not None:
        board = textures.wood(linear("#a97d4a"), rng)
        visuals.append(VisualPart(scaled_uv(wood, 12.0, 12.0), roughness=0.7, texture=board))
    if metal is not None:
        visuals.append(VisualPart(metal, _METAL, 0.35))
    end = min(float(x) for x in handle.vertices[:, 0])

    def rounded(point: tuple[float, float, float]) -> tuple[float, float, float]:
        x, y, z = point
        return round(x, 5), round(y, 5), round(z, 5)

    return ObjectModel(
        visuals=tuple(visuals),
        collisions=(*pieces, tufts[1]),
        mass=MASS,
        points={"bristles": rounded(bristles), "handle_end": rounded((end, 0.0, grasp[2]))},
        grasps={"handle": Grasp(rounded(grasp), (0.0, 1.0, 0.0))},
        name=f"brush-{shape}-{appearance}",
        description=f"{kind} with {name} handle and {hair_name} bristles",
    )
