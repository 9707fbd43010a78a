"""Observations: their space, and how they are read off the scene.

Every mode has

    joint_position  (14,) float32  measured: 6 joints in rad, gripper, left arm then right
    joint_target    (14,) float32  commanded, same order
    endpose         (2, 7) float32  link6 of both arms in the world: m, quaternion wxyz
    instruction     str

`state` adds what only a simulator knows:

    object_pose     (N, 7) float32  the task's things in the world: m, quaternion wxyz

`rgb`, `rgbd` and `pointcloud` add, under `cameras`, for each camera by name

    intrinsic_cv    (3, 3) float32  pixels
    extrinsic_cv    (4, 4) float32  world to camera, OpenCV axes
    rgb             (H, W, 3) uint8               (`rgb`, `rgbd`)
    depth           (H, W) float32  m, 0 invalid  (`rgbd`)

and `pointcloud` adds

    pointcloud      (1024, 6) float32  xyz in the world in m, rgb in [0, 1]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.cameras import FAR, CameraModel
from envs.instruction_space import InstructionSpace
from envs.picture import Picture
from envs.point_cloud import NUMBER_OF_POINTS, merged_point_cloud
from envs.tasks.task import SceneState

OBS_MODES = ("state", "rgb", "rgbd", "pointcloud")


def _unbounded(*shape: int) -> spaces.Box:
    return spaces.Box(-np.inf, np.inf, shape, np.float32)


def space(obs_mode: str, cameras: Sequence[str], model: CameraModel, things: int) -> spaces.Dict:
    """The observation space of a mode.

    Args:
        obs_mode: One of `OBS_MODES`.
        cameras: Camera names.
        model: What all of them are.
        things: Number of the task's things.
    """
    parts: dict[str, spaces.Space[Any]] = {
        "joint_position": _unbounded(14),
        "joint_target": _unbounded(14),
        "endpose": _unbounded(2, 7),
        "instruction": InstructionSpace(),
    }
    if obs_mode == "state":
        parts["object_pose"] = _unbounded(things, 7)
        return spaces.Dict(parts)
    height, width = model.height, model.width
    camera: dict[str, spaces.Space[Any]] = {
        "intrinsic_cv": _unbounded(3, 3),
        "extrinsic_cv": _unbounded(4, 4),
    }
    if obs_mode in ("rgb", "rgbd"):
        camera["rgb"] = spaces.Box(0, 255, (height, width, 3), np.uint8)
    if obs_mode == "rgbd":
        camera["depth"] = spaces.Box(0.0, FAR, (height, width), np.float32)
    parts["cameras"] = spaces.Dict({name: spaces.Dict(camera) for name in cameras})
    if obs_mode == "pointcloud":
        parts["pointcloud"] = _unbounded(NUMBER_OF_POINTS, 6)
    return spaces.Dict(parts)


def build(
    obs_mode: str,
    state: SceneState,
    joint_target: NDArray[np.float64],
    pictures: Mapping[str, Picture],
    instruction: str,
) -> dict[str, Any]:
    """The observation of a scene, out of pictures taken before.

    Args:
        obs_mode: One of `OBS_MODES`.
        state: The scene now.
        joint_target: Commanded joint values (14,).
        pictures: By camera.
        instruction: What is asked for.
    """
    parts: dict[str, Any] = {
        "joint_position": state.joint_position.astype(np.float32),
        "joint_target": joint_target.astype(np.float32),
        "endpose": state.endpose.astype(np.float32),
        "instruction": instruction,
    }
    if obs_mode == "state":
        poses = [[*pose.p, *pose.q] for pose in state.poses.values()]
        parts["object_pose"] = np.array(poses, dtype=np.float32)
        return parts
    parts["cameras"] = {name: _camera(obs_mode, pictures[name]) for name in pictures}
    if obs_mode == "pointcloud":
        parts["pointcloud"] = merged_point_cloud(list(pictures.values()), state.table_height)
    return parts


def _camera(obs_mode: str, picture: Picture) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "intrinsic_cv": picture.intrinsic_cv,
        "extrinsic_cv": picture.extrinsic_cv,
    }
    if obs_mode in ("rgb", "rgbd"):
        parts["rgb"] = picture.rgb
    if obs_mode == "rgbd":
        parts["depth"] = picture.depth
    return parts
