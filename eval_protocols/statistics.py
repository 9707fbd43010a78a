"""Statistics of success rates: how far a rate, or a difference of two, can be trusted.

Contents:
    wilson_interval, success_rate: One rate.
    independent_difference, independent_p_value: Two rates on different seeds.
    mean, mean_std: Over episodes, over training seeds.
    retention, sweep_area: What a perturbation leaves.

Two rates on the same seeds are compared in `eval_protocols.paired_statistics`. What no formula
covers, several tasks and training runs at once, is in `eval_protocols.bootstrap`.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep

CONFIDENCE = 0.95

#: Counts repeat: 100,000 episodes in cells of any sizes have some thousand different ones.
CACHED_COUNTS = 1 << 16


class Estimate(NamedTuple):
    """A number with its confidence interval.

    Attributes:
        value: The point estimate.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


class MeanStd(NamedTuple):
    """A mean over training seeds.

    Attributes:
        mean: The mean.
        std: Sample standard deviation (n - 1); None for a single value, which has none.
        runs: Number of values.
    """

    mean: float
    std: float | None
    runs: int


@functools.lru_cache(CACHED_COUNTS)
def wilson_interval(
    successes: int, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
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


@functools.lru_cache(CACHED_COUNTS)
def independent_difference(
    successes: int,
    trials: int,
    other_successes: int,
    other_trials: int,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Difference of two success rates from different seeds, with Newcombe's interval.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Stat.
    Med. 17:873 (1998), method 10 (hybrid score), as statsmodels has it.

    Args:
        successes: Number of successful trials.
        trials: Number of trials, at least 1.
        other_successes: Of the rate that is subtracted.
        other_trials: Of the rate that is subtracted.
        confidence: Coverage, between 0 and 1.

    Returns:
        successes / trials - other_successes / other_trials, in -1..1.

    Raises:
        ValueError: If there are no trials, or more successes than trials.
    """
    for count, total in ((successes, trials), (other_successes, other_trials)):
        wilson_interval(count, total)  # refuses impossible counts, which statsmodels takes
    low, high = confint_proportions_2indep(
        successes, trials, other_successes, other_trials, method="newcomb", alpha=1 - confidence
    )
    value = successes / trials - other_successes / other_trials
    return clipped_difference(value, float(low), float(high))


def independent_p_value(
    successes: int, trials: int, other_successes: int, other_trials: int
) -> float:
    """Fisher's exact test of whether two success rates on different seeds differ; two-sided.

    Args:
        successes: Number of successful trials.
        trials: Number of trials.
        other_successes: Of the other rate.
        other_trials: Of the other rate.
    """
    failures, other_failures = trials - successes, other_trials - other_successes
    table = [[successes, failures], [other_successes, other_failures]]
    return min(float(fisher_exact(table).pvalue), 1.0)


def mean(values: Sequence[float]) -> float | None:
    """The mean, to the same last digit whatever the order of the values; None without any."""
    return math.fsum(values) / len(values) if values else None


def mean_std(values: Sequence[float]) -> MeanStd:
    """Mean and sample standard deviation over training seeds, as the papers' tables have them.

    It tells how much training runs differ, and is no confidence interval.

    Args:
        values: One for each training run, at least one.

    Raises:
        ValueError: Without any value.
    """
    average = mean(values)
    if average is None:
        raise ValueError("a mean needs at least one value")
    return MeanStd(average, statistics.stdev(values) if len(values) > 1 else None, len(values))


def retention(rate: float, twin_rate: float) -> float | None:
    """The share of the unperturbed success rate that is left; above 1 if it rose.

    Args:
        rate: Success rate under the perturbation.
        twin_rate: Success rate without it, on the same seeds.

    Returns:
        Their ratio; None if nothing succeeded without the perturbation.
    """
    return rate / twin_rate if twin_rate else None


def sweep_area(rates: Mapping[int, float]) -> float:
    """Area under a sweep: the mean success rate along the axis of levels.

    The trapezoidal rule, divided by the length of the axis: 1 is success at every level.

    Args:
        rates: Success rate by level; level 0, without perturbation, and at least one other.

    Raises:
        ValueError: If level 0 or all others are missing.
    """
    levels = sorted(rates)
    if len(levels) < 2 or levels[0] != 0:
        raise ValueError(f"a sweep needs level 0 and another one, not {levels}")
    heights = [rates[level] for level in levels]
    return float(np.trapezoid(heights, levels)) / levels[-1]


def clipped_difference(value: float, low: float, high: float) -> Estimate:
    """A difference of rates without the overshoot of rounding: in -1..1, around the value."""
    return Estimate(value, max(min(low, value), -1.0), min(max(high, value), 1.0))
