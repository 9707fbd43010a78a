"""How running work is shown: a bar in a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

#: Time between two lines in a log, in s.
LOG_INTERVAL_S = 30.0


class ProgressBar:
    """Shows how many episodes of how many are done, their pace and the time left, on stderr."""

    def __init__(self) -> None:
        """Shows nothing yet."""
        self._before: int | None = None
        self._started = self._logged = time.monotonic()
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> ProgressBar:
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

    def begin(self, done: int) -> None:
        """Begins to count time; what is shown first does so by itself.

        Args:
            done: Episodes that were there before.
        """
        self._before = done
        self._started = self._logged = time.monotonic()

    def show(self, done: int, total: int, words: str = "", *, log: bool = False) -> None:
        """Shows how far it is.

        Args:
            done: Episodes.
            total: Of how many.
            words: What else is known.
            log: Whether a log has this for certain, however long ago its last line is.
        """
        if self._before is None:
            self.begin(done)
        now = time.monotonic()
        if not self._console.is_terminal and not log and now - self._logged < LOG_INTERVAL_S:
            return
        text = "  ".join(filter(None, (words, self._pace(now, done, total)))) or "running"
        if self._console.is_terminal:
            self._bar.update(self._task, total=total, completed=done, description=text)
        else:
            self._logged = now
            print(f"{done}/{total} {text}", file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        """Shows a line above the bar."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _pace(self, now: float, done: int, total: int) -> str:
        if self._before is None or done <= self._before:
            return ""
        per_second = (done - self._before) / max(now - self._started, 1e-9)
        pace = f"{60 * per_second:.1f} episodes/min"
        if done >= total:
            return pace
        return f"{pace}  {timedelta(seconds=round((total - done) / per_second))} left"
