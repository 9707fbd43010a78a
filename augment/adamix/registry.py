"""Finds what decides the weights by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.adamix.adamix import AdaMix
from augment.adamix.group_dro import GroupDRO
from augment.adamix.prioritized import Prioritized
from augment.adamix.remix import ReMix
from augment.adamix.reweighting import Reweighting
from augment.adamix.shuffled import ShuffledAdaMix
from augment.adamix.uniform import Uniform
from envs.errors import nearest
from learning.configuration import ConfigurationError, configured

REWEIGHTINGS: dict[str, type[Reweighting]] = {
    "adamix": AdaMix,
    "uniform": Uniform,
    "per": Prioritized,
    "group_dro": GroupDRO,
    "remix": ReMix,
    "adamix_shuffled": ShuffledAdaMix,
}


def make_reweighting(
    name: str,
    options: Mapping[str, Any],
    groups: NDArray[np.int64],
    seed: int,
    kinds: NDArray[np.int64] | None = None,
) -> Reweighting:
    """Builds a registered one.

    Args:
        name: Out of `REWEIGHTINGS`.
        options: Fields of its configuration in place of the defaults.
        groups: (N,) the group of each unit, as any numbers.
        seed: Of the training.
        kinds: (N,) the kind of each unit; see `Reweighting`.

    Raises:
        ConfigurationError: For a wrong name or option, with what is valid.
        ReweightingError: If there is no unit, or kinds are of other units.
    """
    if name not in REWEIGHTINGS:
        raise ConfigurationError(f"unknown sampler '{name}'; {nearest(name, REWEIGHTINGS)}")
    kind = REWEIGHTINGS[name]
    return kind(configured(kind.config_class, options, f"sampler.{name}"), groups, seed, kinds)
