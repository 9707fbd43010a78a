"""What decides how often each unit is drawn.

Contents:
    Evidence: what is known of the units when weights are made anew.
    Reweighting: the base class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from augment.adamix.errors import ReweightingError
from augment.adamix.metrics import METRICS

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of N units when weights are made anew; greater is worse.

    Attributes:
        metrics: (N, 3), columns as `metrics.METRICS`.
        losses: (N,) losses of the network in training.
        reference_losses: (N,) losses of a network that was trained with uniform weights.
    """

    metrics: Array | None = None
    losses: Array | None = None
    reference_losses: Array | None = None

    def __post_init__(self) -> None:
        """Checks axes.

        Raises:
            ReweightingError: In one line.
        """
        for name, axes in (("metrics", 2), ("losses", 1), ("reference_losses", 1)):
            values = getattr(self, name)
            if values is not None and values.ndim != axes:
                raise ReweightingError(f"{name} has {values.ndim} axes: expected {axes}")
        if self.metrics is not None and self.metrics.shape[1] != len(METRICS):
            raise ReweightingError(
                f"metrics has {self.metrics.shape[1]} columns: expected {', '.join(METRICS)}"
            )


class Reweighting(ABC):
    """Decides the weights of units.

    Attributes:
        config_class: Its configuration, a frozen dataclass with defaults.
        needs: Attributes of `Evidence` that it uses.
        config: As it was built.
        groups: (N,) int64, the group of each unit; one of several kinds is as many groups.
        sizes: (G,) int64, units in each group.
        kinds: (N,) int64, the kind of each unit, 0 .. K - 1.
        group_kinds: (G,) int64, that of each group.
        seed: Of what it draws, if it draws anything.
    """

    config_class: ClassVar[type[Any]]
    needs: ClassVar[tuple[str, ...]] = ()
    config: Any

    def __init__(
        self,
        config: Any,
        groups: NDArray[np.int64],
        seed: int,
        kinds: NDArray[np.int64] | None = None,
    ) -> None:
        """Decides nothing yet.

        Args:
            config: A `config_class`.
            groups: (N,) the group of each unit (its task, its look, or where it comes from), as
                any numbers.
            seed: Of the training.
            kinds: (N,) the kind of each unit (recorded or generated), as any numbers: however its
                units are weighted, a kind as a whole is drawn as often, so weights of different
                kinds are never compared. None for all of one kind.

        Raises:
            ReweightingError: If there is no unit, or kinds are of other units.
        """
        if not len(groups):
            raise ReweightingError("there is nothing to weight")
        if kinds is not None and len(kinds) != len(groups):
            raise ReweightingError(f"kinds of {len(kinds)} units: expected {len(groups)}")
        self.config, self.seed = config, seed
        kinds = np.zeros(len(groups), np.int64) if kinds is None else kinds
        _, self.kinds = np.unique(kinds, return_inverse=True)
        _, numbers = np.unique(groups, return_inverse=True)
        _, first, self.groups, self.sizes = np.unique(
            self.kinds * len(groups) + numbers,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        self.group_kinds = self.kinds[first]

    def update(self, evidence: Evidence, steps: int) -> Array:
        """Makes weights anew.

        Args:
            evidence: With what is in `needs`.
            steps: Steps of the training since the last time.

        Returns:
            Weights (N,), not negative; their sum means nothing.

        Raises:
            ReweightingError: If evidence is missing, of the wrong size or not finite.
        """
        for name in self.needs:
            values = getattr(evidence, name)
            if values is None:
                raise ReweightingError(f"{type(self).__name__} needs {name}")
            if len(values) != len(self.groups):
                raise ReweightingError(
                    f"{name} of {len(values)} units: expected {len(self.groups)}"
                )
            if not np.isfinite(values).all():
                wrong = np.argwhere(~np.isfinite(values))[0, 0]
                raise ReweightingError(f"{name} of unit {wrong} is not finite")
        return self._weights(evidence, steps)

    @abstractmethod
    def _weights(self, evidence: Evidence, steps: int) -> Array:
        """As `update`, with evidence that is as it should be."""

    def loss_weights(self, probabilities: Array, progress: float) -> Array:
        """What the losses of units are to be multiplied by.

        Args:
            probabilities: (N,) how likely units are drawn, over how likely they would be with equal
                weights; infinite for a unit that is never drawn.
            progress: How much of the training is done, 0 .. 1.

        Returns:
            (N,), at most 1; 1 if losses stay as they are.
        """
        return np.ones_like(probabilities)

    def state_dict(self) -> dict[str, Tensor]:
        """What it remembers between updates."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Remembers what another one of the same kind did."""

    def members(self) -> list[NDArray[np.int64]]:
        """The units of each kind."""
        return [np.flatnonzero(self.kinds == kind) for kind in range(self.kinds.max() + 1)]

    def group_means(self, values: Array) -> Array:
        """Means (G,) over groups of values of units (N,)."""
        return np.asarray(np.bincount(self.groups, values, len(self.sizes)) / self.sizes)

    def shared(self, by_group: Array) -> Array:
        """Weights (N,) of units that share their groups' weights (G,) equally."""
        return np.asarray((by_group / self.sizes)[self.groups])
