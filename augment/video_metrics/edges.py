"""Edges of pictures, and where depth breaks off.

Both are one-pixel decisions on (..., H, W); Canny's detector, in color and without its library.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from augment.video_metrics.lab import lab

_Kind = TypeVar("_Kind", bound=np.generic)

SMOOTHING = 1.0
"""Standard deviation in pixels of the Gaussian that pictures are smoothed and derived with."""
STRONG, WEAK = 4.0, 2.0
"""Gradients (Delta E a pixel) that make an edge, and that carry one on."""
BREAK = 0.05
"""Bend of the inverse depth from pixel to pixel, as a part of it, that is a discontinuity.

A bend is a second difference. Those of planes are 0 at any angle, which plain differences of depth
are not: seen flat, a table would be all edges.
"""


def picture_edges(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Edges (..., H, W) of sRGB pictures (..., H, W, 3): thin lines of greatest color gradient."""
    pictures = lab(rgb.reshape(-1, *rgb.shape[-3:]))
    across = _derived(pictures, (0, 0, 1, 0))
    down = _derived(pictures, (0, 1, 0, 0))
    squares = np.square(across) + np.square(down)
    strength: NDArray[np.float32] = np.sqrt(squares.sum(axis=-1))
    # The channel that changes most says in which direction.
    leading = squares.argmax(axis=-1)[..., None]
    across, down = (np.take_along_axis(part, leading, -1)[..., 0] for part in (across, down))
    lines = _ridges(strength, across, down)
    within_a_picture = np.zeros((3, 3, 3), dtype=bool)
    within_a_picture[1] = True
    edges: NDArray[np.bool_] = ndimage.binary_propagation(
        lines & (strength > STRONG), within_a_picture, mask=lines & (strength > WEAK)
    )
    return edges.reshape(rgb.shape[:-1])


def depth_edges(depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pixels (..., H, W) on either side of a discontinuity, where depth is known around them.

    Args:
        depth: (..., H, W) in m, 0 invalid.
    """
    known = depth > 0
    inverse = 1.0 / np.where(known, depth, np.inf)
    edges = np.zeros(depth.shape, dtype=bool)
    for axis in (-2, -1):
        before, here, after = (_shifted(inverse, axis, offset) for offset in (0, 1, 2))
        all_known = np.logical_and.reduce([_shifted(known, axis, offset) for offset in (0, 1, 2)])
        bend = np.abs(before - 2 * here + after)
        _shifted(edges, axis, 1)[...] |= all_known & (bend > BREAK * here)
    return edges


def near(edges: NDArray[np.bool_], tolerance: float) -> NDArray[np.bool_]:
    """The pixels (..., H, W) within a distance in pixels of one of the edges of their picture."""
    reach = int(tolerance)
    offsets = np.arange(-reach, reach + 1)
    disc = offsets[:, None] ** 2 + offsets**2 <= tolerance**2
    pictures = edges.reshape(-1, *edges.shape[-2:])
    grown: NDArray[np.bool_] = ndimage.binary_dilation(pictures, disc[None])
    return grown.reshape(edges.shape)


def _derived(pictures: NDArray[np.float32], order: tuple[int, ...]) -> NDArray[np.float32]:
    sigma = (0, SMOOTHING, SMOOTHING, 0)
    derived: NDArray[np.float32] = ndimage.gaussian_filter(pictures, sigma, order, mode="nearest")
    return derived


def _ridges(
    strength: NDArray[np.float32], across: NDArray[np.float32], down: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Where the strength (N, H, W) is greatest along the direction of the gradient."""
    longer = np.maximum(np.maximum(np.abs(across), np.abs(down)), 1e-9)
    step = np.stack([np.zeros_like(longer), down / longer, across / longer])
    place = np.indices(strength.shape, dtype=np.float32)
    ahead, behind = (
        ndimage.map_coordinates(strength, place + sign * step, order=1, mode="nearest")
        for sign in (1, -1)
    )
    ridges: NDArray[np.bool_] = (strength > ahead) & (strength >= behind)
    return ridges


def _shifted(array: NDArray[_Kind], axis: int, offset: int) -> NDArray[_Kind]:
    """A view without two of an axis' entries: `offset` in front, the rest behind."""
    index = [slice(None)] * array.ndim
    index[axis] = slice(offset, array.shape[axis] - 2 + offset)
    return array[tuple(index)]
