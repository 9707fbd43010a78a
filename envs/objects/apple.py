"""Apples: flat, round and tall ones, turned on a lathe, with a stem and perhaps a leaf."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from envs.objects import textures
from envs.objects.instances import FOR_GENERATORS, UNSEEN, appearance_rng, shape_rng
from envs.objects.model import Color, Grasp, ObjectModel, Texture, VisualPart
from envs.objects.palette import linear, swatch
from envs.objects.shapes import lathe, lathe_hull, tube

MASS = 0.1
"""Kilograms: a small apple; RoboTwin 1.0's weighs 10 g."""

_CORNERS = 16
_STEM: Color = linear("#4b3620")
_LEAF: Color = linear("#3f7a2c")

Array = NDArray[np.float64]
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class _Variety:
    """What the skin of an apple looks like.

    Attributes:
        name: Word for its color.
        ground: Color of the shaded side, sRGB.
        blush: Color of the sunny side, sRGB.
        part: Part of the skin that the blush covers.
        streaks: How much the blush breaks up into streaks, 0 .. 1.
    """

    name: str
    ground: str
    blush: str
    part: float
    streaks: float


_VARIETIES = (
    _Variety("red", "#a81a1c", "#8e1016", 0.6, 0.4),
    _Variety("green", "#77a32c", "#8db33c", 0.5, 0.2),
    _Variety("yellow", "#dcc045", "#e0b32f", 0.4, 0.1),
    _Variety("red and yellow", "#d9b13f", "#b3251e", 0.55, 0.8),
    _Variety("dark red", "#5c0d16", "#470810", 0.6, 0.3),
    _Variety("red and green", "#8fac3a", "#a3281f", 0.5, 0.6),
    _Variety("light green", "#b4cc62", "#a4c050", 0.4, 0.2),
    _Variety("scarlet", "#c42f22", "#a81c18", 0.5, 0.9),
    _Variety("golden", "#d8a53a", "#cf8a2c", 0.5, 0.3),
    _Variety("rosy", "#dccb78", "#c8483f", 0.75, 0.7),
    # Unseen from here on.
    _Variety("pink", "#e2a39b", "#cf5f6e", 0.6, 0.4),
    _Variety("purple", "#4d1730", "#351022", 0.6, 0.5),
    _Variety("russet brown", "#8f6a35", "#a27b42", 0.5, 0.2),
    _Variety("orange", "#dc8a35", "#cc4f23", 0.6, 0.6),
    _Variety("cream", "#e6dca8", "#ddc878", 0.5, 0.3),
    _Variety("striped", "#e3cf86", "#a01c26", 0.95, 1.0),
    _Variety("olive green", "#6d7430", "#7f5b2a", 0.5, 0.4),
    _Variety("wine red", "#7a1530", "#a2383e", 0.5, 0.8),
    _Variety("pale yellow and pink", "#e8dc9a", "#d97f8c", 0.55, 0.5),
    _Variety("almost black", "#26101a", "#3a1420", 0.5, 0.5),
)


def _variety(appearance: int) -> _Variety:
    if appearance not in FOR_GENERATORS:
        return _VARIETIES[appearance]
    (name, ground), (_, blush) = (swatch("apple", appearance, place) for place in (0, 1))
    return _Variety(name, ground, blush, part=0.4, streaks=0.3)


@cache
def apple(shape: int, appearance: int) -> ObjectModel:
    """An apple of 100 g, 6.0 to 7.1 cm across and 4.5 to 6.4 cm high.

    RoboTwin's is 8.5 cm across, which hardly goes between fingers that open 9 cm. Frame: it stands
    along z on the rim round its lower dimple; the origin is on its axis at half of its height,
    stem aside. Points: `top` and `bottom`, in the planes of the two rims. Grasp: `body` closes
    along x where it is widest; any level direction will do.
    """
    profile = _profile(shape)
    half = max(z for _, z in profile)
    widest = max(profile)
    rng = appearance_rng("apple", appearance)
    variety = _variety(appearance)
    stem, tip = _stem(profile[-1][1], half, rng)
    visuals = [
        VisualPart(
            lathe(profile, 28),
            roughness=round(float(rng.uniform(0.25, 0.5)), 2),
            texture=_skin(variety, rng),
        ),
        VisualPart(stem, _STEM, 0.9),
    ]
    if appearance % 3 == 0:
        visuals.append(VisualPart(_leaf(tip, rng), _LEAF, 0.6))
    return ObjectModel(
        visuals=tuple(visuals),
        collisions=(lathe_hull(profile[::2], _CORNERS),),
        mass=MASS,
        points={"top": (0.0, 0.0, half), "bottom": (0.0, 0.0, -half)},
        grasps={"body": Grasp((0.0, 0.0, widest[1]), (1.0, 0.0, 0.0))},
        # PhysX has no rolling friction, which stops a real apple.
        angular_damping=4.0,
        name=f"apple-{shape}-{appearance}",
        description=f"{variety.name} apple",
    )


def _profile(shape: int) -> Points:
    """Radius and z from the bottom of the lower dimple to the bottom of the upper one."""
    rng = shape_rng("apple", shape)
    # Unseen apples are flatter, taller and more tapered than the seen ones.
    low, high = (-0.25, 1.25) if shape in UNSEEN else (0.0, 1.0)
    form, taper, size, top, bottom = (float(v) for v in rng.uniform(low, high, 5))
    form = low + (shape % 10 + 0.5) / 10 * (high - low) + 0.03 * (form - 0.5)
    radius = 0.0305 + 0.0045 * min(max(size, -0.2), 1.1)
    tallness, taper = 0.87 + 0.22 * form, 0.03 + 0.13 * max(taper, 0.0)
    depths = 0.004 + 0.003 * bottom, 0.007 + 0.004 * top
    angle = np.linspace(0.0, np.pi, 25)
    r = np.sin(angle) ** 0.9
    z = -np.cos(angle)
    r = r * (1 - taper * (1 - z) / 2)
    r *= radius / r.max()
    z = z * radius * tallness
    for sign, depth, width in ((-1.0, depths[0], 0.30), (1.0, depths[1], 0.36)):
        dent = np.exp(-((r / (width * radius)) ** 2)) * (sign * z > 0)
        z = z - sign * (depth + 0.002) * dent
    r[0] = r[-1] = 0.0
    # It stands on a ring, not on an edge.
    z = np.maximum(z, z.min() + 0.0008)
    z -= (z.max() + z.min()) / 2
    return [(round(float(a), 5), round(float(b), 5)) for a, b in zip(r, z, strict=True)]


def _stem(base: float, top: float, rng: np.random.Generator) -> tuple[trimesh.Trimesh, Array]:
    """A bent stem out of the upper dimple, and where it ends.

    Args:
        base: z of the dimple's bottom.
        top: z of the rim round the dimple.
        rng: Source of its bend and length.
    """
    along = np.linspace(0.0, 1.0, 6)
    height = top - base + rng.uniform(0.006, 0.012)
    heading, bend = rng.uniform(-np.pi, np.pi), rng.uniform(0.002, 0.006)
    sideways = bend * along**2
    path = np.stack(
        [
            sideways * np.cos(heading),
            sideways * np.sin(heading),
            base - 0.001 + (height + 0.001) * along,
        ],
        axis=1,
    )
    radii = 0.0013 + 0.0007 * along**3
    return tube(path, radii, 8, up=(1.0, 0.0, 0.0)), path[3]


def _leaf(start: Array, rng: np.random.Generator) -> trimesh.Trimesh:
    """A leaf that grows out of the stem."""
    along = np.linspace(0.0, 1.0, 9)
    heading, length = rng.uniform(-np.pi, np.pi), rng.uniform(0.026, 0.034)
    out = length * along
    rise = 0.008 * np.sin(2.2 * along)
    path = start + np.stack([out * np.cos(heading), out * np.sin(heading), rise], axis=1)
    half_width = 0.0005 + 0.0085 * np.sin(np.pi * along) ** 0.8
    return tube(path, np.stack([half_width, 0.0004 + 0 * along], axis=1), 8)


def _skin(variety: _Variety, rng: np.random.Generator) -> Texture:
    """The skin: a blush on one side, streaks from pole to pole, specks, green or brown dimples."""
    width, height = 256, 128
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    sunny = np.cos(2 * np.pi * (u - rng.random()))
    streaks = np.zeros_like(u)
    for count in rng.integers(9, 40, 7):
        sway = 0.4 * np.sin(2 * np.pi * v * rng.uniform(0.5, 1.5))
        streaks += np.sin(2 * np.pi * (int(count) * u + rng.random()) + sway)
    edge = sunny + np.cos(np.pi * variety.part) * 1.2 + 0.35 * variety.streaks * streaks
    blush = 1 / (1 + np.exp(-3.0 * edge - 1.0 * (v - 0.5)))
    ground, sun = np.array(linear(variety.ground)), np.array(linear(variety.blush))
    image = ground + blush[..., None] * (sun - ground)
    specks = np.stack([2 * rng.random(150), rng.uniform(0.15, 0.9, 150)], axis=1)
    # Twice round the fruit is as far as pole to pole, and u has no end.
    distance, _ = cKDTree(specks, boxsize=(2.0, 2.0)).query(np.stack([2 * u, v], axis=2))
    image[distance < 0.007] = 0.6 * ground + 0.25
    pole = np.clip((np.abs(v - 0.5) - 0.44) / 0.06, 0.0, 1.0)[..., None]
    image = image + 0.6 * pole * (np.array(linear("#7d7a34")) - image)
    return textures.encoded(image)
