"""What was submitted: result files found, read, checked and refused, each with its reason.

`read_result` checks a file by itself. Here comes what only a leaderboard can see: that a file does
not contradict the protocol that it names, its seeds are from the list that it names, and nothing
counts twice.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.seeds import SeedListError, seed_list_sha256, validated_seeds
from envs.seeds.lists import LIST_LENGTH
from eval_protocols.policy_settings import policy_settings
from eval_protocols.protocol import Protocol, load_protocol, protocol_names
from eval_protocols.results import RESULT_NAME, InvalidResultError, Result, read_result

#: How many files are read, and how much in all (bytes).
MAX_FILES = 10_000
MAX_TOTAL_BYTES = 8 * 1024**3

#: Tasks times conditions of one result; a page shows a number for each.
MAX_CELLS = 20_000

#: Condition and task.
Cell = tuple[str, str]


@dataclass(frozen=True)
class Refusal:
    """A file that is not counted.

    Attributes:
        file: Its path, as found.
        reason: Why, in one line.
    """

    file: str
    reason: str


@dataclass(frozen=True)
class Submission:
    """An accepted result, without its episodes but for their outcomes.

    Attributes:
        file: Its path, as found.
        sha256: Hash of the file.
        blocks: The blocks of the result but for `episodes`.
        outcomes: By condition and task, in order of the protocol: the seeds, increasing, and
            whether each succeeded by the protocol's headline measure.
    """

    file: str
    sha256: str
    blocks: Mapping[str, Any]
    outcomes: Mapping[Cell, tuple[NDArray[np.int64], NDArray[np.bool_]]] = field(repr=False)

    @functools.cached_property
    def protocol(self) -> str:
        """Identity of the protocol: its whole block, as others may lie about a part of it."""
        return _canonical(self.blocks["protocol"])

    @functools.cached_property
    def policy(self) -> str:
        """Identity of the policy: everything but which training run it is."""
        policy, training = self.blocks["policy"], self.blocks["training"]
        block = {key: value for key, value in policy.items() if key != "weights_sha256"}
        block["config"] = policy_settings(self.blocks)
        return _canonical([block, training["name"], training["description"]])

    @functools.cached_property
    def coverage(self) -> str:
        """Hash of what was run: every condition, task and seed, and whether seeds are validated."""
        digest = hashlib.sha256(str(self.blocks["seeds"]["validated"]).encode())
        for cell, (seeds, _) in sorted(self.outcomes.items()):
            digest.update(_canonical([*cell, seeds.tolist()]).encode())
        return digest.hexdigest()

    @property
    def tasks(self) -> list[str]:
        """Tasks, in the order of the summary."""
        return list(dict.fromkeys(task for _, task in self.outcomes))

    @property
    def episodes(self) -> int:
        """How many episodes it has."""
        return sum(len(seeds) for seeds, _ in self.outcomes.values())

    def overlaps(self, other: Submission) -> bool:
        """Whether both have an episode of the same condition, task and seed."""
        return any(
            cell in other.outcomes and np.intersect1d(seeds, other.outcomes[cell][0]).size
            for cell, (seeds, _) in self.outcomes.items()
        )


def find_results(paths: Iterable[Path]) -> Iterator[Path]:
    """Finds result files.

    Args:
        paths: Files, and folders that are searched for `result.json`. Links to folders in them are
            not followed.

    Yields:
        The files in the order given; those of a folder sorted.

    Raises:
        FileNotFoundError: If a path does not exist.
    """
    for path in paths:
        if path.is_dir():
            for folder, folders, files in os.walk(path):
                folders.sort()
                if RESULT_NAME in files:
                    yield Path(folder, RESULT_NAME)
        elif path.exists():
            yield path
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")


def known_protocols() -> dict[str, Protocol]:
    """The protocols of this installation by name."""
    return {name: load_protocol(name) for name in protocol_names()}


def read_submissions(
    paths: Iterable[Path], protocols: Mapping[str, Protocol]
) -> tuple[list[Submission], list[Refusal]]:
    """Reads result files and refuses those that must not be counted.

    Of files that exclude each other the one given first is kept.

    Args:
        paths: Files and folders, as for `find_results`.
        protocols: Known protocols by name.

    Returns:
        What is accepted and what is refused, in the order found.
    """
    counted = _Counted()
    refused: list[Refusal] = []
    total = 0
    for index, path in enumerate(find_results(paths)):
        if index == MAX_FILES:
            refused.append(Refusal(str(path), f"this and all later files: more than {MAX_FILES}"))
            break
        try:
            total += path.stat().st_size if path.is_file() else 0
            if total > MAX_TOTAL_BYTES:
                refused.append(Refusal(str(path), f"with it, more than {MAX_TOTAL_BYTES} bytes"))
                break
            submission = _read(path)
            _check_protocol(submission, protocols)
            _check_seeds(submission)
            counted.add(submission)
        except InvalidResultError as error:
            refused.append(Refusal(str(path), str(error).removeprefix(f"{path}: ")))
        except OSError as error:
            refused.append(Refusal(str(path), f"cannot be read: {error.strerror}"))
    return counted.all, refused


def _read(path: Path) -> Submission:
    if not path.is_file():  # a pipe would wait for ever
        raise InvalidResultError("not a file")
    result = read_result(path)
    tasks = len(result["summary"]["tasks"])
    if tasks > MAX_CELLS:
        raise InvalidResultError(f"summary.tasks: {tasks} cells, more than {MAX_CELLS}")
    return Submission(
        file=str(path),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        blocks={key: value for key, value in result.items() if key != "episodes"},
        outcomes=_outcomes(result),
    )


def _outcomes(result: Result) -> dict[Cell, tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    headline = result["protocol"]["headline"]
    found: dict[Cell, list[tuple[int, bool]]] = {
        (cell["condition"], cell["task"]): [] for cell in result["summary"]["tasks"]
    }
    for episode in result["episodes"]:
        found[episode["condition"], episode["task"]].append((episode["seed"], episode[headline]))
    return {
        cell: (
            np.array([seed for seed, _ in members], np.int64),
            np.array([success for _, success in members], np.bool_),
        )
        for cell, members in ((cell, sorted(members)) for cell, members in found.items())
    }


def _check_protocol(submission: Submission, protocols: Mapping[str, Protocol]) -> None:
    """Refuses a result that names a known protocol by its hash, but says other things of it."""
    block = submission.blocks["protocol"]
    protocol = protocols.get(block["name"])
    if protocol is None or protocol.sha256 != block["sha256"]:
        return
    for key in ("version", "headline", "after_success_steps"):
        if block[key] != getattr(protocol, key):
            raise InvalidResultError(
                f"protocol.{key}: {block[key]}, but {protocol.name} with this sha256 has "
                f"{getattr(protocol, key)}"
            )
    keys = ("name", "twin", "factor", "level", "variations")
    claimed = [tuple(condition[key] for key in keys) for condition in block["conditions"]]
    if claimed != [tuple(getattr(each, key) for key in keys) for each in protocol.conditions]:
        raise InvalidResultError(
            f"protocol.conditions: not those that {protocol.name} with this sha256 has"
        )
    training = submission.blocks["training"]["name"]
    valid = [*(each.name for each in protocol.training), "other", "none"]
    if training not in valid:
        raise InvalidResultError(
            f"training.name: {training}, but {protocol.name} knows {', '.join(valid)}"
        )


def _check_seeds(submission: Submission) -> None:
    """Refuses seeds that are not in the validated list that the result names."""
    seeds = submission.blocks["seeds"]
    if not seeds["validated"]:
        return
    for (_, task), (used, _) in submission.outcomes.items():
        claimed = seeds["lists"].get(task)
        if claimed is None:
            raise InvalidResultError(f"seeds.lists: no list of {task}, but seeds are 'validated'")
        try:
            known = seed_list_sha256(task) == claimed
        except SeedListError:  # a task of somebody's own
            known = False
        if known and not np.isin(used, validated_seeds(task, LIST_LENGTH)).all():
            raise InvalidResultError(f"seeds.validated: true, but {task} has others than its list")


class _Counted:
    """The submissions that are accepted so far."""

    def __init__(self) -> None:
        self.all: list[Submission] = []
        self._by_file: dict[str, Submission] = {}
        self._by_policy: dict[tuple[str, str], list[Submission]] = {}

    def add(self, submission: Submission) -> None:
        """Accepts a submission; raises InvalidResultError if it is counted already."""
        if same := self._by_file.get(submission.sha256):
            raise InvalidResultError(f"the same file as {same.file}")
        others = self._by_policy.setdefault((submission.protocol, submission.policy), [])
        for other in others:
            if (what := _same_run(submission, other)) and submission.overlaps(other):
                raise InvalidResultError(f"{what} on the same episodes as {other.file}")
        self.all.append(submission)
        self._by_file[submission.sha256] = submission
        others.append(submission)


def _same_run(one: Submission, other: Submission) -> str | None:
    """Why two submissions of a policy cannot be different training runs; None if they can."""
    seeds = [each.blocks["training"]["seed"] for each in (one, other)]
    weights = [each.blocks["policy"]["weights_sha256"] for each in (one, other)]
    if weights[0] == weights[1] and weights[0] is not None:
        return "the same policy with the same weights"
    if seeds[0] == seeds[1] and seeds[0] is not None:
        return f"the same policy with the same training seed {seeds[0]}"
    if seeds[0] == seeds[1] and weights[0] == weights[1]:
        return "the same policy"
    return None


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
