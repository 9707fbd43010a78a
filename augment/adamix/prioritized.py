"""Prioritized replay: units with a greater loss are drawn more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augment.adamix.reweighting import Array, Evidence, Reweighting


@dataclass(frozen=True)
class PrioritizedConfig:
    """Schaul et al. (2016), proportional variant, with their values for it.

    Attributes:
        alpha: Exponent of the loss; 0 is uniform.
        first_beta: How much of the sampling's bias losses are freed of in the beginning, 0 .. 1.
        last_beta: In the end; linear in between.
        epsilon: Added to the loss, so that a unit without one is still drawn.
    """

    alpha: float = 0.6
    first_beta: float = 0.4
    last_beta: float = 1.0
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        for name in ("alpha", "first_beta", "last_beta"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected 0 .. 1")
        if not self.epsilon > 0:
            raise ValueError(f"epsilon={self.epsilon}: expected a number > 0")


class Prioritized(Reweighting):
    """Weights (|loss| + epsilon) ^ alpha, and losses weighted against the bias that this makes.

    Of Schaul et al. "Prioritized experience replay" (2016), with the network's losses in place of
    temporal differences. All are measured at a refresh, not each when it was last drawn.
    """

    config_class = PrioritizedConfig
    needs: ClassVar[tuple[str, ...]] = ("losses",)
    config: PrioritizedConfig

    def loss_weights(self, probabilities: Array, progress: float) -> Array:
        """(N p) ^ -beta over its greatest value (N,)."""
        config = self.config
        beta = config.first_beta + (config.last_beta - config.first_beta) * progress
        return np.asarray((probabilities / probabilities.min()) ** -beta)

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        assert evidence.losses is not None
        return np.asarray((np.abs(evidence.losses) + self.config.epsilon) ** self.config.alpha)
