"""The outcomes of two sides of a comparison, lined up by task and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Runs = Sequence[Mapping[str, Any]]

#: Sides are paired if the seeds that both have are this share of what the smaller side has.
MIN_PAIRED_SHARE = 0.5


class ComparableOutcomes:
    """Who succeeded where: two sides, each with one or more training runs.

    Attributes:
        tasks: The tasks that every run has, in the order of the first one.
        paired: Whether both sides ran the same seeds; then nothing else is looked at.
        pairs: Number of episodes (condition, task, seed) that all runs have.
        largest: Number of episodes in those tasks of the run that has most.
    """

    def __init__(self, first: Runs, second: Runs) -> None:
        """Reads the outcomes.

        Args:
            first: Results of one side, of one protocol.
            second: Results of the other side, of the same protocol.
        """
        headline = first[0]["protocol"]["headline"]
        self._sides = (
            [_outcomes(run, headline) for run in first],
            [_outcomes(run, headline) for run in second],
        )
        runs = [run for side in self._sides for run in side]
        self.tasks = [
            task
            for task in dict.fromkeys(task for _, task in runs[0])
            if all(any(task == other for _, other in run) for run in runs)
        ]
        keys = [
            {
                (*cell, seed)
                for cell, seeds in run.items()
                if cell[1] in self.tasks
                for seed in seeds
            }
            for run in runs
        ]
        self.pairs = len(set.intersection(*keys))
        self.largest = max(len(each) for each in keys)
        smallest = min(len(each) for each in keys)
        self.paired = self.pairs > 0 and self.pairs >= MIN_PAIRED_SHARE * smallest

    def successes(self, conditions: Sequence[str], task: str) -> tuple[Counts, Counts]:
        """Whether each episode of both sides succeeded.

        Args:
            conditions: Only seeds that were run under all of them count.
            task: One of `tasks`.

        Returns:
            Two arrays (conditions, training runs, seeds) of 0 and 1. The seeds are the same in the
            same order if the sides are paired; there may be none.
        """
        seeds = [
            set.intersection(
                *(set(run.get((name, task), ())) for run in side for name in conditions)
            )
            for side in self._sides
        ]
        if self.paired:
            seeds = [seeds[0] & seeds[1]] * 2
        first, second = (
            np.array(
                [
                    [[run[name, task][seed] for seed in sorted(chosen)] for run in side]
                    for name in conditions
                ],
                dtype=np.int64,
            )
            for side, chosen in zip(self._sides, seeds, strict=True)
        )
        return first, second


def _outcomes(result: Mapping[str, Any], headline: str) -> dict[tuple[str, str], dict[int, bool]]:
    """Whether each seed succeeded, by condition and task."""
    found: dict[tuple[str, str], dict[int, bool]] = {}
    for episode in result["episodes"]:
        cell = found.setdefault((episode["condition"], episode["task"]), {})
        cell[episode["seed"]] = episode[headline]
    return found
