"""A worker process: builds a runner, then runs the units that it is sent until the pipe closes.

It answers with the messages below and `FinishedEpisode`s. What is printed in it goes through a pipe
of its own to the parent, which shows it without disturbing a progress bar.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from eval_protocols.guarded_policy import CallWatch, PolicyRefusedError
from eval_protocols.runner import UnitRunner

if TYPE_CHECKING:
    from ctypes import Array, c_double

    from eval_protocols.executors import RunnerFactory


@dataclass(frozen=True)
class Ready:
    """The runner stands; units may come."""

    description: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """The policy cannot be evaluated; `reason` says why in one line."""

    reason: str


@dataclass(frozen=True)
class Crashed:
    """Something other than the policy went wrong; `report` is the traceback."""

    report: str


class SharedWatch(CallWatch):
    """Tells the parent about policy calls through shared memory, as messages would cost too much.

    The first number counts beginnings and ends, so it is odd during a call; the second is that
    call's limit in s.
    """

    def __init__(self, cell: Array[c_double]) -> None:
        self._cell = cell

    @contextlib.contextmanager
    def call(self, limit_s: float) -> Iterator[None]:
        """Marks a call as going on."""
        self._cell[1] = limit_s
        self._cell[0] += 1
        try:
            yield
        finally:
            self._cell[0] += 1


def main(
    messages: Connection, output: Connection, cell: Array[c_double], make_runner: RunnerFactory
) -> None:
    """Runs in the worker.

    Args:
        messages: Brings work units, then None; takes the answers.
        output: Takes everything that is printed here.
        cell: Shared with the parent, for `SharedWatch`.
        make_runner: Builds the runner.
    """
    _prepare(output)
    try:
        runner = _start(messages, SharedWatch(cell), make_runner)
        if runner is not None:
            while (unit := messages.recv()) is not None:
                messages.send(runner.run(unit))
            runner.close()
    except (EOFError, ConnectionError):
        return  # the parent is gone
    except Exception:  # noqa: BLE001 - the parent raises it again, with this traceback
        messages.send(Crashed(traceback.format_exc()))


def _start(messages: Connection, watch: CallWatch, make_runner: RunnerFactory) -> UnitRunner | None:
    try:
        runner = make_runner(watch)
        description = runner.describe()
    except PolicyRefusedError as error:
        messages.send(Refused(str(error)))
        return None
    messages.send(Ready(description))
    return runner


def _prepare(output: Connection) -> None:
    # Ctrl-C goes to every process of the terminal: the parent decides what becomes of this one. It
    # started us with the signal blocked, so that none can arrive before this line.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable(all_threads=False)  # says where a policy segfaulted
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """Ends this process with its parent, even in the middle of a policy call."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
