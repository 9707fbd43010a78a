"""Which instances the task's things are drawn from, and what else lies on the table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from envs.objects.instances import FOR_GENERATORS, SEEN, UNSEEN
from envs.randomization.variation import SizedVariation, Variation
from envs.scene_settings import Clutter, SceneSettings


@dataclass(frozen=True, kw_only=True)
class InstanceNumbers(Variation):
    """The numbers of the instances that things are drawn from. At level n, 2 n of 10 are unseen.

    Attributes:
        numbers: From 10 on they are unseen in training.
    """

    numbers: tuple[int, ...]
    setting: ClassVar[str]
    STOP: ClassVar[int]
    """Above the greatest number."""

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if (
            not isinstance(self.numbers, tuple)
            or not self.numbers
            or any(
                type(number) is not int or number not in range(self.STOP) for number in self.numbers
            )
        ):
            valid = f"a list of numbers in 0 .. {self.STOP - 1}"
            raise self.wrong("numbers", self.numbers, valid)

    @classmethod
    def at_level(cls, level: int) -> Variation:
        """Unseen instances in the places of the first seen ones."""
        # In place, so that what stays seen is the same thing in the unperturbed twin.
        return cls(numbers=(*UNSEEN[: 2 * level], *SEEN[2 * level :]))

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> list[int]:
        """The numbers; which of them a thing gets is drawn when it is made."""
        return list(self.numbers)

    def apply(self, value: list[int], settings: SceneSettings) -> SceneSettings:
        """The settings that draw from the numbers."""
        changed: dict[str, Any] = {self.setting: tuple(value)}
        return dataclasses.replace(settings, **changed)


@dataclass(frozen=True, kw_only=True)
class ObjectShape(InstanceNumbers):
    """The task's things have other shapes."""

    name: ClassVar[str] = "object_shape"
    setting: ClassVar[str] = "object_shapes"
    STOP: ClassVar = UNSEEN.stop


@dataclass(frozen=True, kw_only=True)
class ObjectAppearance(InstanceNumbers):
    """The task's things have other looks, and feel the same."""

    name: ClassVar[str] = "object_appearance"
    setting: ClassVar[str] = "object_appearances"
    STOP: ClassVar = FOR_GENERATORS.stop


@dataclass(frozen=True, kw_only=True)
class TableClutter(SizedVariation):
    """Things on the table that the task has no use for. Size: how many, where there is room.

    Attributes:
        instances: `seen` or `unseen`: which instances of the families are drawn.
    """

    name: ClassVar[str] = "clutter"
    LEVELS: ClassVar = (0, 2, 4, 6, 8, 10)
    LIMIT: ClassVar = 20

    instances: str = "seen"

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if self.instances not in ("seen", "unseen"):
            raise self.wrong("instances", self.instances, "seen or unseen")

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> int:
        """A number of things."""
        least, greatest = self.size
        return int(rng.integers(int(least), int(greatest) + 1))

    def apply(self, value: int, settings: SceneSettings) -> SceneSettings:
        """The settings with as many things."""
        numbers = tuple(SEEN if self.instances == "seen" else UNSEEN)
        return dataclasses.replace(settings, clutter=Clutter(value, numbers))
