"""What the depth estimator learns from: simulator pictures, whose depth is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from augment.clip import Clip, ClipError
from augment.video_metrics.depth_net import DepthNet, as_input
from envs.demonstrations.episode_file import Episode
from learning.batch import Batch
from learning.learns import Learns

RECOLORING = 0.3
"""Greatest change of a channel of a training picture, as a part, besides exchanging channels.

The estimator shall judge pictures in colors that the simulator does not have.
"""
SHARPNESS = 0.25
"""Least resolution of a training picture, as a part of its own.

The estimator shall judge geometry, not how sharp a generator paints: one that has only seen sharp
pictures takes what a VAE makes of them for another place.
"""
BLOTCHES = 0.04
"""Greatest standard deviation of noise in such pixels."""


class DepthEstimation(Learns):
    """The network and its loss: the mean absolute error of log depth over valid pixels.

    That is about the mean relative error, by which estimates are judged.
    """

    def __init__(
        self, net: DepthNet, recoloring: float = RECOLORING, sharpness: float = SHARPNESS
    ) -> None:
        """Takes a network.

        Args:
            net: Learns.
            recoloring: How much colors are changed; 0 for none.
            sharpness: Least resolution, as a part of the pictures'; 1 leaves them as they are.
        """
        super().__init__()
        self.net, self._recoloring, self._sharpness = net, recoloring, sharpness

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss (B,) of each item.

        Args:
            batch: `rgb` (B, V, 3, H, W) in [0, 1] and `depth` (B, V, H, W) in m, 0 invalid.
            generator: Of colors and sharpness.

        Raises:
            ClipError: If an item has no valid depth.
        """
        depth, views = batch["depth"], batch["depth"].shape[1]
        rgb = _recolored(batch["rgb"].flatten(0, 1), self._recoloring, generator)
        rgb = _blurred(rgb, self._sharpness, generator)
        estimate = self.net(rgb).float().unflatten(0, (-1, views))
        valid = depth > 0
        pixels = valid.flatten(1).sum(dim=1)
        if not pixels.all():
            raise ClipError("a picture to learn depth from has no valid depth")
        error = (estimate.log() - depth.clamp(min=1e-6).log()).abs() * valid
        return {"loss": error.flatten(1).sum(dim=1) / pixels}


class DepthPictures(Dataset[Mapping[str, Tensor]]):
    """Frames of episodes, with all their views, read when they are asked for."""

    def __init__(self, episodes: Sequence[Episode], cameras: Sequence[str]) -> None:
        """Reads no picture.

        Args:
            episodes: With depth.
            cameras: Of them.
        """
        self._frames = [(each, frame) for each in episodes for frame in range(len(each))]
        self._cameras = tuple(cameras)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """`rgb` (V, 3, H, W) in [0, 1] and `depth` (V, H, W) in m."""
        episode, frame = self._frames[index]
        return as_item(Clip.from_episode(episode, self._cameras, frame, 1))


def as_item(clip: Clip) -> dict[str, Tensor]:
    """A clip of one frame as `DepthEstimation` learns from it."""
    return {"rgb": as_input(clip.rgb[0]), "depth": torch.from_numpy(np.array(clip.depth[0]))}


def _recolored(rgb: Tensor, size: float, generator: torch.Generator) -> Tensor:
    """Pictures (N, 3, H, W) with their channels exchanged and each made stronger or weaker."""
    if size == 0:
        return rgb
    count = len(rgb)
    order = torch.rand(count, 3, generator=generator).argsort(dim=1).to(rgb.device)
    gain = 1 + size * (2 * torch.rand(count, 3, 1, 1, generator=generator).to(rgb) - 1)
    mixed = torch.gather(rgb, 1, order[:, :, None, None].expand_as(rgb))
    return (gain * mixed).clamp(0, 1)


def _blurred(rgb: Tensor, least: float, generator: torch.Generator) -> Tensor:
    """Pictures (N, 3, H, W) as of a coarser camera, with noise; the resolution is the batch's."""
    if least == 1:
        return rgb
    part, blotches = torch.rand(2, generator=generator).tolist()
    size = [max(1, round((least + (1 - least) * part) * side)) for side in rgb.shape[2:]]
    coarse = interpolate(rgb, size=size, mode="bilinear", antialias=True)
    noise = torch.randn(coarse.shape, generator=generator).to(rgb)
    coarse = coarse + BLOTCHES * blotches * noise
    return interpolate(coarse, size=rgb.shape[2:], mode="bilinear").clamp(0, 1)
