"""What an evaluation consists of: episodes to run, and the records of finished ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

#: Longest error text in a record; the rest of a policy's message is of no use in a table.
MAX_ERROR_LENGTH = 500


@dataclass(frozen=True)
class WorkUnit:
    """One episode to run.

    Attributes:
        task: Task name.
        seed: The environment's seed.
        condition: Name of the protocol's condition.
    """

    task: str
    seed: int
    condition: str


#: A finished episode as JSON, with the keys in the order of the file. `steps` are control steps
#: executed, `error` says why the episode could not be carried out, `failure` why the task ended
#: early, `score` is the `behaviour_score`, `variations` what was drawn for each variation of the
#: condition, `state_sha256` is of the final physical state, `wall_s` is in s.
EpisodeRecord = TypedDict(
    "EpisodeRecord",
    {
        "task": str,
        "seed": int,
        "condition": str,
        "success_once": bool,
        "success_at_end": bool,
        "steps": int,
        "return": float,
        "error": str | None,
        "failure": str | None,
        "checks": dict[str, bool],
        "progress": float,
        "score": int,
        "variations": dict[str, Any],
        "attempts": int,
        "state_sha256": str | None,
        "wall_s": float,
    },
)

RECORD_KEYS: tuple[str, ...] = tuple(EpisodeRecord.__annotations__)


@dataclass(frozen=True)
class FinishedEpisode:
    """An episode that was run, or that could not be.

    Attributes:
        record: What goes to the journal.
        actions: The executed actions, (steps, A) float32; None where they were lost with a worker.
    """

    record: EpisodeRecord
    actions: NDArray[np.float32] | None


def unit_of(record: EpisodeRecord) -> WorkUnit:
    """The work unit that a record belongs to."""
    return WorkUnit(record["task"], record["seed"], record["condition"])


def lost_episode(unit: WorkUnit, error: str, *, attempts: int, wall_s: float) -> FinishedEpisode:
    """An episode of which nothing is left but the reason: its worker died or had to be killed."""
    record: EpisodeRecord = {
        "task": unit.task,
        "seed": unit.seed,
        "condition": unit.condition,
        "success_once": False,
        "success_at_end": False,
        "steps": 0,
        "return": 0.0,
        "error": one_line(error),
        "failure": None,
        "checks": {},
        "progress": 0.0,
        "score": 0,
        "variations": {},
        "attempts": attempts,
        "state_sha256": None,
        "wall_s": round(wall_s, 3),
    }
    return FinishedEpisode(record, None)


def behaviour_score(success: bool, greatest_progress: float) -> int:
    """How far an episode came, 0 .. 5: the score that EMMA gives beside success.

    The paper gives no rubric; this one is ours: 5 is success, below it the whole fifths of the
    greatest progress that was reached, at most 4.
    """
    return 5 if success else min(4, int(5 * greatest_progress))


def one_line(text: str, limit: int = MAX_ERROR_LENGTH) -> str:
    """A text as one line of limited length, without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else line[: limit - 4] + " ..."


def policy_seed(task: str, seed: int) -> int:
    """Seed of the policy's own randomness in an episode, 63 bits.

    A function of the episode alone, so that neither the worker nor the episodes before matter; and
    the same under every condition, so that twins differ in the perturbation and not in their noise.
    """
    digest = hashlib.sha256(f"{task}/{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def jsonable(value: Any) -> bool:
    """Whether a value consists of what JSON knows (tuples count as lists)."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and jsonable(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(jsonable(item) for item in value)
    if isinstance(value, float):
        return value == value and abs(value) <= 1e300
    return value is None or isinstance(value, (str, bool, int))
