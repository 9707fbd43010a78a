"""The draws of an `AdaMixSampler` as the order of a training's items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from augment.adamix.sampler import AdaMixSampler
from learning.item_order import ItemOrder


class WeightedOrder(ItemOrder):
    """An epoch is the steps from one refresh to the next, as weights change only in between.

    An epoch can be asked for once its weights are made. Whoever reads ahead does so within `spans`.
    """

    weights = True

    def __init__(self, sampler: AdaMixSampler) -> None:
        """Decides nothing yet.

        Args:
            sampler: What draws; its `refresh` is called by the training.
        """
        self._sampler = sampler

    def __len__(self) -> int:
        """Number of items in an epoch."""
        return self._sampler.items_per_interval

    def spans(self, steps: range) -> Iterator[range]:
        """The steps between refreshes."""
        every, first = self._sampler.config.refresh_every, steps.start
        while first < steps.stop:
            end = min((first // every + 1) * every, steps.stop)
            yield range(first, end)
            first = end

    def loss_weights(self, items: Sequence[int], step: int) -> Sequence[float]:
        """What the losses of items that a step draws are multiplied by."""
        weights: list[float] = self._sampler.loss_weights(np.asarray(items), step).tolist()
        return weights

    def epoch(self, number: int) -> Iterator[int]:
        """The items of an epoch.

        Raises:
            ReweightingError: If its weights are not made yet.
        """
        every = self._sampler.config.refresh_every
        steps = range(number * every, (number + 1) * every)
        return iter(self._sampler.items(steps).ravel().tolist())
