"""Clips of demonstrations, and prompts for each: what DreamTransfer learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from augment.clip import Clip
from augment.dream_transfer.held_out import has_held_out
from augment.dream_transfer.prompts import write
from augment.dream_transfer.scene_words import SceneWords, scene_words
from envs.demonstrations.episode_file import DemonstrationError, Episode


@dataclass(frozen=True)
class ClipChoice:
    """Which clips are taken of every episode.

    Attributes:
        cameras: The views, in the panorama's order.
        frames: F of a clip.
        strides: Observations from one frame to the next; each clip has one of these. A clip with a
            longer stride shows more motion, as what a policy sees between its chunks does.
        clips: How many of an episode.
        wordings: Prompts of each clip.
        together: Whether a clip has all views. Otherwise each view is a clip of its own: what
            learns from those knows nothing of other views.
    """

    cameras: tuple[str, ...]
    frames: int
    strides: tuple[int, ...] = (1, 2, 4)
    clips: int = 4
    wordings: int = 8
    together: bool = True


@dataclass(frozen=True)
class _Window:
    episode: Episode
    cameras: tuple[str, ...]
    first: int
    stride: int


class TrainingClips(Dataset[Clip]):
    """Clips of some episodes, read when they are asked for.

    Attributes:
        prompts: Of each clip, in several wordings.
        scenes: Of the episodes.
        left_out: Episodes that show a combination which is held out.
    """

    def __init__(self, episodes: Sequence[Episode], choice: ClipChoice, seed: int) -> None:
        """Chooses the clips; reads no picture.

        Args:
            episodes: With depth, and with `things` in what is known about them.
            choice: Which clips.
            seed: Of their places, strides and wordings.

        Raises:
            DemonstrationError: If no clip is left, or an episode does not say what it shows.
        """
        self.prompts: list[tuple[str, ...]] = []
        self.scenes: list[SceneWords] = []
        self.left_out = 0
        self._choice = choice
        self._windows: list[_Window] = []
        each_alone = [(camera,) for camera in choice.cameras]
        groups = [choice.cameras] if choice.together else each_alone
        for number, episode in enumerate(episodes):
            if "things" not in episode.info:
                raise DemonstrationError(
                    f"{episode.path} does not say what things are in it: it is from before "
                    "episodes did, and has to be collected anew"
                )
            if "generated" in episode.info:
                raise DemonstrationError(f"{episode.path} is generated: learn from recorded ones")
            scene = scene_words(episode.info)
            if has_held_out(scene):
                self.left_out += 1
                continue
            self.scenes.append(scene)
            rng = np.random.default_rng([seed, number])
            for _ in range(choice.clips):
                stride = int(rng.choice(choice.strides))
                room = len(episode) - (choice.frames - 1) * stride
                first, wordings = int(rng.integers(max(room, 1))), range(choice.wordings)
                texts = tuple(write(scene, rng).text for _ in wordings)
                if room <= 0:  # short episodes have no slow clips
                    continue
                for cameras in groups:
                    self._windows.append(_Window(episode, cameras, first, stride))
                    self.prompts.append(texts)
        if not self._windows:
            raise DemonstrationError(
                f"no clip of {choice.frames} frames in {len(episodes)} episodes, of which "
                f"{self.left_out} show what is held out"
            )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._windows)

    def __getitem__(self, index: int) -> Clip:
        """Reads a clip."""
        window, choice = self._windows[index], self._choice
        return Clip.from_episode(
            window.episode, window.cameras, window.first, choice.frames, window.stride
        )


def resized(clip: Clip, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A clip's pictures and depth in a size that divides its own: means, and every n-th depth.

    Args:
        clip: (F, V, H, W).
        height: In pixels.
        width: Of a view.

    Returns:
        rgb (F, V, height, width, 3) uint8, depth (F, V, height, width) float32.

    Raises:
        ValueError: If the size does not divide the clip's.
    """
    frames, views, full_height, full_width = clip.depth.shape
    down, across = full_height // height, full_width // width
    if (down * height, across * width) != (full_height, full_width):
        raise ValueError(
            f"pictures of {full_width} x {full_height} do not divide into {width} x {height}"
        )
    blocks = clip.rgb.reshape(frames, views, height, down, width, across, 3)
    rgb = np.rint(blocks.mean(axis=(3, 5), dtype=np.float32)).astype(np.uint8)
    return rgb, clip.depth[:, :, down // 2 :: down, across // 2 :: across]
