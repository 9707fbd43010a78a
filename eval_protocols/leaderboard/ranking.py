"""Ranks, with what the episodes cannot tell apart shown as ties.

Any two entries of a ranking have run the same seeds, so they are compared in pairs. An entry's rank
is a range: from 1 + the number of entries that are significantly better, to n minus the number of
those that are significantly worse. Ties need not be transitive, and this rule needs no more than
the comparisons of the entry itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval_protocols.bootstrap import hierarchical_bootstrap
from eval_protocols.leaderboard.entries import Entry
from eval_protocols.paired_statistics import sign_flip_p_value
from eval_protocols.statistics import CONFIDENCE, mean_std, wilson_interval


def rank_ranges(entries: Sequence[Entry]) -> list[tuple[int, int]]:
    """Ranks entries.

    Args:
        entries: Entries that cover the same episodes.

    Returns:
        For each its best and its worst rank that the comparisons leave, from 1 to the number of
        entries.
    """
    better, worse = [0] * len(entries), [0] * len(entries)
    for one, other in itertools.combinations(range(len(entries)), 2):
        if not differ(entries[one], entries[other]):
            continue
        winner, loser = sorted((one, other), key=lambda index: -entries[index].rate)
        better[loser] += 1
        worse[winner] += 1
    return [(1 + up, len(entries) - down) for up, down in zip(better, worse, strict=True)]


def differ(one: Entry, other: Entry) -> bool:
    """Whether two entries that cover the same episodes differ significantly, at 95%.

    With one training run each it is an exact test on paired seeds. With more, the bootstrap
    interval of the difference, over training runs and seeds, must not contain 0. Either speaks
    about these tasks, which are the same for all.
    """
    if one.rate == other.rate:
        return False
    if len(one.runs) == len(other.runs) == 1:
        differences = [
            (mine - theirs).ravel()
            for mine, theirs in zip(one.successes, other.successes, strict=True)
        ]
        return sign_flip_p_value(np.concatenate(differences)) < 1 - CONFIDENCE
    interval = hierarchical_bootstrap(_rates(one), _rates(other), paired=True, over_tasks=False)
    return not interval.low <= 0 <= interval.high


def headline_estimate(entry: Entry) -> dict[str, Any]:
    """The rate that an entry is ranked by.

    Returns:
        "value"; "std" over training runs, None for a single one; "low", "high", the 95% interval;
        "interval", how it was made: "wilson" for one run under one condition, else "bootstrap".
        If all episodes end alike, it is Wilson's over seeds, as if all conditions of a seed, and
        all runs, were one episode: that errs on the wide side.
    """
    episodes = sum(int(trials.sum()) for trials in entry.trials)
    seeds = sum(len(trials) for trials in entry.trials)
    if len(entry.runs) == 1 and len(entry.scored_conditions) == 1:
        low, high = wilson_interval(sum(int(each.sum()) for each in entry.successes), episodes)
        method = "wilson"
    elif entry.rate in (0.0, 1.0):  # where a bootstrap has no width
        low, high = wilson_interval(seeds if entry.rate else 0, seeds)
        method = "wilson"
    else:
        interval = hierarchical_bootstrap(_rates(entry), over_tasks=False)
        low, high, method = interval.low, interval.high, "bootstrap"
    return {
        "value": entry.rate,
        "std": mean_std(entry.run_rates).std,
        "low": min(low, entry.rate),
        "high": max(high, entry.rate),
        "interval": method,
    }


def _rates(entry: Entry) -> list[NDArray[np.float64]]:
    """By task: success rates (training runs, seeds) over the scored conditions."""
    return [
        successes / trials for successes, trials in zip(entry.successes, entry.trials, strict=True)
    ]
