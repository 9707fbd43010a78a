"""Two success rates on the same seeds: their difference, and whether there is one.

What makes a seed easy or hard is the same for both, so that fewer episodes tell them apart than if
each had seeds of its own.

Contents:
    PairCounts: What is compared, where a seed has one outcome on each side.
    paired_difference, mcnemar_p_value: The difference with its interval; the test.
    sign_flip_p_value: The test where a seed has several outcomes, under several conditions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import fftconvolve
from scipy.stats import binom, binomtest

from eval_protocols.statistics import (
    CACHED_COUNTS,
    CONFIDENCE,
    Estimate,
    clipped_difference,
    wilson_interval,
)


class PairCounts(NamedTuple):
    """Outcomes of two policies or conditions, run on the same seeds.

    Attributes:
        both: Pairs in which both succeeded.
        first: Pairs in which the first one alone did.
        second: Pairs in which the second one alone did.
        neither: Pairs in which none did.
    """

    both: int
    first: int
    second: int
    neither: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> PairCounts:
        """Counts pairs of outcomes, each (first, second)."""
        listed = list(pairs)
        both = sum(one and other for one, other in listed)
        first = sum(one for one, _ in listed) - both
        second = sum(other for _, other in listed) - both
        return cls(both, first, second, len(listed) - both - first - second)

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return sum(self)

    @property
    def first_successes(self) -> int:
        """In how many pairs the first one succeeded."""
        return self.both + self.first

    @property
    def second_successes(self) -> int:
        """In how many pairs the second one succeeded."""
        return self.both + self.second

    def __add__(self, other: object) -> PairCounts:
        """Pools the pairs of two lists."""
        if not isinstance(other, PairCounts):
            return NotImplemented
        return PairCounts(*(one + another for one, another in zip(self, other, strict=True)))


@functools.lru_cache(CACHED_COUNTS)
def paired_difference(counts: PairCounts, confidence: float = CONFIDENCE) -> Estimate:
    """Difference of two success rates on the same seeds, with Newcombe's interval.

    R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Stat. Med. 17:2635 (1998), method 10: the Wilson intervals of both rates,
    combined with their correlation phi, which is continuity-corrected. statsmodels 0.15 does not
    have it yet.

    Args:
        counts: At least one pair.
        confidence: Coverage, between 0 and 1.

    Returns:
        Rate of the first minus rate of the second, in -1..1.

    Raises:
        ValueError: If there are no pairs.
    """
    both, first, second, neither = counts
    pairs = counts.pairs
    low_1, high_1 = wilson_interval(counts.first_successes, pairs, confidence)
    low_2, high_2 = wilson_interval(counts.second_successes, pairs, confidence)
    rate_1, rate_2 = counts.first_successes / pairs, counts.second_successes / pairs
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    covariance: float = both * neither - first * second
    if covariance > 0:
        covariance = max(covariance - pairs / 2, 0)
    phi = covariance / math.sqrt(margins) if margins else 0.0
    below = _combined(rate_1 - low_1, high_2 - rate_2, phi)
    above = _combined(high_1 - rate_1, rate_2 - low_2, phi)
    value = (first - second) / pairs
    return clipped_difference(value, value - below, value + above)


@functools.lru_cache(CACHED_COUNTS)
def mcnemar_p_value(counts: PairCounts) -> float:
    """Exact McNemar test of whether two success rates on the same seeds differ.

    Two-sided: a binomial test of the pairs in which only one succeeded (Q. McNemar, Psychometrika
    12:153, 1947). Without any such pair it is 1.

    Args:
        counts: Outcomes; the order of the two does not matter.

    Returns:
        Probability of a split at least as uneven, if both were equally good.
    """
    differing = counts.first + counts.second
    if not differing:
        return 1.0
    return float(binomtest(min(counts.first, counts.second), differing).pvalue)


def sign_flip_p_value(differences: ArrayLike) -> float:
    """Exact randomization test of whether the mean of paired differences is 0.

    If both sides were equally good, every difference could as well have had the other sign (R. A.
    Fisher, "The design of experiments", section 21, 1935). A seed is one unit, however many
    conditions it was run under: their outcomes hang together. With one condition, differences are
    -1, 0 and 1, and this is the exact McNemar test.

    Args:
        differences: For each seed, an integer: successes of the first minus those of the second.

    Returns:
        Two-sided: the probability of a sum at least as far from 0. Good to about 1e-14.
    """
    values = np.asarray(differences, dtype=np.int64)
    sizes, counts = np.unique(np.abs(values[values != 0]), return_counts=True)
    # The sum of the positive ones is a sum of binomials, each times its size, and settles the rest.
    distribution = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        each = np.zeros(size * count + 1)
        each[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        distribution = fftconvolve(distribution, each)
    total = len(distribution) - 1
    sums = 2 * np.arange(total + 1) - total
    probability = distribution[np.abs(sums) >= abs(int(values.sum()))].sum()
    return float(np.clip(probability, 0.0, 1.0))


def _combined(one: float, other: float, phi: float) -> float:
    """Length of the sum of two deviations with correlation -phi."""
    return math.sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))
