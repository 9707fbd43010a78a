"""Training a policy by its name: what is asked for, what comes out, and who can do it.

Contents:
    TrainingSettings: what is asked for.
    TrainingOutcome: what came of it.
    Trainer: what trains a kind of policy.
    load_trainer: finds one by the policy's name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.errors import nearest

Report = Callable[[str], None]
"""Is told in a line how far training is."""


class UnknownTrainerError(ValueError):
    """No policy of that name can be trained."""


class TrainingError(ValueError):
    """A training that cannot begin as it was asked for; says why in one line."""


@dataclass(frozen=True)
class TrainingSettings:
    """What is asked for.

    Attributes:
        policy: Registered name.
        task: Task name, or `module:Class`.
        seed: Decides the initial weights, the exploration and the training episodes.
        total_steps: Steps of the policy in all.
        workers: Processes that run environments; 0 runs one in this process.
        folder: Where everything is written.
        resume: Whether to continue the training that the folder holds, instead of deleting it.
        episode_steps: Steps after which an episode is cut short, in training and its evaluations;
            None leaves that to the task's time limit.
        eval_every: Steps between evaluations.
        eval_episodes: Episodes of one.
        checkpoint_every: Steps between checkpoints.
        hyperparameters: Of the algorithm, in place of its defaults.
        hand: How the hand sees and acts, in place of the task's defaults.
        reward: Arguments of `envs.wrappers.ProgressGain`, in place of its defaults.
    """

    policy: str
    task: str
    seed: int
    total_steps: int
    workers: int
    folder: Path
    resume: bool
    episode_steps: int | None
    eval_every: int
    eval_episodes: int
    checkpoint_every: int
    hyperparameters: Mapping[str, Any]
    hand: Mapping[str, Any]
    reward: Mapping[str, Any]


@dataclass(frozen=True)
class TrainingOutcome:
    """What came of a training.

    Attributes:
        steps: Steps done, those before a resume included.
        interrupted: Whether Ctrl-C ended it; the same command goes on.
        files: Where things are, by what they are.
    """

    steps: int
    interrupted: bool
    files: Mapping[str, Path]


Trainer = Callable[[TrainingSettings, Report], TrainingOutcome]

TRAINERS = {
    "ppo": "policies.training.sb3_trainer:train",
    "sac": "policies.training.sb3_trainer:train",
}
"""What trains each policy, as `module:function`."""


def load_trainer(policy: str) -> Trainer:
    """Finds what trains a policy.

    Raises:
        UnknownTrainerError: With the nearest names of policies that can be trained.
    """
    if policy not in TRAINERS:
        raise UnknownTrainerError(
            f"policy '{policy}' cannot be trained; {nearest(policy, TRAINERS)}"
        )
    module, _, name = TRAINERS[policy].partition(":")
    trainer: Trainer = getattr(importlib.import_module(module), name)
    return trainer
