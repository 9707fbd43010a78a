"""A policy for the block-stacking tasks that sees nothing but one RGB-D picture of the head camera.

    .venv/bin/python -m emma_gym.evaluate policy=examples.colour_picker:ColourPicker \
        policy_config.calibrated=false tasks=[blocks_stack_easy] episodes=20 \
        protocol=camera_extrinsic_zero_shot

It finds the blocks by color and by height above the table, plans all of its motion from the first
picture, and executes it blindly: a classical policy without any learning. `calibrated=true` reads
the camera's matrices from the observation; `calibrated=false` takes those of the nominal camera
for granted, as a network without camera input does. Nothing else differs, so what the one loses and
the other keeps when cameras move is the worth of knowing the camera.

What it cannot do: anything but cubes of these colors that lie flat. It looks once, so it neither
notices that a block slips, nor finds one that an arm or the picture's edge hides. Colored light,
flicker or clutter in a block's color can mislead it. What is most of the picture it takes for a
level table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS, extrinsic_cv
from envs.experts.motion import ExpertError, Motion, facing_down, gripper_pose
from envs.tasks.task import SceneState
from policies.policy import EpisodeContext, Observation, Observes, Policy

Array = NDArray[np.float64]

CAMERA = "head_camera"
TOWERS = {"blocks_stack_easy": ("red", "black"), "blocks_stack_hard": ("red", "green", "blue")}
"""Colors of the blocks of each task that it knows, from the lowest one up."""
STACK = np.array([0.0, -0.1])
"""Where the stack goes (x, y) in the world, m."""
HOVER = 0.08
"""How far above a block the hand comes and goes, m."""
HAND_PITCH = 0.25
"""Tilt of the hand in rad: an upright one cannot rise above a stack of three blocks."""
HEIGHTS = (0.015, 0.08)
"""Heights above the table between which something may be a block, m."""
EDGE = 0.05
GRASP_DEPTH = 0.02
"""How far below its top a block is taken, so that tilted fingers stay clear of the table, m."""
LEAST_PIXELS = 20
PAUSE = 200
"""Control steps between looks when there is nothing to do."""


class ColourPicker(Policy):
    """Stacks blocks that it recognizes by their colors."""

    observes = Observes("rgbd", (CAMERA,))

    def __init__(self, calibrated: bool = True) -> None:
        """Chooses whose camera matrices are believed: the observation's, or the nominal ones."""
        self.calibrated = calibrated

    def config(self) -> dict[str, Any]:
        """What it was built with."""
        return {"calibrated": self.calibrated}

    def reset(self, episode: EpisodeContext) -> None:
        """Begins an episode."""
        if episode.task not in TOWERS:
            raise ValueError(f"{episode.task} is not one of {', '.join(TOWERS)}")
        self._colors = TOWERS[episode.task]
        self._control_dt = 1.0 / episode.control_hz
        self._planned = False

    def act(self, observation: Observation) -> NDArray[np.floating[Any]]:
        """The whole motion (T, 14) at the first call; nothing (PAUSE, 14) after it."""
        rest = np.repeat(np.asarray(observation["joint_target"])[None], PAUSE, axis=0)
        if self._planned:
            return rest
        self._planned = True
        camera = observation["cameras"][CAMERA]
        motion = Motion(observation["joint_target"], _nothing_else, self._control_dt)
        actions = []
        try:
            blocks = find_blocks(camera["rgb"], self._points(camera), self._colors)
            for action in stack(motion, blocks):
                actions.append(action)
        except (ExpertError, LookupError):
            pass  # it does what it could plan until then
        return np.array(actions) if actions else rest

    def _points(self, camera: Observation) -> Array:
        """Points (H, W, 3) of the picture in the world; not a number where depth is unknown."""
        depth = camera["depth"].astype(np.float64)
        height, width = depth.shape
        if self.calibrated:
            k, world_to_camera = camera["intrinsic_cv"], camera["extrinsic_cv"]
        else:
            k = CAMERA_MODELS["D435"].resized(width, height).intrinsic_cv
            world_to_camera = extrinsic_cv(CAMERA_MOUNTS[CAMERA].pose)
        rows, columns = np.mgrid[:height, :width] + 0.5
        rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(k).T
        points = rays * np.where(depth > 0, depth, np.nan)[..., None]
        camera_to_world = np.linalg.inv(world_to_camera.astype(np.float64))
        return np.asarray(points @ camera_to_world[:3, :3].T + camera_to_world[:3, 3])


class Block:
    """A cube as it was seen: the middle of its top (3,) in the world, and its yaw in rad."""

    def __init__(self, points: Array) -> None:
        """Fits a cube to points (N, 3) of its upper side."""
        angles = np.deg2rad(np.arange(0.0, 90.0, 2.0))
        fits = [_rectangle(points[:, :2], angle) for angle in angles]
        best = int(np.argmin([size.prod() for size, _ in fits]))
        self.yaw = float(angles[best])
        self.top = np.append(fits[best][1], np.median(points[:, 2]))


def find_blocks(rgb: NDArray[np.uint8], points: Array, colors: tuple[str, ...]) -> list[Block]:
    """The blocks of some colors, in their order.

    Raises:
        LookupError: If there is none of a color.
    """
    red, green, blue = rgb.astype(np.float64).transpose(2, 0, 1) + 1.0
    masks = {
        "red": (red > 1.6 * green) & (red > 1.6 * blue),
        "green": (green > 1.3 * red) & (green > 1.3 * blue),
        "blue": (blue > 1.3 * red) & (blue > 1.2 * green),
        "black": np.max([red, green, blue], axis=0) < 80.0,
    }
    z = points[..., 2]
    counts, edges = np.histogram(z[np.isfinite(z)], np.arange(-1.0, 2.0, 0.005))
    table = edges[np.argmax(counts)] + 0.0025
    on_table = (z > table + HEIGHTS[0]) & (z < table + HEIGHTS[1])
    blocks = []
    for color in colors:
        labels, count = ndimage.label(masks[color] & on_table)
        sizes = np.bincount(labels.ravel(), minlength=2)[1:]
        if count == 0 or sizes.max() < LEAST_PIXELS:
            raise LookupError(f"no {color} block")
        seen = points[labels == 1 + int(np.argmax(sizes))]
        top = np.percentile(seen[:, 2], 90)
        blocks.append(Block(seen[seen[:, 2] > top - 0.006]))
    return blocks


def stack(motion: Motion, blocks: list[Block]) -> Iterator[Array]:
    """Puts the blocks on each other, the first one in the middle of the table.

    Raises:
        ExpertError: When a place cannot be reached.
    """
    last = ""
    height = blocks[0].top[2]
    for block in blocks:
        side = "right" if block.top[0] > 0 else "left"
        arm = motion.arm(side)
        if last not in ("", side):
            yield from motion.solo(last, motion.arm(last).home())
        yaw = (block.yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4
        hand = facing_down(yaw, HAND_PITCH)
        grasp = block.top - [0, 0, GRASP_DEPTH]
        yield from motion.solo(
            side,
            arm.reach(gripper_pose(grasp + [0, 0, HOVER], hand)),
            arm.line(gripper_pose(grasp, hand)),
            arm.wait(2),
            arm.close(),
            arm.wait(2),
            arm.move([0, 0, HOVER]),
        )
        goal = np.append(STACK, height - GRASP_DEPTH)
        over = gripper_pose(goal + [0, 0, HOVER], facing_down(pitch=HAND_PITCH))
        yield from motion.solo(side, arm.line(over), arm.wait(2))
        yield from motion.solo(side, arm.move([0, 0, -HOVER + 0.002]), arm.wait(3))
        yield from motion.solo(side, arm.open(), arm.wait(2), arm.move([0, 0, HOVER]))
        height += EDGE
        last = side
    yield from motion.solo(last, motion.arm(last).home())


def _rectangle(points: Array, angle: float) -> tuple[Array, Array]:
    """Sizes and middle of the rectangle, turned by an angle, that holds points (N, 2)."""
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    along = points @ axes.T
    # A few stray pixels at the edges must not count.
    low, high = np.percentile(along, [2, 98], axis=0)
    return high - low, (low + high) / 2 @ axes


def _nothing_else() -> SceneState:
    raise RuntimeError("this policy looks at pictures only")
