"""Entries, and the rankings that they may meet in.

An entry is one policy: all its training runs under one protocol, on the same episodes. Entries meet
only in a ranking of the same protocol, the same training data and the same coverage.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval_protocols.leaderboard.submissions import Submission


@dataclass(frozen=True)
class Entry:
    """A policy in a ranking.

    Attributes:
        runs: Its training runs, at least one, by training seed; all cover the same episodes.
    """

    runs: tuple[Submission, ...]

    @property
    def policy(self) -> Mapping[str, Any]:
        """The policy block; of the first run, the others differ in the training run."""
        block: Mapping[str, Any] = self.runs[0].blocks["policy"]
        return block

    @property
    def identity(self) -> str:
        """Tells it from all other policies and trainings."""
        return self.runs[0].policy

    @property
    def scored_conditions(self) -> list[str]:
        """The conditions that it is ranked by: what perturbs, or all where nothing does."""
        conditions = self.runs[0].blocks["protocol"]["conditions"]
        perturbed = [each["name"] for each in conditions if each["twin"] is not None]
        return perturbed or [each["name"] for each in conditions]

    @functools.cached_property
    def successes(self) -> list[NDArray[np.int64]]:
        """By task: successes (training runs, seeds) over the scored conditions."""
        return [
            np.stack([_per_seed(run, task, self.scored_conditions)[0] for run in self.runs])
            for task in self.runs[0].tasks
        ]

    @functools.cached_property
    def trials(self) -> list[NDArray[np.int64]]:
        """By task: episodes (seeds,) over the scored conditions; of every run the same."""
        run = self.runs[0]
        return [_per_seed(run, task, self.scored_conditions)[1] for task in run.tasks]

    @property
    def run_rates(self) -> list[float]:
        """Each training run's success rate over all scored episodes."""
        total = sum(int(trials.sum()) for trials in self.trials)
        return [
            sum(int(successes[run].sum()) for successes in self.successes) / total
            for run in range(len(self.runs))
        ]

    @property
    def rate(self) -> float:
        """The rate that it is ranked by, over scored episodes of all runs."""
        total = sum(int(trials.sum()) for trials in self.trials) * len(self.runs)
        return sum(int(successes.sum()) for successes in self.successes) / total


@dataclass(frozen=True)
class Ranking:
    """Entries that may be compared: same protocol, same training data, same episodes.

    Attributes:
        entries: The policies that are ranked, in no order yet.
        references: Oracles, which read the simulator, and are not ranked.
    """

    entries: tuple[Entry, ...]
    references: tuple[Entry, ...]

    @property
    def example(self) -> Submission:
        """A member; protocol, training data and coverage are the same in all."""
        return (self.entries or self.references)[0].runs[0]

    @property
    def validated(self) -> bool:
        """Whether all seeds are from validated lists."""
        return bool(self.example.blocks["seeds"]["validated"])


#: By protocol (its identity) and name of the training data: the rankings, the main one first.
Boards = dict[str, dict[str, list[Ranking]]]


def group(submissions: Iterable[Submission]) -> Boards:
    """Sorts submissions into rankings.

    Of several rankings under the same protocol and training data, which cover different episodes,
    the main one is the one with validated seeds, then most tasks, then most entries, then most
    episodes.

    Args:
        submissions: Accepted ones.

    Returns:
        The rankings, in an order that depends on their content alone.
    """
    runs: dict[tuple[str, str, str], dict[str, list[Submission]]] = {}
    for each in submissions:
        key = (each.protocol, each.blocks["training"]["name"], each.coverage)
        runs.setdefault(key, {}).setdefault(each.policy, []).append(each)
    boards: Boards = {}
    for (protocol, training, _), policies in sorted(runs.items(), key=lambda item: item[0]):
        entries = [
            Entry(tuple(sorted(members, key=_run_order))) for _, members in sorted(policies.items())
        ]
        ranking = Ranking(
            tuple(entry for entry in entries if not entry.policy["privileged"]),
            tuple(entry for entry in entries if entry.policy["privileged"]),
        )
        boards.setdefault(protocol, {}).setdefault(training, []).append(ranking)
    for trainings in boards.values():
        for rankings in trainings.values():
            rankings.sort(key=_main_first)
    return boards


def _main_first(ranking: Ranking) -> tuple[bool, int, int, int, str]:
    example = ranking.example
    return (
        not ranking.validated,
        -len(example.tasks),
        -len(ranking.entries),
        -example.episodes,
        example.coverage,
    )


def _run_order(run: Submission) -> tuple[float, str, str]:
    seed = run.blocks["training"]["seed"]
    weights = run.blocks["policy"]["weights_sha256"]
    return (float("inf") if seed is None else seed, weights or "", run.sha256)


def _per_seed(
    run: Submission, task: str, conditions: Iterable[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Successes and episodes of each seed of a task, over some conditions."""
    cells = [run.outcomes[condition, task] for condition in conditions]
    seeds, index = np.unique(np.concatenate([each for each, _ in cells]), return_inverse=True)
    outcomes = np.concatenate([success for _, success in cells])
    successes = np.bincount(index, outcomes, len(seeds)).astype(np.int64)
    return successes, np.bincount(index, minlength=len(seeds))
