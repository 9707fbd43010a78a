"""Words for the table's top and the walls, out of what `envs.randomization.surfaces` drew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.dream_transfer.color_words import NamedColor, of_paint
from augment.video_metrics.lab import difference, lab
from envs.objects.textures import encoded
from envs.randomization.surfaces import surface_look
from envs.scene_settings import SceneSettings, Surface

PATTERNS = ("plain", "wooden", "mottled", "speckled", "striped", "chequered", "dotted")
TWO_COLORED = ("speckled", "striped", "chequered", "dotted")
EVEN = ("striped", "chequered")
"""Patterns in which both colors have as much room, so that neither is the main one."""
VISIBLE = {"two-colored": 8.0, "one-colored": 1.0}
"""Delta E, between two colors or of one around its mean, below which one sees no pattern."""


@dataclass(frozen=True)
class SurfaceWords:
    """A table's top or walls in words.

    Attributes:
        pattern: One of `PATTERNS`.
        colors: The one that covers most first; two where the pattern has two. Empty where it is
            not said.
    """

    pattern: str
    colors: tuple[NamedColor, ...]

    @property
    def seen_color(self) -> NamedColor | None:
        """The color that most of it has, if there is one that has."""
        even = self.pattern in EVEN and len({color.name for color in self.colors}) > 1
        return None if even or not self.colors else self.colors[0]


def surface_words(kind: str, value: Mapping[str, Any] | None) -> SurfaceWords:
    """Words for a surface.

    Args:
        kind: `table` or `wall`.
        value: What `table_texture` or `wall_texture` drew; None where it took no part.
    """
    if value is None:
        return _words(kind, 0, 0.0)
    return _words(kind, int(value["texture"]), float(value["covers"]))


@cache
def _words(kind: str, number: int, covers: float) -> SurfaceWords:
    surface: Surface = getattr(SceneSettings(), kind)
    plain = encoded(np.array(surface.color))
    if covers == 0.0:
        return SurfaceWords("plain", (of_paint(plain),))
    look = surface_look(kind, number)

    def mixed(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As `SurfaceTexture.apply` mixes."""
        return np.rint(covers * texture + (1.0 - covers) * plain).astype(np.uint8)

    pixels = mixed(look.texture[::2, ::2].reshape(-1, 3))
    mean = np.rint(pixels.mean(axis=0)).astype(np.uint8)
    if look.pattern not in TWO_COLORED:
        spread = float(difference(lab(pixels), lab(mean)).mean())
        pattern = look.pattern if spread >= VISIBLE["one-colored"] else "plain"
        return SurfaceWords(pattern, (of_paint(mean),))
    colors = np.stack([mixed(encoded(np.array(color))) for color in look.colors])
    of_first = difference(lab(pixels)[:, None], lab(colors)).argmin(axis=1) == 0
    if of_first.mean() < 0.5:
        colors = colors[::-1]
    if difference(*lab(colors)) < VISIBLE["two-colored"]:
        return SurfaceWords("plain", (of_paint(colors[0]),))
    return SurfaceWords(look.pattern, tuple(of_paint(color) for color in colors))
