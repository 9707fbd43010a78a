"""Whether a training diverges since its samples are weighted: adaptive collapse.

Weights that follow a policy's failures can make them worse: hard samples are drawn more, what was
learned of the others is lost, and those are the hard ones next. The paper does not say how to
notice that.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


class CollapseDetector:
    """Watches the curve of the training loss.

    An interval is the steps between two refreshes. Let m_1, ..., m_n be the medians of the loss in
    all intervals drawn with weights so far, and best the least of those but the last `patience`.
    The training has collapsed if m > best + (tolerance - 1) |best| for each of the last `patience`:
    the loss has stayed above `tolerance` times its best level. A step whose loss is no number
    collapses it at once.

    Medians are blind to single bad batches; that the first weights, which draw harder samples,
    raise the loss counts for nothing, as uniform intervals are left out.
    """

    def __init__(self, tolerance: float, patience: int) -> None:
        """Has seen nothing.

        Args:
            tolerance: Greater than 1.
            patience: At least 1, in intervals.
        """
        self._tolerance, self._patience = tolerance, patience
        self._losses: list[Tensor] = []
        self._medians: list[float] = []

    def observe(self, loss: Tensor | float) -> None:
        """Remembers a step's loss; does not wait for the device that it is on."""
        self._losses.append(torch.as_tensor(loss, dtype=torch.float64).detach())

    def end_interval(self, weighted: bool) -> bool:
        """Ends an interval; says whether the training has collapsed.

        Args:
            weighted: Whether it was drawn with weights.
        """
        losses = self._pending().numpy()
        self._losses = []
        if not weighted or not len(losses):
            return False
        if not np.isfinite(losses).all():
            return True
        self._medians.append(float(np.median(losses)))
        before, last = self._medians[: -self._patience], self._medians[-self._patience :]
        if not before:
            return False
        best = min(before)
        return min(last) > best + (self._tolerance - 1.0) * abs(best)

    def state_dict(self) -> dict[str, Tensor]:
        """What it has seen."""
        return {
            "losses": self._pending(),
            "medians": torch.tensor(self._medians, dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from what another one has seen."""
        self._losses = list(state["losses"].clone())
        self._medians = state["medians"].tolist()

    def _pending(self) -> Tensor:
        """The interval's losses (k,) so far."""
        if not self._losses:
            return torch.zeros(0, dtype=torch.float64)
        return torch.stack(self._losses).cpu()
