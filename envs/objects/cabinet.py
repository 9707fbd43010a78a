"""Small cabinets with a drawer that slides out by its handle: chests, cabinets, side tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import trimesh

from envs import meshes
from envs.objects import textures
from envs.objects.articulated import ArticulatedModel, SlidingPart
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import (
    Collision,
    CollisionBox,
    Color,
    Grasp,
    ObjectModel,
    Texture,
    VisualPart,
)
from envs.objects.palette import linear, paint
from envs.objects.shapes import from_solid, hull, joined, lathe, lathe_hull, placed, scaled_uv, tube

KINDS = ("chest", "cabinet", "side table")
HANDLES = ("bar", "bow", "knob")
NAMES = {
    "chest": "chest of drawers",
    "cabinet": "cabinet with an open shelf",
    "side table": "side table with a drawer",
}
FRONT = -0.105
"""y of the body's front, which the closed drawer's panel is flush with."""
TRAVEL = 0.15
"""How far in metres the drawer comes out."""
STAND_OFF = 0.030
"""Distance in metres of the handle's middle from the drawer's front."""
DRAWER_MASS = 0.3

_GAP = 0.002
_WALL = 0.005
_LENGTH = 0.178
"""Length of the drawer's box; a divider keeps the front compartment as long as it is wide."""
_TILES_PER_METRE = 7.0
_WOODS = (
    ("oak", "#b08a57"),
    ("walnut", "#5d3f28"),
    ("pine", "#cfa86c"),
    ("cherry wood", "#8a4a2c"),
)
_UNSEEN_WOODS = (("ebony", "#33291f"), ("teak", "#9a6b33"), ("grey oak", "#8d8579"))
_METALS = ("#9a9b9d", "#b08d45", "#2f2e2d")

Range = tuple[float, float]
Box = tuple[Range, Range, Range]
"""Ranges of x, y and z."""


@dataclass(frozen=True, eq=False)
class _Finish:
    """How a surface looks; `color` counts where there is no texture."""

    color: Color
    roughness: float
    metallic: float = 0.0
    texture: Texture | None = None


@dataclass(frozen=True)
class _Measures:
    """What a shape's parts have in common, in metres.

    Attributes:
        half_width: Of the body.
        depth: Of the body.
        height: Of the body.
        inside: Half width of the drawer's compartment.
        compartment: Length of the compartment.
        floor: z of the drawer's floor.
        wall: Height of the drawer's walls above the floor.
        panel: Lowest and highest z of the drawer's front panel.
        panel_depth: Thickness of the panel.
        top: Thickness of the top board.
    """

    half_width: float
    depth: float
    height: float
    inside: float
    compartment: float
    floor: float
    wall: float
    panel: Range
    panel_depth: float
    top: float


@cache
def cabinet(shape: int, appearance: int) -> ArticulatedModel:
    """A cabinet whose part `drawer` comes out by 15 cm towards -y; 17 to 23 cm wide, 15 to 19 high.

    Frame: it stands along z and looks to -y; the origin is on the ground, 10.5 cm behind its front,
    in the middle of its width. The drawer has a compartment of 12 to 13 cm both ways.

    Body: points `top` and `front` (the middle of the closed drawer's front). Drawer: points `floor`
    (middle of the compartment's floor), `corner_low` and `corner_high` (of the compartment's
    inside, from the floor to the walls' tops), and `front`; grasp `handle` closes along z.
    Kinds and handles take turns with the shape's number.
    """
    sizes = _measures(shape)
    name, wood, front_paint, trim = _looks(appearance)
    kind = KINDS[shape % len(KINDS)]
    boxes, fronts = _body(kind, sizes)
    body = ObjectModel(
        visuals=(
            _wooden(boxes, wood),
            *([_wooden(fronts, front_paint)] if fronts else []),
        ),
        collisions=tuple(_collision(box) for box in [*boxes, *fronts]),
        points={
            "top": (0.0, round(FRONT + sizes.depth / 2, 5), sizes.height),
            "front": (0.0, FRONT, _middle(sizes.panel)),
        },
        name=f"cabinet-{shape}-{appearance}",
        description=f"{name} {NAMES[kind]}",
    )
    part = SlidingPart(
        "drawer",
        _drawer(shape, appearance, sizes, front_paint, trim, f"drawer of a {body.description}"),
        axis=(0.0, -1.0, 0.0),
        travel=TRAVEL,
        friction=0.5,
        damping=5.0,
    )
    return ArticulatedModel(body, part)


def _measures(shape: int) -> _Measures:
    rng = shape_rng("cabinet", shape)
    # Unseen cabinets are smaller and larger than the seen ones.
    low, high = (-0.25, 1.25) if shape in UNSEEN else (0.0, 1.0)
    parts = [float(v) for v in rng.uniform(low, high, 7)]
    parts[0] = low + (high - low) * ((7 * shape) % 10 + 0.5) / 10
    inside = round(0.0615 + 0.0025 * float(rng.uniform()), 5)
    panel_low = 0.054 + 0.016 * parts[1]
    panel = (round(panel_low, 5), round(panel_low + 0.092, 5))
    top = round(0.010 + 0.008 * min(max(parts[2], 0.0), 1.2), 5)
    return _Measures(
        half_width=round(inside + _WALL + _GAP + 0.016 + 0.020 * max(parts[0], 0.0), 5),
        depth=round(0.195 + 0.030 * max(parts[3], 0.0), 5),
        height=round(panel[1] + _GAP + top, 5),
        inside=inside,
        compartment=round(0.122 + 0.006 * float(rng.uniform()), 5),
        floor=round(panel[0] + 0.009, 5),
        wall=round(0.044 + 0.008 * min(max(parts[4], 0.0), 1.0), 5),
        panel=panel,
        panel_depth=round(0.010 + 0.004 * min(max(parts[5], 0.0), 1.2), 5),
        top=top,
    )


def _body(kind: str, sizes: _Measures) -> tuple[list[Box], list[Box]]:
    """Boxes of the body, and those of them that look like the drawer's front."""
    w, back, high = sizes.half_width, FRONT + sizes.depth, sizes.height
    case = sizes.inside + _WALL + _GAP
    shelf = (sizes.panel[0] - _GAP - 0.010, sizes.panel[0] - _GAP)
    under = high - sizes.top
    foot = shelf[0] if kind == "side table" else 0.0
    over = 0.004
    boxes: list[Box] = [
        ((-w, -case), (FRONT, back), (foot, under)),
        ((case, w), (FRONT, back), (foot, under)),
        ((-case, case), (back - 0.008, back), (foot, under)),
        ((-case, case), (FRONT, back - 0.008), shelf),
        ((-w - over, w + over), (FRONT - over, back), (under, high)),
    ]
    fronts: list[Box] = []
    if kind == "chest":
        boxes.append(((-case, case), (FRONT + 0.012, back - 0.008), (0.006, shelf[0])))
        fronts.append(((-case + _GAP, case - _GAP), (FRONT, FRONT + 0.012), (0.008, shelf[0])))
        fronts.append(((-0.018, 0.018), (FRONT - 0.009, FRONT), (0.022, 0.030)))
    elif kind == "cabinet":
        boxes.append(((-case, case), (FRONT + 0.004, back - 0.008), (0.006, 0.014)))
    else:
        leg = 0.016
        for x in ((-w, -w + leg), (w - leg, w)):
            for y in ((FRONT, FRONT + leg), (back - leg, back)):
                boxes.append((x, y, (0.0, foot)))
    return boxes, fronts


def _drawer(
    shape: int,
    appearance: int,
    sizes: _Measures,
    front_paint: _Finish,
    trim: _Finish,
    description: str,
) -> ObjectModel:
    i, floor, rim = sizes.inside, sizes.floor, sizes.floor + sizes.wall
    behind = FRONT + sizes.panel_depth
    divider = behind + sizes.compartment
    end = FRONT + _LENGTH
    edge = i + _WALL
    panel: Box = ((-edge, edge), (FRONT, behind), sizes.panel)
    box: list[Box] = [
        ((-edge, edge), (behind, end), (floor - 0.005, floor)),
        ((-edge, -i), (behind, end), (floor, rim)),
        ((i, edge), (behind, end), (floor, rim)),
        ((-i, i), (divider, divider + 0.004), (floor, rim)),
        ((-i, i), (end - _WALL, end), (floor, rim)),
    ]
    handle_z = round(_middle(sizes.panel), 5)
    mesh, pieces = _handle(HANDLES[(shape + shape // 3) % 3], shape, handle_z)
    return ObjectModel(
        visuals=(
            _wooden([panel], front_paint),
            _wooden(box, _wood("#cdb78e", appearance)),
            VisualPart(mesh, trim.color, trim.roughness, trim.metallic),
        ),
        collisions=tuple([_collision(block) for block in (panel, *box)] + pieces),
        mass=DRAWER_MASS,
        points={
            "floor": (0.0, round((behind + divider) / 2, 5), floor),
            "corner_low": (-i, round(behind, 5), floor),
            "corner_high": (i, round(divider, 5), round(rim, 5)),
            "front": (0.0, FRONT, handle_z),
        },
        grasps={"handle": Grasp((0.0, round(FRONT - STAND_OFF, 5), handle_z), (0.0, 0.0, 1.0))},
        name=f"drawer-{shape}-{appearance}",
        description=description,
    )


def _handle(kind: str, shape: int, z: float) -> tuple[trimesh.Trimesh, list[Collision]]:
    """A handle in front of the panel: what is seen, and what touches."""
    rng = shape_rng("cabinet handle", shape)
    y = FRONT - STAND_OFF
    thick = float(rng.uniform(0.0050, 0.0065))
    half = float(rng.uniform(0.034, 0.050))
    if kind == "knob":
        radius = float(rng.uniform(0.0115, 0.0145))
        neck = 0.55 * radius
        # Along the lathe's z: out of the panel.
        profile = [
            (neck, 0.0),
            (0.8 * neck, 0.010),
            (0.8 * neck, STAND_OFF - 0.011),
            (radius, STAND_OFF - 0.007),
            (radius, STAND_OFF + 0.007),
            (0.8 * radius, STAND_OFF + 0.011),
            (0.0, STAND_OFF + 0.012),
        ]
        turn = np.array([[1, 0, 0, 0], [0, 0, -1, FRONT], [0, 1, 0, z], [0, 0, 0, 1]], dtype=float)
        pieces = [lathe_hull(row, 16) for row in (profile[:3], profile[2:])]
        moved = [hull(np.array(piece.points) @ turn[:3, :3].T + turn[:3, 3]) for piece in pieces]
        return placed(lathe(profile, 24), turn), list(moved)
    if kind == "bow":
        angle = np.linspace(0.0, np.pi, 17)
        path = np.stack(
            [
                -half * np.cos(angle),
                FRONT + 0.001 - (STAND_OFF + 0.001) * np.sin(angle) ** 0.45,
                z + 0 * angle,
            ],
            axis=1,
        )
        mesh = tube(path, np.full(17, thick), 12)
        cuts = [0, 1, 3, 6, 10, 13, 15, 16]
        pieces = [
            hull(
                np.array(
                    [
                        point + [dx * thick, dy * thick, dz * thick]
                        for point in pair
                        for dx in (-0.7, 0.7)
                        for dy in (-0.7, 0.7)
                        for dz in (-0.97, 0.97)
                    ]
                )
            )
            for pair in zip(path[cuts[:-1]], path[cuts[1:]], strict=True)
        ]
        return mesh, list(pieces)
    bar = meshes.block((-half, half), (y - thick, y + thick), (z - thick, z + thick), 0.35 * thick)
    posts = [
        meshes.block((x - 0.004, x + 0.004), (y, FRONT + 0.001), (z - 0.004, z + 0.004), 0.001)
        for x in (-half + 0.010, half - 0.010)
    ]
    boxes: list[Box] = [
        ((-half, half), (y - thick, y + thick), (z - thick, z + thick)),
        *(
            ((x - 0.004, x + 0.004), (y + thick, FRONT), (z - 0.004, z + 0.004))
            for x in (-half + 0.010, half - 0.010)
        ),
    ]
    return joined(*(from_solid(solid) for solid in (bar, *posts))), [_collision(b) for b in boxes]


def _looks(appearance: int) -> tuple[str, _Finish, _Finish, _Finish]:
    """Word for an appearance, and the finish of body, fronts and handle.

    Seen cabinets are of wood, painted, or of wood with painted fronts; unseen ones have other
    woods and colors, and patterned fronts.
    """
    rng = appearance_rng("cabinet", appearance)
    name, color = paint("cabinet", appearance)
    accent = paint("cabinet", appearance, 1)[1]
    unseen = appearance in UNSEEN
    woods = _UNSEEN_WOODS if unseen else _WOODS
    wood_name, wood_color = woods[(appearance // 3) % len(woods)]
    roughness = round(float(rng.uniform(0.4, 0.7)), 2)
    handle = linear(_METALS[int(rng.integers(len(_METALS)))])
    trim = _Finish(handle, round(float(rng.uniform(0.25, 0.45)), 2))
    wood, painted = _wood(wood_color, appearance), _Finish(color, roughness)
    if unseen:
        pattern = (
            textures.stripes(color, accent, 2),
            textures.checks(color, accent, 2),
            textures.dots(color, accent, 3),
        )[appearance % 3]
        patterned = _Finish(color, roughness, texture=pattern)
        if appearance % 2:
            return f"{wood_name} and {name}", wood, patterned, trim
        return name, painted, patterned, trim
    return (
        (wood_name, wood, wood, trim),
        (name, painted, painted, trim),
        (f"{wood_name} and {name}", wood, painted, trim),
    )[appearance % 3]


def _wood(color: str, appearance: int) -> _Finish:
    rng = appearance_rng("cabinet wood", appearance)
    return _Finish(linear(color), 0.6, texture=textures.wood(linear(color), rng))


def _wooden(boxes: Sequence[Box], finish: _Finish) -> VisualPart:
    """Boards with bevelled edges in one finish."""
    solids = []
    for box in boxes:
        thin = min(high - low for low, high in box)
        solids.append(meshes.block(*box, bevel=min(0.0012, 0.2 * thin)))
    mesh = scaled_uv(from_solid(*solids), _TILES_PER_METRE, _TILES_PER_METRE)
    return VisualPart(mesh, finish.color, finish.roughness, finish.metallic, finish.texture)


def _collision(box: Box) -> CollisionBox:
    x, y, z = (round((high - low) / 2, 6) for low, high in box)
    center = (_middle(box[0]), _middle(box[1]), _middle(box[2]))
    return CollisionBox((x, y, z), center)


def _middle(span: Range) -> float:
    return round((span[0] + span[1]) / 2, 6)
