"""The summary of a result: success rates by condition and task, and what perturbations cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval_protocols.paired_statistics import PairCounts, mcnemar_p_value, paired_difference
from eval_protocols.statistics import mean, retention, success_rate

Episode = Mapping[str, Any]


def summarize(
    episodes: Sequence[Episode],
    tasks: Sequence[str],
    conditions: Sequence[Mapping[str, Any]],
    headline: str,
) -> dict[str, Any]:
    """Computes success rates with their Wilson 95% intervals, and differences between twins.

    Episodes that ended in an error count as failures. The overall rate pools the episodes of all
    tasks, so with equally many for each it is also the mean over tasks.

    Args:
        episodes: Records as the schema describes them, in any order.
        tasks: Task names, in the order of the summary.
        conditions: The conditions of the result's protocol block, in the order of the summary.
        headline: The measure that twins are compared by, a key of episodes.

    Returns:
        The summary block: "overall" with one cell for each condition, "tasks" with one for each
        condition and task, "twins" with one comparison for each condition that has a twin, over
        all tasks and for each task.

    Raises:
        ValueError: If a task was not run under a condition, or an episode belongs to none.
    """
    names = [condition["name"] for condition in conditions]
    cells: dict[tuple[str, str], list[Episode]] = {
        (name, task): [] for name in names for task in tasks
    }
    for episode in episodes:
        key = (episode["condition"], episode["task"])
        if key not in cells:
            raise ValueError(f"an episode of {key[1]} under {key[0]}, which is not in the protocol")
        cells[key].append(episode)
    for (name, task), members in cells.items():
        if not members:
            raise ValueError(f"no episode of {task} under {name}")
    return {
        "overall": [
            _cell(None, name, [episode for task in tasks for episode in cells[name, task]])
            for name in names
        ],
        "tasks": [_cell(task, name, members) for (name, task), members in cells.items()],
        "twins": _twins(cells, tasks, conditions, headline),
    }


def _cell(task: str | None, condition: str, episodes: list[Episode]) -> dict[str, Any]:
    """One cell of the summary; `episodes` has at least one."""
    done = [episode for episode in episodes if episode["error"] is None]
    return {
        "task": task,
        "condition": condition,
        "episodes": len(episodes),
        "errors": len(episodes) - len(done),
        "success_once": success_rate(episode["success_once"] for episode in episodes),
        "success_at_end": success_rate(episode["success_at_end"] for episode in episodes),
        "mean_score": mean([episode["score"] for episode in episodes]),
        "mean_steps": mean([episode["steps"] for episode in done]),
        "mean_return": mean([episode["return"] for episode in done]),
    }


def _twins(
    cells: Mapping[tuple[str, str], list[Episode]],
    tasks: Sequence[str],
    conditions: Sequence[Mapping[str, Any]],
    headline: str,
) -> list[dict[str, Any]]:
    """Each condition against its twin on the seeds that both have."""
    found = []
    for condition in conditions:
        name, twin = condition["name"], condition["twin"]
        if twin is None:
            continue
        by_task = {
            task: _pair_counts(cells[name, task], cells[twin, task], headline) for task in tasks
        }
        pooled = sum(by_task.values(), PairCounts(0, 0, 0, 0))
        found += [
            _twin(name, twin, task, counts)
            for task, counts in [(None, pooled), *by_task.items()]
            if counts.pairs
        ]
    return found


def _pair_counts(
    episodes: Sequence[Episode], twins: Sequence[Episode], headline: str
) -> PairCounts:
    """The outcomes of one task under a condition and its twin, paired by seed."""
    unperturbed = {episode["seed"]: episode[headline] for episode in twins}
    return PairCounts.of(
        (episode[headline], unperturbed[episode["seed"]])
        for episode in episodes
        if episode["seed"] in unperturbed
    )


def _twin(condition: str, twin: str, task: str | None, counts: PairCounts) -> dict[str, Any]:
    """One comparison of the summary; there is at least one pair."""
    rate = counts.first_successes / counts.pairs
    twin_rate = counts.second_successes / counts.pairs
    return {
        "condition": condition,
        "twin": twin,
        "task": task,
        "pairs": counts.pairs,
        "rate": rate,
        "twin_rate": twin_rate,
        "difference": paired_difference(counts)._asdict(),
        "retention": retention(rate, twin_rate),
        "p_value": mcnemar_p_value(counts),
    }
