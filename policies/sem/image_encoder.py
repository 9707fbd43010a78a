"""Pictures to image tokens: Swin and a neck (SEM, section 3.2; Grounding DINO's image encoder)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GroundingDinoModel, SwinBackbone, SwinConfig

from policies.sem.config import SemConfig
from policies.sem.neck import Neck
from policies.sem.window_block import WindowBlock

# ImageNet's, in RGB order, for values 0 .. 255.
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)

_STAGES = {8: "stage2", 16: "stage3", 32: "stage4"}
"""Of Swin, by stride in pixels."""


class BackboneWeightsError(ValueError):
    """Weights for the image backbone that are missing or do not fit; says so in one line."""


class ImageEncoder(nn.Module):
    """Swin, whose maps of some strides go through a neck.

    Swin is transformers', which drops attention branches only for stochastic depth; the released
    code (mmdetection's Swin) drops the feed-forward branches too.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: SemConfig) -> None:
        """Builds it with fresh weights."""
        super().__init__()
        self._strides = [
            stride
            for stride in _STAGES
            if stride in config.read_strides or stride == 32 < max(config.read_strides)
        ]
        self.backbone = SwinBackbone(
            SwinConfig(  # type: ignore[call-arg]
                image_size=config.resolution[::-1],
                embed_dim=config.swin_dim,
                depths=list(config.swin_depths),
                num_heads=list(config.swin_heads),
                window_size=config.swin_window,
                drop_path_rate=config.drop_path,
                out_features=[_STAGES[stride] for stride in self._strides],
            )
        )
        # That of a classifier, which nothing reads.
        self.backbone.swin.register_module("layernorm", nn.Identity())
        stages: Any = self.backbone.swin.encoder.layers
        for stage in stages:
            stage.blocks = nn.ModuleList(WindowBlock(block) for block in stage.blocks)
        if config.gradient_checkpointing:
            self.backbone.gradient_checkpointing_enable()
            for stage in stages:  # or its blocks, flagged too, are computed up to three times
                stage.gradient_checkpointing = False
        channels = dict(zip(self._strides, self.backbone.channels, strict=True))
        self.neck = Neck(channels, config.dim, config.read_strides, groups=32)
        self.register_buffer("mean", torch.tensor(_MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(_STD), persistent=False)

    def forward(self, rgb: Tensor, strides: Sequence[int]) -> dict[int, Tensor]:
        """Encodes pictures.

        Args:
            rgb: (N, H, W, 3) uint8.
            strides: Which levels are wanted.

        Returns:
            For each, tokens (N, h * w, dim) row by row.
        """
        pixels = ((rgb.float() - self.mean) / self.std).movedim(-1, -3)
        maps = dict(zip(self._strides, self.backbone(pixels).feature_maps, strict=True))
        features: dict[int, Tensor] = self.neck(maps, strides)
        return features

    def load(self, folder: Path) -> None:
        """Begins from pretrained weights.

        Args:
            folder: A transformers checkpoint of Grounding DINO or Swin, with `config.json`.

        Raises:
            BackboneWeightsError: If there is none, or it is of another size or kind.
        """
        try:
            kind = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
        except (OSError, ValueError) as error:
            raise BackboneWeightsError(f"backbone_weights={folder}: {error}") from None
        if kind == "swin":
            source = SwinBackbone.from_pretrained(folder, out_features=[*_STAGES.values()])
            neck: nn.ModuleList | None = None
        elif kind == "grounding-dino":
            whole = GroundingDinoModel.from_pretrained(folder)
            source, neck = whole.backbone.conv_encoder.model, whole.input_proj_vision
        else:
            raise BackboneWeightsError(
                f"backbone_weights={folder} is a model '{kind}'; valid are grounding-dino, swin"
            )
        pretrained = source.state_dict()
        try:
            self.backbone.load_state_dict(
                {n: pretrained[n] for n in self.backbone.state_dict() if n in pretrained}
            )
            if neck is not None:
                for name, level in self.neck.levels.items():
                    level.load_state_dict(neck[[8, 16, 32, 64].index(int(name))].state_dict())
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise BackboneWeightsError(
                f"backbone_weights={folder} does not fit: {reason}"
            ) from None
