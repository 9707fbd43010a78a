"""What may be compared: refuses what may not, and warns of what a reader must know."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_protocols.episodes import one_line
from eval_protocols.policy_settings import MAX_LENGTH, differences, policy_settings, sampling_of

#: With fewer training runs, intervals are too narrow (`eval_protocols.bootstrap` has numbers).
MIN_TRAINING_RUNS = 3


class NotComparableError(ValueError):
    """Results whose difference would not be one of the policies."""


@dataclass(frozen=True)
class Run:
    """A result and what it is called.

    Attributes:
        name: What errors call it, such as its path.
        result: A valid result.
    """

    name: str
    result: Mapping[str, Any]

    @property
    def policy(self) -> str:
        """The policy's name in one line, without control characters."""
        return one_line(self.result["policy"]["name"], 60)


def side_names(first: Sequence[Run], second: Sequence[Run]) -> tuple[str, str]:
    """What to call the sides: their policies, and what tells these apart if they have one name.

    Args:
        first: The results of one side.
        second: Those of the other.

    Returns:
        Two names, each in one line; the same only if nothing that was set differs.
    """
    mine, theirs = first[0], second[0]
    if mine.result["policy"]["name"] != theirs.result["policy"]["name"]:
        return mine.policy, theirs.policy
    told = differences([_told(run) for run in (mine, theirs)])
    one, other = (
        f"{run.policy}, {one_line(text, MAX_LENGTH)}" if text else run.policy
        for run, text in zip((mine, theirs), told, strict=True)
    )
    return one, other


def check_comparable(first: Sequence[Run], second: Sequence[Run]) -> None:
    """Refuses what may not be compared.

    Args:
        first: The results of one side, at least one.
        second: Those of the other.

    Raises:
        NotComparableError: In one line that names two files.
    """
    reference = first[0]
    for run in [*first, *second]:
        _check_protocol(reference, run)
    for side in (first, second):
        for one, other in itertools.combinations(side, 2):
            _check_training_runs(one, other)
    tasks = set(_tasks(reference))
    for run in [*first, *second]:
        tasks &= set(_tasks(run))
    if not tasks:
        names = ", ".join(run.name for run in [*first, *second])
        raise NotComparableError(f"no task is in all of {names}")


def warnings_about(
    first: Sequence[Run], second: Sequence[Run], tasks: Sequence[str]
) -> Iterator[str]:
    """What a reader of the comparison must know.

    Args:
        first: The results of one side.
        second: Those of the other.
        tasks: The tasks that are compared.

    Yields:
        Lines, the gravest first.
    """
    sides = {"A": first, "B": second}
    runs = [*first, *second]
    yield from _training_warnings(first[0].result["training"], second[0].result["training"])
    for letter, side in sides.items():
        if side[0].result["policy"]["privileged"]:
            yield f"{letter} ({side[0].policy}) reads the simulator: it is an oracle, no competitor"
    for key, words in (("physics_sha256", "physics or outcomes"), ("asset_sha256", "objects")):
        if len({run.result["versions"][key] for run in runs}) > 1:
            yield f"the results are of code with different {words} ({key} differs)"
    if len({run.result["seeds"]["validated"] for run in runs}) > 1:
        yield "some results are on validated seeds, others are not: the episodes are not alike"
    if left_out := sorted({task for run in runs for task in _tasks(run)} - set(tasks)):
        yield f"not compared, because some result lacks it: {', '.join(left_out)}"
    for letter, side in sides.items():
        errors, episodes = _errors(side, tasks)
        if errors:
            yield f"{errors} of {episodes} episodes of {letter} ended in an error, a failure here"
    for letter, side in sides.items():
        if 1 < len(side) < MIN_TRAINING_RUNS:
            yield (
                f"{letter} has {len(side)} training runs: with fewer than {MIN_TRAINING_RUNS}, "
                "intervals are too narrow"
            )
    if (len(first) == 1) != (len(second) == 1):
        alone = "A" if len(first) == 1 else "B"
        yield f"{alone} has one training run: what another one would give is not in the intervals"


def _check_protocol(one: Run, other: Run) -> None:
    mine, theirs = one.result["protocol"], other.result["protocol"]
    if mine["name"] != theirs["name"]:
        what = "different protocols"
    elif mine["version"] != theirs["version"]:
        what = "different versions of the protocol"
    elif mine != theirs:
        raise NotComparableError(
            f"different specifications of {mine['name']} v{mine['version']} in {one.name} and "
            f"{other.name}"
        )
    else:
        return
    raise NotComparableError(
        f"{what}: {mine['name']} v{mine['version']} in {one.name}, "
        f"{theirs['name']} v{theirs['version']} in {other.name}"
    )


def _check_training_runs(one: Run, other: Run) -> None:
    """Refuses results of a side that are not different training runs of one policy."""
    both = f"{one.name} and {other.name}"
    advice = "results of a side are training runs of one policy"
    mine, theirs = one.result, other.result
    if mine["policy"]["name"] != theirs["policy"]["name"]:
        raise NotComparableError(f"{both} are of {one.policy} and {other.policy}, but the {advice}")
    if mine["training"]["name"] != theirs["training"]["name"]:
        raise NotComparableError(f"{both} were trained on different data, but the {advice}")
    ways = sampling_of(mine), sampling_of(theirs)
    if ways[0] != ways[1]:
        one_way, other_way = (one_line(text, MAX_LENGTH) for text in differences(ways))
        raise NotComparableError(
            f"the trainings of {both} drew samples in different ways ({one_way}; {other_way}), "
            f"but the {advice}"
        )
    if mine["training"]["seed"] == theirs["training"]["seed"]:
        seed = mine["training"]["seed"]
        which = "no training seed" if seed is None else f"the training seed {seed}"
        raise NotComparableError(f"{both} have {which} both, but the {advice}, each with its seed")
    weights = mine["policy"]["weights_sha256"]
    if weights is not None and weights == theirs["policy"]["weights_sha256"]:
        raise NotComparableError(f"{both} are of the same weights, which are one training run")


def _training_warnings(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    if mine["name"] != theirs["name"]:
        yield (
            f"A was trained on {mine['name']}, B on {theirs['name']}: the difference may be one of "
            "the data"
        )
    elif mine["name"] == "other" and mine["description"] != theirs["description"]:
        yield (
            "A and B were trained on other data than the protocol knows, described differently: "
            "the difference may be one of the data"
        )


def _told(run: Run) -> dict[str, Any]:
    """What readers may tell policies of one name apart by."""
    return {**policy_settings(run.result), "trained_on": run.result["training"]["name"]}


def _tasks(run: Run) -> list[str]:
    return list(dict.fromkeys(cell["task"] for cell in run.result["summary"]["tasks"]))


def _errors(side: Sequence[Run], tasks: Sequence[str]) -> tuple[int, int]:
    """Number of errors and of episodes in some tasks."""
    cells = [
        cell for run in side for cell in run.result["summary"]["tasks"] if cell["task"] in tasks
    ]
    return sum(cell["errors"] for cell in cells), sum(cell["episodes"] for cell in cells)
