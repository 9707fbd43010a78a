"""How much a surface's color changes from pixel to pixel: whether it is plain or has a pattern."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from augment.clip import Clip
from augment.video_metrics.lab import difference, lab_of_linear, linear

LEAST_PIXELS = 200
"""Pixels of a surface in a whole clip, below which nothing can be said about its pattern."""


def color_variation(
    clip: Clip, ids: Sequence[int], light: NDArray[np.float32] | float = 1.0
) -> float | None:
    """Delta E that a surface's color goes up and down along a picture's width, and its height.

    The sum of the differences to the next pixel to the right and below, on average, times the
    picture's width in pixels: about the same in pictures of other sizes. Pixels at the surface's
    edge do not count.

    Args:
        clip: With segmentation.
        ids: The surface.
        light: How much light there is, in linear RGB (3,), as a part of that in which it is judged
            (`attributes.light_change`).

    Returns:
        The variation; None where too little of it is in the picture.

    Raises:
        ClipError: If the clip has no segmentation.
    """
    square = np.ones((1, 1, 5, 5), bool)
    inner = ndimage.binary_erosion(clip.mask(ids), square)[:, :, :-1, :-1]
    if inner.sum() < LEAST_PIXELS:
        return None
    total, count = 0.0, 0
    for frame, masks in zip(clip.rgb, inner, strict=True):  # a whole clip would take much memory
        colors = lab_of_linear(np.minimum(linear(frame) / light, 1.0, dtype=np.float32))
        here = colors[:, :-1, :-1]
        changes = difference(colors[:, :-1, 1:], here) + difference(colors[:, 1:, :-1], here)
        total += float(changes[masks].sum(dtype=np.float64))
        count += int(masks.sum())
    return float(total / count * clip.rgb.shape[3])
