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
    all intervals drawn with weights so far, m_b the least of those but the last `patience`, u the
    median at the end of the interval before them, drawn with equal weights, and r_i how many times
    as likely as with equal weights the likeliest unit is in an interval. The training has collapsed
    if each m_i of the last `patience` is above

        m_b + (tolerance max(1, r_i / r_b) - 1) |m_b|: it has been better with weights; or
        u + (tolerance r_i - 1) |u|: it was better before. To draw harder samples more often
        multiplies the mean of a loss that is not negative by r_i at most.

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
        self._greatest: list[float] = []
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
        if greatest is None:
            # A training learns most in the beginning: what counts is where that has led.
            self._uniform = float(np.median(losses[-max(1, len(losses) // 4) :]))
            return False
        if not np.isfinite(losses).all():
            return True
        self._medians.append(float(np.median(losses)))
        self._greatest.append(greatest)
        last = range(len(self._medians))[-self._patience :]
        if len(last) < self._patience:
            return False
        limits = [_above(self._uniform, self._tolerance * self._greatest[i]) for i in last]
        if before := self._medians[: last.start]:
            best = int(np.argmin(before))
            growth = [max(1.0, self._greatest[i] / self._greatest[best]) for i in last]
            if all(
                self._medians[i] > _above(before[best], self._tolerance * each)
                for i, each in zip(last, growth, strict=True)
            ):
                return True
        return all(self._medians[i] > limit for i, limit in zip(last, limits, strict=True))

    def state_dict(self) -> dict[str, Tensor]:
        """What it has seen."""
        return {
            "losses": self._pending(),
            "medians": torch.tensor(self._medians, dtype=torch.float64),
            "greatest": torch.tensor(self._greatest, dtype=torch.float64),
            "uniform": torch.tensor(self._uniform, dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what another one has seen."""
        self._losses, self._earlier = [], state["losses"].clone()
        self._medians, self._greatest = state["medians"].tolist(), state["greatest"].tolist()
        self._uniform = float(state["uniform"])

    def _pending(self) -> Tensor:
        """The interval's losses (k,) so far, on the CPU."""
        if not self._losses:
            return self._earlier.clone()
        return torch.cat([self._earlier, torch.stack(self._losses).cpu()])


def _above(level: float, factor: float) -> float:
    """A factor times a level, or as far above one that is negative."""
    return level + (factor - 1.0) * abs(level)
