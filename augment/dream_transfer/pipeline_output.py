"""What the pipeline makes, in the forms that it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffusers.utils.outputs import BaseOutput
from numpy.typing import NDArray
from torch import Tensor

from augment.dream_transfer.panorama import panorama_to_views

OUTPUT_TYPES = ("np", "pt", "latent", "views")


@dataclass
class DreamTransferPipelineOutput(BaseOutput):
    """What the pipeline makes.

    Attributes:
        frames: See `output_type` of `DreamTransferPipeline.__call__`.
    """

    frames: NDArray[Any] | Tensor


def as_output(video: Tensor, views: int, output_type: str) -> NDArray[Any] | Tensor:
    """A decoded panorama as `np`, `pt` or `views`.

    Args:
        video: (B, 3, F, H, V * W) in [-1, 1].
        views: V.
        output_type: See `DreamTransferPipeline.__call__`.
    """
    if output_type == "views":
        pictures: NDArray[Any] = panorama_to_views(video, views).cpu().numpy()
        return pictures
    unit = (video / 2 + 0.5).clamp(0, 1)
    if output_type == "pt":
        return unit.transpose(1, 2)
    panorama: NDArray[Any] = unit.permute(0, 2, 3, 4, 1).cpu().numpy()
    return panorama
