"""Words as bags of hashed character n-grams, with no vocabulary file.

As fastText has them: a word that training never showed shares n-grams with words that it did.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

PADDING, BEGIN = 0, 1
"""Ids of no n-gram, and of what stands before the first word, so that no prompt is empty."""
FIRST_NGRAM = 2
"""The least id of an n-gram."""

_WORD = re.compile(r"\w+")


class TokenizedPrompts(NamedTuple):
    """Prompts as numbers.

    Attributes:
        input_ids: (B, L, G) ids of n-grams; `PADDING` fills up bags and prompts.
        attention_mask: (B, L), 1 for words and the begin, 0 for padding.
    """

    input_ids: list[list[list[int]]]
    attention_mask: list[list[int]]


@dataclass(frozen=True)
class WordTokenizer:
    """Splits prompts into lower-case words, and words into n-grams. Called as transformers' are.

    Attributes:
        model_max_length: Most words of a prompt, and one for its begin.
        buckets: Number of ids that n-grams are hashed to.
        ngrams: Least and greatest length of n-grams, in characters; a word's begin and end count as
            one each.
    """

    model_max_length: int = 64
    buckets: int = 4096
    ngrams: tuple[int, int] = (3, 5)

    def __call__(self, prompts: Sequence[str], *, max_length: int, **_: object) -> TokenizedPrompts:
        """Tokenizes prompts.

        Args:
            prompts: B texts; they may be empty.
            max_length: L that shorter ones are filled up to. Longer ones are not cut.
            **_: What else transformers' tokenizers take, and what is always so here.
        """
        bags = [
            [[BEGIN], *(self.word_ids(word) for word in _WORD.findall(prompt.lower()))]
            for prompt in prompts
        ]
        widest = max(len(bag) for prompt in bags for bag in prompt)
        return TokenizedPrompts(
            [
                [bag + [PADDING] * (widest - len(bag)) for bag in prompt]
                + [[PADDING] * widest] * (max_length - len(prompt))
                for prompt in bags
            ],
            [[1] * len(prompt) + [0] * (max_length - len(prompt)) for prompt in bags],
        )

    def word_ids(self, word: str) -> list[int]:
        """Ids of a word's n-grams and of the whole word, the same on every machine."""
        marked = f"<{word}>"
        shortest, longest = self.ngrams
        parts = {marked} | {
            marked[start : start + length]
            for length in range(shortest, longest + 1)
            for start in range(len(marked) - length + 1)
        }
        return sorted(FIRST_NGRAM + crc32(part.encode()) % self.buckets for part in parts)
