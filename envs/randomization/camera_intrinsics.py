"""What cameras are: focal length, principal point, shape of the pixels, resolution, model.

Pictures keep their size in pixels, since policies are built for one; what changes is how the world
is projected into them, and `intrinsic_cv` says so.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.cameras import CAMERA_MODELS
from envs.errors import InvalidOptionError, nearest
from envs.image_effects import LowResolution
from envs.randomization.camera_extrinsics import CameraVariation
from envs.randomization.variation import (
    SignedVariation,
    SizedVariation,
    Variation,
    random_direction,
    rounded,
)
from envs.scene_settings import CameraSettings, SceneSettings


@dataclass(frozen=True, kw_only=True)
class FocalLength(SignedVariation, CameraVariation):
    """A longer or shorter lens: the focal length is multiplied or divided by 1 + size."""

    name: ClassVar[str] = "focal_length"
    LEVELS: ClassVar = (0.0, 0.05, 0.10, 0.15, 0.20, 0.30)
    LIMIT: ClassVar = 3.0

    def change(self, camera: CameraSettings, value: float) -> CameraSettings:
        """The camera with its new lens."""
        factor = 1.0 + value if value >= 0 else 1.0 / (1.0 - value)
        model = camera.model
        model = dataclasses.replace(model, fx=model.fx * factor, fy=model.fy * factor)
        return dataclasses.replace(camera, model=model)


@dataclass(frozen=True, kw_only=True)
class PrincipalPoint(CameraVariation):
    """The optical axis is not in the picture's middle. Size in parts of the picture's height."""

    name: ClassVar[str] = "principal_point"
    LEVELS: ClassVar = (0.0, 0.02, 0.04, 0.08, 0.12, 0.18)
    LIMIT: ClassVar = 0.5

    def draw(self, rng: np.random.Generator) -> list[float]:
        """A shift to the right and down."""
        shift = random_direction(rng, 2) * rng.uniform(*self.size)
        return [rounded(part) for part in shift]

    def change(self, camera: CameraSettings, value: list[float]) -> CameraSettings:
        """The camera with its axis elsewhere."""
        model = camera.model
        right, down = np.array(value) * model.height
        model = dataclasses.replace(model, cx=model.cx + float(right), cy=model.cy + float(down))
        return dataclasses.replace(camera, model=model)


@dataclass(frozen=True, kw_only=True)
class PixelAspect(SignedVariation, CameraVariation):
    """Pixels that are not square, as pictures resized to another shape have.

    What stands upright is stretched by 1 + size against what lies level (+), or the other way (-).
    """

    name: ClassVar[str] = "pixel_aspect"
    LEVELS: ClassVar = (0.0, 0.05, 0.10, 0.20, 0.30, 0.45)
    LIMIT: ClassVar = 3.0

    def change(self, camera: CameraSettings, value: float) -> CameraSettings:
        """The camera with its new pixels; their area stays."""
        half = np.sqrt(1.0 + abs(value)) ** (1 if value >= 0 else -1)
        model = camera.model
        model = dataclasses.replace(model, fx=float(model.fx / half), fy=float(model.fy * half))
        return dataclasses.replace(camera, model=model)


@dataclass(frozen=True, kw_only=True)
class SensorResolution(SizedVariation):
    """Sensors with fewer pixels. Size: a pixel's edge grows to 1 + size; all cameras alike."""

    name: ClassVar[str] = "sensor_resolution"
    LEVELS: ClassVar = (0.0, 0.5, 1.0, 2.0, 4.0, 7.0)
    LIMIT: ClassVar = 15.0

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> float:
        """A size."""
        return self.draw_size(rng)

    def apply(self, value: float, settings: SceneSettings) -> SceneSettings:
        """Pictures arrive coarse."""
        if value == 0.0:
            return settings
        # The sensor comes before whatever happens to its picture.
        effects = (LowResolution(1.0 + value), *settings.image_effects)
        return dataclasses.replace(settings, image_effects=effects)


@dataclass(frozen=True, kw_only=True)
class CameraModelSwap(Variation):
    """All cameras are of another model, whose pictures are resized to those expected.

    Attributes:
        model: Name of the model, out of `envs.cameras.CAMERA_MODELS`.
    """

    name: ClassVar[str] = "camera_model"
    model: str

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if not isinstance(self.model, str) or self.model not in CAMERA_MODELS:
            raise self.wrong("model", self.model, f"known; {nearest(self.model, CAMERA_MODELS)}")

    @classmethod
    def at_level(cls, level: int) -> CameraModelSwap:
        """There are no levels.

        Raises:
            InvalidOptionError: Always.
        """
        models = ", ".join(CAMERA_MODELS)
        raise InvalidOptionError(f"{cls.name} has no levels; say model: one of {models}")

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> str:
        """The model's name."""
        return self.model

    def apply(self, value: str, settings: SceneSettings) -> SceneSettings:
        """The same cameras with another model."""
        new = CAMERA_MODELS[value]
        cameras = {
            name: dataclasses.replace(
                camera, model=new.resized(camera.model.width, camera.model.height)
            )
            for name, camera in settings.cameras.items()
        }
        return dataclasses.replace(settings, cameras=cameras)
