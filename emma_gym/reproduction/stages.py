"""An experiment as commands of this suite: collect, train, evaluate.

Contents:
    Folders: where everything lies.
    Stage: one command.
    stages: those that an experiment still needs.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from emma_gym.reproduction.catalog import Experiment, Row, TrainedPolicy, training_set
from eval_protocols.protocol import load_protocol
from eval_protocols.results import RESULT_NAME
from learning.run_folder import CONFIG_NAME, CURVE_NAME
from policies.training.policy_folders import LAST


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where everything lies; experiments share what is the same in them.

    Attributes:
        output: Demonstrations, trainings, evaluations: what is large.
        results: Configurations, curves, result files, tables: what is small.
    """

    output: Path
    results: Path

    def data(self, experiment: Experiment, training: str, task: str) -> Path:
        """Demonstrations of a task."""
        return self.output / "data" / experiment.size / training.replace("/", "-") / task

    def run(self, experiment: Experiment, policy: TrainedPolicy, task: str, seed: int) -> Path:
        """A training and its evaluations."""
        return self.output / "runs" / experiment.size / policy.name / task / f"seed_{seed}"

    def kept(self, experiment: Experiment, policy: TrainedPolicy, task: str, seed: int) -> Path:
        """What is small of a training."""
        return self.results / experiment.size / policy.name / task / f"seed_{seed}"

    def result(self, experiment: Experiment, row: Row, task: str, seed: int) -> Path:
        """The result file of an evaluation, as it is kept."""
        return self.kept(experiment, row.policy, task, seed) / row.protocol / RESULT_NAME


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command.

    Attributes:
        kind: `collect`, `train` or `evaluate`, which is the command's name as well.
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
                if not _is_there(kept, experiment.episodes):
                    for stage in _stages(experiment, folders, row, task, seed):
                        needed.setdefault(stage.name, stage)
    return list(needed.values())


def _stages(
    experiment: Experiment, folders: Folders, row: Row, task: str, seed: int
) -> Iterator[Stage]:
    policy, size = row.policy, experiment.size
    data = folders.data(experiment, policy.training, task)
    options = [f"training={policy.training}", f"tasks={task}", f"output_dir={data}"]
    if experiment.resolution is not None:
        options.append("resolution=[{},{}]".format(*experiment.resolution))
    demonstrations = sum(part.episodes for part in training_set(policy.training).demonstrations)
    collect = Stage(
        "collect",
        f"collect {policy.training} of {task}",
        tuple(options),
        data,
        minutes=_minutes(experiment, "collect", demonstrations),
    )
    yield collect

    folder = folders.run(experiment, policy, task, seed)
    small = folders.kept(experiment, policy, task, seed)
    name = f"{policy.name} on {task}, seed {seed}"
    train = Stage(
        "train",
        f"train {name}",
        (
            f"policy={policy.policy}",
            f"size={size}",
            f"task={task}",
            f"dataset={data}",
            f"seed={seed}",
            "checkpoint_every=250",
            f"output_dir={folder / 'training'}",
            *policy.options,
        ),
        folder / "training",
        (collect.name,),
        {file: small / file for file in (CONFIG_NAME, CURVE_NAME)},
        _minutes(experiment, f"train {policy.policy}", 100),
    )
    yield train

    evaluation = folder / row.protocol
    yield Stage(
        "evaluate",
        f"evaluate {name}, under {row.protocol}",
        (
            f"policy={policy.policy}",
            f"policy_config.checkpoint={folder / 'training' / LAST}",
            f"tasks={task}",
            f"protocol={row.protocol}",
            f"episodes={experiment.episodes}",
            "video=0",
            f"output_dir={evaluation}",
        ),
        evaluation,
        (train.name,),
        {RESULT_NAME: small / row.protocol / RESULT_NAME},
        _minutes(
            experiment,
            f"evaluate {policy.policy}",
            experiment.episodes * len(load_protocol(row.protocol).conditions),
        ),
    )


def _minutes(experiment: Experiment, work: str, episodes: int) -> float | None:
    """How long something lasts whose minutes for 100 episodes are known."""
    minutes = experiment.minutes.get(work)
    return None if minutes is None else minutes * episodes / 100


def _is_there(result: Path, episodes: int) -> bool:
    """Whether a result is kept, with so many episodes of each condition."""
    if not result.exists():
        return False
    summary = json.loads(result.read_text(encoding="utf-8"))["summary"]
    return all(cell["episodes"] == episodes for cell in summary["tasks"])
