"""What a node of a Ray cluster does: the same as this machine, one episode at a time.

Each actor runs a `ProcessExecutor` of one process. So a policy that crashes or hangs costs what it
costs here, and a lost actor is a lost machine.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eval_protocols.episodes import FinishedEpisode, WorkUnit
from eval_protocols.executors import RunnerFactory
from eval_protocols.guarded_policy import PolicyRefusedError
from eval_protocols.process_executor import ProcessExecutor, WorkerCrashError
from eval_protocols.provenance import software_versions
from eval_protocols.worker import Crashed, Refused


@dataclass(frozen=True)
class Seated:
    """A worker that is ready.

    Attributes:
        node: Ray's name of the machine it runs on.
        host: The machine's own name.
        description: What its runner says of itself.
        versions: Of the software on its machine, without the commit.
    """

    node: str
    host: str
    description: dict[str, Any]
    versions: dict[str, str | None]


@dataclass(frozen=True)
class Answer:
    """What became of a call.

    Attributes:
        outcome: The message.
        printed: Lines that were printed meanwhile.
    """

    outcome: Seated | FinishedEpisode | Refused | Crashed
    printed: list[str] = field(default_factory=list)


class RayWorker:
    """An actor: builds a policy, then runs the units that it is given."""

    def __init__(self, folder: str, path: Sequence[str]) -> None:
        """Looks for files and modules where the command does, if this machine has the places.

        Args:
            folder: The command's working directory.
            path: Its `sys.path`.
        """
        if os.path.isdir(folder):
            os.chdir(folder)
        sys.path += [each for each in path if each not in sys.path and os.path.exists(each)]
        self._printed: list[str] = []
        self._executor: ProcessExecutor | None = None

    def start(self, make_runner: RunnerFactory) -> Answer:
        """Builds the policy.

        Args:
            make_runner: Builds what runs the units. Not an argument of the constructor, without
                which its modules could not be found.
        """
        import ray  # an extra; whoever has an actor has it

        self._executor = ProcessExecutor(
            make_runner, 1, threads=1, on_output=lambda line: self._printed.append(line)
        )
        try:
            description = self._executor.start()
        except PolicyRefusedError as error:
            return self._answer(Refused(str(error)))
        except WorkerCrashError as error:
            return self._answer(Crashed(str(error)))
        node = ray.get_runtime_context().get_node_id()
        return self._answer(Seated(node, platform.node(), description, versions_here()))

    def run(self, unit: WorkUnit) -> Answer:
        """Runs an episode."""
        if self._executor is None:
            raise RuntimeError("start() comes first")
        try:
            (episode,) = self._executor.run([unit])
        except PolicyRefusedError as error:  # of a process that replaces one
            return self._answer(Refused(str(error)))
        except WorkerCrashError as error:
            return self._answer(Crashed(str(error)))
        return self._answer(episode)

    def close(self) -> None:
        """Lets the policy close."""
        if self._executor is not None:
            self._executor.close()

    def _answer(self, outcome: Seated | FinishedEpisode | Refused | Crashed) -> Answer:
        printed, self._printed = self._printed, []
        return Answer(outcome, printed)


def versions_here() -> dict[str, str | None]:
    """What must be the same on all machines; a commit decides nothing that the sources do not."""
    return {key: value for key, value in software_versions().items() if key != "git_commit"}
