"""Observations in another look: what a restyler does to demonstrations, done while acting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from augment.clip import Clip
from augment.restyling import Restyler, Restyling, RestylingError, ordered_views
from envs.demonstrations.recording import RecordedEnv, things_of
from envs.dual_arm_env import DualArmEnv
from envs.randomness import stream

EpisodePrompt = Callable[[Mapping[str, Any], np.random.Generator], str]
"""Draws an episode's prompt. The first argument has `things` and the drawn `variations`, as a
demonstration's `info`."""


class RestyledObservation(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The pictures of an episode are restyled, all of its views in one look.

    Only `cameras/*/rgb` changes: depth, cameras and spaces stay. Prompt and look follow from the
    episode's seed alone; `info["prompt"]` of a reset says the prompt.

    A generation is paid for where pictures were taken, and nowhere else: inside of a chunk of
    actions observations repeat the old pictures (`DualArmEnv.render_next`), and so does this
    wrapper. To a restyler the pictures that were taken are the episode's frames.

    Goes around a `DualArmEnv` in `rgbd`, with `FrameHistory` and `ActionChunk` outside of it.

    Attributes:
        restyling_s: Seconds that restyling took in the last reset, step or look; 0 where pictures
            were repeated. It is not in `info`: Gymnasium's check holds that the same seed gives the
            same `info`.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], restyler: Restyler, prompt: str | EpisodePrompt = ""
    ) -> None:
        """Wraps an environment.

        Args:
            env: A `DualArmEnv`, possibly wrapped, with the restyler's cameras; a `RecordedEnv` for
                a restyler that needs segmentation.
            restyler: Restyles.
            prompt: Of all episodes, or what draws one for each.

        Raises:
            RestylingError: If the environment does not have what the restyler needs.
        """
        super().__init__(env)
        self._restyler, self._prompt = restyler, prompt
        base = env.unwrapped
        if not isinstance(base, DualArmEnv):
            raise RestylingError(f"restyling needs a DualArmEnv, not {type(base).__name__}")
        if restyler.needs_segmentation and not isinstance(base, RecordedEnv):
            raise RestylingError(
                f"{restyler.name} needs segmentation, which only RecordedEnv "
                "(envs.demonstrations.recording) shows: make one of those"
            )
        self._base = base
        self._views = ordered_views(restyler, _cameras(env.observation_space))
        self._restyling: Restyling | None = None
        self._taken: list[NDArray[np.uint8]] = []
        self._restyled: dict[str, NDArray[np.uint8]] = {}
        self.restyling_s = 0.0

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in a look of its own."""
        observation, info = self.env.reset(**kwargs)
        seed, prompt, things = info["seed"], self._prompt, things_of(self._base)
        if not isinstance(prompt, str):
            prompt = prompt({**info, "things": things}, stream(seed, "prompt"))
        info["prompt"] = prompt
        self._restyling = self._restyler.begin(prompt, seed, things)
        self._taken = []
        return self._in_its_look(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Takes a step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._in_its_look(observation), reward, terminated, truncated, info

    def observe(self) -> Any:
        """Takes pictures now and returns the present observation.

        Raises:
            RestylingError: Before the first reset.
        """
        if self._restyling is None:
            raise RestylingError("no episode has begun: reset first")
        return self._in_its_look(self.env.get_wrapper_attr("observe")())

    def _in_its_look(self, observation: Any) -> Any:
        cameras = observation["cameras"]
        taken = [cameras[name]["rgb"] for name in self._views]
        # Where nothing was rendered, observations repeat the same arrays.
        begin = perf_counter()
        new = len(self._taken) != len(taken) or any(
            now is not before for now, before in zip(taken, self._taken, strict=True)
        )
        if new:
            assert self._restyling is not None
            (pictures,) = self._restyling(self._clip(cameras))
            self._restyled = dict(zip(self._views, pictures, strict=True))
            self._taken = taken
        self.restyling_s = perf_counter() - begin if new else 0.0
        restyled = {
            name: {**camera, "rgb": self._restyled[name]} for name, camera in cameras.items()
        }
        return {**observation, "cameras": restyled}

    def _clip(self, cameras: dict[str, dict[str, Any]]) -> Clip:
        """The views of this moment."""
        parts = {
            part: np.stack([cameras[name][part] for name in self._views])[None]
            for part in ("rgb", "depth", "intrinsic_cv", "extrinsic_cv")
        }
        if self._restyler.needs_segmentation:
            assert isinstance(self._base, RecordedEnv)
            seen = [self._base.pictures[name].segmentation for name in self._views]
            parts["segmentation"] = np.stack(seen)[None]
        return Clip(**parts)


def _cameras(space: spaces.Space[Any]) -> list[str]:
    """Names of the cameras of observations, if they are pictures with depth of one moment."""
    cameras = space.spaces.get("cameras") if isinstance(space, spaces.Dict) else None
    found: dict[str, Any] = dict(cameras.spaces) if isinstance(cameras, spaces.Dict) else {}
    if not found or any(not {"rgb", "depth"} <= set(camera) for camera in found.values()):
        raise RestylingError("restyling needs pictures and their depth: obs_mode 'rgbd'")
    if any(len(camera["depth"].shape) != 2 for camera in found.values()):
        raise RestylingError("restyling is of single frames: FrameHistory goes outside of it")
    return list(found)
