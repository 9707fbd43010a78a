"""Named colours that families paint their things with, seen ones and unseen ones."""

from __future__ import annotations

import numpy as np

from envs.objects.instances import UNSEEN, appearance_rng
from envs.objects.model import Color

_SEEN = {
    "red": "#b3261e",
    "green": "#2f7d3a",
    "blue": "#2456a6",
    "yellow": "#e0b21c",
    "white": "#e6e3da",
    "brown": "#6d4426",
    "grey": "#75797d",
    "orange": "#d8692a",
    "light blue": "#7fb2d6",
    "dark green": "#1d4a2c",
}
_UNSEEN = {
    "purple": "#6a3d8f",
    "pink": "#d8799a",
    "turquoise": "#2a9c98",
    "navy": "#1b2749",
    "beige": "#cbb48c",
    "olive": "#72722c",
    "maroon": "#621a28",
    "mint": "#9bd3b0",
    "mustard": "#a97f14",
    "charcoal": "#2b2c2f",
}


def linear(srgb: str) -> Color:
    """Linear RGB of a hexadecimal sRGB color such as `#b3261e` (IEC 61966-2-1)."""
    values = np.array([int(srgb[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    low = values <= 0.04045
    red, green, blue = np.where(low, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(red), float(green), float(blue)


def paint(family: str, appearance: int, place: int = 0) -> tuple[str, Color]:
    """Name and linear RGB of one of the colors of an appearance of a family.

    Every appearance of a family has its own first color; unseen appearances have colors that no
    seen one has.

    Args:
        family: The family's name.
        appearance: Number of the appearance.
        place: 0 for the main color, 1 for the next one, ...
    """
    unseen = appearance in UNSEEN
    names = list((_UNSEEN if unseen else _SEEN).items())
    # The family's own order of the colors: not everything with number 3 is yellow.
    order = appearance_rng(family, UNSEEN.start if unseen else 0).permutation(len(names))
    name, srgb = names[order[(appearance + 3 * place) % len(names)]]
    return name, linear(srgb)
