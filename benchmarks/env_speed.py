"""How fast the environment steps: against the bare SAPIEN loop, and against ManiSkill.

    python benchmarks/env_speed.py [--maniskill-python /tmp/maniskill/bin/python] [--json FILE]

All contenders take turns in one run, in alternating order, so that whatever else the machine does
meets all of them; ratios are taken within rounds. Ours and the bare loops execute the same actions
in a round and must come out of it in the same physical state, bit for bit. See README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

ROUND_STEPS = 32  # also the length of a chunk
ENV, CHUNKS, STATE = "env, 4 cameras", "env, 4 cameras, chunks of 32", "env, state only"
BARE, BARE_STATE = "bare loop, 4 cameras", "bare loop, physics only"
MANISKILL, TWICE = "ManiSkill, 3 cameras", ", 2 processes"


class Time(NamedTuple):
    """What some steps took."""

    steps: int
    begin_s: float  # monotonic clock, which all processes of a machine share
    end_s: float
    cpu_s: float  # of all threads and processes that took part
    state: str = ""  # hash of the physical state afterwards, if it is to be compared


# Executes a round's actions, `ROUND_STEPS` from the given one on; at 0 it begins the episode.
Player = Callable[[int], Time]


class Tape(NamedTuple):
    """A piece of an expert's episode."""

    task: str
    seed: int
    actions: list[Any]
    # The same for SAPIEN: for each action, for each of its physics steps, the joints' new velocity
    # targets and new position targets as (joint, value).
    drives: list[list[list[list[tuple[int, float]]]]]


def record(task: str, seed: int) -> Tape:
    """Has the expert play, and reads off SAPIEN's joints what the robot's code does to them."""
    from envs import make_env
    from envs.experts.motion import Motion

    tape = Tape(task, seed, [], [])
    env: Any = make_env(task).unwrapped
    env.reset(seed=seed)
    motion = Motion(env.simulation.robot.joint_target, env.scene_state, 1.0 / env.control_hz)
    for action in env.task.expert(motion, env.start):
        if env.step(action)[2]:
            break  # a chunk would be cut short where the task is solved
        tape.actions.append(action)
    del tape.actions[len(tape.actions) // ROUND_STEPS * ROUND_STEPS :]
    if not tape.actions:
        raise SystemExit(f"{task} with seed {seed} takes the expert less than {ROUND_STEPS} steps")

    tape.drives.extend(drives_of(env, seed, tape.actions))
    return tape


def drives_of(env: Any, seed: int, actions: Sequence[Any]) -> list[list[list[Any]]]:
    """What actions do to SAPIEN's joints in an episode; see `Tape`."""
    from envs.dual_arm_env import PHYSICS_STEPS_PER_ACTION
    from envs.simulation import PHYSICS_DT

    env.reset(seed=seed)
    joints = env.simulation.robot.articulation.active_joints

    def targets() -> Any:
        pairs = [(joint.drive_velocity_target, joint.drive_target) for joint in joints]
        return np.array(pairs, dtype=np.float64).reshape(-1, 2).T

    past = targets()
    drives: list[list[list[Any]]] = []
    for action in actions:
        drives.append([])
        for _ in env.simulation.robot.follow(action, PHYSICS_STEPS_PER_ACTION, PHYSICS_DT):
            now = targets()
            news = [(now[k].tolist(), np.flatnonzero(now[k] != past[k])) for k in (0, 1)]
            drives[-1].append([[(int(i), new[i]) for i in where] for new, where in news])
            past = now
    return drives


def state_of(env: Any) -> str:
    """Hash of all poses and of the robot's joints, as SAPIEN has them."""
    things, robot = env.unwrapped.simulation.things, env.unwrapped.simulation.robot.articulation
    poses = [thing.pose.to_transformation_matrix() for thing in things.values()]
    state = np.concatenate([*poses, [robot.qpos, robot.qvel]], axis=None)
    return hashlib.sha256(state.tobytes()).hexdigest()


def env_player(tape: Tape, *, in_chunks: bool = False, **kwargs: Any) -> Player:
    """The environment as `make_env` gives it, possibly with all of a round in one chunk."""
    from envs import make_env
    from envs.wrappers import ActionChunk

    env: Any = make_env(tape.task, **kwargs)
    if in_chunks:
        env = ActionChunk(env, ROUND_STEPS)

    def play(first: int) -> Time:
        if first == 0:
            env.reset(seed=tape.seed)
        actions = tape.actions[first : first + ROUND_STEPS]
        steps = [np.array(actions)] if in_chunks else actions
        cpu, begin = time.process_time(), time.perf_counter()
        for action in steps:
            seen = env.step(action)  # noqa: F841  (kept until the next, as a user would)
        end, cpu = time.perf_counter(), time.process_time() - cpu
        return Time(ROUND_STEPS, begin, end, cpu, state_of(env))

    return play


def bare_player(tape: Tape, **kwargs: Any) -> Player:
    """The environment's own scene, moved and photographed with nothing but SAPIEN's calls.

    The pictures stay as SAPIEN hands them out: RGBA, and position with segmentation. No action is
    checked, no state read, no success judged, no observation built.
    """
    from envs import make_env

    env: Any = make_env(tape.task, **kwargs).unwrapped
    seen: dict[int, Any] = {}  # pictures are kept until the next ones, as a user would

    def play(first: int) -> Time:
        if first == 0:
            env.reset(seed=tape.seed)
        scene, joints = env.simulation.scene, env.simulation.robot.articulation.active_joints
        cameras = scene.get_cameras() if env.cameras else []
        cpu, begin = time.process_time(), time.perf_counter()
        for physics_steps in tape.drives[first : first + ROUND_STEPS]:
            for velocities, positions in physics_steps:
                for i, value in velocities:
                    joints[i].set_drive_velocity_target(value)
                for i, value in positions:
                    joints[i].set_drive_target(value)
                scene.step()
            if cameras:
                scene.update_render()
                for camera in cameras:
                    camera.take_picture()
                for i, c in enumerate(cameras):
                    seen[i] = c.get_picture("Color"), c.get_picture("PositionSegmentation")
        end, cpu = time.perf_counter(), time.process_time() - cpu
        return Time(ROUND_STEPS, begin, end, cpu, state_of(env))

    return play


def processes_player(command: Sequence[str], number: int, about: dict[str, Any]) -> Player:
    """Copies of a program; `about` takes what they say in their answers besides times."""
    from envs.vulkan import driver_folder

    environment = {**os.environ, **({"LP_NUM_THREADS": "1"} if number > 1 else {})}
    # Libraries of the Vulkan driver, which our own processes load by themselves.
    libraries = [str(driver_folder() / "lib"), environment.get("LD_LIBRARY_PATH", "")]
    environment["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, env=environment, **pipes) for _ in range(number)]

    def play(first: int) -> Time:
        try:
            for child in children:
                print(first, file=child.stdin, flush=True)
            answers = [json.loads(child.stdout.readline()) for child in children if child.stdout]
        except (BrokenPipeError, json.JSONDecodeError):
            raise SystemExit(f"see above why this gave up: {' '.join(command)}") from None
        times = [Time(*(a.pop(key, "") for key in Time._fields)) for a in answers]
        about.update(answers[0])
        steps, begins, ends, cpus, states = zip(*times, strict=True)
        return Time(sum(steps), min(begins), max(ends), sum(cpus), states[0])

    return play


def compete(players: dict[str, Player], tape: Tape, rounds: int) -> dict[str, list[Time]]:
    """Lets everybody play `rounds` rounds after one to warm up."""
    times: dict[str, list[Time]] = {name: [] for name in players}
    starts = range(0, len(tape.actions), ROUND_STEPS)
    for i in range(-1, rounds):  # in round -1, first pictures wait for shaders to be compiled
        first = starts[max(i, 0) % len(starts)]
        played = {name: players[name](first) for name in list(players)[:: 1 if i % 2 else -1]}
        if len({spent.state for spent in played.values() if spent.state}) != 1:
            raise SystemExit(f"round {i} did not leave everybody in the same physical state")
        for name in players if i >= 0 else ():
            times[name].append(played[name])
    return times


def spread(values: Any) -> dict[str, float]:
    """Median and quartiles."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def show(result: dict[str, Any]) -> None:
    words = "{median:.3g} ({low:.3g} .. {high:.3g})".format
    console = Console()
    table = Table("median (quartiles)", "steps/s", "CPU ms/step")
    for name, row in result["contenders"].items():
        table.add_row(name, words(**row["steps_per_s"]), words(**row["cpu_ms_per_step"]))
    console.print(table)
    table = Table("a step of this", "over one of that", "wall time", "goal", "CPU time")
    for row in result["ratios"]:
        table.add_row(row["of"], row["to"], words(**row["wall"]), row["goal"], words(**row["cpu"]))
    console.print(table)
    peer = result["maniskill"].get("vulkan_device", "left out (see --maniskill-python)")
    console.print(f"we: {result['vulkan_device']}; ManiSkill: {peer}; load: {result['load']}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="blocks_stack_easy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", dest="rounds", action="store_const", const=3, help="3 rounds")
    parser.add_argument("--cores", type=int, default=2, help="cores that everybody shares")
    parser.add_argument("--maniskill-python", help="interpreter that has mani_skill==3.0.1")
    parser.add_argument("--json", type=Path, help="file for all that was measured")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)

    # Comes first: the renderer counts its threads when it starts.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    load = os.getloadavg()[0]
    tape = record(options.task, options.seed)
    four: dict[str, Any] = {"obs_mode": "rgbd", "resolution": (320, 240)}
    if options.work:  # the other side of `processes_player`
        play = env_player(tape, **four)
        for line in sys.stdin:
            print(json.dumps(play(int(line))._asdict()), flush=True)
        return

    from envs.rendering import render_device

    worker = [sys.executable, __file__, "--work", "--task", tape.task, "--seed", str(tape.seed)]
    players = {
        ENV: env_player(tape, **four),
        BARE: bare_player(tape, **four),
        CHUNKS: env_player(tape, in_chunks=True, **four),
        STATE: env_player(tape, obs_mode="state"),
        BARE_STATE: bare_player(tape, obs_mode="state"),
        ENV + TWICE: processes_player(worker, 2, {}),
    }
    pairs = [(ENV, BARE, "at most 1.1"), (STATE, BARE_STATE, "")]
    maniskill: dict[str, Any] = {}
    if options.maniskill_python:
        script = str(Path(__file__).with_name("maniskill_speed.py"))
        command = [options.maniskill_python, script, "--on-request"]
        players[MANISKILL] = processes_player(command, 1, maniskill)
        players[MANISKILL + TWICE] = processes_player(command, 2, maniskill)
        pairs += [(MANISKILL, ENV, "at least 8"), (MANISKILL + TWICE, ENV + TWICE, "")]
    times = compete(players, tape, options.rounds)
    steps = {
        name: np.array([(t.end_s - t.begin_s, t.cpu_s) for t in played]).T / played[0].steps
        for name, played in times.items()
    }
    result = {
        "options": {name: str(value) for name, value in vars(options).items()},
        "load": [load, os.getloadavg()[0]],
        "vulkan_device": render_device(),
        "versions": {name: version(name) for name in ("sapien", "numpy")},
        "maniskill": maniskill,
        "contenders": {
            name: {
                "steps_per_s": spread(1 / wall),
                "cpu_ms_per_step": spread(1e3 * cpu),
                "step_s": wall.tolist(),
            }
            for name, (wall, cpu) in steps.items()
        },
        "ratios": [
            {"of": a, "to": b, "goal": goal}
            | {kind: spread(steps[a][i] / steps[b][i]) for i, kind in enumerate(("wall", "cpu"))}
            for a, b, goal in pairs
        ],
    }
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
