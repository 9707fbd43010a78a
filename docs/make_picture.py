"""Makes `docs/picture.jpg`: the experts at work, and below what the robot's cameras see.

Usage: `python docs/make_picture.py`
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from envs.cameras import CAMERA_MOUNTS, CameraModel, CameraMount, facing
from envs.dual_arm_env import DualArmEnv
from envs.experts.episode import expert_actions

VIEW = CameraMount(facing((0.62, 0.36, 1.42), (-0.70, -0.66, -0.56)))
MODEL = CameraModel(1280, 960, np.deg2rad(58.0))
MOMENTS = (("block_hammer_beat", 4, 66), ("block_handover", 3, 102), ("blocks_stack_easy", 5, 218))
"""Task, seed, and the control step that is shown."""


def moment(task: str, seed: int, step: int) -> NDArray[np.uint8]:
    """One task's column: the scene above, its four cameras below."""
    env = DualArmEnv(task, obs_mode="rgb")
    env.reset(seed=seed)
    env.simulation.add_camera("view", MODEL, VIEW)
    env.render_next = False
    for _, action in zip(range(step), expert_actions(env), strict=False):
        env.step(action)
    pictures = env.simulation.take_pictures(["view", *CAMERA_MOUNTS])
    # Twice the size, then averaged: the renderer itself does not smooth edges.
    scene = Image.fromarray(pictures["view"].rgb).resize((640, 480), Image.Resampling.BOX)
    cameras = [
        Image.fromarray(pictures[name].rgb).resize((160, 120), Image.Resampling.LANCZOS)
        for name in CAMERA_MOUNTS
    ]
    return np.vstack([np.asarray(scene), np.hstack([np.asarray(camera) for camera in cameras])])


def main() -> None:
    """Writes the picture beside this file."""
    columns = [moment(*each) for each in MOMENTS]
    path = Path(__file__).with_name("picture.jpg")
    Image.fromarray(np.hstack(columns)).resize((1440, 450)).save(path, quality=88)
    print(path)


if __name__ == "__main__":
    main()
