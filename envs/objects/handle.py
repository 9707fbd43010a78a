"""The coloured grip that hand tools have in common: a bar along x, thick where a hand closes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import trimesh

from envs import meshes
from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng
from envs.objects.model import Texture, VisualPart
from envs.objects.palette import paint
from envs.objects.shapes import from_solid, scaled_uv

GRASP_HALF_LENGTH = 0.028
"""Half length in metres of the part of a grip that has its full width: where a hand takes it."""

TILES_PER_METRE = 25.0
"""Repetitions of a handle's texture."""


def grip(
    stations: Iterable[tuple[float, float]], half_width: float, half_height: float, round: float
) -> trimesh.Trimesh:
    """A bar along x whose thickness varies.

    Args:
        stations: Where along x in metres, and how thick there in parts of the full thickness.
        half_width: Full half width along y in metres.
        half_height: Full half height along z in metres.
        round: Radius of a section's corners in parts of its smaller half size; 1 is a rod.
    """
    sections = []
    for x, part in stations:
        y, z = part * half_width, part * half_height
        sections.append((x, (-y, y), (-z, z), round * min(y, z)))
    return from_solid(meshes.beam(sections))


def painted_grip(family: str, appearance: int, mesh: trimesh.Trimesh) -> tuple[str, VisualPart]:
    """A grip in one of a family's appearances, and the word for its color.

    Seen ones are of one color; unseen ones are striped, chequered or dotted.
    """
    name, main = paint(family, appearance)
    accent = paint(family, appearance, 1)[1]
    roughness = round(float(appearance_rng(family, appearance).uniform(0.35, 0.8)), 2)
    if appearance not in UNSEEN:
        return name, VisualPart(mesh, main, roughness)
    patterns: tuple[Texture, ...] = (
        textures.stripes(main, accent, 3),
        textures.checks(main, accent, 3),
        textures.dots(main, accent, 4),
    )
    tiled = scaled_uv(mesh, TILES_PER_METRE, TILES_PER_METRE)
    return name, VisualPart(tiled, roughness=roughness, texture=patterns[appearance % 3])


def box_corners(
    x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The eight corners (8, 3) of a box."""
    return np.array([(a, b, c) for a in x for b in y for c in z])
