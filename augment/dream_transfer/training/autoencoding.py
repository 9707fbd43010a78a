"""What the small VAE learns: videos of the simulator and of its depth.

Wan's VAE is trained with perceptual and adversarial losses besides; the simulator's pictures are so
plain that the distance of colors and of their differences between neighbours is enough.

Rooms are more or less bright, but seldom colorful: brightness is most of what pictures differ in,
and is learned first. Where some of the pictures have their channels exchanged and inverted, color
counts as much. (Without that, with absolute errors of clamped pictures, nothing of color was
learned in 1150 steps; which of these it was is not separated.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, unpatchify
from torch import Tensor

from learning.batch import Batch
from learning.learns import Learns


@dataclass(frozen=True)
class AutoencodingConfig:
    """How the VAE is trained.

    Attributes:
        crop: Height and width in pixels of what it sees of a panorama. It is made of convolutions:
            what it learns on crops holds for the whole.
        depth_part: Part of the items that are depth videos.
        recolored_part: Part of the others whose channels are exchanged and inverted at random.
        gradient_weight: Weight of the error of neighbours' differences, which keeps edges.
        kl_weight: Weight of the divergence from a normal distribution, per latent number.
    """

    crop: int = 64
    depth_part: float = 0.25
    recolored_part: float = 0.5
    gradient_weight: float = 1.0
    kl_weight: float = 1e-5


class Autoencoding(Learns):
    """The VAE and its loss."""

    def __init__(self, vae: AutoencoderKLWan, config: AutoencodingConfig) -> None:
        """Takes a VAE with fresh weights."""
        super().__init__()
        self.vae = vae
        self.config = config

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Losses (B,) by part.

        Args:
            batch: `video` and `depth_video`, panoramas (B, 3, F, H, V * W) in [-1, 1].
            generator: Of crops, of which items are depth, and of latents.
        """
        count = len(batch["video"])
        is_depth = torch.rand(count, generator=generator) < self.config.depth_part
        recolors = torch.rand(count, generator=generator) < self.config.recolored_part
        videos = []
        for item in range(count):
            source = batch["depth_video" if is_depth[item] else "video"][item]
            video = _cropped(source, self.config.crop, generator)
            if recolors[item] and not is_depth[item]:
                video = _recolored(video, generator)
            videos.append(video)
        video = torch.stack(videos)
        latents = self.vae.encode(video).latent_dist
        noise = torch.randn(latents.mean.shape, generator=generator).to(latents.mean)
        found = _decoded(self.vae, latents.mean + latents.std * noise).float()
        color = (found - video).square().mean(dim=(1, 2, 3, 4))
        edges = torch.stack(
            [
                (found.diff(dim=axis) - video.diff(dim=axis)).abs().mean(dim=(1, 2, 3, 4))
                for axis in (2, 3, 4)
            ]
        ).mean(dim=0)
        mean, log_variance = latents.mean.float(), latents.logvar.float()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean(dim=(1, 2, 3, 4))
        total = color + self.config.gradient_weight * edges + self.config.kl_weight * kl
        return {"loss": total, "color": color, "edges": edges, "kl": kl}


def _decoded(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """What `vae.decode` gives before it is clamped: what is too bright must be able to learn."""
    vae.clear_cache()
    features, frames = vae.post_quant_conv(latents), []
    for frame in range(latents.shape[2]):
        vae._conv_idx = [0]
        frames.append(
            vae.decoder(
                features[:, :, frame : frame + 1],
                feat_cache=vae._feat_map,
                feat_idx=vae._conv_idx,
                first_chunk=frame == 0,
            )
        )
    vae.clear_cache()
    video = torch.cat(frames, dim=2)
    patch = vae.config["patch_size"]
    return video if patch is None else unpatchify(video, patch_size=patch)


@torch.no_grad()
def set_latent_moments(vae: AutoencoderKLWan, videos: Iterable[Tensor]) -> None:
    """Writes mean and deviation of each latent channel to the VAE's configuration.

    Args:
        vae: Trained.
        videos: Panoramas (B, 3, F, H, V * W) in [-1, 1], of pictures and of depth.
    """
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for video in videos:
        latents = vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode().double()
        count += latents.shape[0] * latents[0, 0].numel()
        total = total + latents.sum(dim=(0, 2, 3, 4)).cpu()
        squares = squares + latents.square().sum(dim=(0, 2, 3, 4)).cpu()
    mean = total / count
    deviation = (squares / count - mean.square()).clamp(min=1e-8).sqrt()
    vae.register_to_config(latents_mean=mean.tolist(), latents_std=deviation.tolist())


def _recolored(video: Tensor, generator: torch.Generator) -> Tensor:
    """A video (3, F, H, W) with its channels in another order, each inverted or not."""
    signs = 2 * torch.randint(2, (3, 1, 1, 1), generator=generator) - 1
    recolored: Tensor = signs.to(video) * video[torch.randperm(3, generator=generator)]
    return recolored


def _cropped(video: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random part (3, F, size, size) of a panorama (3, F, H, V * W)."""
    top, left = (
        int(torch.randint(length - size + 1, (), generator=generator))
        for length in video.shape[-2:]
    )
    return video[..., top : top + size, left : left + size]
