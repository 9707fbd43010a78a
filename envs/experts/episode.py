"""Runs one episode of a task's expert, for seed lists and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envs.dual_arm_env import DualArmEnv
from envs.experts.motion import ExpertError, Motion


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
    motion = Motion(env.simulation.robot.joint_target, env.scene_state, 1.0 / env.control_hz)
    steps, solved_at = 0, 0
    info: dict[str, Any] = {"success": False, "checks": {}, "failure": "the expert did nothing"}
    try:
        for action in env.task.expert(motion, env.start):
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
