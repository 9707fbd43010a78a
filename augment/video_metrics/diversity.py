"""How different several appearances of one source look.

**Reconstruction**: EMMA reports no such number. An augmentation that keeps all geometry can still
be worthless by always painting the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip, ClipError
from augment.video_metrics.attributes import region_color
from augment.video_metrics.lab import difference, lab

GRID = (6, 8)
"""Rows and columns of fields that a picture is reduced to: its colors without its details."""


class Diversity(NamedTuple):
    """Mean color differences (Delta E) between pairs of clips.

    Attributes:
        pictures: Of the fields that pictures are reduced to.
        regions: Of the regions' main colors; None where no region was asked for or seen.
    """

    pictures: float
    regions: float | None


def diversity(clips: Sequence[Clip], regions: Sequence[Sequence[int]] = ()) -> Diversity:
    """Compares all pairs of some clips of the same source.

    Args:
        clips: Two or more, with the same geometry.
        regions: Ids of the things of each region, as `Clip.segmentation` has them.

    Raises:
        ClipError: If there are fewer, or of different shapes, or regions and no segmentation.
    """
    if len(clips) < 2:
        raise ClipError(f"diversity compares two clips or more, not {len(clips)}")
    if len({clip.rgb.shape for clip in clips}) > 1:
        raise ClipError("clips of one source have one shape")
    fields = [_fields(clip) for clip in clips]
    pictures = [difference(a, b).mean() for a, b in combinations(fields, 2)]
    apart = []
    for ids in regions:
        colors = [region_color(clip, ids) for clip in clips]
        seen = [color for color in colors if color is not None]
        apart += [difference(a, b) for a, b in combinations(seen, 2)]
    return Diversity(float(np.mean(pictures)), float(np.mean(apart)) if apart else None)


def _fields(clip: Clip) -> NDArray[np.floating[Any]]:
    """Mean colors (F, V, rows, columns, 3) of a clip's fields."""
    colors: NDArray[Any] = lab(clip.rgb)
    for axis, parts in ((2, GRID[0]), (3, GRID[1])):
        size = colors.shape[axis]
        # Fields of one pixel, where a picture has fewer than that.
        edges = np.linspace(0, size, min(parts, size), endpoint=False).astype(np.intp)
        counts = np.diff([*edges, size]).reshape([-1 if at == axis else 1 for at in range(5)])
        colors = np.add.reduceat(colors, edges, axis=axis) / counts
    return colors
