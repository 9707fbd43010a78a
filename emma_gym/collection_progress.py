"""What is shown of a running collection."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from emma_gym.progress_bar import ProgressBar
from envs.demonstrations.collection import Watcher


class CollectionProgress(Watcher):
    """Shows what is being done.

    Attributes:
        bar: Where; to be entered for as long as it is to be seen.
        done: Episodes on the disk.
        total: Episodes in all; 0 until the collection begins.
        passed_over: Seeds that were not solved, by task.
    """

    def __init__(self) -> None:
        """Shows nothing yet."""
        self.bar = ProgressBar()
        self.done = self.total = 0
        self.passed_over: Counter[str] = Counter()

    def begin(self, done: int, total: int) -> None:
        """Begins to count time."""
        self.done, self.total = done, total
        self.bar.begin(done)
        if done:
            self.bar.line(f"going on: {done} of {total} episodes are there")

    def planned(self, task: str, seed: int, failure: str | None) -> None:
        """Counts what is passed over."""
        self.passed_over[task] += failure is not None
        self.bar.show(self.done, self.total, f"planning {task}, seed {seed}")

    def recorded(self, task: str, path: Path) -> None:
        """Counts an episode."""
        self.done += 1
        self.bar.show(self.done, self.total, task, log=self.done == self.total)
