"""Which episodes of a result are worth a video."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from eval_protocols.episodes import WorkUnit

#: Most videos of a result: they take seconds each, and nobody watches more.
MAX_VIDEOS = 200

logger = logging.getLogger(__name__)

Episode = Mapping[str, Any]
Condition = Mapping[str, Any]


def choose_episodes(
    episodes: Sequence[Episode],
    conditions: Sequence[Condition],
    headline: str,
    per_task: int,
    limit: int = MAX_VIDEOS,
) -> list[Episode]:
    """Chooses episodes to film.

    A condition that is no twin and has none gives some episodes for each task: those that failed
    first, in order of seed. Conditions with a twin give pairs, the perturbed episode and its twin
    on the same seed; first those in which the perturbation turned success into failure, in the
    condition that costs the task most. The next pair preferably shows another factor.

    Args:
        episodes: Records that can be replayed.
        conditions: Of the result's protocol block.
        headline: The measure that decides what a failure is.
        per_task: How many pairs for each task, or episodes for each task and condition.
        limit: Most episodes altogether. Every task gets its first before any gets its second.
    """
    by_task: dict[str, dict[str, dict[int, Episode]]] = defaultdict(lambda: defaultdict(dict))
    for episode in episodes:
        by_task[episode["task"]][episode["condition"]][episode["seed"]] = episode
    twins = {each["twin"] for each in conditions}
    lonely = [each["name"] for each in conditions if not each["twin"] and each["name"] not in twins]
    queues: list[list[tuple[Episode, ...]]] = []
    for cells in by_task.values():
        queues += [
            [
                (episode,)
                for episode in sorted(
                    cells[name].values(), key=lambda each: (each[headline], each["seed"])
                )[:per_task]
            ]
            for name in lonely
        ]
        queues.append(_pairs(cells, conditions, headline, per_task))
    wanted = {_unit(episode) for queue in queues for group in queue for episode in group}
    chosen: dict[WorkUnit, Episode] = {}
    for rank in range(per_task):
        for queue in queues:
            for group in queue[rank : rank + 1]:
                more = chosen | {_unit(episode): episode for episode in group}
                chosen = more if len(more) <= limit else chosen
    if len(chosen) < len(wanted):
        logger.warning("%d of %d videos are made: no more than %d", len(chosen), len(wanted), limit)
    return list(chosen.values())


def _unit(episode: Episode) -> WorkUnit:
    return WorkUnit(episode["task"], episode["seed"], episode["condition"])


def _pairs(
    cells: Mapping[str, Mapping[int, Episode]],
    conditions: Sequence[Condition],
    headline: str,
    count: int,
) -> list[tuple[Episode, ...]]:
    """Pairs of one task to film, each (twin, perturbed), the most telling first."""
    candidates = []
    for order, condition in enumerate(conditions):
        members, twins = cells.get(condition["name"], {}), cells.get(condition["twin"], {})
        if not members:
            continue
        rate = sum(episode[headline] for episode in members.values()) / len(members)
        worst_first = (rate, -(condition["level"] or 0), order)
        for seed in sorted(members.keys() & twins.keys()):
            failed, twin_failed = not members[seed][headline], not twins[seed][headline]
            kind = (not (failed and not twin_failed), not failed)
            pair = (twins[seed], members[seed])
            candidates.append((kind, worst_first, seed, condition["factor"], pair))
    chosen: list[tuple[Episode, ...]] = []
    factors: set[str | None] = set()
    seeds: set[int] = set()
    while candidates and len(chosen) < count:
        best = min(
            candidates,
            # A seed that is filmed already needs no other video of the twin.
            key=lambda each: (each[0], each[3] in factors, each[1], each[2] not in seeds, each[2]),
        )
        candidates.remove(best)
        chosen.append(best[4])
        seeds.add(best[2])
        factors.add(best[3])
    return chosen
