"""Group DRO: the worst groups are drawn more and more often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augment.adamix.reweighting import Array, Evidence, Reweighting


@dataclass(frozen=True)
class GroupDROConfig:
    """Sagawa et al. (2020).

    Attributes:
        eta: Step size of the groups' weights, for each step of the training.
        adjustment: C of the adjustment C / sqrt(units in the group) that is added to its loss.
    """

    eta: float = 0.01
    adjustment: float = 0.0

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        for name in ("eta", "adjustment"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: expected a number >= 0")


class GroupDRO(Reweighting):
    """Multiplies a group's weight by exp(eta x its loss) in every step.

    Of Sagawa et al. "Distributionally robust neural networks for group shifts" (2020). They weight
    losses; drawing groups with these weights has the same mean gradient. Losses are measured at a
    refresh and stand for all steps since the last one.
    """

    config_class = GroupDROConfig
    needs: ClassVar[tuple[str, ...]] = ("losses",)
    config: GroupDROConfig

    def __init__(
        self,
        config: Any,
        groups: NDArray[np.int64],
        seed: int,
        kinds: NDArray[np.int64] | None = None,
    ) -> None:
        """Begins with the same weight for each group; see the base class."""
        super().__init__(config, groups, seed, kinds)
        self._log_weights = np.zeros(len(self.sizes))

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        assert evidence.losses is not None
        losses = self.group_means(evidence.losses)
        losses += self.config.adjustment / np.sqrt(self.sizes)
        self._log_weights += self.config.eta * steps * losses
        self._log_weights -= self._log_weights.max()
        return self.shared(np.exp(self._log_weights))

    def state_dict(self) -> dict[str, Tensor]:
        """The groups' weights."""
        return {"log_weights": torch.from_numpy(self._log_weights.copy())}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from them."""
        self._log_weights = state["log_weights"].numpy().copy()
