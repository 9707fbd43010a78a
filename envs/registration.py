"""Gymnasium ids of the tasks, and environments made by task name."""

from __future__ import annotations

from typing import Any

import gymnasium

from envs.tasks import STEP_LIMITS, load_task, title

NAMESPACE = "emma_gym"
ENTRY_POINT = "envs.dual_arm_env:DualArmEnv"


def task_names() -> list[str]:
    """Names of all tasks of the suite."""
    return sorted(STEP_LIMITS)


def env_id(task: str) -> str:
    """Gymnasium id of a task of the suite, such as `emma_gym/BlockHammerBeat-v0`."""
    return f"{NAMESPACE}/{title(task)}-v0"


def register_envs() -> None:
    """Registers every task of the suite with Gymnasium, once."""
    for task, limit in STEP_LIMITS.items():
        if env_id(task) not in gymnasium.registry:
            gymnasium.register(
                env_id(task), ENTRY_POINT, max_episode_steps=limit, kwargs={"task": task}
            )


def make_env(task: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """Makes a task's environment, limited to the task's number of steps.

    Args:
        task: Task name, or `module:Class` of a task that lives elsewhere.
        **kwargs: As `envs.dual_arm_env.DualArmEnv` takes them.

    Raises:
        envs.tasks.UnknownTaskError: With the nearest valid names.
    """
    found = load_task(task)
    spec = gymnasium.envs.registration.EnvSpec(
        f"{NAMESPACE}/{title(found.name)}-v0",
        ENTRY_POINT,
        max_episode_steps=found.step_limit,
        kwargs={"task": task},
    )
    return gymnasium.make(spec, disable_env_checker=True, **kwargs)
