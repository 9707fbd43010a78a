"""Which pixels a matcher would match between two pictures of the same surface.

**Reconstruction.** EMMA counts the pixels that are matched between views (3270 against 2097 for
Cosmos-Transfer1); its matcher is not known. With exact geometry the search that a matcher does is
not needed, only its judgement: whether the patch around a surface point looks the same from both
sides, and has enough in it to be told from others. So a picture without any detail has no matches,
as with a matcher, though nothing in it is inconsistent. Counts depend on resolution and scene;
compare them between clips of the same source.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE = 5
"""Edge of a patch in pixels."""
LEAST_SEEN = 0.5
"""Part of a patch's pixels that must be seen by both."""
LEAST_TEXTURE = 2.0
"""Standard deviation (Delta E) of a patch's colors, in both pictures, below which it is plain."""
GREATEST_MISFIT = 0.3
"""Mean squared color difference of two patches, as a part of the sum of their variances.

Where only the arrangement differs, that is 1 minus their correlation; a difference of their mean
colors adds to it.
"""


_MIDDLE = np.array([50, 0, 0], dtype=np.float32)


def matched(
    seen: NDArray[np.bool_], first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """The pixels (N, H, W) that are matched.

    Args:
        seen: (N, H, W): for which pixels there is a color of both.
        first: (N, H, W, 3) Lab of N pictures.
        second: (N, H, W, 3) Lab of the same surface points in other pictures.
    """
    part = _patch_mean(seen.astype(np.float32))
    share = np.maximum(part, 1e-6)
    misfit = _patch_mean(np.where(seen, _square(first - second), 0)) / share
    variances = [_variance(seen, share, colors) for colors in (first, second)]
    textured = np.minimum(*variances) > LEAST_TEXTURE**2
    alike = misfit < GREATEST_MISFIT * (variances[0] + variances[1])
    result: NDArray[np.bool_] = seen & (part >= LEAST_SEEN) & textured & alike
    return result


def _variance(
    seen: NDArray[np.bool_], share: NDArray[np.float32], colors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Sum over the channels of the colors' variance in each patch (N, H, W)."""
    # About the middle of Lab, or rounding would give plain bright patches a texture.
    masked = np.where(seen[..., None], colors - _MIDDLE, 0)
    square = _patch_mean(_square(masked)) / share
    means = [_patch_mean(masked[..., channel]) / share for channel in range(3)]
    variance: NDArray[np.float32] = square - np.square(means).sum(axis=0)
    return variance


def _square(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared lengths (...) of colors (..., 3)."""
    square: NDArray[np.float32] = np.einsum("...c,...c->...", colors, colors)
    return square


def _patch_mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = ndimage.uniform_filter(values, (1, SIDE, SIDE), mode="constant")
    return mean
