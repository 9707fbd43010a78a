"""What DP and DP3 have in common: all but what they see."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.errors import nearest
from envs.robots.dual_arm import ACTION_SIZE
from policies.blocks.action_bounds import within_bounds
from policies.blocks.chunk_diffusion import PREDICTIONS, SAMPLERS, ChunkDiffusion
from policies.blocks.normalizers import MinMaxNormalizer
from policies.blocks.unet1d import ConditionalUnet1D
from policies.imitation.batch import Batch
from policies.imitation.method import ImitationMethod, Statistics, Window


@dataclass(frozen=True)
class DiffusionConfig:
    """How a policy that denoises chunks of actions is built.

    Attributes:
        history: Observations that it sees.
        horizon: Actions that it denoises, the first of them `history` - 1 before now.
        executed: Actions that are executed before it looks again.
        unet_widths: Channels of the levels of the U-Net.
        step_embedding: Numbers that a diffusion step is embedded in.
        prediction: What the U-Net predicts: `epsilon` (the noise) or `sample` (clean actions).
        sampler: `ddpm` or `ddim`.
        train_steps: Diffusion steps in training.
        inference_steps: Diffusion steps in acting.
        noise_samples: Draws of noise and diffusion step for each window of a training step. What
            is observed is encoded once for all of them.
    """

    history: int = 3
    horizon: int = 8
    executed: int = 6
    unet_widths: tuple[int, ...] = (256, 512, 1024)
    step_embedding: int = 128
    prediction: str = "epsilon"
    sampler: str = "ddpm"
    train_steps: int = 100
    inference_steps: int = 100
    noise_samples: int = 1

    def __post_init__(self) -> None:
        """Checks what hangs together.

        Raises:
            ValueError: Says what is wrong.
        """
        for name, known in (("prediction", PREDICTIONS), ("sampler", SAMPLERS)):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"unknown {name} '{value}'; {nearest(value, known)}")
        if self.horizon % 2 ** (len(self.unet_widths) - 1):
            raise ValueError(
                f"horizon={self.horizon}: expected a multiple of "
                f"{2 ** (len(self.unet_widths) - 1)}, as the U-Net halves it"
            )
        ahead = self.horizon - self.history + 1
        if not 1 <= self.executed <= ahead:
            raise ValueError(
                f"executed={self.executed}: expected 1 .. {ahead}, the actions of "
                f"horizon={self.horizon} that are not past with history={self.history}"
            )
        if not 1 <= self.inference_steps <= self.train_steps:
            raise ValueError(
                f"inference_steps={self.inference_steps}: expected 1 .. "
                f"train_steps={self.train_steps}"
            )


class DiffusionMethod(ImitationMethod):
    """A U-Net denoises a chunk of actions, given features of the observations.

    Attributes:
        state_normalizer: Of joint targets.
        diffusion: What denoises.
    """

    config: DiffusionConfig

    def __init__(self, config: DiffusionConfig, features: int) -> None:
        """Builds it with random weights.

        Args:
            config: How.
            features: Numbers that each observation is encoded in.
        """
        super().__init__()
        self.config = config
        self.state_normalizer = MinMaxNormalizer(ACTION_SIZE)
        self.diffusion = ChunkDiffusion(
            ConditionalUnet1D(
                ACTION_SIZE,
                config.history * features,
                config.unet_widths,
                step_embedding=config.step_embedding,
            ),
            horizon=config.horizon,
            channels=ACTION_SIZE,
            prediction=config.prediction,
            sampler=config.sampler,
            train_steps=config.train_steps,
            inference_steps=config.inference_steps,
        )

    @abstractmethod
    def features(self, batch: Batch) -> Tensor:
        """What the U-Net is told of each observation, (B, To, features)."""

    @property
    def window(self) -> Window:
        """The actions since the oldest observation, and the next ones."""
        return Window(self.config.horizon, first=1 - self.config.history)

    @property
    def executed(self) -> int:
        """See the configuration."""
        return self.config.executed

    def fit(self, statistics: Statistics) -> None:
        """Sets the normalizers."""
        self.state_normalizer.fit(statistics.joint_target)
        self.diffusion.normalizer.fit(statistics.action)

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of denoising; padded actions count, so that it learns to stay at the end."""
        condition = self.features(batch).flatten(1)
        samples = self.config.noise_samples
        return {"loss": self.diffusion.loss(batch["action"], condition, generator, samples)}

    @torch.no_grad()
    def predict(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Denoises a chunk, and leaves out what is past."""
        chunk = self.diffusion.sample(self.features(batch).flatten(1), generator)
        return within_bounds(chunk[:, self.config.history - 1 :])
