"""Instances of object families: which are seen in training, which are kept for evaluation.

A family is a function `family(shape, appearance, ...)` that makes a model: the same one for the
same two numbers, always. `shape` decides everything that touches, `appearance` only what is seen.
Numbers 0-9 may be seen in training; 10-19 are kept for evaluating generalization.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from envs.objects.articulated import ArticulatedModel
from envs.objects.model import ObjectModel

SEEN = range(0, 10)
UNSEEN = range(10, 20)

Model = TypeVar("Model", ObjectModel, ArticulatedModel)
Family = Callable[..., ObjectModel]


def shape_rng(family: str, shape: int) -> np.random.Generator:
    """The generator that a family draws one shape's measures from.

    Raises:
        ValueError: For a number that is neither seen nor unseen.
    """
    return _rng(family, "shape", shape)


def appearance_rng(family: str, appearance: int) -> np.random.Generator:
    """The generator that a family draws one appearance from.

    Raises:
        ValueError: For a number that is neither seen nor unseen.
    """
    return _rng(family, "appearance", appearance)


def _rng(family: str, what: str, index: int) -> np.random.Generator:
    if index not in SEEN and index not in UNSEEN:
        raise ValueError(f"{family}: {what} {index} is not in 0 .. {UNSEEN.stop - 1}")
    return np.random.default_rng([zlib.crc32(f"{family} {what}".encode()), index])


class Instances:
    """Draws the instances of one episode."""

    def __init__(
        self,
        rng: np.random.Generator,
        shapes: Sequence[int] = SEEN,
        appearances: Sequence[int] = SEEN,
    ) -> None:
        """Chooses what is drawn from.

        Args:
            rng: Source of randomness.
            shapes: Numbers of shapes.
            appearances: Numbers of appearances.
        """
        self._rng = rng
        self._shapes, self._appearances = list(shapes), list(appearances)

    def draw(
        self,
        family: Callable[..., Model],
        *,
        only_seen: tuple[int, int] | None = None,
        **options: Any,
    ) -> Model:
        """Draws an instance of a family.

        Args:
            family: The family's function.
            only_seen: The one shape and appearance that training knows, where a task has just one
                such object; unseen ones are drawn as ever.
            **options: What else the family takes, such as the color that the instruction names.
        """
        shape = int(self._rng.choice(self._shapes))
        appearance = int(self._rng.choice(self._appearances))
        if only_seen is not None:
            shape = only_seen[0] if shape in SEEN else shape
            appearance = only_seen[1] if appearance in SEEN else appearance
        return family(shape, appearance, **options)
