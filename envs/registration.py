"""Gymnasium ids of the tasks, and environments made by task name."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from envs.tasks import TASKS, load_task

NAMESPACE = "emma_gym"


def task_names() -> list[str]:
    """Names of all tasks of the suite."""
    return sorted(TASKS)


def env_spec(task: str) -> EnvSpec:
    """Gymnasium's description of a task's environment.

    Args:
        task: Task name, or `module:Class` of a task that lives elsewhere.

    Raises:
        envs.tasks.UnknownTaskError: With the nearest valid names.
    """
    found = load_task(task)
    return EnvSpec(
        id=f"{NAMESPACE}/{found.title}-v0",
        entry_point="envs.dual_arm_env:DualArmEnv",
        max_episode_steps=found.step_limit,
        kwargs={"task": task},
    )


def register_envs() -> None:
    """Registers `emma_gym/<Title>-v0` for every task, once."""
    for task in task_names():
        spec = env_spec(task)
        if spec.id not in gymnasium.registry:
            gymnasium.register(
                id=spec.id,
                entry_point=spec.entry_point,
                max_episode_steps=spec.max_episode_steps,
                kwargs=spec.kwargs,
            )


def make_env(task: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """Makes a task's environment, limited to the task's number of steps.

    Args:
        task: Task name, or `module:Class` of a task that lives elsewhere.
        **kwargs: As `envs.dual_arm_env.DualArmEnv` takes them.

    Raises:
        envs.tasks.UnknownTaskError: With the nearest valid names.
    """
    return gymnasium.make(env_spec(task), disable_env_checker=True, **kwargs)
