"""Videos as normalized latents of the VAE, and back.

The transformer sees latents of about unit variance: `latents_mean` and `latents_std` of the VAE's
configuration, as Wan has them. Who trains a VAE writes its own there
(`vae.register_to_config(latents_mean=..., latents_std=...)`).
"""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor


def encode_video(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    """Normalized latents, the same at every call: the mean of the VAE's distribution.

    Args:
        vae: 3D-VAE, causal in time: the first latent frame is that of the first frame alone.
        video: (B, 3, 4 * k + 1, H, W) in [-1, 1].

    Returns:
        (B, C, k + 1, H / 8, W / 8) float32.
    """
    latents: Tensor = vae.encode(video.to(vae.device, vae.dtype)).latent_dist.mode().float()
    mean, std = _moments(vae, latents)
    return (latents - mean) / std


def decode_video(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """The video of normalized latents.

    Args:
        vae: As for `encode_video`.
        latents: (B, C, k + 1, h, w).

    Returns:
        (B, 3, 4 * k + 1, 8 * h, 8 * w) float32 in [-1, 1].
    """
    mean, std = _moments(vae, latents)
    scaled = (latents.float() * std + mean).to(vae.device, vae.dtype)
    video: Tensor = vae.decode(scaled, return_dict=False)[0]
    return video.float()


def with_first(latents: Tensor, clean: Tensor | None) -> Tensor:
    """Latents (B, C, f, h, w) with a clean first frame (B, C, 1, h, w), if there is one."""
    return latents if clean is None else torch.cat([clean, latents[:, :, 1:]], dim=2)


def _moments(vae: AutoencoderKLWan, latents: Tensor) -> tuple[Tensor, Tensor]:
    mean, std = (
        torch.tensor(values, dtype=torch.float32, device=latents.device).view(1, -1, 1, 1, 1)
        for values in (vae.config["latents_mean"], vae.config["latents_std"])
    )
    return mean, std
