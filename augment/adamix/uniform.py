"""Weights that are all the same, and never change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augment.adamix.reweighting import Array, Evidence, Reweighting


@dataclass(frozen=True)
class UniformConfig:
    """Nothing to be chosen."""


class Uniform(Reweighting):
    """Draws every unit as often: EMMA's FixMix, if generated trajectories are among them."""

    config_class = UniformConfig
    config: UniformConfig

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        return np.ones(len(self.groups))
