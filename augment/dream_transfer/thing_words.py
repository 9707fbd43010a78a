"""Words for things: the descriptions that come with their models, taken apart.

`dark green wine bottle` has a color and a noun; `hammer with dark green handle` has a part with a
color. Prompts put other colors into the same places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from augment.dream_transfer.color_words import NamedColor, is_color_word, named
from envs.clutter import PREFIX as CLUTTER_PREFIX

FIXED_COLOR_NOUNS = ("bar", "block", "pad", "rectangle")
"""Things that instructions call by their color, which therefore stays."""
ROBOT = "robot"

_LOOKS = (
    *("banded", "chequered", "dotted", "glazed", "mottled", "patterned", "ringed", "speckled"),
    *("striped", "sunburst", "two-tone"),
)
_OUTLINES = ("hexagonal", "octagonal", "round", "square")
_MATERIALS = ("cork", "enamel", "felt", "lacquered", "plain", "plastic", "slate", "stoneware")
_WOODS = ("ash", "ebony", "oak", "pine", "teak", "walnut", "wood", "wooden")
_COLORLESS = ("cork", "plain")
"""Materials that are no material of a thing in another color."""
_SHARED = ("banded", "chequered", "patterned", "ringed", "striped", "sunburst", "two-tone")
"""Looks in which the color that is named need not be the one of most pixels."""
_PARTS = ("handle", "rim", "rings")


@dataclass(frozen=True)
class ThingWords:
    """A thing in words: `a round teal stoneware cup`, `a hammer with a red handle`.

    Attributes:
        name: The thing's name in the scene.
        noun: Such as `soda bottle`.
        looks: What stands before its colors, such as `speckled`.
        colors: Of the thing as a whole, the main one first; empty where it is not said.
        wood: Such as `oak`; beside colors where only a part is of wood.
        material: What stands after its colors, such as `enamel`.
        part: `handle`, or another part that has a color of its own.
        part_color: That color.
        also: What else is said behind all of it, such as `and pale bristles`.
    """

    name: str
    noun: str
    looks: tuple[str, ...] = ()
    colors: tuple[NamedColor, ...] = ()
    wood: str = ""
    material: str = ""
    part: str = ""
    part_color: NamedColor | None = None
    also: str = ""

    @property
    def kind(self) -> str:
        """The noun without what kind it is: `bottle` of a soda bottle."""
        return kind_of(self.noun)

    @property
    def main_color(self) -> NamedColor | None:
        """The color that one would recolor: the thing's, or that of its part."""
        return self.colors[0] if self.colors else self.part_color

    @property
    def seen_color(self) -> NamedColor | None:
        """The color that most of the thing has, if the words leave no doubt."""
        if len(self.colors) != 1 or self.wood or set(self.looks) & set(_SHARED):
            return None
        return self.colors[0]

    @property
    def side(self) -> str:
        """`left` or `right` where the scene calls it so, else empty."""
        side = self.name.partition("_")[0]
        return side if side in ("left", "right") else ""

    def recolored(self, colors: tuple[NamedColor, ...]) -> ThingWords:
        """The thing in other colors: as many as it has, and one if it has none."""
        if not self.colors and self.part_color is not None:
            return replace(self, part_color=colors[0])
        if self.part != "handle":  # rims and rings go with the look that they are part of
            self = replace(self, part="", part_color=None)
        material = "" if self.material in _COLORLESS else self.material
        return replace(self, colors=colors, wood="", material=material)


def kind_of(noun: str) -> str:
    """`bottle` of `soda bottle`, `chest` of `chest of drawers`."""
    return noun.partition(" of ")[0].rpartition(" ")[2]


def thing_words(things: Mapping[str, Mapping[str, Any]]) -> tuple[ThingWords, ...]:
    """Words for what a task put on the table: without room, robot and clutter.

    Args:
        things: An episode's `info["things"]`.
    """
    return tuple(
        parsed(name, thing["description"])
        for name, thing in things.items()
        if thing.get("description")
        and name != ROBOT
        and not name.startswith(CLUTTER_PREFIX)
        # A drawer looks like the furniture that it is part of.
        and not thing["description"].startswith("drawer of ")
    )


def parsed(name: str, description: str) -> ThingWords:
    """Takes a description apart; words that nobody knows are part of the noun or of a color."""
    front, _, behind = description.partition(" with ")
    words = front.split()
    known = [place for place, word in enumerate(words) if _is_modifier(word)]
    begin = known[-1] + 1 if known else 0
    thing = ThingWords(name, " ".join(words[begin:]))
    for segment in " ".join(words[:begin]).split(" and "):
        thing = _with_modifiers(thing, segment.split())
    return _with_behind(thing, behind) if behind else thing


def _is_modifier(word: str) -> bool:
    return word in (*_LOOKS, *_OUTLINES, *_MATERIALS, *_WOODS) or is_color_word(word)


def _with_modifiers(thing: ThingWords, words: list[str]) -> ThingWords:
    looks = tuple(word for word in words if word in (*_LOOKS, *_OUTLINES))
    thing = replace(thing, looks=thing.looks + looks)
    rest = [word for word in words if word not in looks]
    # Slate is a color and a material: `slate felt`, `teal slate`, `slate slate`.
    if rest and rest[-1] in _MATERIALS and (len(rest) > 1 or not is_color_word(rest[-1])):
        *rest, material = rest
        thing = replace(
            thing, material="" if rest == [material] or material == "plain" else material
        )
    if rest and rest[-1] in _WOODS:
        if rest[-1] == "wooden" and len(rest) > 1:
            *rest, material = rest
            thing = replace(thing, material=material)
        else:
            return replace(thing, wood=" ".join(rest))
    if rest:
        thing = replace(thing, colors=(*thing.colors, _color(rest)))
    return thing


def _color(words: list[str]) -> NamedColor:
    """`light blue`, or what ends in a color: `wine red`."""
    phrase = " ".join(words)
    return named(phrase) if is_color_word(phrase) else replace(named(words[-1]), words=(phrase,))


def _with_behind(thing: ThingWords, behind: str) -> ThingWords:
    first, separator, also = behind.partition(" and ")
    color, _, part = first.rpartition(" ")
    if part not in _PARTS or not is_color_word(color):
        return replace(thing, also=f"with {behind}")
    return replace(
        thing, part=part, part_color=named(color), also=f"and {also}" if separator else ""
    )
