"""Sizes of DreamTransfer, and fresh components of one.

`small` is made for CPUs. `full` is as large as Wan 2.1's 1.3B model, which the paper need not have
been: it names no size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import yaml  # type: ignore[import-untyped]
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from transformers import UMT5Config, UMT5EncoderModel

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.detail import DepthGuidedDetail
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel

SIZES = ("small", "full")

_TEXT_ENCODERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "CompactTextEncoder": lambda config: CompactTextEncoder(**config),
    "UMT5EncoderModel": lambda config: UMT5EncoderModel(UMT5Config(**config)),
}


def preset(size: str) -> dict[str, Any]:
    """A size's configuration: `clip` and `depth`, and arguments by the name of a component.

    Args:
        size: One of `SIZES`.

    Raises:
        ValueError: For an unknown size.
    """
    if size not in SIZES:
        raise ValueError(f"size={size}; valid are {', '.join(SIZES)}")
    file = resources.files("augment").joinpath("dream_transfer", f"{size}.yaml")
    values: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return values


def build_components(values: Mapping[str, Any]) -> dict[str, Any]:
    """All components with fresh weights, by their names in the pipeline.

    UMT5 comes without its tokenizer, which is a file of its own: `tokenizer` is None. Under
    `torch.device("meta")` no memory is taken.

    Args:
        values: As `preset` has them.
    """
    transformer = DreamTransferTransformer3DModel(**values["transformer"])
    ((text_encoder, text_config),) = values["text_encoder"].items()
    return {
        "vae": AutoencoderKLWan(**values["vae"]),
        "transformer": transformer,
        "controlnet": DreamTransferControlNetModel.from_transformer(
            transformer, **values["controlnet"]
        ),
        "text_encoder": _TEXT_ENCODERS[text_encoder](text_config),
        "tokenizer": None,
        "detail": DepthGuidedDetail(**values["detail"]) if "detail" in values else None,
        "scheduler": FlowMatchEulerDiscreteScheduler(**values["scheduler"]),
    }


def build_pipeline(
    values: Mapping[str, Any], cameras: Sequence[str] | None = None
) -> DreamTransferPipeline:
    """A pipeline with fresh weights.

    Args:
        values: As `preset` has them.
        cameras: Names of the views in the panorama's order; see `DreamTransferPipeline`.
    """
    depth = {f"depth_{name}": value for name, value in values["depth"].items()}
    return DreamTransferPipeline(
        **build_components(values), cameras=cameras, frames=values["clip"]["frames"], **depth
    )
