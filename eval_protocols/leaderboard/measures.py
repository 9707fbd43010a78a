"""What a leaderboard says about an entry besides its rank: by condition, by factor, by task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval_protocols.leaderboard.entries import Entry
from eval_protocols.statistics import mean_std, retention, sweep_area, wilson_interval

Numbers = dict[str, Any]


def rate_of(counts: Sequence[tuple[int, int]], *, independent: bool = True) -> Numbers:
    """A success rate over training runs.

    Args:
        counts: Successes and episodes of each run; at least one.
        independent: Whether no seed is counted under several conditions.

    Returns:
        "value", the mean of the runs' rates; "std" over runs, None for a single one; "low" and
        "high", the Wilson 95% interval of a single run with independent episodes, else None.
    """
    runs = mean_std([successes / episodes for successes, episodes in counts])
    low, high = wilson_interval(*counts[0]) if independent and len(counts) == 1 else (None, None)
    return {"value": runs.mean, "std": runs.std, "low": low, "high": high}


def overall_numbers(entry: Entry) -> Numbers:
    """What perturbations cost in all, and the mean score, over the scored conditions.

    Returns:
        "unperturbed": The rate of the unperturbed twins, conditions counting equally; "retention":
        the share of it that is left; both None without twins. "mean_score": 0 to 5.
    """
    scored = entry.scored_conditions
    twins = [twin for condition in scored for twin in _twins(entry, condition)]
    scores = [
        cell["mean_score"]
        for run in entry.runs
        for cell in run.blocks["summary"]["overall"]
        if cell["condition"] in scored
    ]
    return {
        "unperturbed": _mean(twin["twin_rate"] for twin in twins) if twins else None,
        "retention": _retention(twins),
        "mean_score": _mean(scores),
    }


def condition_numbers(entry: Entry) -> list[Numbers]:
    """Rate and retention under each condition, in the protocol's order.

    The retention is the share of the unperturbed condition's rate that is left, on the seeds that
    both have; None for an unperturbed condition.
    """
    headline = entry.runs[0].blocks["protocol"]["headline"]
    found = []
    for index, condition in enumerate(entry.runs[0].blocks["protocol"]["conditions"]):
        cells = [run.blocks["summary"]["overall"][index] for run in entry.runs]
        twins = _twins(entry, condition["name"])
        found.append(
            {
                "condition": condition["name"],
                "factor": condition["factor"],
                "level": condition["level"],
                "perturbed": condition["twin"] is not None,
                "rate": rate_of([(cell[headline]["count"], cell["episodes"]) for cell in cells]),
                "retention": _retention(twins),
                "mean_score": _mean(cell["mean_score"] for cell in cells),
            }
        )
    return found


def factor_numbers(entry: Entry) -> list[Numbers]:
    """Mean rate, retention and area under the sweep of each factor, in the protocol's order.

    Conditions count equally. The area is None without levels; its level 0 is the unperturbed twin,
    and conditions of the same level, such as to the left and to the right, are averaged.
    """
    by_factor: dict[str, list[Mapping[str, Any]]] = {}
    for condition in entry.runs[0].blocks["protocol"]["conditions"]:
        if condition["factor"] is not None and condition["twin"] is not None:
            by_factor.setdefault(condition["factor"], []).append(condition)
    found = []
    for factor, conditions in by_factor.items():
        twins = [_twins(entry, condition["name"]) for condition in conditions]
        rates = [_mean(twin["rate"] for twin in each) for each in twins if each]
        if not rates:
            continue
        found.append(
            {
                "factor": factor,
                "rate": _mean(rates),
                "retention": _retention([twin for each in twins for twin in each]),
                "area": _area(conditions, twins),
            }
        )
    return found


def task_numbers(entry: Entry) -> list[Numbers]:
    """Rate in each task over the scored conditions, in the order of the result."""
    independent = len(entry.scored_conditions) == 1
    return [
        {
            "task": task,
            "rate": rate_of(
                [(int(run.sum()), int(trials.sum())) for run in successes], independent=independent
            ),
        }
        for task, successes, trials in zip(
            entry.runs[0].tasks, entry.successes, entry.trials, strict=True
        )
    ]


def _twins(entry: Entry, condition: str) -> list[Mapping[str, Any]]:
    """Each run's comparison of a condition with its twin, over all tasks."""
    return [
        twin
        for run in entry.runs
        for twin in run.blocks["summary"]["twins"]
        if twin["condition"] == condition and twin["task"] is None
    ]


def _retention(twins: Sequence[Mapping[str, Any]]) -> float | None:
    """Of the mean rates: the mean of ratios would depend on the runs that hardly succeed."""
    if not twins:
        return None
    return retention(_mean(twin["rate"] for twin in twins), _mean(t["twin_rate"] for t in twins))


def _area(
    conditions: Sequence[Mapping[str, Any]], twins: Sequence[Sequence[Mapping[str, Any]]]
) -> float | None:
    levels: dict[int, list[float]] = {}
    unperturbed: list[float] = []
    for condition, each in zip(conditions, twins, strict=True):
        if condition["level"] is None or not each:
            return None
        levels.setdefault(condition["level"], []).append(_mean(twin["rate"] for twin in each))
        unperturbed.append(_mean(twin["twin_rate"] for twin in each))
    levels.setdefault(0, unperturbed)
    if len(levels) < 2:
        return None
    return sweep_area({level: _mean(rates) for level, rates in levels.items()})


def _mean(values: Iterable[float]) -> float:
    return mean_std(list(values)).mean
