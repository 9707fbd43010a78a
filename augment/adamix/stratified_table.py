"""Draws batches from a discrete distribution that have each kind of outcome in its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class StratifiedTable:
    """Stratified sampling: of B equal parts of the cumulative distribution, a batch has one each.

    Of outcomes at either end of the distribution, with a probability of s together, a batch of B
    has B * s, rounded up or down; of others next to each other, less than one more or less than
    that. Each outcome is as likely as it should be.

    Where in its part a place is, is drawn for each anew. Evenly spaced places would be the same
    ones in distributions that repeat: with half of a batch generated, each recorded frame would
    come together with its own copy.

    Attributes:
        ends: (N,) cumulative probabilities.
    """

    def __init__(self, probabilities: NDArray[np.float64], batch_size: int) -> None:
        """Sums up.

        Args:
            probabilities: (N,) of the outcomes, not negative, of sum 1.
            batch_size: B.
        """
        self.ends = np.cumsum(probabilities)
        self.ends /= self.ends[-1]
        self._batch_size = batch_size

    def outcomes(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """Outcomes for numbers that are uniform in [0, 1), one for each.

        Args:
            uniform: As many as in a number of batches.
        """
        batches = uniform.reshape(-1, self._batch_size)
        # A number's high bits decide which part is whose, its low ones, which do not depend on
        # them, where in it the place is.
        offset = np.modf(batches * 2.0**20)[0]
        places = (np.argsort(batches, axis=1) + offset) / self._batch_size
        return np.asarray(np.searchsorted(self.ends, places.ravel(), side="right"))
