"""Trained methods of imitation as policies: `sem`, `dp`, `dp3`, `act`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from learning.batch import collate
from learning.compiling import CompilationError, compile_parts
from learning.devices import autocast, chosen_device
from policies.imitation.batch import observation_item, unstacked
from policies.imitation.checkpoint import Checkpoint, CheckpointError
from policies.policy import EpisodeContext, Observation, Policy, TrainingData


class LearnedPolicy(Policy):
    """A checkpoint of any method, acting.

    Attributes:
        method_name: The one method whose checkpoints it takes; None for all.
    """

    method_name: ClassVar[str | None] = None

    def __init__(
        self,
        checkpoint: str | None = None,
        device: str = "auto",
        precision: str = "fp32",
        executed: int | None = None,
        threads: int = 1,
        standardized: bool = True,
        compile: bool = False,
    ) -> None:
        """Loads it.

        Args:
            checkpoint: Folder that a training wrote, such as `outputs/.../last`.
            device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
            precision: `fp32`, or `bf16` for automatic mixed precision.
            executed: How many of the predicted actions are executed before it looks again; None
                for as many as the method's configuration says.
            threads: Of the CPU. With another number sums are rounded otherwise, so one is the
                default: an evaluation's numbers must not depend on how many processes it has.
            standardized: Whether pictures are warped to the method's standard camera, if it has
                one. False is SEM's ablation (its Table 6): another camera's pictures are only
                resized, so that what they show has another size and place.
            compile: Whether `torch.compile` makes code for it: the first action takes minutes;
                later ones take less time with `bf16`, but not with `fp32` (benchmarks/README.md).

        Raises:
            CheckpointError: If there is none, or it is another method's, or an argument is wrong.
        """
        if checkpoint is None:
            name = self.method_name or "POLICY"
            raise CheckpointError(
                f"{name} needs policy_config.checkpoint=FOLDER, which `python -m emma_gym.train "
                f"policy={name} task=TASK dataset=FOLDER` makes"
            )
        found = Checkpoint.load(Path(checkpoint).expanduser())
        if self.method_name not in (None, found.method):
            raise CheckpointError(
                f"{checkpoint} is a checkpoint of policy={found.method}, not {self.method_name}"
            )
        try:
            self._device = chosen_device(device)
            self._autocast = autocast(self._device, precision)
        except ValueError as error:
            raise CheckpointError(str(error)) from None
        if threads < 1:
            raise CheckpointError(f"threads={threads}: expected an integer >= 1")
        self._threads, self._standardized = threads, standardized
        self._precision = precision
        self._checkpoint = found
        self._method = found.build().to(self._device)
        if not standardized and self._method.standard_camera is None:
            raise CheckpointError(
                f"standardized=false: {found.method} does not standardize pictures anyway"
            )
        self._compiled = compile
        if compile:
            try:
                compile_parts(self._method, self._method.repeated_parts, self._device)
            except CompilationError as error:
                raise CheckpointError(str(error)) from None
        window = self._method.window
        predicted = window.first + window.horizon
        self._executed = self._method.executed if executed is None else executed
        if not 1 <= self._executed <= predicted:
            raise CheckpointError(
                f"executed={self._executed}: {found.method} predicts {predicted} actions, so it is "
                f"within 1 .. {predicted}"
            )
        self.observes = self._method.observes
        self.tasks = (found.task,)
        self.training_data = TrainingData(
            demonstrations=_parts(found.dataset["parts"]),
            seed=found.training["seed"],
            generated=_parts(found.dataset.get("generated", {}).get("parts", ())),
        )
        self._noise = torch.Generator()

    def reset(self, episode: EpisodeContext) -> None:
        """Begins the episode's noise.

        Raises:
            CheckpointError: For another task than it was trained for.
        """
        if episode.task != self._checkpoint.task:
            raise CheckpointError(
                f"the checkpoint was trained for {self._checkpoint.task}, not {episode.task}"
            )
        self._noise.manual_seed(episode.seed)

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next actions (executed, 14)."""
        return self.act_batch([observation])[0]

    def act_batch(self, observations: Sequence[Observation]) -> Sequence[NDArray[np.float32]]:
        """The next actions for each of several observations, in one pass of the network."""
        method, observes = self._method, self.observes
        items = [
            observation_item(
                unstacked(each, observes.history),
                observes,
                method.standard_camera,
                warped=self._standardized,
            )
            for each in observations
        ]
        batch = {name: each.to(self._device) for name, each in collate(items).items()}
        with torch.inference_mode(), _threads(self._threads), self._autocast:
            predicted = method.predict(batch, self._noise)
        actions: NDArray[np.float32] = predicted[:, : self._executed].float().cpu().numpy()
        return list(actions)

    def config(self) -> dict[str, Any]:
        """What it is, what it learned from, and how it acts."""
        found = self._checkpoint
        return {
            "method": found.method,
            "task": found.task,
            "config": dict(found.config),
            "dataset": dict(found.dataset),
            "training": dict(found.training),
            "executed": self._executed,
            "device": self._device.type,
            "precision": self._precision,
            "standardized": self._standardized,
            "compiled": self._compiled,
        }

    def weights_sha256(self) -> str:
        """Hash of the weights' file."""
        return self._checkpoint.sha256


class SemPolicy(LearnedPolicy):
    """SEM: spatial enhancement and joint-centric diffusion."""

    method_name = "sem"


class DpPolicy(LearnedPolicy):
    """Diffusion Policy."""

    method_name = "dp"


class Dp3Policy(LearnedPolicy):
    """3D Diffusion Policy."""

    method_name = "dp3"


class ActPolicy(LearnedPolicy):
    """Action chunking with transformers."""

    method_name = "act"


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Lets torch use a number of threads, and afterwards as many as before."""
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _parts(told: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, Mapping[str, Any]], ...]:
    return tuple((int(part["episodes"]), part["variations"]) for part in told)
