"""One difficulty of each unit out of its metrics.

The paper combines its metrics in a "unified difficulty/performance score". **Our reconstruction**:
each metric is moved into [0, 1] over the data set; performance is 1 minus their weighted mean, and
difficulty is 1 minus performance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORMALIZATIONS = ("min_max", "quantile")

ROUNDING = 1e-6
"""A metric that varies less, relative to itself, is constant: predictions are in float32."""


def difficulty(
    metrics: Array, shares: Sequence[float], normalization: str, quantiles: tuple[float, float]
) -> Array:
    """Difficulty, from 0 for a unit that is the best in every metric to 1 for the worst in all.

    Of metrics that disagree nobody reaches either end: the more there are, the less uneven it is.
    One that is constant counts as best for all.

    Args:
        metrics: (N, M), greater is worse.
        shares: M relative weights of the metrics, not negative, not all 0.
        normalization: Out of `NORMALIZATIONS`.
        quantiles: Of `quantile`.

    Returns:
        (N,)
    """
    parts = np.asarray(shares, dtype=np.float64)
    score = normalized(metrics, normalization, quantiles) @ (parts / parts.sum())
    return np.asarray(np.clip(score, 0.0, 1.0))


def normalized(metrics: Array, normalization: str, quantiles: tuple[float, float]) -> Array:
    """Each metric moved into [0, 1] over the data set.

    A metric that is the same for all units says nothing about any: it becomes 0.

    Args:
        metrics: (N, M).
        normalization: `min_max` maps the least to 0 and the greatest to 1. `quantile` does so with
            two quantiles, and what is beyond them is 0 or 1: one outlier cannot make all others
            alike. Where those coincide, because few units differ at all, it is `min_max`.
        quantiles: The lower and the upper one.

    Returns:
        (N, M)
    """
    low, high = metrics.min(axis=0), metrics.max(axis=0)
    if normalization == "quantile":
        inner = np.quantile(metrics, quantiles, axis=0)
        low, high = np.where(_apart(*inner), inner, (low, high))
    varies = _apart(low, high)
    moved = (metrics - low) / np.where(varies, high - low, 1.0)
    return np.where(varies, np.clip(moved, 0.0, 1.0), 0.0)


def _apart(low: Array, high: Array) -> NDArray[np.bool_]:
    """Whether values (M,) differ by more than rounding."""
    return high - low > ROUNDING * np.maximum(np.abs(low), np.abs(high))
