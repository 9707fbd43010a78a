"""What is shown of a running evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emma_gym.progress_bar import ProgressBar
from eval_protocols.episodes import EpisodeRecord
from eval_protocols.evaluation import Watcher


class EvaluationProgress(Watcher):
    """Shows success so far and errors.

    Attributes:
        bar: Where; to be entered for as long as it is to be seen.
        folder: Where the evaluation writes; None until its first episode begins.
        done: Episodes in the journal.
        total: Episodes in all.
    """

    def __init__(self, headline: str) -> None:
        """Shows nothing yet.

        Args:
            headline: The key of the records that counts as success.
        """
        self.bar = ProgressBar()
        self.folder: Path | None = None
        self.done = self.total = 0
        self._headline = headline
        self._successes = self._errors = 0

    def begin(self, folder: Path, done: Sequence[EpisodeRecord], total: int) -> None:
        """Begins to count time."""
        self.folder, self.total = folder, total
        self.bar.begin(len(done))
        for record in done:
            self._count(record)
        if done:
            self.output(f"continuing {folder}: {len(done)} of {total} episodes are done")
        self.bar.show(self.done, self.total, self._words(), log=True)

    def episode(self, record: EpisodeRecord) -> None:
        """Counts an episode."""
        self._count(record)
        self.bar.show(self.done, self.total, self._words(), log=self.done == self.total)

    def output(self, line: str) -> None:
        """Shows a line above the bar."""
        self.bar.line(line)

    def _count(self, record: EpisodeRecord) -> None:
        self.done += 1
        self._successes += bool(record[self._headline])  # type: ignore[literal-required]
        self._errors += record["error"] is not None

    def _words(self) -> str:
        words = []
        if self.done:
            words.append(f"success {100 * self._successes / self.done:.1f} %")
        if self._errors:
            words.append(f"errors {self._errors}")
        return "  ".join(words)
