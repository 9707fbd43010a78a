"""How fast demonstrations are read for training, frame sets a second on one core.

    python benchmarks/loader_speed.py [--dataset FOLDER --task TASK] [--rounds 5] [--json FILE]

For what each method observes in its full size, items are read at random: the frames of its history,
decompressed, warped to its standard camera, as tensors with their actions. Reading the same frames
with nothing but h5py, and copying the same bytes from memory, take turns with it. Times are CPU
time of their one thread: the median over all items, and the tenth part below which they stay where
others do not work at the same moment. Without --dataset two demonstrations of --task are recorded.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - h5py decompresses with it
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from emma_gym import collect
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import Episode
from envs.wrappers.intrinsic_standardization import STANDARD_CAMERA
from learning.heap import keep_freed_memory
from policies.imitation.method import Window
from policies.imitation.methods import METHODS, method_class, preset
from policies.policy import Observes
from policies.training.demonstration_data import NEEDED_PICTURES
from policies.training.demonstration_windows import DemonstrationWindows
from policies.training.point_clouds import make_point_clouds

FOUR = ("head_camera", "front_camera", "left_camera", "right_camera")
ITEMS = 24
"""Items in a round."""


class Contender:
    """What a method reads for a frame, and the least that anybody would have to read for it."""

    def __init__(self, name: str, windows: DemonstrationWindows, observes: Observes) -> None:
        self.name, self.windows, self.observes = name, windows, observes
        self.item_s: list[float] = []
        self.bare_s: list[float] = []
        self.copy_s: list[float] = []

    def bare(self, pictures: Callable[[int, str, str], h5py.Dataset], index: int) -> None:
        """Reads the pictures of an item."""
        number, frame = self.windows.place(index)
        for back in range(self.observes.history):
            at = max(0, frame - back * self.observes.history_stride)
            for camera in self.observes.cameras:
                for part in NEEDED_PICTURES[self.observes.obs_mode]:
                    pictures(number, camera, part)[at]


def contenders(folder: Path, episodes: Sequence[Episode]) -> list[Contender]:
    """Four cameras with depth, and the methods in their full size."""
    every = Observes("rgbd", FOUR)
    found = [
        Contender("4 RGB-D", DemonstrationWindows(episodes, every, Window(64)), every),
        Contender(
            "4 RGB-D, standardized",
            DemonstrationWindows(episodes, every, Window(64), STANDARD_CAMERA),
            every,
        ),
    ]
    for name in METHODS:
        config, _ = preset(name, "full")
        with torch.device("meta"):  # without weights
            method = method_class(name)(config)
        clouds = None
        if method.observes.obs_mode == "pointcloud":
            clouds = make_point_clouds(folder, episodes, method.observes.cameras, 0, print)
        windows = DemonstrationWindows(
            episodes, method.observes, method.window, method.standard_camera, clouds
        )
        found.append(Contender(f"{name}, full", windows, method.observes))
        if clouds is not None:
            some = DemonstrationWindows(episodes, method.observes, method.window)
            found.append(Contender(f"{name}, clouds made anew", some, method.observes))
    return found


def copied(item: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """A copy of all tensors of an item."""
    return [each.clone() for each in item.values()]


def timed(function: Callable[..., Any], *arguments: Any) -> float:
    """CPU seconds of a call in this thread."""
    began = time.thread_time()
    function(*arguments)
    return time.thread_time() - began


def measure(
    contender: Contender,
    pictures: Callable[[int, str, str], h5py.Dataset],
    indices: Sequence[int],
) -> None:
    """A round."""
    for index in indices:
        contender.item_s.append(timed(contender.windows.__getitem__, index))
        contender.bare_s.append(timed(contender.bare, pictures, index))
        contender.copy_s.append(timed(copied, contender.windows[index]))


def row(contender: Contender) -> dict[str, Any]:
    """What was measured of a contender."""
    measured = (contender.item_s, contender.bare_s, contender.copy_s)
    item, bare, copy = (float(np.median(each)) for each in measured)
    return {
        "observes": contender.name,
        "items_per_s": 1 / item,
        "items_per_s_undisturbed": 1 / float(np.percentile(contender.item_s, 10)),
        "item_ms": 1e3 * item,
        "h5py_ms": 1e3 * bare,
        "copy_ms": 1e3 * copy,
        "over_h5py": item / bare,
    }


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Prints a line for each contender."""
    table = Table("sets/s", "undisturbed", "ms", "h5py, ms", "ratio", "copy, ms", "frame set")
    for each in rows:
        table.add_row(
            *(f"{each[name]:.0f}" for name in ("items_per_s", "items_per_s_undisturbed")),
            *(f"{each[name]:.2f}" for name in ("item_ms", "h5py_ms", "over_h5py", "copy_ms")),
            each["observes"],
        )
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, help="with four RGB-D cameras of 320 x 240 pixels")
    parser.add_argument("--task", default="block_hammer_beat")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for all that was measured")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    keep_freed_memory()  # as a training does
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.dataset
        if folder is None:
            folder = Path(scratch) / "data"
            recorded = [f"tasks={options.task}", "episodes=2", f"output_dir={folder}"]
            if status := collect.main(recorded):
                raise SystemExit(status)
        episodes = Dataset(folder).episodes(options.task, 2)
        every = contenders(folder, episodes)
        rng = np.random.default_rng(0)
        files = [h5py.File(episode.path, "r", rdcc_nbytes=0) for episode in episodes]

        @cache
        def pictures(number: int, camera: str, part: str) -> h5py.Dataset:
            return files[number][f"cameras/{camera}/{part}"]

        for number in range(options.rounds + 1):
            for contender in every:
                few = 3 if number == 0 or "anew" in contender.name else ITEMS
                indices = rng.integers(len(contender.windows), size=few).tolist()
                measure(contender, pictures, indices)
                if number == 0:  # to warm up
                    for times in (contender.item_s, contender.bare_s, contender.copy_s):
                        times.clear()
        rows = [row(contender) for contender in every]
    show(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
