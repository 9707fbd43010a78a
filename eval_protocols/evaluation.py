"""A whole evaluation: from settings to a result file, through a journal that survives anything."""

from __future__ import annotations

import datetime
import functools
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.registration import make_env
from envs.seeds import validated_seeds
from eval_protocols.action_archive import write_archive
from eval_protocols.condition_env import EnvFactory
from eval_protocols.episodes import EpisodeRecord, WorkUnit
from eval_protocols.executors import Executor, InProcessExecutor
from eval_protocols.journal import Journal, fingerprint, holds_run
from eval_protocols.process_executor import ProcessExecutor
from eval_protocols.protocol import find_protocol
from eval_protocols.provenance import machine, usable_cores
from eval_protocols.ray_executor import RayExecutor
from eval_protocols.results import (
    KIND,
    RESULT_NAME,
    SCHEMA_VERSION,
    InvalidResultError,
    Result,
    read_result,
    write_result,
)
from eval_protocols.run_description import EvaluationSettings, describe_run, training_block
from eval_protocols.runner import EpisodeRunner, RunnerSettings
from eval_protocols.summary import summarize

#: Longest that building a policy may last, in s: weights may have to be read from a slow disk.
START_TIMEOUT_S = 900.0


class Watcher(ABC):
    """Is told how an evaluation goes."""

    @abstractmethod
    def begin(self, folder: Path, done: Sequence[EpisodeRecord], total: int) -> None:
        """The first episode is about to begin.

        Args:
            folder: Where everything is written.
            done: Episodes that an earlier run has left.
            total: Number of episodes, those included.
        """

    @abstractmethod
    def episode(self, record: EpisodeRecord) -> None:
        """An episode has ended, and is in the journal."""

    @abstractmethod
    def output(self, line: str) -> None:
        """A worker has printed a line."""


def evaluate(
    settings: EvaluationSettings, watcher: Watcher, *, environments: EnvFactory = make_env
) -> tuple[Path, Result]:
    """Runs all episodes that are missing, and writes the result file.

    Args:
        settings: What to evaluate.
        watcher: Is told how it goes.
        environments: Builds environments; must be importable by name.

    Returns:
        The folder that was written to, and the result.

    Raises:
        ValueError: In one line, before anything is written: a name or value that is not valid, a
            policy that cannot be built, a folder that holds another run.
        eval_protocols.ray_executor.ClusterError: If there is no cluster, or it is gone.
        eval_protocols.process_executor.WorkerCrashError: For a bug of ours in a worker. The journal
            stands, and the same call continues.
    """
    protocol = find_protocol(settings.protocol)
    seeds = {task: _seeds(settings, task) for task in settings.tasks}
    units = [
        WorkUnit(task, seed, condition.name)
        for condition in protocol.conditions
        for task in settings.tasks
        for seed in seeds[task]
    ]
    runner = RunnerSettings(
        policy=settings.policy,
        policy_config=settings.policy_config,
        first_seeds={task: seeds[task][0] for task in settings.tasks},
        conditions={each.name: each for each in protocol.conditions},
        after_success_steps=protocol.after_success_steps,
        policy_timeout_s=settings.policy_timeout_s,
        start_timeout_s=START_TIMEOUT_S,
        make_env=environments,
    )
    with _executor(settings, runner, len(units), watcher) as executor:
        description = executor.start()
        training = training_block(
            settings, protocol, description["policy"], description["training_data"]
        )
        setup = describe_run(settings, protocol, training, description)
        journal = _open_journal(settings, setup)
        try:
            done = [journal.records[unit] for unit in units if unit in journal.records]
            missing = [unit for unit in units if unit not in journal.records]
            started = time.monotonic()
            watcher.begin(journal.folder, done, len(units))
            for finished in executor.run(missing):
                journal.append(finished)
                watcher.episode(finished.record)
            wall_s = time.monotonic() - started
            workers = executor.workers
        finally:
            journal.close()
    records = [journal.records[unit] for unit in units]
    timing = {  # of the last go, except for when the first one started
        "started": journal.run["started"],
        "finished": _now(),
        "wall_s": round(wall_s, 3),
        "episodes_per_minute": round(60.0 * len(missing) / max(wall_s, 1e-9), 2),
        "workers": workers,
    }
    if not missing:
        timing = _timing_before(journal.folder, records) or timing
    result = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        **{key: setup[key] for key in ("protocol", "policy", "training", "seeds", "versions")},
        "summary": summarize(
            records, settings.tasks, setup["protocol"]["conditions"], protocol.headline
        ),
        "episodes": records,
        "actions": write_archive(journal.folder, records),
        "machine": machine(),
        "timing": timing,
    }
    write_result(journal.folder / RESULT_NAME, result)
    return journal.folder, result


def _seeds(settings: EvaluationSettings, task: str) -> list[int]:
    if settings.validated_seeds:
        return validated_seeds(task, settings.episodes)
    return list(range(settings.seed, settings.seed + settings.episodes))


def _executor(
    settings: EvaluationSettings, runner: RunnerSettings, episodes: int, watcher: Watcher
) -> Executor:
    make_runner = functools.partial(EpisodeRunner, runner)
    if settings.ray is not None:
        return RayExecutor(
            make_runner,
            settings.ray,
            settings.workers,
            at_most=episodes,
            on_output=watcher.output,
        )
    if settings.workers == 0:
        return InProcessExecutor(make_runner)
    cores = usable_cores()
    workers = min(settings.workers or cores, episodes)
    return ProcessExecutor(
        make_runner,
        workers,
        # One process for each core beats threads on the software rasterizer; alone, it may thread.
        threads=max(1, cores // workers) if workers > 1 else None,
        on_output=watcher.output,
    )


def _open_journal(settings: EvaluationSettings, setup: Mapping[str, Any]) -> Journal:
    mark = fingerprint(setup["identity"])
    slug = re.sub(r"[^\w.-]+", ".", settings.policy)
    default = Path("outputs") / f"{slug}-{setup['protocol']['name']}-{mark[:8]}"
    folder = settings.output_dir or default
    if settings.resume and holds_run(folder):
        return Journal.resume(folder, setup["identity"])
    run = {
        "identity": setup["identity"],
        "fingerprint": mark,
        "started": _now(),
        "command": list(settings.command),
    }
    return Journal.create(folder, run)


def _timing_before(folder: Path, records: Sequence[EpisodeRecord]) -> dict[str, Any] | None:
    """The times in the result of a run that needed nothing more; None if there is none."""
    try:
        before = read_result(folder / RESULT_NAME)
    except (FileNotFoundError, InvalidResultError):
        return None
    timing: dict[str, Any] = before["timing"]
    return timing if before["episodes"] == list(records) else None


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
