"""The steps of a training, and what happens between them.

Contents:
    Evaluation: what an evaluation between two steps found.
    TrainingLoop: the base class of what does the steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from learning.interruption import Interruption
from learning.learner import Learner
from learning.learning_curve import LearningCurve
from learning.loader import Loader
from learning.means import Means
from learning.report import Report
from learning.run_folder import CHECKPOINTS
from learning.state import Progress
from learning.stop_watch import StopWatch


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation between two steps found.

    Attributes:
        measured: By column of the curve; empty if it was given up.
        words: What is told of it.
    """

    measured: Mapping[str, float] = field(default_factory=dict)
    words: str = ""


class TrainingLoop(ABC):
    """Step after step: learns, writes the curve, saves.

    A subclass says what comes out of the training and, if it likes, evaluates that.

    Attributes:
        evaluated: Columns of the curve that `evaluate` measures.
        folder: Where everything is written.
        learner: What learns.
        report: Is told how far it is.
        interruption: Ends it between two steps.
    """

    evaluated: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        learner: Learner,
        loader: Loader,
        checkpoint_every: int,
        report: Report,
        interruption: Interruption,
    ) -> None:
        """Does nothing yet.

        Args:
            folder: Where everything is written.
            learner: What learns.
            loader: From what.
            checkpoint_every: Steps between states to go on from; the last step has one anyway.
            report: Is told how far it is.
            interruption: Ends it between two steps, with a state.
        """
        self.folder, self.learner, self.report = folder, learner, report
        self.interruption = interruption
        self._loader, self._checkpoint_every = loader, checkpoint_every

    @abstractmethod
    def save_result(self, step: int) -> None:
        """Writes what comes out of the training, as it is after a step.

        It is called with every state to go on from, before that is written, in the main process.
        """

    def evaluate(self, step: int, measured: Mapping[str, Tensor]) -> Evaluation | None:
        """Evaluates what comes out, if that is due after a step; None if it is not.

        It is called after every step, in every process; the main one's answer counts.

        Args:
            step: Steps done.
            measured: What the last one measured; see `Learner.step`.
        """
        return None

    def more_state(self) -> Mapping[str, Tensor]:
        """What else belongs to a state to go on from."""
        return {}

    def run(self, progress: Progress) -> None:
        """Does the steps that are missing; `progress` then says how far it came.

        Raises:
            learning.errors.DivergedError: If the loss is no number any more.
        """
        learner, total = self.learner, self.learner.optimization.steps
        curve = None
        if learner.accelerator.is_main_process:
            curve = LearningCurve(self.folder, progress.step, total, self.report)
        means, watch = Means(progress.sums, progress.summed), StopWatch(progress.wall_s)
        steps = self._loader.batches_by_step(
            progress.step, learner.optimization, learner.accelerator
        )
        while progress.step < total:
            with watch.loading():
                batches = next(steps)
            measured = learner.step(progress.step, batches)
            means.add(measured)
            progress.step += 1
            last = progress.step == total
            found = self.evaluate(progress.step, measured)
            if curve is not None and (
                found is not None or last or progress.step % curve.every == 0
            ):
                row = self._row(progress.step, means, watch, found)
                curve.add(row, found.words if found else "")
            ends = last or self._any(self.interruption.requested)
            if ends or progress.step % self._checkpoint_every == 0:
                progress.wall_s = watch.wall_s()
                progress.sums, progress.summed = means.sums(), means.steps
                self._save(progress)
            if ends:
                break
        if curve is not None:
            curve.close()

    def _row(
        self, step: int, means: Means, watch: StopWatch, found: Evaluation | None
    ) -> dict[str, float | None]:
        """A line of the curve; begins the means and the watch's speeds anew."""
        size = self.learner.optimization.batch_size
        return {
            "step": step,
            "wall_s": round(watch.wall_s(), 1),
            "epoch": step * size / self._loader.items,
            **means.take(),
            **watch.speeds(size),
            **dict.fromkeys(self.evaluated),
            **(found.measured if found else {}),
        }

    def _save(self, progress: Progress) -> None:
        if self.learner.accelerator.is_main_process:
            self.save_result(progress.step)
            self.learner.save(self.folder / CHECKPOINTS, progress, self.more_state())
        self.learner.accelerator.wait_for_everyone()

    def _any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        accelerator = self.learner.accelerator
        if accelerator.num_processes == 1:
            return flag
        flags = torch.tensor([float(flag)], device=accelerator.device)
        return bool(accelerator.reduce(flags, "sum").item())
