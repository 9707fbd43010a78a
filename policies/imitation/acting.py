"""Trained methods of imitation as policies: `sem`, `dp`, `dp3`, `act`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from policies.imitation.checkpoint import CheckpointError
from policies.imitation.checkpoint_actor import ActingSettings, CheckpointActor
from policies.policy import EpisodeContext, Observation, Policy


class LearnedPolicy(Policy):
    """A method's checkpoint, acting; or several, each in the task that it was trained for.

    Attributes:
        method_name: The one method whose checkpoints it takes; None for all.
    """

    method_name: ClassVar[str | None] = None

    def __init__(
        self,
        checkpoint: str | Sequence[str] | None = None,
        device: str = "auto",
        precision: str = "fp32",
        executed: int | None = None,
        threads: int = 1,
        standardized: bool = True,
        compile: bool = False,
    ) -> None:
        """Loads it.

        Args:
            checkpoint: Folder that a training wrote, such as `outputs/.../last`; or several
                folders, of as many tasks, which differ in nothing but the task.
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
            CheckpointError: If there is none, or it is another method's, or an argument is wrong,
                or several are not alike.
        """
        folders = [checkpoint] if isinstance(checkpoint, str) else [*(checkpoint or ())]
        if not folders:
            name = self.method_name or "POLICY"
            raise CheckpointError(
                f"{name} needs policy_config.checkpoint=FOLDER, which `python -m emma_gym.train "
                f"policy={name} task=TASK dataset=FOLDER` makes"
            )
        settings = ActingSettings(device, precision, executed, threads, standardized, compile)
        self._actors: dict[str, CheckpointActor] = {}
        for folder in folders:
            actor = CheckpointActor(Path(folder).expanduser(), settings)
            if self.method_name not in (None, actor.method):
                raise CheckpointError(
                    f"{folder} is a checkpoint of policy={actor.method}, not {self.method_name}"
                )
            self._add(actor)
        self._acting = first = next(iter(self._actors.values()))
        self.observes, self.training_data = first.observes, first.training_data
        self.tasks = tuple(self._actors)

    def _add(self, actor: CheckpointActor) -> None:
        """Takes one more; a result has one method, one training set and one training seed."""
        if same := self._actors.get(actor.task):
            raise CheckpointError(f"{same.folder} and {actor.folder} are both of {actor.task}")
        for first in [*self._actors.values()][:1]:
            for what in ("method", "observes", "training_data"):
                if getattr(first, what) != getattr(actor, what):
                    raise CheckpointError(
                        f"{first.folder} and {actor.folder} differ in more than the task: "
                        f"{what.replace('_', ' ')} is {getattr(first, what)} and "
                        f"{getattr(actor, what)}"
                    )
        self._actors[actor.task] = actor

    def reset(self, episode: EpisodeContext) -> None:
        """Takes up the task's checkpoint, and begins the episode's noise.

        Raises:
            CheckpointError: For another task than it was trained for.
        """
        if episode.task not in self._actors:
            raise CheckpointError(
                f"the checkpoint was trained for {', '.join(self._actors)}, not {episode.task}"
            )
        self._acting = self._actors[episode.task]
        self._acting.begin(episode.seed)

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """The next actions (executed, 14)."""
        return self.act_batch([observation])[0]

    def act_batch(self, observations: Sequence[Observation]) -> Sequence[NDArray[np.float32]]:
        """The next actions for each of several observations of the episode's task."""
        return self._acting.act_batch(observations)

    def config(self) -> dict[str, Any]:
        """What it is, what it learned from, and how it acts; of several, by task."""
        configs = {task: actor.config() for task, actor in self._actors.items()}
        return configs if len(configs) > 1 else self._acting.config()

    def weights_sha256(self) -> str:
        """Hash of the weights' file; of several, of their hashes."""
        hashes = [actor.weights_sha256 for actor in self._actors.values()]
        return (
            hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        )


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
