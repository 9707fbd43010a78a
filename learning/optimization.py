"""How a network is trained: its optimizers, their learning rates, the average of its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

from envs.errors import nearest
from learning.errors import TrainingError

SCHEDULES = ("cosine", "step", "constant")

_FROM_0 = ("weight_decay", "muon_learning_rate", "warmup_steps", "clip_norm", "ema_power")
"""What 0 turns off; nothing is less than that."""


@dataclass(frozen=True)
class Optimization:
    """How a network is trained.

    Attributes:
        steps: Optimizer steps in all.
        batch_size: Items in one optimizer step, over all processes and accumulated batches.
        learning_rate: At its height.
        betas: Of AdamW.
        weight_decay: Of AdamW and Muon.
        muon_learning_rate: Of Muon at its height, which then trains the matrices
            (`learning.muon`); 0 leaves everything to AdamW.
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

    def check(self, accumulate: int, processes: int) -> None:
        """Checks that steps can be done so.

        Args:
            accumulate: Batches that a process computes one after the other in a step.
            processes: How many there are.

        Raises:
            TrainingError: With what would be valid.
        """
        if self.schedule not in SCHEDULES:
            raise TrainingError(
                f"optimization.schedule={self.schedule}; {nearest(self.schedule, SCHEDULES)}"
            )
        if self.steps < 1 or self.batch_size < 1:
            raise TrainingError("optimization: steps and batch_size are at least 1")
        if not 0 < self.learning_rate < math.inf:
            raise TrainingError(
                f"optimization.learning_rate={self.learning_rate}: expected a number > 0"
            )
        for name in _FROM_0:
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise TrainingError(f"optimization.{name}={value}: expected a number >= 0")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise TrainingError(
                f"optimization.betas={list(self.betas)}: expected numbers >= 0 and < 1"
            )
        if not 0 <= self.ema_max <= 1:
            raise TrainingError(f"optimization.ema_max={self.ema_max}: expected a number in 0 .. 1")
        parts = accumulate * processes
        if self.batch_size % parts:
            raise TrainingError(
                f"optimization.batch_size={self.batch_size} is not divisible by {parts}, for "
                f"accumulate={accumulate} on {processes} processes"
            )
