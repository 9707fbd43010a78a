"""What the VAE's decoder cannot know, told by depth: where exactly things end.

A small VAE writes 8 x 8 pixels as one place of its latents, and its pictures are blurred. Their
depth is known to the pixel, so a network that sees both draws edges sharply; colors are all that
it has to take from the decoded picture. Ours: a large VAE at a large resolution does without.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

_CHANNELS = 3


class DepthGuidedDetail(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A U-Net that corrects decoded pictures; at initialization it leaves them as they are."""

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self, channels: Sequence[int] = (32, 48, 64), layers: int = 1, patch: int = 2
    ) -> None:
        """Makes fresh weights.

        Args:
            channels: Of the levels, each of half the height and width of the one before.
            layers: Residual blocks of a level.
            patch: Blocks of `patch` x `patch` pixels are channels at both ends.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.unet = UNet2DModel(
            in_channels=2 * _CHANNELS * patch**2,
            out_channels=_CHANNELS * patch**2,
            block_out_channels=tuple(channels),
            down_block_types=("DownBlock2D",) * len(channels),
            up_block_types=("UpBlock2D",) * len(channels),
            layers_per_block=layers,
            norm_num_groups=8,
            add_attention=False,
        )
        nn.init.zeros_(self.unet.conv_out.weight)
        nn.init.zeros_(self.unet.conv_out.bias)

    def forward(self, pictures: Tensor, depth: Tensor) -> Tensor:
        """Pictures with detail.

        Args:
            pictures: (N, 3, H, W) in [-1, 1] as the VAE decodes them, each of one view.
            depth: As `DepthEncoding` encodes it, likewise.

        Returns:
            (N, 3, H, W), not clamped.
        """
        patch = self.config["patch"]
        seen = pixel_unshuffle(torch.cat([pictures, depth], dim=1).to(self.dtype), patch)
        correction = self.unet(seen, 0, return_dict=False)[0]
        return pictures + pixel_shuffle(correction, patch).to(pictures.dtype)

    def of_panoramas(self, video: Tensor, depth_video: Tensor, views: int) -> Tensor:
        """Videos of several views with detail, clamped.

        Args:
            video: (B, 3, F, H, V * W) in [-1, 1].
            depth_video: Likewise.
            views: V. Each is seen alone, as in training.
        """
        pictures = [  # one video at a time is in memory
            self(single_views(each, views), single_views(depth, views))
            for each, depth in zip(video, depth_video, strict=True)
        ]
        apart = torch.stack(pictures).unflatten(1, (-1, views))
        panoramas: Tensor = apart.permute(0, 3, 1, 4, 2, 5).flatten(4).clamp(-1, 1)
        return panoramas


def single_views(panorama: Tensor, views: int) -> Tensor:
    """The pictures (F * V, C, H, W) of a panorama (C, F, H, V * W), frame by frame."""
    pictures: Tensor = panorama.unflatten(3, (views, -1)).permute(1, 3, 0, 2, 4).flatten(0, 1)
    return pictures
