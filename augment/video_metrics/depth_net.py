"""A small network that estimates metric depth from one picture.

**Reconstruction**: EMMA measures depth errors with an estimator that is not known to us; large ones
estimate relative depth and need downloaded weights. Ours is small because it knows one kind of
room, and learns from simulator pictures (`depth_training`). It says what a generated picture looks
like to somebody who knows such pictures, so that errors of true pictures are the scale to read
those of generated ones by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from augment.clip import Clip


class DepthNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A U-Net from RGB to metric depth; 0.47 million parameters by default.

    It sees where in the picture a pixel is: cameras that stand still see the table always at the
    same distance.

    Attributes:
        bounds: Least and greatest depth in m that it can say.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        channels: tuple[int, ...] = (24, 48, 96),
        nearest: float = 0.02,
        farthest: float = 8.0,
    ) -> None:
        """Builds the network.

        Args:
            channels: Of the stages, at a half, a quarter, ... of the picture's size.
            nearest: Least depth in m that it can say.
            farthest: Greatest depth in m that it can say.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.bounds = (nearest, farthest)
        self.stem = nn.Conv2d(_INPUTS, channels[0], 3, stride=2, padding=1)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for i, width in enumerate(channels):
            before = channels[max(i - 1, 0)]
            self.down.append(_Block(before, width, stride=1 if i == 0 else 2))
        self.context = nn.Linear(channels[-1], channels[-1])
        self.middle = _Block(channels[-1], channels[-1])
        for low, high in zip(channels[:0:-1], channels[-2::-1], strict=True):
            self.up.append(_Block(low + high, high))
        self.head = nn.Sequential(
            nn.Conv2d(channels[0] + _INPUTS, 16, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(16, 1, 3, padding=1),
        )

    def forward(self, rgb: Tensor) -> Tensor:
        """Estimates depth.

        Args:
            rgb: (N, 3, H, W) float in [0, 1].

        Returns:
            (N, H, W) in m.
        """
        pixels = torch.cat([2 * rgb - 1, _places(rgb)], dim=1)
        x = self.stem(pixels)
        skipped = []
        for block in self.down:
            x = block(x)
            skipped.append(x)
        context = self.context(x.mean(dim=(2, 3)))
        x = self.middle(x + context[:, :, None, None])
        for block, skip in zip(self.up, skipped[-2::-1], strict=True):
            x = block(torch.cat([_resized(x, skip), skip], dim=1))
        level = self.head(torch.cat([_resized(x, pixels), pixels], dim=1))[:, 0].sigmoid()
        near, far = self.bounds
        # Even in ratios, as errors are judged: a fingertip is a thirtieth as far as the wall.
        depth: Tensor = near * (far / near) ** level
        return depth


_INPUTS = 5
"""Red, green, blue, column, row."""


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.first_norm = nn.GroupNorm(4, outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.second_norm = nn.GroupNorm(4, outputs)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.silu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return functional.silu(y + self.shortcut(x))


@torch.no_grad()
def estimated_depth(net: DepthNet, clip: Clip, batch_size: int = 16) -> NDArray[np.float32]:
    """Depth (F, V, H, W) in m that a network sees in a clip.

    Args:
        net: The network.
        clip: Only its colors are looked at.
        batch_size: Pictures at once.
    """
    training = net.training
    net.eval()
    pictures = clip.rgb.reshape(-1, *clip.rgb.shape[2:])
    parts = []
    for first in range(0, len(pictures), batch_size):
        some = slice(first, first + batch_size)
        rgb = as_input(pictures[some]).to(net.device)
        parts.append(net(rgb).float().cpu().numpy())
    net.train(training)
    depth: NDArray[np.float32] = np.concatenate(parts).reshape(clip.depth.shape)
    return depth


def as_input(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (N, H, W, 3) as the network takes them."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255


def _places(rgb: Tensor) -> Tensor:
    """Column and row (N, 2, H, W) of every pixel, from -1 to 1."""
    count, _, height, width = rgb.shape
    row = torch.linspace(-1, 1, height, device=rgb.device, dtype=rgb.dtype)
    column = torch.linspace(-1, 1, width, device=rgb.device, dtype=rgb.dtype)
    places = torch.stack([column.expand(height, width), row[:, None].expand(height, width)])
    return places.expand(count, 2, height, width)


def _resized(x: Tensor, like: Any) -> Tensor:
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
