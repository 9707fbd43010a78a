"""The stages of DreamTransfer's training, and what is asked for when one of them is run.

The paper trains in two stages of growing resolution, of which nothing but that is known. Ours have
the whole panorama in both, at half and at full height and width. A model without a pretrained VAE
and text encoder has stages before them: for the VAE, for what sharpens its pictures, for the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.dream_transfer.presets import preset
from augment.dream_transfer.training.autoencoding import AutoencodingConfig
from augment.dream_transfer.training.clips import ClipChoice
from augment.dream_transfer.training.detailing import DetailingConfig
from augment.dream_transfer.training_loss import FlowMatching
from envs.errors import nearest
from learning.configuration import ConfigurationError, configured
from learning.errors import TrainingError
from learning.optimization import Optimization

STAGES = ("vae", "detail", "text", "1", "2")
VIEWS = ("together", "apart")
BEFORE = {"detail": "vae", "text": "detail", "1": "text", "2": "1"}
"""Whose result a stage goes on from."""
LAST = "last"
"""The pipeline that comes out of a stage."""


@dataclass(frozen=True)
class GeneratorSettings:
    """What is asked for.

    Attributes:
        size: One of `augment.dream_transfer.presets.SIZES`.
        stage: One of `STAGES`.
        dataset: Folder of demonstrations with depth, of tasks that look different in each episode.
        tasks: Of it; none for all.
        folder: Of the model; each stage has a folder in it.
        start: Pipeline that the stage goes on from; None for the stage's before.
        learn: What of the pipeline learns in stages 1 and 2 (`training_loss.MODES`).
        views: `together`, or `apart`: the ablation in which each is generated alone.
        seed: Of weights, clips, order and noise.
        optimization: In place of the preset's.
        total_steps: In place of the preset's.
        precision: `fp32` or `bf16`.
        compile: Whether `torch.compile` makes code for the blocks; stages 1 and 2 have any.
        device: `auto`, `cpu` or `cuda`.
        loader_workers: Processes that read ahead.
        accumulate: Batches that a process computes one after the other in a step.
        checkpoint_every: Steps between states to go on from.
        resume: Whether to go on with the training that the folder holds.
    """

    size: str
    stage: str
    dataset: Path
    tasks: tuple[str, ...]
    folder: Path
    start: Path | None
    learn: str
    views: str
    seed: int
    optimization: Mapping[str, Any]
    total_steps: int | None
    precision: str
    compile: bool
    device: str
    loader_workers: int
    accumulate: int
    checkpoint_every: int
    resume: bool

    def stage_folder(self, stage: str | None = None) -> Path:
        """Where a stage is written; this one's by default."""
        return self.folder / f"stage_{stage or self.stage}"


@dataclass(frozen=True)
class Stage:
    """A stage of a size.

    Attributes:
        height: Of a view in pixels.
        width: Likewise.
        clips: What it learns from.
        optimization: How it is trained.
        autoencoding: The VAE's loss.
        detailing: What the network for detail learns from.
        prompts: Number of prompts that the text encoder learns to read from.
        flows: The loss of stages 1 and 2.
    """

    height: int
    width: int
    clips: ClipChoice
    optimization: Optimization
    autoencoding: AutoencodingConfig
    detailing: DetailingConfig
    prompts: int
    flows: FlowMatching


def stage_of(settings: GeneratorSettings) -> Stage:
    """The stage that is asked for.

    Raises:
        TrainingError: For an unknown size, stage or option.
    """
    if settings.stage not in STAGES:
        raise TrainingError(f"stage={settings.stage}; {nearest(settings.stage, STAGES)}")
    if settings.views not in VIEWS:
        raise TrainingError(f"views={settings.views}; {nearest(settings.views, VIEWS)}")
    try:
        values = preset(settings.size)
    except ValueError as error:
        raise TrainingError(str(error)) from None
    training = values["training"]
    if settings.stage not in training["stages"]:
        raise TrainingError(
            f"size={settings.size} has no stage {settings.stage}: it begins with a pretrained VAE "
            "and text encoder"
        )
    of_stage = training["stages"][settings.stage]
    changed = dict(settings.optimization)
    if settings.total_steps is not None:
        changed["steps"] = settings.total_steps
    optimization = {**of_stage["optimization"], **changed}
    try:
        return Stage(
            height=of_stage["height"],
            width=of_stage["width"],
            clips=ClipChoice(
                cameras=tuple(training["cameras"]),
                frames=values["clip"]["frames"],
                strides=tuple(training["strides"]),
                clips=training["clips"],
                wordings=training["wordings"],
                together=settings.views == "together",
            ),
            optimization=configured(Optimization, optimization, "optimization"),
            autoencoding=AutoencodingConfig(**training.get("autoencoding", {})),
            detailing=DetailingConfig(**training.get("detailing", {})),
            prompts=training.get("prompts", 0),
            flows=FlowMatching(**{**training.get("flows", {}), **of_stage.get("flows", {})}),
        )
    except ConfigurationError as error:
        raise TrainingError(str(error)) from None
