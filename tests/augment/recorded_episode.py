"""Records a short episode of the simulator, under variations."""

import dataclasses

from envs.demonstrations.recording import RecordedEnv, plan, record_to_file
from envs.dual_arm_env import DualArmEnv

TASK = "tool_adjust"
CAMERAS = ("head_camera", "front_camera", "left_camera")
VARIATIONS = {"camera_azimuth": 3, "clutter": 2, "table_texture": 1}
ACTIONS = 8


def make_env(task=TASK):
    return RecordedEnv(task, obs_mode="rgbd", cameras=CAMERAS, resolution=(96, 72))


def record_beginning(env, path, task=TASK, variations=VARIATIONS):
    """The first actions of an expert."""
    whole = plan(DualArmEnv(task), task, 1, variations)
    short = DualArmEnv(task)
    short.reset(seed=1, options={"variations": variations})
    for action in whole.action[:ACTIONS]:
        short.step(action)
    planned = dataclasses.replace(
        whole,
        action=whole.action[:ACTIONS],
        stage=whole.stage[: ACTIONS + 1],
        state_sha256=short.state_sha256(),
    )
    record_to_file(env, planned, ("rgb", "depth", "segmentation"), path, {})
