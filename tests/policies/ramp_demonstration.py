"""A demonstration whose every action tells its own number, as a real file, and its statistics."""

import numpy as np
import torch

from envs.demonstrations.episode_file import Episode, write_episode
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from learning.batch import collate
from policies.imitation.method import Moments, Statistics
from policies.training.demonstration_windows import DemonstrationWindows

LENGTH = 16
"""Actions in the demonstration."""
CONSTANT = 6
"""The channel that never changes: a gripper that stays open."""
WIDTH, HEIGHT = 32, 32
CAMERAS = ("head_camera", "left_camera")


def joint_target(frame):
    """What observation `frame` reports, and what action `frame` - 1 therefore was."""
    middle, half = (ACTION_LOWER + ACTION_UPPER) / 2, (ACTION_UPPER - ACTION_LOWER) / 2
    values = middle + half * (2 * frame / LENGTH - 1) * 0.9
    values[CONSTANT] = 1.0
    return values.astype(np.float32)


def frame_of(action):
    """The inverse of `joint_target` from any channel but the constant one: numbers (..., 13)."""
    middle, half = (ACTION_LOWER + ACTION_UPPER) / 2, (ACTION_UPPER - ACTION_LOWER) / 2
    frames = ((np.asarray(action) - middle) / half / 0.9 + 1) * LENGTH / 2
    return np.delete(frames, CONSTANT, axis=-1)


def ramp_demonstration(path):
    targets = np.stack([joint_target(frame) for frame in range(LENGTH + 1)])
    count = LENGTH + 1
    pixels = np.random.default_rng(0).integers(0, 256, (count, HEIGHT, WIDTH, 3), dtype=np.uint8)
    camera = {
        "rgb": pixels,
        "depth": np.zeros((count, HEIGHT, WIDTH), dtype=np.float32),
        "intrinsic_cv": np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
        "extrinsic_cv": np.tile(np.eye(4, dtype=np.float32), (count, 1, 1)),
    }
    write_episode(
        path,
        {"task": "tool_adjust", "seed": 0, "instruction": "", "table_height": 0.74},
        targets[1:],
        {
            "joint_position": targets,
            "joint_target": targets,
            "endpose": np.zeros((count, 2, 7), dtype=np.float32),
            "stage": np.zeros(count, dtype=np.int16),
            "progress": np.zeros(count, dtype=np.float32),
            "success": np.zeros(count, dtype=bool),
        },
        {name: camera for name in CAMERAS},
    )
    return Episode(path)


def moments(values):
    values = torch.as_tensor(values, dtype=torch.float32).flatten(0, -2)
    return Moments(values.amin(0), values.amax(0), values.mean(0), values.std(0))


def statistics(episode):
    points = torch.rand(1000, 6, generator=torch.Generator().manual_seed(0))
    return Statistics(
        moments(episode.series["joint_target"]), moments(episode.action), moments(points)
    )


def batch(episode, method, frames):
    windows = DemonstrationWindows([episode], method.observes, method.window)
    return collate([windows[frame] for frame in frames])
