"""Mug racks: a post on a foot, with pegs that slant upwards, as mug trees have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs import meshes
from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import (
    Collision,
    CollisionBox,
    CollisionCylinder,
    Color,
    ObjectModel,
    Texture,
    Vector,
    VisualPart,
)
from envs.objects.palette import linear, paint
from envs.objects.shapes import from_solid, joined, lathe, placed, scaled_uv

Array = NDArray[np.float64]

_WOODS = (("pine", "#c99a5b"), ("oak", "#9a6b3a"), ("walnut", "#5b3a22"))
_UNSEEN_WOODS = (("ash", "#d9c19a"), ("cherry", "#8a4a2c"), ("ebony", "#3a2a22"))


@dataclass(frozen=True)
class _Peg:
    """A peg in the rack's frame. Metres and radians.

    Attributes:
        azimuth: Where it points, about z from +x.
        slant: How much its tip points up.
        z: Height at which its axis leaves the post's axis.
        length: From the post's axis to the tip.
        radius: Of its round section.
    """

    azimuth: float
    slant: float
    z: float
    length: float
    radius: float

    @property
    def direction(self) -> Array:
        """Unit vector towards the tip."""
        flat = np.cos(self.slant)
        return np.array(
            [flat * np.cos(self.azimuth), flat * np.sin(self.azimuth), np.sin(self.slant)]
        )

    def at(self, distance: float) -> Array:
        """Point of its axis at a distance from the post's axis."""
        return np.array([0.0, 0.0, self.z]) + distance * self.direction

    def rotation(self) -> Rotation:
        """Turns z into its direction."""
        return Rotation.from_euler("ZY", [self.azimuth, np.pi / 2 - self.slant])


@dataclass(frozen=True)
class _Shape:
    """Measures of a rack in metres.

    Attributes:
        height: Of the post.
        post: Its radius.
        foot, foot_height: Radius (or half edge) and height of what it stands on.
        square: Whether the foot is square.
        hook: Distance from the post's axis at which a mug hangs.
        pegs: The pegs, first the one towards the robot's left.
    """

    height: float
    post: float
    foot: float
    foot_height: float
    square: bool
    hook: float
    pegs: tuple[_Peg, ...]


@cache
def mug_rack(shape: int, appearance: int) -> ObjectModel:
    """A mug tree, 27 to 34 cm high, with two to four pegs of 10 to 11 cm.

    Frame: z up along its post; the origin is in the middle of its bottom. Its first peg points
    to -x and a little to -y; the others point to the right and to the back. Points, for each peg
    `i` from 0 on: `hook_i`, on the peg's upper side, where a mug's handle is to bear, and `tip_i`,
    where that side ends. It has no mass: it is to stand fixed.
    """
    it = _shape(shape)
    rng = appearance_rng("mug_rack", appearance)
    word, color, texture, accent = _look(appearance, rng)
    roughness = 0.6 if texture is not None else 0.35
    metallic = 0.0
    finial = it.post * 1.35
    post = lathe(
        [
            (it.post * 1.5, it.foot_height),
            (it.post * 1.1, it.foot_height + 0.008),
            (it.post, it.foot_height + 0.018),
            (it.post, it.height),
            *(
                (float(finial * np.sin(a)), float(it.height + finial * (1 - np.cos(a)) - 0.004))
                for a in np.linspace(np.deg2rad(48), np.pi, 7)[:-1]
            ),
            (0.0, it.height + 2 * finial - 0.004),
        ],
        20,
    )
    edge = (-it.foot, it.foot)
    solid = (
        meshes.block(edge, edge, (0.0, it.foot_height), 0.003)
        if it.square
        else meshes.cylinder((0.0, 0.0, it.foot), 0.0, it.foot_height, "z", 40)
    )
    foot = scaled_uv(from_solid(solid), 8.0, 8.0)
    pegs = joined(*(_peg_mesh(peg) for peg in it.pegs))
    foot_piece: Collision = (
        CollisionBox((it.foot, it.foot, it.foot_height / 2), (0.0, 0.0, it.foot_height / 2))
        if it.square
        else CollisionCylinder(it.foot, it.foot_height / 2, (0.0, 0.0, it.foot_height / 2))
    )
    half = round(it.height / 2, 5)
    pieces: list[Collision] = [foot_piece, CollisionCylinder(it.post, half, (0.0, 0.0, half))]
    points: dict[str, Vector] = {}
    for i, peg in enumerate(it.pegs):
        pieces += _peg_pieces(peg)
        above = np.array([0.0, 0.0, peg.radius / np.cos(peg.slant)])
        points[f"hook_{i}"] = _vector(peg.at(it.hook) + above)
        points[f"tip_{i}"] = _vector(peg.at(peg.length) + above)
    return ObjectModel(
        visuals=(
            VisualPart(foot, accent, roughness, metallic, texture),
            VisualPart(post, color, roughness, metallic, texture),
            VisualPart(pegs, color, roughness, metallic, texture),
        ),
        collisions=tuple(pieces),
        points=points,
        name=f"mug_rack-{shape}-{appearance}",
        description=f"{word} mug rack",
    )


def _shape(shape: int) -> _Shape:
    """Measures of a shape: the unseen ones reach past both ends of the seen ones'."""
    rng = shape_rng("mug_rack", shape)
    unseen = shape in UNSEEN
    spread = (
        np.linspace(-0.2, 1.2, 10)[rng.permutation(10)] if unseen else rng.uniform(0.0, 1.0, 10)
    )

    def measure(index: int, least: float, most: float) -> float:
        return round(least + float(spread[index]) * (most - least), 5)

    radius, slant = measure(0, 0.0048, 0.0060), measure(1, np.deg2rad(12), np.deg2rad(17))
    azimuth, length = np.pi + measure(2, 0.30, 0.50), measure(3, 0.100, 0.110)
    z = measure(4, 0.172, 0.188)
    # The front stays free: there a hand comes with a mug.
    turns = ((np.pi, 0.03), (1.65 * np.pi, 0.075), (1.3 * np.pi, 0.045))
    count = 1 + shape % 3
    pegs = [_Peg(azimuth, slant, z, length, radius)]
    for turn, higher in turns[:count]:
        pegs.append(_Peg(azimuth + turn, slant, z + higher, length, radius))
    return _Shape(
        height=measure(5, 0.285, 0.33),
        post=measure(6, 0.0085, 0.0105),
        foot=measure(7, 0.058, 0.070),
        foot_height=measure(8, 0.012, 0.020),
        square=shape % 2 == 1,
        hook=0.075,
        pegs=tuple(pegs),
    )


def _peg_mesh(peg: _Peg) -> trimesh.Trimesh:
    """A round rod with a knob at its end."""
    r, knob = peg.radius, 1.45 * peg.radius
    profile = [
        (r, 0.0),
        (r, peg.length - 0.014),
        (knob, peg.length - 0.010),
        (knob, peg.length - 0.004),
        (0.6 * knob, peg.length),
        (0.0, peg.length),
    ]
    matrix = np.eye(4)
    matrix[:3, :3] = peg.rotation().as_matrix()
    matrix[2, 3] = peg.z
    return placed(lathe([(round(a, 5), round(b, 5)) for a, b in profile], 14), matrix)


def _peg_pieces(peg: _Peg) -> list[Collision]:
    """The rod and its knob."""
    w, x, y, z = (round(float(v), 6) for v in peg.rotation().as_quat(scalar_first=True))
    half = peg.length / 2
    return [
        CollisionCylinder(peg.radius, round(half, 5), _vector(peg.at(half)), (w, x, y, z)),
        CollisionCylinder(
            round(1.45 * peg.radius, 5), 0.005, _vector(peg.at(peg.length - 0.006)), (w, x, y, z)
        ),
    ]


def _look(appearance: int, rng: np.random.Generator) -> tuple[str, Color, Texture | None, Color]:
    """A word, the color of post and pegs, their texture, the foot's color."""
    unseen = appearance in UNSEEN
    if appearance % 2 == 0:
        name, srgb = (_UNSEEN_WOODS if unseen else _WOODS)[(appearance // 2) % 3]
        color = linear(srgb)
        return f"{name} wood", color, textures.wood(color, rng, int(rng.integers(3, 9))), color
    name, color = paint("mug_rack", appearance)
    return f"{name} lacquered", color, None, paint("mug_rack", appearance, 1)[1]


def _vector(values: Array) -> Vector:
    x, y, z = (round(float(value), 5) for value in values)
    return x, y, z
