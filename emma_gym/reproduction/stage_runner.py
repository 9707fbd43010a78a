"""Runs stages, several at a time, each as a command in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from emma_gym.command_line import Terminated
from emma_gym.reproduction.stages import Stage
from eval_protocols.whole_file import write_whole

Tell = Callable[[str], None]


class StageFailedError(Exception):
    """Commands failed; the output of each is in a file."""


def command_of(stage: Stage, cores: int) -> list[str]:
    """The command line of a stage.

    Args:
        stage: One of ours.
        cores: How many it may use.
    """
    workers = [f"workers={cores}"] if stage.kind in ("collect", "evaluate") else []
    return ["-m", f"emma_gym.{stage.kind}", *stage.options, *workers]


def run_stages(stages: Sequence[Stage], jobs: int, cores: int, logs: Path, tell: Tell) -> None:
    """Runs stages as soon as those before them are done.

    The commands go on where they were interrupted. If one fails, all that do not need it are run.
    Ctrl-C and SIGTERM reach all of them: they keep what they have.

    Args:
        stages: Each after what it needs.
        jobs: How many at a time.
        cores: How many each may use.
        logs: Folder for what they print.
        tell: Is told what begins and ends.

    Raises:
        StageFailedError: If any failed, once all others have ended; in one line, with what was not
            begun for that.
        KeyboardInterrupt: After either, once those that run have ended.
    """
    waiting = {stage.name: stage for stage in stages}
    running: dict[Future[float], Stage] = {}
    failures: list[str] = []
    without: set[str] = set()  # names of those that failed, and of those that need them
    left_out = 0
    children: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(jobs) as pool, _ended_together(children):
        while running or waiting:
            for stage in list(waiting.values()):  # each after what it needs
                if without & {*stage.after}:
                    del waiting[stage.name]
                    without.add(stage.name)
                    left_out += 1
            unfinished = {*waiting, *(stage.name for stage in running.values())}
            for stage in list(waiting.values()):
                if len(running) < jobs and not unfinished & {*stage.after}:
                    del waiting[stage.name]
                    tell(f"begins  {stage.name}")
                    running[pool.submit(_run, stage, cores, logs, children)] = stage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                stage = running.pop(future)
                try:
                    minutes = future.result() / 60
                    left = len(waiting) + len(running)
                    tell(f"done    {stage.name} ({minutes:.1f} min; {left} left)")
                except StageFailedError as error:
                    failures.append(str(error))
                    without.add(stage.name)
                    tell(f"failed  {error}")
    if failures:
        rest = f"; {left_out} stages that depend on this were not begun" if left_out else ""
        raise StageFailedError("; ".join(failures) + rest)


@contextlib.contextmanager
def _ended_together(children: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Passes SIGTERM on, which unlike Ctrl-C has reached none of the children."""
    try:
        yield
    except Terminated:
        for child in list(children):
            child.terminate()
        raise


def _run(stage: Stage, cores: int, logs: Path, children: list[subprocess.Popen[bytes]]) -> float:
    """Runs a stage, and keeps what is small of it; returns how long it took, in s.

    Its process is among the children for as long as it runs.
    """
    log = logs / f"{stage.name.replace('/', '-').replace(' ', '_')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("a", encoding="utf-8") as output:
        child = subprocess.Popen(
            [sys.executable, *command_of(stage, cores)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": str(cores)},
        )
        children.append(child)
        status = child.wait()
        children.remove(child)
    if status:
        raise StageFailedError(f"{stage.name} failed with exit status {status}: see {log}")
    for file, target in stage.keeps.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, (stage.folder / file).read_bytes())
    return time.monotonic() - started
