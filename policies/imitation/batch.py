"""Observations as tensors: the same function for training and for acting.

A batch is a mapping of tensors. With B items, To observations of history (newest last), V cameras
and H actions:

    joint_position (B, To, 14) float32          measured: rad, gripper 0 .. 1; left arm, right arm
    joint_target   (B, To, 14) float32          commanded
    rgb            (B, To, V, H, W, 3) uint8    `rgb`, `rgbd`; cameras in the order of `Observes`
    depth          (B, To, V, H, W) float32     `rgbd`; m, 0 invalid
    intrinsic_cv   (B, To, V, 3, 3) float32     `rgb`, `rgbd`; pixels
    extrinsic_cv   (B, To, V, 4, 4) float32     `rgb`, `rgbd`; world to camera, OpenCV axes
    pointcloud     (B, To, 1024, 6) float32     `pointcloud`; world xyz in m, rgb in [0, 1]

and in training also

    action         (B, H, 14) float32           what was done; `policies.imitation.method.Window`
    padded         (B, H) bool                  where an action repeats the episode's first or last
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.cameras import CameraModel
from envs.wrappers.intrinsic_standardization import standardize
from policies.policy import Observation, Observes

Batch = Mapping[str, Tensor]
Item = dict[str, Tensor]

IMAGE_PARTS = ("rgb", "depth", "intrinsic_cv", "extrinsic_cv")


def observation_item(
    observations: Sequence[Observation],
    observes: Observes,
    standard: CameraModel | None = None,
    *,
    warped: bool = True,
) -> Item:
    """Observations of one moment and its past as tensors without the batch's axis.

    Args:
        observations: As the environment gives them one at a time, newest last.
        observes: What of them is used.
        standard: Camera whose intrinsics and size all pictures are warped to; None for none.
        warped: Whether to; False resizes them to the standard camera's size, whatever their
            intrinsics, which become those of the resized picture.
    """
    frames = [_arrays(observation, observes, standard, warped) for observation in observations]
    return {
        name: torch.from_numpy(np.stack([frame[name] for frame in frames])) for name in frames[0]
    }


def unstacked(observation: Observation, history: int) -> list[Observation]:
    """The observations that `envs.wrappers.FrameHistory` has stacked, newest last."""
    if history == 1:
        return [observation]
    return [_at(observation, i) for i in range(history)]


def _at(value: Any, index: int) -> Any:
    if isinstance(value, Mapping):
        return {key: _at(each, index) for key, each in value.items()}
    return value if isinstance(value, str) else value[index]


def _arrays(
    observation: Observation, observes: Observes, standard: CameraModel | None, warped: bool
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        name: np.asarray(observation[name], dtype=np.float32)
        for name in ("joint_position", "joint_target")
    }
    if observes.obs_mode == "pointcloud":
        arrays["pointcloud"] = np.asarray(observation["pointcloud"], dtype=np.float32)
    if observes.obs_mode in ("rgb", "rgbd"):
        cameras = [
            _standardized(observation["cameras"][name], standard, warped)
            for name in observes.cameras
        ]
        for part in IMAGE_PARTS:
            if part != "depth" or observes.obs_mode == "rgbd":
                arrays[part] = np.stack([camera[part] for camera in cameras])
    return arrays


def _standardized(
    camera: Mapping[str, Any], standard: CameraModel | None, warped: bool
) -> Mapping[str, Any]:
    if standard is None:
        return camera
    if not warped:
        standard = _own_model(camera).resized(standard.width, standard.height)
    rgb, k = camera["rgb"], standard.intrinsic_cv.astype(np.float32)
    if rgb.shape[:2] == (standard.height, standard.width) and np.array_equal(
        camera["intrinsic_cv"], k
    ):
        return camera
    seen = standardize(rgb, camera.get("depth"), camera["intrinsic_cv"], standard)
    return {**camera, "rgb": seen.rgb, "depth": seen.depth, "intrinsic_cv": k}


def _own_model(camera: Mapping[str, Any]) -> CameraModel:
    height, width = camera["rgb"].shape[:2]
    k = np.asarray(camera["intrinsic_cv"], dtype=np.float64)
    return CameraModel(width, height, k[0, 0], k[1, 1], k[0, 2], k[1, 2])
