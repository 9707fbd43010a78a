"""Prompts with what they say as numbers: what a text encoder learns to read from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from augment.dream_transfer.color_words import NamedColor, lab_of
from augment.dream_transfer.light_words import SIDES
from augment.dream_transfer.prompt_sampler import PromptSampler
from augment.dream_transfer.scene_words import SceneWords
from augment.dream_transfer.surface_words import PATTERNS
from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.video_metrics.attributes import LIGHTS

SPLITS = ("train", "unseen_words")
"""Whose prompts are read: no combination that is held out, but words for all colors. A pretrained
text encoder knows them too; no clip's prompt has those of `unseen_words`."""
MOST_COLORS = 2
SAID = 3 * MOST_COLORS + len(PATTERNS) + 3
"""Numbers of what is said of a thing: Lab of its colors, its pattern, and three of the light."""
_ASKED_WORDS = 4


class Sayings(Dataset[dict[str, Tensor]]):
    """Sampled prompts, and questions about what they say, such as `left bottle` or `table`."""

    def __init__(
        self, scenes: Sequence[SceneWords], encoder: CompactTextEncoder, count: int, seed: int
    ) -> None:
        """Writes all prompts.

        Args:
            scenes: Whose things prompts are about; each prompt makes up another look.
            encoder: Has the tokenizer.
            count: Number of prompts.
            seed: Of the looks and wordings.
        """
        rng = np.random.default_rng(seed)
        samplers = cycle([PromptSampler(split) for split in SPLITS])
        texts, said = [], []
        for _ in range(count):
            prompt = next(samplers)(scenes[int(rng.integers(len(scenes)))], rng)
            texts.append(prompt.text)
            said.append(list(statements(prompt.said)))
        widest = max(len(each) for each in said)
        asked = [question for each in said for question, *_ in each]
        places = torch.tensor([(i, k) for i, each in enumerate(said) for k in range(len(each))])
        self._ids, self._mask = _tokens(texts, encoder, encoder.tokenizer.model_max_length)
        questions, _ = _tokens(asked, encoder, _ASKED_WORDS)
        self._questions = questions.new_zeros(count, widest, *questions.shape[1:])
        self._answers, self._given = torch.zeros(2, count, widest, SAID)
        where = tuple(places.T)
        self._questions[where] = questions
        answers = np.array([answer for each in said for _, *answer in each], dtype=np.float32)
        self._answers[where], self._given[where] = torch.from_numpy(answers).unbind(1)

    def __len__(self) -> int:
        """Number of prompts."""
        return len(self._ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """A prompt.

        `input_ids` (L, G) and `attention_mask` (L,); `questions` (Q, 4, G) ids of the words of Q
        questions, 0 where there are fewer; their `answers` (Q, SAID), where they are `given` (1).
        """
        return {
            "input_ids": self._ids[index],
            "attention_mask": self._mask[index],
            "questions": self._questions[index],
            "answers": self._answers[index],
            "given": self._given[index],
        }


Statement = tuple[str, NDArray[np.float32], NDArray[np.float32]]


def statements(said: SceneWords) -> Iterator[Statement]:
    """What a prompt says of each thing: a question, answers (SAID,), and which are given (SAID,).

    Lab is scaled to about [-1, 1], patterns are 0 or 1, and the light's brightness, temperature and
    side are -1, 0 or 1.
    """
    for thing in said.things:
        colors = thing.colors or ((thing.part_color,) if thing.part_color else ())
        if colors:
            yield f"{thing.side} {thing.kind}".strip(), *_answer(colors)
    for name, surface in (("table", said.table), ("wall", said.wall)):
        if surface is not None:
            yield name, *_answer(surface.colors, pattern=surface.pattern)
    if said.light is not None:
        levels = (
            _level(said.light.brightness, LIGHTS["brightness"]),
            _level(said.light.temperature, LIGHTS["temperature"]),
            _level(said.light.side, SIDES),
        )
        if any(level is not None for level in levels):
            yield "light", *_answer((), light=levels)


def _level(word: str | None, words: Sequence[str]) -> int | None:
    return None if word is None else words.index(word) - 1


def _answer(
    colors: Sequence[NamedColor], pattern: str | None = None, light: Sequence[int | None] = ()
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    answer, given = np.zeros((2, SAID), dtype=np.float32)
    for place, color in enumerate(colors[:MOST_COLORS]):
        here = slice(3 * place, 3 * place + 3)
        answer[here], given[here] = (lab_of(color) - (50, 0, 0)) / (50, 60, 60), 1
    if pattern is not None:
        first = 3 * MOST_COLORS
        answer[first + PATTERNS.index(pattern)] = 1
        given[first : first + len(PATTERNS)] = 1
    for place, level in enumerate(light, start=SAID - len(light)):
        if level is not None:
            answer[place], given[place] = level, 1
    return answer, given


def _tokens(
    texts: Sequence[str], encoder: CompactTextEncoder, length: int
) -> tuple[Tensor, Tensor]:
    """Ids (N, length, G) and mask (N, length) in small integers: there are many."""
    tokens = encoder.tokenizer(texts, max_length=length)
    return (
        torch.tensor(tokens.input_ids, dtype=torch.int32),
        torch.tensor(tokens.attention_mask, dtype=torch.uint8),
    )
