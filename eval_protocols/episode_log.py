"""What has happened in an episode, when it is over, and the record of it.

The runner and the replay of a verification keep the same log, so that they judge alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval_protocols.episodes import EpisodeRecord, WorkUnit, behaviour_score
from eval_protocols.guarded_policy import Actions


class EpisodeLog:
    """What has happened in an episode so far.

    Attributes:
        actions: The executed actions.
        over: Whether it has ended.
    """

    def __init__(self, unit: WorkUnit, info: Mapping[str, Any], after_success_steps: int) -> None:
        self.actions: list[Actions] = []
        self.over = False
        self._unit = unit
        self._info = info
        self._variations = dict(info["variations"])
        self._greatest_progress = float(info["progress"])
        self._after_success_steps = after_success_steps
        self._steps_at_success: int | None = None
        self._return = 0.0

    def step(
        self, action: Actions, reward: float, info: Mapping[str, Any], truncated: bool
    ) -> None:
        """Takes note of one control step."""
        self.actions.append(action)
        self._return += reward
        self._info = info
        self._greatest_progress = max(self._greatest_progress, float(info["progress"]))
        steps = len(self.actions)
        if self._steps_at_success is None and info["success_once"]:
            self._steps_at_success = steps
        settled = (
            self._steps_at_success is not None
            and steps - self._steps_at_success >= self._after_success_steps
        )
        self.over = truncated or settled or info["failure"] is not None

    def record(self, error: str | None, *, state_sha256: str, wall_s: float) -> EpisodeRecord:
        """The record. An episode with an error is no success, whatever came before it."""
        success = error is None and self._steps_at_success is not None
        return {
            "task": self._unit.task,
            "seed": self._unit.seed,
            "condition": self._unit.condition,
            "success_once": success,
            "success_at_end": error is None and bool(self._info["success"]),
            "steps": len(self.actions),
            "return": float(self._return),
            "error": error,
            "failure": self._info["failure"],
            "checks": {name: bool(value) for name, value in self._info["checks"].items()},
            "progress": float(self._info["progress"]),
            "score": behaviour_score(success, self._greatest_progress),
            "variations": self._variations,
            "attempts": 1,
            "state_sha256": state_sha256,
            "wall_s": round(wall_s, 3),
        }
