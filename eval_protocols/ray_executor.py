"""Runs units on a cluster of machines, by Ray.

Each worker is an actor with a CPU of its own and, where the cluster has GPUs, an equal share of
them; in it, episodes run as in `eval_protocols.process_executor`. What ran on a machine that is
lost runs again elsewhere. All machines have to have the same software and, for policies that see,
draw with the same device: a result names one.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from eval_protocols.episodes import FinishedEpisode, WorkUnit, lost_episode
from eval_protocols.executors import Executor, RunnerFactory
from eval_protocols.guarded_policy import PolicyRefusedError
from eval_protocols.journal import differences
from eval_protocols.process_executor import ATTEMPTS, CLOSE_S, START_ATTEMPTS, WorkerCrashError
from eval_protocols.provenance import usable_cores
from eval_protocols.ray_worker import Answer, RayWorker, Seated, versions_here
from eval_protocols.worker import Crashed, Refused

#: The address that starts a cluster of this machine alone.
LOCAL = "local"
#: After how long without any worker this is said, and again, in s.
PATIENCE_S = 30.0


class ClusterError(ConnectionError):
    """Ray is missing, or its cluster cannot be reached or is gone; says so in one line."""


@dataclass(eq=False)
class _Seat:
    """A worker, as it is seen from here.

    Attributes:
        actor: Ray's handle.
        call: The reference of what it is doing; None if nothing.
        seated: What it said when it was ready; None until then.
        unit: What it runs.
        started: When that began, on the clock of `time.monotonic`, in s.
    """

    actor: Any
    call: Any
    seated: Seated | None = None
    unit: WorkUnit | None = None
    started: float = 0.0


class RayExecutor(Executor):
    """Runs units on a Ray cluster, with a policy for each CPU that it may use."""

    def __init__(
        self,
        make_runner: RunnerFactory,
        address: str,
        workers: int | None,
        *,
        at_most: int,
        on_output: Callable[[str], None] = print,
    ) -> None:
        """Starts nothing yet.

        Args:
            make_runner: Builds what runs the units; picklable.
            address: `auto` for the cluster that this machine belongs to, its address, or `local`.
            workers: Number of workers. More than the cluster has CPUs wait for machines that join.
                None takes as many as there are CPUs.
            at_most: The greatest number of workers that there is work for.
            on_output: Is given each line that a worker prints.
        """
        self.workers = 0
        self._make_runner, self._address = make_runner, address
        self._wanted, self._at_most = workers, at_most
        self._on_output = on_output
        self._ray: ModuleType | None = None
        self._connected = False
        self._seats: list[_Seat] = []
        self._deaths: dict[WorkUnit, list[str]] = {}
        self._early_deaths = 0
        self._first: Seated | None = None
        self._last_word = 0.0

    def start(self) -> dict[str, Any]:
        """Connects, asks for all workers and waits until one of them is ready.

        Raises:
            ClusterError: If Ray is not installed, or there is no cluster.
            PolicyRefusedError: If the policy cannot be built, or machines differ.
        """
        self._connect()
        cpus = int(self._ray_api.cluster_resources().get("CPU", 0))
        self.workers = max(1, min(self._wanted or cpus, self._at_most))
        self._last_word = time.monotonic()
        while self._first is None:
            self._fill(self.workers)
            self._poll()
        return self._first.description

    def run(self, units: Sequence[WorkUnit]) -> Iterator[FinishedEpisode]:
        """Runs units; they are begun in their order."""
        pending = deque(units)
        while pending or any(seat.unit for seat in self._seats):
            busy = sum(seat.unit is not None for seat in self._seats)
            self._fill(min(self.workers, busy + len(pending)))
            for seat in self._seats:
                if pending and seat.seated and seat.unit is None:
                    seat.unit, seat.started = pending.popleft(), time.monotonic()
                    seat.call = seat.actor.run.remote(seat.unit)
            for unit, episode in self._poll():
                if episode is None:
                    pending.appendleft(unit)
                else:
                    yield episode

    def close(self, *, abort: bool = False) -> None:
        """Lets the workers close their policies, or ends them; leaves the cluster."""
        ray = self._ray
        if ray is None:
            return
        try:
            if not abort:
                closing = [seat.actor.close.remote() for seat in self._seats if seat.seated]
                if closing:
                    ray.wait(closing, num_returns=len(closing), timeout=CLOSE_S)
            for seat in self._seats:
                ray.kill(seat.actor)
        except ray.exceptions.RayError as error:
            self._on_output(f"the cluster was left without a goodbye: {_first_line(error)}")
        self._seats = []
        if self._connected:
            ray.shutdown()
        self._ray = None

    @property
    def _ray_api(self) -> ModuleType:
        if self._ray is None:
            raise RuntimeError("start() comes first")
        return self._ray

    def _connect(self) -> None:
        try:
            import ray
        except ImportError:
            raise ClusterError(
                f"ray={self._address}: Ray is not installed (pip install ray)"
            ) from None
        self._ray = ray
        if ray.is_initialized():  # by a program that calls us
            return
        alone: dict[str, Any] = {}
        if self._address == LOCAL:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            # Its servers are for this machine only.
            alone = {
                "num_cpus": usable_cores(),
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",
            }
        before = signal.getsignal(signal.SIGTERM)  # Ray's handler prints the stack and aborts
        try:
            ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR, **alone)
        except ConnectionError:
            raise ClusterError(
                f"ray={self._address}: no Ray cluster there; `ray start --head` makes one"
            ) from None
        except (ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise ClusterError(f"ray={self._address}: {_first_line(error)}") from None
        finally:
            signal.signal(signal.SIGTERM, before)
        self._connected = True

    def _fill(self, count: int) -> None:
        """Asks for workers that are missing."""
        ray = self._ray_api
        missing = count - len(self._seats)
        if missing <= 0:
            return
        gpus = ray.cluster_resources().get("GPU", 0)
        share = min(1.0, int(1e4 * gpus / self.workers) / 1e4)  # Ray counts to four digits
        remote = ray.remote(num_cpus=1, num_gpus=share, max_restarts=0)(RayWorker)
        for _ in range(missing):
            actor = remote.remote(os.getcwd(), sys.path)
            self._seats.append(_Seat(actor, actor.start.remote(self._make_runner)))

    def _poll(self) -> list[tuple[WorkUnit, FinishedEpisode | None]]:
        """Waits a little; returns what has ended, with None where it has to be run again.

        Raises:
            ClusterError: If the cluster is gone.
            PolicyRefusedError: If the policy cannot be built, or machines differ.
            WorkerCrashError: If something of ours went wrong.
        """
        ray = self._ray_api
        calls = {seat.call: seat for seat in self._seats if seat.call is not None}
        ready, _ = ray.wait(list(calls), num_returns=1, timeout=1.0)
        self._say_if_none_is_ready()
        ended = []
        for call in ready:
            seat = calls[call]
            try:
                answer: Answer = ray.get(call)
            except ray.exceptions.RayTaskError as error:
                raise WorkerCrashError(str(error)) from None
            except ray.exceptions.RayActorError as error:
                ended += self._lost(seat, error)
                continue
            except ray.exceptions.RayError as error:
                raise ClusterError(f"ray={self._address}: {_first_line(error)}") from None
            ended += self._take_note(seat, answer)
        return ended

    def _take_note(
        self, seat: _Seat, answer: Answer
    ) -> list[tuple[WorkUnit, FinishedEpisode | None]]:
        for line in answer.printed:
            self._on_output(line)
        outcome = answer.outcome
        if isinstance(outcome, Refused):
            raise PolicyRefusedError(outcome.reason)
        if isinstance(outcome, Crashed):
            raise WorkerCrashError(outcome.report)
        seat.call = None
        if isinstance(outcome, Seated):
            self._early_deaths = 0
            seat.seated = outcome
            self._check_alike(outcome)
            return []
        unit, seat.unit = seat.unit, None
        assert unit is not None
        outcome.record["attempts"] += len(self._deaths.pop(unit, ()))
        return [(unit, outcome)]

    def _check_alike(self, new: Seated) -> None:
        """Refuses a machine on which numbers would come out otherwise."""
        if self._first is None:
            self._first = new
            other, versions = "this machine", versions_here()
        else:
            other, versions = self._first.host, self._first.versions
        there = {"versions": new.versions, **new.description}
        here = {"versions": versions, **self._first.description}
        if differing := list(differences("", there, here)):
            raise PolicyRefusedError(
                f"machines differ: of {new.host} and {other}, {'; '.join(differing[:3])}"
            )

    def _lost(self, seat: _Seat, error: Exception) -> list[tuple[WorkUnit, FinishedEpisode | None]]:
        """Forgets a worker that is gone; its episode is to blame if its machine stands."""
        ray = self._ray_api
        self._seats.remove(seat)
        ray.kill(seat.actor)  # one that is merely out of reach must not come back
        if seat.seated is None:
            self._early_deaths += 1
            if self._early_deaths == START_ATTEMPTS:
                reason = _first_line(error)
                raise PolicyRefusedError(f"workers die before they are ready ({reason})")
            return []
        unit = seat.unit
        if unit is None:
            return []
        where = f"{seat.seated.host} in {unit.task}, seed {unit.seed}"
        unreachable = isinstance(error, ray.exceptions.ActorUnavailableError)
        if unreachable or not self._stands(seat.seated.node):
            self._on_output(f"machine lost: {where}; running it elsewhere")
            return [(unit, None)]
        deaths = self._deaths.setdefault(unit, [])
        deaths.append(_first_line(error))
        if len(deaths) < ATTEMPTS:
            self._on_output(f"worker died ({deaths[-1]}) on {where}; trying once more")
            return [(unit, None)]
        reason = f"worker died twice ({', '.join(deaths)})"
        wall_s = time.monotonic() - seat.started
        return [(unit, lost_episode(unit, reason, attempts=len(deaths), wall_s=wall_s))]

    def _say_if_none_is_ready(self) -> None:
        now = time.monotonic()
        if any(seat.seated for seat in self._seats):
            self._last_word = now
        elif now - self._last_word > PATIENCE_S:
            self._last_word = now
            free = self._ray_api.available_resources().get("CPU", 0)
            total = self._ray_api.cluster_resources().get("CPU", 0)
            self._on_output(
                f"no worker is ready; {free:g} of the cluster's {total:g} CPUs are free"
            )

    def _stands(self, node: str) -> bool:
        return any(each["NodeID"] == node and each["Alive"] for each in self._ray_api.nodes())


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
