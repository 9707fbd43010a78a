"""Executing several actions for one look."""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.errors import InvalidActionError


class ActionChunk(gymnasium.Wrapper[Any, NDArray[Any], Any, NDArray[Any]]):
    """Takes a chunk of actions and renders pictures only where somebody will see them.

    A step executes the chunk's actions in turn and returns the observation after the last one;
    rewards add up. Pictures are taken after the last action, and as far back from it as a
    `FrameHistory` inside reaches: also those that it does not stack now may be due after the next
    chunk, whose length nobody knows. The chunk is cut short where the episode is truncated or
    fails, and where it first succeeds: `info["executed"]` says how many actions ran.
    """

    def __init__(self, env: gymnasium.Env[Any, NDArray[Any]], length: int) -> None:
        """Wraps an environment.

        Args:
            env: A `DualArmEnv`, possibly wrapped.
            length: Greatest number of actions in a chunk; shorter ones are fine.

        Raises:
            ValueError: For a length below 1.
        """
        super().__init__(env)
        if length < 1:
            raise ValueError(f"a chunk has at least 1 action, not {length}")
        single = env.action_space
        assert isinstance(single, spaces.Box)
        self._single = single
        self.action_space = spaces.Box(
            np.tile(single.low, (length, 1)), np.tile(single.high, (length, 1)), dtype=np.float32
        )

    def step(self, action: NDArray[Any]) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Executes a chunk.

        Args:
            action: Array (T, A), 1 <= T <= length.

        Raises:
            envs.errors.InvalidActionError: For another shape, and as the environment does.
        """
        chunk = np.asarray(action)
        length, size = self.action_space.shape  # type: ignore[misc]
        if chunk.ndim != 2 or chunk.shape[1] != size or not 1 <= len(chunk) <= length:
            raise InvalidActionError(
                f"action chunk has shape {chunk.shape}, (T, {size}) with T in 1..{length} is needed"
            )
        reach = self._reach()
        base: Any = self.unwrapped
        total = 0.0
        try:
            for i, single in enumerate(chunk):
                base.render_next = len(chunk) - 1 - i <= reach
                observation, reward, terminated, truncated, info = self.env.step(single)
                total += float(reward)
                if terminated or truncated:
                    break
        finally:
            base.render_next = True
        if i + reach < len(chunk) - 1:
            # The chunk ended where no picture was due: look now, before anything moves.
            observation = self.env.get_wrapper_attr("observe")()
        info["executed"] = i + 1
        return observation, total, terminated, truncated, info

    def _reach(self) -> int:
        if self.env.has_wrapper_attr("frames_back"):
            return int(max(self.env.get_wrapper_attr("frames_back")))
        return 0
