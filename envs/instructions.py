"""How a task is said: its wordings, and what people do to a sentence when they type it.

The meaning never changes; nothing here tells a policy what else varies in a scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.instruction_space import MAX_LENGTH

_POLITE = (
    "Please do this: {}",
    "Here is your next task. {} Thank you.",
    "I would be glad of this: {}",
    "Robot, this is for you. {}",
)
_ASIDES = (
    "The lights in here are new.",
    "We have tidied up the room this morning.",
    "My colleague will be back in an hour.",
    "There is coffee in the kitchen.",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Wording:
    """How an instruction is made out of a task's wordings.

    Attributes:
        unseen: Whether from the wordings that are kept for evaluation.
        polite: Whether it is put into a polite sentence.
        careless: Whether capitals and full stops are left out.
        typos: How many letters are doubled, dropped or swapped with their neighbour.
        aside: Whether a sentence that has nothing to do with the task comes before it.
    """

    unseen: bool = False
    polite: bool = False
    careless: bool = False
    typos: int = 0
    aside: bool = False


def instruction(
    seen: Sequence[str], unseen: Sequence[str], wording: Wording, rng: np.random.Generator
) -> str:
    """The instruction of an episode.

    Args:
        seen: A task's wordings for training.
        unseen: Its wordings for evaluation.
        wording: How it is said.
        rng: Source of randomness.

    Returns:
        Printable ASCII, at most 256 characters.
    """
    wordings = unseen if wording.unseen and unseen else seen
    text = wordings[int(rng.integers(len(wordings)))]
    if wording.polite:
        text = _POLITE[int(rng.integers(len(_POLITE)))].format(text)
    for _ in range(wording.typos):
        text = _with_typo(text, rng)
    if wording.aside:
        text = f"{_ASIDES[int(rng.integers(len(_ASIDES)))]} {text}"
    if wording.careless:
        text = text.lower().replace(".", "").replace(",", "")
    return text[:MAX_LENGTH]


def _with_typo(text: str, rng: np.random.Generator) -> str:
    """One letter inside of a word is doubled, dropped, or swapped with the next one."""
    places = [i for i in range(1, len(text) - 1) if all(c in _LETTERS for c in text[i - 1 : i + 2])]
    if not places:
        return text
    i = places[int(rng.integers(len(places)))]
    return (
        text[:i] + text[i] + text[i:],
        text[:i] + text[i + 1 :],
        text[:i] + text[i + 1] + text[i] + text[i + 2 :],
    )[int(rng.integers(3))]
