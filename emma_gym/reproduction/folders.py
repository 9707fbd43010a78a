"""Where everything of an experiment lies."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from emma_gym.reproduction.catalog import Experiment, Row
from eval_protocols.results import RESULT_NAME


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

    def run(self, experiment: Experiment, name: str, task: str, seed: int) -> Path:
        """A policy's training, and a row's evaluations."""
        return self.output / "runs" / experiment.size / name / task / f"seed_{seed}"

    def kept(self, experiment: Experiment, name: str, task: str, seed: int) -> Path:
        """What is small of them."""
        return self.results / experiment.size / name / task / f"seed_{seed}"

    def result(self, experiment: Experiment, row: Row, task: str, seed: int) -> Path:
        """The result file of an evaluation, as it is kept."""
        return self.kept(experiment, row.name, task, seed) / row.protocol / RESULT_NAME
