"""Where cameras stand and what they look at.

Azimuth, elevation and distance move a camera around what it looks at: the point of its optical axis
that is nearest to the middle of the workspace, or, for a camera on a wrist, to the point between
the finger pads. Cameras on wrists are moved in the frame of their link.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import sapien
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.cameras import CAMERA_MOUNTS, CameraMount
from envs.errors import nearest
from envs.randomization.variation import SignedVariation, SizedVariation, random_direction, rounded
from envs.robots.aloha_agilex import FINGERTIP_OFFSET
from envs.scene_settings import CameraSettings, SceneSettings

Vector = NDArray[np.float64]

FIXED_CAMERAS = tuple(name for name, mount in CAMERA_MOUNTS.items() if mount.link is None)
WRIST_CAMERAS = tuple(name for name, mount in CAMERA_MOUNTS.items() if mount.link is not None)

WORKSPACE_MIDDLE = (0.0, 0.0, 0.74)
"""Middle of the table's top in the world, m."""


@dataclass(frozen=True, kw_only=True)
class CameraVariation(SizedVariation):
    """Something that varies about cameras.

    Attributes:
        cameras: Which ones; by default those that stand in the world.
        jointly: Whether all get the same value, as if they were on one frame; otherwise each
            draws its own.
    """

    cameras: tuple[str, ...] = FIXED_CAMERAS
    jointly: bool = True

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if not isinstance(self.cameras, tuple) or not self.cameras:
            raise self.wrong("cameras", self.cameras, "a list of cameras")
        for camera in self.cameras:
            if not isinstance(camera, str) or camera not in CAMERA_MOUNTS:
                raise self.wrong("camera", camera, f"known; {nearest(camera, CAMERA_MOUNTS)}")
        if not isinstance(self.jointly, bool):
            raise self.wrong("jointly", self.jointly, "true or false")

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> dict[str, Any]:
        """A value for each camera."""
        if self.jointly:
            return dict.fromkeys(self.cameras, self.draw(rng))
        return {camera: self.draw(rng) for camera in self.cameras}

    def apply(self, value: dict[str, Any], settings: SceneSettings) -> SceneSettings:
        """Changes each camera by its value."""
        changed = {name: self.change(settings.cameras[name], value[name]) for name in value}
        return dataclasses.replace(settings, cameras={**settings.cameras, **changed})

    def draw(self, rng: np.random.Generator) -> Any:
        """One value: by default the size."""
        return self.draw_size(rng)

    @abstractmethod
    def change(self, camera: CameraSettings, value: Any) -> CameraSettings:
        """A camera changed by a value."""


class _Moved(CameraVariation):
    """A variation of a camera's pose."""

    def change(self, camera: CameraSettings, value: Any) -> CameraSettings:
        """The camera at its new pose."""
        pose = self.moved(camera.mount, value)
        return dataclasses.replace(camera, mount=CameraMount(pose, camera.mount.link))

    @abstractmethod
    def moved(self, mount: CameraMount, value: Any) -> sapien.Pose:
        """The new pose in the frame that the camera is in."""


def look_at(mount: CameraMount) -> Vector:
    """What a camera looks at: a point of its optical axis, in the frame that the camera is in."""
    middle = WORKSPACE_MIDDLE if mount.link is None else (FINGERTIP_OFFSET, 0.0, 0.0)
    matrix = mount.pose.to_transformation_matrix().astype(np.float64)
    eye, forward = matrix[:3, 3], matrix[:3, 0]
    return np.asarray(eye + forward * float((np.array(middle) - eye) @ forward))


def turned_about(pose: sapien.Pose, point: Vector, axis: Vector, angle: float) -> sapien.Pose:
    """A pose turned by an angle in rad about an axis through a point."""
    if angle == 0.0:
        return pose  # not even rounded
    rotation = Rotation.from_rotvec(np.asarray(axis) / np.linalg.norm(axis) * angle)
    matrix = pose.to_transformation_matrix().astype(np.float64)
    matrix[:3, 3] = point + rotation.apply(matrix[:3, 3] - point)
    matrix[:3, :3] = rotation.as_matrix() @ matrix[:3, :3]
    return sapien.Pose(matrix)


@dataclass(frozen=True, kw_only=True)
class CameraAzimuth(SignedVariation, _Moved):
    """Cameras go around what they look at, about the vertical. Size in degrees."""

    name: ClassVar[str] = "camera_azimuth"
    LEVELS: ClassVar = (0.0, 5.0, 10.0, 20.0, 30.0, 45.0)
    LIMIT: ClassVar = 180.0

    def moved(self, mount: CameraMount, value: float) -> sapien.Pose:
        """Turned about the vertical; for a camera on a wrist, about the link's z axis."""
        vertical = np.array([0.0, 0.0, 1.0])
        return turned_about(mount.pose, look_at(mount), vertical, np.deg2rad(value))


@dataclass(frozen=True, kw_only=True)
class CameraElevation(SignedVariation, _Moved):
    """Cameras rise around what they look at. Size in degrees; up unless `sign` says else.

    From 6 degrees down on, the front camera meets the robot, and further down the table.
    """

    name: ClassVar[str] = "camera_elevation"
    LEVELS: ClassVar = (0.0, 3.0, 6.0, 9.0, 12.0, 15.0)
    LIMIT: ClassVar = 60.0

    sign: str = "+"

    def moved(self, mount: CameraMount, value: float) -> sapien.Pose:
        """Turned about the axis that points to the picture's left."""
        left = mount.pose.to_transformation_matrix()[:3, 1].astype(np.float64)
        return turned_about(mount.pose, look_at(mount), left, np.deg2rad(value))


@dataclass(frozen=True, kw_only=True)
class CameraDistance(SignedVariation, _Moved):
    """Cameras go nearer to what they look at, or further away. Size in parts of the distance."""

    name: ClassVar[str] = "camera_distance"
    LEVELS: ClassVar = (0.0, 0.05, 0.10, 0.15, 0.20, 0.30)
    LIMIT: ClassVar = 0.9

    def moved(self, mount: CameraMount, value: float) -> sapien.Pose:
        """Shifted along the optical axis."""
        target = look_at(mount)
        return sapien.Pose(target + (1.0 + value) * (mount.pose.p - target), mount.pose.q)


@dataclass(frozen=True, kw_only=True)
class CameraRoll(SignedVariation, _Moved):
    """Cameras turn about their optical axes. Size in degrees."""

    name: ClassVar[str] = "camera_roll"
    LEVELS: ClassVar = (0.0, 5.0, 10.0, 20.0, 30.0, 45.0)
    LIMIT: ClassVar = 180.0

    def moved(self, mount: CameraMount, value: float) -> sapien.Pose:
        """Turned about the optical axis."""
        forward = mount.pose.to_transformation_matrix()[:3, 0].astype(np.float64)
        return turned_about(mount.pose, np.asarray(mount.pose.p), forward, np.deg2rad(value))


@dataclass(frozen=True, kw_only=True)
class CameraHeight(SignedVariation, _Moved):
    """Cameras stand higher and look in the same direction. Size in m; up unless `sign` says else.

    SEM's EXT0 and EXT1 are 0.10 m apart (section 4, camera generalization).
    """

    name: ClassVar[str] = "camera_height"
    LEVELS: ClassVar = (0.0, 0.02, 0.05, 0.10, 0.15, 0.20)
    LIMIT: ClassVar = 1.0

    sign: str = "+"

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if wrists := [camera for camera in self.cameras if camera in WRIST_CAMERAS]:
            raise self.wrong("camera", wrists[0], f"one of {', '.join(FIXED_CAMERAS)}")

    def moved(self, mount: CameraMount, value: float) -> sapien.Pose:
        """Shifted along the world's z."""
        return sapien.Pose(mount.pose.p + np.array([0.0, 0.0, value]), mount.pose.q)


@dataclass(frozen=True, kw_only=True)
class CameraPosition(_Moved):
    """Cameras are shifted in any direction and look in the same one. Size in m."""

    name: ClassVar[str] = "camera_position"
    LEVELS: ClassVar = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05)
    LIMIT: ClassVar = 1.0

    def draw(self, rng: np.random.Generator) -> list[float]:
        """A shift."""
        return _scaled(random_direction(rng, 3), rng.uniform(*self.size))

    def moved(self, mount: CameraMount, value: list[float]) -> sapien.Pose:
        """Shifted."""
        return sapien.Pose(mount.pose.p + np.array(value), mount.pose.q)


@dataclass(frozen=True, kw_only=True)
class CameraRotation(_Moved):
    """Cameras are turned about any axis through their centres. Size in degrees."""

    name: ClassVar[str] = "camera_rotation"
    LEVELS: ClassVar = (0.0, 1.0, 2.0, 4.0, 7.0, 10.0)
    LIMIT: ClassVar = 180.0

    def draw(self, rng: np.random.Generator) -> list[float]:
        """A rotation vector in degrees."""
        return _scaled(random_direction(rng, 3), rng.uniform(*self.size))

    def moved(self, mount: CameraMount, value: list[float]) -> sapien.Pose:
        """Turned in place."""
        vector = np.deg2rad(value)
        angle = float(np.linalg.norm(vector))
        return turned_about(mount.pose, np.asarray(mount.pose.p), vector, angle)


def _scaled(direction: Vector, size: float) -> list[float]:
    return [rounded(part) for part in direction * size]
