"""Drops the worst generated clips.

**Reconstruction**: EMMA filters its generated clips and drops 5 to 8 % of them; which scores and
thresholds it uses is not known. Here a clip is bad as far as one of its scores is worse than true
simulator clips' are, in their own spread, so that thresholds come from data and scores of different
units compare. Generated clips may all be somewhat worse than true ones, hence `drop_at_most`: the
worst go first. A score that all of them are far behind in (blur costs consistency) then decides
alone; where that is so, compare them with generated clips instead, and only outliers go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.clip import ClipError

HIGHER_IS_BETTER = {
    "cross_view_difference": False,
    "matched_pixels": True,
    "over_time_difference": False,
    "edge_recall": True,
    "edge_f1": True,
    "depth_abs_rel": False,
    "depth_sq_rel": False,
    "depth_rmse": False,
    "depth_within_1_25": True,
    "attribute_accuracy": True,
    "prompt_similarity": True,
}
"""The scores of `scores.clip_scores` that are used, and their good direction.

How many points were compared says nothing about quality; an edge that depth does not have may be
painted.
"""

LEAST_SPREAD = 0.05
"""Least spread of the reference's scores that is reckoned with, as a part of their median.

True clips can agree better than any camera would: a claim holds in all of them.
"""


@dataclass(frozen=True)
class Fault:
    """One clip's worst score.

    Attributes:
        clip: Its place among the generated clips.
        score: Name of the score.
        value: The clip's.
        threshold: What it should have reached.
        deviations: How much worse than the reference's median it is, in robust standard
            deviations.
    """

    clip: int
    score: str
    value: float
    threshold: float
    deviations: float


@dataclass(frozen=True)
class Filtering:
    """What became of the generated clips.

    Attributes:
        kept: Places of the clips that stay, in order.
        dropped: The others, the worst first.
        spared: Clips beyond a threshold that stay because as many as allowed were worse.
        thresholds: By score.
    """

    kept: tuple[int, ...]
    dropped: tuple[Fault, ...]
    spared: tuple[Fault, ...]
    thresholds: Mapping[str, float]

    def as_data(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return dataclasses.asdict(self)


def filter_clips(
    generated: Sequence[Mapping[str, float]],
    reference: Sequence[Mapping[str, float]],
    *,
    deviations: float = 3.0,
    drop_at_most: float = 0.08,
    higher_is_better: Mapping[str, bool] = HIGHER_IS_BETTER,
) -> Filtering:
    """Chooses which generated clips to keep.

    A score that a clip, or every clip of the reference, lacks is not held against it.

    Args:
        generated: Scores of each generated clip.
        reference: Scores of true clips of the same task, cameras and size.
        deviations: Robust standard deviations from the reference's median to the threshold.
        drop_at_most: Greatest part of the generated clips that is dropped.
        higher_is_better: Scores that are used, and their good direction.

    Raises:
        ClipError: If the reference has no score that is used, or options are out of range.
    """
    if not deviations > 0 or not 0 <= drop_at_most <= 1:
        raise ClipError(
            f"deviations {deviations} must be positive and drop_at_most {drop_at_most} in 0 .. 1"
        )
    scales = {name: scale for name in higher_is_better if (scale := _scale(reference, name))}
    if not scales:
        raise ClipError(f"{len(reference)} reference clips have none of the scores that are used")
    signs = {name: 1.0 if higher_is_better[name] else -1.0 for name in scales}
    thresholds = {
        name: median - signs[name] * deviations * spread
        for name, (median, spread) in scales.items()
    }
    faults = []
    for place, scores in enumerate(generated):
        worse = {
            name: signs[name] * (median - scores[name]) / spread
            for name, (median, spread) in scales.items()
            if name in scores
        }
        if worse:
            name = max(worse, key=lambda name: worse[name])
            if worse[name] > deviations:
                faults.append(
                    Fault(place, name, float(scores[name]), thresholds[name], float(worse[name]))
                )
    # Equally bad ones in order, so that the same scores always give the same outcome.
    faults.sort(key=lambda fault: (-fault.deviations, fault.clip))
    # A share of 0.07 of 100 is 7, also in binary.
    allowed = int(drop_at_most * len(generated) + 1e-9)
    dropped, spared = tuple(faults[:allowed]), tuple(faults[allowed:])
    gone = {fault.clip for fault in dropped}
    kept = tuple(place for place in range(len(generated)) if place not in gone)
    return Filtering(kept, dropped, spared, thresholds)


def _scale(clips: Sequence[Mapping[str, float]], name: str) -> tuple[float, float] | None:
    """Median and robust standard deviation of a score; None if no clip has it."""
    values: NDArray[np.float64] = np.array([clip[name] for clip in clips if name in clip])
    if not len(values):
        return None
    median = float(np.median(values))
    # 1.4826 times the median deviation is the standard deviation of a normal distribution.
    spread = 1.4826 * float(np.median(np.abs(values - median)))
    return median, max(spread, LEAST_SPREAD * abs(median), 1e-6)
