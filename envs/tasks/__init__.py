"""The tasks, one file each, and how they are found by name.

This module is light: a task's own module, and SAPIEN with it, is imported when the task is loaded.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envs.tasks.task import Task

STEP_LIMITS = {
    "block_hammer_beat": 400,
    "block_handover": 600,
    "blocks_stack_easy": 600,
    "blocks_stack_hard": 850,
    "bottle_adjust": 400,
    "clean_desk": 1000,
    "container_place": 350,
    "diverse_bottles_pick": 400,
    "dual_bottles_pick_easy": 400,
    "dual_bottles_pick_hard": 400,
    "dual_shoes_place": 600,
    "empty_cup_place": 500,
    "mug_hanging_easy": 800,
    "mug_hanging_hard": 800,
    "pick_apple_messy": 250,
    "put_apple_cabinet": 600,
    "shoe_place": 450,
    "throw_bottle": 300,
    "tool_adjust": 300,
}
"""Tasks of the suite, and the control steps of an episode.

RoboTwin 1.0's; those of `clean_desk` and `throw_bottle`, which EMMA does not give, are ours.
"""


class UnknownTaskError(ValueError):
    """No task of that name, or the name leads to something that is none."""


def title(task: str) -> str:
    """A task's name in CamelCase, as its class and its Gymnasium id have it."""
    return "".join(word.capitalize() for word in task.split("_"))


def load_task(name: str) -> Task:
    """Makes a task by its name, or by `module:Class` for one that lives elsewhere.

    Raises:
        UnknownTaskError: With the nearest valid names.
    """
    from envs.tasks.task import Task

    target = f"envs.tasks.{name}:{title(name)}" if name in STEP_LIMITS else name
    module_name, _, class_name = target.partition(":")
    if not class_name:
        near = difflib.get_close_matches(name, STEP_LIMITS, n=3, cutoff=0.4) or sorted(STEP_LIMITS)
        raise UnknownTaskError(
            f"unknown task '{name}'; did you mean {', '.join(near)} (or module:Class)?"
        )
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise UnknownTaskError(f"task '{name}': {error}") from None
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise UnknownTaskError(f"task '{name}': {target} is not an envs.tasks.task.Task")
    return found()
