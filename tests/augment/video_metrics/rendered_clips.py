"""Renders clips of an expert at work, and cuts them."""

import dataclasses

import numpy as np

from augment.clip import Clip
from envs.demonstrations.recording import RecordedEnv
from envs.experts.episode import expert_actions

CAMERAS = ("head_camera", "left_camera", "right_camera")
THINGS = {}
"""Ids by name; filled when something has been rendered. The same in every clip."""
STRIDE = 9


def play(variations, frames=9):
    env = RecordedEnv(
        "dual_bottles_pick_easy",
        obs_mode="rgbd",
        cameras=CAMERAS,
        resolution=(128, 96),
        variations=variations,
    )
    env.reset(seed=0)
    things = {name: entity.per_scene_id for name, entity in env.simulation.things.items()}
    assert not THINGS or things == THINGS
    THINGS.update(things)
    seen = [env.pictures]
    actions = expert_actions(env)
    while len(seen) < frames:
        for step in range(STRIDE):
            env.render_next = step == STRIDE - 1
            env.step(next(actions))
        seen.append(env.pictures)
    parts = {
        name: np.stack([[getattr(each[camera], name) for camera in CAMERAS] for each in seen])
        for name in ("rgb", "depth", "segmentation", "intrinsic_cv", "extrinsic_cv")
    }
    env.close()
    return Clip(**parts)


def part(clip, which):
    """Some frames of a clip."""
    arrays = {field.name: getattr(clip, field.name) for field in dataclasses.fields(clip)}
    return Clip(**{name: None if a is None else a[which] for name, a in arrays.items()})


def smaller(clip, factor):
    """Every second (third, ...) row and column; its cameras are wrong then."""
    return Clip(
        clip.rgb[:, :, ::factor, ::factor],
        clip.depth[:, :, ::factor, ::factor],
        clip.intrinsic_cv,
        clip.extrinsic_cv,
    )
