"""The parent's side of a worker process: starts it, listens to it, ends it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Collection, Iterator
from ctypes import c_double
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.sharedctypes import RawArray
from typing import Any

from eval_protocols import worker
from eval_protocols.episodes import WorkUnit
from eval_protocols.executors import RunnerFactory


@dataclass(frozen=True)
class Died:
    """The process has ended, and not because it was asked to; `how` names signal or status."""

    how: str


@dataclass(frozen=True)
class Hung:
    """A policy call has lasted longer than `limit_s` seconds."""

    limit_s: float


class WorkerHandle:
    """A worker process.

    Attributes:
        description: What its runner says of itself; None until it is ready.
    """

    def __init__(
        self,
        context: SpawnContext,
        make_runner: RunnerFactory,
        on_output: Callable[[str], None],
    ) -> None:
        """Starts the process.

        Args:
            context: Starts it.
            make_runner: Builds what runs the units there.
            on_output: Is given each line it prints.
        """
        self.description: dict[str, Any] | None = None
        self._on_output = on_output
        self._messages, messages = context.Pipe()
        self._output, output = context.Pipe(duplex=False)
        self._cell = RawArray(c_double, 2)
        self._call = 0.0
        self._call_since = 0.0
        self._line = b""
        # No daemon: policies may have processes of their own.
        self._process = context.Process(
            target=worker.main, args=(messages, output, self._cell, make_runner)
        )
        self._process.start()
        messages.close()  # so that the end of the process is the end of the pipes
        output.close()

    def handles(self) -> Iterator[Connection | int]:
        """What to wait for."""
        yield self._messages
        yield self._process.sentinel
        if not self._output.closed:
            yield self._output

    def events(self, signalled: Collection[object], now: float) -> Iterator[object]:
        """What has happened: the worker's messages, then `Died` or `Hung`.

        Args:
            signalled: Those of `handles` on which there is news.
            now: The present time in s, on any clock.
        """
        if self._output in signalled:
            self._read_output()
        # A process that the policy has forked keeps the pipes open when this one dies, so look.
        ended = not self._process.is_alive()
        if ended or self._messages in signalled:
            try:
                while self._messages.poll():
                    message = self._messages.recv()
                    if isinstance(message, worker.Ready):
                        self.description = message.description
                    yield message
            except (EOFError, OSError):  # the end of the pipe, maybe in the middle of a message
                ended = True
            if ended:
                yield Died(self._how_it_died())
                return
        if self._hangs(now):
            yield Hung(self._cell[1])

    def send(self, unit: WorkUnit) -> None:
        """Gives it a unit to run. If it is dead, `events` will say so."""
        with contextlib.suppress(OSError):
            self._messages.send(unit)

    def dismiss(self) -> bool:
        """Asks it to end when it is done; False if it is not even ready."""
        if self.description is None:
            return False
        with contextlib.suppress(OSError):
            self._messages.send(None)
        return True

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def close(self) -> None:
        """Frees everything, after the process was killed or has ended."""
        self._process.join()
        if not self._output.closed:
            self._read_output()
        self._messages.close()
        self._output.close()
        self._process.close()

    def _how_it_died(self) -> str:
        self._process.join(1.0)  # the pipe ends a little before the process does
        code = self._process.exitcode
        if code is None:
            return "closed its pipe"
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def _hangs(self, now: float) -> bool:
        call = self._cell[0]
        if call != self._call:
            self._call, self._call_since = call, now
        return call % 2 == 1 and now - self._call_since > self._cell[1]

    def _read_output(self) -> None:
        """Passes on what was printed, line by line."""
        while self._output.poll():
            read = os.read(self._output.fileno(), 65536)
            if not read:
                self._output.close()
                break
            *lines, self._line = (self._line + read).split(b"\n")
            for line in lines:
                self._show(line)
        if self._output.closed and self._line:
            self._show(self._line)
            self._line = b""

    def _show(self, line: bytes) -> None:
        # Of a progress bar that rewrites its line, show its end.
        self._on_output(line.decode(errors="replace").rstrip().rpartition("\r")[2])
