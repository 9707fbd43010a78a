"""Executors: where episodes are run.

Contents:
    Executor: the seam. Takes work units, yields finished episodes in the order in which they end.
    InProcessExecutor: here, one after the other; for debuggers and notebooks.

`eval_protocols.process_executor` has the one that survives dying and hanging policies,
`eval_protocols.ray_executor` the one that does so on many machines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from eval_protocols.episodes import FinishedEpisode, WorkUnit
from eval_protocols.guarded_policy import CallWatch, Unwatched
from eval_protocols.runner import UnitRunner

#: Makes what runs the units, in each worker; must be picklable.
RunnerFactory = Callable[[CallWatch], UnitRunner]


class Executor(ABC):
    """Runs work units somewhere.

    `start`, then `run` any number of times, then `close`; a context manager closes by itself.

    Attributes:
        workers: Greatest number of units that run at a time; known after `start`.
    """

    workers: int

    @abstractmethod
    def start(self) -> dict[str, Any]:
        """Gets ready to run.

        Returns:
            What the runner says of itself (`UnitRunner.describe`).

        Raises:
            ValueError: In one line, if the policy cannot be evaluated.
        """

    @abstractmethod
    def run(self, units: Sequence[WorkUnit]) -> Iterator[FinishedEpisode]:
        """Runs units; yields exactly one finished episode for each, in the order they end."""

    @abstractmethod
    def close(self, *, abort: bool = False) -> None:
        """Frees everything.

        Args:
            abort: Do not wait for anything that is still running.
        """

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(abort=error is not None)


class InProcessExecutor(Executor):
    """Runs units in this process. A policy that crashes or hangs takes the evaluation with it."""

    workers = 1

    def __init__(self, make_runner: RunnerFactory) -> None:
        self._make_runner = make_runner
        self._runner: UnitRunner | None = None

    def start(self) -> dict[str, Any]:
        """Builds the policy here."""
        self._runner = self._make_runner(Unwatched())
        return self._runner.describe()

    def run(self, units: Sequence[WorkUnit]) -> Iterator[FinishedEpisode]:
        """Runs units in their order."""
        if self._runner is None:
            raise RuntimeError("start() comes first")
        for unit in units:
            yield self._runner.run(unit)

    def close(self, *, abort: bool = False) -> None:
        """Closes policy and environment."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None
