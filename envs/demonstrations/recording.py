"""Recording an expert's episode: planned without pictures, then replayed with them.

Most of the cost of an episode is its pictures, and some episodes fail: physics decides first, in
milliseconds, and only what was solved is rendered. The replay executes the planned actions and
must end in the planned state, bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import rendering
from envs.demonstrations.episode_file import MATRICES, EpisodeWriter
from envs.dual_arm_env import DualArmEnv
from envs.experts.motion import ExpertError, Motion
from envs.picture import Picture
from envs.source_code import physics_sha256


@dataclass(frozen=True)
class Plan:
    """A solved episode without its pictures.

    Attributes:
        task: Task name, or `module:Class`.
        seed: Episode seed.
        variations: What varied in it, as `DualArmEnv` takes it.
        action: (T, 14) float32, all that the expert did.
        stage: (T + 1,) int16: how many of its motions had begun before each observation.
        solved_at: Control steps until the task was first solved.
        state_sha256: Of the state it ended in.
    """

    task: str
    seed: int
    variations: Mapping[str, Any]
    action: NDArray[np.float32]
    stage: NDArray[np.int16]
    solved_at: int
    state_sha256: str


@dataclass(frozen=True)
class Recording:
    """A recorded episode, as `envs.demonstrations.episode_file.write_episode` takes it."""

    episode: Mapping[str, Any]
    action: NDArray[np.float32]
    series: Mapping[str, NDArray[Any]]
    cameras: Mapping[str, Mapping[str, NDArray[Any]]]


_Frame = tuple[dict[str, Any], dict[str, dict[str, NDArray[Any]]]]
"""One observation: the series and, by camera, the pictures and matrices."""


class NotSolvedError(RuntimeError):
    """The expert does not solve a seed; says why."""


class ReplayError(RuntimeError):
    """The replay of a plan did not end in the state that was planned."""


class _CountedMotion(Motion):
    """Motions that are counted when they begin.

    Attributes:
        begun: How many have.
    """

    begun = 0

    def play(self, *args: Any, **kwargs: Any) -> Iterator[NDArray[np.float64]]:
        """Counts, and plays."""
        self.begun += 1
        yield from super().play(*args, **kwargs)


class RecordedEnv(DualArmEnv):
    """The environment with a view of its last pictures, segmentation included."""

    @property
    def pictures(self) -> Mapping[str, Picture]:
        """The last pictures, by camera."""
        return self._pictures


def plan(env: DualArmEnv, task: str, seed: int, variations: Mapping[str, Any]) -> Plan:
    """Runs the expert from a seed to the end of its motions.

    Args:
        env: An environment of the task, in `state`.
        task: Its name.
        seed: Episode seed.
        variations: What varies.

    Raises:
        NotSolvedError: If the expert gives up, exceeds the step limit, or does not end solved.
    """
    env.reset(seed=seed, options={"variations": variations})
    motion = _CountedMotion(
        env.simulation.robot.joint_target, env.scene_state, 1.0 / env.control_hz
    )
    actions, stages = [], [0]
    solved_at = 0
    info: dict[str, Any] = {"success": False, "checks": {}, "failure": "the expert did nothing"}
    try:
        for action in env.task.expert(motion, env.start):
            # float32, as it is stored: the replay must do exactly this.
            actions.append(np.asarray(action, dtype=np.float32))
            _, _, _, _, info = env.step(actions[-1])
            stages.append(motion.begun)
            if info["success"] and not solved_at:
                solved_at = len(actions)
            if info["failure"] or len(actions) == env.task.step_limit:
                break
    except ExpertError as error:
        raise NotSolvedError(str(error)) from None
    if not info["success"]:
        missing = [name for name, holds in info["checks"].items() if not holds]
        raise NotSolvedError(info["failure"] or f"not: {', '.join(missing)}")
    return Plan(
        task=task,
        seed=seed,
        variations=dict(variations),
        action=np.stack(actions),
        stage=np.array(stages, dtype=np.int16),
        solved_at=solved_at,
        state_sha256=env.state_sha256(),
    )


def record(env: RecordedEnv, planned: Plan, pictures: Sequence[str]) -> Recording:
    """Replays a plan and keeps every observation in memory.

    Args:
        env: An environment of the task, in `rgbd`.
        planned: What to replay.
        pictures: What to keep of each camera, out of `rgb`, `depth` and `segmentation`.

    Raises:
        ReplayError: If it does not end in the planned state.
    """
    episode, frames = _replay(env, planned, pictures)
    states, seen = zip(*frames, strict=True)
    series = {name: np.stack([state[name] for state in states]) for name in states[0]}
    cameras = {
        camera: {part: np.stack([each[camera][part] for each in seen]) for part in seen[0][camera]}
        for camera in env.cameras
    }
    return Recording(episode, planned.action, series, cameras)


def record_to_file(
    env: RecordedEnv,
    planned: Plan,
    pictures: Sequence[str],
    path: Path,
    also: Mapping[str, Any],
) -> None:
    """Replays a plan and writes every observation as it comes.

    Args:
        env: An environment of the task, in `rgbd`.
        planned: What to replay.
        pictures: What to keep of each camera, out of `rgb`, `depth` and `segmentation`.
        path: The file, which appears when it is whole.
        also: What else is to be known about the episode, as JSON.

    Raises:
        ReplayError: If it does not end in the planned state. There is no file then.
    """
    episode, frames = _replay(env, planned, pictures)
    with EpisodeWriter(path, {**episode, **also}, planned.action) as writer:
        for state, seen in frames:
            writer.append(state, seen)


def _replay(
    env: RecordedEnv, planned: Plan, pictures: Sequence[str]
) -> tuple[dict[str, Any], Iterator[_Frame]]:
    """What is known about an episode, and its observations, which are made as they are taken."""
    observation, info = env.reset(seed=planned.seed, options={"variations": planned.variations})
    episode = {
        "task": planned.task,
        "seed": planned.seed,
        "instruction": info["instruction"],
        "variations": info["variations"],
        "instances": info["instances"],
        "things": things_of(env),
        "clutter": info["clutter"],
        "table_height": env.simulation.table_height,
        "solved_at": planned.solved_at,
        "state_sha256": planned.state_sha256,
        "physics_sha256": physics_sha256(),
        "renderer": {"device": rendering.render_device(), "shader": rendering.shader()},
    }

    def frames() -> Iterator[_Frame]:
        yield {**_state(observation, info), "stage": planned.stage[0]}, _seen(env, pictures)
        for action, stage in zip(planned.action, planned.stage[1:], strict=True):
            now, _, _, _, about = env.step(action)
            yield {**_state(now, about), "stage": stage}, _seen(env, pictures)
        if env.state_sha256() != planned.state_sha256:
            raise ReplayError(f"{planned.task}, seed {planned.seed}: the replay ended elsewhere")

    return episode, frames()


def things_of(env: DualArmEnv) -> dict[str, dict[str, Any]]:
    """What segmentation's numbers stand for, by name, the room and the robot included."""
    simulation = env.simulation
    things = {
        name: {"ids": [entity.per_scene_id], "description": simulation.models[name].description}
        for name, entity in simulation.things.items()
    }
    links = [link.entity.per_scene_id for link in simulation.robot.articulation.links]
    return {**things, "robot": {"ids": links, "description": "two robot arms"}}


def _state(observation: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: observation[name] for name in ("joint_position", "joint_target", "endpose")},
        "progress": np.float32(info["progress"]),
        "success": np.bool_(info["success"]),
    }


def _seen(env: RecordedEnv, pictures: Sequence[str]) -> dict[str, dict[str, NDArray[Any]]]:
    return {
        camera: {part: getattr(picture, part) for part in (*pictures, *MATRICES)}
        for camera, picture in env.pictures.items()
    }
