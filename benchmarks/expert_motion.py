"""How fast and how smoothly the experts move.

Usage: `python benchmarks/expert_motion.py [--episodes 10] [--tasks TASK ...]`

For each task: episodes a minute in one process without rendering, and the accelerations of the
twelve arm joints in rad/s^2, from second differences of measured positions between control steps
(0.06 s): root mean square, 99th percentile, greatest; and the greatest of the commanded targets'.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from envs.dual_arm_env import DualArmEnv
from envs.experts.episode import expert_actions
from envs.registration import task_names
from envs.robots.dual_arm import GRIPPER

ARM_JOINTS = np.setdiff1d(np.arange(14), GRIPPER)


def accelerations(env: DualArmEnv, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measured and commanded joint accelerations (steps - 1, 12) of one episode, rad/s^2."""
    env.reset(seed=seed)
    measured, commanded = [env.simulation.robot.joint_position], [env.simulation.robot.joint_target]
    for action in expert_actions(env):
        env.step(action)
        measured.append(env.simulation.robot.joint_position)
        commanded.append(env.simulation.robot.joint_target)
    dt = 1.0 / env.control_hz
    second = [
        np.diff(np.array(path)[:, ARM_JOINTS], n=2, axis=0) / dt**2
        for path in (measured, commanded)
    ]
    return second[0], second[1]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--tasks", nargs="+", default=task_names(), choices=task_names())
    arguments = parser.parse_args()
    table = Table("task", "episodes/min", "rms", "99 %", "max", "max commanded")
    for column in table.columns[1:]:
        column.justify = "right"
    for task in arguments.tasks:
        env = DualArmEnv(task)
        started = time.perf_counter()
        pairs = [accelerations(env, seed) for seed in range(arguments.episodes)]
        minutes = (time.perf_counter() - started) / 60
        measured, commanded = (np.abs(np.concatenate(each)) for each in zip(*pairs, strict=True))
        table.add_row(
            task,
            f"{arguments.episodes / minutes:.0f}",
            f"{np.sqrt((measured**2).mean()):.1f}",
            f"{np.quantile(measured, 0.99):.1f}",
            f"{measured.max():.1f}",
            f"{commanded.max():.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
