"""Weights that never change: uniform ones, and FixMix's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from augment.adamix.errors import ReweightingError
from augment.adamix.reweighting import Array, Evidence, Reweighting


@dataclass(frozen=True)
class UniformConfig:
    """How often each group is drawn.

    Attributes:
        shares: Relative share of each group, in the order of the groups' numbers: `[1, 1]` is
            EMMA's FixMix, recorded and generated trajectories at 1 : 1. Empty: every unit is drawn
            as often, which is FixMix too where there are as many generated ones.
    """

    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        if not all(0 < each < math.inf for each in self.shares):
            raise ValueError(f"shares={list(self.shares)}: expected numbers > 0")


class Uniform(Reweighting):
    """Draws every unit, or every unit of a group, as often."""

    config_class = UniformConfig
    config: UniformConfig

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        shares = self.config.shares
        if not shares:
            return np.ones(len(self.groups))
        if len(shares) != len(self.sizes):
            raise ReweightingError(
                f"{len(shares)} shares: expected {len(self.sizes)}, one for each group"
            )
        return self.shared(np.asarray(shares))
