"""Verifying a result by replay: that its outcomes are what its actions lead to.

All cheap checks are made of everything: the result follows its schema and its summary its episodes;
protocol, seed lists, physics and SAPIEN are this installation's; no condition, task or seed is left
out; `actions.npz` is the file that the result names, with as many valid actions as each episode has
steps. Then all episodes, or some that the sender cannot have known, are replayed, and every outcome
has to come out again, down to the hash of the final physical state.

What that cannot show is in `NOT_SHOWN`.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gymnasium

from envs import actions as action_spaces
from eval_protocols.action_archive import (
    ARCHIVE_NAME,
    ActionArchive,
    ArchiveError,
    file_sha256,
)
from eval_protocols.episodes import EpisodeRecord, unit_of
from eval_protocols.protocol import Protocol
from eval_protocols.results import InvalidResultError, Result, read_result
from eval_protocols.verification.checks import (
    RefusedError,
    check_actions,
    check_claims,
    check_nothing_claimed,
)
from eval_protocols.verification.processes import ReplaySettings, replay_all
from eval_protocols.verification.replay import ReplayError

NOT_SHOWN = (
    "that the actions came from the named policy with the named weights, config and training data",
    "that a policy called unprivileged did not read the simulator, and did not know the seeds",
    "that it saw the condition's pictures and wording: cameras and light move nothing",
    "that an error happened (it counts as a failure in any case), machine and times",
)
"""What a replay cannot show, and a reader has to believe or not."""


@dataclass(frozen=True)
class Verdict:
    """What came of a verification.

    Attributes:
        refusals: Reasons, one line each; none if the result is verified.
        result_sha256: Hash of the result file that was verified.
        result: Its content; None if it is not even valid.
        replayed: Number of episodes that were replayed.
        sample_seed: What they were drawn with; None if all with actions were replayed.
    """

    refusals: tuple[str, ...]
    result_sha256: str
    result: Result | None = field(default=None, repr=False)
    replayed: int = 0
    sample_seed: int | None = None

    @property
    def verified(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.refusals


def verify(
    path: Path,
    *,
    protocol: Protocol | None = None,
    sample: int | None = None,
    seed: int | None = None,
    workers: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verdict:
    """Verifies a result.

    Args:
        path: The result file; `actions.npz` lies beside it.
        protocol: The one that the result must be of; None for that of ours which it names.
        sample: Number of episodes to replay; None for all.
        seed: What to draw them with; None draws a seed that nobody can know.
        workers: Processes to replay in; 0 does it in this one.
        progress: Is told how many of how many episodes are replayed.

    Returns:
        The verdict. Whatever is wrong with the files is a refusal.

    Raises:
        OSError: If there is no such result file, or it cannot be read.
    """
    with path.open("rb") as file:
        result_sha256 = file_sha256(file)
    try:
        result = read_result(path)
    except InvalidResultError as error:
        return Verdict((str(error),), result_sha256)
    try:
        protocol = check_claims(result, protocol)
        with _open(path.with_name(ARCHIVE_NAME), result) as archive:
            episodes = _with_actions(result, archive)
            sample_seed = None
            if sample is not None and sample < len(episodes):
                sample_seed = secrets.randbits(63) if seed is None else seed
                chosen = random.Random(sample_seed).sample(range(len(episodes)), sample)
                episodes = [episodes[index] for index in sorted(chosen)]
            size = _action_space(result).shape[0]
            jobs = ((each, archive.read(unit_of(each), size)) for each in episodes)
            settings = ReplaySettings(
                protocol.conditions, result["policy"]["action_mode"], protocol.after_success_steps
            )
            refusals = []
            progress(0, len(episodes))
            for done, refusal in enumerate(replay_all(jobs, settings, workers), start=1):
                if refusal is not None:
                    refusals.append(refusal)
                progress(done, len(episodes))
    except (RefusedError, ArchiveError, ReplayError) as error:
        return Verdict((str(error),), result_sha256, result)
    return Verdict(tuple(refusals), result_sha256, result, len(episodes), sample_seed)


def _open(path: Path, result: Result) -> ActionArchive:
    if result["actions"] is None:
        raise RefusedError("the result has no actions (actions is null): nothing can be replayed")
    steps = {unit_of(episode): episode["steps"] for episode in result["episodes"]}
    return ActionArchive(path, result["actions"], steps)


def _with_actions(result: Result, archive: ActionArchive) -> list[EpisodeRecord]:
    """The episodes that can be replayed, after cheap checks of all actions."""
    space, episodes = _action_space(result), []
    for episode in result["episodes"]:
        unit = unit_of(episode)
        if unit not in archive:
            check_nothing_claimed(episode)
            continue
        check_actions(unit, archive.read(unit, space.shape[0]), space)
        episodes.append(episode)
    return episodes


def _action_space(result: Result) -> gymnasium.spaces.Box:
    return action_spaces.space(result["policy"]["action_mode"])
