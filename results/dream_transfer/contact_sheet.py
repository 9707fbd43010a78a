"""A picture of what DreamTransfer makes of a moment: true pictures, depth, and three prompts.

    .venv/bin/python results/dream_transfer/contact_sheet.py data/test sheet.jpg --model PIPELINE

Each row shows all views of one frame. Prompts are sampled: the first as those of training, the
second with combinations that training held out, the third in unseen words.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import SubFigure
from numpy.typing import NDArray

from augment.clip import Clip
from augment.dream_transfer.pipeline_folder import load_generator
from augment.dream_transfer.prompt_sampler import SPLITS
from augment.dream_transfer.restyler import DreamTransferRestyler
from augment.generation import sampled_prompts
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import Episode
from envs.randomness import stream

FRAMES = 9
NEAR, FAR = 0.05, 2.0  # m, of depth's brightness


def brightness(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithmic depth as a picture; white is near."""
    seen = np.clip(np.where(depth > 0, depth, FAR), NEAR, FAR)
    bright: NDArray[np.float32] = 1 - np.log(seen / NEAR) / np.log(FAR / NEAR)
    return bright


def show(figure: SubFigure, episode: Episode, restyler: DreamTransferRestyler, seed: int) -> None:
    """A task's column: a row for each of what is shown of a frame in the middle."""
    assert restyler.cameras is not None
    clip = Clip.from_episode(episode, restyler.cameras, len(episode) // 2, FRAMES)
    rows = [("simulator", clip.rgb[-1]), ("depth", brightness(clip.depth[-1]))]
    for split in SPLITS:
        rng = stream(seed, f"{split} {episode.info['task']}")
        prompt = sampled_prompts(split)(episode, rng).prompt
        made = restyler.begin(prompt, int(rng.integers(2**31)), episode.info["things"])(clip)
        rows.append(("\n".join(textwrap.wrap(prompt, 72)), made[-1]))
    axes = figure.subplots(len(rows), 1)
    for axis, (words, views) in zip(axes, rows, strict=True):
        axis.imshow(np.concatenate(list(views), axis=1), cmap="gray", vmin=0, vmax=1)
        axis.set_title(words, fontsize=7, loc="left", pad=3)
        axis.axis("off")


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="other looks, not learned from")
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="a pipeline's folder")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--episode", type=int, default=0, help="of each task")
    parser.add_argument("--seed", type=int, default=1, help="of prompts and noise")
    chosen = parser.parse_args()
    restyler = DreamTransferRestyler(load_generator(chosen.model), chosen.steps)
    dataset = Dataset(chosen.dataset)
    tasks = dataset.info.tasks
    whole = plt.figure(figsize=(4.6 * len(tasks), 7.2), layout="constrained")
    for column, task in zip(whole.subfigures(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        show(column, list(dataset.episodes(task))[chosen.episode], restyler, chosen.seed)
    whole.savefig(chosen.output, dpi=150)


if __name__ == "__main__":
    main()
