"""From weights to how likely each unit is drawn, and how uneven that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augment.adamix.errors import ReweightingError

Array = NDArray[np.float64]

_BISECTIONS = 100
"""Enough for any interval of floats."""


def probabilities(
    weights: Array, floor: float, max_ratio: float | None, base: Array, kinds: NDArray[np.int64]
) -> Array:
    """How likely each unit is drawn.

    Weights only decide among units of a kind: each kind as a whole stays as likely as it is with
    equal weights, such as the generated trajectories of a mixture.

    Args:
        weights: (N,) not negative.
        floor: How much of the base is mixed in, 0 .. 1.
        max_ratio: Greatest ratio of the weights of two units of a kind before that; None for any.
        base: (N,) how likely each is with equal weights, of sum 1.
        kinds: (N,) the kind of each.

    Returns:
        (N,), of sum 1; exactly the base of a kind whose weights are equal.

    Raises:
        ReweightingError: If weights are negative, not finite or all 0.
    """
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ReweightingError("weights must be finite and not negative, and one of them positive")
    weights, found, drawn = weights / weights.max(), base.copy(), base > 0
    for kind in np.unique(kinds[drawn]):
        units = drawn & (kinds == kind)
        found[units] = _within_kind(weights[units], floor, max_ratio, base[units])
    return found


def relative(probabilities: Array, base: Array) -> Array:
    """How many times as likely as with equal weights (N,); infinite if those never draw it."""
    drawn = base > 0
    return np.asarray(np.where(drawn, probabilities / np.where(drawn, base, 1.0), np.inf))


def effective_share(probabilities: Array, base: Array) -> float:
    """Kish's effective sample size, over that of equal weights.

    It is 1 / sum(probabilities^2 / base): 1 for equal weights; if only one unit is drawn, its base.
    Where all are as likely with equal weights, that is the effective sample size over N.
    """
    found = probabilities[base > 0]
    return float(found.sum() / (found * relative(probabilities, base)[base > 0]).sum())


def max_min_ratio(probabilities: Array, base: Array) -> float:
    """Greatest over least `relative` of what is drawn with equal weights; may be infinite."""
    times = relative(probabilities, base)[base > 0]
    least = times.min()
    return float(times.max() / least) if least > 0 else float("inf")


def _within_kind(weights: Array, floor: float, max_ratio: float | None, base: Array) -> Array:
    """Probabilities of units of a kind, of the same sum as their base, which is not 0."""
    if max_ratio is not None:
        weights = _capped(weights, max_ratio)
    if (weights == weights[0]).all():
        return base
    weighted = weights / weights.max() * base
    return np.asarray((1.0 - floor) * base.sum() * weighted / weighted.sum() + floor * base)


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
