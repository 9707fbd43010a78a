"""Scores of generated demonstrations beside those of what they were made of, and which to drop.

EMMA filters its generated clips and drops 5 to 8 % of them; how is not known (`quality_filter`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from augment.clip import Clip
from augment.dream_transfer.prompt_claims import claims
from augment.dream_transfer.scene_words import scene_words
from augment.generation import DESCRIPTION, first_pictures_sha256
from augment.kept_scores import KeptScores, Scores
from augment.video_metrics.attributes import Claim
from augment.video_metrics.clip_score import PromptSimilarity
from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.diversity import diversity
from augment.video_metrics.quality_filter import Filtering, filter_clips
from augment.video_metrics.scores import clip_scores
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError, Episode

FRAMES = 9
"""Of a clip."""
QUALITY = "quality.json"
"""What `save` writes beside a generated data set."""
SCORES = "scores.jsonl"
"""Scores beside it, of what is judged so far."""


@dataclass(frozen=True)
class Judged:
    """A generated episode with its scores.

    Attributes:
        task: Its task.
        number: Its place among the generated episodes of the task.
        prompt: What it should look like.
        scores: Means over its clips; see `video_metrics.scores.clip_scores`.
    """

    task: str
    number: int
    prompt: str
    scores: Scores


@dataclass(frozen=True)
class Judgement:
    """Scores of a generated data set.

    Attributes:
        generated: Every episode's.
        reference: Scores of each of the episodes that they were made of, claims among them: what
            the pictures of the simulator reach.
        diversity: Mean color difference (Delta E) between looks of one demonstration; None if each
            has one.
        filtering: Which episodes of each task to keep, by the scores of the same task's source;
            clips in it are numbers of episodes.
    """

    generated: tuple[Judged, ...]
    reference: tuple[Scores, ...]
    diversity: float | None
    filtering: Mapping[str, Filtering]

    def means(self) -> dict[str, tuple[float, float | None]]:
        """Mean of each score over generated episodes, and over those they were made of."""
        mine = [each.scores for each in self.generated]
        return {
            name: (_mean(mine, name) or 0.0, _mean(self.reference, name))
            for name in dict.fromkeys(name for scores in mine for name in scores)
        }

    def dropped(self) -> dict[str, list[int]]:
        """Numbers of the episodes of each task that are not worth learning from."""
        found = {
            task: sorted(fault.clip for fault in each.dropped)
            for task, each in self.filtering.items()
        }
        return {task: numbers for task, numbers in found.items() if numbers}

    def save(self, folder: Path) -> Path:
        """Writes it beside the data set, whole or not at all; returns the file."""
        content = {
            "means": {
                name: {"generated": mine, "simulator": theirs}
                for name, (mine, theirs) in self.means().items()
            },
            "diversity": self.diversity,
            "dropped": self.dropped(),
            "filtering": {task: each.as_data() for task, each in self.filtering.items()},
            "episodes": [vars(each) for each in self.generated],
        }
        path = folder / QUALITY
        staging = path.with_name(f"{path.name}.part")
        staging.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        staging.replace(path)
        return path


def dropped_episodes(folder: Path) -> dict[str, list[int]]:
    """Numbers of the episodes of each task that a judgement dropped; none if nobody judged."""
    path = folder / QUALITY
    if not path.exists():
        return {}
    found: dict[str, list[int]] = json.loads(path.read_text(encoding="utf-8"))["dropped"]
    return found


def judge(
    generated: Dataset,
    source: Dataset,
    *,
    clips: int,
    depth_net: DepthNet | None,
    drop_at_most: float,
    kept: KeptScores,
    progress: Callable[[int, int], None],
    prompt_similarity: PromptSimilarity | None = None,
) -> Judgement:
    """Scores the episodes of a generated data set.

    Args:
        generated: As `augment.generation.generate` made it.
        source: What it was made of.
        clips: Clips of 9 frames out of each episode, evenly spread.
        depth_net: Estimates depth; None leaves those scores out.
        drop_at_most: Greatest part of the episodes that is dropped.
        kept: Scores of clips like these, by networks like these.
        progress: Is told how many episodes are judged, and of how many.
        prompt_similarity: Compares generated episodes with their prompts; None leaves it out.

    Raises:
        DemonstrationError: If the data set is not generated, or of another source.
    """
    path = generated.folder / DESCRIPTION
    if not path.exists():
        raise DemonstrationError(f"{generated.folder} is not generated: it has no {DESCRIPTION}")
    per_demo = int(json.loads(path.read_text(encoding="utf-8"))["per_demo"])
    cameras, apart = generated.info.cameras, []
    judged: list[Judged] = []
    reference: list[Scores] = []
    filtering = {}
    every = [(task, generated.episodes(task)) for task in generated.info.tasks]
    total = sum(len(episodes) for _, episodes in every)
    progress(0, total)
    for task, episodes in every:
        mine, theirs = len(judged), len(reference)
        for number, origin in enumerate(source.episodes(task)):
            true = cache(partial(_clips, origin, cameras, clips))
            pictures = first_pictures_sha256(origin, cameras)
            reference.append(
                kept.scores(
                    {"task": task, "source": number, "rgb_sha256": pictures},
                    partial(_scores, true, true, _true_claims(origin), depth_net),
                )
            )
            looks = []
            for place in range(number * per_demo, (number + 1) * per_demo):
                episode = episodes[place]
                told = episode.info["generated"]
                # The same seed has other pictures under other variations.
                if told["source"]["rgb_sha256"] != pictures:
                    raise DemonstrationError(f"{episode.path} was not made of {origin.path}")
                said = [Claim.from_dict(each) for each in told["claims"]]
                made = cache(partial(_clips, episode, cameras, clips))
                prompt = told["prompt"]
                scores = kept.scores(
                    {"task": task, "number": place, "generated": told},
                    partial(_scores, made, true, said, depth_net, prompt, prompt_similarity),
                )
                judged.append(Judged(task, place, prompt, scores))
                if per_demo > 1:
                    looks.append(made()[0])
                episode.close()
                progress(len(judged), total)
            if looks:
                apart.append(diversity(looks).pictures)
            origin.close()
        scores_of_task = [each.scores for each in judged[mine:]]
        filtering[task] = filter_clips(
            scores_of_task, reference[theirs:], drop_at_most=drop_at_most
        )
    return Judgement(
        tuple(judged),
        tuple(reference),
        float(np.mean(apart)) if apart else None,
        filtering,
    )


def _clips(episode: Episode, cameras: Sequence[str], count: int) -> list[Clip]:
    """Clips out of an episode, evenly spread."""
    frames = min(FRAMES, len(episode))
    firsts = np.linspace(0, len(episode) - frames, count).round().astype(int)
    return [Clip.from_episode(episode, cameras, int(first), frames) for first in firsts]


def _true_claims(episode: Episode) -> Sequence[Claim]:
    """What a description of a recorded episode would claim."""
    if "things" not in episode.info or "segmentation" not in episode.pictures:
        return ()
    scene = scene_words(episode.info)
    return claims(scene, episode.info["things"], scene)


def _scores(
    clips: Callable[[], Sequence[Clip]],
    sources: Callable[[], Sequence[Clip]],
    said: Sequence[Claim],
    depth_net: DepthNet | None,
    prompt: str | None = None,
    prompt_similarity: PromptSimilarity | None = None,
) -> Scores:
    """Means of the scores of an episode's clips."""
    each = [
        clip_scores(
            clip,
            source=source,
            claims=said,
            depth_net=depth_net,
            prompt=prompt,
            prompt_similarity=prompt_similarity,
        )
        for clip, source in zip(clips(), sources(), strict=True)
    ]
    names = dict.fromkeys(name for scores in each for name in scores)
    return {name: mean for name in names if (mean := _mean(each, name)) is not None}


def _mean(scores: Sequence[Scores], name: str) -> float | None:
    values: list[Any] = [each[name] for each in scores if name in each]
    return float(np.mean(values)) if values else None
