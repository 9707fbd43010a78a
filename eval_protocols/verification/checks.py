"""What can be refused without a replay: claims that this installation's protocol contradicts.

Nothing that decides a replay is taken from the result: the protocol, its conditions, the seed lists
and the step limits are this installation's, and the result has to agree with them. No code is
imported that a result names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.actions import TOLERANCE
from envs.seeds import SeedListError, seed_list_sha256, validated_seeds
from envs.tasks import STEP_LIMITS
from eval_protocols.action_archive import title
from eval_protocols.episodes import EpisodeRecord, WorkUnit, one_line, unit_of
from eval_protocols.protocol import (
    OTHER_DATA,
    UNTRAINED,
    Protocol,
    UnknownProtocolError,
    load_protocol,
)
from eval_protocols.provenance import software_versions
from eval_protocols.run_description import protocol_block
from policies.registry import BUILT_IN, load_policy_class

#: Versions that have to be this installation's: others would replay to something else.
DECISIVE_VERSIONS = ("sapien", "physics_sha256")

#: What is claimed of an episode of which nothing is left, beside its error.
NOTHING_LEFT: Mapping[str, Any] = {
    **{"steps": 0, "return": 0.0, "progress": 0.0, "score": 0},
    **{"checks": {}, "failure": None, "state_sha256": None},
}


class RefusedError(ValueError):
    """A result that cannot be verified; says why in one line."""


def check_claims(result: Mapping[str, Any], protocol: Protocol | None = None) -> Protocol:
    """Checks all of a valid result that needs neither actions nor replay.

    Args:
        result: As `eval_protocols.results.read_result` gives it: its summary follows from its
            episodes.
        protocol: The one that it must be of; None for that of ours which it names.

    Returns:
        The protocol, as it is here.

    Raises:
        RefusedError: In one line.
    """
    _check_versions(result["versions"])
    protocol = _protocol(result["protocol"], protocol)
    _check_policy(result["policy"], result["training"], protocol)
    episodes: Sequence[EpisodeRecord] = result["episodes"]
    tasks = list(dict.fromkeys(episode["task"] for episode in episodes))
    for task in tasks:
        if task not in STEP_LIMITS:
            raise RefusedError(
                f"task {one_line(task, 80)} is none of this suite, and no others are replayed"
            )
    if set(result["seeds"]["lists"]) != set(tasks):
        raise RefusedError("seeds.lists names other tasks than the episodes do")
    names = [condition.name for condition in protocol.conditions]
    _check_completeness(episodes, names, tasks, result["seeds"])
    for episode in episodes:
        _check_episode(episode)
    return protocol


def check_actions(
    unit: WorkUnit, actions: NDArray[np.float32], space: gymnasium.spaces.Box
) -> None:
    """Checks that an episode's actions (T, A) are actions.

    Raises:
        RefusedError: For NaN and infinity, and for numbers out of bounds.
    """
    inside = (actions >= space.low - TOLERANCE) & (actions <= space.high + TOLERANCE)
    if not inside.all():  # NaN is not inside either
        step, index = (int(place) for place in np.argwhere(~inside)[0])
        low, high = space.low[index], space.high[index]
        raise RefusedError(
            f"{title(unit)}: step {step}: action[{index}] = {actions[step, index]:.6g} is not "
            f"within [{low:.6g}, {high:.6g}]"
        )


def check_nothing_claimed(episode: EpisodeRecord) -> None:
    """Checks an episode without actions: it failed, and claims nothing else.

    Raises:
        RefusedError: If it claims anything.
    """
    where = title(unit_of(episode))
    if episode["error"] is None:
        raise RefusedError(f"{where}: no actions, and no error that explains it")
    claimed = [key for key, nothing in NOTHING_LEFT.items() if episode[key] != nothing]  # type: ignore[literal-required]
    if claimed or episode["variations"]:
        key = (claimed or ["variations"])[0]
        raise RefusedError(f"{where}: no actions, but {key} is claimed")


def _check_versions(versions: Mapping[str, Any]) -> None:
    here = software_versions()
    for key in DECISIVE_VERSIONS:
        if versions[key] != here[key]:
            there = one_line(str(versions[key]), 80)
            raise RefusedError(f"versions.{key} is {there}, but {here[key]} here")


def _protocol(claimed: Mapping[str, Any], protocol: Protocol | None) -> Protocol:
    if protocol is None:
        try:
            protocol = load_protocol(claimed["name"])
        except UnknownProtocolError as error:
            raise RefusedError(one_line(str(error))) from None
    here = protocol_block(protocol)
    for key in ("version", "sha256", *here):
        if claimed[key] != here[key]:
            there, ours = (one_line(str(block[key]), 80) for block in (claimed, here))
            raise RefusedError(f"protocol.{key} is {there}, but {ours} here")
    return protocol


def _check_policy(
    policy: Mapping[str, Any], training: Mapping[str, Any], protocol: Protocol
) -> None:
    name = policy["name"]
    # One of ours is known to read the simulator; of others, nothing is known or imported.
    if name in BUILT_IN and not policy["privileged"] and load_policy_class(name).privileged:
        raise RefusedError(f"policy {name} reads the simulator, but the result denies it")
    known = {UNTRAINED, OTHER_DATA, *(each.name for each in protocol.training)}
    if training["name"] not in known:
        there = one_line(training["name"], 80)
        raise RefusedError(f"training.name is {there}, no training set of {protocol.name}")
    if training["name"] == UNTRAINED and policy["weights_sha256"] is not None:
        raise RefusedError("training.name is none, but the policy has weights")


def _check_completeness(
    episodes: Sequence[EpisodeRecord],
    conditions: Sequence[str],
    tasks: Sequence[str],
    seeds: Mapping[str, Any],
) -> None:
    """Refuses anything but all conditions x tasks x seeds, in this order."""
    counts = Counter((episode["condition"], episode["task"]) for episode in episodes)
    cells = [(condition, task) for condition in conditions for task in tasks]
    count = max(counts.values())
    for condition, task in cells:
        if counts[condition, task] != count:
            raise RefusedError(
                f"{condition}/{task} has {counts[condition, task]} episodes, where others have "
                f"{count}: none may be left out"
            )
    wanted = {task: _seeds(task, count, seeds) for task in tasks}
    expected = (
        WorkUnit(task, seed, condition) for condition, task in cells for seed in wanted[task]
    )
    for episode, unit in zip(episodes, expected, strict=True):
        if unit_of(episode) != unit:
            kind = "the validated list" if seeds["validated"] else f"{seeds['start']}, + 1, + 2"
            raise RefusedError(
                f"{title(unit_of(episode))} stands where {title(unit)} has to: seeds are {kind} in "
                "order, for each condition and task"
            )


def _seeds(task: str, count: int, claimed: Mapping[str, Any]) -> Sequence[int]:
    """The seeds that a task's episodes have to have."""
    list_sha256 = claimed["lists"][task]
    if not claimed["validated"]:
        if list_sha256 is not None:
            raise RefusedError(f"seeds.lists.{task} is given, but seeds.validated is false")
        return range(claimed["start"], claimed["start"] + count)
    if claimed["start"] != 0:
        raise RefusedError("seeds.start is given, but seeds.validated is true")
    try:
        if list_sha256 != seed_list_sha256(task):
            raise RefusedError(f"seeds.lists.{task}: not the hash of the validated list here")
        return validated_seeds(task, count)
    except SeedListError as error:
        raise RefusedError(one_line(str(error))) from None


def _check_episode(episode: EpisodeRecord) -> None:
    unit, limit = unit_of(episode), STEP_LIMITS[episode["task"]]
    if episode["steps"] > limit:
        raise RefusedError(f"{title(unit)}: {episode['steps']} steps, the limit is {limit}")
    if episode["error"] is None and episode["state_sha256"] is None:
        raise RefusedError(f"{title(unit)}: no state_sha256, and no error that explains it")
