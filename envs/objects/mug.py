"""Mugs with a handle wide enough for a rack's peg: straight, tapered, barrel and flared ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import CollisionHull, Color, Grasp, ObjectModel, Texture, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import hull, lathe, lathe_hull, scaled_uv, tube, wall_hulls

Array = NDArray[np.float64]

MASS = 0.15
"""Kilograms: a light stoneware mug; RoboTwin 1.0's weigh 1 g."""

KINDS = ("straight", "tapered", "barrel", "flared")
_PROFILES = {
    "straight": ((0.0, 1.0), (0.25, 1.0), (0.6, 1.0), (1.0, 1.0)),
    "tapered": ((0.0, 0.80), (0.25, 0.86), (0.6, 0.94), (1.0, 1.0)),
    "barrel": ((0.0, 0.84), (0.25, 0.97), (0.6, 1.02), (1.0, 1.0)),
    "flared": ((0.0, 0.78), (0.25, 0.93), (0.6, 0.97), (1.0, 1.0)),
}
"""Height above the foot in parts of the mug's, and radius in parts of the rim's. All convex."""

WALL, FLOOR = 0.0038, 0.007
_FOOT = 0.004
"""Height in metres in which the foot widens to the body."""
_STAVES = 10
"""So many have two flat sides at +-90 degrees, where fingers close."""
_BODY_BELOW_RIM = 0.015


@dataclass(frozen=True)
class _Shape:
    """Measures of a mug in metres.

    Attributes:
        kind: One of `KINDS`.
        radius, height: Of the rim, and of the whole.
        reach, rise: Clear width of the handle's opening from the wall outwards, and half of its
            clear height.
        handle_z: Height of the handle's middle.
        squareness: Exponent of the handle's superellipse: 2 is round, more has squarer corners.
        thickness, width: Of the handle's bar: in the handle's plane, and across it.
    """

    kind: str
    radius: float
    height: float
    reach: float
    rise: float
    handle_z: float
    squareness: float
    thickness: float
    width: float

    def outside(self) -> list[tuple[float, float]]:
        """Profile (radius, z) of the outside above the foot, from the bottom up."""
        return [
            (self.radius * r, _FOOT + part * (self.height - _FOOT))
            for part, r in _PROFILES[self.kind]
        ]

    def radius_at(self, z: float) -> float:
        """Outer radius at a height."""
        radii, heights = zip(*self.outside(), strict=True)
        return float(np.interp(z, heights, radii))

    def bar(self, points: int) -> Array:
        """(points, 3) points of the middle of the handle's bar, from above to below.

        It begins and ends inside of the wall.
        """
        t = np.linspace(np.pi / 2, -np.pi / 2, points)
        power = 2 / self.squareness
        across, up = np.cos(t), np.sin(t)
        start = self.radius_at(self.handle_z) - 0.5 * WALL
        half = self.thickness / 2
        x = start + (self.reach + 0.5 * WALL + half) * np.maximum(across, 0.0) ** power
        z = self.handle_z + (self.rise + half) * np.sign(up) * np.abs(up) ** power
        wall = np.array([self.radius_at(height) - 0.6 * WALL for height in z])
        return np.stack([np.maximum(x, wall), 0 * x, z], axis=1)


@cache
def mug(shape: int, appearance: int) -> ObjectModel:
    """A mug of 150 g, 6.6 to 7.3 cm in diameter at its rim and 8.4 to 10.4 cm high.

    Frame: it stands along z; the origin is in the middle of its bottom; its handle is at +x.
    Points: `top` and `bottom` on the axis; `body`, on it a little below the rim, where fingers can
    close round the mug; `side` on the outside at half height, opposite to the handle; `handle` in
    the middle of the inner side of the handle's bar, where a peg bears when the mug hangs; and
    `opening` in the middle of the handle's opening. Grasp: `rim`, the wall, beside the handle.
    """
    it = _shape(shape)
    outside = it.outside()
    inner_floor = it.radius_at(FLOOR) - WALL
    inside = [(r - WALL, z) for r, z in reversed(outside) if z > 2 * FLOOR]
    lip = inside[0]
    shell = [(0.0, 0.0), (0.86 * outside[0][0], 0.0), *outside]
    shell[-1] = (it.radius, it.height - 0.0012)
    lining = [
        shell[-1],
        (it.radius - 0.3 * WALL, it.height),
        (it.radius - 0.7 * WALL, it.height),
        (lip[0], it.height - 0.0012),
        *inside[1:],
        (inner_floor, 1.7 * FLOOR),
        (0.85 * inner_floor, FLOOR),
        (0.0, FLOOR),
    ]
    outer, inner, texture, word = _look(appearance)
    path = it.bar(24)
    half_axes = np.tile([it.thickness / 2, it.width / 2], (len(path), 1))
    handle_x = it.radius_at(it.handle_z) + it.reach
    rim_z = it.height - 0.008
    wall = it.radius_at(rim_z) - 0.5 * WALL
    body = shell[2:]
    return ObjectModel(
        visuals=(
            VisualPart(lathe(_rounded(shell[:2])), outer, 0.3),
            VisualPart(
                scaled_uv(lathe(_rounded(shell[1:])), 2.0, 1.0), outer, 0.25, texture=texture
            ),
            VisualPart(lathe(_rounded(lining)), inner, 0.2),
            VisualPart(tube(path, half_axes, 12, up=(0.0, 1.0, 0.0)), outer, 0.25),
        ),
        collisions=(
            *wall_hulls([(inner_floor, FLOOR), (lip[0], it.height)], [shell[1], *body], _STAVES),
            lathe_hull([(inner_floor, 0.0005), (inner_floor, FLOOR)], 12),
            *_handle_hulls(it),
        ),
        mass=MASS,
        points={
            "top": (0.0, 0.0, round(it.height, 5)),
            "bottom": (0.0, 0.0, 0.0),
            "body": (0.0, 0.0, round(it.height - _BODY_BELOW_RIM, 5)),
            "side": (round(-it.radius_at(it.height / 2), 5), 0.0, round(it.height / 2, 5)),
            "handle": (round(handle_x, 5), 0.0, round(it.handle_z, 5)),
            "opening": (round(handle_x - it.reach / 2, 5), 0.0, round(it.handle_z, 5)),
        },
        grasps={"rim": Grasp((0.0, round(-wall, 5), round(rim_z, 5)), (0.0, 1.0, 0.0))},
        # PhysX has neither drag of the air nor rolling friction, which stop a mug that swings.
        angular_damping=2.0,
        name=f"mug-{shape}-{appearance}",
        description=word,
    )


def _shape(shape: int) -> _Shape:
    """Measures of a shape: the unseen ones reach past both ends of the seen ones'."""
    rng = shape_rng("mug", shape)
    unseen = shape in UNSEEN
    low, high = (-0.2, 1.2) if unseen else (0.0, 1.0)
    spread = np.linspace(low, high, 7)[rng.permutation(7)] if unseen else rng.uniform(0, 1, 7)

    def measure(index: int, least: float, most: float) -> float:
        return round(least + float(spread[index]) * (most - least), 5)

    height = measure(1, 0.087, 0.101)
    return _Shape(
        kind=KINDS[shape % len(KINDS)],
        radius=measure(0, 0.0335, 0.036),
        height=height,
        reach=measure(2, 0.0275, 0.031),
        rise=measure(3, 0.021, 0.025),
        handle_z=round(height * 0.53, 5),
        squareness=measure(4, 2.1, 2.9),
        thickness=measure(5, 0.0075, 0.0095),
        width=measure(6, 0.010, 0.014),
    )


def _handle_hulls(it: _Shape) -> tuple[CollisionHull, ...]:
    """The handle's bar as convex pieces, one after the other."""
    path = it.bar(21)
    forward = np.gradient(path, axis=0)
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    outward = np.stack([-forward[:, 2], 0 * forward[:, 2], forward[:, 0]], axis=1)
    # The bar's section is an ellipse; an octagon of its area is near it.
    angles = np.deg2rad(22.5 + 45.0 * np.arange(8))
    side = np.array([0.0, 1.0, 0.0])
    rings = path[:, None] + 1.03 * (
        it.thickness / 2 * np.cos(angles)[None, :, None] * outward[:, None]
        + it.width / 2 * np.sin(angles)[None, :, None] * side
    )
    # Short pieces in the middle, where a peg bears.
    ends = [0, 5, 8, 10, 12, 15, 20]
    return tuple(hull(rings[[a, b]]) for a, b in pairwise(ends))


def _look(appearance: int) -> tuple[Color, Color, Texture | None, str]:
    """Colours of outside and inside, texture of the outside, and words for it."""
    rng = appearance_rng("mug", appearance)
    name, main = paint("mug", appearance)
    accent_name, accent = paint("mug", appearance, 1)
    cream = linear("#efe9da")
    inner = cream if name != "white" else accent
    kinds = ("banded", "chequered", "striped", "dotted", "two-tone")
    if appearance not in UNSEEN:
        kinds = ("plain", "ringed", "speckled", "two-tone", "dotted")
    kind = kinds[appearance % len(kinds)]
    light = cream if name != "white" else accent
    texture: Texture | None
    if kind == "plain":
        texture = None
    elif kind == "ringed":
        texture = textures.bands(
            [(0.55, main), (0.62, light), (0.70, main), (0.77, light), (1, main)]
        )
    elif kind == "speckled":
        texture = textures.speckled(main, light, rng)
    elif kind == "two-tone":
        texture = textures.bands([(0.45, accent), (1.0, main)])
    elif kind == "dotted":
        texture = textures.dots(main, light, 3 if appearance in UNSEEN else 5)
    elif kind == "banded":
        texture = textures.bands([(0.4, main), (0.75, light), (1.0, main)])
    elif kind == "chequered":
        texture = textures.checks(main, light, 4)
    else:
        texture = textures.stripes(main, light, 6)
    word = f"{name} and {accent_name}" if kind == "two-tone" else name
    return main, inner, texture, f"{kind} {word} mug" if kind != "plain" else f"{word} mug"


def _rounded(profile: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(round(r, 5), round(z, 5)) for r, z in profile]
