"""From weights to how likely each unit is drawn, and how uneven that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augment.adamix.errors import ReweightingError

Array = NDArray[np.float64]

_BISECTIONS = 100
"""Enough for any interval of floats."""


def probabilities(
    weights: Array, floor: float, max_ratio: float | None, base: Array | None = None
) -> Array:
    """How likely each unit is drawn.

    Args:
        weights: (N,) not negative.
        floor: How much of the base is mixed in, 0 .. 1.
        max_ratio: Greatest ratio of two units' weights before that; None for any.
        base: (N,) how likely each is with equal weights, of sum 1; None for all as likely.

    Returns:
        (N,), of sum 1; exactly the base for equal weights.

    Raises:
        ReweightingError: If weights are negative, not finite or all 0.
    """
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ReweightingError("weights must be finite and not negative, and one of them positive")
    weights = weights / weights.max()
    if max_ratio is not None:
        weights = _capped(weights, max_ratio)
    base = np.full(len(weights), 1.0 / len(weights)) if base is None else base
    if (weights == weights[0]).all():
        return base.copy()
    weighted = weights * base
    return np.asarray((1.0 - floor) * weighted / weighted.sum() + floor * base)


def effective_share(probabilities: Array) -> float:
    """Kish's effective sample size over N: 1 if all are as likely, 1 / N if only one is drawn."""
    return float(1.0 / (np.square(probabilities).sum() * len(probabilities)))


def max_min_ratio(probabilities: Array) -> float:
    """How many times as likely the likeliest is as the unlikeliest; infinite if that never is."""
    least = probabilities.min()
    return float(probabilities.max() / least) if least > 0 else float("inf")


def _capped(weights: Array, max_ratio: float) -> Array:
    """Clips weights to the interval [a, a x max_ratio] that leaves their sum as it was.

    To clip only great weights would make all equal next to one that is nearly 0; to raise only
    small ones would, next to an enormous one.
    """
    low, high = float(weights.min()), float(weights.max()) / max_ratio
    if low >= high:
        return weights
    total = weights.sum()
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if np.clip(weights, middle, middle * max_ratio).sum() < total:
            low = middle
        else:
            high = middle
    return np.asarray(np.clip(weights, high, high * max_ratio))
