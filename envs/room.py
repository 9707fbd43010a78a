"""The room that every task takes place in: floor, walls, table."""

from __future__ import annotations

from functools import cache

import numpy as np
import sapien
import trimesh

from envs.objects.model import CollisionBox, Color, ObjectModel, Vector, VisualPart, flat_shaded
from envs.scene_settings import SceneSettings, Surface

TABLE_HALF_SIZE = (0.6, 0.35, 0.025)
"""Half sizes of the table's top in m; its middle is at x = y = 0."""

_FLOOR: Color = (0.46, 0.44, 0.42)
_LEGS: Color = (0.25, 0.25, 0.26)
_WALLS: dict[str, tuple[Vector, Vector]] = {
    "wall": ((3.0, 0.6, 1.5), (0.0, 1.0, 1.5)),
    "wall_left": ((0.1, 3.0, 1.5), (-3.1, 0.0, 1.5)),
    "wall_right": ((0.1, 3.0, 1.5), (3.1, 0.0, 1.5)),
    "wall_back": ((3.0, 0.1, 1.5), (0.0, -3.1, 1.5)),
}


def room(settings: SceneSettings) -> dict[str, tuple[ObjectModel, sapien.Pose]]:
    """What stands in the room, by name: models and poses."""
    top = settings.table_height
    half_leg = (top - 2 * TABLE_HALF_SIZE[2]) / 2
    things = {
        "floor": (ObjectModel.box((3.0, 3.0, 0.05), _FLOOR), (0.0, 0.0, -0.05)),
        "table": (_box(TABLE_HALF_SIZE, settings.table), (0.0, 0.0, top - TABLE_HALF_SIZE[2])),
    }
    for name, (half_size, center) in _WALLS.items():
        things[name] = (_box(half_size, settings.wall), center)
    leg = ObjectModel.box((0.025, 0.025, half_leg), _LEGS)
    for x in (-0.55, 0.55):
        for y in (-0.30, 0.30):
            things[f"table_leg_{x}_{y}"] = (leg, (x, y, half_leg))
    return {name: (model, sapien.Pose(center)) for name, (model, center) in things.items()}


def _box(half_size: Vector, surface: Surface) -> ObjectModel:
    if surface.texture is None:
        return ObjectModel.box(half_size, surface.color)
    part = VisualPart(_mapped_box(half_size, surface.tile), texture=surface.texture)
    return ObjectModel((part,), (CollisionBox(half_size),))


@cache
def _mapped_box(half_size: Vector, tile: float) -> trimesh.Trimesh:
    """A box whose texture coordinates are lengths along its faces, in tiles."""
    mesh = flat_shaded(trimesh.creation.box(extents=2 * np.asarray(half_size)))
    across = np.abs(mesh.vertex_normals).argmax(axis=1)
    u = np.where(across == 0, mesh.vertices[:, 1], mesh.vertices[:, 0])
    v = np.where(across == 2, mesh.vertices[:, 1], mesh.vertices[:, 2])
    uv = np.stack([u, v], axis=1) / tile
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv)  # type: ignore[no-untyped-call]
    return mesh
