"""One demonstration as one HDF5 file.

Layout, for an episode of T actions and so T + 1 observations:

    attribute `format`        "emma_gym-demonstration-1"
    attribute `episode`       JSON: task, seed, instruction, variations, instances, `things` (what
                              the numbers in `segmentation` stand for), ...
    action                    (T, 14) float32   the commanded joint targets
    joint_position            (T + 1, 14) float32, as in `envs.observation`, like the next two
    joint_target              (T + 1, 14) float32
    endpose                   (T + 1, 2, 7) float32
    stage                     (T + 1,) int16    how many of the expert's motions have begun
    progress                  (T + 1,) float32  the task's progress
    success                   (T + 1,) bool     whether the task is solved
    cameras/NAME/rgb          (T + 1, H, W, 3) uint8
    cameras/NAME/depth        (T + 1, H, W) float32 in m, 0 invalid
    cameras/NAME/segmentation (T + 1, H, W) int16, if it was asked for
    cameras/NAME/intrinsic_cv (T + 1, 3, 3) float32
    cameras/NAME/extrinsic_cv (T + 1, 4, 4) float32

Pictures are lossless, Zstandard-compressed frame by frame, so that one frame is read alone. Reading
needs h5py and hdf5plugin, nothing of ours.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

FORMAT = "emma_gym-demonstration-1"

STAGING_SUFFIX = ".part"
"""Of files that are not whole yet, or never will be."""

MEMORY_STEP = 1 << 22
"""Bytes by which a file in memory grows."""

SERIES = ("joint_position", "joint_target", "endpose", "stage", "progress", "success")
"""What has one entry for each observation."""
PICTURES = ("rgb", "depth", "segmentation")
MATRICES = ("intrinsic_cv", "extrinsic_cv")


class DemonstrationError(ValueError):
    """A demonstration or a data set that is missing, damaged or of another kind."""


class EpisodeWriter:
    """Writes a demonstration observation by observation; the file appears when it is whole.

    A context manager. Pictures are compressed as they come, so that an episode needs hardly more
    memory than its file has bytes. The file is built there because on a full disk HDF5 cannot close
    one: it crashes the process.
    """

    def __init__(self, path: Path, episode: Mapping[str, Any], action: NDArray[np.float32]) -> None:
        """Begins the file, in memory.

        Args:
            path: The file.
            episode: What is known about the episode, as JSON.
            action: (T, 14).
        """
        self.path = Path(path)
        self._length, self._written = len(action) + 1, 0
        self._series: dict[str, list[Any]] = {}
        self._matrices: dict[str, list[Any]] = {}
        self._file = h5py.File(
            self.path, "w", driver="core", backing_store=False, block_size=MEMORY_STEP
        )
        self._file.attrs["format"] = FORMAT
        self._file.attrs["episode"] = json.dumps(episode, allow_nan=False)
        self._file["action"] = np.asarray(action, dtype=np.float32)

    def append(
        self, series: Mapping[str, Any], cameras: Mapping[str, Mapping[str, NDArray[Any]]]
    ) -> None:
        """Writes the next observation.

        Args:
            series: Those of `SERIES`.
            cameras: By name, those of `PICTURES` and `MATRICES`.
        """
        for name, value in series.items():
            self._series.setdefault(name, []).append(value)
        for camera, parts in cameras.items():
            for name, value in parts.items():
                where = f"cameras/{camera}/{name}"
                if name in PICTURES:
                    self._picture(where, name, value)[self._written] = value
                else:
                    self._matrices.setdefault(where, []).append(value)
        self._written += 1

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            if error is None:
                self._finish()

    def _picture(self, where: str, name: str, value: NDArray[Any]) -> h5py.Dataset:
        if where not in self._file:
            shape = (self._length, *value.shape)
            self._file.create_dataset(
                where, shape, value.dtype, chunks=(1, *value.shape), **_compression(name)
            )
        return self._file[where]

    def _finish(self) -> None:
        """Completes the file and gives it its name."""
        if self._written != self._length:
            raise DemonstrationError(
                f"{self.path}: {self._length} observations are needed, not {self._written}"
            )
        for where, values in {**self._series, **self._matrices}.items():
            self._file[where] = np.stack(values)
        self._file.flush()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # With the process in its name: two that write the same episode do not meet in one file.
        staging = self.path.with_name(f"{self.path.name}.{os.getpid()}{STAGING_SUFFIX}")
        try:
            with staging.open("wb") as file:
                file.write(self._file.id.get_file_image())
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave the name with an empty file
            staging.replace(self.path)
        finally:
            staging.unlink(missing_ok=True)


def write_episode(
    path: Path,
    episode: Mapping[str, Any],
    action: NDArray[np.float32],
    series: Mapping[str, NDArray[Any]],
    cameras: Mapping[str, Mapping[str, NDArray[Any]]],
) -> None:
    """Writes a demonstration that is in memory; the file appears only when it is whole.

    Args:
        path: The file.
        episode: What is known about the episode, as JSON.
        action: (T, 14).
        series: Those of `SERIES`, T + 1 entries each.
        cameras: By name, those of `PICTURES` and `MATRICES`, T + 1 entries each.

    Raises:
        DemonstrationError: If lengths do not belong together.
    """
    frames = len(action) + 1
    lengths = {name: len(values) for name, values in series.items()}
    for camera, parts in cameras.items():
        lengths |= {f"{camera}/{name}": len(values) for name, values in parts.items()}
    if wrong := {name: length for name, length in lengths.items() if length != frames}:
        raise DemonstrationError(f"{frames} observations are needed, not {wrong}")
    with EpisodeWriter(path, episode, action) as writer:
        for frame in range(frames):
            writer.append(
                {name: values[frame] for name, values in series.items()},
                {
                    camera: {name: values[frame] for name, values in parts.items()}
                    for camera, parts in cameras.items()
                },
            )


def _compression(name: str) -> Mapping[str, Any]:
    """Zstandard, which reads fastest; with its bytes sorted, depth takes half the room."""
    return {"shuffle": name != "rgb", **hdf5plugin.Zstd(clevel=3)}


class Episode:
    """A stored demonstration; frames are read when they are asked for.

    The file is opened at the first frame, and again in every process that an episode is sent to.

    Attributes:
        path: The file.
        info: What is known about the episode: `task`, `seed`, `instruction`, `variations`, ...
        cameras: Names of its cameras.
        pictures: Which of `PICTURES` each camera has.
        action: (T, 14) float32.
        series: Those of `SERIES`, T + 1 entries each.
    """

    def __init__(self, path: Path) -> None:
        """Reads all but the pictures.

        Raises:
            DemonstrationError: If there is no such file, or it is no demonstration.
        """
        self.path = Path(path)
        self._file: h5py.File | None = None
        self._pictures: dict[tuple[str, str], h5py.Dataset] = {}
        try:
            with h5py.File(self.path, "r") as file:
                if file.attrs.get("format") != FORMAT:
                    raise DemonstrationError(f"{path} has not the format '{FORMAT}'")
                self.info: dict[str, Any] = json.loads(file.attrs["episode"])
                self.action: NDArray[np.float32] = file["action"][:]
                self.series: dict[str, NDArray[Any]] = {name: file[name][:] for name in SERIES}
                self.cameras = tuple(file["cameras"]) if "cameras" in file else ()
                self.pictures: tuple[str, ...] = ()
                self._matrices: dict[str, dict[str, NDArray[np.float32]]] = {}
                for name in self.cameras:
                    camera = file[f"cameras/{name}"]
                    self.pictures = tuple(part for part in PICTURES if part in camera)
                    self._matrices[name] = {part: camera[part][:] for part in MATRICES}
        except FileNotFoundError:
            raise DemonstrationError(f"there is no demonstration {path}") from None
        except (OSError, KeyError) as error:
            raise DemonstrationError(f"{path} is damaged: {error}") from None

    def __len__(self) -> int:
        """Number of observations, T + 1."""
        return len(self.action) + 1

    def observation(
        self,
        frame: int,
        cameras: Sequence[str] | None = None,
        pictures: Iterable[str] = ("rgb", "depth"),
    ) -> dict[str, Any]:
        """One observation, as the environment gave it (`envs.observation`).

        Args:
            frame: 0 .. T.
            cameras: Which cameras; None for all.
            pictures: Which of `PICTURES`.

        Raises:
            DemonstrationError: For a camera or picture that was not recorded.
            IndexError: For a frame that the episode has not.
        """
        if not 0 <= frame < len(self):
            raise IndexError(f"frame {frame} of an episode with frames 0 .. {len(self) - 1}")
        names = self.cameras if cameras is None else cameras
        pictures = tuple(pictures)
        self._check(names, pictures)
        seen = {
            name: {
                **{part: values[frame] for part, values in self._matrices[name].items()},
                **{part: self._picture(name, part)[frame] for part in pictures},
            }
            for name in names
        }
        return {
            **{
                name: self.series[name][frame]
                for name in ("joint_position", "joint_target", "endpose")
            },
            "instruction": self.info["instruction"],
            "cameras": seen,
        }

    def close(self) -> None:
        """Closes the file; the next frame opens it again."""
        if self._file is not None:
            self._file.close()
            self._file, self._pictures = None, {}

    def __getstate__(self) -> dict[str, Any]:
        """Leaves the open file out, which belongs to one process."""
        return {**self.__dict__, "_file": None, "_pictures": {}}

    def _picture(self, camera: str, part: str) -> h5py.Dataset:
        if self._file is None:
            # Frames are read whole and at random: HDF5's cache of chunks would only be in the way.
            self._file = h5py.File(self.path, "r", rdcc_nbytes=0)
        if (camera, part) not in self._pictures:  # looking a name up takes as long as decoding
            self._pictures[camera, part] = self._file[f"cameras/{camera}/{part}"]
        return self._pictures[camera, part]

    def _check(self, cameras: Sequence[str], pictures: Sequence[str]) -> None:
        if missing := [name for name in cameras if name not in self.cameras]:
            raise DemonstrationError(
                f"{self.path} has no camera {missing[0]}; it has {', '.join(self.cameras)}"
            )
        if cameras and (lacking := [part for part in pictures if part not in self.pictures]):
            raise DemonstrationError(
                f"{self.path} has no {lacking[0]}; it has {', '.join(self.pictures)}"
            )
