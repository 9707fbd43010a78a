"""A short multi-view video with what is known about its geometry."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.demonstrations.episode_file import Episode


class ClipError(ValueError):
    """A clip, or what is asked of one, does not fit together; one line says what."""


@dataclass(frozen=True, eq=False)
class Clip:
    """F frames of V views, all of one size.

    Of a generated clip only the colors are new: it has its source's geometry.

    Attributes:
        rgb: (F, V, H, W, 3) uint8.
        depth: (F, V, H, W) float32, metres along the optical axis, 0 invalid.
        intrinsic_cv: (F, V, 3, 3) float32, pixels; pixel centres are at half numbers.
        extrinsic_cv: (F, V, 4, 4) float32, world to camera, OpenCV axes.
        segmentation: (F, V, H, W) int16, which thing, 0 none; None where nobody kept it.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    intrinsic_cv: NDArray[np.float32]
    extrinsic_cv: NDArray[np.float32]
    segmentation: NDArray[np.int16] | None = None

    def __post_init__(self) -> None:
        """Checks shapes, types and numbers.

        Raises:
            ClipError: In one line.
        """
        if self.rgb.ndim != 5 or self.rgb.shape[-1] != 3:
            raise ClipError(f"rgb has shape {self.rgb.shape}, not (F, V, H, W, 3)")
        frames, views, height, width, _ = self.rgb.shape
        if min(frames, views) < 1 or min(height, width) < 2:
            raise ClipError(f"rgb has shape {self.rgb.shape}: no frame, no view or no picture")
        wanted: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "rgb": (self.rgb.shape, np.uint8),
            "depth": ((frames, views, height, width), np.float32),
            "intrinsic_cv": ((frames, views, 3, 3), np.float32),
            "extrinsic_cv": ((frames, views, 4, 4), np.float32),
            "segmentation": ((frames, views, height, width), np.int16),
        }
        for name, (shape, kind) in wanted.items():
            array = getattr(self, name)
            if array is None and name == "segmentation":
                continue
            if array.shape != shape or array.dtype != kind:
                raise ClipError(
                    f"{name} is {array.dtype} of shape {array.shape}, not {np.dtype(kind)} of"
                    f" {shape}"
                )
            if not np.isfinite(array).all():
                raise ClipError(f"{name} has numbers that are not finite")

    @classmethod
    def from_episode(
        cls, episode: Episode, cameras: Sequence[str], first: int, frames: int, stride: int = 1
    ) -> Clip:
        """Some observations of a demonstration.

        Args:
            episode: With depth; segmentation is read where there is any.
            cameras: The views, in this order.
            first: First observation.
            frames: How many.
            stride: Observations from one frame to the next.

        Raises:
            ClipError: If the episode ends before that, or nothing is asked for.
            envs.demonstrations.episode_file.DemonstrationError: For a camera or picture that was
                not recorded.
        """
        if frames < 1 or stride < 1 or first < 0 or not cameras:
            raise ClipError(
                f"frames {frames}, stride {stride}, first {first}, cameras {list(cameras)}:"
                " at least one of each, and first from 0 on"
            )
        last = first + (frames - 1) * stride
        if last >= len(episode):
            raise ClipError(f"{episode.path} has frames 0 .. {len(episode) - 1}, not {last}")
        pictures = ["rgb", "depth"]
        if "segmentation" in episode.pictures:
            pictures.append("segmentation")
        seen = [
            episode.observation(frame, cameras, pictures)["cameras"]
            for frame in range(first, last + 1, stride)
        ]
        parts: dict[str, NDArray[Any]] = {
            part: np.stack([[each[camera][part] for camera in cameras] for each in seen])
            for part in (*pictures, "intrinsic_cv", "extrinsic_cv")
        }
        return cls(**parts)

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return len(self.rgb)

    @property
    def views(self) -> int:
        """How many views each frame has."""
        return int(self.rgb.shape[1])

    def with_rgb(self, rgb: NDArray[np.uint8]) -> Clip:
        """A clip of the same geometry in other colors, such as a generated one.

        Raises:
            ClipError: If it has another shape or type.
        """
        if rgb.shape != self.rgb.shape:
            raise ClipError(f"rgb has shape {rgb.shape}, the clip's own has {self.rgb.shape}")
        return dataclasses.replace(self, rgb=rgb)

    def mask(self, ids: Sequence[int]) -> NDArray[np.bool_]:
        """The pixels (F, V, H, W) of some things.

        Args:
            ids: As `segmentation` has them.

        Raises:
            ClipError: If the clip has no segmentation.
        """
        if self.segmentation is None:
            raise ClipError("the clip has no segmentation")
        chosen: NDArray[np.bool_] = np.isin(self.segmentation, list(ids))
        return chosen
