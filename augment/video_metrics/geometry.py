"""Whether a picture shows the geometry that it was made for.

Two ways: the errors of a depth that was estimated from it, and its edges against where the true
depth breaks off. The second needs no estimator, but only says where surfaces end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip, ClipError
from augment.video_metrics.edges import depth_edges, near, picture_edges

EDGE_TOLERANCE = 1.5
"""Pixels by which an edge may be off: one, in any direction. Anything else would depend on which
pixel of the two at a boundary is called the edge."""


class DepthErrors(NamedTuple):
    """Errors of an estimated depth, means over valid pixels (Eigen et al., 2014).

    Attributes:
        abs_rel: Of |estimate - truth| / truth.
        sq_rel: Of (estimate - truth)^2 / truth, m.
        rmse: Root of the mean of (estimate - truth)^2, m.
        within_1_25: Part of the pixels at which the greater is less than 1.25 times the other.
    """

    abs_rel: float
    sq_rel: float
    rmse: float
    within_1_25: float


def depth_errors(estimate: NDArray[Any], truth: NDArray[Any]) -> DepthErrors:
    """Errors of a metric depth; nothing is aligned to the truth first.

    Args:
        estimate: Depth in m, any shape.
        truth: Of the same shape; pixels that are not positive do not count.

    Raises:
        ClipError: If shapes differ, no pixel has a true depth, or an estimate is not positive and
            finite where one has.
    """
    if estimate.shape != truth.shape:
        raise ClipError(f"the estimate has shape {estimate.shape}, the truth {truth.shape}")
    valid = truth > 0
    if not valid.any():
        raise ClipError("no pixel has a true depth")
    true, guess = (depth[valid].astype(np.float64) for depth in (truth, estimate))
    if not (np.isfinite(guess).all() and (guess > 0).all()):
        raise ClipError("estimates of depth are positive and finite")
    error = guess - true
    ratio = np.maximum(guess / true, true / guess)
    return DepthErrors(
        float((np.abs(error) / true).mean()),
        float((np.square(error) / true).mean()),
        float(np.sqrt(np.square(error).mean())),
        float((ratio < 1.25).mean()),
    )


class EdgeAgreement(NamedTuple):
    """How a picture's edges agree with discontinuities of depth.

    A true picture has more edges than those: shadows and what is painted on things. So its
    precision depends on how much of that there is, its recall is near 1.

    Attributes:
        precision: Part of the picture's edge pixels that are near a discontinuity.
        recall: Part of the discontinuities' pixels that are near an edge.
        f1: Harmonic mean of both.
    """

    precision: float
    recall: float
    f1: float


def edge_agreement(clip: Clip, tolerance: float = EDGE_TOLERANCE) -> EdgeAgreement | None:
    """Compares the edges of a clip's pictures with its depth, over all of them at once.

    Args:
        clip: The clip.
        tolerance: Distance in pixels up to which two edges are the same.

    Returns:
        The agreement; None where the depth has no discontinuity.
    """
    shown, true = picture_edges(clip.rgb), depth_edges(clip.depth)
    if not true.any():
        return None
    precision = _part(shown, near(true, tolerance))
    recall = _part(true, near(shown, tolerance))
    both = precision + recall
    return EdgeAgreement(precision, recall, 2 * precision * recall / both if both else 0.0)


def _part(edges: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    """Part of the edges that lies in a region; 0 without edges."""
    return float(of[edges].mean()) if edges.any() else 0.0
