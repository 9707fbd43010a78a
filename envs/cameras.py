"""Pinhole cameras: models, mounts, and the matrices that describe them.

Frames. A camera's *pose* here is SAPIEN's: x forward, y left, z up. `extrinsic_cv` maps world
points into OpenCV's camera frame: x right, y down, z forward. `cam2world_gl` maps OpenGL's
camera frame (x right, y up, looking along -z) into the world. They hold

    inv(extrinsic_cv) == cam2world_gl @ diag(1, -1, -1, 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sapien
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

SAPIEN_FROM_CV = np.array(
    [[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""Rotates OpenCV camera axes into SAPIEN's."""
CV_FROM_GL = np.diag([1.0, -1.0, -1.0, 1.0])

NEAR, FAR = 0.02, 100.0
"""Clipping planes in metres. RoboTwin has 0.1, which cuts the fingers out of the wrist views."""


@dataclass(frozen=True)
class CameraModel:
    """Resolution and pinhole projection of a camera, without distortion.

    Attributes:
        width: Pixels.
        height: Pixels.
        fx: Focal length in pixels along the rows.
        fy: Focal length in pixels along the columns; differs from `fx` where pixels are not square.
        cx: Column of the principal point.
        cy: Row of the principal point. Pixel centres are at half numbers, so the middle of the
            picture is `width / 2`, `height / 2`.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def with_fovy(cls, width: int, height: int, fovy: float) -> CameraModel:
        """A camera with square pixels that is centred.

        Args:
            width: Pixels.
            height: Pixels.
            fovy: Vertical field of view in rad.
        """
        f = float(height / 2 / np.tan(fovy / 2))
        return cls(width, height, f, f, width / 2, height / 2)

    @property
    def intrinsic_cv(self) -> Matrix:
        """3x3 matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def resized(self, width: int, height: int) -> CameraModel:
        """The same view of the world in other numbers of pixels, which may not be square then.

        D435 resized to 320 x 256 is the camera that SEM standardizes pictures to.
        """
        x, y = width / self.width, height / self.height
        return CameraModel(width, height, self.fx * x, self.fy * y, self.cx * x, self.cy * y)


CAMERA_MODELS = {
    "D435": CameraModel.with_fovy(320, 240, np.deg2rad(37.0)),
    "L515": CameraModel.with_fovy(320, 180, np.deg2rad(45.0)),
    "Large_D435": CameraModel.with_fovy(640, 480, np.deg2rad(37.0)),
    "Large_L515": CameraModel.with_fovy(640, 360, np.deg2rad(45.0)),
}
"""RoboTwin's camera types (1.0 and 2.0 have the same numbers)."""


@dataclass(frozen=True)
class CameraMount:
    """Where a camera is.

    Attributes:
        pose: SAPIEN pose in the world, or in the frame of `link`.
        link: Robot link that carries the camera, or None if it stands in the world.
    """

    pose: sapien.Pose
    link: str | None = None


def facing(position: Sequence[float], forward: Sequence[float]) -> sapien.Pose:
    """Pose of an upright camera that looks along a direction (which must not be vertical)."""
    x = np.asarray(forward, dtype=float) / np.linalg.norm(forward)
    y = np.cross([0.0, 0.0, 1.0], x)
    y /= np.linalg.norm(y)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([x, y, np.cross(x, y)], axis=1)
    matrix[:3, 3] = position
    return sapien.Pose(matrix)


def _wrist(link: str) -> CameraMount:
    half_pitch = 0.4 / 2
    quaternion_wxyz = [np.cos(half_pitch), 0.0, np.sin(half_pitch), 0.0]
    return CameraMount(sapien.Pose([0.07, 0.032, 0.065], quaternion_wxyz), link)


# RoboTwin 1.0 writes the head camera's forward as (0, 0.1, -0.55) without normalizing; what it
# renders is (0, 0.6, -0.8), which 2.0's configuration states.
CAMERA_MOUNTS = {
    "head_camera": CameraMount(facing((-0.032, -0.45, 1.35), (0.0, 0.6, -0.8))),
    "front_camera": CameraMount(facing((0.0, -0.45, 0.85), (0.0, 1.0, -0.1))),
    "left_camera": _wrist("fl_link6"),
    "right_camera": _wrist("fr_link6"),
}
"""RoboTwin's four cameras by name; `left_camera` and `right_camera` ride on the wrists."""

OBSERVER = "observer_camera"
OBSERVER_MOUNT = CameraMount(facing((0.0, 0.23, 1.33), (0.0, -1.0, -1.02)))
OBSERVER_MODEL = CameraModel.with_fovy(320, 240, np.deg2rad(93.0))
"""Camera for people: from above the far edge of the table towards the robot (RoboTwin 2.0)."""

VIEWER_POSE = facing((1.15, 0.30, 1.65), (-1.15, -0.65, -0.80))
"""Where the interactive window looks from at first: over the table's right far corner."""


def extrinsic_cv(pose: sapien.Pose) -> Matrix:
    """World-to-camera matrix (4x4, OpenCV axes) of a camera at a SAPIEN pose."""
    world_from_sapien = pose.to_transformation_matrix().astype(np.float64)
    inverse: Matrix = np.linalg.inv(world_from_sapien @ SAPIEN_FROM_CV)
    return inverse


def cam2world_gl(pose: sapien.Pose) -> Matrix:
    """Camera-to-world matrix (4x4, OpenGL axes) of a camera at a SAPIEN pose."""
    world_from_sapien = pose.to_transformation_matrix().astype(np.float64)
    matrix: Matrix = world_from_sapien @ SAPIEN_FROM_CV @ CV_FROM_GL
    return matrix
