"""Runs stages, several at a time, each as a command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from emma_gym.reproduction.stages import Stage
from eval_protocols.whole_file import write_whole

Tell = Callable[[str], None]


class StageFailedError(Exception):
    """A command failed; its output is in a file."""


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

    The commands go on where they were interrupted. Ctrl-C reaches all of them: they keep what they
    have.

    Args:
        stages: Each after what it needs.
        jobs: How many at a time.
        cores: How many each may use.
        logs: Folder for what they print.
        tell: Is told what begins and ends.

    Raises:
        StageFailedError: At the first that fails, once those that run have ended.
        KeyboardInterrupt: After Ctrl-C, once those that run have ended.
    """
    waiting = {stage.name: stage for stage in stages}
    running: dict[Future[float], Stage] = {}
    failed: StageFailedError | None = None
    with ThreadPoolExecutor(jobs) as pool:
        while running or (waiting and failed is None):
            unfinished = {*waiting, *(stage.name for stage in running.values())}
            for stage in list(waiting.values()):
                if failed is None and len(running) < jobs and not unfinished & {*stage.after}:
                    del waiting[stage.name]
                    tell(f"begins  {stage.name}")
                    running[pool.submit(_run, stage, cores, logs)] = stage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                stage = running.pop(future)
                try:
                    minutes = future.result() / 60
                    left = len(waiting) + len(running)
                    tell(f"done    {stage.name} ({minutes:.1f} min; {left} left)")
                except StageFailedError as error:
                    failed = error
    if failed is not None:
        raise failed


def _run(stage: Stage, cores: int, logs: Path) -> float:
    """Runs a stage, and keeps what is small of it; returns how long it took, in s."""
    log = logs / f"{stage.name.replace('/', '-').replace(' ', '_')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("a", encoding="utf-8") as output:
        status = subprocess.run(
            [sys.executable, *command_of(stage, cores)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": str(cores)},
        ).returncode
    if status:
        raise StageFailedError(f"{stage.name} failed with exit status {status}: see {log}")
    for file, target in stage.keeps.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, (stage.folder / file).read_bytes())
    return time.monotonic() - started
