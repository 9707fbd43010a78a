"""Named colours that families paint their things with: seen, unseen, and for generators."""

from __future__ import annotations

import numpy as np

from envs.objects.instances import (
    FOR_GENERATORS,
    SEEN,
    UNSEEN,
    appearance_rng,
    check_appearance,
)
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
_FOR_GENERATORS = {
    "scarlet": "#d42a1c",
    "crimson": "#a8122e",
    "burgundy": "#5c1228",
    "coral": "#ee6c58",
    "salmon": "#e58a78",
    "raspberry": "#c02860",
    "rose": "#d46a86",
    "tangerine": "#ee8a28",
    "rust": "#a34a1e",
    "peach": "#f0b894",
    "chocolate": "#4a2a18",
    "tan": "#b8905c",
    "sand": "#d8c498",
    "cream": "#efe4c2",
    "lemon": "#efe04a",
    "gold": "#cfa028",
    "ochre": "#a8781c",
    "khaki": "#8a8248",
    "lime": "#9ccc2c",
    "moss": "#5c6e24",
    "emerald": "#169a5a",
    "forest green": "#1e5a30",
    "pale green": "#a8d8a0",
    "sage": "#8fa486",
    "teal": "#147a7a",
    "cyan": "#28c4d0",
    "aqua": "#7fdcd2",
    "sky blue": "#78b8e8",
    "cobalt": "#1e4cc0",
    "steel blue": "#4a76a0",
    "midnight blue": "#14204a",
    "slate": "#566474",
    "violet": "#7a3ac8",
    "lilac": "#b89ad8",
    "plum": "#6a2a5c",
    "magenta": "#c42a96",
    "indigo": "#3c2a8a",
    "black": "#141414",
    "dark grey": "#3c3f42",
    "silver": "#b4b8bc",
    "ivory": "#f2eedc",
}
_NAMES = ((SEEN, _SEEN), (UNSEEN, _UNSEEN), (FOR_GENERATORS, _FOR_GENERATORS))


def linear(srgb: str) -> Color:
    """Linear RGB of a hexadecimal sRGB color such as `#b3261e` (IEC 61966-2-1)."""
    values = np.array([int(srgb[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    low = values <= 0.04045
    red, green, blue = np.where(low, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(red), float(green), float(blue)


def paint(family: str, appearance: int, place: int = 0) -> tuple[str, Color]:
    """Name and linear RGB of one of the colors of an appearance of a family.

    Every seen and every unseen appearance of a family has its own first color; those of one kind
    (seen, unseen, for generators) have colors that no other kind has.

    Args:
        family: The family's name.
        appearance: Number of the appearance.
        place: 0 for the main color, 1 for the next one, ...
    """
    name, srgb = swatch(family, appearance, place)
    return name, linear(srgb)


def swatch(family: str, appearance: int, place: int = 0) -> tuple[str, str]:
    """The same color's name and hexadecimal sRGB.

    Raises:
        ValueError: For a number that no appearance has.
    """
    check_appearance(family, appearance)
    ((first, colors),) = [(kind.start, named) for kind, named in _NAMES if appearance in kind]
    names = list(colors.items())
    # The family's own order of the colors: not everything with number 3 is yellow.
    order = appearance_rng(family, first).permutation(len(names))
    return names[order[(appearance + 3 * place) % len(names)]]  # type: ignore[no-any-return]
