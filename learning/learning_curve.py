"""What a training tells of itself: `curve.csv`, TensorBoard, and lines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from learning.curve import append_row, cut_curve
from learning.report import Report
from learning.run_folder import CURVE_NAME, TENSORBOARD

LINES = 500
"""About as many has the curve of a whole training."""
TOLD_EVERY_S = 15.0
"""Time between lines in words, in s."""


class LearningCurve:
    """Lines of the curve.

    Attributes:
        every: Steps between them.
    """

    def __init__(self, folder: Path, step: int, steps: int, report: Report) -> None:
        """Goes on after a step.

        Args:
            folder: Of the training.
            step: Steps done.
            steps: In all.
            report: Is told lines in words.
        """
        self.every = max(1, steps // LINES)
        self._path, self._steps, self._report = folder / CURVE_NAME, steps, report
        cut_curve(self._path, "step", step)
        self._board: Any = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1)
        self._first, self._began = step, time.monotonic()
        self._told = self._began - TOLD_EVERY_S

    def add(self, row: Mapping[str, float | None], words: str = "") -> None:
        """Adds a line.

        Args:
            row: `step`, `loss`, `samples_per_s`, and whatever else was measured.
            words: Of what is to be told at once.
        """
        append_row(self._path, list(row), row)
        step = int(row["step"] or 0)
        for name, value in row.items():
            if name != "step" and value is not None:
                self._board.add_scalar(name, value, step)
        now = time.monotonic()
        if words or now - self._told >= TOLD_EVERY_S or step == self._steps:
            self._told = now
            self._report(self._line(row, words, step, now))

    def close(self) -> None:
        """Closes the logs."""
        self._board.close()

    def _line(self, row: Mapping[str, float | None], words: str, step: int, now: float) -> str:
        parts = [f"step {step}/{self._steps}", f"loss {row['loss']:.4g}"]
        if words:
            parts.append(words)
        parts.append(f"{row['samples_per_s']:.1f} samples/s")
        if step < self._steps:
            per_step = (now - self._began) / max(1, step - self._first)
            left = datetime_text((self._steps - step) * per_step)
            parts.append(f"{1 / max(per_step, 1e-9):.2f} steps/s, {left} left")
        return "  ".join(parts)


def datetime_text(seconds: float) -> str:
    """A duration as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
