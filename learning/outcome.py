"""What came of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainingOutcome:
    """What came of a training.

    Attributes:
        steps: Steps done, those before a resume included.
        total_steps: Steps in all.
        interrupted: Whether Ctrl-C ended it; the same command goes on.
        files: Where things are, by what they are.
    """

    steps: int
    total_steps: int
    interrupted: bool
    files: Mapping[str, Path]
