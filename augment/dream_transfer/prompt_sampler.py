"""Draws prompts for new looks of a scene, within or beyond what training knew.

They are written in the language of training (`augment.dream_transfer.prompts`). What is drawn is
what training scenes are drawn from, so that the splits differ in nothing but what is new:

    train         combinations of training in words of training
    held_out      combinations that were held out, in words of training
    unseen_words  combinations of training, in words for colors that no clip's prompt had
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from augment.dream_transfer.color_words import TRAINING_WORDS, UNSEEN_WORDS, NamedColor, named
from augment.dream_transfer.held_out import is_held_out, surface_is_held_out
from augment.dream_transfer.light_words import SIDES, LightWords
from augment.dream_transfer.prompt_phrases import picked
from augment.dream_transfer.prompts import Prompt, write
from augment.dream_transfer.scene_words import SceneWords
from augment.dream_transfer.surface_words import SurfaceWords, surface_words
from augment.dream_transfer.thing_words import FIXED_COLOR_NOUNS, ThingWords
from augment.video_metrics.attributes import LIGHTS
from envs.errors import InvalidOptionError, nearest
from envs.randomization.surfaces import SPLITS as SURFACES

SPLITS = ("train", "held_out", "unseen_words")


class PromptSampler:
    """Draws prompts.

    Attributes:
        split: One of `SPLITS`.
    """

    def __init__(self, split: str) -> None:
        """Chooses what is drawn.

        Args:
            split: One of `SPLITS`.

        Raises:
            InvalidOptionError: For another split.
        """
        if split not in SPLITS:
            raise InvalidOptionError(f"unknown split '{split}'; {nearest(split, SPLITS)}")
        self.split = split

    def __call__(self, scene: SceneWords, rng: np.random.Generator) -> Prompt:
        """A prompt for a new look of a scene."""
        return write(self.words(scene, rng), rng)

    def words(self, scene: SceneWords, rng: np.random.Generator) -> SceneWords:
        """A new look for a scene.

        Things that looked alike still do, and what instructions call by its color keeps it.

        Args:
            scene: Its things count.
            rng: Of the look.
        """
        looks: dict[ThingWords, ThingWords] = {}
        for thing in scene.things:
            look = replace(thing, name="")
            if look not in looks:
                looks[look] = self._thing(look, rng)
        return SceneWords(
            things=tuple(
                replace(looks[replace(thing, name="")], name=thing.name) for thing in scene.things
            ),
            table=self._surface("table", rng),
            wall=self._surface("wall", rng),
            light=LightWords(
                brightness=picked(LIGHTS["brightness"], rng),
                temperature=picked(LIGHTS["temperature"], rng),
                tint="none",
                side=picked(SIDES, rng),
            ),
        )

    def _thing(self, thing: ThingWords, rng: np.random.Generator) -> ThingWords:
        if thing.kind in FIXED_COLOR_NOUNS:
            return thing
        main = self._color(thing.kind, rng)
        rest = [_other_color(main, rng) for _ in thing.colors[1:]]
        return thing.recolored((main, *rest))

    def _surface(self, kind: str, rng: np.random.Generator) -> SurfaceWords:
        numbers = (int(number) for number in rng.permutation(list(SURFACES["seen"])))
        looks = (surface_words(kind, {"texture": number, "covers": 1.0}) for number in numbers)
        held_out = self.split == "held_out"
        look = next(look for look in looks if surface_is_held_out(look) == held_out)
        if self.split != "unseen_words":
            return look
        main = self._color(look.pattern, rng)
        return replace(look, colors=(main, *(_other_color(main, rng) for _ in look.colors[1:])))

    def _color(self, noun: str, rng: np.random.Generator) -> NamedColor:
        words = UNSEEN_WORDS if self.split == "unseen_words" else TRAINING_WORDS
        held_out = self.split == "held_out"
        return named(picked([word for word in words if is_held_out(noun, word) == held_out], rng))


def _other_color(color: NamedColor, rng: np.random.Generator) -> NamedColor:
    """A color of training with another name."""
    others = [named(word) for word in TRAINING_WORDS]
    return picked([other for other in others if other.name != color.name], rng)
