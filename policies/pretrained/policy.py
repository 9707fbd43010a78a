"""The shipped checkpoints as one policy: each task with the checkpoint that was trained for it."""

from __future__ import annotations

from pathlib import Path

from policies.imitation.acting import LearnedPolicy

FOLDER = Path(__file__).resolve().parent / "checkpoints"
"""One folder for each task, named after it."""


class PretrainedPolicy(LearnedPolicy):
    """A learned policy that needs no training; its config says what it learned, and how."""

    tasks = tuple(sorted(path.name for path in FOLDER.iterdir()))

    def __init__(self, device: str = "auto") -> None:
        """Loads all checkpoints.

        Args:
            device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        """
        super().__init__([str(FOLDER / task) for task in type(self).tasks], device)
