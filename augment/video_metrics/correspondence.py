"""Where the surface points that one picture shows are in another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SAME_POINT = 0.01
"""Greatest difference of depth of one surface point in two pictures, as a part of it."""
SAME_SURFACE = 0.05
"""Likewise of the four pixels around it: more is an edge, or seen at too flat an angle."""
COARSER = 1.2
"""How much wider a pixel of the other picture may be on the surface than the pixel compared.

A picture from nearby has details that one from afar cannot have. So pixels are looked up in finer
pictures only; whatever two pictures share is compared from one side or the other.
"""


class Geometry(NamedTuple):
    """Depth and cameras of N pictures.

    Attributes:
        depth: (N, H, W) float32 in m, 0 invalid.
        intrinsic_cv: (N, 3, 3) pixels.
        extrinsic_cv: (N, 4, 4) world to camera, OpenCV axes.
    """

    depth: NDArray[np.float32]
    intrinsic_cv: NDArray[np.float32]
    extrinsic_cv: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Correspondence:
    """Pixels of N pictures and where their surface points are in N others.

    Attributes:
        source: (M,) which pixels, counted through the N pictures.
        corners: (4, M) the other pictures' pixels around each point, likewise.
        weights: (4, M) bilinear weights of those.
    """

    source: NDArray[np.intp]
    corners: NDArray[np.intp]
    weights: NDArray[np.float32]

    def seen(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the first pictures (N, H, W, C) show of the points: (M, C)."""
        return pictures.reshape(-1, pictures.shape[-1])[self.source]

    def seen_by_other(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the other pictures (N, H, W, C) show of the same points: (M, C), bilinear."""
        around = pictures.reshape(-1, pictures.shape[-1])[self.corners]
        mixed: NDArray[np.float32] = np.einsum("km,kmc->mc", self.weights, around)
        return mixed


def correspond(source: Geometry, target: Geometry) -> Correspondence:
    """Finds the pixels of N pictures in N others, picture by picture.

    A pixel's centre is lifted by its depth and projected into the other picture. It counts where it
    lands between four pixels with depth there, and the depth found there is its own: then nothing
    hides it, and between two moments it has not moved. The depth between pixels is interpolated as
    its inverse, which is linear on planes.

    Args:
        source: Whose pixels are looked for.
        target: Where.
    """
    _, height, width = source.depth.shape
    relative = target.extrinsic_cv.astype(np.float64) @ np.linalg.inv(
        source.extrinsic_cv.astype(np.float64)
    )
    turn = (
        target.intrinsic_cv
        @ relative[:, :3, :3]
        @ np.linalg.inv(source.intrinsic_cv.astype(np.float64))
    )
    shift = target.intrinsic_cv @ relative[:, :3, 3:]
    rows, columns = np.mgrid[:height, :width].reshape(2, -1) + np.float32(0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)]).astype(np.float32)
    depth = source.depth.reshape(len(source.depth), -1)
    points = depth[:, None] * (turn.astype(np.float32) @ pixels) + shift.astype(np.float32)

    ahead = (depth > 0) & (points[:, 2] > 1e-3)
    z = np.where(ahead, points[:, 2], 1.0)
    # From here on, coordinates count from the first pixel's centre.
    x, y = points[:, 0] / z - 0.5, points[:, 1] / z - 0.5
    inside = ahead & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    picture, pixel = np.nonzero(inside)
    x, y, z = x[inside], y[inside], z[inside]
    column, row = (
        np.minimum(x.astype(np.intp), width - 2),
        np.minimum(y.astype(np.intp), height - 2),
    )
    right, down = (x - column).astype(np.float32), (y - row).astype(np.float32)
    first = (picture * height + row) * width + column
    corners = np.stack([first, first + 1, first + width, first + width + 1])
    weights = np.stack(
        [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
    )

    around = target.depth.reshape(-1)[corners]
    known = (around > 0).all(axis=0)
    closeness = z / np.where(around > 0, around, np.inf)  # 1 where the depths agree
    same_point = np.abs((weights * closeness).sum(axis=0) - 1) < SAME_POINT
    same_surface = np.abs(closeness - 1).max(axis=0) < SAME_SURFACE
    width_here = depth[picture, pixel] / _focal(source.intrinsic_cv)[picture]
    width_there = z / _focal(target.intrinsic_cv)[picture]
    keep = known & same_point & same_surface & (width_there < COARSER * width_here)
    return Correspondence(
        (picture * height * width + pixel)[keep], corners[:, keep], weights[:, keep]
    )


def _focal(intrinsic_cv: NDArray[np.float32]) -> NDArray[np.float32]:
    """Focal lengths (N,) in pixels: the geometric mean, where pixels are not square."""
    focal: NDArray[np.float32] = np.sqrt(intrinsic_cv[:, 0, 0] * intrinsic_cv[:, 1, 1])
    return focal
