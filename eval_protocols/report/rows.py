"""Episodes as the page shows them: alone, by task where they failed, and side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_protocols.report.media import Clip, Key, Still
from eval_protocols.report.outcomes import KINDS, Group, Outcome, failure_groups, outcome

_COUNTED = {"error": "with an error", "failed": "failed", "undone": "solved and undone"}


@dataclass(frozen=True)
class EpisodeRow:
    """An episode in the page.

    Attributes:
        record: Its record in the result.
        outcome: How it ended.
        word: The outcome in a word.
        clip: Its video, if there is one.
        still: What the policy's first camera saw when it began, if that is known.
    """

    record: Mapping[str, Any]
    outcome: Outcome
    word: str
    clip: Clip | None
    still: Still | None


@dataclass(frozen=True)
class TaskFailures:
    """What went wrong in a task.

    Attributes:
        groups: Its failures by reason, each with the number of episodes by condition.
        counts: How many episodes ended in each way, in words; those that went wrong.
        clips: Episodes with a video.
    """

    groups: tuple[tuple[Group, tuple[tuple[str, int], ...]], ...]
    counts: str
    clips: tuple[EpisodeRow, ...]


def episode_rows(
    episodes: Iterable[Mapping[str, Any]],
    clips: Mapping[Key, Clip],
    stills: Mapping[Key, Sequence[Still]],
) -> dict[Key, EpisodeRow]:
    """All episodes in the order of the result."""
    rows = {}
    for record in episodes:
        key, ended = key_of(record), outcome(record)
        still = next(iter(stills.get(key, ())), None)
        rows[key] = EpisodeRow(record, ended, KINDS[ended.kind], clips.get(key), still)
    return rows


def key_of(record: Mapping[str, Any]) -> Key:
    """What an episode is known by."""
    return (record["condition"], record["task"], record["seed"])


def filmed_twins(
    rows: Mapping[Key, EpisodeRow], twin_of: Mapping[str, str | None]
) -> dict[str, list[tuple[EpisodeRow, ...]]]:
    """Videos that belong side by side, by task: an unperturbed episode, then its perturbed ones.

    Args:
        rows: All episodes.
        twin_of: Name of each condition's twin.
    """
    groups: dict[Key, list[EpisodeRow]] = {}
    for (condition, task, seed), row in rows.items():
        twin = twin_of[condition]
        if row.clip is None or twin is None:
            continue
        key = (twin, task, seed)
        if key in rows and rows[key].clip is not None:
            groups.setdefault(key, [rows[key]]).append(row)
    found: dict[str, list[tuple[EpisodeRow, ...]]] = {}
    for (_, task, _), group in groups.items():
        found.setdefault(task, []).append(tuple(group))
    return found


def task_failures(
    episodes: Sequence[Mapping[str, Any]], rows: Mapping[Key, EpisodeRow], shown: set[Key]
) -> dict[str, TaskFailures]:
    """What went wrong by task, with the videos that are not `shown` elsewhere."""
    found = {}
    totals = Counter(episode["task"] for episode in episodes)
    for task, groups in failure_groups(episodes).items():
        counts: Counter[str] = Counter()
        for group in groups:
            counts[group.outcome.kind] += len(group.episodes)
        members = [rows[key_of(record)] for group in groups for record in group.episodes]
        found[task] = TaskFailures(
            tuple(
                (group, tuple(Counter(each["condition"] for each in group.episodes).most_common()))
                for group in groups
            ),
            ", ".join(f"{count} {_COUNTED[kind]}" for kind, count in counts.items())
            + f" out of {totals[task]}",
            tuple(row for row in members if row.clip and key_of(row.record) not in shown),
        )
    return found


def filmed_successes(
    rows: Mapping[Key, EpisodeRow], shown: set[Key]
) -> dict[str, list[EpisodeRow]]:
    """The videos of successes by task that are not `shown` elsewhere."""
    found: dict[str, list[EpisodeRow]] = {}
    for key, row in rows.items():
        if row.clip is not None and row.outcome.kind == "succeeded" and key not in shown:
            found.setdefault(row.record["task"], []).append(row)
    return found
