"""How a training draws its samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from envs.errors import nearest

UNITS = ("trajectory", "frame")


@dataclass(frozen=True)
class SamplerConfig:
    """When weights are made anew, and what is done with them.

    The paper's schedule is uniform weights, train, evaluate, update, resume; its intervals are not
    public.

    Attributes:
        per: What has a weight: a `trajectory`, whose frames are then as likely, or a `frame`.
        warmup_steps: Steps that draw uniformly, a multiple of `refresh_every` and at least that.
        refresh_every: Steps between new weights.
        floor: How much of a uniform distribution is mixed in, 0 .. 1.
        max_ratio: Greatest ratio of two weights of a kind; None for any.
        exact: Whether the items of each step are spread evenly over the units (stratified
            sampling), so that every batch has its share of each kind of them, to the item; else
            that holds on average.
        collapse_tolerance: See `collapse.CollapseDetector`.
        collapse_patience: See there.
    """

    per: str = "trajectory"
    warmup_steps: int = 200
    refresh_every: int = 200
    floor: float = 0.05
    max_ratio: float | None = 100.0
    exact: bool = False
    collapse_tolerance: float = 2.0
    collapse_patience: int = 2

    def __post_init__(self) -> None:
        """Checks values.

        Raises:
            ValueError: Says what is valid.
        """
        if self.per not in UNITS:
            raise ValueError(f"unknown per '{self.per}'; {nearest(self.per, UNITS)}")
        if self.refresh_every < 1:
            raise ValueError(f"refresh_every={self.refresh_every}: expected an integer >= 1")
        if self.warmup_steps < 1 or self.warmup_steps % self.refresh_every:
            raise ValueError(
                f"warmup_steps={self.warmup_steps}: expected a multiple of "
                f"refresh_every={self.refresh_every}"
            )
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor={self.floor}: expected 0 .. 1")
        if self.max_ratio is not None and not 1 <= self.max_ratio < math.inf:
            raise ValueError(f"max_ratio={self.max_ratio}: expected null or a number >= 1")
        if not 1 < self.collapse_tolerance < math.inf:
            raise ValueError(f"collapse_tolerance={self.collapse_tolerance}: expected a number > 1")
        if self.collapse_patience < 1:
            raise ValueError(
                f"collapse_patience={self.collapse_patience}: expected an integer >= 1"
            )
