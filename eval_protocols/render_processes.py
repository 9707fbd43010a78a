"""Rendering in processes of its own, after an evaluation.

A renderer that crashes takes down a process, not an evaluation that is otherwise finished.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

_T = TypeVar("_T")


def call_apart(
    function: Callable[..., _T], calls: Sequence[tuple[Any, ...]], workers: int
) -> list[_T | OSError | ValueError | BrokenProcessPool]:
    """Calls a function in other processes.

    Args:
        function: Importable by name.
        calls: Its arguments, at least one call.
        workers: Number of processes.

    Returns:
        For each call what it returned, or why it did not: the error that it raised, or
        `BrokenProcessPool` where a process died.

    Raises:
        envs.errors.RenderingUnavailableError: If nothing can be rendered on this machine.
    """
    context = multiprocessing.get_context("spawn")  # a fork after rendering hangs
    results: list[_T | OSError | ValueError | BrokenProcessPool] = []
    alive, lifeline = context.Pipe(duplex=False)
    with (
        ProcessPoolExecutor(workers, context, start_worker, (workers, alive)) as pool,
        lifeline,  # closed before the pool waits for its workers
    ):
        for future in [pool.submit(function, *arguments) for arguments in calls]:
            try:
                results.append(future.result())
            except (BrokenProcessPool, OSError, ValueError) as error:
                results.append(error)
    return results


def start_worker(workers: int, alive: Connection) -> None:
    """Prepares a rendering process, which lives until the other end of `alive` is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent ends us, without a traceback
    threading.Thread(target=_live_until_closed, args=(alive,), daemon=True).start()
    if workers > 1:
        # The software rasterizer would otherwise start a thread for every core in each process.
        os.environ.setdefault("LP_NUM_THREADS", "1")


def _live_until_closed(alive: Connection) -> None:
    """Ends this process at once when the parent wants no more of it, or is gone."""
    wait([alive])
    os._exit(0)
