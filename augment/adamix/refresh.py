"""What new weights are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augment.adamix.probabilities import effective_share, max_min_ratio, relative


@dataclass(frozen=True, eq=False)
class Refresh:
    """How likely units are drawn from a step on.

    Attributes:
        step: The first step that draws so.
        probabilities: (N,) of the units.
        base: (N,) what those would be with equal weights: long trajectories, or a kind that is to
            have a greater share, are drawn more often without being harder.
        collapsed: Whether they are uniform because the loss diverged.
    """

    step: int
    probabilities: NDArray[np.float64]
    base: NDArray[np.float64]
    collapsed: bool = False

    @property
    def relative(self) -> NDArray[np.float64]:
        """How many times as likely as with equal weights each unit is (N,).

        Infinite for a unit that is never drawn, as its base is 0.
        """
        return relative(self.probabilities, self.base)

    @property
    def greatest(self) -> float:
        """The greatest `relative` of a unit that is drawn."""
        return float(self.relative[self.base > 0].max())

    @property
    def effective_share(self) -> float:
        """Effective sample size, over that of equal weights."""
        return effective_share(self.probabilities, self.base)

    @property
    def max_min_ratio(self) -> float:
        """Greatest over least `relative`, of units that are drawn, whatever kinds they are of."""
        return max_min_ratio(self.probabilities, self.base)

    def most_drawn(self, count: int) -> list[int]:
        """The units of the greatest `relative`, which comes first; equal ones in order."""
        order = np.argsort(-self.relative.round(9), kind="stable")  # equal ones differ by rounding
        return [int(i) for i in order if self.base[i] > 0][:count]

    def measured(self) -> dict[str, float]:
        """Columns of a training's curve."""
        return {"effective_share": self.effective_share, "max_min_ratio": self.max_min_ratio}

    def words(self) -> str:
        """In a line."""
        if self.collapsed:
            return "uniform weights, because the loss diverged"
        most = ", ".join(str(unit) for unit in self.most_drawn(5))
        return (
            f"new weights: effective share {self.effective_share:.2f}, "
            f"max/min {self.max_min_ratio:.1f}, most often {most}"
        )
