"""Steps of ManiSkill's `TwoRobotPickCube-v1` with its three cameras, on the CPU.

Runs under the interpreter of ManiSkill's own virtual environment and imports nothing of EMMA-Gym:

    /tmp/maniskill/bin/python benchmarks/maniskill_speed.py

prints one JSON line. With `--on-request` it prints one for every line that it reads, which is how
`env_speed.py` has it take turns with the other contenders.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

ENV_ID = "TwoRobotPickCube-v1"
WIDTH, HEIGHT = 320, 240
CAMERAS = 3
WARM_UP_STEPS = 2


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4, help="environment steps per measurement")
    parser.add_argument("--on-request", action="store_true", help="measure once per line of stdin")
    options = parser.parse_args(arguments)

    # ManiSkill and its libraries print to stdout, too: what they print goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    env = _make_env()
    env.action_space.seed(0)
    about = _describe(env)
    _measure(env, WARM_UP_STEPS)  # the first pictures wait for the shaders to be compiled
    for _ in sys.stdin if options.on_request else range(1):
        print(json.dumps({**about, **_measure(env, options.steps)}), file=answers, flush=True)
    env.close()


def _make_env() -> Any:
    import gymnasium
    import mani_skill.envs  # noqa: F401  (registers the environments)

    return gymnasium.make(
        ENV_ID,
        obs_mode="rgbd",
        num_envs=1,
        sim_backend="physx_cpu",
        render_backend="sapien_cpu",
        sensor_configs={"width": WIDTH, "height": HEIGHT},
    )


def _describe(env: Any) -> dict[str, Any]:
    """What is measured; fails if its cameras are not those that are spoken of."""
    import sapien

    observation, _ = env.reset(seed=0)
    pictures = {
        name: {kind: list(values.shape[1:]) for kind, values in camera.items()}
        for name, camera in observation["sensor_data"].items()
    }
    expected = {"rgb": [HEIGHT, WIDTH, 3], "depth": [HEIGHT, WIDTH, 1]}
    if len(pictures) != CAMERAS or any(shapes != expected for shapes in pictures.values()):
        raise SystemExit(f"{ENV_ID} gave other pictures than expected: {pictures}")
    if not all(camera["rgb"].any() for camera in observation["sensor_data"].values()):
        raise SystemExit(f"{ENV_ID} gave a black picture")
    base = env.unwrapped
    return {
        "env": ENV_ID,
        "cameras": sorted(pictures),
        "physics_steps_per_step": base.sim_freq // base.control_freq,
        "vulkan_device": ", ".join(re.findall(r"GPU: (.*)", sapien.render.get_device_summary())),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("mani_skill", "sapien", "torch", "numpy")
        },
    }


def _measure(env: Any, steps: int) -> dict[str, float]:
    env.reset(seed=0)  # not timed; keeps the episode below its step limit
    actions = [env.action_space.sample() for _ in range(steps)]
    cpu, begin = time.process_time(), time.perf_counter()
    for action in actions:
        env.step(action)
    end, cpu = time.perf_counter(), time.process_time() - cpu
    return {"steps": steps, "begin_s": begin, "end_s": end, "cpu_s": cpu}


if __name__ == "__main__":
    main()
