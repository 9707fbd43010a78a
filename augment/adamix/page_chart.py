"""A curve over refreshes, as coordinates for SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT, LEFT = 320, 120, 44
_RIGHT, _TOP, _BOTTOM = 20, 10, 22


class Chart:
    """A curve; values that are not finite are left out.

    Attributes:
        width: Of the picture.
        height: Of the picture.
        left: Where the curve may begin, right of the labels.
        points: Coordinates (x, y) of the values.
        x_labels: Coordinates and text of the first and the last step.
        y_labels: Coordinates and text of the least and the greatest value.
    """

    def __init__(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Lays it out.

        Args:
            steps: Where the values are, rising.
            values: As many.
        """
        self.width, self.height, self.left = WIDTH, HEIGHT, LEFT
        finite = [
            (step, each) for step, each in zip(steps, values, strict=True) if math.isfinite(each)
        ]
        first, last = steps[0], steps[-1]
        low = min((each for _, each in finite), default=0.0)
        high = max((each for _, each in finite), default=0.0)

        def x(step: float) -> float:
            share = (step - first) / (last - first) if last > first else 0.5
            return round(LEFT + share * (WIDTH - LEFT - _RIGHT), 1)

        def y(value: float) -> float:
            share = (value - low) / (high - low) if high > low else 0.5
            return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

        self.points = [(x(step), y(value)) for step, value in finite]
        self.x_labels = [(x(step), str(step)) for step in sorted({first, last})]
        self.y_labels = [(y(value), f"{value:.3g}") for value in sorted({low, high})] * bool(finite)
