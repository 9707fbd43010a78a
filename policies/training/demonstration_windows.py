"""Demonstrations as a torch data set: one item for each frame of each episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from envs.cameras import CameraModel
from envs.demonstrations.episode_file import Episode
from policies.imitation.batch import Item, observation_item
from policies.imitation.method import Window
from policies.policy import Observation, Observes
from policies.training.point_clouds import PointClouds, point_cloud


class DemonstrationWindows(Dataset[Item]):
    """What a method learns from, frame by frame; see `policies.imitation.batch`.

    History before an episode's beginning is its first observation, as the runner gives it.

    Attributes:
        episodes: The demonstrations.
        lengths: Their frames.
    """

    def __init__(
        self,
        episodes: Sequence[Episode],
        observes: Observes,
        window: Window,
        standard: CameraModel | None = None,
        point_clouds: PointClouds | None = None,
    ) -> None:
        """Indexes the frames.

        Args:
            episodes: The demonstrations.
            observes: What the method observes.
            window: Which actions it learns.
            standard: Camera that pictures are warped to.
            point_clouds: Those of the episodes; without, they are made frame by frame.
        """
        self.episodes, self._observes = list(episodes), observes
        self._window, self._standard, self._point_clouds = window, standard, point_clouds
        self.lengths = [len(episode) for episode in episodes]
        self._first = np.concatenate([[0], np.cumsum(self.lengths)])

    def __len__(self) -> int:
        """Number of frames."""
        return int(self._first[-1])

    def place(self, index: int) -> tuple[int, int]:
        """The episode of an item, and its frame in it."""
        episode = int(np.searchsorted(self._first, index, side="right")) - 1
        return episode, int(index - self._first[episode])

    def index(self, episode: int, frame: int) -> int:
        """The item of a frame of an episode."""
        return int(self._first[episode]) + frame

    def __getitem__(self, index: int) -> Item:
        """One item."""
        number, frame = self.place(index)
        episode, observes = self.episodes[number], self._observes
        backs = [observes.history_stride * i for i in reversed(range(observes.history))]
        observations = [self._observation(number, max(0, frame - back)) for back in backs]
        item = observation_item(observations, observes, self._standard)
        places = frame + self._window.first + np.arange(self._window.horizon)
        inside = np.clip(places, 0, len(episode.action) - 1)
        item["action"] = torch.from_numpy(episode.action[inside])
        item["padded"] = torch.from_numpy(inside != places)
        return item

    def _observation(self, number: int, frame: int) -> Observation:
        episode, observes = self.episodes[number], self._observes
        if observes.obs_mode != "pointcloud":
            pictures = {"state": (), "rgb": ("rgb",), "rgbd": ("rgb", "depth")}[observes.obs_mode]
            return episode.observation(frame, observes.cameras, pictures)
        if self._point_clouds is not None:
            cloud = self._point_clouds.of(number)[frame]
            return {**episode.observation(frame, (), ()), "pointcloud": cloud}
        observation = episode.observation(frame, observes.cameras)
        return {**observation, "pointcloud": point_cloud(episode, observation)}
