"""Draws from a discrete distribution, in the same time however many outcomes it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 15
"""Numbers that are handled at a time: what is in between stays in the cache."""


class AliasTable:
    """Walker's alias method: N equal columns, each shared by at most two outcomes.

    Columns are filled in one sweep (as Huebschle-Schneider and Sanders, "Parallel weighted random
    sampling", 2019), with prefix sums in place of the sweep's loop.

    Attributes:
        own: (N,) how much of column i belongs to outcome i, 0 .. 1.
        other: (N,) which outcome the rest of it belongs to.
    """

    def __init__(self, probabilities: NDArray[np.float64]) -> None:
        """Fills the columns.

        Args:
            probabilities: (N,) of the outcomes, not negative, of sum 1.
        """
        number = len(probabilities)
        # In columns: 1 fills one.
        amounts = probabilities * (number / probabilities.sum())
        full = amounts >= 1.0
        full[np.argmax(amounts)] = True  # rounding may leave none
        light, heavy = np.flatnonzero(~full), np.flatnonzero(full)
        # Outcomes that are too light for their columns, one after the other, have the rest filled
        # by the heavy one that is not used up when their turn comes.
        lacking = np.concatenate([[0.0], np.cumsum(1.0 - amounts[light])])
        spare = np.cumsum(amounts[heavy] - 1.0)
        giver = np.searchsorted(spare, lacking[:-1], side="right")
        # A heavy one that gave more than it could spare lacks that in its own column, which the
        # next heavy one fills.
        given = lacking[np.searchsorted(lacking[:-1], spare, side="left")]
        self.own = amounts.copy()
        self.own[heavy] = 1.0 - np.clip(given - spare, 0.0, 1.0)
        self.other = np.arange(number)
        self.other[light] = heavy[np.minimum(giver, len(heavy) - 1)]  # rounding may use up all
        self.other[heavy[:-1]] = heavy[1:]

    def outcomes(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """Outcomes for numbers that are uniform in [0, 1), one for each."""
        found = np.empty(len(uniform), dtype=np.int64)
        for first in range(0, len(uniform), _BLOCK):
            places = uniform[first : first + _BLOCK] * len(self.own)
            columns = places.astype(np.int64)
            places -= columns  # where in the column
            found[first : first + _BLOCK] = np.where(
                places < self.own[columns], columns, self.other[columns]
            )
        return found
