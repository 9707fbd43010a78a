"""What a training from demonstrations does beside its steps: evaluations, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from augment.adamix.errors import ReweightingError
from envs.demonstrations.worker_pool import WorkerDiedError, WorkerPool
from learning.curve import read_curve
from learning.errors import DivergedError
from learning.interruption import Interruption
from learning.learner import Learner
from learning.loader import Loader
from learning.report import Report
from learning.run_folder import CURVE_NAME
from learning.training_loop import Evaluation, TrainingLoop
from policies.imitation.checkpoint import Checkpoint
from policies.training.policy_folders import BEST, LAST
from policies.training.resampling import Resampling
from policies.training.simulator_evaluation import ValidationEpisode, success_rate
from policies.training.trainers import DemonstrationSettings


class DemonstrationLoop(TrainingLoop):
    """Evaluates policies in the simulator, and keeps the last and the best one."""

    evaluated: tuple[str, ...] = ("eval_success",)

    def __init__(
        self,
        settings: DemonstrationSettings,
        described: Mapping[str, Any],
        learner: Learner,
        loader: Loader,
        episodes: Sequence[ValidationEpisode],
        resampling: Resampling | None,
        pool: WorkerPool,
        report: Report,
        interruption: Interruption,
    ) -> None:
        """Does nothing yet.

        Args:
            settings: What was asked for.
            described: What decides the numbers; `dataset`, `method`, `optimization` and `sampling`
                go to checkpoints.
            learner: The method.
            loader: Of the demonstrations.
            episodes: Of evaluations.
            resampling: What draws frames by weights; None if nothing does.
            pool: Where to run them.
            report: Is told how far it is.
            interruption: Ends it between two steps.
        """
        every = settings.checkpoint_every
        super().__init__(settings.folder, learner, loader, every, report, interruption)
        self._settings, self._described = settings, described
        self._episodes, self._pool, self._resampling = episodes, pool, resampling
        if resampling is not None:
            self.evaluated = ("eval_success", *resampling.columns)

    def save_result(self, step: int) -> None:
        """Writes the policy as it is after a step."""
        self._checkpoint(step).save(self.folder / LAST)

    def more_state(self) -> Mapping[str, Tensor]:
        """What future frames follow from."""
        return {} if self._resampling is None else self._resampling.state_dict()

    def evaluate(self, step: int, measured: Mapping[str, Tensor]) -> Evaluation | None:
        """The success rate every so many steps and after the last one, and new weights when due."""
        weights = self._new_weights(step, measured)
        success = self._evaluated(step)
        if weights is None or success is None:
            return weights or success
        return Evaluation(
            {**weights.measured, **success.measured}, f"{weights.words}; {success.words}"
        )

    def _new_weights(self, step: int, measured: Mapping[str, Tensor]) -> Evaluation | None:
        """Makes new weights of samples, if they are due.

        Raises:
            DivergedError: If what the policy predicts is no number any more.
        """
        resampling, settings = self._resampling, self._settings
        if resampling is None:
            return None
        resampling.observe(measured["loss"])
        try:
            made = resampling.refresh(step, self.folder, f"{settings.policy}, {settings.task}")
        except ReweightingError as error:
            raise DivergedError(f"there are no new weights of samples: {error}") from None
        return None if made is None else Evaluation(resampling.measured(made), made.words())

    def _evaluated(self, step: int) -> Evaluation | None:
        every, last = self._settings.eval_every, step == self.learner.optimization.steps
        if every <= 0 or (step % every and not last):
            return None
        success = None
        if self.learner.accelerator.is_main_process:
            success = self._success(step)
        self.learner.accelerator.wait_for_everyone()
        if success is None:
            return Evaluation()
        return Evaluation({"eval_success": success}, f"success {100 * success:.0f} %")

    def _success(self, step: int) -> float | None:
        """The success rate now; keeps the policy if none before was better."""
        success = None
        checkpoint = self._checkpoint(step)
        sha256 = checkpoint.save(self.folder / LAST)
        try:
            success = success_rate(
                self._episodes,
                self.folder / LAST,
                sha256,
                self.learner.accelerator.device.type,
                self._pool,
                lambda: self.interruption.requested,
            )
        except WorkerDiedError as error:
            self.report(f"step {step} is not evaluated: {error}")
        # Of equally good ones the last is kept: it has learned most.
        if success is not None and success >= self._best_success():
            checkpoint.save(self.folder / BEST)
        return success

    def _best_success(self) -> float:
        """The greatest success rate of an evaluation so far; 0 without any."""
        curve = read_curve(self.folder / CURVE_NAME)
        return max((row.get("eval_success", 0.0) for row in curve), default=0.0)

    def _checkpoint(self, step: int) -> Checkpoint:
        settings, described = self._settings, self._described
        return Checkpoint(
            method=settings.policy,
            config=described["method"],
            task=settings.task,
            dataset=described["dataset"],
            training={
                "seed": settings.seed,
                "step": step,
                "averaged": self.learner.averages,
                "size": settings.size,
                "precision": settings.precision,
                "optimization": described["optimization"],
                "sampling": described["sampling"],
            },
            weights=self.learner.inference_weights(),
        )
