"""Textures that lie on the surfaces of a scene, seen by a camera whose depth is known.

A pixel's color is a function of the surface point that it shows, so that a texture stays where it
is while cameras move, and all views show the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.objects.model import Texture

Floats = NDArray[np.float32]

_ACROSS = np.array([[1, 2], [0, 2], [0, 1]])
"""The axes that a texture lies along on a face across x, y or z: as the room's own textures."""


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """N points on faces of a scene.

    Attributes:
        place: (N, 2) metres along the face that each is on.
        pixel: (N,) metres on the surface from one pixel to the next, the longer way.
    """

    place: Floats
    pixel: Floats

    def some(self, mask: NDArray[np.bool_]) -> SurfacePoints:
        """Those of the points that a mask (N,) has."""
        return SurfacePoints(self.place[mask], self.pixel[mask])


def surface_points(world: Floats, surface: NDArray[np.int16]) -> SurfacePoints:
    """The points of a picture that belong to surfaces, row by row.

    A face is taken to lie across the axis along which its points differ least from their
    neighbours: exactly so for axis-parallel boxes, as the room's things are, and the dominant axis
    of any other. Depth is taken as exact; its noise would show as noise of the texture.

    Args:
        world: (H, W, 3) m, what each pixel shows.
        surface: (H, W) which thing each pixel belongs to, 0 where it is left out.
    """
    chosen = surface > 0
    right, down = (_to_neighbour(world, surface, axis)[chosen] for axis in (1, 0))
    axes = _ACROSS[np.argmin(right**2 + down**2, axis=1)]
    place = np.take_along_axis(world[chosen], axes, axis=1)
    along = (np.take_along_axis(step, axes, axis=1) for step in (right, down))
    lengths = [np.hypot(step[:, 0], step[:, 1]) for step in along]
    return SurfacePoints(place, np.maximum(*lengths))


def _to_neighbour(world: Floats, surface: NDArray[np.int16], axis: int) -> Floats:
    """The way (H, W, 3) to the nearer of both neighbours on the same thing; 0 where none is."""

    def padded(array: NDArray[Any], before: int, value: float) -> NDArray[Any]:
        widths = [(0, 0)] * array.ndim
        widths[axis] = (before, 1 - before)
        return np.pad(array, widths, constant_values=value)

    step = np.diff(world, axis=axis)
    same = np.diff(surface, axis=axis) == 0
    square = np.where(same, np.einsum("hwc,hwc->hw", step, step), np.inf)
    ahead, behind = padded(square, 0, np.inf), padded(square, 1, np.inf)
    nearer = (ahead <= behind)[..., None]
    steps: Floats = np.where(nearer, padded(step, 0, 0.0), padded(step, 1, 0.0))
    steps[np.isinf(np.minimum(ahead, behind))] = 0
    return steps


class TiledTexture:
    """A texture that repeats, at all distances: smaller copies of it keep it from flickering."""

    def __init__(self, texture: Texture, tile: float, offset: tuple[float, float]) -> None:
        """Prepares the copies.

        Args:
            texture: (S, S, 3) sRGB; S a power of two.
            tile: Edge of one repetition in m.
            offset: Where it begins, in tiles.

        Raises:
            ValueError: For another shape.
        """
        size = len(texture)
        if texture.shape != (size, size, 3) or size & (size - 1):
            raise ValueError(f"a texture has shape {texture.shape}, not (2^n, 2^n, 3)")
        self._size, self._tile, self._offset = size, tile, np.array(offset, np.float32)
        copies = [texture.astype(np.float32)]
        while len(copies[-1]) > 1:
            half = len(copies[-1]) // 2
            copies.append(copies[-1].reshape(half, 2, half, 2, 3).mean(axis=(1, 3)))
        self._texels = np.concatenate([copy.reshape(-1, 3) for copy in copies])
        self._begins = np.cumsum([0, *(len(copy) ** 2 for copy in copies[:-1])])

    def seen(self, points: SurfacePoints) -> NDArray[np.uint8]:
        """Its colors (N, 3) at points, smoothed to the size of a pixel there."""
        place = points.place / np.float32(self._tile) + self._offset
        place -= np.floor(place)
        texels = np.maximum(points.pixel * np.float32(self._size / self._tile), 1)
        level = np.minimum(np.log2(texels), np.float32(len(self._begins) - 1))
        finer = level.astype(np.intp)
        coarser = np.minimum(finer + 1, len(self._begins) - 1)
        part = (level - finer)[:, None]
        mixed = (1 - part) * self._at(finer, place) + part * self._at(coarser, place)
        colors: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
        return colors

    def _at(self, level: NDArray[np.intp], place: Floats) -> Floats:
        """Colors (N, 3) of copies at places in 0 .. 1, bilinear."""
        size = self._size >> level
        texel = place * size[:, None].astype(np.float32) - np.float32(0.5)
        first = np.floor(texel)
        part = (texel - first)[..., None]
        low = first.astype(np.intp) & (size - 1)[:, None]
        high = (low + 1) & (size - 1)[:, None]
        begin, (left, upper), (right, lower) = self._begins[level], low.T, high.T
        top = self._between(begin + upper * size, left, right, part[:, 0])
        bottom = self._between(begin + lower * size, left, right, part[:, 0])
        colors: Floats = top + part[:, 1] * (bottom - top)
        return colors

    def _between(
        self, row: NDArray[np.intp], left: NDArray[np.intp], right: NDArray[np.intp], part: Floats
    ) -> Floats:
        one = self._texels[row + left]
        mixed: Floats = one + part * (self._texels[row + right] - one)
        return mixed
