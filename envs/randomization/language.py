"""How the task is said."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from envs.instructions import Wording
from envs.randomization.variation import Variation
from envs.scene_settings import SceneSettings

LEVEL_WORDINGS = (
    Wording(),
    Wording(unseen=True),
    Wording(unseen=True, polite=True),
    Wording(unseen=True, polite=True, careless=True),
    Wording(unseen=True, polite=True, careless=True, typos=2),
    Wording(unseen=True, polite=True, careless=True, typos=4, aside=True),
)
"""1: unseen wordings; then, added one by one: politeness, carelessness, typos, an aside."""

MOST_TYPOS = 20
"""More leave no sentence to understand."""


@dataclass(frozen=True, kw_only=True)
class Language(Variation):
    """Other words for the same task.

    Attributes:
        wording: What is different; `envs.instructions.Wording`, or its fields.
    """

    name: ClassVar[str] = "language"
    wording: Wording

    def __post_init__(self) -> None:
        """Takes the fields of a wording for a wording.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if isinstance(self.wording, Wording):
            return
        defaults = {field.name: field.default for field in dataclasses.fields(Wording)}
        if not isinstance(self.wording, dict) or not set(self.wording) <= set(defaults):
            raise self.wrong("wording", self.wording, f"a mapping of {', '.join(sorted(defaults))}")
        for field, value in self.wording.items():
            if isinstance(defaults[field], bool):
                if not isinstance(value, bool):
                    raise self.wrong(field, value, "true or false")
            elif type(value) is not int or not 0 <= value <= MOST_TYPOS:
                raise self.wrong(field, value, f"an integer in 0 .. {MOST_TYPOS}")
        object.__setattr__(self, "wording", Wording(**self.wording))

    @classmethod
    def at_level(cls, level: int) -> Variation:
        """The wording of a level."""
        return cls(wording=LEVEL_WORDINGS[level])

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> dict[str, Any]:
        """What is different; the words are drawn with the episode's instruction."""
        return dataclasses.asdict(self.wording)

    def apply(self, value: dict[str, Any], settings: SceneSettings) -> SceneSettings:
        """The settings with the wording."""
        return dataclasses.replace(settings, wording=Wording(**value))
