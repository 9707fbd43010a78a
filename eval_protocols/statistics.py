"""Statistics of success rates: how far a measured rate can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from scipy.stats import binomtest


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a success rate.

    It stays inside 0..1 and keeps a width at 0 and at `trials` successes, where the textbook
    interval (rate plus or minus some standard errors) collapses to a point. It speaks about the
    choice of seeds only: other tasks or another training run of the policy are not in it.

    Args:
        successes: Number of successful trials.
        trials: Number of independent trials, at least 1.
        confidence: Coverage, between 0 and 1.

    Returns:
        Lower and upper end, in 0..1.

    Raises:
        ValueError: If there are no trials, or not 0 <= successes <= trials.
    """
    if trials < 1:
        raise ValueError("a success rate needs at least one trial")
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def success_rate(outcomes: Iterable[bool]) -> dict[str, int | float]:
    """A success rate with its Wilson 95% interval, as results have it.

    Args:
        outcomes: Whether each trial succeeded, at least one.

    Returns:
        The "count" of successes, their "rate", and the interval's ends "low" and "high".
    """
    listed = list(outcomes)
    count = sum(listed)
    low, high = wilson_interval(count, len(listed))
    return {"count": count, "rate": count / len(listed), "low": low, "high": high}


def mean(values: Sequence[float]) -> float | None:
    """The mean, to the same last digit whatever the order of the values; None without any."""
    return math.fsum(values) / len(values) if values else None
