"""Replaying an episode's actions, and comparing what comes of them with what a result claims.

An episode is a function of its task, seed, variations and actions, down to the last bit of the
final state. Nothing is rendered: a policy's pictures change no physics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.errors import InvalidActionError
from envs.registration import make_env
from eval_protocols.action_archive import title
from eval_protocols.episode_log import EpisodeLog
from eval_protocols.episodes import EpisodeRecord, WorkUnit, unit_of
from eval_protocols.protocol import Condition

#: What a replay has to give again, in the order in which differences are named.
REPLAYED = (
    *("success_once", "success_at_end", "failure", "checks", "score", "steps", "return"),
    *("progress", "variations", "state_sha256"),
)

#: Floats may differ by so much: NumPy's sine is not the same to the last bit on every processor.
TOLERANCE = 1e-9


class ReplayError(ValueError):
    """An episode that cannot have gone as it is claimed to; says why in one line."""


class Replayer:
    """Replays the episodes of one result. Keeps one environment for each task."""

    def __init__(
        self, conditions: Sequence[Condition], action_mode: str, after_success_steps: int
    ) -> None:
        """Builds nothing yet.

        Args:
            conditions: Those of the protocol.
            action_mode: What the actions are, `joint` or `ee`.
            after_success_steps: Control steps that an episode goes on after its first success.
        """
        self._conditions = {condition.name: condition for condition in conditions}
        self._action_mode = action_mode
        self._after_success_steps = after_success_steps
        self._envs: dict[str, gymnasium.Env[Any, Any]] = {}

    def check(self, claimed: EpisodeRecord, actions: NDArray[np.float32]) -> None:
        """Replays an episode.

        Args:
            claimed: Its record.
            actions: Its executed actions (steps, A).

        Raises:
            ReplayError: If something else comes of them.
        """
        unit = unit_of(claimed)
        replayed = self.replay(unit, actions, claimed["error"])
        differing = [
            key
            for key in REPLAYED
            if not agree(claimed[key], replayed[key])  # type: ignore[literal-required]
            # An episode that could not be carried out may have left no hash.
            and not (key == "state_sha256" and claimed["error"] and claimed[key] is None)  # type: ignore[literal-required]
        ]
        if differing:
            key = differing[0]
            more = f" ({len(differing) - 1} more fields differ)" if len(differing) > 1 else ""
            raise ReplayError(
                f"{title(unit)}: {key} is {_brief(claimed[key])}, but the replay gives "  # type: ignore[literal-required]
                f"{_brief(replayed[key])}{more}"  # type: ignore[literal-required]
            )

    def replay(
        self, unit: WorkUnit, actions: NDArray[np.float32], error: str | None
    ) -> EpisodeRecord:
        """What becomes of actions.

        Args:
            unit: The episode.
            actions: (steps, A).
            error: Why the episode was broken off after them; None if it ran to its end.

        Raises:
            ReplayError: If an action is none, or the episode ends sooner or later than they do.
        """
        env = self._env(unit.task)
        variations = self._conditions[unit.condition].variations
        _, info = env.reset(seed=unit.seed, options={"variations": variations})
        episode = EpisodeLog(unit, info, self._after_success_steps)
        for index, action in enumerate(actions):
            if episode.over:
                raise ReplayError(f"{title(unit)}: {len(actions)} steps, but it ends after {index}")
            try:
                _, reward, _, truncated, info = env.step(action)
            except InvalidActionError as wrong:
                raise ReplayError(f"{title(unit)}: step {index}: {wrong}") from None
            episode.step(action, float(reward), info, truncated)
        if error is None and not episode.over:
            raise ReplayError(f"{title(unit)}: stops after {len(actions)} steps, before its end")
        if error is not None and episode.over:
            raise ReplayError(f"{title(unit)}: an error is claimed, but it ran to its end")
        state_sha256 = env.get_wrapper_attr("state_sha256")()
        return episode.record(error, state_sha256=state_sha256, wall_s=0.0)

    def close(self) -> None:
        """Closes the environments."""
        for env in self._envs.values():
            env.close()
        self._envs.clear()

    def _env(self, task: str) -> gymnasium.Env[Any, Any]:
        if task not in self._envs:
            self._envs[task] = make_env(task, obs_mode="state", action_mode=self._action_mode)
        return self._envs[task]


def agree(claimed: Any, replayed: Any) -> bool:
    """Whether two JSON values are the same, floats within the tolerance."""
    if isinstance(replayed, Mapping):
        # No variations are an empty object, or null.
        claimed = {} if claimed is None else claimed
        return (
            isinstance(claimed, Mapping)
            and claimed.keys() == replayed.keys()
            and all(agree(claimed[key], value) for key, value in replayed.items())
        )
    if isinstance(replayed, (list, tuple)):
        return (
            isinstance(claimed, (list, tuple))
            and len(claimed) == len(replayed)
            and all(agree(one, other) for one, other in zip(claimed, replayed, strict=True))
        )
    if isinstance(replayed, bool) or isinstance(claimed, bool):
        return claimed is replayed
    if isinstance(replayed, float) and isinstance(claimed, (int, float)):
        return math.isclose(claimed, replayed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(claimed == replayed)


def _brief(value: object) -> str:
    """A claimed value in one short line, whatever it is."""
    line = "".join(char if char.isprintable() else " " for char in str(value))
    return line if len(line) <= 80 else f"{line[:77]}..."
