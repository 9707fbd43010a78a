"""What bowls and cups share: hollow, open at the top, turned on a lathe, taken by the rim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from trimesh import Trimesh

from envs.objects.model import Collision, Grasp, Vector
from envs.objects.shapes import lathe, lathe_hull, wall_hulls

STAVES = 12
"""Convex pieces round the wall. They are flat: fingers hold in the middle of one."""
GRASP_DEPTH = 0.006
"""How far below the top of the rim a grasp's point is, metres."""
_HELD = 0.018
"""Height in metres of the wall that the fingers hold, which gives the grasp its slope."""
_LIP = 3
"""Segments of the rounded rim."""

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Vessel:
    """A vessel of even thickness round the z axis, its origin in the middle of its bottom.

    Attributes:
        outside: Profile of (radius, z): the wall's outer face, from the foot's top to the rim.
        thickness: Of the wall and the floor in metres.
        foot: Radius of what it stands on.
        foot_height: Height of a foot ring below the wall, 0 for none.
    """

    outside: Sequence[tuple[float, float]]
    thickness: float
    foot: float
    foot_height: float = 0.0

    @property
    def height(self) -> float:
        """Height of the rim's top in metres."""
        return self.outside[-1][1]

    @property
    def floor(self) -> float:
        """Height of the floor inside in metres."""
        return self.foot_height + self.thickness

    def _outer(self, z: float) -> float:
        radii, heights = np.array(self.outside).T
        return float(np.interp(z, heights, radii))

    def _inside(self) -> NDArray[np.float64]:
        """The wall's inner face, from the floor to the rim: the outer one moved inwards."""
        outer = np.array(self.outside)
        slope = np.gradient(outer, axis=0)
        normals = np.stack([slope[:, 1], -slope[:, 0]], axis=1)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        inner = outer - self.thickness * normals
        inner[-1] = outer[-1] - [self.thickness, 0.0]
        above = inner[(inner[:, 1] > self.floor + 0.0015) & (inner[:, 1] <= self.height)]
        edge = np.interp(self.floor, inner[:, 1], inner[:, 0])
        return np.concatenate([[[edge, self.floor]], above])

    def _inner(self, z: float) -> float:
        radii, heights = self._inside().T
        return float(np.interp(z, heights, radii))

    def meshes(self, sections: int = 40) -> tuple[Trimesh, Trimesh]:
        """Outside and inside; they meet on top of the rounded rim.

        Texture coordinates: u once round, v from 0 at the bottom to 1 at the rim, and inside from
        0 at the rim to 1 in the middle of the floor.
        """
        half = self.thickness / 2
        arc = np.linspace(0.0, np.pi, 2 * _LIP + 1)
        middle = self.outside[-1][0] - half
        lip = [
            (middle + half * float(np.cos(a)), self.height - half + half * float(np.sin(a)))
            for a in arc
        ]
        base: Points = [(0.0, 0.0)]
        if self.foot_height:
            base = [(0.0, 0.6 * self.foot_height), (0.85 * self.foot, 0.6 * self.foot_height)]
            base += [(0.87 * self.foot, 0.0), (self.foot, 0.0)]
        wall = [(r, z) for r, z in self.outside if z < self.height - half - 1e-4]
        inside = [(float(r), float(z)) for r, z in self._inside()[::-1]]
        inside = [(r, z) for r, z in inside if z < self.height - half - 1e-4]
        return (
            lathe([*base, *wall, *lip[: _LIP + 1]], sections),
            lathe([*lip[_LIP:], *inside, (0.0, self.floor)], sections),
        )

    def collisions(self, tiers: Sequence[tuple[float, int]] = ()) -> tuple[Collision, ...]:
        """The floor, and the wall in staves.

        Args:
            tiers: For a wall that bulges: heights at which it is cut, from the bottom up, and how
                many staves it has below each; above the last it has `STAVES`.
        """
        base = [(self.foot, 0.0), (self._outer(self.floor), self.floor)]
        pieces: list[Collision] = [lathe_hull(base)]
        low = self.floor
        for high, staves in (*tiers, (self.height, STAVES)):
            heights = np.linspace(low, high, 5)
            inner = [(self._inner(z), float(z)) for z in heights]
            outer = [(self._outer(z), float(z)) for z in heights]
            pieces += wall_hulls(inner, outer, staves)
            low = high
        return tuple(pieces)

    def points(self) -> dict[str, Vector]:
        """The named points.

        `top` and `bottom` are on the axis, at the rim's height and where it stands; `rim` is in
        the middle of the wall where it is grasped, in the x-z plane.
        """
        z = self.height - GRASP_DEPTH
        return {
            "top": (0.0, 0.0, round(self.height, 5)),
            "bottom": (0.0, 0.0, 0.0),
            "rim": (round((self._outer(z) + self._inner(z)) / 2, 5), 0.0, round(z, 5)),
        }

    def grasps(self) -> dict[str, Grasp]:
        """Grasps of the wall, one on each stave: `rim_15`, `rim_45`, ... by the angle from x.

        Fingers close square to the wall, one of them inside. Closing directions point outwards;
        where the wall leans outwards they point downwards, too.
        """
        z = self.height - GRASP_DEPTH
        radius = (self._outer(z) + self._inner(z)) / 2
        # Flat staves lie a little further in than the round wall.
        radius *= (1 + np.cos(np.pi / STAVES)) / 2
        lean = np.arctan2(self._outer(self.height) - self._outer(self.height - _HELD), _HELD)
        grasps = {}
        for i in range(STAVES):
            angle = (i + 0.5) * 2 * np.pi / STAVES
            outward = np.array([np.cos(angle), np.sin(angle), 0.0])
            closing = np.cos(lean) * outward - np.sin(lean) * np.array([0.0, 0.0, 1.0])
            x, y, up = (round(float(v), 6) for v in closing)
            grasps[f"rim_{round(np.degrees(angle))}"] = Grasp(
                (round(radius * float(outward[0]), 5), round(radius * float(outward[1]), 5), z),
                (x, y, up),
            )
        return grasps
