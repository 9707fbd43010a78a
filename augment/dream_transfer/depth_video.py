"""Metric depth as a video that the VAE can encode, and back.

A reconstruction: the paper does not say how depth is scaled. Here one fixed scale holds for all
frames and views, as RoboTransfer's metric depth does (Cosmos scales each video anew, which would
take the size of things from the condition).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from augment.dream_transfer.panorama import apart, side_by_side

INVALID = -1.0
"""The value of pixels without depth."""
FARTHEST = -0.75
"""The value of the greatest depth. Valid values keep a distance from `INVALID`: the VAE errs."""

_SCALES = ("inverse", "log")


@dataclass(frozen=True)
class DepthEncoding:
    """How depth becomes brightness: the nearest is 1, the farthest `FARTHEST`.

    Attributes:
        near: Depth in m below which all is as near.
        far: Depth in m beyond which all is as far.
        scale: What brightness is linear in: `inverse` depth, or its `log`. Inverse depth spends
            most of the range on the closest decimetre: between 0.05 m and 2 m, a table seen from
            above at 0.6 m to 0.9 m gets 2 % of it, against 10 % of the logarithm's.
    """

    near: float = 0.05
    far: float = 2.0
    scale: str = "inverse"

    def __post_init__(self) -> None:
        """Checks the fields.

        Raises:
            ValueError: If they are wrong.
        """
        if not 0 < self.near < self.far:
            raise ValueError(f"near={self.near}, far={self.far}; needed is 0 < near < far")
        if self.scale not in _SCALES:
            raise ValueError(f"scale={self.scale}; valid are {', '.join(_SCALES)}")

    def to_video(self, depth: Tensor) -> Tensor:
        """Depth as a panorama.

        Args:
            depth: (B, F, V, H, W) in m, 0 invalid.

        Returns:
            (B, 3, F, H, V * W) float32 in [-1, 1]; all three channels are the same.

        Raises:
            ValueError: If a depth is negative, not finite or no floating number.
        """
        if not depth.is_floating_point():
            raise ValueError(f"depth is {depth.dtype}; needed are floating numbers in m")
        if not (torch.isfinite(depth).all() and (depth >= 0).all()):
            raise ValueError("depth must be finite and not negative; 0 is invalid")
        clipped = depth.double().clamp(self.near, self.far)
        if self.scale == "inverse":
            closeness = (1 / clipped - 1 / self.far) / (1 / self.near - 1 / self.far)
        else:
            closeness = (self.far / clipped).log() / self._log_range
        value = torch.where(depth > 0, FARTHEST + (1 - FARTHEST) * closeness, INVALID).float()
        return side_by_side(value[..., None]).expand(-1, 3, -1, -1, -1)

    def to_depth(self, video: Tensor, views: int) -> Tensor:
        """The inverse of `to_video`, but for depths that were clipped.

        Args:
            video: (B, 3, F, H, V * W); channels that differ are averaged.
            views: V.

        Returns:
            (B, F, V, H, W) float32 in m, 0 where the value is closer to `INVALID` than to
            `FARTHEST`.
        """
        value = apart(video.double().mean(dim=1, keepdim=True), views)[..., 0]
        closeness = ((value - FARTHEST) / (1 - FARTHEST)).clamp(0, 1)
        if self.scale == "inverse":
            depth = 1 / (1 / self.far + closeness * (1 / self.near - 1 / self.far))
        else:
            depth = self.far * (-closeness * self._log_range).exp()
        return torch.where(value > (INVALID + FARTHEST) / 2, depth, 0.0).float()

    @property
    def _log_range(self) -> Tensor:
        return (torch.tensor(self.far / self.near, dtype=torch.float64)).log()
