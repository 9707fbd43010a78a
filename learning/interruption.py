"""Ending a training at Ctrl-C, between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interruption:
    """Notes the first Ctrl-C instead of raising it; a context manager.

    An exception in the middle of a step would leave neither the network nor the pipes to worker
    processes in a state to go on with. A second Ctrl-C raises `KeyboardInterrupt`.

    Attributes:
        requested: Whether that has happened.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
