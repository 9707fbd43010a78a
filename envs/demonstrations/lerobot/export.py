"""Writes a data set of demonstrations as a LeRobot dataset v3.0."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError, Episode
from envs.demonstrations.lerobot import features as names
from envs.demonstrations.lerobot import layout
from envs.demonstrations.lerobot.selection import Selection
from envs.demonstrations.lerobot.statistics import (
    PixelStatistics,
    Statistics,
    merged,
    vector_statistics,
)
from envs.demonstrations.lerobot.tables import FrameFiles, png, write_episodes, write_tasks
from envs.demonstrations.lerobot.video_files import VideoFiles
from envs.demonstrations.staged_folder import staged_folder

ROBOT_TYPE = "aloha_agilex"
WEIGHT = "sampling_weight"
"""Column of the table of episodes: how often one should be drawn, if that is given."""

Features = Mapping[str, Mapping[str, Any]]


def export_lerobot(
    dataset: Dataset, folder: Path, selection: Selection, watcher: Callable[[int, int], None]
) -> None:
    """Writes the LeRobot data set; its folder appears when it is whole.

    Needs the memory of one episode's pictures as PNG, or of none with `videos`.

    Args:
        dataset: What is exported.
        folder: What must not exist yet.
        selection: What of it.
        watcher: Is told how many episodes of how many are written.

    Raises:
        DemonstrationError: If `folder` exists, or the data set has not what is asked for.
        OSError: If something cannot be written.
    """
    # Says now what is lacking; they are not kept, for all tasks' may be many.
    total, drawn = 0, False
    for task in selection.tasks:
        for episode in dataset.episodes(task, selection.episodes):
            total += 1
            drawn |= selection.weights is None or episode.path.resolve() in selection.weights
            episode.close()
    if not drawn:
        raise DemonstrationError(
            f"the weights are of none of the demonstrations in {dataset.folder}"
        )
    _check(dataset, selection)
    fps = Fraction(dataset.info.control_hz).limit_denominator(1000)
    described = names.features(
        selection.cameras,
        dataset.info.resolution,
        _number(fps),
        videos=selection.videos,
        depth=selection.depth,
    )
    with staged_folder(folder) as staging:
        with _Writer(staging, described, fps, dataset.info.resolution) as writer:
            for task in selection.tasks:
                for episode in dataset.episodes(task, selection.episodes):
                    watcher(writer.written, total)
                    writer.write(episode, selection.cameras, _columns(selection, episode))
                    episode.close()
        writer.write_meta()
    watcher(total, total)


class _Writer:
    """Writes episodes one after another."""

    def __init__(
        self, folder: Path, features: Features, fps: Fraction, resolution: tuple[int, int]
    ) -> None:
        self._folder, self._features, self._fps = folder, features, fps
        self._resolution = resolution
        self._stack = ExitStack()
        self._instructions: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []
        self._statistics: dict[str, list[Statistics]] = {}
        self._known: list[dict[str, Any]] = []

    def __enter__(self) -> _Writer:
        self._frames = self._stack.enter_context(FrameFiles(self._folder, self._features))
        self._videos = {
            key: self._stack.enter_context(
                VideoFiles(self._folder, key, self._fps, self._resolution)
            )
            for key, feature in self._features.items()
            if feature["dtype"] == "video"
        }
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    @property
    def written(self) -> int:
        """How many episodes are."""
        return len(self._rows)

    def write(self, episode: Episode, cameras: Sequence[str], more: Mapping[str, float]) -> None:
        """Writes an episode, with more columns of its row in the table of episodes."""
        instruction, length = str(episode.info["instruction"]), len(episode.action)
        task_index = self._instructions.setdefault(instruction, len(self._instructions))
        columns = {**names.vectors(episode, cameras), **self._indices(length, task_index)}
        statistics = {key: vector_statistics(values) for key, values in columns.items()}
        places: dict[str, Any] = {}
        for video in self._videos.values():
            places |= video.begin(length)
        images, of_pictures = self._write_pictures(episode, cameras)
        places |= self._frames.write(columns, images)
        statistics |= of_pictures
        first = self._rows[-1]["dataset_to_index"] if self._rows else 0
        self._rows.append(
            {
                "episode_index": len(self._rows),
                "tasks": [instruction],
                "length": length,
                "dataset_from_index": first,
                "dataset_to_index": first + length,
                **more,
                **places,
                **_flat(statistics),
            }
        )
        self._known.append(dict(episode.info))
        for key, values in statistics.items():
            self._statistics.setdefault(key, []).append(values)

    def write_meta(self) -> None:
        """Writes what is about the whole."""
        write_tasks(self._folder, list(self._instructions))
        write_episodes(self._folder, self._rows)
        whole = {key: merged(self._statistics[key]) for key in self._features}
        self._json(
            layout.STATISTICS,
            {
                key: {name: value.tolist() for name, value in each.items()}
                for key, each in whole.items()
            },
        )
        known = [json.dumps(each, allow_nan=False) + "\n" for each in self._known]
        (self._folder / layout.DEMONSTRATIONS).write_text("".join(known), encoding="utf-8")
        self._json(
            layout.INFO,
            {
                "codebase_version": layout.VERSION,
                "robot_type": ROBOT_TYPE,
                "total_episodes": len(self._rows),
                "total_frames": self._rows[-1]["dataset_to_index"],
                "total_tasks": len(self._instructions),
                "chunks_size": layout.CHUNKS_SIZE,
                "data_files_size_in_mb": layout.DATA_FILE_MB,
                "video_files_size_in_mb": layout.VIDEO_FILE_MB,
                "fps": _number(self._fps),
                "splits": {"train": f"0:{len(self._rows)}"},
                "data_path": layout.DATA,
                "video_path": layout.VIDEOS if self._videos else None,
                "features": self._features,
            },
        )

    def _indices(self, length: int, task_index: int) -> dict[str, NDArray[Any]]:
        first = self._rows[-1]["dataset_to_index"] if self._rows else 0
        frame = np.arange(length)
        columns = {
            "timestamp": (frame / float(self._fps)).astype(np.float32),
            "frame_index": frame,
            "episode_index": np.full(length, len(self._rows)),
            "index": first + frame,
            "task_index": np.full(length, task_index),
        }
        return {name: values[:, None] for name, values in columns.items()}

    def _write_pictures(
        self, episode: Episode, cameras: Sequence[str]
    ) -> tuple[dict[str, list[bytes]], dict[str, Statistics]]:
        """Writes the frames of videos; gives the pictures that go elsewhere, and statistics."""
        depth = any(names.depth_key(camera) in self._features for camera in cameras)
        images: dict[str, list[bytes]] = {}
        counted: dict[str, PixelStatistics] = {}
        for frame in range(len(episode.action)):
            seen = episode.observation(frame, cameras, ("rgb", "depth") if depth else ("rgb",))
            for camera, parts in seen["cameras"].items():
                key, rgb = names.rgb_key(camera), parts["rgb"]
                counted.setdefault(key, PixelStatistics(3, np.uint8, 1 / 255)).add(rgb)
                if key in self._videos:
                    self._videos[key].add(rgb)
                else:
                    images.setdefault(key, []).append(png(rgb))
                if depth:
                    key, mm = names.depth_key(camera), names.depth_mm(parts["depth"])
                    counted.setdefault(key, PixelStatistics(1, np.uint16, 1)).add(mm[..., None])
                    images.setdefault(key, []).append(png(mm))
        return images, {key: each.result() for key, each in counted.items()}

    def _json(self, name: str, value: Any) -> None:
        text = json.dumps(value, indent=4, allow_nan=False, ensure_ascii=False)
        (self._folder / name).write_text(text + "\n", encoding="utf-8")


def _columns(selection: Selection, episode: Episode) -> dict[str, float]:
    """What the table of episodes says of one beside what LeRobot wants."""
    if selection.weights is None:
        return {}
    return {WEIGHT: selection.weights.get(episode.path.resolve(), 0.0)}


def _check(dataset: Dataset, selection: Selection) -> None:
    info = dataset.info
    if unknown := [name for name in selection.cameras if name not in info.cameras]:
        raise DemonstrationError(
            f"{dataset.folder} has no camera {unknown[0]}; it has {', '.join(info.cameras)}"
        )
    if selection.depth and "depth" not in info.pictures:
        raise DemonstrationError(f"{dataset.folder} has no depth: depth=false leaves it out")
    width, height = info.resolution
    if selection.videos and (width % 2 or height % 2):
        raise DemonstrationError(
            f"pictures of {width} x {height} make no H.264 video, for which both have to be even: "
            "videos=false keeps them as pictures"
        )


def _flat(statistics: Mapping[str, Statistics]) -> dict[str, Any]:
    return {
        f"stats/{key}/{name}": value.tolist()
        for key, each in statistics.items()
        for name, value in each.items()
    }


def _number(fps: Fraction) -> float:
    """Frames a second: an int where it is one."""
    return fps.numerator if fps.denominator == 1 else float(fps)
