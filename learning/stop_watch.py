"""How long the steps of a training take, and what of it they wait for their batches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class StopWatch:
    """Measures what the steps since the curve's last line took."""

    def __init__(self, before_s: float) -> None:
        """Begins; the steps before took some time."""
        self._before_s, self._began = before_s, time.monotonic()
        self._since, self._loading_s, self._steps = self._began, 0.0, 0

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Counts a step, and measures the time that it waits for its batches."""
        began = time.monotonic()
        yield
        self._loading_s += time.monotonic() - began
        self._steps += 1

    def wall_s(self) -> float:
        """Time since the training's beginning, without what was lost by a crash, in s."""
        return self._before_s + time.monotonic() - self._began

    def speeds(self, batch_size: int) -> dict[str, float]:
        """Samples a second, and which part of the time was spent waiting for them."""
        now = time.monotonic()
        took = max(now - self._since, 1e-9)
        speeds = {
            "samples_per_s": round(self._steps * batch_size / took, 3),
            "loading": round(self._loading_s / took, 4),
        }
        self._since, self._loading_s, self._steps = now, 0.0, 0
        return speeds
