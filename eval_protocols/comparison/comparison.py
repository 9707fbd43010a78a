"""Compares two policies under one protocol: which is better, by how much, and how sure that is.

A side is one policy: a single result, or several that differ in the training seed. With a single
result on each side the tests are exact and speak about the choice of seeds. With several, the
hierarchical bootstrap holds the choice of training runs and tasks as well.

All differences are second minus first. Nothing is ever called equal: what a comparison does not
show may still be there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval_protocols.comparison.checks import (
    NotComparableError,
    Run,
    check_comparable,
    warnings_about,
)
from eval_protocols.comparison.contrasts import Contrast, Contrasts
from eval_protocols.comparison.outcomes import ComparableOutcomes
from eval_protocols.statistics import CONFIDENCE, Estimate, retention, sweep_area


@dataclass(frozen=True)
class Robustness:
    """What a factor leaves of one side's success; means over conditions, tasks and runs.

    Attributes:
        rate: Success rate under the factor.
        clean_rate: Success rate of its unperturbed twins on the same seeds.
        retention: Their ratio; None if nothing succeeds unperturbed.
        area: Area under the sweep over levels; None if the factor has none.
    """

    rate: float
    clean_rate: float
    retention: float | None
    area: float | None

    @property
    def drop(self) -> float:
        """What is lost: clean_rate - rate."""
        return self.clean_rate - self.rate


@dataclass(frozen=True)
class FactorContrast:
    """Both sides under a factor.

    Attributes:
        contrast: Their success rates under it.
        first: What it leaves of the first side's success.
        second: What it leaves of the second side's success.
    """

    contrast: Contrast
    first: Robustness
    second: Robustness


@dataclass(frozen=True)
class Gain:
    """Whether the second side succeeds at least so many times as often as the first.

    Attributes:
        goal: How many times.
        ratio: Of the rates, second / first; None if nothing of the first side succeeds.
        excess: second - goal * first, with its interval.
        better: Whether the second side is shown to be better at all.
    """

    goal: float
    ratio: float | None
    excess: Estimate
    better: bool

    @property
    def held(self) -> bool:
        """Whether the whole interval is above 0.

        Of few episodes bootstrap intervals are too narrow: who is not shown to be better has not
        been shown to be so by a factor.
        """
        return self.excess.low > 0 and (self.better or self.goal < 1)

    @property
    def reached(self) -> bool:
        """Whether the rates are as was claimed, however uncertain they are."""
        if self.ratio is None:
            return self.excess.value > 0
        return self.ratio > self.goal or math.isclose(self.ratio, self.goal)


@dataclass(frozen=True)
class Comparison:
    """All that is known about two sides.

    Attributes:
        confidence: Coverage of all intervals.
        tasks: What was compared: the tasks that all results have.
        conditions: What `overall` and `by_task` are about: the perturbed conditions, or all where
            nothing is perturbed.
        paired: Whether outcomes were compared seed by seed.
        pairs: Episodes that all results have.
        largest: Episodes of the largest result, in those tasks.
        overall: Both sides over all tasks and `conditions`.
        gain: The same beside a goal, if there is one.
        over_tasks: The overall difference if other tasks could have been chosen; None for one task.
        by_task: For each task, if there are several.
        by_condition: For each condition of the protocol, if there are several.
        by_factor: For each factor that has twins.
        warnings: What a reader must know, a line each.
    """

    confidence: float
    tasks: tuple[str, ...]
    conditions: tuple[str, ...]
    paired: bool
    pairs: int
    largest: int
    overall: Contrast
    gain: Gain | None
    over_tasks: Estimate | None
    by_task: tuple[Contrast, ...]
    by_condition: tuple[Contrast, ...]
    by_factor: tuple[FactorContrast, ...]
    warnings: tuple[str, ...]


def compare(
    first: Sequence[Run],
    second: Sequence[Run],
    confidence: float = CONFIDENCE,
    goal: float | None = None,
) -> Comparison:
    """Compares two sides.

    Args:
        first: The training runs of one policy, at least one.
        second: Those of the other.
        confidence: Of intervals, between 0 and 1; a difference is shown if it is significant at
            1 - confidence and its interval does not contain 0.
        goal: How many times as often as the first the second side is claimed to succeed; None for
            no such claim.

    Raises:
        eval_protocols.comparison.checks.NotComparableError: In one line: different protocols, no
            common task, results of a side that are not training runs of one policy.
    """
    check_comparable(first, second)
    outcomes = ComparableOutcomes([run.result for run in first], [run.result for run in second])
    conditions: list[Mapping[str, Any]] = first[0].result["protocol"]["conditions"]
    names = [each["name"] for each in conditions]
    main = [each["name"] for each in conditions if each["twin"] is not None] or names
    tasks = outcomes.tasks
    contrasts = Contrasts(outcomes, confidence, runs=len(first) + len(second))
    overall = contrasts.one("", main, tasks)
    if overall is None:
        raise NotComparableError("no seed was run under all conditions by all results")
    parts = {task: (main, [task]) for task in tasks}
    return Comparison(
        confidence=confidence,
        tasks=tuple(tasks),
        conditions=tuple(main),
        paired=outcomes.paired,
        pairs=outcomes.pairs,
        largest=outcomes.largest,
        overall=overall,
        gain=None if goal is None else _gain(goal, overall, contrasts.excess(goal, main, tasks)),
        over_tasks=contrasts.over_tasks(main, tasks),
        by_task=contrasts.family(parts) if len(parts) > 1 else (),
        by_condition=(
            contrasts.family({name: ([name], tasks) for name in names}) if len(names) > 1 else ()
        ),
        by_factor=_by_factor(outcomes, contrasts, conditions),
        warnings=tuple(warnings_about(first, second, tasks)),
    )


def _gain(goal: float, overall: Contrast, excess: Estimate) -> Gain:
    first, second = overall.first.mean, overall.second.mean
    return Gain(goal, second / first if first else None, excess, overall.better == "second")


def _by_factor(
    outcomes: ComparableOutcomes, contrasts: Contrasts, conditions: Sequence[Mapping[str, Any]]
) -> tuple[FactorContrast, ...]:
    members: dict[str, list[Mapping[str, Any]]] = {}
    for condition in conditions:
        if condition["twin"] is not None and condition["factor"] is not None:
            members.setdefault(condition["factor"], []).append(condition)
    family = contrasts.family(
        {
            factor: ([condition["name"] for condition in each], outcomes.tasks)
            for factor, each in members.items()
        }
    )
    found = []
    for contrast in family:
        sides = [_robustness(outcomes, side, members[contrast.label]) for side in (0, 1)]
        if sides[0] is not None and sides[1] is not None:
            found.append(FactorContrast(contrast, sides[0], sides[1]))
    return tuple(found)


def _robustness(
    outcomes: ComparableOutcomes, side: int, conditions: Sequence[Mapping[str, Any]]
) -> Robustness | None:
    """What a factor leaves of one side's success; None if no seed was run unperturbed as well."""
    rates: list[float] = []
    clean_rates: list[float] = []
    levels: dict[int, list[float]] = {0: clean_rates}
    for condition in conditions:
        names = [condition["name"], condition["twin"]]
        by_task = [outcomes.successes(names, task)[side] for task in outcomes.tasks]
        pairs = [task.mean(axis=(1, 2)) for task in by_task if task.size]
        if not pairs:
            return None
        rate, clean_rate = np.mean(pairs, axis=0).tolist()
        rates.append(rate)
        clean_rates.append(clean_rate)
        if condition["level"] is not None:
            levels.setdefault(condition["level"], []).append(rate)
    area = None
    if len(levels) > 1 and all(condition["level"] is not None for condition in conditions):
        area = sweep_area({level: float(np.mean(each)) for level, each in levels.items()})
    left, clean = float(np.mean(rates)), float(np.mean(clean_rates))
    return Robustness(left, clean, retention(left, clean), area)
