"""Blocks: cubes, the handover bar, and pads."""

from __future__ import annotations

from functools import cache

from envs.objects.model import Color, ObjectModel

RED: Color = (0.72, 0.05, 0.04)
BLUE: Color = (0.05, 0.13, 0.62)
BLACK: Color = (0.03, 0.03, 0.03)


@cache
def cube(color: Color, half_size: float = 0.025, mass: float = 0.01) -> ObjectModel:
    """A cube around its origin; RoboTwin's have 5 cm edges and 10 g."""
    return ObjectModel.box((half_size,) * 3, color, mass=mass)


@cache
def bar(color: Color) -> ObjectModel:
    """The upright bar of the handover: 6 x 6 x 20 cm, 100 g (RoboTwin 1.0)."""
    return ObjectModel.box((0.03, 0.03, 0.1), color, mass=0.1)


@cache
def pad(color: Color) -> ObjectModel:
    """The pad on which the bar ends: 10 x 10 x 1 cm (RoboTwin 1.0)."""
    return ObjectModel.box((0.05, 0.05, 0.005), color)
