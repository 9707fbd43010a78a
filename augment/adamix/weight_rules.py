"""How much more often a difficult unit is drawn than an easy one.

The paper has two hyper-parameters, lambda (here `strength`) and gamma, with lambda = 1 about
uniform, 10 best, 20 and 100 worse; sampling is "inversely proportional to performance". The formula
is not public. Each rule here is **our reconstruction**: it gives weight 1 to difficulty 0 and
`strength` to difficulty 1, so that is the greatest ratio of weights, and 1 is exactly uniform.

With difficulty d in [0, 1], e = d ^ gamma and lambda >= 1:

    linear       1 + (lambda - 1) e
    exponential  lambda ^ e. Not exp(lambda e), which also fits what is known of the paper: there
                 lambda = 1 is a ratio of 2.7, and 20 leaves nothing but the hardest unit.
    inverse      1 / (1 - (1 - 1 / lambda) e), which for gamma = 1 is one over the performance 1 - d
                 moved into [1 / lambda, 1]: a perfect failure is not infinitely important.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def linear(difficulty: Array, strength: float, gamma: float) -> Array:
    """Weights (N,) that rise in proportion to the difficulty (N,)."""
    return np.asarray(1.0 + (strength - 1.0) * difficulty**gamma)


def exponential(difficulty: Array, strength: float, gamma: float) -> Array:
    """Weights (N,) whose logarithm rises in proportion to the difficulty (N,)."""
    return np.asarray(np.exp(np.log(strength) * difficulty**gamma))


def inverse(difficulty: Array, strength: float, gamma: float) -> Array:
    """Weights (N,) one over a performance that falls in proportion to the difficulty (N,)."""
    return np.asarray(1.0 / (1.0 - (1.0 - 1.0 / strength) * difficulty**gamma))


WeightRule = Callable[[Array, float, float], Array]

WEIGHT_RULES: dict[str, WeightRule] = {
    "linear": linear,
    "exponential": exponential,
    "inverse": inverse,
}
