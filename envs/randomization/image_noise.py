"""What sensors do to pictures: blur, noise, compression, noise of depth."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.image_effects import Blur, DepthNoise, ImageEffect, Jpeg, PixelNoise
from envs.randomization.variation import SizedVariation
from envs.scene_settings import SceneSettings


class _Effect(SizedVariation):
    """One more image effect, on the pictures of all cameras."""

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> float:
        """A size."""
        return self.draw_size(rng)

    def apply(self, value: float, settings: SceneSettings) -> SceneSettings:
        """The settings with the effect after those before."""
        if value == 0.0:
            return settings
        effects = (*settings.image_effects, self.effect(value))
        return dataclasses.replace(settings, image_effects=effects)

    @abstractmethod
    def effect(self, size: float) -> ImageEffect:
        """The effect of a size above 0."""


@dataclass(frozen=True, kw_only=True)
class ImageBlur(_Effect):
    """Out of focus. Size: standard deviation in pixels of a picture 240 pixels high."""

    name: ClassVar[str] = "image_blur"
    LEVELS: ClassVar = (0.0, 0.5, 1.0, 2.0, 3.5, 5.0)
    LIMIT: ClassVar = 50.0

    def effect(self, size: float) -> ImageEffect:
        """Gaussian blur."""
        return Blur(size)


@dataclass(frozen=True, kw_only=True)
class ImageNoise(_Effect):
    """Grainy. Size: standard deviation in grey levels of 255."""

    name: ClassVar[str] = "image_noise"
    LEVELS: ClassVar = (0.0, 5.0, 10.0, 20.0, 35.0, 55.0)
    LIMIT: ClassVar = 255.0

    def effect(self, size: float) -> ImageEffect:
        """Gaussian noise."""
        return PixelNoise(size)


@dataclass(frozen=True, kw_only=True)
class ImageJpeg(_Effect):
    """Compressed. Size: 95 less the JPEG quality."""

    name: ClassVar[str] = "image_jpeg"
    LEVELS: ClassVar = (0.0, 45.0, 65.0, 80.0, 87.0, 92.0)
    LIMIT: ClassVar = 94.0

    def effect(self, size: float) -> ImageEffect:
        """Compression."""
        return Jpeg(round(95.0 - size))


@dataclass(frozen=True, kw_only=True)
class ImageDepthNoise(_Effect):
    """Noisy depth. Size: standard deviation in m at 1 m; it grows with the distance's square."""

    name: ClassVar[str] = "depth_noise"
    LEVELS: ClassVar = (0.0, 0.001, 0.002, 0.005, 0.010, 0.020)
    LIMIT: ClassVar = 1.0

    def effect(self, size: float) -> ImageEffect:
        """Noise of depth."""
        return DepthNoise(size)
