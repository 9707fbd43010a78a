"""AdaMix's weights given to the wrong units: does it matter who is drawn more often?"""

from __future__ import annotations

import numpy as np

from augment.adamix.adamix import AdaMix
from augment.adamix.reweighting import Array, Evidence
from envs.randomness import stream


class ShuffledAdaMix(AdaMix):
    """The weights that AdaMix would give, assigned at random among units of a kind.

    A control: as uneven as AdaMix at every refresh, but blind to difficulty. The assignment follows
    from the seed and stays the same, so that as with AdaMix a unit that was drawn often goes on to
    be.
    """

    def _weights(self, evidence: Evidence, steps: int) -> Array:
        weights = super()._weights(evidence, steps)
        generator, source = stream(self.seed, "shuffled weights"), np.arange(len(weights))
        for members in self.members():
            source[members] = generator.permutation(members)
        return weights[source]
