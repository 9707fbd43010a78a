"""The shipped checkpoints as one policy: each task with the checkpoint that was trained for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.imitation.acting import LearnedPolicy
from policies.imitation.checkpoint import CheckpointError
from policies.policy import EpisodeContext, Observation, Policy

FOLDER = Path(__file__).resolve().parent / "checkpoints"
"""One folder for each task, named after it."""


class PretrainedPolicy(Policy):
    """A learned policy that needs no training; its config says what it learned, and how."""

    tasks = tuple(sorted(path.name for path in FOLDER.iterdir()))

    def __init__(self, device: str = "auto") -> None:
        """Loads all checkpoints, which observe and have learned from the same.

        Args:
            device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        """
        self._policies = {task: LearnedPolicy(str(FOLDER / task), device) for task in self.tasks}
        first = self._policies[self.tasks[0]]
        self.observes, self.training_data = first.observes, first.training_data
        self._acting = first

    def reset(self, episode: EpisodeContext) -> None:
        """Takes up the task's checkpoint.

        Raises:
            CheckpointError: For a task that none is shipped for.
        """
        if episode.task not in self._policies:
            raise CheckpointError(
                f"no checkpoint is shipped for {episode.task}; valid are {', '.join(self.tasks)}"
            )
        self._acting = self._policies[episode.task]
        self._acting.reset(episode)

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next actions (T, 14)."""
        return self._acting.act(observation)

    def act_batch(self, observations: Sequence[Observation]) -> Sequence[NDArray[np.float32]]:
        """The next actions for each of several observations of the episode's task."""
        return self._acting.act_batch(observations)

    def config(self) -> dict[str, Any]:
        """What each task's checkpoint is."""
        return {task: policy.config() for task, policy in self._policies.items()}

    def weights_sha256(self) -> str:
        """Hash of the hashes of all checkpoints' weights."""
        digest = hashlib.sha256()
        for policy in self._policies.values():
            digest.update(policy.weights_sha256().encode())
        return digest.hexdigest()
