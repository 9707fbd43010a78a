"""Words for colors in prompts, and which of them no clip that is learned from comes with.

The words are those of `envs.objects.palette`, whose unseen appearances have colors of their own:
their words are kept out of the prompts of clips, where a turquoise table is teal. (The text encoder
has learned before, without pictures, what colors they mean: `training.sayings`.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from augment.video_metrics.color_names import ALIASES, TYPICAL, checked_name, color_name, is_called
from augment.video_metrics.lab import difference, lab, linear
from envs.objects.instances import FOR_GENERATORS, SEEN, UNSEEN
from envs.objects.palette import swatch
from envs.objects.textures import encoded

ROOM_LIGHT = (1.0, 0.8, 0.65)
"""Parts of the light that come back from something white in the simulator's room."""
FITTING = 20.0
"""Delta E up to which a word fits a color that has the same name; words are less sure than names.
"""

_FORMS = {
    "chocolate": ("chocolate brown",),
    "cobalt": ("cobalt blue",),
    "coral": ("coral red", "coral"),
    "cream": ("cream-colored", "cream"),
    "emerald": ("emerald green", "emerald"),
    "gold": ("gold-colored", "gold"),
    "ivory": ("ivory", "ivory white"),
    "lemon": ("lemon yellow",),
    "lime": ("lime green",),
    "moss": ("moss green",),
    "peach": ("peach-colored",),
    "plum": ("plum-colored",),
    "raspberry": ("raspberry red", "raspberry-colored"),
    "rose": ("rose-colored",),
    "rust": ("rust brown", "rust-colored"),
    "sage": ("sage green",),
    "salmon": ("salmon-colored",),
    "sand": ("sand-colored",),
    "silver": ("silver grey",),
    "slate": ("slate grey",),
    "tangerine": ("tangerine orange",),
}
"""How words are said that are fruit, stones or plants when they stand alone."""


def _paints(*kinds: range) -> dict[str, str]:
    """Words and hexadecimal sRGB of the palette, for kinds of appearances."""
    return dict(swatch("prompts", appearance) for kind in kinds for appearance in kind)


_PAINTS = _paints(SEEN, UNSEEN, FOR_GENERATORS)
TRAINING_WORDS = tuple(_paints(SEEN, FOR_GENERATORS))
"""Words of things that a generator is trained on."""
UNSEEN_WORDS = tuple(_paints(UNSEEN))
"""Words that no prompt of a clip has in training."""


@dataclass(frozen=True)
class NamedColor:
    """A color as prompts say it and as it is measured.

    Attributes:
        name: Its name in `augment.video_metrics.color_names.TYPICAL`.
        words: Words of which each fits.
        sure: Whether it passes for its name in the light of the room, too. What does not is no
            use as a claim.
    """

    name: str
    words: tuple[str, ...]
    sure: bool

    def said(self, rng: np.random.Generator) -> tuple[NamedColor, str]:
        """This color with only the word that it is now called by, and how that is written."""
        word = self.words[int(rng.integers(len(self.words)))]
        forms = _FORMS.get(word, (word,))
        said = NamedColor(self.name, (word,), self.sure)
        return said, forms[int(rng.integers(len(forms)))]


def is_color_word(word: str) -> bool:
    """Whether `named` knows a word."""
    return word in TYPICAL or word in ALIASES


@cache
def named(word: str) -> NamedColor:
    """The color that a word of the palette or of `color_names` means.

    Raises:
        augment.clip.ClipError: For another word.
    """
    name = checked_name(word)
    sure = word not in _PAINTS or _passes(_rgb(_PAINTS[word]), name)
    return NamedColor(name, (word,), sure)


def lab_of(color: NamedColor) -> NDArray[np.float32]:
    """What a color's first word means, as Lab (3,)."""
    known = _labs().get(color.words[0])
    return lab(_rgb(TYPICAL[color.name][0])) if known is None else known


def of_paint(rgb: NDArray[np.uint8]) -> NamedColor:
    """A painted color (3,) in sRGB with the words of training that fit it.

    These are its name, and words of about this color that mean the same.
    """
    color = lab(rgb)
    name = color_name(color)
    apart = {
        word: float(difference(_labs()[word], color))
        for word in TRAINING_WORDS
        if checked_name(word) == name
    }
    fitting = [word for word in apart if apart[word] <= FITTING]
    if not set(name.split()) & set(UNSEEN_WORDS) and name not in fitting:
        fitting.append(name)
    words = fitting or [min(apart, key=lambda word: apart[word])]
    return NamedColor(name, tuple(words), _passes(rgb, name))


def _passes(rgb: NDArray[np.uint8], name: str) -> bool:
    lit = [encoded(part * linear(rgb).astype(np.float64)) for part in ROOM_LIGHT]
    return all(is_called(lab(color), name) for color in lit)


@cache
def _labs() -> dict[str, NDArray[np.float32]]:
    return {word: lab(_rgb(srgb)) for word, srgb in _PAINTS.items()}


def _rgb(srgb: str) -> NDArray[np.uint8]:
    return np.array([int(srgb[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.uint8)
