"""How episodes ended, in words, and the failures grouped by their reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_protocols.report.words import capitalized, readable

#: Kinds of outcome, the worst first, with the word for one episode.
KINDS = {
    "error": "Error",
    "failed": "Failed",
    "undone": "Undone",
    "succeeded": "Succeeded",
}


@dataclass(frozen=True)
class Outcome:
    """How an episode ended.

    Attributes:
        kind: A key of `KINDS`. "undone": solved for a while, but not when the episode ended.
        reason: Why, in words; empty if it succeeded.
    """

    kind: str
    reason: str = ""


@dataclass(frozen=True)
class Group:
    """Episodes of one task that ended alike.

    Attributes:
        task: Task name.
        outcome: How they ended.
        episodes: Their records, at least one.
    """

    task: str
    outcome: Outcome
    episodes: tuple[Mapping[str, Any], ...]


def outcome(episode: Mapping[str, Any]) -> Outcome:
    """Says how an episode ended.

    Args:
        episode: Its record.
    """
    if episode["error"] is not None:
        return Outcome("error", episode["error"] or "an error without a message")
    if episode["success_at_end"]:
        return Outcome("succeeded")
    missing = [readable(name) for name, holds in episode["checks"].items() if not holds]
    if episode["success_once"]:
        lost = f"; no longer true: {', '.join(missing)}" if missing else ""
        return Outcome("undone", f"Solved, but not any more at the end{lost}")
    if episode["failure"] is not None:
        return Outcome("failed", capitalized(episode["failure"]) or "The task ended early")
    if missing:
        return Outcome("failed", f"Time ran out; still missing: {', '.join(missing)}")
    if episode["checks"]:
        return Outcome("failed", "Time ran out before success had lasted long enough")
    return Outcome("failed", "Time ran out")


def failure_groups(episodes: Sequence[Mapping[str, Any]]) -> dict[str, list[Group]]:
    """Groups what did not end in success by task and reason.

    Args:
        episodes: Records, in the order of the result.

    Returns:
        The groups of each task that has any. Tasks with errors come first, then those with the
        most failures. In a task errors come first, then failures, then what was solved and undone;
        among these the most frequent first.
    """
    members: dict[str, dict[Outcome, list[Mapping[str, Any]]]] = {}
    for episode in episodes:
        ended = outcome(episode)
        if ended.kind != "succeeded":
            members.setdefault(episode["task"], {}).setdefault(ended, []).append(episode)
    order = list(KINDS)
    tasks = {
        task: sorted(
            (Group(task, ended, tuple(found)) for ended, found in outcomes.items()),
            key=lambda group: (order.index(group.outcome.kind), -len(group.episodes)),
        )
        for task, outcomes in members.items()
    }

    def weight(task: str) -> tuple[int, int]:
        counts = [(g.outcome.kind, len(g.episodes)) for g in tasks[task]]
        errors = sum(count for kind, count in counts if kind == "error")
        return -errors, -sum(count for kind, count in counts if kind != "undone")

    return {task: tasks[task] for task in sorted(tasks, key=weight)}
