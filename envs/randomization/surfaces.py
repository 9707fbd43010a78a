"""What the table and the walls look like.

Textures are made by code from a number: 0-99 may be seen in training, 100-199 are kept for
evaluation.
"""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from envs.objects import textures
from envs.objects.model import Color, Texture
from envs.randomization.variation import SizedVariation
from envs.scene_settings import SceneSettings, Surface

SPLITS = {"seen": range(100), "unseen": range(100, 200)}

_BRIGHTEST = 0.85
"""Brightest linear channel of a drawn color: nothing is whiter than paper."""


@dataclass(frozen=True, eq=False)
class SurfaceLook:
    """What a number stands for.

    Attributes:
        pattern: `wooden`, `mottled`, `speckled`, `striped`, `chequered`, `dotted` or `plain`.
        colors: Linear RGB; the ground's, and that of what is on it if the pattern has two.
        texture: (H, W, 3) uint8 sRGB.
    """

    pattern: str
    colors: tuple[Color, ...]
    texture: Texture


@lru_cache(maxsize=64)
def surface_look(kind: str, number: int) -> SurfaceLook:
    """The look of a number.

    Args:
        kind: `table` or `wall`: they have looks of their own.
        number: 0 .. 199.

    Raises:
        ValueError: For another number.
    """
    if number not in range(200):
        raise ValueError(f"{kind} texture {number} is not in 0 .. 199")
    rng = np.random.default_rng([zlib.crc32(f"{kind} texture".encode()), number])
    first, second = _color(rng), _color(rng)
    count = int(rng.integers(1, 6))
    # Both splits have all patterns: what is unseen is this one, not its kind.
    pattern = int(rng.integers(7))
    if pattern == 0:
        return SurfaceLook("wooden", (first,), textures.wood(first, rng, int(rng.integers(4, 12))))
    if pattern == 1:
        return SurfaceLook(
            "mottled", (first,), textures.mottled(first, rng, float(rng.uniform(0.2, 0.6)))
        )
    if pattern == 2:
        specks = textures.speckled(first, second, rng, float(rng.uniform(0.05, 0.4)))
        return SurfaceLook("speckled", (first, second), specks)
    if pattern == 3:
        stripes = textures.stripes(first, second, count, along_v=bool(rng.random() < 0.5))
        return SurfaceLook("striped", (first, second), stripes)
    if pattern == 4:
        return SurfaceLook("chequered", (first, second), textures.checks(first, second, count))
    if pattern == 5:
        dots = textures.dots(first, second, count, float(rng.uniform(0.15, 0.45)))
        return SurfaceLook("dotted", (first, second), dots)
    plain = textures.encoded(np.broadcast_to(np.array(first), (8, 8, 3)))
    return SurfaceLook("plain", (first,), plain)


def _color(rng: np.random.Generator) -> Color:
    channels = _BRIGHTEST * rng.uniform(0.05, 1.0, 3) ** 1.5
    grey = rng.uniform(0.0, 0.8)  # wood, stone and cloth are seldom pure colors
    red, green, blue = (grey * channels.mean() + (1.0 - grey) * channels).tolist()
    return red, green, blue


@dataclass(frozen=True, kw_only=True)
class SurfaceTexture(SizedVariation):
    """A surface's look changes to a drawn texture. Size: how much of it covers the plain color.

    Attributes:
        textures: `seen` or `unseen`: which ones are drawn from.
    """

    LEVELS: ClassVar = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    LIMIT: ClassVar = 1.0
    surface: ClassVar[str]

    textures: str = "unseen"

    def __post_init__(self) -> None:
        """Checks the options.

        Raises:
            InvalidOptionError: In one line.
        """
        super().__post_init__()
        if self.textures not in tuple(SPLITS):
            raise self.wrong("textures", self.textures, " or ".join(SPLITS))

    def sample(self, rng: np.random.Generator, settings: SceneSettings) -> dict[str, Any]:
        """A texture's number, and how much it covers."""
        number = int(rng.choice(SPLITS[self.textures]))
        return {"texture": number, "covers": self.draw_size(rng)}

    def apply(self, value: dict[str, Any], settings: SceneSettings) -> SceneSettings:
        """The surface with its texture."""
        if value["covers"] == 0.0:
            return settings
        plain: Surface = getattr(settings, self.surface)
        texture = surface_look(self.surface, value["texture"]).texture
        covers = value["covers"]
        # Mixed as sRGB values, which is about how evenly people see.
        mixed = covers * texture + (1.0 - covers) * textures.encoded(np.array(plain.color))
        painted = dataclasses.replace(plain, texture=np.rint(mixed).astype(np.uint8))
        changed: dict[str, Any] = {self.surface: painted}
        return dataclasses.replace(settings, **changed)


@dataclass(frozen=True, kw_only=True)
class TableTexture(SurfaceTexture):
    """The table's top looks different."""

    name: ClassVar[str] = "table_texture"
    surface: ClassVar[str] = "table"


@dataclass(frozen=True, kw_only=True)
class WallTexture(SurfaceTexture):
    """The walls look different."""

    name: ClassVar[str] = "wall_texture"
    surface: ClassVar[str] = "wall"
