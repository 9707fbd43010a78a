"""Names of colors: the eleven basic color terms, some light and dark ones, and turquoise.

**Reconstruction**: how EMMA measures text alignment is not known. A color has the name of the
nearest of some typical colors in CIELAB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.clip import ClipError
from augment.video_metrics.lab import difference, lab
from envs.errors import nearest

TYPICAL = {
    "black": ("#0c0c0c",),
    "dark grey": ("#36383a",),
    "grey": ("#7b7d80",),
    "white": ("#e6e4de", "#ffffff"),
    "red": ("#b8221f", "#f51414"),
    "dark red": ("#5e1a20",),
    "green": ("#2f8040", "#14c828"),
    "light green": ("#94d0a4",),
    "dark green": ("#1d4a2c",),
    "blue": ("#2456a6", "#1e32f0"),
    "light blue": ("#82b4da",),
    "dark blue": ("#1b2a5a",),
    "yellow": ("#e2b81e", "#fff01e"),
    "dark yellow": ("#87762a",),
    "orange": ("#d96c24", "#ff8c14"),
    "brown": ("#6d4426",),
    "light brown": ("#c4a67c",),
    "purple": ("#6a3d8f", "#a014d2"),
    "light purple": ("#a98ac8",),
    "pink": ("#d8799a", "#ff8cc8"),
    "turquoise": ("#2a9c98", "#28dcd7"),
}
"""sRGB of what each name is used for: something painted, and a vivid or a bright one."""

ALIASES = {
    "gray": "grey",
    "beige": "light brown",
    "charcoal": "dark grey",
    "maroon": "dark red",
    "mint": "light green",
    "mustard": "dark yellow",
    "navy": "dark blue",
    "olive": "dark yellow",
    "scarlet": "red",
    "crimson": "red",
    "burgundy": "dark red",
    "coral": "red",
    "salmon": "pink",
    "raspberry": "pink",
    "rose": "pink",
    "rosy": "red",
    "tangerine": "orange",
    "rust": "brown",
    "peach": "light brown",
    "chocolate": "brown",
    "tan": "light brown",
    "sand": "light brown",
    "cream": "white",
    "lemon": "yellow",
    "gold": "yellow",
    "golden": "yellow",
    "ochre": "dark yellow",
    "khaki": "dark yellow",
    "lime": "green",
    "moss": "dark yellow",
    "emerald": "green",
    "forest green": "dark green",
    "pale green": "light green",
    "sage": "light green",
    "teal": "turquoise",
    "cyan": "turquoise",
    "aqua": "turquoise",
    "sky blue": "light blue",
    "cobalt": "blue",
    "steel blue": "blue",
    "midnight blue": "dark blue",
    "slate": "grey",
    "violet": "purple",
    "lilac": "light purple",
    "plum": "purple",
    "magenta": "purple",
    "indigo": "purple",
    "silver": "grey",
    "ivory": "white",
}
"""Other words, among them all those of `envs.objects`, and which name they mean.

Of names about as near to what the palette paints with a word, the one that the paint still passes
for in the light of the simulator's room.
"""

BORDERLINE = 5.0
"""Delta E by which a color may be nearer to another name's and still pass for what was said.

What a render calls white is light grey to a color meter, and people do not agree at the borders
either. Different basic colors are five times as far apart.
"""

_NAMES = tuple(name for name, codes in TYPICAL.items() for _ in codes)
_TYPICAL_LAB = lab(
    np.array(
        [
            [int(code[i : i + 2], 16) for i in (1, 3, 5)]
            for codes in TYPICAL.values()
            for code in codes
        ],
        dtype=np.uint8,
    )
)


def checked_name(name: str) -> str:
    """The name in `TYPICAL` that a color word means.

    Raises:
        ClipError: If there is none, with the nearest ones.
    """
    meant = ALIASES.get(name, name)
    if meant not in TYPICAL:
        raise ClipError(f"unknown color '{name}'; {nearest(name, [*TYPICAL, *ALIASES])}")
    return meant


def basic(name: str) -> str:
    """The basic term of a name: that of `light blue` is `blue`."""
    return name.rsplit(" ", 1)[-1]


def color_names(colors: NDArray[Any]) -> NDArray[np.str_]:
    """Names (N,) of Lab colors (N, 3)."""
    apart = difference(colors[:, None], _TYPICAL_LAB)
    names: NDArray[np.str_] = np.array(_NAMES)[apart.argmin(axis=1)]
    return names


def color_name(color: NDArray[Any]) -> str:
    """Name of a Lab color (3,)."""
    return str(color_names(color[None])[0])


def is_called(color: NDArray[Any], name: str) -> bool:
    """Whether a Lab color (3,) passes for what a name says.

    A basic term has its light and dark variants in it; a variant does not have the others.

    Args:
        color: Lab.
        name: One of `TYPICAL` or `ALIASES`.

    Raises:
        ClipError: For another name.
    """
    meant = checked_name(name)
    apart = difference(color, _TYPICAL_LAB)
    fitting = [meant in (each, basic(each)) for each in _NAMES]
    return bool(apart[fitting].min() <= apart.min() + BORDERLINE)
