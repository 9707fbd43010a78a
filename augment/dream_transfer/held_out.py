"""Combinations of things and colors that a generator is not trained on, so that they test it.

A thing's kind or a surface's pattern with a color: with one of the 21 color names each, as a scene
has several of both, and one that is held out keeps the whole scene from training. By name, not by
word: where a dark red bottle is held out, so is a burgundy one. Episodes with one of them are left
out of the generator's training (`has_held_out`).
"""

from __future__ import annotations

import hashlib
from functools import cache

from augment.dream_transfer.scene_words import SceneWords
from augment.dream_transfer.surface_words import EVEN, SurfaceWords, surface_words
from augment.dream_transfer.thing_words import FIXED_COLOR_NOUNS, kind_of
from augment.video_metrics.color_names import TYPICAL, checked_name

HELD_OUT = 1
"""Color names of each kind of thing and each pattern."""


def is_held_out(noun: str, color: str) -> bool:
    """Whether a combination is kept from training.

    Never those that scenes always have: things whose color instructions name, and the table and
    the walls without a texture.

    Args:
        noun: A thing's, such as `soda bottle`, of which `bottle` counts; or a surface's pattern.
        color: A name or word of `augment.video_metrics.color_names`.

    Raises:
        augment.clip.ClipError: For an unknown color.
    """
    kind, name = kind_of(noun), checked_name(color)
    return kind not in FIXED_COLOR_NOUNS and name in _colors(kind)


def surface_is_held_out(surface: SurfaceWords) -> bool:
    """Whether the main color, or one of two that cover as much, is held out with the pattern."""
    colors = surface.colors if surface.pattern in EVEN else surface.colors[:1]
    return any(is_held_out(surface.pattern, color.name) for color in colors)


def has_held_out(scene: SceneWords) -> bool:
    """Whether anything in a scene is held out: whether training must not see it."""
    return any(
        thing.main_color is not None and is_held_out(thing.noun, thing.main_color.name)
        for thing in scene.things
    ) or any(
        surface is not None and surface_is_held_out(surface)
        for surface in (scene.table, scene.wall)
    )


@cache
def _colors(kind: str) -> frozenset[str]:
    """The color names that are held out with a noun: the first in an order that a hash gives."""

    def order(name: str) -> str:
        return hashlib.sha256(f"{kind} {name}".encode()).hexdigest()

    untextured = [surface_words(surface, None) for surface in ("table", "wall")]
    usual = {look.colors[0].name for look in untextured if look.pattern == kind}
    return frozenset(sorted(set(TYPICAL) - usual, key=order)[:HELD_OUT])
