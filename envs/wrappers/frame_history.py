"""Observations of several moments, stacked."""

from __future__ import annotations

from collections import deque
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


class FrameHistory(gymnasium.Wrapper[Any, NDArray[Any], Any, NDArray[Any]]):
    """Stacks the last observations, newest last; the first one stands in for those before reset.

    Every array gets a leading axis of length `frames`; the instruction stays one string. Goes
    inside of `ActionChunk`, which renders at the frames that are asked for here.

    Attributes:
        frames_back: How many control steps before the newest each frame lies.
    """

    def __init__(self, env: gymnasium.Env[Any, NDArray[Any]], frames: int, stride: int = 1) -> None:
        """Wraps an environment.

        Args:
            env: A `DualArmEnv`, possibly wrapped.
            frames: Number of observations.
            stride: Control steps between them.

        Raises:
            ValueError: If one of them is below 1.
        """
        super().__init__(env)
        if frames < 1 or stride < 1:
            raise ValueError(f"frames and stride are at least 1, not {frames} and {stride}")
        self.frames_back = [stride * i for i in reversed(range(frames))]
        self._past: deque[Any] = deque(maxlen=self.frames_back[0] + 1)
        self.observation_space = _stacked_space(env.observation_space, frames)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode with copies of its first observation."""
        observation, info = self.env.reset(**kwargs)
        self._past.extend([observation] * (self._past.maxlen or 1))
        return self._stacked(), info

    def step(self, action: NDArray[Any]) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Executes an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._past.append(observation)
        return self._stacked(), reward, terminated, truncated, info

    def observe(self) -> Any:
        """Takes pictures now, for the newest observation."""
        self._past[-1] = self.env.get_wrapper_attr("observe")()
        return self._stacked()

    def _stacked(self) -> Any:
        return _stack([self._past[-1 - back] for back in self.frames_back])


def _stack(items: list[Any]) -> Any:
    newest = items[-1]
    if isinstance(newest, dict):
        return {key: _stack([item[key] for item in items]) for key in newest}
    return newest if isinstance(newest, str) else np.stack(items)


def _stacked_space(space: spaces.Space[Any], frames: int) -> spaces.Space[Any]:
    if isinstance(space, spaces.Dict):
        return spaces.Dict({k: _stacked_space(v, frames) for k, v in space.spaces.items()})
    if isinstance(space, spaces.Box):
        shape = (frames, *space.shape)
        low, high = np.broadcast_to(space.low, shape), np.broadcast_to(space.high, shape)
        return spaces.Box(low, high, shape, space.dtype.type)  # type: ignore[arg-type]
    return space
