"""Sampling where things lie on the table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sapien

MAX_TRIES = 1000

Range = tuple[float, float]


class LayoutError(RuntimeError):
    """No layout that keeps a task's rules was found."""


def sample_until(
    rng: np.random.Generator,
    x: Range,
    y: Range,
    accept: Callable[[float, float], bool] = lambda x, y: True,
    *,
    near_middle: Range | None = None,
) -> tuple[float, float]:
    """Samples a place (x, y) in metres uniformly until a rule accepts it.

    Args:
        rng: Source of randomness.
        x: Lowest and highest x.
        y: Lowest and highest y.
        accept: The rule.
        near_middle: RoboTwin 1.0's `ylim_prop`: where |x| < 0.15 and y > 0, y is drawn again
            from this range, so that the middle of the table far from the robot stays free.

    Raises:
        LayoutError: If nothing was accepted in 1000 tries.
    """
    for _ in range(MAX_TRIES):
        px, py = float(rng.uniform(*x)), float(rng.uniform(*y))
        if near_middle is not None and abs(px) < 0.15 and py > 0:
            py = float(rng.uniform(*near_middle))
        if accept(px, py):
            return px, py
    raise LayoutError(f"no place in x {x}, y {y} keeps the task's rules")


def turned(x: float, y: float, z: float, yaw: float) -> sapien.Pose:
    """Pose of a thing that was turned about the vertical by a yaw in rad."""
    return sapien.Pose([x, y, z], [np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)])


def yaw_of(pose: sapien.Pose) -> float:
    """Yaw in rad of a pose's x axis about the vertical."""
    axis = pose.to_transformation_matrix()[:3, 0]
    return float(np.arctan2(axis[1], axis[0]))


def folded(yaw: float, period: float = np.pi / 2) -> float:
    """The smallest angle in rad that looks the same for a shape of that rotational symmetry."""
    return float((yaw + period / 2) % period - period / 2)
