"""The lights: direction, color, strength, shadows, flicker."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.objects.model import Color
from envs.randomization.variation import SignedVariation, SizedVariation
from envs.scene_settings import Lighting, SceneSettings


class _Light(SizedVariation):
    """A variation of `SceneSettings.lighting`."""

    def apply(self, value: Any, settings: SceneSettings) -> SceneSettings:
        """The settings with other lights."""
        return dataclasses.replace(settings, lighting=self.lit(settings.lighting, value))

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> Any:
        """By default the size."""
        return self.draw_size(rng)

    def lit(self, lighting: Lighting, value: Any) -> Lighting:
        """The lights changed by a value."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LightDirection(SignedVariation, _Light):
    """The sun goes around the room, and the shadows with it. Size in degrees.

    Beyond 90 degrees the wall behind the table would shade it.
    """

    name: ClassVar[str] = "light_direction"
    LEVELS: ClassVar = (0.0, 15.0, 30.0, 45.0, 60.0, 80.0)
    LIMIT: ClassVar = 90.0

    def lit(self, lighting: Lighting, value: float) -> Lighting:
        """The lights with the sun turned about the vertical."""
        turn = Rotation.from_euler("z", value, degrees=True)
        return dataclasses.replace(
            lighting, sun_direction=tuple(turn.apply(lighting.sun_direction).tolist())
        )


@dataclass(frozen=True, kw_only=True)
class LightColor(_Light):
    """The sun and the lamps have colors. Size: 0 as ever .. 1 channels all over 0 .. 1.

    At size 1 each channel of each light is a factor U(0, 1), as RoboTwin 2.0 draws colors; the
    three of a light are then scaled to keep its strength, which `light_intensity` varies.
    """

    name: ClassVar[str] = "light_color"
    LEVELS: ClassVar = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    LIMIT: ClassVar = 1.0

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> list[list[float]]:
        """Factors of the channels of sun, left and right lamp."""
        size = rng.uniform(*self.size)
        drawn = 1.0 - size * rng.uniform(0.0, 1.0, (3, 3))
        even: NDArray[np.float64] = drawn / drawn.mean(axis=1, keepdims=True)
        return [[round(factor, 6) for factor in light] for light in even.tolist()]

    def lit(self, lighting: Lighting, value: list[list[float]]) -> Lighting:
        """The lights in their colors."""
        sun, left, right = value
        lamps = lighting.lamp_colors
        return dataclasses.replace(
            lighting,
            sun_color=_times(lighting.sun_color, sun),
            lamp_colors=(_times(lamps[0], left), _times(lamps[1], right)),
        )


@dataclass(frozen=True, kw_only=True)
class LightIntensity(SignedVariation, _Light):
    """All lights are stronger or weaker. Size in stops: each doubles, or halves."""

    name: ClassVar[str] = "light_intensity"
    LEVELS: ClassVar = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    LIMIT: ClassVar = 4.0

    def lit(self, lighting: Lighting, value: float) -> Lighting:
        """The lights at another strength."""
        factor = [2.0**value] * 3
        return dataclasses.replace(
            lighting,
            ambient=_times(lighting.ambient, factor),
            sun_color=_times(lighting.sun_color, factor),
            lamp_colors=(
                _times(lighting.lamp_colors[0], factor),
                _times(lighting.lamp_colors[1], factor),
            ),
        )


@dataclass(frozen=True, kw_only=True)
class LightShadow(SignedVariation, _Light):
    """Shadows are darker (+) or fainter (-). Size: part of the one light that the other gets.

    Darker: the ambient light loses this part, and the sun gains as much on the table.
    Fainter: the sun loses it to the ambient light.
    """

    name: ClassVar[str] = "light_shadow"
    LEVELS: ClassVar = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)
    LIMIT: ClassVar = 1.0

    def lit(self, lighting: Lighting, value: float) -> Lighting:
        """The lights with more or less of it in the sun."""
        # The sun meets the table at an angle, and diffuse light is divided by pi (composite0.frag).
        direction = np.array(lighting.sun_direction)
        cosine = float(-direction[2] / np.linalg.norm(direction))
        part = abs(value)
        if value >= 0:
            gain = part * np.array(lighting.ambient) * np.pi / cosine
            return dataclasses.replace(
                lighting,
                ambient=_times(lighting.ambient, [1.0 - part] * 3),
                sun_color=tuple((np.array(lighting.sun_color) + gain).tolist()),
            )
        gain = part * np.array(lighting.sun_color) * cosine / np.pi
        return dataclasses.replace(
            lighting,
            ambient=tuple((np.array(lighting.ambient) + gain).tolist()),
            sun_color=_times(lighting.sun_color, [1.0 - part] * 3),
        )


@dataclass(frozen=True, kw_only=True)
class LightFlicker(_Light):
    """The lights differ from picture to picture. Size: greatest change of a channel, as a part.

    At size 1 this is the "crazy" light of RoboTwin 2.0, which draws colors anew for each picture.
    """

    name: ClassVar[str] = "light_flicker"
    LEVELS: ClassVar = (0.0, 0.1, 0.2, 0.4, 0.6, 0.9)
    LIMIT: ClassVar = 1.0

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> float:
        """A size."""
        return self.draw_size(rng)

    def lit(self, lighting: Lighting, value: float) -> Lighting:
        """The lights with flicker."""
        return dataclasses.replace(lighting, flicker=value)


def _times(color: Color, factors: list[float]) -> Color:
    red, green, blue = (np.array(color) * np.array(factors)).tolist()
    return red, green, blue
