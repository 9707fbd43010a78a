"""Short demonstrations in the size of training, each with looks of its own, painted by numpy."""

import numpy as np

from envs.demonstrations.dataset import DatasetInfo, Part
from envs.demonstrations.episode_file import write_episode

CAMERAS = ("head_camera", "left_camera", "right_camera")
HEIGHT, WIDTH, FRAMES = 96, 128, 12
THINGS = {
    "table": {"ids": [2], "description": ""},
    "bowl": {"ids": [7], "description": "glazed red bowl"},
    "robot": {"ids": [9, 10], "description": "two robot arms"},
}


def write_dataset(folder, count, **changed):
    """A data set of one task; `changed` goes to what is known about each episode."""
    info = DatasetInfo(
        tasks=("container_place",),
        parts=(Part(count, {}),),
        seed=0,
        cameras=CAMERAS,
        camera_model="D435",
        resolution=(WIDTH, HEIGHT),
        pictures=("rgb", "depth"),
        control_hz=16.67,
    )
    info.save(folder)
    for number in range(count):
        path = folder / "container_place" / f"{number:06d}.h5"
        path.parent.mkdir(exist_ok=True)
        known = {"task": "container_place", "instruction": "", "things": THINGS, "variations": {}}
        write_episode(path, {**known, **changed}, *_recorded(np.random.default_rng(number)))
    return folder


def _recorded(rng):
    steps = FRAMES - 1
    series = {
        "joint_position": np.zeros((FRAMES, 14), np.float32),
        "joint_target": np.zeros((FRAMES, 14), np.float32),
        "endpose": np.zeros((FRAMES, 2, 7), np.float32),
        "stage": np.zeros(FRAMES, np.int16),
        "progress": np.zeros(FRAMES, np.float32),
        "success": np.zeros(FRAMES, bool),
    }
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    paint, cameras = rng.integers(40, 220, (2, 3)), {}
    for camera in CAMERAS:
        moving = x[None] + 2 * np.arange(FRAMES)[:, None, None] < WIDTH * rng.uniform(0.4, 0.8)
        cameras[camera] = {
            "rgb": np.where(moving[..., None], *paint).astype(np.uint8),
            "depth": np.where(moving, 0.5, 0.6 + 0.2 * y / HEIGHT).astype(np.float32),
            "intrinsic_cv": np.tile(np.eye(3, dtype=np.float32), (FRAMES, 1, 1)),
            "extrinsic_cv": np.tile(np.eye(4, dtype=np.float32), (FRAMES, 1, 1)),
        }
    return np.zeros((steps, 14), np.float32), series, cameras
