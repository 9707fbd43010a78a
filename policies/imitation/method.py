"""What a method of imitation is: a network with its losses and its way to act.

Contents:
    Window: what of an episode it learns from at a frame.
    Moments, Statistics: what normalizers are fitted to.
    Optimization: how it is trained.
    ImitationMethod: the base class of SEM, DP, DP3 and ACT.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from envs.cameras import CameraModel
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


@dataclass(frozen=True)
class Optimization:
    """How a method is trained.

    Attributes:
        steps: Optimizer steps in all.
        batch_size: Windows in one optimizer step, over all processes and accumulated batches.
        learning_rate: At its height.
        betas: Of AdamW.
        weight_decay: Of AdamW and Muon.
        muon_learning_rate: Of Muon at its height, which then trains the matrices
            (`policies.training.muon`); 0 leaves everything to AdamW.
        warmup_steps: Steps in which the learning rate rises linearly.
        schedule: `cosine` (to 0), `step` (a tenth in the last tenth of the steps) or `constant`.
        clip_norm: Greatest norm of the gradient; 0 does not clip.
        ema_power: Exponent of the moving average of the weights (Karras et al. as in DP: decay
            1 - (1 + step)^-power); 0 keeps no average.
        ema_max: Greatest decay of the average.
    """

    steps: int
    batch_size: int
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    muon_learning_rate: float = 0.0
    warmup_steps: int = 500
    schedule: str = "cosine"
    clip_norm: float = 0.0
    ema_power: float = 0.0
    ema_max: float = 0.9999


class ImitationMethod(nn.Module, ABC):
    """A network that learns from demonstrations and predicts chunks of actions.

    Built from its configuration, a frozen dataclass, alone. Normalizers are buffers, so that a
    state dict is all that a trained one consists of.

    Attributes:
        name: Registered name.
        config_class: Its configuration; every field has a default, those of the paper.
        config: As it was built.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Any]]
    config: Any

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
    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of each item of a batch.

        Args:
            batch: See `policies.imitation.batch`, on this network's device.
            generator: Of noise and timesteps, on the CPU: the same draws on every device.

        Returns:
            `loss` (B,), which training minimizes the mean of, and its parts by name, each (B,).
        """

    @abstractmethod
    def predict(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Chooses actions.

        Args:
            batch: Observations without actions.
            generator: Of noise, on the CPU.

        Returns:
            (B, T, 14) joint targets for t, t + 1, ...; T is at least `executed`.
        """

    def parameter_groups(self) -> Iterable[tuple[Iterable[nn.Parameter], float]]:
        """Parameters, and what their learning rate is multiplied by."""
        return [(self.parameters(), 1.0)]
