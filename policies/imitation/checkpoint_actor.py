"""A trained method of imitation, acting in the task that it was trained for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from learning.batch import collate
from learning.compiling import CompilationError, compile_parts
from learning.devices import autocast, chosen_device
from policies.imitation.batch import observation_item, unstacked
from policies.imitation.checkpoint import Checkpoint, CheckpointError
from policies.policy import Observation, TrainingData


@dataclass(frozen=True)
class ActingSettings:
    """How checkpoints act; `LearnedPolicy` says what each means."""

    device: str
    precision: str
    executed: int | None
    threads: int
    standardized: bool
    compile: bool


class CheckpointActor:
    """A checkpoint of any method.

    Attributes:
        folder: Where it is.
        task: The one that it was trained for.
        method: Name of the method.
        observes: The observation it needs.
        training_data: What it has learned from.
        weights_sha256: Hash of the weights' file.
    """

    def __init__(self, folder: Path, settings: ActingSettings) -> None:
        """Loads it.

        Raises:
            CheckpointError: If there is none, or a setting is not valid for it.
        """
        found = Checkpoint.load(folder)
        self._checkpoint, self._settings = found, settings
        self.folder, self.task, self.method = folder, found.task, found.method
        self.weights_sha256 = found.sha256
        try:
            self._device = chosen_device(settings.device)
            self._autocast = autocast(self._device, settings.precision)
        except ValueError as error:
            raise CheckpointError(str(error)) from None
        if settings.threads < 1:
            raise CheckpointError(f"threads={settings.threads}: expected an integer >= 1")
        self._network = found.build().to(self._device)
        if not settings.standardized and self._network.standard_camera is None:
            raise CheckpointError(
                f"standardized=false: {found.method} does not standardize pictures anyway"
            )
        if settings.compile:
            try:
                compile_parts(self._network, self._network.repeated_parts, self._device)
            except CompilationError as error:
                raise CheckpointError(str(error)) from None
        window = self._network.window
        predicted = window.first + window.horizon
        wanted = settings.executed
        self._executed = self._network.executed if wanted is None else wanted
        if not 1 <= self._executed <= predicted:
            raise CheckpointError(
                f"executed={self._executed}: {found.method} predicts {predicted} actions, so it is "
                f"within 1 .. {predicted}"
            )
        self.observes = self._network.observes
        self.training_data = TrainingData(
            demonstrations=_parts(found.dataset["parts"]),
            seed=found.training["seed"],
            generated=_parts(found.dataset.get("generated", {}).get("parts", ())),
        )
        self._noise = torch.Generator()

    def begin(self, seed: int) -> None:
        """Begins an episode's noise."""
        self._noise.manual_seed(seed)

    def act_batch(self, observations: Sequence[Observation]) -> Sequence[NDArray[np.float32]]:
        """The next actions (executed, 14) for each observation, in one pass of the network."""
        network, observes = self._network, self.observes
        items = [
            observation_item(
                unstacked(each, observes.history),
                observes,
                network.standard_camera,
                warped=self._settings.standardized,
            )
            for each in observations
        ]
        batch = {name: each.to(self._device) for name, each in collate(items).items()}
        with torch.inference_mode(), _threads(self._settings.threads), self._autocast:
            predicted = network.predict(batch, self._noise)
        actions: NDArray[np.float32] = predicted[:, : self._executed].float().cpu().numpy()
        return list(actions)

    def config(self) -> dict[str, Any]:
        """What it is, what it learned from, and how it acts."""
        found, settings = self._checkpoint, self._settings
        return {
            "method": found.method,
            "task": found.task,
            "config": dict(found.config),
            "dataset": dict(found.dataset),
            "training": dict(found.training),
            "executed": self._executed,
            "device": self._device.type,
            "precision": settings.precision,
            "standardized": settings.standardized,
            "compiled": settings.compile,
        }


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
