"""The space of instructions: text that also arrives through an `AsyncVectorEnv`.

Gymnasium (1.4) reads observations from shared memory once, when the vector environment is built.
Arrays are views and follow what workers write later; its strings are copies and stay as they were.
So this space reads its text as a view too.
"""

from __future__ import annotations

import copy
import string
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import read_from_shared_memory
from numpy.typing import NDArray

MAX_LENGTH = 256
CHARSET = string.ascii_letters + string.digits + string.punctuation + " "


class InstructionSpace(spaces.Text):
    """Sentences of up to 256 printable ASCII characters."""

    def __init__(self) -> None:
        super().__init__(MAX_LENGTH, min_length=0, charset=CHARSET)


class SharedTexts(Sequence[str]):
    """One string for each sub-environment, read from shared memory when it is looked at."""

    def __init__(self, space: spaces.Text, codes: NDArray[np.int32]) -> None:
        """Views `codes` (n, max_length), indices into the space's characters."""
        self._characters = space.character_list
        self._codes = codes

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self)[index]
        known = [code for code in self._codes[index] if code < len(self._characters)]
        return "".join(self._characters[code] for code in known)

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return copy.copy(tuple(self))


@read_from_shared_memory.register(InstructionSpace)
def _read_instructions(space: InstructionSpace, shared_memory: Any, n: int = 1) -> SharedTexts:
    codes = np.frombuffer(shared_memory.get_obj(), dtype=np.int32)
    return SharedTexts(space, codes.reshape(n, space.max_length))
