"""Policies without learning: the tasks' experts, random actions, and doing nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.dual_arm_env import DualArmEnv
from envs.experts.episode import expert_actions
from policies.policy import EpisodeContext, Observation, Policy


class ExpertPolicy(Policy):
    """The task's own scripted expert, which reads the simulation.

    After its last motion it holds the arms where they are.

    Raises:
        envs.experts.motion.ExpertError: From `act`, with the reason, when the expert cannot go on.
    """

    privileged = True

    def reset(self, episode: EpisodeContext) -> None:
        """Starts the task's expert from the present scene."""
        env = episode.env
        if not isinstance(env, DualArmEnv):
            raise TypeError("the expert needs the environment itself, a DualArmEnv")
        self._env = env
        self._actions = expert_actions(env)

    def act(self, observation: Observation) -> NDArray[np.floating[Any]]:
        """The expert's next action (1, 14)."""
        action = next(self._actions, None)
        return (self._env.hold_action() if action is None else action)[None]


class RandomPolicy(Policy):
    """Uniformly random actions inside the action space."""

    def reset(self, episode: EpisodeContext) -> None:
        """Seeds the actions."""
        self._space = episode.action_space
        self._rng = np.random.default_rng(episode.seed)

    def act(self, observation: Observation) -> NDArray[np.floating[Any]]:
        """One random action (1, A)."""
        low, high = self._space.low, self._space.high
        return self._rng.uniform(low, high).astype(np.float32)[None]


class HoldPolicy(Policy):
    """Keeps the joints where they are commanded to be."""

    def reset(self, episode: EpisodeContext) -> None:
        """Remembers the bounds."""
        self._space = episode.action_space

    def act(self, observation: Observation) -> NDArray[np.floating[Any]]:
        """The joint targets as they are (1, 14)."""
        target = np.asarray(observation["joint_target"])
        return np.asarray(np.clip(target, self._space.low, self._space.high))[None]
