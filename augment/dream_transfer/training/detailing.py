"""What the network for detail learns: to make of a decoded picture, and depth, the true one.

A generator's latents are not as exact as those of true pictures. So that its mistakes are taken for
what they are, and not for detail, the network sees latents with noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn

from augment.dream_transfer.detail import DepthGuidedDetail, single_views
from augment.dream_transfer.video_latents import decode_video, encode_video
from learning.batch import Batch
from learning.learns import Learns


@dataclass(frozen=True)
class DetailingConfig:
    """How it is trained.

    Attributes:
        pictures: How many of a clip's are learned from when it is decoded, drawn at random:
            decoding costs as much.
        noise: Largest deviation of the latents' noise, of latents that have deviation 1; each clip
            has one between 0 and this.
        gradient_weight: Weight of the error of neighbours' differences, which keeps edges.
    """

    pictures: int = 14
    noise: float = 0.4
    gradient_weight: float = 1.0


class Detailing(Learns):
    """The network for detail and its loss."""

    def __init__(
        self, vae: AutoencoderKLWan, detail: DepthGuidedDetail, views: int, config: DetailingConfig
    ) -> None:
        """Takes a trained VAE, which stays as it is, and a network.

        Args:
            vae: Decodes what is learned from.
            detail: Learns.
            views: V of the panoramas.
            config: How.
        """
        super().__init__()
        self.vae, self.detail = vae.requires_grad_(False), detail
        self._views, self._config = views, config

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Losses (B,) by part: absolute errors.

        Args:
            batch: `video` and `depth_video`, panoramas (B, 3, F, H, V * W) in [-1, 1].
            generator: Of noise, and of which pictures.
        """
        video = batch["video"]
        with torch.no_grad():
            latents = encode_video(self.vae, video)
            noise = torch.randn(latents.shape, generator=generator).to(latents.device)
            level = self._config.noise * torch.rand(len(video), 1, 1, 1, 1, generator=generator)
            decoded = decode_video(self.vae, latents + level.to(latents.device) * noise)
        colors, edges = [], []
        for true, seen, depth in zip(video, decoded, batch["depth_video"], strict=True):
            count = true.shape[1] * self._views
            drawn = torch.randperm(count, generator=generator)[: self._config.pictures]
            wanted, blurred, geometry = (
                single_views(each, self._views)[drawn] for each in (true, seen, depth)
            )
            found = self.detail(blurred, geometry).float()
            colors.append((found - wanted).abs().mean())
            gradients = [
                (found.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean() for axis in (-1, -2)
            ]
            edges.append(torch.stack(gradients).mean())
        color, edge = torch.stack(colors), torch.stack(edges)
        return {
            "loss": color + self._config.gradient_weight * edge,
            "color": color,
            "edges": edge,
        }

    def parameter_groups(self) -> Iterable[tuple[Iterable[nn.Parameter], float]]:
        """Those of the network for detail."""
        return [(self.detail.parameters(), 1.0)]
