"""Phrases that prompts are put together from: things, surfaces and light, each in several wordings.

Each comes with what it says, since not all wordings say all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from augment.dream_transfer.light_words import LightWords
from augment.dream_transfer.surface_words import SurfaceWords
from augment.dream_transfer.thing_words import ThingWords

T = TypeVar("T")

_NUMBERS = {2: "two", 3: "three", 4: "four"}
_SHOES = ("boot", "loafer", "sneaker")
_SPECIES = {"light brown": ("oak", "pine", "pale oak"), "brown": ("walnut", "dark oak")}
"""Woods that may be called by their name alone."""
SPECIES_SAID = 0.25

# What stands before and behind the noun; c is the main color and d the other one. In capitals they
# are nouns: cream-colored stripes, stripes in cream.
_AROUND_NOUN: dict[str, tuple[tuple[str, str], ...]] = {
    "plain": (("{c}", ""), ("{c}", ""), ("plain {C}", "")),
    "wooden": (("{c} wooden", ""), ("{c} wood-grain", ""), ("wooden", " in {C}")),
    "mottled": (("mottled {c}", ""), ("marbled {c}", ""), ("cloudy {c}", "")),
    "speckled": (
        ("{c}", " with {d} specks"),
        ("{c}", " speckled with {D}"),
        ("{c}", " flecked with {D}"),
    ),
    "striped": (
        ("{c} and {d} striped", ""),
        ("", " with {c} and {d} stripes"),
        ("", " striped in {C} and {D}"),
    ),
    "chequered": (
        ("{c} and {d} chequered", ""),
        ("{c} and {d} checkered", ""),
        ("", " with {c} and {d} checks"),
        ("", " chequered in {C} and {D}"),
    ),
    "dotted": (
        ("{c}", " with {d} dots"),
        ("{c}", " with {d} polka dots"),
        ("{c}", " dotted with {D}"),
    ),
}
_AROUND_NOUN_OF_ONE_COLOR: dict[str, tuple[tuple[str, str], ...]] = {
    "speckled": (("speckled {c}", ""), ("{c} speckled", "")),
    "striped": (("{c} striped", ""), ("striped {c}", ""), ("", " with {c} stripes")),
    "chequered": (("{c} chequered", ""), ("checkered {c}", ""), ("", " with {c} checks")),
    "dotted": (("dotted {c}", ""), ("spotted {c}", "")),
}
_PREDICATES: dict[str, tuple[str, ...]] = {
    "plain": ("{c}", "plain {C}"),
    "wooden": ("made of {c} wood", "{c} and wooden"),
    "mottled": ("mottled {c}", "marbled in {C}"),
    "speckled": ("{c} with {d} specks", "{c} with flecks of {D}"),
    "striped": ("striped in {C} and {D}", "{c} and {d} striped"),
    "chequered": ("chequered in {C} and {D}", "checkered in {C} and {D}"),
    "dotted": ("{c} with {d} dots", "{c} with {d} polka dots"),
}
_PREDICATES_OF_ONE_COLOR: dict[str, tuple[str, ...]] = {
    "speckled": ("speckled {c}",),
    "striped": ("striped in {C}",),
    "chequered": ("chequered in {C}",),
    "dotted": ("dotted {c}",),
}
_NOUNS = {"table": ("table", "table", "tabletop"), "wall": ("wall",)}
_SUBJECTS = {
    "table": ("the table is", "the tabletop is"),
    "wall": ("the wall is", "the walls are", "the wall behind is"),
}
_BRIGHTNESS = {
    "dim": ("dim", "faint", "weak"),
    "normal": ("normal", "ordinary"),
    "bright": ("bright", "strong"),
}
_TEMPERATURE = {
    "cool": ("cool", "cold", "bluish"),
    "neutral": ("neutral", "neutral white"),
    "warm": ("warm", "warm yellowish", "yellowish"),
}
_TINT = {"green": ("greenish",), "violet": ("violet-tinted",)}
_SIDE = {
    "left": ("from the left",),
    "front": ("from the front", "from behind the camera"),
    "right": ("from the right",),
}


@dataclass(frozen=True)
class Mention:
    """Things that a prompt mentions at once.

    Attributes:
        text: `a red mug on the left`, `two oak mug racks`.
        things: The things, in the words that are used.
        side: Whether the text says where they are.
    """

    text: str
    things: tuple[ThingWords, ...]
    side: bool


@dataclass(frozen=True)
class SurfacePhrases:
    """Ways to say one thing about the table or the walls.

    Attributes:
        noun_phrase: `a teal table with white dots`.
        sentences: Without capital and full stop.
        said: What they say.
    """

    noun_phrase: str
    sentences: tuple[str, ...]
    said: SurfaceWords


@dataclass(frozen=True)
class LightPhrases:
    """Ways to say one thing about the light.

    Attributes:
        noun_phrase: `dim, warm light from the left`.
        additions: What may stand behind a comma, such as `lit from the left`.
        sentences: Without capital and full stop.
    """

    noun_phrase: str
    additions: tuple[str, ...]
    sentences: tuple[str, ...]


def picked(choices: Sequence[T], rng: np.random.Generator) -> T:
    """One of several."""
    return choices[int(rng.integers(len(choices)))]


def enumerated(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def with_article(phrase: str) -> str:
    """With `a` or `an`."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def mentions(things: Sequence[ThingWords], rng: np.random.Generator) -> list[Mention]:
    """Each thing is mentioned once, and those that look alike together."""
    groups: dict[ThingWords, list[ThingWords]] = {}
    for thing in things:
        groups.setdefault(replace(thing, name=""), []).append(thing)
    sides = {group[0].side for group in groups.values() if len(group) == 1} - {""}
    also = len(groups) <= 2 and rng.random() < 0.7
    return [_mention(group, rng, also, sides == {"left", "right"}) for group in groups.values()]


def _mention(
    group: Sequence[ThingWords], rng: np.random.Generator, also: bool, sided: bool
) -> Mention:
    (first, *_), count = group, len(group)
    colors = [color.said(rng) for color in first.colors]
    written = " and ".join(filter(None, (first.wood, *(text for _, text in colors))))
    noun = first.noun if count == 1 else _plural(first.noun)
    text = " ".join(filter(None, (*first.looks, written, first.material, noun)))
    part_color = first.part_color
    if part_color is not None:
        part_color, color = part_color.said(rng)
        part = f"{color} {first.part}"
        if count > 1 and not part.endswith("s"):
            part += "s"
        text += f" with {part if part.endswith('s') else with_article(part)}"
    if also and first.also:
        text += f" {first.also}"
    if count == 1:
        text = with_article(text)
    elif count == 2 and first.kind in _SHOES:
        text = f"a pair of {text}"
    else:
        text = f"{_NUMBERS.get(count, 'several')} {text}"
    said_side = sided and count == 1 and first.side != ""
    if said_side:
        text += f" on the {first.side}"
    used = tuple(said for said, _ in colors)
    things = tuple(replace(thing, colors=used, part_color=part_color) for thing in group)
    return Mention(text, things, said_side)


def _plural(noun: str) -> str:
    head, of, rest = noun.partition(" of ")
    return f"{head}{'es' if head.endswith('sh') else 's'}{of}{rest}"


def surface_phrases(kind: str, words: SurfaceWords, rng: np.random.Generator) -> SurfacePhrases:
    """Ways to say how a surface looks.

    Args:
        kind: `table` or `wall`.
        words: All of it is said, but for colors that another word implies.
        rng: Of the wording.
    """
    noun, subjects = picked(_NOUNS[kind], rng), _SUBJECTS[kind]
    species = _SPECIES.get(words.colors[0].name, ()) if words.pattern == "wooden" else ()
    if kind == "table" and species and rng.random() < SPECIES_SAID:
        wood = picked(species, rng)
        sentences = tuple(f"{subject} made of {wood}" for subject in subjects)
        return SurfacePhrases(
            with_article(f"{wood} {noun}"), sentences, SurfaceWords("wooden", colors=())
        )
    said = [color.said(rng) for color in words.colors]
    colors = tuple(color for color, _ in said)
    around, predicates = _AROUND_NOUN[words.pattern], _PREDICATES[words.pattern]
    if len(colors) == 2 and len({color.name for color in colors}) == 1:
        # To people both are the same color.
        around = _AROUND_NOUN_OF_ONE_COLOR[words.pattern]
        predicates = _PREDICATES_OF_ONE_COLOR[words.pattern]
        colors = colors[:1]
    slots = {slot: text for slot, (_, text) in zip("cd", said, strict=False)}
    slots |= {slot.upper(): text.removesuffix("-colored") for slot, text in slots.items()}
    before, behind = (part.format(**slots) for part in picked(around, rng))
    predicate = picked(predicates, rng).format(**slots)
    return SurfacePhrases(
        with_article(f"{before} {noun}{behind}".strip()),
        tuple(f"{subject} {predicate}" for subject in subjects),
        SurfaceWords(words.pattern, colors),
    )


def light_phrases(words: LightWords, rng: np.random.Generator) -> LightPhrases:
    """Ways to say all that is given of the light, which is at least something."""
    temperatures = _TEMPERATURE
    if words.tint is not None:  # light is seldom called bluish and greenish
        temperatures = {value: choices[:1] for value, choices in _TEMPERATURE.items()}
    adjectives = [
        picked(choices[value], rng)
        for choices, value in (
            (_BRIGHTNESS, words.brightness),
            (temperatures, words.temperature),
            (_TINT, words.tint),
        )
        if value is not None
    ]
    side = "" if words.side is None else picked(_SIDE[words.side], rng)
    noun_phrase = " ".join(filter(None, (", ".join(adjectives), "light", side)))
    if adjectives:
        lit = f"lit by {noun_phrase}"
        is_so = f"the light is {enumerated(adjectives)}"
        sentences = [
            f"{noun_phrase} falls on the scene",
            f"{is_so} and comes {side}" if side else is_so,
        ]
    else:
        lit = f"lit {side}"
        sentences = [f"the light comes {side}"]
    sentences.append(f"the scene is {lit}")
    if words.brightness in ("dim", "bright") and len(adjectives) == 1:
        adverb = {"dim": "dimly", "bright": "brightly"}[words.brightness]
        sentences.append(" ".join(filter(None, ("the scene is", adverb, "lit", side))))
    additions = (f"in {noun_phrase}", f"under {noun_phrase}", lit)
    return LightPhrases(noun_phrase, additions, tuple(sentences))
