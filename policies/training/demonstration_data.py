"""The demonstrations that a training learns from: checked against what its method needs."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.judging import QUALITY, dropped_episodes
from envs.cameras import CAMERA_MODELS
from envs.demonstrations.dataset import Dataset, DatasetInfo
from envs.demonstrations.episode_file import DemonstrationError, Episode
from learning.errors import TrainingError
from policies.imitation.method import ImitationMethod, Statistics
from policies.policy import Observes
from policies.training.demonstration_windows import DemonstrationWindows
from policies.training.moments import statistics
from policies.training.point_clouds import make_point_clouds

NEEDED_PICTURES: dict[str, tuple[str, ...]] = {
    "state": (),
    "rgb": ("rgb",),
    "rgbd": ("rgb", "depth"),
    "pointcloud": ("rgb", "depth"),
}
"""What each observation mode needs of the cameras."""


@dataclass(frozen=True)
class Source:
    """Demonstrations of a task out of a data set.

    Attributes:
        dataset: They are from.
        episodes: Some of the task's.
        numbers: Their places among all of the task's.
        filter_sha256: Of the judgement that says which episodes these are not; None for no filter.
    """

    dataset: Dataset
    episodes: Sequence[Episode]
    numbers: Sequence[int]
    filter_sha256: str | None = None

    @property
    def frames(self) -> int:
        """Of all episodes."""
        return sum(len(episode) for episode in self.episodes)


@dataclass(frozen=True)
class DemonstrationData:
    """What a training learns from.

    Attributes:
        windows: Every frame.
        generated: (N,) which demonstrations are generated ones.
        statistics: What normalizers are fitted to.
        description: What a checkpoint says of it; see `policies.imitation.checkpoint`.
        variations: Of each part that is not generated.
        seeds: Of the episodes.
    """

    windows: DemonstrationWindows
    generated: NDArray[np.bool_]
    statistics: Statistics
    description: Mapping[str, Any]
    variations: Sequence[Mapping[str, Any]]
    seeds: frozenset[int]


def open_demonstrations(
    folder: Path, task: str, count: int | None, method: ImitationMethod
) -> Source:
    """Opens the episodes, and checks that a method can learn from them.

    Args:
        folder: Of the data set.
        task: One of its tasks.
        count: How many episodes; None for all.
        method: What learns.

    Raises:
        TrainingError: In one line, with what would be valid.
    """
    observes = method.observes
    if NEEDED_PICTURES[observes.obs_mode] and not observes.cameras:
        raise TrainingError(f"method.cameras=[]: {method.name} needs at least one camera")
    try:
        dataset = Dataset(folder)
        episodes = dataset.episodes(task, count)
    except DemonstrationError as error:
        raise TrainingError(str(error)) from None
    if lacking := _lacking(dataset.info, observes):
        raise TrainingError(f"{folder} lacks what {method.name} needs: {lacking}")
    return Source(dataset, episodes, range(len(episodes)))


def open_generated(
    folder: Path,
    task: str,
    method: ImitationMethod,
    filtered: bool,
    report: Callable[[str], None],
) -> Source:
    """Opens generated episodes, and checks that a method can learn from them.

    Args:
        folder: Of the data set.
        task: One of its tasks.
        method: What learns.
        filtered: Whether to leave out those that were judged to be bad.
        report: Is told how many that are, or that nobody has judged.

    Raises:
        TrainingError: In one line, with what would be valid.
    """
    source = open_demonstrations(folder, task, None, method)
    if any("generated" not in each.info for each in source.episodes):
        raise TrainingError(f"generated={folder}: these are recorded demonstrations")
    if not filtered:
        return source
    judgement = folder / QUALITY
    if not judgement.exists():
        report(
            f"generated={folder} is not filtered: it has no {QUALITY}, which "
            "`python -m emma_gym.judge` writes"
        )
        return source
    dropped = dropped_episodes(folder).get(task, ())
    kept = [number for number in source.numbers if number not in dropped]
    left_out, every = len(source.numbers) - len(kept), len(source.numbers)
    report(f"generated={folder}: {left_out} of {every} episodes are left out by {QUALITY}")
    sha256 = hashlib.sha256(judgement.read_bytes()).hexdigest()
    return Source(source.dataset, [source.episodes[number] for number in kept], kept, sha256)


def load_demonstrations(
    recorded: Source,
    generated: Source | None,
    method: ImitationMethod,
    workers: int,
    report: Callable[[str], None],
) -> DemonstrationData:
    """Prepares opened episodes.

    Args:
        recorded: Demonstrations.
        generated: More of them, whose pictures are generated; they come last.
        method: What learns from them.
        workers: Processes for point clouds.
        report: Is told what takes long.

    Raises:
        TrainingError: If generated ones cannot be learned from.
    """
    observes, sources = method.observes, [recorded, *([] if generated is None else [generated])]
    episodes = [episode for source in sources for episode in source.episodes]
    clouds = None
    if observes.obs_mode == "pointcloud":
        if generated is not None:
            raise TrainingError(f"{method.name} sees no pictures: leave generated=null")
        folder = recorded.dataset.folder
        clouds = make_point_clouds(folder, episodes, observes.cameras, workers, report)
    every_cloud = None if clouds is None else (clouds.of(i) for i in range(len(episodes)))
    description = _described(recorded)
    if generated is not None:
        description["generated"] = {
            **_described(generated),
            "filter_sha256": generated.filter_sha256,
        }
        description["frames"] += generated.frames
    return DemonstrationData(
        windows=DemonstrationWindows(
            episodes, observes, method.window, method.standard_camera, clouds
        ),
        generated=np.arange(len(episodes)) >= len(recorded.episodes),
        statistics=statistics(episodes, every_cloud),
        description=description,
        variations=[part["variations"] for part in description["parts"]],
        seeds=frozenset(int(episode.info["seed"]) for episode in episodes),
    )


def _lacking(info: DatasetInfo, observes: Observes) -> str | None:
    """What a data set lacks that is observed, and what it has; None for nothing."""
    pictures = NEEDED_PICTURES[observes.obs_mode]
    if not pictures:
        return None
    if missing := [name for name in observes.cameras if name not in info.cameras]:
        return f"{missing[0]} (it has {', '.join(info.cameras)})"
    if missing := [name for name in pictures if name not in info.pictures]:
        return f"{missing[0]} (it has {', '.join(info.pictures)})"
    model = CAMERA_MODELS[info.camera_model]
    needed = observes.resolution or (model.width, model.height)
    if tuple(needed) != tuple(info.resolution):
        shown = ["x".join(str(n) for n in each) for each in (needed, info.resolution)]
        return f"pictures of {shown[0]} pixels (it has {shown[1]})"
    return None


def _parts(info: DatasetInfo, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The parts that some episodes make up."""
    every = list(info.episodes())
    used = [every[number] for number in numbers]
    return [
        {"episodes": sum(1 for _ in same), "variations": dict(part.variations)}
        for part, same in itertools.groupby(used)
    ]


def _described(source: Source) -> dict[str, Any]:
    info, episodes = source.dataset.info, source.episodes
    whole = len(episodes) == len(info.episodes())
    known = [[each.info["seed"], each.info["state_sha256"], *_generated(each)] for each in episodes]
    return {
        "training_set": info.training_set if whole else None,
        "parts": _parts(info, source.numbers),
        "cameras": list(info.cameras),
        "camera_model": info.camera_model,
        "resolution": list(info.resolution),
        "pictures": list(info.pictures),
        "seed": info.seed,
        "frames": source.frames,
        "sha256": hashlib.sha256(json.dumps(known).encode()).hexdigest(),
    }


def _generated(episode: Episode) -> list[Any]:
    """What decides how a generated episode looks; nothing for a recorded one."""
    generated = episode.info.get("generated")
    return [] if generated is None else [generated]
