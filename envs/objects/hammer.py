"""A hammer that lies with its face down, ready to be taken by its handle."""

from __future__ import annotations

from functools import cache

import numpy as np
import trimesh

from envs.objects.model import (
    CollisionBox,
    CollisionCylinder,
    ObjectModel,
    VisualPart,
    flat_shaded,
)

HANDLE_RADIUS = 0.012
HANDLE_FROM, HANDLE_TO = -0.075, 0.065
HEAD_RADIUS, HEAD_X = 0.0155, 0.08
FACE_Z, HEAD_TOP_Z = -0.045, 0.030

REST_TILT = float(np.arcsin((-FACE_Z - HANDLE_RADIUS) / (HEAD_X + HEAD_RADIUS - HANDLE_FROM)))
"""Angle in rad by which the handle's end hangs down when the hammer rests on its face's far rim."""


def _revolved(profile: list[tuple[float, float]], sections: int = 24) -> trimesh.Trimesh:
    """Turns a profile of (radius, z); smooth round the axis, hard at edges over 35 degrees."""
    mesh = trimesh.creation.revolve(profile, sections=sections)
    shaded: trimesh.Trimesh = trimesh.graph.smooth_shade(mesh, angle=np.deg2rad(35.0))
    return shaded


@cache
def hammer(shape: int, appearance: int) -> ObjectModel:
    """The hammer, 17 cm long, 100 g (RoboTwin's copy: 2.7 x 17.5 x 13.4 cm, 1 g).

    Frame: the handle lies along x with the head at +x; the face looks along -z. Points: `grasp`
    in the handle's middle, `face` in the middle of the face.
    """
    handle = _revolved(
        [
            (0.0, HANDLE_FROM),
            (0.009, HANDLE_FROM),
            (HANDLE_RADIUS, HANDLE_FROM + 0.006),
            (HANDLE_RADIUS, HANDLE_FROM + 0.03),
            (0.0095, 0.0),
            (HANDLE_RADIUS * 0.8, HANDLE_TO),
            (0.0, HANDLE_TO),
        ]
    )
    # The profiles run along z; the handle lies along x.
    handle.apply_transform([[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])
    head = _revolved(
        [
            (0.0, FACE_Z),
            (HEAD_RADIUS - 0.002, FACE_Z),
            (HEAD_RADIUS, FACE_Z + 0.002),
            (HEAD_RADIUS, FACE_Z + 0.016),
            (0.011, FACE_Z + 0.022),
            (0.011, -0.013),
            (0.014, -0.011),
            (0.014, 0.013),
            (0.011, 0.017),
            (0.008, HEAD_TOP_Z),
            (0.0, HEAD_TOP_Z),
        ]
    )
    head.apply_translation([HEAD_X, 0.0, 0.0])
    band = flat_shaded(trimesh.creation.box(extents=[0.012, 0.021, 0.021]))
    band.apply_translation([HANDLE_TO - 0.006, 0.0, 0.0])
    half_head = (HEAD_TOP_Z - FACE_Z) / 2
    half_handle = (HANDLE_TO - HANDLE_FROM) / 2
    return ObjectModel(
        visuals=(
            VisualPart(handle, (0.45, 0.22, 0.07), roughness=0.6),
            VisualPart(head, (0.22, 0.23, 0.25), roughness=0.35, metallic=0.3),
            VisualPart(band, (0.12, 0.12, 0.13), roughness=0.5),
        ),
        collisions=(
            CollisionBox(
                (half_handle, HANDLE_RADIUS, HANDLE_RADIUS),
                ((HANDLE_FROM + HANDLE_TO) / 2, 0.0, 0.0),
            ),
            CollisionCylinder(HEAD_RADIUS, half_head, (HEAD_X, 0.0, (HEAD_TOP_Z + FACE_Z) / 2)),
        ),
        mass=0.1,
        points={"grasp": (0.0, 0.0, 0.0), "face": (HEAD_X, 0.0, FACE_Z)},
    )
