"""Pipelines in folders: reading them, telling them apart, beginning from a pretrained Wan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.utils import logging
from transformers import AutoTokenizer, UMT5EncoderModel

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel
from learning.devices import floating_point

INDEX = "model_index.json"


class PipelineFolderError(ValueError):
    """A folder does not hold what is asked for; one line says what."""


def load_pipeline(folder: Path, dtype: torch.dtype = torch.float32) -> DreamTransferPipeline:
    """A pipeline of DreamTransfer.

    Args:
        folder: Of `DreamTransferPipeline.save_pretrained`.
        dtype: Of its weights, whatever the folder has them in.

    Raises:
        PipelineFolderError: If the folder does not hold one.
    """
    _check(folder, DreamTransferPipeline.__name__)
    with _no_progress_bar():  # of a second's work, in the middle of a command's own
        pipeline: DreamTransferPipeline = DreamTransferPipeline.from_pretrained(folder, dtype=dtype)
    return pipeline


def load_generator(folder: Path, precision: str = "fp32") -> DreamTransferPipeline:
    """A pipeline of DreamTransfer that has learned to generate.

    Args:
        folder: As for `load_pipeline`.
        precision: One of `learning.devices.PRECISIONS`. What diffusers keeps in float32 (of the
            denoising networks: norms, embeddings of time and place) stays so in `bf16`.

    Raises:
        PipelineFolderError: If the folder does not hold one.
        ValueError: For another precision.
    """
    pipeline = load_pipeline(folder, floating_point(precision))
    if pipeline.config["stage"] in ("vae", "detail", "text"):
        raise PipelineFolderError(
            f"{folder} generates noise: it has not learned beyond stage {pipeline.config['stage']}"
        )
    return pipeline


def begun_from_wan(
    folder: Path, values: Mapping[str, Any], cameras: Sequence[str] | None = None
) -> DreamTransferPipeline:
    """A pipeline whose VAE, main branch and text encoder are a pretrained Wan 2.1's.

    Args:
        folder: Of diffusers' `WanPipeline`, such as Wan 2.1 T2V 1.3B.
        values: Of `presets.preset`: depth, the branch's blocks, scheduler, frames.
        cameras: Names of the views in the panorama's order.

    Raises:
        PipelineFolderError: If the folder does not hold one.
    """
    _check(folder, "WanPipeline")

    def part(kind: Any, name: str) -> Any:
        return kind.from_pretrained(folder, subfolder=name)

    transformer = part(DreamTransferTransformer3DModel, "transformer")
    return DreamTransferPipeline(
        vae=part(AutoencoderKLWan, "vae"),
        transformer=transformer,
        controlnet=DreamTransferControlNetModel.from_transformer(
            transformer, **values["controlnet"]
        ),
        text_encoder=part(UMT5EncoderModel, "text_encoder"),
        tokenizer=part(AutoTokenizer, "tokenizer"),
        scheduler=FlowMatchEulerDiscreteScheduler(**values["scheduler"]),
        cameras=cameras,
        frames=values["clip"]["frames"],
        **{f"depth_{name}": value for name, value in values["depth"].items()},
    )


def is_wan(folder: Path) -> bool:
    """Whether a folder holds a Wan in diffusers' layout."""
    return _class_name(folder) == "WanPipeline"


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Diffusers' are switched for the whole process."""
    if not logging.is_progress_bar_enabled():
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def _class_name(folder: Path) -> str | None:
    path = folder / INDEX
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return told.get("_class_name") if isinstance(told, dict) else None


def _check(folder: Path, wanted: str) -> None:
    found = _class_name(folder)
    if found != wanted:
        there = f"its {INDEX} is of {found}" if found else f"it has no readable {INDEX}"
        raise PipelineFolderError(f"{folder} is no {wanted}: {there}")
