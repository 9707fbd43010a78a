"""Training clips as latents: encoded once, as encoding costs more than learning from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from augment.dream_transfer.depth_video import DepthEncoding
from augment.dream_transfer.panorama import views_to_panorama
from augment.dream_transfer.text_encoder import tokenized
from augment.dream_transfer.training.clips import TrainingClips, resized
from augment.dream_transfer.video_latents import encode_video


def panoramas(
    clips: TrainingClips, index: int, depth: DepthEncoding, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """A clip's pictures and its depth as videos (3, F, height, V * width) in [-1, 1]."""
    rgb, distance = resized(clips[index], height, width)
    return (
        views_to_panorama(torch.from_numpy(rgb)[None])[0],
        depth.to_video(torch.from_numpy(distance)[None])[0],
    )


class PanoramaClips(Dataset[dict[str, Tensor]]):
    """Clips as the VAE learns from them."""

    def __init__(self, clips: TrainingClips, depth: DepthEncoding, height: int, width: int) -> None:
        """Chooses the size (height and width in pixels of a view)."""
        self._clips, self._depth, self._size = clips, depth, (height, width)

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._clips)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """`video` and `depth_video` (3, F, height, V * width) in [-1, 1]."""
        video, depth = panoramas(self._clips, index, self._depth, *self._size)
        return {"video": video, "depth_video": depth}


@torch.no_grad()
def encode_clips(
    clips: TrainingClips,
    vae: AutoencoderKLWan,
    depth: DepthEncoding,
    height: int,
    width: int,
    path: Path,
    report: Callable[[int], None],
) -> None:
    """Encodes all clips into a file, which appears when it is whole.

    Args:
        clips: What is encoded.
        vae: Trained.
        depth: How depth becomes a video.
        height: In pixels.
        width: Of a view.
        path: The file: `clean` and `depth` (N, C, f, h, w) float16.
        report: Is told how many are encoded.
    """
    kept: dict[str, list[Tensor]] = {"clean": [], "depth": []}
    for index in range(len(clips)):
        # Two at once take less time than one after the other: torch convolves in another way.
        videos = torch.stack(panoramas(clips, index, depth, height, width))
        for name, latents in zip(kept, encode_video(vae, videos).half().cpu(), strict=True):
            kept[name].append(latents)
        report(index + 1)
    staging = path.with_name(f"{path.name}.part")
    save_file({name: torch.stack(latents) for name, latents in kept.items()}, staging)
    staging.replace(path)


class LatentClips(Dataset[dict[str, Tensor]]):
    """Encoded clips with the tokens of their prompts."""

    def __init__(
        self, path: Path, clips: TrainingClips, text_encoder: Any, tokenizer: Any = None
    ) -> None:
        """Reads latents, and makes tokens of prompts.

        Args:
            path: Of `encode_clips`, of these clips.
            clips: Their prompts are used.
            text_encoder: The pipeline's.
            tokenizer: Likewise; None for one that the text encoder carries.

        Raises:
            ValueError: If a prompt is too long.
        """
        with safe_open(path, framework="pt") as file:
            self._clean, self._depth = file.get_tensor("clean"), file.get_tensor("depth")
        texts = [text for prompts in clips.prompts for text in prompts]
        ids, mask = tokenized(texts, text_encoder, tokenizer)
        wordings = len(clips.prompts[0])
        self._ids = ids.unflatten(0, (-1, wordings))
        self._mask = mask.unflatten(0, (-1, wordings))

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._clean)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """A clip.

        `clean`, `depth` (C, f, h, w) float16; `input_ids` (K, L) or (K, L, G), `attention_mask`
        (K, L).
        """
        return {
            "clean": self._clean[index],
            "depth": self._depth[index],
            "input_ids": self._ids[index],
            "attention_mask": self._mask[index],
        }
