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
        guide: (C,) the first outcome that can be at a place in each of C equal parts of [0, 1):
            where a search begins (Chen and Asau, "On generating random variates from an empirical
            distribution", 1974). C is a power of two, so that no rounding moves a place.
    """

    def __init__(self, probabilities: NDArray[np.float64], batch_size: int) -> None:
        """Sums up.

        Args:
            probabilities: (N,) of the outcomes, not negative, of sum 1.
            batch_size: B.
        """
        self.ends = np.cumsum(probabilities)
        self.ends /= self.ends[-1]
        cells = 4 << len(probabilities).bit_length()
        self.guide = np.searchsorted(self.ends, np.arange(cells) / cells, side="right")
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
        return self._at(((np.argsort(batches, axis=1) + offset) / self._batch_size).ravel())

    def _at(self, places: NDArray[np.float64]) -> NDArray[np.int64]:
        """The outcomes at places in [0, 1): those whose ends are the first beyond them."""
        found = self.guide[(places * len(self.guide)).astype(np.int64)]
        found += self.ends[found] <= places
        beyond = np.flatnonzero(self.ends[found] <= places)
        found[beyond] = np.searchsorted(self.ends, places[beyond], side="right")
        return np.asarray(found)
