"""What a method of imitation is: a network with its losses and its way to act.

Contents:
    Window: what of an episode it learns from at a frame.
    Moments, Statistics: what normalizers are fitted to.
    ImitationMethod: the base class of SEM, DP, DP3 and ACT.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from envs.cameras import CameraModel
from learning.learns import Learns
from policies.imitation.batch import Batch
from policies.policy import Observes


@dataclass(frozen=True)
class Window:
    """What of an episode a method learns from at a frame t.

    Observation t is the one before action t, and action t is the joint target that observation
    t + 1 reports (RoboTwin 2.0's alignment).

    Attributes:
        horizon: Number H of actions, t + first .. t + first + H - 1. Where the episode has none,
            its first or its last action is repeated, and marked as padded.
        first: Where they begin, relative to t. 0, or negative for a method that also predicts
            what it has just done (DP: minus the history before the newest observation).
    """

    horizon: int
    first: int = 0


@dataclass(frozen=True)
class Moments:
    """Range, mean and standard deviation of each channel of something in a data set.

    Attributes:
        low: (D,) least values.
        high: (D,) greatest values.
        mean: (D,).
        std: (D,) standard deviations, 0 for a channel that never changes.
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    std: Tensor


@dataclass(frozen=True)
class Statistics:
    """What normalizers are fitted to.

    Attributes:
        joint_target: Of the commanded joints (14,).
        action: Of the actions (14,).
        pointcloud: Of the points (6,), if the method observes them.
    """

    joint_target: Moments
    action: Moments
    pointcloud: Moments | None = None


class ImitationMethod(Learns):
    """A network that learns from demonstrations and predicts chunks of actions.

    Built from its configuration, a frozen dataclass, alone. Normalizers are buffers, so that a
    state dict is all that a trained one consists of. How it learns is in `losses`, of batches as
    `policies.imitation.batch` describes them.

    Attributes:
        name: Registered name.
        config_class: Its configuration; every field has a default, those of the paper.
        config: As it was built.
        repeated_parts: Kinds of modules that make up most of it, which `compile=true` compiles.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Any]]
    config: Any
    repeated_parts: ClassVar[tuple[type[nn.Module], ...]] = ()

    @property
    @abstractmethod
    def observes(self) -> Observes:
        """The observation it needs."""

    @property
    @abstractmethod
    def window(self) -> Window:
        """What it learns from."""

    @property
    @abstractmethod
    def executed(self) -> int:
        """How many actions are executed before it looks again."""

    @property
    def standard_camera(self) -> CameraModel | None:
        """Camera that all pictures are warped to before it sees them; None for none."""
        return None

    @property
    def notice(self) -> str | None:
        """What whoever trains it should know, in a line; None for nothing."""
        return None

    @abstractmethod
    def fit(self, statistics: Statistics) -> None:
        """Sets the normalizers, once, before training."""

    @abstractmethod
    def predict(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Chooses actions.

        Args:
            batch: Observations without actions.
            generator: Of noise, on the CPU; None for noise's mean in its place, so that the actions
                follow from the observation alone.

        Returns:
            (B, T, 14) joint targets for t, t + 1, ...; T is at least `executed`.
        """
