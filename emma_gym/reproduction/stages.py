"""An experiment as commands of this suite: collect, generate, judge, train, evaluate.

Contents:
    Stage: one command.
    stages: those that an experiment still needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from augment.judging import QUALITY
from emma_gym.reproduction.catalog import (
    Experiment,
    Row,
    TrainedPolicy,
    recorded_set,
    training_set,
)
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.kept_results import is_there
from eval_protocols.protocol import load_protocol
from eval_protocols.results import RESULT_NAME
from learning.run_folder import CONFIG_NAME, CURVE_NAME
from policies.training.policy_folders import LAST


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command.

    Attributes:
        kind: The command's name.
        name: Unique.
        options: Of the command, but for its workers.
        folder: Where it writes.
        after: Names of stages that have to be done before.
        keeps: Where to copy what is small of it, by file in `folder`.
        minutes: How long it lasts, about; None if nobody has measured that.
    """

    kind: str
    name: str
    options: tuple[str, ...]
    folder: Path
    after: tuple[str, ...] = ()
    keeps: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    minutes: float | None = None


def stages(experiment: Experiment, folders: Folders) -> list[Stage]:
    """The stages that are needed for the results that are not kept yet, each after what it needs.

    Args:
        experiment: What is reproduced.
        folders: Results in them with as many episodes are taken as they are.
    """
    needed: dict[str, Stage] = {}
    for row in experiment.rows:
        for seed in experiment.training_seeds:
            for task in experiment.tasks:
                kept = folders.result(experiment, row, task, seed)
                if not is_there(kept, experiment.episodes):
                    for stage in _stages(experiment, folders, row, task, seed):
                        needed.setdefault(stage.name, stage)
    return list(needed.values())


def _stages(
    experiment: Experiment, folders: Folders, row: Row, task: str, seed: int
) -> Iterator[Stage]:
    policy = row.policy
    training = [*_training(experiment, folders, policy, task, seed)]
    yield from training
    checkpoint = folders.run(experiment, policy.name, task, seed) / "training" / LAST
    evaluation = folders.run(experiment, row.name, task, seed) / row.protocol
    yield Stage(
        "evaluate",
        f"evaluate {row.name} on {task}, seed {seed}, under {row.protocol}",
        (
            f"policy={policy.policy}",
            f"policy_config.checkpoint={checkpoint}",
            *row.acting,
            f"tasks={task}",
            f"protocol={row.protocol}",
            f"episodes={experiment.episodes}",
            "video=0",
            f"output_dir={evaluation}",
        ),
        evaluation,
        (training[-1].name,),
        {RESULT_NAME: folders.result(experiment, row, task, seed)},
        _minutes(
            experiment,
            f"evaluate {policy.policy}",
            experiment.episodes * len(load_protocol(row.protocol).conditions),
        ),
    )


def _training(
    experiment: Experiment, folders: Folders, policy: TrainedPolicy, task: str, seed: int
) -> Iterator[Stage]:
    """What ends with the training of a policy."""
    data = [*_data(experiment, folders, policy, task)]
    yield from data
    after = [stage.name for stage in data]
    options = [f"dataset={data[0].folder}"]
    if policy.generator is not None:
        options.append(f"generated={data[1].folder}")
        options.append(f"generated_filter={str(policy.judged).lower()}")
    if policy.reference is not None:
        reference = [*_training(experiment, folders, policy.reference, task, seed)]
        yield from reference
        after.append(reference[-1].name)
        options.append(f"reference={reference[-1].folder / LAST}")
    folder = folders.run(experiment, policy.name, task, seed) / "training"
    small = folders.kept(experiment, policy.name, task, seed)
    # Beside a kept result are the settings and the curve of the training that it is of, which is
    # another one if that is repeated as the reference of a policy.
    results = small.glob(f"*/{RESULT_NAME}")
    there = any(is_there(each, experiment.episodes) for each in results)
    kept = () if there else (CONFIG_NAME, CURVE_NAME)
    yield Stage(
        "train",
        f"train {policy.name} on {task}, seed {seed}",
        (
            f"policy={policy.policy}",
            f"size={experiment.size}",
            f"task={task}",
            *options,
            f"seed={seed}",
            "checkpoint_every=250",
            f"output_dir={folder}",
            *policy.options,
        ),
        folder,
        tuple(after),
        {file: small / file for file in kept},
        _minutes(experiment, f"train {policy.policy}", 100),
    )


def _data(
    experiment: Experiment, folders: Folders, policy: TrainedPolicy, task: str
) -> Iterator[Stage]:
    """What ends with a policy's demonstrations: recorded, generated and judged ones."""
    recorded = policy.training if policy.generator is None else recorded_set(policy.training)
    data = folders.data(experiment, recorded, task)
    options = [f"training={recorded}", f"tasks={task}", f"output_dir={data}", *experiment.collected]
    if experiment.resolution is not None:
        options.append("resolution=[{},{}]".format(*experiment.resolution))
    count = sum(part.episodes for part in training_set(recorded).demonstrations)
    name = f"{recorded} of {task}"
    minutes = _minutes(experiment, "collect", count)
    yield Stage("collect", f"collect {name}", tuple(options), data, minutes=minutes)
    if policy.generator is None:
        return
    parts = training_set(policy.training).demonstrations
    made = sum(part.episodes for part in parts if part.generated)
    generator = policy.generator
    folder = data.with_name(f"{task}-{generator}-{made}")
    generate = Stage(
        "generate",
        f"generate {made} by {generator} out of {name}",
        (
            f"dataset={data}",
            f"tasks={task}",
            f"per_demo={made // count}",
            f"output_dir={folder}",
            *experiment.generators[generator],
        ),
        folder,
        (f"collect {name}",),
        minutes=_minutes(experiment, f"generate {generator}", made),
    )
    yield generate
    if policy.judged:
        yield Stage(
            "judge",
            f"judge {made} by {generator} out of {name}",
            (f"dataset={folder}",),
            folder,
            (generate.name,),
            {QUALITY: folders.results / experiment.size / f"{folder.name}-{QUALITY}"},
            _minutes(experiment, "judge", made),
        )


def _minutes(experiment: Experiment, work: str, episodes: int) -> float | None:
    """How long something lasts whose minutes for 100 episodes are known."""
    minutes = experiment.minutes.get(work)
    return None if minutes is None else minutes * episodes / 100
