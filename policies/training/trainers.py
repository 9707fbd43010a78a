"""Training a policy by its name: what is asked for, and who can do it.

Contents:
    InteractionSettings: what is asked for where a policy learns by acting.
    SamplingSettings: how often each frame is learned from.
    DemonstrationSettings: what is asked for where it learns from demonstrations.
    Trainer: what trains a kind of policy.
    load_trainer: finds one by the policy's name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envs.errors import nearest
from learning.outcome import TrainingOutcome
from learning.report import Report

EPOCHS = "epochs"
"""The sampler that is none: every frame once an epoch."""


class UnknownTrainerError(ValueError):
    """No policy of that name can be trained."""


@dataclass(frozen=True)
class InteractionSettings:
    """What is asked for where a policy learns by acting.

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
class SamplingSettings:
    """How often each frame is learned from.

    Attributes:
        sampler: `epochs`, or one of `augment.adamix.registry.REWEIGHTINGS`.
        config: Fields of `augment.adamix.sampler_config.SamplerConfig` and of the sampler's own
            configuration, in place of their defaults.
        reference: Folder of a checkpoint of the same method, for a sampler that compares with one.
        generated_share: Share of the samples that are generated ones; None for that of the frames.
        filtered: Whether generated ones that were judged to be bad are left out; if nobody has
            judged them, none is, and that is told.
    """

    sampler: str = EPOCHS
    config: Mapping[str, Any] = field(default_factory=dict)
    reference: Path | None = None
    generated_share: float | None = None
    filtered: bool = True


@dataclass(frozen=True)
class DemonstrationSettings:
    """What is asked for where a policy learns from demonstrations.

    Attributes:
        policy: Registered name, or `module:Class` of a `policies.imitation.method.ImitationMethod`.
        size: Preset, `full` or `small`.
        task: Task name, or `module:Class`.
        dataset: Folder of demonstrations.
        generated: Folder of more of them, whose pictures are generated; None for none.
        sampling: How often each frame is learned from.
        episodes: How many of them, from the first on; None for all.
        seed: Decides the initial weights, the order of the frames, noise and dropout.
        total_steps: Optimizer steps in all; None for as many as the preset has.
        method: Fields of the method's configuration in place of the preset's.
        optimization: Fields of `learning.optimization.Optimization` in place of the preset's.
        folder: Where everything is written.
        resume: Whether to continue the training that the folder holds, instead of deleting it.
        device: `auto`, `cpu` or `cuda`.
        precision: `fp32` or `bf16`.
        compile: Whether `torch.compile` makes code for the parts that the method repeats.
        accumulate: Batches that a process computes one after the other in a step.
        loader_workers: Processes that read demonstrations; 0 reads them in this one.
        checkpoint_every: Steps between checkpoints.
        eval_every: Steps between evaluations in the simulator; 0 for none.
        eval_episodes: Episodes of one.
        workers: Processes for evaluations and point clouds; 0 does everything in this one.
    """

    policy: str
    size: str
    task: str
    dataset: Path
    generated: Path | None
    sampling: SamplingSettings
    episodes: int | None
    seed: int
    total_steps: int | None
    method: Mapping[str, Any]
    optimization: Mapping[str, Any]
    folder: Path
    resume: bool
    device: str
    precision: str
    compile: bool
    accumulate: int
    loader_workers: int
    checkpoint_every: int
    eval_every: int
    eval_episodes: int
    workers: int


Trainer = Callable[[Any, Report], TrainingOutcome]

INTERACTION = ("ppo", "sac")
"""Policies that learn by acting."""
DEMONSTRATIONS = ("sem", "dp", "dp3", "act")
"""Policies that learn from demonstrations."""


def learns_from_demonstrations(policy: str) -> bool:
    """Whether a policy is trained from `DemonstrationSettings`, and not from the others.

    Args:
        policy: Registered name, or `module:Class` of a method of imitation.

    Raises:
        UnknownTrainerError: With the nearest names of policies that can be trained.
    """
    if policy in INTERACTION:
        return False
    if policy in DEMONSTRATIONS or ":" in policy:
        return True
    valid = nearest(policy, [*INTERACTION, *DEMONSTRATIONS])
    raise UnknownTrainerError(f"policy '{policy}' cannot be trained; {valid}")


def load_trainer(policy: str) -> Trainer:
    """Finds what trains a policy.

    Raises:
        UnknownTrainerError: As `learns_from_demonstrations`.
    """
    name = "demonstration_trainer" if learns_from_demonstrations(policy) else "sb3_trainer"
    trainer: Trainer = importlib.import_module(f"policies.training.{name}").train
    return trainer
