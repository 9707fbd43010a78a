"""How fast episodes are verified: replays against the bare physics of the same episodes.

    python benchmarks/replay_speed.py [--tasks a,b] [--episodes 1] [--rounds 5] [--json FILE]

Replay and bare loop take turns in one process, on the same experts' episodes, and must come to the
same physical state, bit for bit. Times are CPU time of their one thread. See README.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from env_speed import drives_of, state_of
from rich.console import Console
from rich.table import Table

from envs import make_env
from envs.seeds import validated_seeds
from envs.tasks import STEP_LIMITS
from eval_protocols.episodes import WorkUnit
from eval_protocols.guarded_policy import Unwatched
from eval_protocols.protocol import load_protocol
from eval_protocols.runner import EpisodeRunner, RunnerSettings
from eval_protocols.verification.replay import Replayer

REPLAY, RESET, BARE = "replay", "reset", "bare"


class Episode(NamedTuple):
    """An expert's episode: its actions, what they do to SAPIEN's joints, and what comes of it."""

    unit: WorkUnit
    actions: Any
    drives: list[list[list[Any]]]
    env: Any
    state_sha256: str
    state: str


def record(runner: EpisodeRunner, unit: WorkUnit) -> Episode:
    """Has the expert play, as in an evaluation."""
    actions = runner.run(unit).actions
    env: Any = make_env(unit.task).unwrapped
    drives = drives_of(env, unit.seed, actions)
    env.reset(seed=unit.seed)
    for action in actions:
        env.step(action)
    return Episode(unit, actions, drives, env, env.state_sha256(), state_of(env))


def play_bare(episode: Episode) -> None:
    """Nothing but SAPIEN's calls, from after the reset to the end."""
    scene = episode.env.simulation.scene
    joints = episode.env.simulation.robot.articulation.active_joints
    for physics_steps in episode.drives:
        for velocities, positions in physics_steps:
            for index, value in velocities:
                joints[index].set_drive_velocity_target(value)
            for index, value in positions:
                joints[index].set_drive_target(value)
            scene.step()


def timed(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[float, Any]:
    """CPU seconds of a call, and what it returned."""
    begin = time.thread_time()
    returned = function(*arguments, **options)
    return time.thread_time() - begin, returned


def measure(replayer: Replayer, episode: Episode, rounds: int) -> dict[str, float]:
    """Median CPU seconds of replay, reset and bare loop, after a round to warm up."""
    times = []
    for _ in range(rounds + 1):
        replay_s, replayed = timed(replayer.replay, episode.unit, episode.actions, None)
        reset_s, _ = timed(episode.env.reset, seed=episode.unit.seed)
        bare_s, _ = timed(play_bare, episode)
        same = state_of(episode.env) == episode.state
        if not same or replayed["state_sha256"] != episode.state_sha256:
            raise SystemExit(f"{episode.unit}: not everybody came to the same physical state")
        times.append((replay_s, reset_s, bare_s))
    return dict(zip((REPLAY, RESET, BARE), np.median(times[1:], axis=0).tolist(), strict=True))


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Prints a line for each episode, and one for all."""
    table = Table("steps", "replays/s", "bare/s", "bare loop", "reset", "all else", "episode")
    for row in [*rows, total(rows)]:
        shares = (row[BARE] / row[REPLAY], row[RESET] / row[REPLAY])
        table.add_row(
            f"{row['steps']:.0f}",
            *(f"{1 / row[name]:.2f}" for name in (REPLAY, BARE)),
            *(f"{100 * share:.0f} %" for share in (*shares, 1 - sum(shares))),
            row["episode"],
        )
    Console().print(table)


def total(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean episode."""
    keys = ("steps", REPLAY, RESET, BARE)
    return {"episode": "mean of all"} | {key: np.mean([row[key] for row in rows]) for key in keys}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=",".join(STEP_LIMITS), help="separated by commas")
    parser.add_argument("--episodes", type=int, default=1, help="for each task")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for all that was measured, in CPU s")
    options = parser.parse_args(arguments)

    protocol = load_protocol("in_domain")
    (condition,) = protocol.conditions
    seeds = {t: validated_seeds(t, options.episodes) for t in options.tasks.split(",")}
    settings = RunnerSettings(
        policy="expert",
        policy_config={},
        first_seeds={task: first for task, (first, *_) in seeds.items()},
        conditions={condition.name: condition},
        after_success_steps=protocol.after_success_steps,
        policy_timeout_s=60.0,
        start_timeout_s=60.0,
        make_env=make_env,
    )
    runner = EpisodeRunner(settings, Unwatched())
    replayer = Replayer(protocol.conditions, "joint", protocol.after_success_steps)
    rows = []
    for task in seeds:
        for seed in seeds[task]:
            episode = record(runner, WorkUnit(task, seed, condition.name))
            about = {"episode": f"{task} {seed}", "steps": len(episode.actions)}
            rows.append(about | measure(replayer, episode, options.rounds))
    show(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
