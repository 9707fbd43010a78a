"""What new weights are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augment.adamix.probabilities import effective_share, max_min_ratio


@dataclass(frozen=True, eq=False)
class Refresh:
    """How likely units are drawn from a step on.

    Attributes:
        step: The first step that draws so.
        probabilities: (N,) of the units.
        collapsed: Whether they are uniform because the loss diverged.
    """

    step: int
    probabilities: NDArray[np.float64]
    collapsed: bool = False

    @property
    def effective_share(self) -> float:
        """Effective sample size over N."""
        return effective_share(self.probabilities)

    @property
    def max_min_ratio(self) -> float:
        """How many times as likely the likeliest unit is as the unlikeliest."""
        return max_min_ratio(self.probabilities)

    def hardest(self, count: int) -> list[int]:
        """The likeliest units, the likeliest first; equally likely ones in order."""
        return [int(i) for i in np.argsort(-self.probabilities, kind="stable")[:count]]

    def easiest(self, count: int) -> list[int]:
        """The unlikeliest units, the unlikeliest first; equally likely ones in order."""
        return [int(i) for i in np.argsort(self.probabilities, kind="stable")[:count]]

    def measured(self) -> dict[str, float]:
        """Columns of a training's curve."""
        return {"effective_share": self.effective_share, "max_min_ratio": self.max_min_ratio}

    def words(self) -> str:
        """In a line."""
        if self.collapsed:
            return "uniform weights, because the loss diverged"
        hardest = ", ".join(str(unit) for unit in self.hardest(5))
        return (
            f"new weights: effective share {self.effective_share:.2f}, "
            f"max/min {self.max_min_ratio:.1f}, hardest {hardest}"
        )
