"""What an experiment is made to show: which of its rows should succeed more than which other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emma_gym.reproduction.errors import ExperimentError
from envs.errors import nearest


@dataclass(frozen=True)
class PlannedContrast:
    """Two rows that are compared.

    Attributes:
        better: Name of the row that is expected to succeed more often.
        than: Name of the other one.
        goal: How many times as often it is claimed to succeed; None for no number.
    """

    better: str
    than: str
    goal: float | None = None


def planned_contrasts(
    told: Sequence[Mapping[str, Any]], protocols: Mapping[str, str]
) -> tuple[PlannedContrast, ...]:
    """Reads the contrasts of an experiment's file.

    Args:
        told: Each with `better`, `than` and perhaps `goal`.
        protocols: Of each row.

    Raises:
        ExperimentError: A key that nobody reads, a name that no row has, rows under
            different protocols, a goal that is no ratio.
        KeyError: For one that is missing.
    """
    found = []
    for each in told:
        if unread := sorted(each.keys() - {"better", "than", "goal"}):
            raise ExperimentError(f"contrasts: nobody reads '{unread[0]}'")
        better, than, goal = each["better"], each["than"], each.get("goal")
        for name in (better, than):
            if name not in protocols:
                raise ExperimentError(
                    f"contrasts: no row '{name}'; {nearest(name, list(protocols))}"
                )
        if better == than or protocols[better] != protocols[than]:
            raise ExperimentError(
                f"contrasts: {better} and {than}: expected two rows of one protocol"
            )
        if goal is not None and not (isinstance(goal, int | float) and 0 < goal < math.inf):
            raise ExperimentError(f"contrasts: goal={goal}: expected a ratio of success rates > 0")
        found.append(PlannedContrast(better, than, None if goal is None else float(goal)))
    return tuple(found)
