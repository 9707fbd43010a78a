"""Sweep curves: success by level, as coordinates for SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval_protocols.perturbations import Factor, Perturbations


@dataclass(frozen=True)
class Frame:
    """Where a plot's axes are, in SVG units; levels run to the right, success upward.

    Attributes:
        width: Of the whole plot.
        height: Of the whole plot.
        left: Margin beside the axes; likewise the others.
        right: Margin.
        top: Margin.
        bottom: Margin.
        levels: The last level of the axis.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    levels: int

    def x(self, level: float) -> float:
        """Where a level is."""
        return round(self.left + (self.width - self.left - self.right) * level / self.levels, 1)

    def y(self, rate: float) -> float:
        """Where a success rate is."""
        return round(self.top + (self.height - self.top - self.bottom) * (1 - rate), 1)


@dataclass(frozen=True)
class Curve:
    """Success along the levels of a factor.

    Attributes:
        factor: Name of the factor.
        task: Task name, or None for all tasks.
        rates: Success by level, with intervals.
        area: Area under the curve.
    """

    factor: str
    task: str | None
    rates: Mapping[int, Mapping[str, Any]]
    area: float

    def line(self, frame: Frame) -> str:
        """The curve as the points of a polyline."""
        return _points(frame, [(level, rate["rate"]) for level, rate in self.rates.items()])

    def band(self, frame: Frame) -> str:
        """The intervals as the points of a polygon."""
        upper = [(level, rate["high"]) for level, rate in self.rates.items()]
        lower = [(level, rate["low"]) for level, rate in self.rates.items()]
        return _points(frame, [*upper, *reversed(lower)])


@dataclass(frozen=True)
class Sweep:
    """The curves of a factor.

    Attributes:
        factor: Name of the factor.
        pooled: Of all tasks together.
        by_task: Of each task, if there are several.
    """

    factor: str
    pooled: Curve
    by_task: tuple[Curve, ...]


def sweeps(perturbations: Perturbations) -> list[Sweep]:
    """The curves of all factors with levels."""
    tasks = perturbations.tasks if len(perturbations.tasks) > 1 else ()
    return [
        Sweep(
            factor.name,
            _curve(perturbations, factor, None),
            tuple(_curve(perturbations, factor, task) for task in tasks),
        )
        for factor in perturbations.factors
        if factor.is_sweep
    ]


def frames(curves: list[Sweep]) -> tuple[Frame, Frame]:
    """The frames of large and small plots, with the same levels in all."""
    last = max((max(sweep.pooled.rates) for sweep in curves), default=1)
    return (
        Frame(300, 190, left=42, right=12, top=12, bottom=34, levels=last),
        Frame(96, 40, left=4, right=4, top=4, bottom=4, levels=last),
    )


def _curve(perturbations: Perturbations, factor: Factor, task: str | None) -> Curve:
    area = perturbations.area(factor, task)
    assert area is not None
    return Curve(factor.name, task, perturbations.sweep(factor, task), area)


def _points(frame: Frame, places: list[tuple[int, float]]) -> str:
    return " ".join(f"{frame.x(level):g},{frame.y(rate):g}" for level, rate in places)
