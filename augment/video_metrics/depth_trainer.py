"""Trains the depth estimator, and measures its errors on episodes that it does not learn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augment.clip import Clip
from augment.video_metrics.depth_net import DepthNet, estimated_depth
from augment.video_metrics.depth_training import DepthEstimation, DepthPictures
from augment.video_metrics.geometry import DepthErrors, depth_errors
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError, Episode
from learning.accelerator import make_accelerator
from learning.configuration import ConfigurationError, as_mapping, configured
from learning.errors import TrainingError
from learning.heap import keep_freed_memory
from learning.interruption import Interruption
from learning.item_order import Shuffled
from learning.learner import Learner
from learning.loader import Loader
from learning.optimization import Optimization
from learning.outcome import TrainingOutcome
from learning.report import Report, nobody
from learning.run_folder import CHECKPOINTS, CURVE_NAME, TENSORBOARD, begin, holds
from learning.state import Progress, latest_state
from learning.training_loop import TrainingLoop
from learning.whole_folder import put_in_place, staged

LAST = "last"
"""The network that comes out."""
ERRORS = "errors.json"
"""Its errors, in the same folder."""
OPTIMIZATION = Optimization(
    steps=2400,
    batch_size=8,
    learning_rate=2e-3,
    muon_learning_rate=5e-3,
    weight_decay=1e-4,
    warmup_steps=150,
    clip_norm=1.0,
)
"""Three quarters of an hour on one CPU core."""
HELD_OUT = 10
"""Of so many episodes of a task one is measured on, not learned from."""
MEASURED_FRAMES = 9
"""Of each of those."""


@dataclass(frozen=True)
class DepthNetSettings:
    """What is asked for.

    Attributes:
        dataset: Folder of demonstrations with depth, of tasks that look different in each episode.
        tasks: Of it; none for all.
        folder: To write to.
        seed: Of weights, order and colors.
        optimization: In place of what `OPTIMIZATION` says.
        total_steps: Likewise.
        precision: `fp32` or `bf16`.
        device: `auto`, `cpu` or `cuda`.
        loader_workers: Processes that read ahead.
        checkpoint_every: Steps between states to go on from.
        resume: Whether to go on with the training that the folder holds.
    """

    dataset: Path
    tasks: tuple[str, ...]
    folder: Path
    seed: int
    optimization: Mapping[str, Any]
    total_steps: int | None
    precision: str
    device: str
    loader_workers: int
    checkpoint_every: int
    resume: bool


def train_depth_net(settings: DepthNetSettings, report: Report) -> TrainingOutcome:
    """Trains a network; writes it with its errors, a curve, TensorBoard logs and states.

    Args:
        settings: What is asked for.
        report: Is told how far it is.

    Raises:
        TrainingError: If it cannot begin as it was asked for; nothing is written then.
    """
    keep_freed_memory()
    optimization = _optimization(settings)
    accelerator = make_accelerator(settings.device, settings.precision)
    optimization.check(1, accelerator.num_processes)
    told = report if accelerator.is_main_process else nobody
    learned, held_out, cameras = _episodes(settings)
    pictures = DepthPictures(learned, cameras)
    torch.manual_seed(settings.seed)
    net = DepthNet()
    described = {
        "model": "depth_net",
        "seed": settings.seed,
        "precision": settings.precision,
        "optimization": as_mapping(optimization),
        "dataset": {"folder": str(settings.dataset.resolve()), "frames": len(pictures)},
    }
    held = settings.resume and holds(settings.folder, described)
    state = latest_state(settings.folder / CHECKPOINTS) if held else None
    accelerator.wait_for_everyone()  # before the folder changes, all have read it
    if state is None and accelerator.is_main_process:
        begin(settings.folder, described, results=(LAST,))
    learner = Learner(
        DepthEstimation(net), optimization, accelerator, settings.precision, settings.seed
    )
    progress = Progress()
    if state is not None:
        progress = learner.load(state)
        told(f"going on from step {progress.step} in {settings.folder}")
    loader = Loader(pictures, Shuffled(len(pictures), settings.seed), 1, settings.loader_workers)
    with Interruption() as interruption:
        arguments = (learner, loader, settings.checkpoint_every, told, interruption)
        _Loop(net, held_out, cameras, settings.folder, *arguments).run(progress)
    return TrainingOutcome(
        steps=progress.step,
        total_steps=optimization.steps,
        interrupted=progress.step < optimization.steps,
        files={
            "depth net": settings.folder / LAST,
            "curve": settings.folder / CURVE_NAME,
            "logs": settings.folder / TENSORBOARD,
        },
    )


class _Loop(TrainingLoop):
    """Saves the network, at the end with its errors."""

    def __init__(
        self, net: DepthNet, held_out: Sequence[Episode], cameras: Sequence[str], *arguments: Any
    ) -> None:
        """Takes what learns, and what it is measured on.

        Args:
            net: What learns.
            held_out: Episodes.
            cameras: Of them.
            *arguments: As `TrainingLoop` takes them.
        """
        super().__init__(*arguments)
        self._net, self._held_out, self._cameras = net, held_out, cameras

    def save_result(self, step: int) -> None:
        """Writes the network."""
        staging = staged(self.folder / LAST)
        self._net.save_pretrained(staging)
        if step == self.learner.optimization.steps:
            content = {
                camera: errors_over_episodes(self._net, self._held_out, camera)
                for camera in self._cameras
            }
            (staging / ERRORS).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        put_in_place(staging, self.folder / LAST)


def errors_over_episodes(
    net: DepthNet, episodes: Sequence[Episode], camera: str
) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each error over episodes, of which some frames are seen."""
    each = []
    for episode in episodes:
        stride = max((len(episode) - 1) // (MEASURED_FRAMES - 1), 1)
        frames = min(MEASURED_FRAMES, len(episode))
        clip = Clip.from_episode(episode, [camera], 0, frames, stride)
        each.append(depth_errors(estimated_depth(net, clip), clip.depth))
    values = np.array(each)
    return {
        name: {"mean": float(values[:, i].mean()), "std": float(values[:, i].std())}
        for i, name in enumerate(DepthErrors._fields)
    }


def _optimization(settings: DepthNetSettings) -> Optimization:
    changed = dict(settings.optimization)
    if settings.total_steps is not None:
        changed["steps"] = settings.total_steps
    try:
        return configured(Optimization, {**as_mapping(OPTIMIZATION), **changed}, "optimization")
    except ConfigurationError as error:
        raise TrainingError(str(error)) from None


def _episodes(settings: DepthNetSettings) -> tuple[list[Episode], list[Episode], tuple[str, ...]]:
    """Those to learn from, those to measure on, and their cameras."""
    try:
        dataset = Dataset(settings.dataset)
        if "depth" not in dataset.info.pictures:
            raise TrainingError(f"{settings.dataset} has no depth: collect it with depth=true")
        learned: list[Episode] = []
        held_out: list[Episode] = []
        for task in settings.tasks or dataset.info.tasks:
            for number, episode in enumerate(dataset.episodes(task)):
                (held_out if number % HELD_OUT == HELD_OUT - 1 else learned).append(episode)
    except DemonstrationError as error:
        raise TrainingError(str(error)) from None
    if not learned or not held_out:
        raise TrainingError(
            f"{settings.dataset} has {len(learned) + len(held_out)} episodes; a task needs "
            f"{HELD_OUT}, one of which is measured on"
        )
    return learned, held_out, dataset.info.cameras
