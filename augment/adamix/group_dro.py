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
    """

    eta: float = 0.01

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        if not 0 <= self.eta < math.inf:
            raise ValueError(f"eta={self.eta}: expected a number >= 0")


class GroupDRO(Reweighting):
    """Multiplies a group's weight by exp(eta x its loss) in every step.

    Of Sagawa et al. "Distributionally robust neural networks for group shifts" (2020). They weight
    losses of groups that are equally likely; drawing them with these weights has the same mean
    gradient then. Losses are measured at a refresh and stand for all steps since the last one.
    Their adjustment by the sizes of groups is left out: a training here has groups of one
    demonstration.
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
        self._log_weights += self.config.eta * steps * self.group_means(evidence.losses)
        # From the greatest of a kind, so that those of another one do not all become 0.
        greatest = np.full(self.kinds.max() + 1, -np.inf)
        np.maximum.at(greatest, self.group_kinds, self._log_weights)
        return self.shared(np.exp(self._log_weights - greatest[self.group_kinds]))

    def state_dict(self) -> dict[str, Tensor]:
        """The groups' weights."""
        return {"log_weights": torch.from_numpy(self._log_weights.copy())}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from them."""
        self._log_weights = state["log_weights"].numpy().copy()
