"""Instances of object families: which are seen in training, which are kept for evaluation.

A family is a function `family(shape, appearance, ...)` that makes a model: the same one for the
same two numbers, always. `shape` decides everything that touches, `appearance` only what is seen.
Numbers 0-9 may be seen in training; 10-19 are kept for evaluating generalization. Appearances
20-119 are for neither: a generator of pictures learns from them what things may look like.
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
FOR_GENERATORS = range(20, 120)
"""Appearances only."""

Model = TypeVar("Model", ObjectModel, ArticulatedModel)
Family = Callable[..., ObjectModel]


def shape_rng(family: str, shape: int) -> np.random.Generator:
    """The generator that a family draws one shape's measures from.

    Raises:
        ValueError: For a number that is neither seen nor unseen.
    """
    _check(family, "shape", shape, UNSEEN.stop)
    return _rng(family, "shape", shape)


def appearance_rng(family: str, appearance: int) -> np.random.Generator:
    """The generator that a family draws one appearance from.

    Raises:
        ValueError: For a number that no appearance has.
    """
    check_appearance(family, appearance)
    return _rng(family, "appearance", appearance)


def check_appearance(family: str, appearance: int) -> None:
    """Checks the number of an appearance.

    Raises:
        ValueError: For one that no appearance has.
    """
    _check(family, "appearance", appearance, FOR_GENERATORS.stop)


def _check(family: str, what: str, index: int, stop: int) -> None:
    if index not in range(stop):
        raise ValueError(f"{family}: {what} {index} is not in 0 .. {stop - 1}")


def _rng(family: str, what: str, index: int) -> np.random.Generator:
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
