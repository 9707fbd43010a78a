"""Changing how an episode looks while its geometry stays: what all ways to do so have in common.

A `Restyler` is one way, such as a generator of videos or a jitter of colors. It begins a
`Restyling` for each episode, which is then given the episode's frames in order, in blocks as long
as one likes: whole episodes where demonstrations are augmented, one frame at a time where a policy
acts. One episode has one look, whatever the blocks: the same surface keeps its appearance over
frames and views as well as the restyler can do it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip
from envs.demonstrations.episode_file import Episode

Things = Mapping[str, Mapping[str, Any]]
"""What an episode's segmentation stands for: by a thing's name, `ids` are its numbers in it.

As a demonstration's `info["things"]`; room and robot are things as well.
"""


class RestylingError(ValueError):
    """A restyler cannot do what is asked of it; one line says why."""


class Restyling(Protocol):
    """One episode in another look."""

    def __call__(self, clip: Clip) -> NDArray[np.uint8]:
        """Restyles the episode's next frames.

        Args:
            clip: F frames that follow on those of the last call; views as
                `Restyler.cameras` has them, the same ones at every call.

        Returns:
            Pictures (F, V, H, W, 3), as large as the clip's.

        Raises:
            RestylingError: For a clip that lacks something, or is not like those before.
        """
        ...


class Way(Protocol):
    """What all ways to change how episodes look say of themselves."""

    @property
    def name(self) -> str:
        """What it is called in tables and errors."""
        ...

    @property
    def cameras(self) -> tuple[str, ...] | None:
        """The views that a clip must have, in this order; None for any."""
        ...

    @property
    def frames(self) -> int:
        """How many frames it does best at a time."""
        ...

    @property
    def needs_segmentation(self) -> bool:
        """Whether clips must have segmentation."""
        ...


class Restyler(Way, Protocol):
    """A way that begins with pictures, whatever they are of."""

    def begin(self, prompt: str, seed: int, things: Things) -> Restyling:
        """Begins an episode; the same arguments and frames give the same pictures.

        Args:
            prompt: What it should look like; ignored by restylers that know no words.
            seed: Of all that is drawn, 0 or more.
            things: What segmentation stands for; may be empty where it is not needed.

        Raises:
            RestylingError: If `things` lacks some that are needed.
        """
        ...


@runtime_checkable
class EpisodeRestyler(Way, Protocol):
    """A way that begins with recorded demonstrations: what it makes, it makes of their actions."""

    def begin_episode(
        self, episode: Episode, variations: Mapping[str, Any], seed: int
    ) -> Restyling:
        """Begins an episode; one at a time.

        Args:
            episode: Is given to the restyling from its first frame on.
            variations: What varied when it was recorded, as its data set says (`Part`).
            seed: As for `Restyler.begin`.

        Raises:
            RestylingError: If it cannot be done again.
        """
        ...


def ordered_views(restyler: Way, cameras: Sequence[str]) -> tuple[str, ...]:
    """Cameras in the order in which a restyler wants their views.

    Args:
        restyler: What they are for.
        cameras: All that are to be restyled.

    Raises:
        RestylingError: If these are not the views that it knows.
    """
    known = restyler.cameras
    if known is None:
        return tuple(cameras)
    if set(known) != set(cameras):
        raise RestylingError(
            f"{restyler.name} restyles the views {', '.join(known)} together, and no others; "
            f"these are {', '.join(cameras) or 'none'}"
        )
    return known
