"""What varies from episode to episode: the interface of a variation, and the ones with a size.

A variation draws a value and changes `SceneSettings` by it. The value is JSON and says all there is
to know, so that a log of values describes an episode. Each has six levels: 0 changes nothing, 5 the
most. At a level the size is exact and only its direction is drawn, so that a sweep over levels
measures sizes; a range of sizes, `size=(0.0, 0.1)`, is what one trains with.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from envs.errors import InvalidOptionError
from envs.scene_settings import SceneSettings

LEVELS = range(6)
SIGNS = ("random", "+", "-")


@dataclass(frozen=True, kw_only=True)
class Variation(ABC):
    """One thing that varies.

    Attributes:
        name: What it is called in `variations=...` and in logs.
        probability: That it takes part in an episode at all.
    """

    name: ClassVar[str]
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        if not isinstance(self.probability, (int, float)) or not 0.0 <= self.probability <= 1.0:
            raise self.wrong("probability", self.probability, "0 .. 1")

    @classmethod
    @abstractmethod
    def at_level(cls, level: int) -> Variation:
        """The variation of a level in `LEVELS`."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> Any:
        """Draws a value for an episode, as JSON."""

    @abstractmethod
    def apply(self, value: Any, settings: SceneSettings) -> SceneSettings:
        """The settings with a drawn value carried out."""

    def wrong(self, option: str, value: Any, valid: str) -> InvalidOptionError:
        """The error for an option's value."""
        return InvalidOptionError(f"{self.name}: {option} is {value!r}, not {valid}")


@dataclass(frozen=True, kw_only=True)
class SizedVariation(Variation):
    """A variation whose size is one number.

    Attributes:
        size: Least and greatest size, in the unit that the subclass states.
        LEVELS: Size at each level.
        LIMIT: No size is greater.
    """

    LEVELS: ClassVar[tuple[float, float, float, float, float, float]]
    LIMIT: ClassVar[float] = math.inf

    size: tuple[float, float]

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if not (
            isinstance(self.size, tuple)
            and len(self.size) == 2
            and all(isinstance(end, (int, float)) for end in self.size)
            and 0.0 <= self.size[0] <= self.size[1] <= self.LIMIT
        ):
            least = f"0 <= least <= greatest <= {self.LIMIT:g}"
            raise self.wrong("size", self.size, f"[least, greatest] with {least}")

    @classmethod
    def at_level(cls, level: int) -> Variation:
        """The variation whose size is exactly that of a level."""
        return cls(size=(cls.LEVELS[level],) * 2)

    def draw_size(self, rng: np.random.Generator) -> float:
        """A size."""
        return rounded(rng.uniform(*self.size))


@dataclass(frozen=True, kw_only=True)
class SignedVariation(SizedVariation):
    """A variation of one number that may go up or down.

    Attributes:
        sign: `+`, `-`, or `random`.
    """

    sign: str = "random"

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if self.sign not in SIGNS:
            raise self.wrong("sign", self.sign, " or ".join(SIGNS))

    def draw_size(self, rng: np.random.Generator) -> float:
        """A size with its sign."""
        positive = bool(rng.random() < 0.5)
        if self.sign != "random":
            positive = self.sign == "+"
        size = super().draw_size(rng)
        return size if positive else rounded(-size)


def rounded(number: float) -> float:
    """A number as it is logged and carried out: with six decimals, and without -0."""
    return round(float(number), 6) + 0.0


def random_direction(rng: np.random.Generator, dimensions: int) -> np.ndarray[Any, Any]:
    """A unit vector, all directions being equally likely."""
    vector = rng.standard_normal(dimensions)
    return vector / np.linalg.norm(vector)
