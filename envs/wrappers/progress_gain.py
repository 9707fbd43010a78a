"""A reward for learning: the gain in progress, and a bonus for success."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium


class ProgressGain(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Rewards what a step adds to the task's progress, and success once.

    With progress itself as the reward, an episode that ends with success pays less than one that
    hovers just before it. Gains add up to the progress reached, however long it took: success is
    the best that can happen, and with a discount the sooner the better.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], scale: float = 10.0, bonus: float = 5.0):
        """Wraps an environment.

        Args:
            env: A `DualArmEnv`, possibly wrapped; its `info` has `progress` and `success`.
            scale: Reward of all progress from 0 to 1.
            bonus: Reward of success, which ends the episode.
        """
        super().__init__(env)
        self._scale, self._bonus = scale, bonus

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode."""
        observation, info = self.env.reset(**kwargs)
        self._progress = float(info["progress"])
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Takes a step."""
        observation, _, terminated, truncated, info = self.env.step(action)
        gain = float(info["progress"]) - self._progress
        self._progress = float(info["progress"])
        reward = self._scale * gain + (self._bonus if info["success"] else 0.0)
        return observation, reward, terminated, truncated, info
