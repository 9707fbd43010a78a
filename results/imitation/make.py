"""Trains and evaluates what `runs.yaml` lists, and keeps what is small of it in this folder.

    .venv/bin/python results/imitation/make.py DATASET RUNS [NAME or NAME/TASK ...]

RUNS gets checkpoints, TensorBoard and reports. Interrupted, the same command goes on where it
stopped; what has its `result.json` here is left alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent


class FailedError(Exception):
    """One of the commands failed; its output is in a file."""


def run(log: Path, *command: str) -> None:
    """Runs one of the suite's commands on one thread; what it says goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        status = subprocess.run(
            [sys.executable, "-m", *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        ).returncode
    if status:
        raise FailedError(f"{command[0]} failed with status {status}: see {log}")


def make(name: str, task: str, entry: dict[str, Any], dataset: Path, runs: Path) -> str:
    """Trains, evaluates on 100 validated seeds, and keeps config, curve and result."""
    folder, kept = runs / name / task, HERE / name / task
    training, evaluation = folder / "training", folder / "evaluation"
    run(
        folder / "train.log",
        "emma_gym.train",
        f"policy={entry['policy']}",
        "size=small",
        f"task={task}",
        f"dataset={dataset}",
        f"output_dir={training}",
        "workers=0",
        "checkpoint_every=250",
        *entry.get("options", ()),
    )
    run(
        folder / "evaluate.log",
        "emma_gym.evaluate",
        f"policy={entry['policy']}",
        f"tasks={task}",
        f"policy_config.checkpoint={training / 'last'}",
        "episodes=100",
        "workers=1",
        "video=0",
        f"output_dir={evaluation}",
    )
    kept.mkdir(parents=True, exist_ok=True)
    for path in (training / "config.yaml", training / "curve.csv", evaluation / "result.json"):
        shutil.copy(path, kept)
    return f"{name}/{task}"


def main() -> None:
    """Makes all that is wanted and is not there, some at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("names", nargs="*", help="all by default")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    options = parser.parse_args()
    entries = yaml.safe_load((HERE / "runs.yaml").read_text())
    every = [(name, task) for name, entry in entries.items() for task in entry["tasks"]]
    known = {*entries, *(f"{name}/{task}" for name, task in every)}
    if unknown := set(options.names) - known:
        parser.error(f"{', '.join(sorted(unknown))}: valid are {', '.join(sorted(known))}")
    wanted = options.names or list(entries)
    todo = [
        (name, task)
        for name, task in every
        if (name in wanted or f"{name}/{task}" in wanted)
        and not (HERE / name / task / "result.json").exists()
    ]
    with ThreadPoolExecutor(options.jobs) as pool:
        started = {
            pool.submit(make, name, task, entries[name], options.dataset, options.runs): name
            for name, task in todo
        }
        for done in as_completed(started):
            try:
                print(done.result(), flush=True)
            except FailedError as error:
                pool.shutdown(cancel_futures=True)
                sys.exit(str(error))


if __name__ == "__main__":
    main()
