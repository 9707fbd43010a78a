"""How often a policy in training succeeds in the simulator.

Its episodes are for validation: seeds counted down from the last one below those of evaluations,
without those of the demonstrations, as far as the expert solves them. What varies is what varies
in the demonstrations, part by part in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from envs.demonstrations.dataset import FIRST_EVALUATION_SEED
from envs.demonstrations.recording import NotSolvedError, plan
from envs.demonstrations.worker_pool import WorkerPool
from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidActionError
from envs.registration import make_env
from envs.wrappers import ActionChunk, FrameHistory
from learning.errors import TrainingError
from learning.seeds import seed_of
from policies.imitation.acting import LearnedPolicy
from policies.policy import EpisodeContext, Observes, Policy

MOST_FAILURES = 100
"""Seeds in a row without a solved one after which an expert is given up."""

LONGEST_CHUNK = 1000
"""More than any method predicts."""


@dataclass(frozen=True)
class ValidationEpisode:
    """An episode that the expert solves.

    Attributes:
        task: Task name, or `module:Class`.
        seed: Episode seed.
        variations: What varies in it.
    """

    task: str
    seed: int
    variations: Mapping[str, Any]


class _Job(NamedTuple):
    """An episode for a checkpoint's policy."""

    episode: ValidationEpisode
    checkpoint: Path
    weights_sha256: str
    device: str

    def __str__(self) -> str:
        return f"{self.checkpoint} in {self.episode.task}, seed {self.episode.seed}"


def validation_episodes(
    task: str, count: int, variations: Sequence[Mapping[str, Any]], taken: Collection[int]
) -> list[ValidationEpisode]:
    """The episodes, the same ones whenever they are asked for.

    Args:
        task: Task name, or `module:Class`.
        count: How many.
        variations: What varies, in turn.
        taken: Seeds that the demonstrations have.

    Raises:
        TrainingError: If the expert does not solve them.
    """
    env = DualArmEnv(task)
    found: list[ValidationEpisode] = []
    failures = 0
    seeds = (seed for seed in range(FIRST_EVALUATION_SEED - 1, -1, -1) if seed not in taken)
    for seed in seeds:
        varying = variations[len(found) % len(variations)]
        try:
            plan(env, task, seed, varying)
            found.append(ValidationEpisode(task, seed, varying))
            failures = 0
        except NotSolvedError as error:
            failures += 1
            if failures == MOST_FAILURES:
                raise TrainingError(
                    f"no episodes for evaluations: the expert fails {failures} times in a row in "
                    f"{task} ({error})"
                ) from None
        if len(found) == count:
            break
    env.close()
    return found


def success_rate(
    episodes: Sequence[ValidationEpisode],
    checkpoint: Path,
    weights_sha256: str,
    device: str,
    pool: WorkerPool,
    ended: Callable[[], bool],
) -> float | None:
    """The part of the episodes that a checkpoint's policy solves.

    Args:
        episodes: What to run.
        checkpoint: Its folder.
        weights_sha256: What is in there now.
        device: That the policy acts on.
        pool: Where to run them.
        ended: Whether to give up, asked after every episode.

    Returns:
        0 .. 1, or None if it was given up.

    Raises:
        envs.demonstrations.worker_pool.WorkerDiedError: If processes die twice in an episode.
    """
    jobs = [_Job(episode, checkpoint, weights_sha256, device) for episode in episodes]
    solved = []
    for success in pool.map(_solves, jobs):
        solved.append(success)
        if ended():
            return None
    return float(np.mean(solved))


def _solves(job: _Job) -> bool:
    """Whether a checkpoint's policy solves an episode."""
    episode = job.episode
    policy = _policy(job.checkpoint, job.weights_sha256, job.device)
    env = _env(episode.task, policy.observes)
    observation, info = env.reset(seed=episode.seed, options={"variations": episode.variations})
    policy.reset(
        EpisodeContext(
            task=episode.task,
            instruction=info["instruction"],
            seed=seed_of(episode.seed),
            action_space=env.unwrapped.action_space,
            control_hz=DualArmEnv.control_hz,
        )
    )
    over = False
    while not over:
        try:
            observation, _, terminated, truncated, info = env.step(policy.act(observation))
        except InvalidActionError:  # a network that does not know what it does yet
            return False
        over = terminated or truncated
    return bool(info["success_once"])


@lru_cache(maxsize=1)
def _policy(checkpoint: Path, weights_sha256: str, device: str) -> Policy:
    """A policy, which is kept for the episodes to come."""
    return LearnedPolicy(str(checkpoint), device)


@lru_cache(maxsize=1)
def _env(task: str, observes: Observes) -> Any:
    """An environment, which is kept as well."""
    env = make_env(
        task, obs_mode=observes.obs_mode, cameras=observes.cameras, resolution=observes.resolution
    )
    if observes.history > 1:
        env = FrameHistory(env, observes.history, observes.history_stride)
    return ActionChunk(env, LONGEST_CHUNK)
