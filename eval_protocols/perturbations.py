"""What perturbations cost in a result, factor by factor; nothing where no condition has a twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval_protocols.bootstrap import bootstrap_differences, percentile_estimate
from eval_protocols.paired_statistics import sign_flip_p_value
from eval_protocols.statistics import Estimate, retention, sweep_area, wilson_interval


@dataclass(frozen=True)
class Factor:
    """What varies in some conditions of a protocol.

    Attributes:
        name: Of the factor.
        conditions: Entries of the protocol block, in its order, at least one; each has a twin.
    """

    name: str
    conditions: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the conditions."""
        return tuple(condition["name"] for condition in self.conditions)

    @property
    def is_sweep(self) -> bool:
        """Whether its conditions lie on an axis of levels."""
        return all(condition["level"] is not None for condition in self.conditions)


@dataclass(frozen=True)
class PairedRates:
    """Success with and without perturbations, on the same seeds.

    Attributes:
        pairs: Number of episodes that have a twin.
        rate: Their success rate.
        twin_rate: Success rate of their twins.
        p_value: Of no difference; a seed is one unit, however many conditions it was run under.
    """

    pairs: int
    rate: float
    twin_rate: float
    p_value: float

    @property
    def difference(self) -> float:
        """What the perturbations add; negative where they cost."""
        return self.rate - self.twin_rate

    @property
    def retention(self) -> float | None:
        """The share that is left; None if nothing succeeded without them."""
        return retention(self.rate, self.twin_rate)


class Perturbations:
    """The conditions of a result that have a twin.

    Attributes:
        clean: Names of the unperturbed conditions that others are compared with.
        perturbed: Names of the conditions with a twin, in the order of the protocol.
        factors: What varies in these.
        tasks: Task names, in the order of the result.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        """Looks through a valid result."""
        protocol, summary = result["protocol"], result["summary"]
        self._headline: str = protocol["headline"]
        self._cells = {
            (cell["condition"], cell["task"]): cell
            for cell in [*summary["overall"], *summary["tasks"]]
        }
        self._entries = {(entry["condition"], entry["task"]): entry for entry in summary["twins"]}
        self._outcomes: dict[tuple[str, str], dict[int, bool]] = {}
        for episode in result["episodes"]:
            seeds = self._outcomes.setdefault((episode["condition"], episode["task"]), {})
            seeds[episode["seed"]] = episode[self._headline]
        with_twin = [each for each in protocol["conditions"] if each["twin"] is not None]
        by_factor: dict[str, list[Mapping[str, Any]]] = {}
        for each in with_twin:
            by_factor.setdefault(each["factor"] or each["name"], []).append(each)
        self._twin_of: dict[str, str] = {each["name"]: each["twin"] for each in with_twin}
        self.clean = tuple(dict.fromkeys(self._twin_of.values()))
        self.perturbed = tuple(self._twin_of)
        self.factors = tuple(Factor(name, tuple(them)) for name, them in by_factor.items())
        self.tasks = tuple(dict.fromkeys(cell["task"] for cell in summary["tasks"]))

    def twin(self, condition: str, task: str | None = None) -> Mapping[str, Any] | None:
        """The summary's comparison of a condition with its twin; None if they share no seed."""
        return self._entries.get((condition, task))

    def paired(self, conditions: Sequence[str], task: str | None = None) -> PairedRates | None:
        """Success under some conditions and without them; None if they share no seed.

        Args:
            conditions: Names of conditions with a twin.
            task: Task name, or None for all tasks.
        """
        tasks = self.tasks if task is None else (task,)
        seeds = np.concatenate([self._by_seed(conditions, each) for each in tasks])
        pairs, successes, twin_successes = seeds.sum(axis=0).tolist()
        if not pairs:
            return None
        p_value = sign_flip_p_value(seeds[:, 1] - seeds[:, 2])
        return PairedRates(pairs, successes / pairs, twin_successes / pairs, p_value)

    def difference(self, conditions: Sequence[str]) -> Estimate | None:
        """Rate minus twins' rate over all tasks, with its 95% interval; None without pairs.

        For one condition Newcombe's interval. Several have their twins in common, so that their
        pairs are not independent: the interval is then a bootstrap over seeds, with the tasks as
        they are.

        Args:
            conditions: Names of conditions with a twin.
        """
        if len(conditions) == 1:
            entry = self.twin(conditions[0])
            return None if entry is None else Estimate(**entry["difference"])
        tasks = [self._by_seed(conditions, task) for task in self.tasks]
        means = [task[:, 1:] / task[:, :1] for task in tasks if len(task)]
        if not means:
            return None
        value, samples = bootstrap_differences(
            [task[None, :, 0] for task in means],
            [task[None, :, 1] for task in means],
            paired=True,
            over_tasks=False,
        )
        return percentile_estimate(value, samples)

    def sweep(self, factor: Factor, task: str | None = None) -> dict[int, Mapping[str, Any]]:
        """Success by level, with Wilson intervals as the summary has them; level 0 is the twin.

        Args:
            factor: A sweep.
            task: Task name, or None for all tasks.
        """
        names: dict[int, list[str]] = {
            0: list(dict.fromkeys(each["twin"] for each in factor.conditions))
        }
        for each in factor.conditions:
            names.setdefault(each["level"], []).append(each["name"])
        return {
            level: self._pooled([self._cells[name, task] for name in names[level]])
            for level in sorted(names)
        }

    def area(self, factor: Factor, task: str | None = None) -> float | None:
        """Area under a sweep; None for a factor that is none."""
        if not factor.is_sweep:
            return None
        sweep = self.sweep(factor, task)
        return sweep_area({level: rate["rate"] for level, rate in sweep.items()})

    def _by_seed(self, conditions: Sequence[str], task: str) -> NDArray[np.int64]:
        """For each seed of a task: pairs, successes, and the twins' successes; (seeds, 3)."""
        found: dict[int, list[int]] = {}
        for name in conditions:
            twins = self._outcomes.get((self._twin_of[name], task), {})
            for seed, success in self._outcomes.get((name, task), {}).items():
                if seed in twins:
                    counts = found.setdefault(seed, [0, 0, 0])
                    counts[0] += 1
                    counts[1] += success
                    counts[2] += twins[seed]
        return np.array(list(found.values()), dtype=np.int64).reshape(-1, 3)

    def _pooled(self, cells: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        count = sum(cell[self._headline]["count"] for cell in cells)
        episodes = sum(cell["episodes"] for cell in cells)
        low, high = wilson_interval(count, episodes)
        rate = count / episodes
        return {"count": count, "episodes": episodes, "rate": rate, "low": low, "high": high}
