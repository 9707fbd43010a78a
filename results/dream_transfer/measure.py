"""Scores of DreamTransfer's clips beside true ones, its baselines and its ablations.

    .venv/bin/python results/dream_transfer/measure.py data/test data/test_looks
        runs/dream/stage_2/last --apart runs/apart/stage_2/last --depth-net runs/depth_net/last

Every row restyles the same clips; rows of the same split have the same prompts and seeds. What a
row could reach at most is what the simulator shows of the same motion where it looks as a prompt
says. Writes scores.json beside itself and prints the table of README.md. See
`augment.video_metrics.scores`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import bootstrap
from tqdm import tqdm

from augment.baselines.color_jitter import ColorJitter
from augment.baselines.random_background import RandomBackground
from augment.clip import Clip
from augment.dream_transfer.panorama import panorama_to_views, views_to_panorama
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.dream_transfer.pipeline_folder import load_generator
from augment.dream_transfer.prompt_claims import claims
from augment.dream_transfer.restyler import DreamTransferRestyler
from augment.dream_transfer.scene_words import scene_words
from augment.dream_transfer.video_latents import decode_video, encode_video
from augment.generation import sampled_prompts
from augment.restyling import Restyler
from augment.video_metrics.attributes import KINDS
from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.scores import clip_scores
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError, Episode
from envs.randomness import stream

FRAMES = 9
SIMULATOR = "simulator"
VAE = "simulator through the VAE"
DETAIL = "simulator through the VAE, with detail"
COLUMNS = {
    "attribute_accuracy": "attributes",
    **{f"{kind}_accuracy": kind for kind in KINDS},
    "cross_view_difference": "between views",
    "over_time_difference": "over time",
    "matched_pixels": "matched",
    "depth_abs_rel": "AbsRel",
    "depth_rmse": "RMSE",
    "depth_within_1_25": "δ < 1.25",
    "edge_f1": "edge F1",
}

Depth = NDArray[np.float32]
Fault = Callable[[Depth, np.random.Generator], Depth]


def noisy(depth: Depth, rng: np.random.Generator) -> Depth:
    """One centimetre of noise at every pixel."""
    noise = rng.normal(0, 0.01, depth.shape)
    return np.where(depth > 0, np.maximum(depth + noise, 1e-3), 0).astype(np.float32)


def scaled(depth: Depth, rng: np.random.Generator) -> Depth:
    """A tenth too far."""
    return np.float32(1.1) * depth


def with_holes(depth: Depth, rng: np.random.Generator) -> Depth:
    """A fifth of the pixels missing, in squares of 8 x 8."""
    height, width = depth.shape[2:]
    squares = rng.random((*depth.shape[:2], -(-height // 8), -(-width // 8))) < 0.2
    missing = squares.repeat(8, axis=2).repeat(8, axis=3)[:, :, :height, :width]
    return np.where(missing, 0, depth).astype(np.float32)


@dataclass(frozen=True)
class Row:
    """A way to make clips: a restyler, the split of its prompts, what is wrong with its depth."""

    name: str
    restyler: Restyler
    split: str = "held_out"
    fault: Fault | None = None


def rows(pipeline: DreamTransferPipeline, apart: Path | None, steps: int) -> list[Row]:
    """The baselines, DreamTransfer, and its ablations."""

    def transfer(scale: float = 1.0, guidance: float = 3.0, count: int = steps) -> Restyler:
        return DreamTransferRestyler(pipeline, count, guidance, scale)

    usual = transfer()
    found = [
        Row("color jitter", ColorJitter()),
        Row("random background", RandomBackground()),
        Row("DreamTransfer, prompts of training", usual, "train"),
        Row("DreamTransfer, held-out combinations", usual),
        Row("DreamTransfer, unseen words", usual, "unseen_words"),
        Row("control scale 0", transfer(0.0)),
        Row("control scale 0.5", transfer(0.5)),
        Row("control scale 1.5", transfer(1.5)),
        Row("guidance 1", transfer(guidance=1.0)),
        Row("guidance 6", transfer(guidance=6.0)),
        Row(f"{2 * steps} steps", transfer(count=2 * steps)),
        Row("depth with 1 cm of noise", usual, fault=noisy),
        Row("depth 10 % too far", usual, fault=scaled),
        Row("depth with 20 % in holes", usual, fault=with_holes),
    ]
    if apart is not None:
        single = DreamTransferRestyler(load_generator(apart), steps)
        found.append(Row("each view alone", single))
    return found


@dataclass(frozen=True)
class Pair:
    """A clip, and the same one in another look, by the simulator."""

    name: str
    episode: Episode
    clip: Clip
    other_episode: Episode
    other_clip: Clip


def pairs(source: Dataset, looks: Dataset, cameras: Sequence[str], count: int) -> Iterator[Pair]:
    """Clips of all episodes, evenly spread over each."""
    for task in source.info.tasks:
        episodes = zip(source.episodes(task), looks.episodes(task), strict=True)
        for number, (episode, other) in enumerate(episodes):
            if episode.info["state_sha256"] != other.info["state_sha256"]:
                raise DemonstrationError(f"{other.path} does not move like {episode.path}")
            for first in np.linspace(0, len(episode) - FRAMES, count + 2)[1:-1].astype(int):
                both = (
                    Clip.from_episode(each, cameras, int(first), FRAMES)
                    for each in (episode, other)
                )
                clip, other_clip = both
                yield Pair(f"{task} {number} {first}", episode, clip, other, other_clip)


def restyled(row: Row, name: str, episode: Episode, clip: Clip, net: DepthNet) -> dict[str, float]:
    """Scores of a clip that a row makes."""
    rng = stream(0, f"{row.split} {name}")
    wish = sampled_prompts(row.split)(episode, rng)
    seed = int(rng.integers(2**31))
    seen = clip if row.fault is None else with_depth(clip, row.fault(clip.depth, rng))
    rgb = row.restyler.begin(wish.prompt, seed, episode.info["things"])(seen)
    return clip_scores(clip.with_rgb(rgb), source=clip, claims=wish.claims, depth_net=net)


@torch.no_grad()
def through_vae(pipeline: DreamTransferPipeline, clip: Clip) -> dict[str, Clip]:
    """What the VAE makes of true pictures: no generator can have better ones."""
    panorama = views_to_panorama(torch.from_numpy(clip.rgb)[None])
    decoded = decode_video(pipeline.vae, encode_video(pipeline.vae, panorama))
    depth = pipeline.depth_encoding.to_video(torch.from_numpy(clip.depth)[None])
    detailed = pipeline.detail.of_panoramas(decoded, depth, clip.views)
    return {
        name: clip.with_rgb(panorama_to_views(video, clip.views)[0].numpy())
        for name, video in ((VAE, decoded), (DETAIL, detailed))
    }


def with_depth(clip: Clip, depth: Depth) -> Clip:
    """A clip with another depth."""
    return Clip(clip.rgb, depth, clip.intrinsic_cv, clip.extrinsic_cv, clip.segmentation)


def means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each score over the clips that have it."""
    return {
        name: float(np.mean([each[name] for each in scores if name in each]))
        for name in COLUMNS
        if any(name in each for each in scores)
    }


def four_digits(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores as they are kept."""
    return {name: float(f"{value:.4g}") for name, value in scores.items()}


def interval(scores: Sequence[Mapping[str, float]], name: str) -> str:
    """95 % of a mean over clips, by bootstrap."""
    values = [each[name] for each in scores if name in each]
    found = bootstrap((values,), np.mean, random_state=np.random.default_rng(0))
    return " .. ".join(f"{end:.2f}" for end in found.confidence_interval)


def table(scores: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """All means, with ratios to true clips where less is better."""
    found = {name: means(each) for name, each in scores.items()}
    true = found[SIMULATOR]
    ratios = ("cross_view_difference", "over_time_difference", "depth_abs_rel")
    lines = [f"| | {' | '.join(COLUMNS.values())} |", "| --- |" + " --- |" * len(COLUMNS)]
    for name, each in found.items():
        cells = []
        for column in COLUMNS:
            cell = f"{each[column]:.3g}" if column in each else ""
            if column in ratios and each is not true:
                cell += f" ({each[column] / true[column]:.2f})"
            if column == "attribute_accuracy":
                cell += f" ({interval(scores[name], column)})"
            cells.append(cell)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="demonstrations, not learned from")
    parser.add_argument("looks", type=Path, help="the same ones with variations=appearance")
    parser.add_argument("model", type=Path, help="a pipeline's folder")
    parser.add_argument("--apart", type=Path, help="a pipeline of single views")
    parser.add_argument("--depth-net", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=2, help="of each episode")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rows", nargs="+", help="names of some rows; all others are left out")
    output = Path(__file__).with_name("scores.json")
    parser.add_argument("--output", type=Path, default=output)
    chosen = parser.parse_args()
    net = DepthNet.from_pretrained(chosen.depth_net)
    pipeline = load_generator(chosen.model)
    ways = rows(pipeline, chosen.apart, chosen.steps)
    if unknown := sorted(set(chosen.rows or ()) - {row.name for row in ways}):
        parser.error(f"no row '{unknown[0]}'; there are {', '.join(row.name for row in ways)}")
    ways = [row for row in ways if chosen.rows is None or row.name in chosen.rows]
    source, looks = Dataset(chosen.source), Dataset(chosen.looks)
    taken = list(pairs(source, looks, pipeline.config["cameras"], chosen.clips))
    scores: dict[str, list[dict[str, float]]] = {SIMULATOR: [], VAE: [], DETAIL: []}
    scores |= {row.name: [] for row in ways}
    for pair in tqdm(taken, unit="clip"):
        things, before = pair.episode.info["things"], scene_words(pair.episode.info)
        said = claims(scene_words(pair.other_episode.info), things, before)
        true = pair.other_clip
        for name, clip in {SIMULATOR: true, **through_vae(pipeline, true)}.items():
            each = clip_scores(clip, source=pair.clip, claims=said, depth_net=net)
            scores[name].append(each)
        for row in ways:
            scores[row.name].append(restyled(row, pair.name, pair.episode, pair.clip, net))
    found = {name: means(each) for name, each in scores.items()}
    rounded = {name: [four_digits(each) for each in clips] for name, clips in scores.items()}
    content = {"clips": [pair.name for pair in taken], "means": found, "scores": rounded}
    chosen.output.write_text(json.dumps(content) + "\n", encoding="utf-8")
    print(table(scores))


if __name__ == "__main__":
    main()
