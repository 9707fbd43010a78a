"""Recorded and generated trajectories in one training, in a ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class MixtureError(ValueError):
    """A share that cannot be had; in one line."""


def shares(
    generated: NDArray[np.bool_], frames: NDArray[np.int64], generated_share: float | None
) -> NDArray[np.float64]:
    """How likely each trajectory is drawn, so that a share of the samples is generated.

    EMMA's sweep has shares of 0, 0.25, 0.5, 0.75 and 0.9; 0.5 (1 : 1) was best.

    Args:
        generated: (N,) which trajectories are generated ones.
        frames: (N,) their frames: those of one kind are drawn in proportion to them.
        generated_share: Of the samples, 0 .. 1; None for that of the frames.

    Returns:
        (N,) of sum 1.

    Raises:
        MixtureError: If there are no trajectories of a kind that has a share.
    """
    if generated_share is None:
        return np.asarray(frames / frames.sum())
    if not 0 <= generated_share <= 1:
        raise MixtureError(f"generated_share={generated_share:g}: expected 0 .. 1, or null")
    found = np.zeros(len(frames))
    for kind, share in ((generated, generated_share), (~generated, 1 - generated_share)):
        if share and not kind.any():
            lacking = "generated" if kind is generated else "recorded"
            raise MixtureError(
                f"generated_share={generated_share:g}: there are no {lacking} trajectories"
            )
        if share:
            found[kind] = share * frames[kind] / frames[kind].sum()
    return found
