"""Seeds of what is random in a training, as functions of where it is."""

from __future__ import annotations

import numpy as np


def seed_of(*numbers: int) -> int:
    """A seed of 63 bits out of as many numbers each time (zeros at the end count for nothing)."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
