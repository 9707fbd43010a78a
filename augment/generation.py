"""Generated demonstrations: actions, depth and cameras of recorded ones, in other pictures.

The paper calls what comes out embodied manipulation media adaptation: one demonstration, many
looks. What a generated episode came from is kept with it (`info["generated"]`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from augment.clip import Clip
from augment.dream_transfer.prompt_claims import claims
from augment.dream_transfer.prompt_sampler import PromptSampler
from augment.dream_transfer.scene_words import scene_words
from augment.restyling import (
    EpisodeRestyler,
    Restyler,
    Restyling,
    RestylingError,
    ordered_views,
)
from augment.video_metrics.attributes import Claim
from envs.demonstrations.dataset import INFO_NAME, Dataset, DatasetInfo, Part, episode_path
from envs.demonstrations.episode_file import (
    MATRICES,
    PICTURES,
    SERIES,
    DemonstrationError,
    Episode,
    EpisodeWriter,
)
from envs.randomness import stream

DESCRIPTION = "generated.json"
"""What a generated data set was made with, beside its `dataset.json`."""


@dataclass(frozen=True)
class Wish:
    """What an episode should look like.

    Attributes:
        prompt: In words.
        claims: What of that can be seen, if it is known.
    """

    prompt: str
    claims: tuple[Claim, ...] = ()


Prompts = Callable[[Episode, np.random.Generator], Wish]
"""Draws what an episode should look like."""


@dataclass(frozen=True)
class Look:
    """What one generated episode is made with.

    Attributes:
        prompt: What it should look like.
        claims: What of that can be seen.
        seed: Of the restyler.
        restyler: Its name.
        settings: What else decides its pictures, as JSON; of a model, its hash.
    """

    prompt: str
    claims: tuple[Claim, ...]
    seed: int
    restyler: str
    settings: Mapping[str, Any]


def sampled_prompts(split: str) -> Prompts:
    """Prompts of a split, about the things of the episode's own scene.

    Raises:
        envs.errors.InvalidOptionError: For another split than `PromptSampler` has.
    """
    sampler = PromptSampler(split)

    def draw(episode: Episode, rng: np.random.Generator) -> Wish:
        if "things" not in episode.info:
            raise DemonstrationError(
                f"{episode.path} does not say what things are in it, which sampled prompts need: "
                "give prompts=FILE"
            )
        scene = scene_words(episode.info)
        prompt = sampler(scene, rng)
        return Wish(prompt.text, claims(prompt.said, episode.info["things"], scene))

    return draw


def listed_prompts(texts: Sequence[str]) -> Prompts:
    """Prompts out of a list, each as likely.

    Raises:
        RestylingError: If there is none.
    """
    if not texts:
        raise RestylingError("there is no prompt")

    def draw(episode: Episode, rng: np.random.Generator) -> Wish:
        return Wish(str(texts[int(rng.integers(len(texts)))]))

    return draw


def generated_info(source: DatasetInfo, cameras: Sequence[str], per_demo: int) -> DatasetInfo:
    """What a generated data set is: `per_demo` episodes for each of the source's, in its order.

    Args:
        source: What the source is.
        cameras: Views that are restyled.
        per_demo: Looks of each demonstration.
    """
    parts = tuple(Part(part.episodes * per_demo, part.variations) for part in source.parts)
    return replace(source, parts=parts, cameras=tuple(cameras), training_set=None)


def generate(
    source: Dataset,
    tasks: Sequence[str],
    restyler: Restyler | EpisodeRestyler,
    settings: Mapping[str, Any],
    prompts: Prompts,
    per_demo: int,
    seed: int,
    folder: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Writes a data set of restyled demonstrations; goes on with one that is not whole.

    Args:
        source: With depth, and with segmentation if the restyler needs it.
        tasks: Of it.
        restyler: What changes its pictures.
        settings: What else decides them, as JSON, for the record.
        prompts: Draws one for each generated episode.
        per_demo: Looks of each demonstration.
        seed: Of prompts and looks.
        folder: Of the new data set.
        progress: Is told how many episodes there are, and how many there will be.

    Raises:
        RestylingError: If the restyler cannot do it, or the folder holds something else.
        DemonstrationError: If something is wrong with the source.
    """
    cameras = restyler.cameras or source.info.cameras
    if missing := [name for name in cameras if name not in source.info.cameras]:
        raise RestylingError(
            f"{restyler.name} needs {missing[0]}, and {source.folder} has "
            f"{', '.join(source.info.cameras)}"
        )
    if (source.folder / DESCRIPTION).exists():
        raise RestylingError(f"{source.folder} is generated: begin with what it was made of")
    for picture in ("depth", *(["segmentation"] if restyler.needs_segmentation else [])):
        if picture not in source.info.pictures:
            raise RestylingError(
                f"{restyler.name} needs {picture}, which {source.folder} has not: collect it with "
                f"{picture}=true"
            )
    info = replace(generated_info(source.info, cameras, per_demo), tasks=tuple(tasks))
    described = {
        "restyler": restyler.name,
        "settings": dict(settings),
        "source": str(source.folder.resolve()),
        "per_demo": per_demo,
        "seed": seed,
    }
    _check_folder(folder, info, described)
    jobs = [
        (task, number, episode, index, episode_path(folder, task, number * per_demo + index))
        for task in tasks
        for number, episode in enumerate(source.episodes(task))
        for index in range(per_demo)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    # Before the data set begins, so that what is interrupted in between can go on.
    (folder / DESCRIPTION).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    info.save(folder)
    of_episodes = source.info.episodes()
    left = [job for job in jobs if not job[-1].exists()]
    for done, (task, number, episode, index, path) in enumerate(left, len(jobs) - len(left)):
        progress(done, len(jobs))
        rng = stream(seed, f"generated {task} {number} {index}")
        wish = prompts(episode, rng)
        look = Look(wish.prompt, wish.claims, int(rng.integers(2**31)), restyler.name, settings)
        if isinstance(restyler, EpisodeRestyler):
            begun = restyler.begin_episode(episode, of_episodes[number].variations, look.seed)
        else:
            begun = restyler.begin(look.prompt, look.seed, episode.info.get("things", {}))
        views = ordered_views(restyler, cameras)
        restyle_episode(episode, views, begun, restyler.frames, look, path)
        episode.close()
    progress(len(jobs), len(jobs))


def _check_folder(folder: Path, info: DatasetInfo, described: Mapping[str, Any]) -> None:
    """Refuses a folder that holds anything but a part of the same."""
    if not (folder / INFO_NAME).exists():
        return
    path = folder / DESCRIPTION
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if DatasetInfo.load(folder) != info or before != json.loads(json.dumps(described)):
        raise RestylingError(f"{folder} holds another data set: name another output_dir")


def restyle_episode(
    source: Episode,
    cameras: Sequence[str],
    restyling: Restyling,
    block: int,
    look: Look,
    path: Path,
) -> None:
    """Writes an episode in another look; the file appears when it is whole.

    Args:
        source: The demonstration.
        cameras: Its views, in the restyler's order.
        restyling: What changes its pictures; it has just begun.
        block: Frames that it is given at a time.
        look: What it was begun with.
        path: The new file.

    Raises:
        RestylingError: If the restyler cannot do it.
    """
    generated = {
        **asdict(look),
        "source": {
            "path": str(source.path.resolve()),
            "task": source.info["task"],
            "seed": source.info["seed"],
            "rgb_sha256": first_pictures_sha256(source, cameras),
        },
    }
    with EpisodeWriter(path, {**source.info, "generated": generated}, source.action) as writer:
        for first in range(0, len(source), block):
            frames = range(first, min(first + block, len(source)))
            clip = Clip.from_episode(source, cameras, first, len(frames))
            rgb = restyling(clip)
            for place, frame in enumerate(frames):
                seen = source.observation(frame, cameras, source.pictures)["cameras"]
                writer.append(
                    {name: source.series[name][frame] for name in SERIES},
                    {
                        camera: {
                            **{
                                part: seen[camera][part]
                                for part in (*PICTURES, *MATRICES)
                                if part in seen[camera]
                            },
                            "rgb": rgb[place, view],
                        }
                        for view, camera in enumerate(cameras)
                    },
                )


def first_pictures_sha256(source: Episode, cameras: Sequence[str]) -> str:
    """Tells sources apart that came from the same seed."""
    seen = source.observation(0, cameras, ("rgb",))["cameras"]
    return hashlib.sha256(b"".join(seen[camera]["rgb"].tobytes() for camera in cameras)).hexdigest()
