"""Pictures as a standard camera would have taken them from the same place.

Contents:
    standardize: one picture; for data sets as well.
    IntrinsicStandardization: an environment whose pictures are all so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from envs.cameras import CAMERA_MODELS, FAR, CameraModel
from envs.errors import InvalidOptionError

STANDARD_CAMERA = CAMERA_MODELS["D435"].resized(320, 256)
"""The camera that SEM standardizes to (its code: fx 358.6422, fy 382.5517, cx 160, cy 128)."""

SAME_SURFACE = 0.02
"""Depths that differ by less than this part of the least are taken for one surface."""

_ROWS = 32
"""Rows that are done at once: what is needed for them stays in the processor's cache."""


class Standardized(NamedTuple):
    """A picture of a standard camera.

    Attributes:
        rgb: (H, W, 3) uint8, black where not valid.
        depth: (H, W) float32 in m, 0 where not valid; None if there was none.
        valid: (H, W) bool, False in the padding: where the source picture did not reach.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None
    valid: NDArray[np.bool_]


def standardize(
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32] | None,
    intrinsic_cv: ArrayLike,
    model: CameraModel = STANDARD_CAMERA,
) -> Standardized:
    """Warps a picture to what a camera of another model sees from the same place.

    As SEM does it (its data transform; section 1.13 of our notes): each pixel's ray of the standard
    camera is looked up in the source picture. Pixels are squares whose centres are at half numbers,
    so that a ray is inside of the picture up to its very edge; within the outermost half pixel the
    outermost pixel counts.

    RGB is bilinear. It is not smoothed first: sources with far more pixels than `model` alias, as
    SEM's do. **Deviation:** SEM's depth is bilinear too, which puts points into the air between an
    object and what is behind it. Here it is bilinear only where the four neighbours are one surface
    (they are all known and differ by less than `SAME_SURFACE`), and the nearest pixel's elsewhere.

    Args:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32 in m, 0 where unknown, or None.
        intrinsic_cv: The source's 3x3 matrix K, without skew.
        model: The standard camera.

    Raises:
        ValueError: If the shapes do not belong together, or the matrix is not one of a camera.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb is {rgb.dtype} of shape {rgb.shape}, not uint8 of (H, W, 3)")
    if depth is not None and depth.shape != rgb.shape[:2]:
        raise ValueError(f"depth has shape {depth.shape}, rgb has {rgb.shape}")
    height, width = rgb.shape[:2]
    fx, fy, cx, cy = _parameters(intrinsic_cv)
    columns = _ray_places(model.width, model.fx, model.cx, width, fx, cx)
    rows = _ray_places(model.height, model.fy, model.cy, height, fy, cy)
    valid = rows.inside[:, None] & columns.inside
    warped = _bilinear(rgb, rows, columns)
    warped[~valid] = 0
    if depth is None:
        return Standardized(warped, None, valid)
    warped_depth = _bilinear_within_surfaces(depth, rows, columns)
    warped_depth[~valid] = 0.0
    return Standardized(warped, warped_depth, valid)


class IntrinsicStandardization(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Every camera of an observation becomes one standard camera at the same place.

    Each camera's `rgb`, `depth` and `intrinsic_cv` are those of the standard camera; new is

        valid    (H, W) bool   False in the padding, where the true camera does not reach

    The true K is read from each observation, so cameras may differ, and change between episodes.
    Goes directly around a `DualArmEnv` in `rgb` or `rgbd`, with `FrameHistory` and `ActionChunk`
    outside of it. Inside of it, `FrameHistory` gives the same, but every frame is warped again
    at every step.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], model: CameraModel = STANDARD_CAMERA) -> None:
        """Wraps an environment.

        Args:
            env: A `DualArmEnv`, possibly wrapped.
            model: The standard camera, its size included; SEM's by default.

        Raises:
            envs.errors.InvalidOptionError: If its observations have no pictures.
        """
        super().__init__(env)
        self._model = model
        self._last: dict[str, tuple[NDArray[np.uint8], dict[str, Any]]] = {}
        space = env.observation_space
        cameras = space.spaces.get("cameras") if isinstance(space, spaces.Dict) else None
        if not isinstance(cameras, spaces.Dict) or any(
            not isinstance(camera, spaces.Dict) or "rgb" not in camera.spaces
            for camera in cameras.values()
        ):
            raise InvalidOptionError("IntrinsicStandardization needs obs_mode 'rgb' or 'rgbd'")
        assert isinstance(space, spaces.Dict)
        standard: dict[str, spaces.Space[Any]] = {
            name: self._space(camera) for name, camera in cameras.items()
        }
        self.observation_space = spaces.Dict({**space.spaces, "cameras": spaces.Dict(standard)})

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode."""
        observation, info = self.env.reset(**kwargs)
        return self._standard(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Takes a step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._standard(observation), reward, terminated, truncated, info

    def observe(self) -> Any:
        """Takes pictures now and returns the present observation."""
        return self._standard(self.env.get_wrapper_attr("observe")())

    def _space(self, camera: Any) -> spaces.Dict:
        *frames, _, _, _ = camera["rgb"].shape
        size = (*frames, self._model.height, self._model.width)
        parts = dict(camera.spaces)
        parts["rgb"] = spaces.Box(0, 255, (*size, 3), np.uint8)
        if "depth" in parts:
            parts["depth"] = spaces.Box(0.0, FAR, size, np.float32)
        parts["valid"] = spaces.Box(0, 1, size, np.bool_)
        return spaces.Dict(parts)

    def _standard(self, observation: Any) -> Any:
        cameras = {
            name: self._camera(name, camera) for name, camera in observation["cameras"].items()
        }
        return {**observation, "cameras": cameras}

    def _camera(self, name: str, camera: dict[str, Any]) -> dict[str, Any]:
        # Inside of a chunk of actions nothing is rendered: observations repeat the same arrays.
        if name in self._last and self._last[name][0] is camera["rgb"]:
            standard = self._last[name][1]
        else:
            standard = self._warped(camera)
            self._last[name] = camera["rgb"], standard
        return {**camera, **standard}

    def _warped(self, camera: dict[str, Any]) -> dict[str, Any]:
        rgb, depth, intrinsic = camera["rgb"], camera.get("depth"), camera["intrinsic_cv"]
        if rgb.ndim == 4:
            frames = [{key: camera[key][i] for key in camera} for i in range(len(rgb))]
            warped = [self._warped(frame) for frame in frames]
            return {key: np.stack([each[key] for each in warped]) for key in warped[0]}
        found = standardize(rgb, depth, intrinsic, self._model)
        parts: dict[str, Any] = {
            "intrinsic_cv": self._model.intrinsic_cv.astype(np.float32),
            "rgb": found.rgb,
            "valid": found.valid,
        }
        if found.depth is not None:
            parts["depth"] = found.depth
        return parts


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the rays of one axis are in the source, between two of its pixels.

    Attributes:
        low: The pixel before, or the outermost one.
        high: The pixel after, or the outermost one.
        part: Way from the one's centre to the other's, 0 .. 1.
        inside: Whether the source picture reaches there at all.
    """

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    part: NDArray[np.float32]
    inside: NDArray[np.bool_]


@lru_cache(maxsize=256)
def _ray_places(
    size: int,
    focal: float,
    centre: float,
    source_size: int,
    source_focal: float,
    source_centre: float,
) -> _Places:
    """Looks up an axis of a standard camera in that of a source; without skew they do not mix."""
    rays = (np.arange(size) + 0.5 - centre) / focal
    place = rays * source_focal + source_centre
    # Matrices arrive as float32: a place on the edge itself must not fall out by rounding.
    margin = 1e-4
    inside = (place > -margin) & (place < source_size + margin)
    index = np.clip(place - 0.5, 0.0, source_size - 1.0)
    low = np.floor(index).astype(np.intp)
    part = (index - low).astype(np.float32)
    return _Places(low, np.minimum(low + 1, source_size - 1), part, inside)


def _parameters(intrinsic_cv: ArrayLike) -> tuple[float, float, float, float]:
    k = np.asarray(intrinsic_cv, dtype=np.float64)
    if k.shape != (3, 3):
        raise ValueError(f"intrinsic_cv has shape {k.shape}, not (3, 3)")
    fx, fy, cx, cy = (float(k[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    plain = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    if not (np.isfinite(k).all() and fx > 0 and fy > 0 and np.array_equal(k, plain)):
        raise ValueError(f"intrinsic_cv is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]: {k.tolist()}")
    return fx, fy, cx, cy


def _bilinear(rgb: NDArray[np.uint8], rows: _Places, columns: _Places) -> NDArray[np.uint8]:
    height, width = len(rows.low), len(columns.low)
    source = np.ascontiguousarray(rgb).reshape(len(rgb), -1)
    # The three channels of a pixel lie side by side.
    left = (3 * columns.low[:, None] + np.arange(3)).ravel()
    right = (3 * columns.high[:, None] + np.arange(3)).ravel()
    across = np.repeat(columns.part, 3)
    result = np.empty((height, 3 * width), dtype=np.uint8)
    for first in range(0, height, _ROWS):
        some = slice(first, first + _ROWS)
        upper, lower = source[rows.low[some]], source[rows.high[some]]
        lines = upper + rows.part[some, None] * (lower - upper.astype(np.float32))
        mixed = lines.take(left, axis=1)
        mixed += across * (lines.take(right, axis=1) - mixed)
        mixed += np.float32(0.5)  # so that cutting off the fraction rounds
        result[some] = mixed
    return result.reshape(height, width, 3)


def _bilinear_within_surfaces(
    depth: NDArray[np.float32], rows: _Places, columns: _Places
) -> NDArray[np.float32]:
    height, width = len(rows.low), len(columns.low)
    nearest_row = np.where(rows.part < 0.5, rows.low, rows.high)
    nearest_column = np.where(columns.part < 0.5, columns.low, columns.high)
    result = np.empty((height, width), dtype=np.float32)
    for first in range(0, height, _ROWS):
        some = slice(first, first + _ROWS)
        upper, lower = depth[rows.low[some]], depth[rows.high[some]]
        a, b = upper.take(columns.low, axis=1), upper.take(columns.high, axis=1)
        c, d = lower.take(columns.low, axis=1), lower.take(columns.high, axis=1)
        least = np.minimum(np.minimum(a, b), np.minimum(c, d))
        greatest = np.maximum(np.maximum(a, b), np.maximum(c, d))
        one_surface = (least > 0.0) & (greatest - least < np.float32(SAME_SURFACE) * least)
        a += columns.part * (b - a)
        c += columns.part * (d - c)
        a += rows.part[some, None] * (c - a)
        nearest = depth[nearest_row[some]].take(nearest_column, axis=1)
        result[some] = np.where(one_surface, a, nearest)
    return result
