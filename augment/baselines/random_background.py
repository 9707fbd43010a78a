"""Random background: the room in random textures, everything else as it was.

Floor, walls and table each get a texture that lies on the surface (`surface_texture`), so that it
neither swims over time nor differs between views. It is pasted: it has neither light nor shadows.

Textures come from the generator of the variations `table_texture` and `wall_texture`, under names
of their own: none is one that these show, in training or in evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from augment.baselines.surface_texture import TiledTexture, surface_points
from augment.clip import Clip
from augment.restyling import RestylingError, Things
from envs.picture import Picture
from envs.point_cloud import unproject
from envs.randomization.surfaces import surface_look
from envs.randomness import stream

_TILES = {"floor": 1.0, "wall": 1.0, "table": 0.4}
"""Middle size of one repetition of a surface's texture in m: the room's own."""
_LOOKS = 200
"""Textures of a surface that are drawn from."""


@dataclass(frozen=True)
class RandomBackground:
    """Replaces every pixel of floor and walls, and of the table where that is wanted.

    Attributes:
        table: Whether the table is replaced too, its legs included.
    """

    table: bool = True

    name: ClassVar[str] = "random_background"
    cameras: ClassVar[None] = None
    frames: ClassVar[int] = 32
    needs_segmentation: ClassVar[bool] = True

    def begin(self, prompt: str, seed: int, things: Things) -> Background:
        """Draws an episode's textures; the prompt is ignored.

        Each surface draws from a generator of its own: floor and walls are the same with the
        table and without.

        Raises:
            RestylingError: If nobody knows where the room is.
        """
        textures, surfaces = {}, {}
        for name in _TILES if self.table else ("floor", "wall"):
            ids = [
                number
                for thing in things
                if room_surface(thing) == name
                for number in things[thing]["ids"]
            ]
            if not ids:
                raise RestylingError(
                    f"{self.name} needs to know which things are the room's, but there is no "
                    f"{name} among {', '.join(things) or 'no things'}"
                )
            textures[name], surfaces[name] = _texture(name, seed), ids
        return Background(textures, surfaces)


def room_surface(thing: str) -> str | None:
    """`floor`, `wall` or `table` for a thing of the room by its name; None for any other thing."""
    if thing in ("floor", "table"):
        return thing
    if thing in ("wall", "wall_left", "wall_right", "wall_back"):
        return "wall"
    return "table" if thing.startswith("table_leg_") else None


class Background:
    """One episode's room."""

    def __init__(self, textures: dict[str, TiledTexture], surfaces: dict[str, list[int]]) -> None:
        """Keeps what was drawn.

        Args:
            textures: By surface.
            surfaces: Numbers of the surface's things in the segmentation, likewise.
        """
        self._textures, self._surfaces = textures, surfaces

    def __call__(self, clip: Clip) -> NDArray[np.uint8]:
        """Replaces the room in the next frames.

        Raises:
            RestylingError: If the clip has no segmentation.
        """
        if clip.segmentation is None:
            raise RestylingError(f"{RandomBackground.name} needs segmentation; the clip has none")
        rgb = clip.rgb.copy()
        for where in np.ndindex(rgb.shape[:2]):
            picture = Picture(
                clip.rgb[where],
                clip.depth[where],
                clip.segmentation[where],
                clip.intrinsic_cv[where],
                clip.extrinsic_cv[where],
            )
            self._paint(rgb[where], picture)
        return rgb

    def _paint(self, rgb: NDArray[np.uint8], picture: Picture) -> None:
        """Replaces the room in one picture."""
        known = picture.depth > 0
        masks = {
            name: np.isin(picture.segmentation, ids) & known for name, ids in self._surfaces.items()
        }
        room = np.logical_or.reduce(list(masks.values()))
        points = surface_points(unproject(picture), np.where(room, picture.segmentation, 0))
        for name, mask in masks.items():
            rgb[mask] = self._textures[name].seen(points.some(mask[room]))


def _texture(surface: str, seed: int) -> TiledTexture:
    rng = stream(seed, f"{RandomBackground.name} {surface}")
    look = surface_look(f"{RandomBackground.name} {surface}", int(rng.integers(_LOOKS)))
    tile = _TILES[surface] * 2 ** rng.uniform(-1, 1)
    across, along = rng.uniform(0, 1, 2).tolist()
    return TiledTexture(look.texture, float(tile), (across, along))
