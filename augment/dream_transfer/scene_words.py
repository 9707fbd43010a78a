"""What a scene looks like in words, out of what is known about an episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augment.dream_transfer.light_words import LightWords, light_words
from augment.dream_transfer.surface_words import SurfaceWords, surface_words
from augment.dream_transfer.thing_words import ThingWords, thing_words
from envs.randomization.catalogue import VARIATIONS
from envs.scene_settings import SceneSettings

_LIGHT_VARIATIONS = ("light_direction", "light_color", "light_intensity", "light_shadow")


@dataclass(frozen=True)
class SceneWords:
    """A scene in words, or as much of it as a prompt says.

    Attributes:
        things: What the task put there.
        table: The table's top; None where it is not said, like what follows.
        wall: The walls.
        light: The light.
    """

    things: tuple[ThingWords, ...]
    table: SurfaceWords | None
    wall: SurfaceWords | None
    light: LightWords | None


def scene_words(info: Mapping[str, Any]) -> SceneWords:
    """All about an episode's looks that prompts have words for.

    Args:
        info: An episode's `things` and the drawn values of its `variations`, as
            `envs.demonstrations.episode_file.Episode.info` has them.
    """
    drawn = info["variations"]
    settings = SceneSettings()
    for name in _LIGHT_VARIATIONS:
        if drawn.get(name) is not None:
            # What a value does is the same at every level.
            settings = VARIATIONS[name].at_level(0).apply(drawn[name], settings)
    return SceneWords(
        things=thing_words(info["things"]),
        table=surface_words("table", drawn.get("table_texture")),
        wall=surface_words("wall", drawn.get("wall_texture")),
        light=light_words(settings.lighting),
    )
