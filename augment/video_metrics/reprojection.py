"""Whether the same surface point has the same color in all views and at all times.

Depth and cameras are exact, so that a point of one picture is found in another without matching
(`correspondence`). **Reconstruction**: EMMA reports matched pixels between views only.

What true pictures do not have in common: highlights, which move with the viewer, and in time the
shadows of what moves. Neither is left out; scores of generated clips are to be read beside those of
true ones.
"""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip
from augment.video_metrics.correspondence import Geometry, correspond
from augment.video_metrics.lab import difference, lab
from augment.video_metrics.patch_matching import matched


class Consistency(NamedTuple):
    """How alike pictures show what they both show.

    Attributes:
        difference: Mean color difference (Delta E, `lab`) of the same surface point; None where
            the pictures have no point in common.
        points: Points compared, for each frame (or step of time).
        matched: Points whose surroundings match as well (`patch_matching`), likewise.
    """

    difference: float | None
    points: float
    matched: float


def cross_view(clip: Clip) -> Consistency:
    """Consistency of the views of each frame, over all ordered pairs of them."""
    colors = lab(clip.rgb)
    every = slice(None)
    pairs = [
        _compare(clip, colors, (every, source), (every, target))
        for source, target in permutations(range(clip.views), 2)
    ]
    return _summary(pairs, clip.frames)


def over_time(clip: Clip) -> Consistency:
    """Consistency of each view from one frame to the next, in both directions.

    Only points that rest are compared: where something has come or gone, the depth found at the
    old place is another. So a thing that moves is judged by what appears on its surface in another
    view of the same moment, not here. A surface that slides along itself counts as resting.
    """
    colors = lab(clip.rgb)
    early, late = slice(None, -1), slice(1, None)
    pairs = []
    if clip.frames > 1:
        for view in range(clip.views):
            for pair in (((early, view), (late, view)), ((late, view), (early, view))):
                pairs.append(_compare(clip, colors, *pair))
    return _summary(pairs, clip.frames - 1)


class _Sums(NamedTuple):
    difference: float
    points: int
    matched: int


_Which = tuple[slice, int]
"""Frames and a view."""


def _compare(clip: Clip, colors: NDArray[np.float32], source: _Which, target: _Which) -> _Sums:
    here, there = (
        Geometry(clip.depth[which], clip.intrinsic_cv[which], clip.extrinsic_cv[which])
        for which in (source, target)
    )
    found = correspond(here, there)
    seen_by_other = found.seen_by_other(colors[target])
    apart = difference(found.seen(colors[source]), seen_by_other)
    both = np.zeros(here.depth.shape, dtype=bool)
    both.reshape(-1)[found.source] = True
    warped = np.zeros((*here.depth.shape, 3), dtype=np.float32)
    warped.reshape(-1, 3)[found.source] = seen_by_other
    hits = matched(both, colors[source], warped)
    return _Sums(float(apart.sum(dtype=np.float64)), len(apart), int(hits.sum()))


def _summary(pairs: list[_Sums], moments: int) -> Consistency:
    moments = max(moments, 1)
    total, points, hits = (sum(each[i] for each in pairs) for i in range(3))
    return Consistency(
        float(total / points) if points else None,
        points / moments,
        hits / moments,
    )
