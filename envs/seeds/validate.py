"""`python -m envs.seeds.validate [TASK ...]`: makes validated seed lists by running the experts.

Without names: the lists that are missing or stale.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

from tqdm import tqdm

from envs.dual_arm_env import DualArmEnv
from envs.experts.episode import ExpertEpisode, run_expert
from envs.registration import task_names
from envs.seeds.lists import FIRST_SEED, LIST_LENGTH, is_stale, list_path, write_list


@cache
def _env(task: str) -> DualArmEnv:
    return DualArmEnv(task)


def _run(task: str, seed: int) -> ExpertEpisode:
    return run_expert(_env(task), seed)


def validate(task: str, pool: ProcessPoolExecutor) -> tuple[list[int], dict[int, str]]:
    """Finds the first seeds that a task's expert solves.

    Returns:
        The solved seeds, and the reason for each that was passed over.
    """
    solved: list[int] = []
    failed: dict[int, str] = {}
    with tqdm(total=LIST_LENGTH, desc=task) as bar:
        for first in range(FIRST_SEED, FIRST_SEED + 10 * LIST_LENGTH, 10):
            for episode in pool.map(_run, [task] * 10, range(first, first + 10)):
                if not episode.success:
                    failed[episode.seed] = episode.reason
                elif len(solved) < LIST_LENGTH:
                    solved.append(episode.seed)
                    bar.update()
            if len(solved) == LIST_LENGTH:
                break
    return solved, {seed: reason for seed, reason in failed.items() if seed < solved[-1]}


def main() -> int:
    """Makes the lists named on the command line, or those that are missing or stale."""
    parser = argparse.ArgumentParser(prog="python -m envs.seeds.validate", description=__doc__)
    parser.add_argument("tasks", nargs="*", choices=[*task_names(), []], metavar="TASK")
    tasks = parser.parse_args().tasks or [
        task for task in task_names() if not list_path(task).exists() or is_stale(task)
    ]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for task in tasks:
            solved, failed = validate(task, pool)
            if len(solved) < LIST_LENGTH:
                print(f"{task}: only {len(solved)} seeds solved; no list written", file=sys.stderr)
                return 1
            write_list(task, solved, failed)
            print(f"{task}: {LIST_LENGTH} seeds, {len(failed)} passed over {failed or ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
