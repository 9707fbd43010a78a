"""Similarity of pictures and a prompt in CLIP's embedding, where its weights are there.

**Reconstruction**: EMMA's text-alignment model is not known; a sibling of it (RoboTransfer) reports
CLIP similarity. Nothing is downloaded: the weights are a folder in the format of `transformers`, as
`CLIPModel.save_pretrained` and its tokenizer write it. `attributes` needs no weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from augment.clip import Clip, ClipError
from augment.video_metrics.depth_net import as_input

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of the channels of the pictures that CLIP was trained on."""


class PromptSimilarity:
    """Cosine similarity of a clip's pictures and a prompt."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Takes what `load` finds.

        Args:
            model: A `transformers.CLIPModel`.
            tokenizer: Its tokenizer.
        """
        self._model, self._tokenizer = model.eval(), tokenizer

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> PromptSimilarity:
        """Reads the weights.

        Args:
            folder: With `config.json`, `model.safetensors` and the tokenizer's files.
            device: Where to compute.

        Raises:
            ClipError: If they are not there.
        """
        # Slow to import, and seldom used.
        from transformers import AutoTokenizer, CLIPModel

        if not (folder / "config.json").is_file():
            raise ClipError(f"there is no CLIP model in {folder}: it has no config.json")
        try:
            model: Any = CLIPModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ClipError(f"there is no CLIP model in {folder}: {reason}") from None
        return cls(model.to(device), tokenizer)

    @torch.no_grad()
    def __call__(self, clip: Clip, prompt: str, batch_size: int = 16) -> float:
        """Mean similarity (-1 .. 1) of all pictures and the prompt.

        Whole pictures are pressed into CLIP's square; its own way is to cut off their sides, where
        things may be that the prompt is about.

        Args:
            clip: The clip.
            prompt: Cut off where CLIP's context ends.
            batch_size: Pictures at once.
        """
        device, config = self._model.device, self._model.config
        text = self._tokenizer(
            prompt,
            truncation=True,
            max_length=config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(device)
        size = (config.vision_config.image_size,) * 2
        mean, deviation = (torch.tensor(v)[:, None, None] for v in (_MEAN, _DEVIATION))
        pictures = clip.rgb.reshape(-1, *clip.rgb.shape[2:])
        found = []
        for first in range(0, len(pictures), batch_size):
            rgb = as_input(pictures[first : first + batch_size])
            square = functional.interpolate(rgb, size, mode="bicubic", antialias=True)
            output = self._model(
                input_ids=text["input_ids"],
                attention_mask=text["attention_mask"],
                pixel_values=((square.clamp(0, 1) - mean) / deviation).to(device),
            )
            alike = functional.cosine_similarity(output.image_embeds, output.text_embeds)
            found.append(alike.float().cpu().numpy())
        return float(np.concatenate(found).mean())
