"""The tasks, one file each, and how they are found by name."""

from __future__ import annotations

import difflib
import importlib

from envs.tasks.task import Task

TASKS = {
    "block_hammer_beat": "envs.tasks.block_hammer_beat:BlockHammerBeat",
    "block_handover": "envs.tasks.block_handover:BlockHandover",
    "blocks_stack_easy": "envs.tasks.blocks_stack_easy:BlocksStackEasy",
}


class UnknownTaskError(ValueError):
    """No task of that name, or the name leads to something that is none."""


def load_task(name: str) -> Task:
    """Makes a task by its name, or by `module:Class` for one that lives elsewhere.

    Raises:
        UnknownTaskError: With the nearest valid names.
    """
    target = TASKS.get(name, name)
    module_name, _, class_name = target.partition(":")
    if not class_name:
        near = difflib.get_close_matches(name, TASKS, n=3, cutoff=0.4) or sorted(TASKS)
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
