"""Means of what the steps of a training measure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from learning.errors import DivergedError


class Means:
    """Means of what steps measure, exactly those of a training that was never interrupted."""

    def __init__(self, sums: Mapping[str, float], steps: int) -> None:
        """Goes on with the sums of some steps."""
        self._sums = {
            name: torch.tensor(value, dtype=torch.float64) for name, value in sums.items()
        }
        self.steps = steps

    def add(self, measured: Mapping[str, Tensor]) -> None:
        """Adds a step."""
        for name, value in measured.items():
            value = value.to(torch.float64)
            self._sums[name] = self._sums[name].to(value.device) + value if self.steps else value
        self.steps += 1

    def sums(self) -> dict[str, float]:
        """The sums.

        Raises:
            DivergedError: If the loss is no number.
        """
        found = {name: float(value) for name, value in self._sums.items()}
        if not math.isfinite(found.get("loss", 0.0)):
            raise DivergedError("the loss is no number any more; a lower learning rate may help")
        return found

    def take(self) -> dict[str, float]:
        """The means, and begins anew.

        Raises:
            DivergedError: As `sums`.
        """
        means = {name: value / self.steps for name, value in self.sums().items()}
        self._sums, self.steps = {}, 0
        return means
