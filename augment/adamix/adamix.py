"""AdaMix: the weight of a unit rises with its difficulty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augment.adamix.difficulty import NORMALIZATIONS, difficulty
from augment.adamix.joint_limits import ALOHA_AGILEX
from augment.adamix.reweighting import Array, Evidence, Reweighting
from augment.adamix.weight_rules import WEIGHT_RULES
from envs.errors import nearest


@dataclass(frozen=True)
class AdaMixConfig:
    """How metrics become weights.

    One metric alone is `ts=0 jal=0` and the like.

    Attributes:
        ape: Relative weight of the action prediction error in the difficulty.
        ts: Of the trajectory smoothness.
        jal: Of the joint angle limitation.
        margin: Width in rad of the band inside the joint limits that counts for `jal` as beyond
            them. Ours: policies here move their predictions inside the limits, so with 0 no frame
            would ever count. At home a joint of each arm (the second) is 0.05 from its limit. With
            0.03, 3 % of our experts' trajectories have a frame that counts; of what a small ACT
            predicts nearly all that count are those of an arm at rest, more than 0.02 low.
        normalization: How metrics are moved into [0, 1]: `min_max` or `quantile`.
        low_quantile: Of `quantile`: what is at or below it is 0.
        high_quantile: What is at or above it is 1.
        rule: From difficulty to weight: `linear`, `exponential` or `inverse`.
        strength: The paper's lambda, 10 at its best: the weight of difficulty 1, where that of
            difficulty 0 is 1. 1 is uniform.
        gamma: Exponent of the difficulty; the paper's is 1.
    """

    ape: float = 1.0
    ts: float = 1.0
    jal: float = 1.0
    margin: float = 0.03
    normalization: str = "min_max"
    low_quantile: float = 0.05
    high_quantile: float = 0.95
    rule: str = "linear"
    strength: float = 10.0
    gamma: float = 1.0

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        shares = (self.ape, self.ts, self.jal)
        if not all(0 <= each < math.inf for each in shares) or not any(shares):
            raise ValueError(
                f"ape={self.ape} ts={self.ts} jal={self.jal}: expected numbers >= 0, at least one "
                "of them > 0"
            )
        if not 0 <= self.margin < ALOHA_AGILEX.widest_margin:
            raise ValueError(
                f"margin={self.margin}: expected 0 <= margin < {ALOHA_AGILEX.widest_margin:.3g} rad"
            )
        for name, known in (("normalization", NORMALIZATIONS), ("rule", WEIGHT_RULES)):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"unknown {name} '{value}'; {nearest(value, known)}")
        if not 0 <= self.low_quantile < self.high_quantile <= 1:
            raise ValueError(
                f"low_quantile={self.low_quantile} high_quantile={self.high_quantile}: expected "
                "0 <= low_quantile < high_quantile <= 1"
            )
        if not 1 <= self.strength < math.inf:
            raise ValueError(f"strength={self.strength}: expected a number >= 1")
        if not 0 < self.gamma < math.inf:
            raise ValueError(f"gamma={self.gamma}: expected a number > 0")


class AdaMix(Reweighting):
    """Weights by difficulty (EMMA, arXiv 2509.22407; our reconstruction)."""

    config_class = AdaMixConfig
    needs: ClassVar[tuple[str, ...]] = ("metrics",)
    config: AdaMixConfig

    def difficulty(self, metrics: Array) -> Array:
        """Difficulty (N,) in [0, 1] of units with metrics (N, 3), beside others of their kind."""
        config, found = self.config, np.empty(len(metrics))
        for units in self.members():
            found[units] = difficulty(
                metrics[units],
                (config.ape, config.ts, config.jal),
                config.normalization,
                (config.low_quantile, config.high_quantile),
            )
        return found

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        assert evidence.metrics is not None
        rule = WEIGHT_RULES[self.config.rule]
        return rule(self.difficulty(evidence.metrics), self.config.strength, self.config.gamma)
