"""Whether a training diverges since its samples are weighted: adaptive collapse.

Weights that follow a policy's failures can make them worse: hard samples are drawn more, what was
learned of the others is lost, and those are the hard ones next. The paper does not say how to
notice that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


class CollapseDetector:
    """Watches the curve of the training loss.

    An interval is the steps between two refreshes. Let m_1, ..., m_n be the medians of the loss in
    all intervals drawn with weights so far, best the least of those but the last `patience`, and u
    the median in the interval before them, drawn with equal weights. The training has collapsed if
    each of the last `patience` is above

        best + (tolerance - 1) |best|: it has been better since samples are weighted; or
        u + (tolerance r - 1) |u|, with r how many times as likely as with equal weights the
        likeliest unit is: it was better before. To draw harder samples more often multiplies the
        mean of a loss that is not negative by r at most.

    So the loss has stayed above `tolerance` times what it was, or what the weights alone can make
    of it. A step whose loss is no number collapses it at once. All of this is ours. Medians are
    blind to single bad batches.
    """

    def __init__(self, tolerance: float, patience: int) -> None:
        """Has seen nothing.

        Args:
            tolerance: Greater than 1.
            patience: At least 1, in intervals.
        """
        self._tolerance, self._patience = tolerance, patience
        self._losses: list[Tensor] = []
        self._earlier = torch.zeros(0, dtype=torch.float64)  # losses that were loaded
        self._medians: list[float] = []
        self._limits: list[float] = []
        self._uniform = math.inf

    def observe(self, loss: Tensor | float) -> None:
        """Remembers a step's loss; does not wait for the device that it is on."""
        self._losses.append(torch.as_tensor(loss, dtype=torch.float64).detach())

    def end_interval(self, greatest: float | None) -> bool:
        """Ends an interval; says whether the training has collapsed.

        Args:
            greatest: How many times as likely as with equal weights the likeliest unit was in it;
                None if weights were equal, as there were none yet.
        """
        losses = self._pending().numpy()
        self._losses, self._earlier = [], self._earlier[:0]
        if not len(losses):
            return False
        median = float(np.median(losses))
        if greatest is None:
            self._uniform = median
            return False
        if not np.isfinite(losses).all():
            return True
        self._medians.append(median)
        self._limits.append(_above(self._uniform, self._tolerance * greatest))
        before, last = self._medians[: -self._patience], self._medians[-self._patience :]
        if len(last) < self._patience:
            return False
        limits = self._limits[-self._patience :]
        return (bool(before) and min(last) > _above(min(before), self._tolerance)) or all(
            median > limit for median, limit in zip(last, limits, strict=True)
        )

    def state_dict(self) -> dict[str, Tensor]:
        """What it has seen."""
        return {
            "losses": self._pending(),
            "medians": torch.tensor(self._medians, dtype=torch.float64),
            "limits": torch.tensor(self._limits, dtype=torch.float64),
            "uniform": torch.tensor(self._uniform, dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what another one has seen."""
        self._losses, self._earlier = [], state["losses"].clone()
        self._medians, self._limits = state["medians"].tolist(), state["limits"].tolist()
        self._uniform = float(state["uniform"])

    def _pending(self) -> Tensor:
        """The interval's losses (k,) so far, on the CPU."""
        if not self._losses:
            return self._earlier.clone()
        return torch.cat([self._earlier, torch.stack(self._losses).cpu()])


def _above(level: float, factor: float) -> float:
    """A factor times a level, or as far above one that is negative."""
    return level + (factor - 1.0) * abs(level)
