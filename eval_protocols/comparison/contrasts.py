"""Two sides of a comparison in one part of a protocol: rates, difference, significance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from statsmodels.stats.multitest import multipletests

from eval_protocols.bootstrap import (
    bootstrap_differences,
    hierarchical_bootstrap,
    percentile_estimate,
    sign_p_value,
)
from eval_protocols.comparison.outcomes import ComparableOutcomes, Counts
from eval_protocols.paired_statistics import (
    PairCounts,
    mcnemar_p_value,
    paired_difference,
    sign_flip_p_value,
)
from eval_protocols.statistics import (
    Estimate,
    MeanStd,
    independent_difference,
    independent_p_value,
    mean_std,
)


@dataclass(frozen=True)
class Contrast:
    """Both sides in a part of the protocol.

    Attributes:
        label: Of the part: a task, a condition, a factor; empty for all.
        first: Success rate of the first side, over its training runs.
        second: Success rate of the second side.
        difference: second - first, with its interval.
        p_value: Of no difference, by itself.
        adjusted_p_value: After Holm's correction for all parts of the same kind.
        better: "first" or "second"; None if no difference is shown.
    """

    label: str
    first: MeanStd
    second: MeanStd
    difference: Estimate
    p_value: float
    adjusted_p_value: float
    better: str | None


class Contrasts:
    """Makes contrasts of parts of the protocol: some conditions, some tasks."""

    def __init__(self, outcomes: ComparableOutcomes, confidence: float, runs: int) -> None:
        """Prepares for contrasts.

        Args:
            outcomes: Of both sides.
            confidence: Of intervals; a difference is shown if it is significant at 1 - confidence.
            runs: Number of results of both sides together.
        """
        self._outcomes = outcomes
        self._confidence = confidence
        self._single = runs == 2

    def one(self, label: str, conditions: Sequence[str], tasks: Sequence[str]) -> Contrast | None:
        """One part by itself; None if no seed was run under all conditions."""
        first, second = self._successes(conditions, tasks)
        if not first:
            return None
        if self._single and len(conditions) == 1:
            difference, p_value = self._exact(first, second)
            rates = [mean_std([float(np.hstack(side).mean())]) for side in (first, second)]
        else:  # tasks count equally, as where they are resampled
            difference, p_value = self._resampled(first, second, len(conditions))
            rates = [_mean_over_tasks(side, len(conditions)) for side in (first, second)]
        contrast = Contrast(label, rates[0], rates[1], difference, p_value, p_value, None)
        return self._judged(contrast, p_value)

    def family(
        self, parts: Mapping[str, tuple[Sequence[str], Sequence[str]]]
    ) -> tuple[Contrast, ...]:
        """Parts of the same kind, {label: (conditions, tasks)}, with Holm's correction."""
        found = [self.one(label, *part) for label, part in parts.items()]
        contrasts = [contrast for contrast in found if contrast is not None]
        if not contrasts:
            return ()
        adjusted = multipletests([each.p_value for each in contrasts], method="holm")[1]
        return tuple(
            self._judged(each, float(p_value))
            for each, p_value in zip(contrasts, adjusted, strict=True)
        )

    def over_tasks(self, conditions: Sequence[str], tasks: Sequence[str]) -> Estimate | None:
        """The difference with an interval that holds the choice of tasks; None for one task."""
        first, second = self._successes(conditions, tasks)
        if len(first) < 2:
            return None
        return hierarchical_bootstrap(
            [task / len(conditions) for task in second],
            [task / len(conditions) for task in first],
            paired=self._outcomes.paired,
            confidence=self._confidence,
        )

    def excess(self, goal: float, conditions: Sequence[str], tasks: Sequence[str]) -> Estimate:
        """How far second is beyond goal * first, in a part that has a contrast: the difference."""
        first, second = self._successes(conditions, tasks)
        value, samples = bootstrap_differences(
            [task / len(conditions) for task in second],
            [goal * task / len(conditions) for task in first],
            paired=self._outcomes.paired,
            over_tasks=not self._single,
        )
        return percentile_estimate(value, samples, self._confidence)

    def _successes(
        self, conditions: Sequence[str], tasks: Sequence[str]
    ) -> tuple[list[Counts], list[Counts]]:
        """Successes (runs, seeds) of both sides in each task that has seeds on both."""
        pairs = [self._outcomes.successes(conditions, task) for task in tasks]
        usable = [(one, other) for one, other in pairs if one.size and other.size]
        return [one.sum(axis=0) for one, _ in usable], [other.sum(axis=0) for _, other in usable]

    def _exact(self, first: list[Counts], second: list[Counts]) -> tuple[Estimate, float]:
        """One run each, one outcome a seed."""
        one, other = np.hstack(first)[0], np.hstack(second)[0]
        if self._outcomes.paired:
            counts = PairCounts.of(zip(other.tolist(), one.tolist(), strict=True))
            return paired_difference(counts, self._confidence), mcnemar_p_value(counts)
        table = (int(other.sum()), len(other), int(one.sum()), len(one))
        return independent_difference(*table, self._confidence), independent_p_value(*table)

    def _resampled(
        self, first: list[Counts], second: list[Counts], conditions: int
    ) -> tuple[Estimate, float]:
        """Several runs, or several outcomes a seed, which hang together."""
        value, samples = bootstrap_differences(
            [task / conditions for task in second],
            [task / conditions for task in first],
            paired=self._outcomes.paired,
            over_tasks=not self._single,
        )
        estimate = percentile_estimate(value, samples, self._confidence)
        p_value = sign_p_value(samples)
        if self._outcomes.paired:
            # The bootstrap of a handful of episodes that all went the same way would be certain.
            flipped = sign_flip_p_value(np.hstack(_seed_differences(first, second)))
            p_value = flipped if self._single else max(p_value, flipped)
        return estimate, p_value

    def _judged(self, contrast: Contrast, adjusted_p_value: float) -> Contrast:
        """The contrast with what its p-value says."""
        value, low, high = contrast.difference
        better = None
        if adjusted_p_value < 1 - self._confidence and not low <= 0 <= high:
            better = "second" if value > 0 else "first"
        return replace(contrast, adjusted_p_value=adjusted_p_value, better=better)


def _mean_over_tasks(tasks: Sequence[Counts], conditions: int) -> MeanStd:
    """Success rate over training runs, each the mean over tasks."""
    by_task = np.array([task.mean(axis=1) / conditions for task in tasks])
    return mean_std([float(rate) for rate in by_task.mean(axis=0)])


def _seed_differences(first: Sequence[Counts], second: Sequence[Counts]) -> list[Counts]:
    """Second minus first of each seed, summed over runs; whole numbers whatever their number."""
    return [
        len(one) * other.sum(axis=0) - len(other) * one.sum(axis=0)
        for one, other in zip(first, second, strict=True)
    ]
