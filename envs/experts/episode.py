"""A task's expert at work in an environment: its actions, and a whole episode of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.dual_arm_env import DualArmEnv
from envs.experts.motion import ExpertError, Motion


def expert_actions(env: DualArmEnv) -> Iterator[NDArray[np.float64]]:
    """The actions (14,) of the expert of an environment's task, from its last reset on.

    Each is to be executed before the next is asked for: the expert looks at the scene.

    Raises:
        ExpertError: With the reason, when the expert cannot go on.
    """
    motion = Motion(env.simulation.robot.joint_target, env.scene_state, 1.0 / env.control_hz)
    return env.task.expert(motion, env.start)


@dataclass(frozen=True)
class ExpertEpisode:
    """How an expert's episode went.

    Attributes:
        seed: Episode seed.
        success: Whether the task was solved within its step limit, and still is when the expert
            has made its last motion.
        steps: Control steps until the first success, or altogether.
        reason: Why it was not solved; empty if it was.
    """

    seed: int
    success: bool
    steps: int
    reason: str = ""


def run_expert(env: DualArmEnv, seed: int) -> ExpertEpisode:
    """Runs the expert of an environment's task from a seed to the end of its motions."""
    env.reset(seed=seed)
    steps, solved_at = 0, 0
    info: dict[str, Any] = {"success": False, "checks": {}, "failure": "the expert did nothing"}
    try:
        for action in expert_actions(env):
            _, _, _, _, info = env.step(action)
            steps += 1
            if info["success"] and not solved_at:
                solved_at = steps
            if info["failure"] or steps == env.task.step_limit:
                break
    except ExpertError as error:
        return ExpertEpisode(seed, False, steps, str(error))
    if info["success"]:
        return ExpertEpisode(seed, True, solved_at)
    missing = [name for name, holds in info["checks"].items() if not holds]
    return ExpertEpisode(seed, False, steps, info["failure"] or f"not: {', '.join(missing)}")
