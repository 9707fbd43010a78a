"""Open bins to put things into: small ones for a desk and large ones for the floor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import trimesh
from numpy.typing import NDArray

from envs import meshes
from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import CollisionHull, Color, ObjectModel, VisualPart
from envs.objects.palette import paint
from envs.objects.shapes import from_solid, hull, scaled_uv, skin

Array = NDArray[np.float64]

WALL, FLOOR = 0.004, 0.006
"""Thickness of walls and floor in metres."""

_RIM_HEIGHT, _RIM_OUT = 0.008, 0.004
_TILES_PER_METRE = 12.0


@dataclass(frozen=True)
class _Size:
    """Bounds of a bin's half width at the rim and of its height, in metres, and its mass in kg."""

    half_width: tuple[float, float]
    height: tuple[float, float]
    mass: float


SIZES = {
    "desk": _Size((0.100, 0.112), (0.085, 0.110), 0.4),
    "floor": _Size((0.165, 0.185), (0.260, 0.320), 1.5),
}


@dataclass(frozen=True)
class _Outline:
    """What a bin looks like from above: a word, corners to draw and to touch it, their rounding.

    The rounding is a corner's radius in parts of the half width; 1 makes a circle.
    """

    word: str
    drawn: int
    touched: int
    rounding: float

    def ring(self, half_width: float, z: float, corners: int) -> Array:
        """Corners (corners, 3) of the outline at a height."""
        at = (1.0 - self.rounding) * half_width
        discs = [(x, y, self.rounding * half_width) for x in (-at, at) for y in (-at, at)]
        return np.insert(meshes.outline(discs, corners), 2, z, axis=1)


_OUTLINES = (
    _Outline("round", 40, 12, 1.0),
    _Outline("square", 24, 12, 0.25),
    _Outline("hexagonal", 6, 6, 1.0),
)


@cache
def bin(shape: int, appearance: int, size: str = "desk") -> ObjectModel:
    """An open bin: a `desk` bin about 21 cm wide and 10 cm high, or a `floor` bin, 35 and 29 cm.

    Frame: the origin is in the middle of its base, on the ground; z is up. Points: `rim`, the
    middle of the opening, `rim_side`, the point of the opening's inner edge along x, as near to
    `rim` as any other, and `floor`, the middle of the inner floor. No grasps: it stays where it
    is. Round, square and hexagonal outlines take turns with the shape's number.
    """
    outline = _OUTLINES[shape % len(_OUTLINES)]
    rng = shape_rng("bin", shape)
    # Unseen bins reach past both ends of what the seen ones measure.
    low, high = (-0.2, 1.2) if shape in UNSEEN else (0.0, 1.0)
    wide, tall, taper = (float(v) for v in rng.uniform(low, high, 3))
    bounds = SIZES[size]
    half_width = bounds.half_width[0] + wide * (bounds.half_width[1] - bounds.half_width[0])
    height = bounds.height[0] + tall * (bounds.height[1] - bounds.height[0])
    base = half_width * (0.96 - 0.20 * taper)
    # Down the outside, up to the rim, and down inside.
    profile = [
        (base, 0.0),
        (half_width, height),
        (half_width - WALL, height),
        (base - WALL, FLOOR),
    ]
    body = meshes.loft(np.array([outline.ring(w, z, outline.drawn) for w, z in profile]))
    rim = [
        (half_width, height - _RIM_HEIGHT),
        (half_width + _RIM_OUT, height - _RIM_HEIGHT),
        (half_width + _RIM_OUT, height + 0.001),
        (half_width - WALL - 0.0005, height + 0.001),
        (half_width - WALL - 0.0005, height - 0.002),
    ]
    band = skin(np.array([outline.ring(w, z, outline.drawn) for w, z in rim]), caps=False)
    name, visuals = _painted(appearance, from_solid(body), band)
    return ObjectModel(
        visuals=visuals,
        collisions=_pieces(outline, profile),
        mass=bounds.mass,
        points={
            "rim": (0.0, 0.0, round(height, 5)),
            "rim_side": (round(half_width - WALL, 5), 0.0, round(height, 5)),
            "floor": (0.0, 0.0, FLOOR),
        },
        name=f"bin-{shape}-{appearance}",
        description=f"{name} {outline.word} bin",
    )


def _pieces(outline: _Outline, profile: list[tuple[float, float]]) -> tuple[CollisionHull, ...]:
    """The floor, and the wall as a ring of convex pieces side by side."""
    rings = [outline.ring(w, z, outline.touched) for w, z in profile]
    base = profile[0][0]
    floor = [rings[0], outline.ring(base, FLOOR, outline.touched)]
    pieces = [hull(np.concatenate(floor))]
    for i in range(outline.touched):
        ends = [i, (i + 1) % outline.touched]
        pieces.append(hull(np.concatenate([ring[ends] for ring in rings])))
    return tuple(pieces)


def _painted(
    appearance: int, body: trimesh.Trimesh, band: trimesh.Trimesh
) -> tuple[str, tuple[VisualPart, VisualPart]]:
    """Body and rim in one of the appearances, and the word for the body's color."""
    rng = appearance_rng("bin", appearance)
    name, main = paint("bin", appearance)
    accent = paint("bin", appearance, 1)[1]
    roughness = round(float(rng.uniform(0.35, 0.8)), 2)
    darker: Color = (0.6 * main[0], 0.6 * main[1], 0.6 * main[2])
    edge = VisualPart(band, (darker, accent, main)[appearance % 3], roughness)
    if appearance not in UNSEEN:
        return name, (VisualPart(body, main, roughness), edge)
    pattern = (
        textures.stripes(main, darker, 2),
        textures.checks(main, darker, 4),
        textures.dots(main, accent, 2),
    )[appearance % 3]
    tiled = scaled_uv(body, _TILES_PER_METRE, _TILES_PER_METRE)
    return name, (VisualPart(tiled, roughness=roughness, texture=pattern), edge)
