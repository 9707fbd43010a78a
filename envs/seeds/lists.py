"""Reading and writing seed lists, and telling whether they are stale."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from envs.source_code import PICTURES_ONLY, code, imported, sha256
from envs.tasks import STEP_LIMITS

FIRST_SEED = 100_000
"""Evaluation seeds start here; training seeds start at 0 and stay below."""
LIST_LENGTH = 100

_FOLDER = Path(__file__).parent
_NO_VARIATIONS = ("envs.clutter", "envs.randomization", "envs.source_code")
"""Modules, packages included, that leave an unperturbed scene as it is."""


class SeedListError(ValueError):
    """A seed list is missing, damaged, or too short."""


def list_path(task: str) -> Path:
    """File of a task's list."""
    return _FOLDER / f"{task}.json"


def _read(task: str) -> dict[str, Any]:
    path = list_path(task)
    if task not in STEP_LIMITS or not path.exists():
        raise SeedListError(
            f"no validated seeds for '{task}': use validated_seeds=false, or make the list with "
            f"python -m envs.seeds.validate {task}"
        )
    try:
        content = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise SeedListError(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("seeds"), list):
        raise SeedListError(f"{path} has no list 'seeds'")
    return content


def validated_seeds(task: str, count: int) -> list[int]:
    """The first validated evaluation seeds of a task.

    Args:
        task: Task name.
        count: How many.

    Raises:
        SeedListError: If the list is missing or shorter than that.
    """
    seeds: list[int] = _read(task)["seeds"]
    if count > len(seeds):
        raise SeedListError(
            f"'{task}' has {len(seeds)} validated seeds, {count} are wanted: "
            f"ask for fewer episodes or use validated_seeds=false"
        )
    return seeds[:count]


def seed_list_sha256(task: str) -> str:
    """Hash of a task's list of seeds.

    Raises:
        SeedListError: If the list is missing.
    """
    return hashlib.sha256(json.dumps(_read(task)["seeds"]).encode()).hexdigest()


def is_stale(task: str) -> bool:
    """Whether the code that decides the list has changed since it was made."""
    return bool(_read(task)["source_sha256"] != source_sha256(task))


def write_list(task: str, seeds: list[int], failed: dict[int, str]) -> None:
    """Writes a task's list, whole or not at all.

    Args:
        task: Task name.
        seeds: Solved seeds in order.
        failed: The seeds passed over, each with the reason.
    """
    content = {
        "task": task,
        "first_seed": FIRST_SEED,
        "source_sha256": source_sha256(task),
        "failed": {str(seed): reason for seed, reason in failed.items()},
        "seeds": seeds,
    }
    path = list_path(task)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, path)


def source_sha256(task: str) -> str:
    """Hash of the code that a task's expert and outcome depend on.

    Covers the task's module, the environment, and the modules of `envs` that they import. Comments
    and docstrings do not count.
    """
    waiting = {f"envs.tasks.{task}", "envs.dual_arm_env"}
    sources: dict[str, str] = {}
    while waiting:
        module = waiting.pop()
        if module in sources or module in PICTURES_ONLY or module.startswith(_NO_VARIATIONS):
            continue
        found = code(module)
        if found is not None:
            sources[module] = found
            waiting |= imported(module)
    return sha256(sources)
