"""What a stage of DreamTransfer's training goes on from."""

from __future__ import annotations

from pathlib import Path

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.pipeline_folder import (
    PipelineFolderError,
    begun_from_wan,
    is_wan,
    load_pipeline,
)
from augment.dream_transfer.presets import build_pipeline, preset
from augment.dream_transfer.training.stages import BEFORE, LAST, GeneratorSettings, Stage
from augment.dream_transfer.training_loss import MODES
from envs.errors import nearest
from learning.errors import TrainingError


def begun_from(settings: GeneratorSettings) -> Path | None:
    """Folder of the pipeline that a stage goes on from; None if it begins with fresh weights.

    Raises:
        TrainingError: If it is not there, or what learns is unknown.
    """
    if settings.learn not in MODES:
        raise TrainingError(f"learn={settings.learn}; {nearest(settings.learn, tuple(MODES))}")
    if settings.start is not None or settings.stage not in BEFORE:
        return settings.start
    before = BEFORE[settings.stage]
    folder = settings.stage_folder(before) / LAST
    if folder.exists():
        return folder
    if before not in preset(settings.size)["training"]["stages"]:
        raise TrainingError(
            f"size={settings.size} begins with a pretrained VAE and text encoder: give "
            "start=FOLDER of a Wan 2.1 in diffusers' layout"
        )
    raise TrainingError(
        f"stage {settings.stage} goes on from {folder}, which is not there: run stage={before} "
        "first, or give start=PIPELINE"
    )


def started(
    settings: GeneratorSettings, stage: Stage, folder: Path | None
) -> DreamTransferPipeline:
    """The pipeline that a stage goes on from: fresh, a pretrained Wan, or another training's.

    Args:
        settings: What is asked for.
        stage: Likewise.
        folder: As `begun_from` has it.

    Raises:
        TrainingError: If the folder does not hold one, or one that has not learned enough.
    """
    values, cameras = preset(settings.size), stage.clips.cameras
    if folder is None:
        return build_pipeline(values, cameras=cameras)
    try:
        if is_wan(folder):
            return begun_from_wan(folder, values, cameras)
        pipeline = load_pipeline(folder)
    except PipelineFolderError as error:
        raise TrainingError(str(error)) from None
    if settings.stage in ("1", "2") and pipeline.config["stage"] in ("vae", "detail"):
        raise TrainingError(f"{folder} has not learned to read: run stage=text on it first")
    if settings.stage == "detail" and pipeline.detail is None:
        raise TrainingError(f"{folder} has no network for detail: it is from before there was one")
    if settings.learn == "branch" and not pipeline.controlnet.counts:
        # What it was a copy of has learned since.
        pipeline.controlnet = DreamTransferControlNetModel.from_transformer(
            pipeline.transformer,
            pipeline.controlnet.config["control_blocks"],
            pipeline.controlnet.config["control_channels"],
        )
    return pipeline
