"""The environment of a condition: its variations, and what its pictures are warped to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium

from envs.cameras import CAMERA_MODELS, CameraModel
from envs.wrappers import IntrinsicStandardization
from eval_protocols.protocol import Condition

Env = gymnasium.Env[Any, Any]

#: Builds an environment: `envs.registration.make_env`, or a test's replacement.
EnvFactory = Callable[..., Env]


def make_condition_env(
    make_env: EnvFactory, task: str, condition: Condition, **options: Any
) -> Env:
    """Makes the environment in which a policy meets a condition.

    Args:
        make_env: Builds environments.
        task: Task name.
        condition: The condition.
        **options: What else `envs.dual_arm_env.DualArmEnv` takes, `obs_mode` among it.

    Raises:
        ValueError: For options that are not valid.
    """
    env = make_env(task, variations=condition.variations, **options)
    # Point clouds and states are the same whatever the pictures' intrinsics are.
    if condition.standardized_to is None or options["obs_mode"] not in ("rgb", "rgbd"):
        return env
    own: CameraModel = env.get_wrapper_attr("camera_model")
    standard = CAMERA_MODELS[condition.standardized_to].resized(own.width, own.height)
    return IntrinsicStandardization(env, standard)
