"""The policy interface: what acts in an episode, and what it needs to see for it.

Contents:
    Observes: the observation a policy asks for.
    TrainingData: what a policy has learned from.
    EpisodeContext: what a policy is told when an episode begins.
    Policy: the base class of everything that acts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

Observation = Mapping[str, Any]


@dataclass(frozen=True)
class Observes:
    """The observation a policy asks for; the runner builds the environment from it.

    Attributes:
        obs_mode: `state`, `rgb`, `rgbd` or `pointcloud` (`envs.dual_arm_env`).
        cameras: Names of the cameras; none for `state`.
        resolution: Width and height in pixels; None takes the camera model's own.
        history: Number of observations stacked, newest last. 1 gives them unstacked.
        history_stride: Control steps between stacked observations.
    """

    obs_mode: str = "state"
    cameras: tuple[str, ...] = ()
    resolution: tuple[int, int] | None = None
    history: int = 1
    history_stride: int = 1


@dataclass(frozen=True)
class TrainingData:
    """What a policy has learned from, as far as its checkpoint knows.

    Attributes:
        demonstrations: Parts of it: episodes of each task, and what varied in them.
        seed: Which training run it was; None if that is not known.
        generated: More parts, whose pictures are generated.
    """

    demonstrations: tuple[tuple[int, Mapping[str, Any]], ...]
    seed: int | None = None
    generated: tuple[tuple[int, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class EpisodeContext:
    """What a policy is told when an episode begins.

    Attributes:
        task: Task name, such as `block_hammer_beat`.
        instruction: The sentence that describes the task in this episode.
        seed: Seed for the policy's own randomness; a function of the episode's seed.
        action_space: Box of one action, 14 joint targets or 16 end-effector numbers.
        control_hz: Actions per second.
        env: The unwrapped environment, for policies with `privileged = True`; None for others.
    """

    task: str
    instruction: str
    seed: int
    action_space: gymnasium.spaces.Box
    control_hz: float
    env: gymnasium.Env[Any, Any] | None = field(default=None, repr=False)


class Policy(ABC):
    """Something that acts.

    A policy is created once per worker process and reused over episodes: `reset` begins one,
    then `act` is called whenever the last returned actions have been executed.

    Attributes:
        observes: The observation it needs.
        action_mode: `joint` (14 joint targets) or `ee` (16: two positions, quaternions wxyz,
            grippers).
        tasks: Names of the only tasks that it can do; None for one that takes any.
        training_data: What it has learned from; None if it does not know.
        privileged: Whether it reads the simulation itself, as a scripted expert does. Recorded
            in results, so that nobody takes an oracle for a policy.
    """

    observes: Observes = Observes()
    action_mode: str = "joint"
    tasks: tuple[str, ...] | None = None
    training_data: TrainingData | None = None
    privileged: ClassVar[bool] = False

    def reset(self, episode: EpisodeContext) -> None:
        """Begins an episode. Drops everything remembered from the one before."""

    @abstractmethod
    def act(self, observation: Observation) -> NDArray[np.floating[Any]]:
        """Chooses the next actions.

        Args:
            observation: As `observes` asks for.

        Returns:
            Array (T, A) of T >= 1 actions that are executed in turn before the next call.
        """

    def act_batch(self, observations: Sequence[Observation]) -> Sequence[NDArray[np.floating[Any]]]:
        """Chooses actions for several independent observations, in turn unless overridden.

        The runner does not call it yet: it asks `act` for one observation at a time.
        """
        return [self.act(observation) for observation in observations]

    def config(self) -> dict[str, Any]:
        """What the policy was built with, as JSON; recorded in results."""
        return {}

    def weights_sha256(self) -> str | None:
        """Hash of the weights, or None for a policy without any."""
        return None

    def close(self) -> None:
        """Frees what the policy holds (connections, files)."""
