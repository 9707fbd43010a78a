"""Runs units in processes of its own, and survives what policies do to them.

A worker that dies (segfault, SIGKILL, out of memory) is replaced. Its unit is run once more; if it
takes a second worker down, the episode is recorded with that error. A worker whose policy does not
answer in time is killed, and its episode recorded without another try, which would take as long
again. No other episode is lost either way.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Any

from eval_protocols.episodes import FinishedEpisode, WorkUnit, lost_episode
from eval_protocols.executors import Executor, RunnerFactory
from eval_protocols.guarded_policy import PolicyRefusedError
from eval_protocols.worker import Crashed, Ready, Refused
from eval_protocols.worker_handle import Died, Hung, WorkerHandle

#: How often hanging calls are looked for, in s.
POLL_S = 0.25
#: Attempts at an episode whose worker dies.
ATTEMPTS = 2
#: Workers in a row that may die before they are ready.
START_ATTEMPTS = 3
#: How long workers may take to close their policies, in s.
CLOSE_S = 10.0

#: Numbers of threads, each of which would be that of all cores in every worker.
THREAD_VARIABLES = (
    "LP_NUM_THREADS",  # Mesa's software rasterizer
    "OMP_NUM_THREADS",  # Torch
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


class WorkerCrashError(RuntimeError):
    """Something other than the policy went wrong in a worker; the message is its traceback."""


@dataclasses.dataclass
class _Job:
    """A unit that is to be run, or is being run.

    Attributes:
        unit: What to run.
        deaths: How the workers died that ran it before.
        started: When the present attempt began, on the clock of `time.monotonic`, in s.
    """

    unit: WorkUnit
    deaths: list[str] = dataclasses.field(default_factory=list)
    started: float = 0.0

    @property
    def wall_s(self) -> float:
        return time.monotonic() - self.started

    def finished(self, episode: FinishedEpisode) -> FinishedEpisode:
        """The episode with the number of attempts that it took."""
        record = episode.record.copy()
        record["attempts"] = len(self.deaths) + 1
        return dataclasses.replace(episode, record=record)

    def lost(self, reason: str) -> FinishedEpisode:
        """The episode, when there is nothing left to try."""
        attempts = max(1, len(self.deaths))
        return lost_episode(self.unit, reason, attempts=attempts, wall_s=self.wall_s)


class ProcessExecutor(Executor):
    """Runs units in a number of processes, with a policy in each."""

    def __init__(
        self,
        make_runner: RunnerFactory,
        workers: int,
        *,
        threads: int | None = None,
        on_output: Callable[[str], None] = print,
    ) -> None:
        """Starts nothing yet.

        Args:
            make_runner: Builds what runs the units; picklable.
            workers: Number of processes, at least 1.
            threads: Threads that libraries may start in each; None leaves it to them. What the
                user has set in the environment wins.
            on_output: Is given each line that a worker prints.
        """
        self.workers = workers
        self._make_runner = make_runner
        self._environment = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._on_output = on_output
        self._context = multiprocessing.get_context("spawn")  # a fork after rendering hangs
        self._jobs: dict[WorkerHandle, _Job | None] = {}
        self._clock = _PatientClock()
        self._early_deaths = 0

    def start(self) -> dict[str, Any]:
        """Starts all workers and waits until one of them is ready."""
        for _ in range(self.workers):
            self._add_worker()
        while True:
            for worker, event in self._poll():
                self._take_note(worker, event)
            ready = [worker.description for worker in self._jobs if worker.description]
            if ready:
                return ready[0]
            while len(self._jobs) < self.workers:
                self._add_worker()

    def run(self, units: Sequence[WorkUnit]) -> Iterator[FinishedEpisode]:
        """Runs units; they are begun in their order."""
        pending = deque(_Job(unit) for unit in units)
        while pending or any(self._jobs.values()):
            self._hand_out(pending)
            for worker, event in self._poll():
                job = self._jobs[worker]
                self._take_note(worker, event)
                if job is None:
                    continue
                if isinstance(event, FinishedEpisode):
                    yield job.finished(event)
                elif isinstance(event, Hung):
                    yield job.lost(f"policy did not answer within {event.limit_s:g} s")
                elif isinstance(event, Died):
                    job.deaths.append(event.how)
                    if len(job.deaths) < ATTEMPTS:
                        self._on_output(
                            f"worker died ({event.how}) in {job.unit.task}, seed {job.unit.seed}; "
                            "trying once more"
                        )
                        pending.appendleft(job)
                    else:
                        yield job.lost(f"worker died twice ({', '.join(job.deaths)})")

    def close(self, *, abort: bool = False) -> None:
        """Lets the workers close their policies, or kills them."""
        deadline = time.monotonic() + CLOSE_S
        for worker in self._jobs:
            if abort or not worker.dismiss():
                worker.kill()
        while self._jobs and time.monotonic() < deadline:
            for worker, event in self._poll():
                if isinstance(event, (Died, Hung)):
                    self._discard(worker)
        for worker in list(self._jobs):
            self._discard(worker)

    def _hand_out(self, pending: deque[_Job]) -> None:
        """Gives every idle worker a job; replaces workers that are missing, if there is need."""
        for worker, job in self._jobs.items():
            if job is None and worker.description and pending:
                job = pending.popleft()
                job.started = time.monotonic()
                self._jobs[worker] = job
                worker.send(job.unit)
        idle = sum(job is None for job in self._jobs.values())
        for _ in range(min(len(pending) - idle, self.workers - len(self._jobs))):
            self._add_worker()

    def _take_note(self, worker: WorkerHandle, event: object) -> None:
        """Updates the list of workers after an event.

        Raises:
            PolicyRefusedError: If the policy cannot be built.
            WorkerCrashError: If something of ours went wrong.
        """
        if isinstance(event, Ready):
            self._early_deaths = 0
        elif isinstance(event, FinishedEpisode):
            self._jobs[worker] = None
        elif isinstance(event, Refused):
            raise PolicyRefusedError(event.reason)
        elif isinstance(event, Crashed):
            raise WorkerCrashError(event.report)
        elif isinstance(event, (Died, Hung)):
            starting = worker.description is None
            self._discard(worker)
            if starting and isinstance(event, Hung):
                raise PolicyRefusedError(f"the policy was not built within {event.limit_s:g} s")
            if starting and isinstance(event, Died):
                self._early_deaths += 1
                if self._early_deaths == START_ATTEMPTS:
                    raise PolicyRefusedError(f"workers die before they are ready ({event.how})")

    def _poll(self) -> list[tuple[WorkerHandle, object]]:
        """Waits a little and returns what has happened, in the order of the workers."""
        handles = [handle for worker in self._jobs for handle in worker.handles()]
        signalled = set(wait(handles, timeout=POLL_S))
        self._clock.tick()
        return [
            (worker, event)
            for worker in self._jobs
            for event in worker.events(signalled, self._clock.now)
        ]

    def _add_worker(self) -> None:
        # A Ctrl-C between the birth of a worker and its ignoring the signal would kill it, so it
        # is born with the signal blocked. The tracker, which must run before, unblocks it.
        resource_tracker.ensure_running()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _environment(self._environment):
                worker = WorkerHandle(self._context, self._make_runner, self._on_output)
            self._jobs[worker] = None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _discard(self, worker: WorkerHandle) -> None:
        del self._jobs[worker]
        worker.kill()
        worker.close()


class _PatientClock:
    """A clock that stands still while this process does.

    After Ctrl-Z and `fg`, the workers have slept as well, and no policy has been slow.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._last = time.monotonic()

    def tick(self) -> None:
        """Moves on by the time that has passed, as far as it can be explained by waiting."""
        present = time.monotonic()
        self.now += min(present - self._last, 4 * POLL_S)
        self._last = present


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables for the processes that are started meanwhile, unless they are set."""
    added = [name for name in variables if name not in os.environ]
    os.environ.update({name: variables[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
