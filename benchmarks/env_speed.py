"""How fast the environment steps: against the bare SAPIEN loop, and against ManiSkill.

    python benchmarks/env_speed.py [--maniskill-python /tmp/maniskill/bin/python] [--json FILE]

All contenders take turns in one run, round by round, in alternating order, so that whatever else
the machine does meets all of them. Ours and the bare loops execute the same 32 actions in a round,
a piece of an expert's episode, and must come out of it in the same physical state, bit for bit.
Ratios are taken within rounds. See benchmarks/README.md for what each contender does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from rich.console import Console
from rich.table import Table

ROUND_STEPS = 32
"""Actions in a round, and in a chunk."""
MAX_COST = 1.10
"""Goal: cost of our step over that of the bare loop."""
MIN_SPEEDUP = 8.0
"""Goal: our steps per second over ManiSkill's."""

ENV, CHUNKS, BARE = "env, 4 RGB-D cameras", "env, 4 RGB-D cameras, chunks of 32", "bare loop"
STATE, BARE_STATE = "env, state only", "bare loop, physics only"
MANISKILL = "ManiSkill, 3 RGB-D cameras"


@dataclass
class Time:
    """What some steps took.

    Attributes:
        steps: Control steps.
        wall_s: Time that passed.
        cpu_s: CPU time of all threads and processes that took part.
        state: Hash of the physical state afterwards; empty where there is none to compare.
    """

    steps: int
    wall_s: float
    cpu_s: float
    state: str = ""


class Contender(Protocol):
    """Something that takes its turn in every round."""

    def rewind(self) -> None:
        """Goes back to the beginning of the episode; not timed."""

    def play(self, first: int) -> Time:
        """Executes the round's actions, `ROUND_STEPS` from this one on."""


@dataclass
class Tape:
    """A piece of an expert's episode.

    Attributes:
        actions: What the expert did, a multiple of `ROUND_STEPS`.
        drives: For each action and each of its physics steps, what is set on the joints' drives
            before it: (joint, velocity target) and (joint, position target).
    """

    task: str
    seed: int
    actions: list[Any] = field(default_factory=list)
    drives: list[list[tuple[list[Any], list[Any]]]] = field(default_factory=list)


def record(task: str, seed: int) -> Tape:
    """Has the expert play, and notes what its actions come down to for SAPIEN."""
    from envs import make_env
    from envs.dual_arm_env import PHYSICS_STEPS_PER_ACTION
    from envs.experts.motion import Motion
    from envs.simulation import PHYSICS_DT

    tape = Tape(task, seed)
    env: Any = make_env(task).unwrapped
    env.reset(seed=seed)
    motion = Motion(env.simulation.robot.joint_target, env.scene_state, 1.0 / env.control_hz)
    for action in env.task.expert(motion, env.start):
        _, _, terminated, _, _ = env.step(action)
        if terminated:
            break  # from here on a chunk would be cut short
        tape.actions.append(action)
    del tape.actions[len(tape.actions) // ROUND_STEPS * ROUND_STEPS :]
    if not tape.actions:
        raise SystemExit(f"the expert needs fewer than {ROUND_STEPS} steps for {task}, seed {seed}")

    env.reset(seed=seed)
    robot = env.simulation.robot
    joints = robot.articulation.active_joints
    past = [(_number(j.drive_velocity_target), _number(j.drive_target)) for j in joints]
    for action in tape.actions:
        physics_steps = []
        for _ in robot.follow(action, PHYSICS_STEPS_PER_ACTION, PHYSICS_DT):
            now = [(_number(j.drive_velocity_target), _number(j.drive_target)) for j in joints]
            changes = [
                [(i, new[k]) for i, (old, new) in enumerate(zip(past, now)) if old[k] != new[k]]
                for k in (0, 1)
            ]
            physics_steps.append((changes[0], changes[1]))
            past = now
        tape.drives.append(physics_steps)
    return tape


def _number(value: Any) -> float:
    return float(np.asarray(value).reshape(-1)[0])


class EnvContender:
    """The environment as `make_env` gives it."""

    def __init__(self, tape: Tape, *, chunk: int = 1, **kwargs: Any) -> None:
        """Makes it; `kwargs` as for `make_env`."""
        from envs import make_env
        from envs.wrappers import ActionChunk

        self.env: Any = make_env(tape.task, **kwargs)
        if chunk > 1:
            self.env = ActionChunk(self.env, chunk)
            actions = np.array(tape.actions)
            self.steps = [actions[i : i + chunk] for i in range(0, len(actions), chunk)]
        else:
            self.steps = tape.actions
        self.seed, self.chunk = tape.seed, chunk
        self.observation: Any = None

    def rewind(self) -> None:
        self.env.reset(seed=self.seed)

    def play(self, first: int) -> Time:
        steps = self.steps[first // self.chunk : (first + ROUND_STEPS) // self.chunk]
        cpu, wall = time.process_time(), time.perf_counter()
        for action in steps:
            self.observation, _, _, _, info = self.env.step(action)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if self.chunk > 1 and info["executed"] != self.chunk:
            raise SystemExit(f"a chunk was cut short after {info['executed']} actions")
        return Time(ROUND_STEPS, wall, cpu, self.env.unwrapped.state_sha256())


class BareLoop:
    """The environment's own scene, stepped and photographed with nothing but SAPIEN's calls.

    The arrays that SAPIEN hands out stay as they are: RGBA, position and segmentation. There is
    no action to check, no state to read, no judge, no observation.
    """

    def __init__(self, tape: Tape, **kwargs: Any) -> None:
        """Makes the environment that builds the scene; `kwargs` as for `make_env`."""
        from envs import make_env

        self.env: Any = make_env(tape.task, **kwargs).unwrapped
        self.tape = tape
        self.pictures: dict[str, Any] = {}

    def rewind(self) -> None:
        self.env.reset(seed=self.tape.seed)
        simulation = self.env.simulation
        self.scene = simulation.scene
        self.joints = simulation.robot.articulation.active_joints
        self.cameras = [
            camera
            for camera in (self.scene.get_cameras() if simulation.visuals else [])
            if camera.name in self.env.cameras
        ]

    def play(self, first: int) -> Time:
        scene, joints, cameras = self.scene, self.joints, self.cameras
        cpu, wall = time.process_time(), time.perf_counter()
        for physics_steps in self.tape.drives[first : first + ROUND_STEPS]:
            for velocities, targets in physics_steps:
                for i, value in velocities:
                    joints[i].set_drive_velocity_target(value)
                for i, value in targets:
                    joints[i].set_drive_target(value)
                scene.step()
            if cameras:
                scene.update_render()
                for camera in cameras:
                    camera.take_picture()
                self.pictures = {
                    camera.name: (
                        camera.get_picture("Color"),
                        camera.get_picture("PositionSegmentation"),
                    )
                    for camera in cameras
                }
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Time(ROUND_STEPS, wall, cpu, self.env.state_sha256())


class Workers:
    """Several processes with an environment each, one rendering thread each, all at once."""

    def __init__(self, tape: Tape, number: int, **kwargs: Any) -> None:
        """Starts them; `kwargs` as for `make_env`."""
        context = multiprocessing.get_context("spawn")
        self.pipes = []
        with _one_rendering_thread():
            for _ in range(number):
                ours, theirs = context.Pipe()
                arguments = (theirs, tape, kwargs)
                context.Process(target=_work, args=arguments, daemon=True).start()
                self.pipes.append(ours)

    def rewind(self) -> None:
        self._ask(None)

    def play(self, first: int) -> Time:
        wall = time.perf_counter()
        parts = self._ask(first)
        wall = time.perf_counter() - wall
        return Time(
            sum(p.steps for p in parts), wall, sum(p.cpu_s for p in parts), parts[0].state
        )

    def _ask(self, question: int | None) -> list[Time]:
        for pipe in self.pipes:
            pipe.send(question)
        return [pipe.recv() for pipe in self.pipes]


def _work(pipe: Any, tape: Tape, kwargs: dict[str, Any]) -> None:
    contender = EnvContender(tape, **kwargs)
    with contextlib.suppress(EOFError):
        while True:
            first = pipe.recv()
            pipe.send(contender.rewind() if first is None else contender.play(first))


class ManiSkill:
    """`maniskill_speed.py` in ManiSkill's own interpreter, in one process or several at once."""

    def __init__(self, interpreter: str, steps: int, number: int = 1) -> None:
        """Starts it; each process takes `steps` steps in a round."""
        script = Path(__file__).with_name("maniskill_speed.py")
        command = [interpreter, str(script), "--on-request", "--steps", str(steps)]
        with _one_rendering_thread() if number > 1 else contextlib.nullcontext():
            self.processes = [
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    env={**os.environ, "LD_LIBRARY_PATH": _driver_libraries()},
                )
                for _ in range(number)
            ]
        self.about: dict[str, Any] = {}

    def rewind(self) -> None:
        """It starts an own episode in every round."""

    def play(self, first: int) -> Time:
        wall = time.perf_counter()
        for process in self.processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        lines = [process.stdout.readline() for process in self.processes if process.stdout]
        wall = time.perf_counter() - wall
        if not all(lines):
            raise SystemExit("ManiSkill gave up: run benchmarks/maniskill_speed.py by itself")
        answers = [json.loads(line) for line in lines]
        self.about = answers[0]
        if len(answers) > 1:  # 
            wall = max(answer["wall_s"] for answer in answers)
        return Time(sum(a["steps"] for a in answers), wall, sum(a["cpu_s"] for a in answers))
