"""Metric depth as a video that the VAE can encode, and back.

A reconstruction: the paper does not say how depth is scaled. Here one fixed scale holds for all
frames and views, as RoboTransfer's metric depth does (Cosmos scales each video anew, which would
take the size of things from the condition).

A plate of a centimetre's height on a table is less than a hundredth of that scale, too little for a
small VAE. So only one channel has the depth itself; the others have its slopes, in which the rim of
the plate shows. That is ours too: the others give all three channels the same.
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
SLOPE_GAIN = 0.6
"""Slopes are `tanh(SLOPE_GAIN * slope)`. A step of 1 cm at 0.7 m gives 0.1 of [-1, 1] or more."""
SLOPE_REACH = 1 / 64
"""Half the distance over which slopes are measured, as a part of a view's width: steps then are
as wide as the VAE can keep them."""

_SCALES = ("inverse", "log")


@dataclass(frozen=True)
class DepthEncoding:
    """How depth becomes colors.

    Red is the depth, the nearest 1, the farthest `FARTHEST`. Green and blue are the slopes of its
    logarithm to the right and down, positive where it goes away, 0 where they are unknown.

    Attributes:
        near: Depth in m below which all is as near.
        far: Depth in m beyond which all is as far.
        scale: What red is linear in: `inverse` depth, or its `log`. Inverse depth spends
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
            (B, 3, F, H, V * W) float32 in [-1, 1].

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
        value = torch.where(depth > 0, FARTHEST + (1 - FARTHEST) * closeness, INVALID)
        log = clipped.log()
        slopes = (_slope(log, depth > 0, axis, depth.shape[-1]) for axis in (-1, -2))
        return side_by_side(torch.stack([value, *slopes], dim=-1).float())

    def to_depth(self, video: Tensor, views: int) -> Tensor:
        """The inverse of `to_video`, but for depths that were clipped.

        Args:
            video: (B, 3, F, H, V * W); only red is used.
            views: V.

        Returns:
            (B, F, V, H, W) float32 in m, 0 where the value is closer to `INVALID` than to
            `FARTHEST`.
        """
        value = apart(video[:, :1].double(), views)[..., 0]
        closeness = ((value - FARTHEST) / (1 - FARTHEST)).clamp(0, 1)
        if self.scale == "inverse":
            depth = 1 / (1 / self.far + closeness * (1 / self.near - 1 / self.far))
        else:
            depth = self.far * (-closeness * self._log_range).exp()
        return torch.where(value > (INVALID + FARTHEST) / 2, depth, 0.0).float()

    @property
    def _log_range(self) -> Tensor:
        return (torch.tensor(self.far / self.near, dtype=torch.float64)).log()


def _slope(log: Tensor, valid: Tensor, axis: int, width: int) -> Tensor:
    """Slope of the depth's logarithm along an axis, over a view's width, in (-1, 1).

    Args:
        log: (B, F, V, H, W).
        valid: Likewise.
        axis: -1 or -2.
        width: W.
    """
    reach, places = max(round(SLOPE_REACH * width), 1), torch.arange(log.shape[axis])
    first = (places - reach).clamp(min=0).to(log.device)
    last = (places + reach).clamp(max=len(places) - 1).to(log.device)
    rise = log.index_select(axis, last) - log.index_select(axis, first)
    run = (last - first).clamp(min=1)
    slope = rise / (run if axis == -1 else run[:, None])
    known = valid.index_select(axis, last) & valid.index_select(axis, first)
    return torch.where(known, (SLOPE_GAIN * width * slope).tanh(), 0.0)
