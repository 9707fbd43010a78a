"""Re-Mix: groups where a reference network does better are drawn more often."""

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
class ReMixConfig:
    """Hejna et al. (2024).

    Attributes:
        eta: Step size of the groups' weights, for each step of the training.
        smoothing: How much of the groups' shares in their kind is mixed in, in each step.
    """

    eta: float = 0.2
    smoothing: float = 0.05

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        if not 0 <= self.eta < math.inf:
            raise ValueError(f"eta={self.eta}: expected a number >= 0")
        if not 0 <= self.smoothing <= 1:
            raise ValueError(f"smoothing={self.smoothing}: expected 0 .. 1")


class ReMix(Reweighting):
    """Multiplies a group's weight by exp(eta x its excess loss) in every step, and averages.

    The excess is how much greater a unit's loss is than a reference network's, at least 0. Of Hejna
    et al. "Re-Mix" (2024), after DoReMi (Xie et al. 2023). They train a proxy with the weights of
    the moment and then the network with their average over that training; here it is **one
    training**, which draws with the average so far. Their groups are data sets; a training here has
    groups of one demonstration. Losses are measured at a refresh and stand for
    all steps since the last one.
    """

    config_class = ReMixConfig
    needs: ClassVar[tuple[str, ...]] = ("losses", "reference_losses")
    config: ReMixConfig

    def __init__(
        self,
        config: Any,
        groups: NDArray[np.int64],
        seed: int,
        kinds: NDArray[np.int64] | None = None,
    ) -> None:
        """Begins with the groups' shares in their kind; see the base class."""
        super().__init__(config, groups, seed, kinds)
        self._shares = self._within_kinds(self.sizes)
        self._weights_now = self._shares
        self._sum = np.zeros(len(self.sizes))

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        assert evidence.losses is not None
        assert evidence.reference_losses is not None
        excess = self.group_means(np.maximum(evidence.losses - evidence.reference_losses, 0.0))
        # From the greatest of a kind, so that the growth of another one does not become 0.
        greatest = np.zeros(self.kinds.max() + 1)
        np.maximum.at(greatest, self.group_kinds, excess)
        growth = np.exp(self.config.eta * (excess - greatest[self.group_kinds]))
        smoothing = self.config.smoothing
        for _ in range(steps):
            grown = self._within_kinds(self._weights_now * growth)
            self._weights_now = (1 - smoothing) * grown + smoothing * self._shares
            self._sum += self._weights_now
        return self.shared(self._within_kinds(self._sum))

    def state_dict(self) -> dict[str, Tensor]:
        """The groups' weights of the moment, and their sum over all steps."""
        return {
            "weights": torch.from_numpy(self._weights_now.copy()),
            "sum": torch.from_numpy(self._sum.copy()),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from them."""
        self._weights_now = state["weights"].numpy().copy()
        self._sum = state["sum"].numpy().copy()

    def _within_kinds(self, by_group: NDArray[Any]) -> Array:
        """Numbers (G,) over their sum in a group's kind."""
        return np.asarray(by_group / np.bincount(self.group_kinds, by_group)[self.group_kinds])
