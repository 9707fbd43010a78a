"""Trains a stage of DreamTransfer.

As with policies, a training is a function of its settings, and one that was interrupted goes on as
if it had not been.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn

from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.training.autoencoding import Autoencoding, set_latent_moments
from augment.dream_transfer.training.clips import TrainingClips
from augment.dream_transfer.training.compiled import compile_blocks
from augment.dream_transfer.training.detailing import Detailing
from augment.dream_transfer.training.flows import Flows
from augment.dream_transfer.training.latents import LatentClips, PanoramaClips, encode_clips
from augment.dream_transfer.training.reading import Reading
from augment.dream_transfer.training.sayings import Sayings
from augment.dream_transfer.training.stages import LAST, GeneratorSettings, Stage, stage_of
from augment.dream_transfer.training.start import begun_from, started
from augment.dream_transfer.training_loss import trainable_parameters
from envs.demonstrations.dataset import INFO_NAME, Dataset
from envs.demonstrations.episode_file import DemonstrationError
from learning.accelerator import make_accelerator
from learning.configuration import as_mapping
from learning.errors import TrainingError
from learning.heap import keep_freed_memory
from learning.interruption import Interruption
from learning.item_order import Shuffled
from learning.learner import Learner
from learning.learns import Learns
from learning.loader import Loader
from learning.outcome import TrainingOutcome
from learning.report import Report, nobody
from learning.run_folder import CHECKPOINTS, CURVE_NAME, TENSORBOARD, begin, holds
from learning.state import Progress, latest_state
from learning.training_loop import TrainingLoop
from learning.whole_folder import folder_sha256, put_in_place, staged

LATENTS = "latents.safetensors"
MOMENT_CLIPS = 64
"""Clips that the latents' moments are measured on."""


def train_stage(settings: GeneratorSettings, report: Report) -> TrainingOutcome:
    """Trains a stage; writes a pipeline, a curve, TensorBoard logs and states to go on from.

    Args:
        settings: What is asked for.
        report: Is told how far it is.

    Raises:
        TrainingError: If it cannot begin as it was asked for; nothing is written then.
    """
    keep_freed_memory()
    stage = stage_of(settings)
    accelerator = make_accelerator(settings.device, settings.precision)
    stage.optimization.check(settings.accumulate, accelerator.num_processes)
    told = report if accelerator.is_main_process else nobody
    torch.manual_seed(settings.seed)
    clips = _clips(settings, stage)
    told(f"{len(clips)} clips; {clips.left_out} episodes show what is held out and are left out")
    begun = begun_from(settings)
    pipeline = started(settings, stage, begun)
    together = stage.clips.together
    pipeline.register_to_config(  # type: ignore[no-untyped-call]
        resolution=[stage.width, stage.height],
        cameras=list(stage.clips.cameras) if together else None,
        views_apart=not together,
        frames=stage.clips.frames,
        stage=settings.stage,
    )
    folder, described = settings.stage_folder(), _described(settings, stage, len(clips), begun)
    held = settings.resume and holds(folder, described)
    state = latest_state(folder / CHECKPOINTS) if held else None
    accelerator.wait_for_everyone()  # before the folder changes, all have read it
    if state is None and accelerator.is_main_process:
        # The same training has the same latents, though it may not have come to a state yet.
        begin(folder, described, results=(LAST,) if held else (LAST, LATENTS))
    with accelerator.main_process_first():  # it makes what the others find
        network, dataset = _learns(settings, stage, pipeline, clips, accelerator.device, told)
    if settings.compile:
        compile_blocks(network, accelerator.device)
    learner = Learner(network, stage.optimization, accelerator, settings.precision, settings.seed)
    progress = Progress()
    if state is not None:
        progress = learner.load(state)
        told(f"going on from step {progress.step} in {folder}")
    order = Shuffled(len(dataset), settings.seed)
    loader = Loader(dataset, order, settings.accumulate, settings.loader_workers)
    with Interruption() as interruption:
        panoramas = PanoramaClips(clips, pipeline.depth_encoding, stage.height, stage.width)
        every = settings.checkpoint_every
        _Loop(network, pipeline, panoramas, folder, learner, loader, every, told, interruption).run(
            progress
        )
    return TrainingOutcome(
        steps=progress.step,
        total_steps=stage.optimization.steps,
        interrupted=progress.step < stage.optimization.steps,
        files={
            "pipeline": folder / LAST,
            "curve": folder / CURVE_NAME,
            "logs": folder / TENSORBOARD,
        },
    )


class _Loop(TrainingLoop):
    """Saves the pipeline with what has been learned."""

    def __init__(
        self,
        network: Learns,
        pipeline: DreamTransferPipeline,
        panoramas: PanoramaClips,
        *arguments: Any,
    ) -> None:
        """Takes what learns, the pipeline that it is a part of, and clips for its latents' moments.

        Args:
            network: What learns.
            pipeline: What is saved.
            panoramas: Of the clips.
            *arguments: As `TrainingLoop` takes them.
        """
        super().__init__(*arguments)
        self._network, self._pipeline, self._panoramas = network, pipeline, panoramas

    def save_result(self, step: int) -> None:
        """Writes the pipeline, with averaged weights where there is an average."""
        with _weights(self._network, self.learner.inference_weights()):
            self._network.eval()
            if isinstance(self._network, Autoencoding):
                set_latent_moments(self._pipeline.vae, self._videos())
            staging = staged(self.folder / LAST)
            self._pipeline.save_pretrained(staging)
            put_in_place(staging, self.folder / LAST)

    def _videos(self) -> Iterator[Tensor]:
        clips = self._panoramas
        for index in range(0, len(clips), -(-len(clips) // MOMENT_CLIPS)):
            for video in clips[index].values():
                yield video[None]


@contextmanager
def _weights(network: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """A network with other weights for a while."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(dict(weights))
    try:
        yield
    finally:
        network.load_state_dict(before)


def _clips(settings: GeneratorSettings, stage: Stage) -> TrainingClips:
    try:
        dataset = Dataset(settings.dataset)
        episodes = [
            episode
            for task in settings.tasks or dataset.info.tasks
            for episode in dataset.episodes(task)
        ]
        for camera in stage.clips.cameras:
            if camera not in dataset.info.cameras:
                raise TrainingError(
                    f"{settings.dataset} has no {camera}; size={settings.size} sees "
                    f"{', '.join(stage.clips.cameras)}"
                )
        if "depth" not in dataset.info.pictures:
            raise TrainingError(f"{settings.dataset} has no depth: collect it with depth=true")
        width, height = dataset.info.resolution
        if width % stage.width or height % stage.height:
            raise TrainingError(
                f"{settings.dataset} has pictures of {width} x {height}, which do not divide into "
                f"stage {settings.stage}'s {stage.width} x {stage.height}"
            )
        return TrainingClips(episodes, stage.clips, settings.seed)
    except DemonstrationError as error:
        raise TrainingError(str(error)) from None


def _learns(
    settings: GeneratorSettings,
    stage: Stage,
    pipeline: DreamTransferPipeline,
    clips: TrainingClips,
    device: torch.device,
    report: Report,
) -> tuple[Learns, PanoramaClips | Sayings | LatentClips]:
    """What learns, and from what."""
    vae: AutoencoderKLWan = pipeline.vae
    depth, size = pipeline.depth_encoding, (stage.height, stage.width)
    if settings.stage == "vae":
        return Autoencoding(vae, stage.autoencoding), PanoramaClips(clips, depth, *size)
    if settings.stage == "detail":
        views = len(stage.clips.cameras) if stage.clips.together else 1
        learns = Detailing(vae, pipeline.detail, views, stage.detailing)
        return learns, PanoramaClips(clips, depth, *size)
    if settings.stage == "text":
        report(f"writing {stage.prompts} prompts")
        sayings = Sayings(clips.scenes, pipeline.text_encoder, stage.prompts, settings.seed)
        return Reading(pipeline.text_encoder), sayings
    trainable_parameters(settings.learn, pipeline.components)
    path = settings.stage_folder() / LATENTS
    if not path.exists():
        vae.eval()
        nn.Module.to(vae, device)

        def told(done: int) -> None:
            if done % 50 == 0 or done == len(clips):
                report(f"latents, made once: {done} of {len(clips)} clips")

        encode_clips(clips, vae, depth, *size, path, told)
        vae.cpu()
    controlnet = None if settings.learn == "base" else pipeline.controlnet
    reads = (pipeline.text_encoder, pipeline.tokenizer)
    flows = Flows(pipeline.transformer, reads[0], controlnet, stage.flows, reads[1])
    return flows, LatentClips(path, clips, *reads)


def _described(
    settings: GeneratorSettings, stage: Stage, clips: int, begun: Path | None
) -> dict[str, Any]:
    """What decides the numbers: `config.yaml`."""
    dataset = settings.dataset.resolve()
    return {
        "model": "dream_transfer",
        "size": settings.size,
        "stage": settings.stage,
        "learn": settings.learn,
        "start": None
        if begun is None
        else {"folder": str(begun.resolve()), "sha256": folder_sha256(begun)},
        "seed": settings.seed,
        "precision": settings.precision,
        "compile": settings.compile,
        "accumulate": settings.accumulate,
        "resolution": [stage.width, stage.height],
        "optimization": as_mapping(stage.optimization),
        "autoencoding": dataclasses.asdict(stage.autoencoding),
        "detailing": dataclasses.asdict(stage.detailing),
        "prompts": stage.prompts,
        "flows": dataclasses.asdict(stage.flows),
        "clips": as_mapping(stage.clips),
        "dataset": {
            "folder": str(dataset),
            "sha256": hashlib.sha256((dataset / INFO_NAME).read_bytes()).hexdigest(),
            "tasks": list(settings.tasks),
            "clips": clips,
        },
    }
