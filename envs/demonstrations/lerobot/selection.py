"""What of a data set is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Selection:
    """What of a data set is exported, and how.

    Attributes:
        tasks: Of these tasks.
        episodes: So many episodes of each, from the first on; None for all.
        cameras: Pictures of these cameras.
        videos: RGB as H.264, which loses a little; False keeps each picture as a PNG.
        depth: Depth, as PNG in mm.
        weights: How often each episode should be drawn, by its resolved path: another column of
            the table of episodes, 0 for episodes that it lacks, as the training was without
            them. None leaves the column out.
    """

    tasks: Sequence[str]
    episodes: int | None
    cameras: Sequence[str]
    videos: bool
    depth: bool
    weights: Mapping[Path, float] | None = None
