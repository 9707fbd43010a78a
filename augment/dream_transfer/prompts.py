"""Prompts: a scene written down as people would, in ever other words.

**Reconstruction**: EMMA edits objects, background and lighting by text, but what its prompts say
and how is not known. Ours say, of what `scene_words` knows, some or all: the things with their
colors, table, walls and light. A generator learns words only if they mean something: what a prompt
says is true of its clip, and kept beside the text (`Prompt.said`), so that it can be checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from augment.dream_transfer.light_words import LightWords
from augment.dream_transfer.prompt_phrases import (
    LightPhrases,
    Mention,
    SurfacePhrases,
    enumerated,
    light_phrases,
    mentions,
    picked,
    surface_phrases,
)
from augment.dream_transfer.scene_words import SceneWords

MOST_WORDS = 63
"""Of a prompt: with the begin, as many as `CompactTextEncoder` takes."""
SAID = {"table": 0.85, "wall": 0.75, "light": 0.8}
"""How often a prompt says something of these."""
USUAL_SAID = 0.3
"""How often it says of the light what is as usual; what is not is said `UNUSUAL_SAID`."""
UNUSUAL_SAID = 0.9
USUAL_LIGHT = LightWords("normal", "neutral", "none", "front")

_ROBOTS = (("two robot arms", False), ("a two-armed robot", True), ("a robot with two arms", True))
"""And whether there is only one."""
_VERBS = (("work with", "works with"), ("handle", "handles"), ("reach for", "reaches for"))


@dataclass(frozen=True)
class Prompt:
    """A prompt and what it says.

    Attributes:
        text: One to four English sentences.
        said: What the text says, and nothing else; of each color the one word that it uses.
    """

    text: str
    said: SceneWords


def write(words: SceneWords, rng: np.random.Generator) -> Prompt:
    """Writes one of the many prompts for a scene.

    Where a scene has more things than a prompt has room for, the last ones are some other things.

    Args:
        words: What may be said; what of it is None is not.
        rng: Of the wording and of what is left out.

    Raises:
        ValueError: If the scene has no things: an episode's `things` without descriptions are no
            words.
    """
    if not words.things:
        raise ValueError("a prompt is about things, and the scene has none with a description")
    table = words.table if rng.random() < SAID["table"] else None
    wall = words.wall if rng.random() < SAID["wall"] else None
    light = _light_said(words.light, rng) if rng.random() < SAID["light"] else None
    said = mentions(words.things, rng)
    scene = _Scene(
        things=tuple(said[place] for place in rng.permutation(len(said))),
        more=False,
        table=None if table is None else surface_phrases("table", table, rng),
        wall=None if wall is None else surface_phrases("wall", wall, rng),
        light=None if light is None else light_phrases(light, rng),
    )
    form = picked(_FORMS, rng)
    seed = int(rng.integers(2**32))
    while True:
        # Shorter ones are worded alike.
        text = form(scene, np.random.default_rng(seed))
        if len(scene.things) == 1 or len(re.findall(r"\w+", text)) <= MOST_WORDS:
            break
        # The first thing of the scene is the one that the task is about.
        least = next(mention for mention in reversed(scene.things) if mention is not said[0])
        scene = replace(scene, things=tuple(t for t in scene.things if t is not least), more=True)
    return Prompt(
        text=text,
        said=SceneWords(
            things=tuple(thing for mention in scene.things for thing in mention.things),
            table=None if scene.table is None else scene.table.said,
            wall=None if scene.wall is None else scene.wall.said,
            light=light,
        ),
    )


@dataclass(frozen=True)
class _Scene:
    """Phrases that a text is put together from; None where it says nothing."""

    things: tuple[Mention, ...]
    more: bool
    table: SurfacePhrases | None
    wall: SurfacePhrases | None
    light: LightPhrases | None

    @property
    def list(self) -> str:
        """All things."""
        texts = [mention.text for mention in self.things]
        return enumerated([*texts, "some other things"] if self.more else texts)

    def on_table(self, rng: np.random.Generator) -> str:
        """All things and where they are."""
        if self.table is None:
            return f"{self.list}{picked(('', f'{self._comma} on a table'), rng)}"
        return f"{self.list}{self._comma} on {self.table.noun_phrase}"

    @property
    def _comma(self) -> str:
        """After `a mug on the right` it takes one before the next place is told."""
        return "," if any(mention.side for mention in self.things) else ""


def _light_said(words: LightWords | None, rng: np.random.Generator) -> LightWords | None:
    """What is said of the light."""
    if words is None:
        return None

    def kept(value: str | None, usual: str | None) -> str | None:
        return value if rng.random() < (USUAL_SAID if value == usual else UNUSUAL_SAID) else None

    said = LightWords(
        brightness=kept(words.brightness, USUAL_LIGHT.brightness),
        # To call green light neutral would be wrong, and nobody says that light has no tint.
        temperature=kept(words.temperature, USUAL_LIGHT.temperature),
        tint=kept(words.tint, USUAL_LIGHT.tint),
        side=kept(words.side, USUAL_LIGHT.side),
    )
    if words.tint != USUAL_LIGHT.tint and said.temperature == USUAL_LIGHT.temperature:
        said = replace(said, temperature=None)
    if said.tint == USUAL_LIGHT.tint:
        said = replace(said, tint=None)
    return said if any((said.brightness, said.temperature, said.tint, said.side)) else None


def _all_in_one(scene: _Scene, rng: np.random.Generator) -> str:
    """A red mug on an oak table in front of a white wall, in warm light from the left."""
    text = scene.on_table(rng)
    if scene.wall is not None:
        text += picked(
            (
                f" in front of {scene.wall.noun_phrase}",
                f" against {scene.wall.noun_phrase}",
                f", with {scene.wall.noun_phrase} behind",
            ),
            rng,
        )
    if scene.light is not None:
        text += f", {picked(scene.light.additions, rng)}"
    return _sentence(text)


def _light_first(scene: _Scene, rng: np.random.Generator) -> str:
    """In warm light from the left, two robot arms work with a red mug on an oak table. ..."""
    action = f"{_robot(rng)} {scene.on_table(rng)}"
    if scene.light is not None:
        action = f"{picked(('in', 'under'), rng)} {scene.light.noun_phrase}, {action}"
    wall = [] if scene.wall is None else [picked(scene.wall.sentences, rng)]
    return _sentences([action, *wall])


def _table_first(scene: _Scene, rng: np.random.Generator) -> str:
    """On an oak table, two robot arms handle a red mug. The wall is white. The light is warm."""
    action = f"{_robot(rng)} {scene.list}"
    if scene.table is not None:
        action = f"on {scene.table.noun_phrase}, {action}"
    return _sentences([action, *_around(scene, rng)])


def _list_and_sentences(scene: _Scene, rng: np.random.Generator) -> str:
    """A red mug on an oak table. Warm light fills the room. The walls are white."""
    return _sentences([scene.on_table(rng), *_around(scene, rng)])


def _all_sentences(scene: _Scene, rng: np.random.Generator) -> str:
    """Two robot arms handle a red mug. The table is made of oak. The wall behind is white."""
    first = picked((scene.list, f"{_robot(rng)} {scene.list}"), rng)
    table = [] if scene.table is None else [picked(scene.table.sentences, rng)]
    return _sentences([first, *table, *_around(scene, rng)])


def _colon(scene: _Scene, rng: np.random.Generator) -> str:
    """A red mug; the table is white, and the light is warm."""
    parts = [picked(part.sentences, rng) for part in (scene.table, scene.wall) if part is not None]
    if scene.light is not None:
        parts.append(picked(scene.light.sentences, rng))
    things = scene.list if scene.table is not None else scene.on_table(rng)
    if len(parts) > 1:
        parts[-1] = f"and {parts[-1]}"
    return _sentence("; ".join(filter(None, (things, ", ".join(parts)))))


_FORMS = (
    _all_in_one,
    _all_in_one,
    _light_first,
    _table_first,
    _list_and_sentences,
    _all_sentences,
    _colon,
)


def _around(scene: _Scene, rng: np.random.Generator) -> list[str]:
    """Sentences about walls and light, in either order."""
    parts = [part.sentences for part in (scene.wall, scene.light) if part is not None]
    sentences = [picked(part, rng) for part in parts]
    return sentences if rng.random() < 0.5 else sentences[::-1]


def _robot(rng: np.random.Generator) -> str:
    """Who does what: `a two-armed robot works with`."""
    who, one = picked(_ROBOTS, rng)
    return f"{who} {picked(_VERBS, rng)[one]}"


def _sentences(parts: Sequence[str]) -> str:
    return " ".join(_sentence(part) for part in parts)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
