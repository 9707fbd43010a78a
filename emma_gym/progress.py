"""How a running evaluation is shown: a bar in a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from eval_protocols.episodes import EpisodeRecord
from eval_protocols.evaluation import Watcher

#: Time between two lines in a log, in s.
LOG_INTERVAL_S = 30.0


class EvaluationProgress(Watcher):
    """Shows success so far, errors, episodes per minute and time left, on stderr.

    Attributes:
        folder: Where the evaluation writes; None until its first episode begins.
        done: Episodes in the journal.
        total: Episodes in all.
    """

    def __init__(self, headline: str) -> None:
        """Shows nothing yet.

        Args:
            headline: The key of the records that counts as success.
        """
        self.folder: Path | None = None
        self.done = 0
        self.total = 0
        self._headline = headline
        self._successes = 0
        self._errors = 0
        self._before = 0
        self._started = 0.0
        self._logged = 0.0
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> EvaluationProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def begin(self, folder: Path, done: Sequence[EpisodeRecord], total: int) -> None:
        """Begins to count time."""
        self.folder, self.total = folder, total
        self._started = self._logged = time.monotonic()
        self._before = len(done)
        for record in done:
            self._count(record)
        if done:
            self.output(f"continuing {folder}: {len(done)} of {total} episodes are done")
        self._show(log=True)

    def episode(self, record: EpisodeRecord) -> None:
        """Counts an episode."""
        self._count(record)
        self._show(log=self.done == self.total)

    def output(self, line: str) -> None:
        """Shows a line above the bar."""
        self._console.print(line, markup=False, soft_wrap=True)

    def _count(self, record: EpisodeRecord) -> None:
        self.done += 1
        self._successes += bool(record[self._headline])  # type: ignore[literal-required]
        self._errors += record["error"] is not None

    def _show(self, *, log: bool) -> None:
        now = time.monotonic()
        if self._console.is_terminal:
            self._bar.update(
                self._task, total=self.total, completed=self.done, description=self._words(now)
            )
        elif log or now - self._logged >= LOG_INTERVAL_S:
            self._logged = now
            print(f"{self.done}/{self.total} {self._words(now)}", file=sys.stderr, flush=True)

    def _words(self, now: float) -> str:
        words = []
        if self.done:
            words.append(f"success {100 * self._successes / self.done:.1f} %")
        if self._errors:
            words.append(f"errors {self._errors}")
        if self.done > self._before:
            per_second = (self.done - self._before) / max(now - self._started, 1e-9)
            words.append(f"{60 * per_second:.1f} episodes/min")
            if self.done < self.total:
                words.append(f"{_clock((self.total - self.done) / per_second)} left")
        return "  ".join(words) or "running"


def _clock(seconds: float) -> str:
    """A duration as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
