"""The learning rate over a training's steps."""

from __future__ import annotations

import math

from learning.optimization import Optimization

LAST_PART = 0.1
"""Of the steps, in which `step` has a tenth of the learning rate (SEM, section 4.1)."""


def rate_factor(optimization: Optimization, step: int) -> float:
    """What the learning rate is multiplied by in a step, from 0 on.

    It rises linearly over the warm-up, to its height in the last of its steps.

    Args:
        optimization: With one of `learning.optimization.SCHEDULES`.
        step: 0 .. `optimization.steps` - 1.
    """
    warmup = optimization.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    if optimization.schedule == "cosine":
        progress = (step - warmup) / max(1, optimization.steps - warmup)
        return 0.5 * (1.0 + math.cos(math.pi * progress))
    if optimization.schedule == "step" and step >= round((1.0 - LAST_PART) * optimization.steps):
        return 0.1
    return 1.0
