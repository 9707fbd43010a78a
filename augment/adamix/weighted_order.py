"""The draws of an `AdaMixSampler` as the order of a training's items."""

from __future__ import annotations

from collections.abc import Iterator

from augment.adamix.sampler import AdaMixSampler
from learning.item_order import ItemOrder


class WeightedOrder(ItemOrder):
    """An epoch is the steps from one refresh to the next, as weights change only in between.

    An epoch can be asked for once its weights are made: whoever reads ahead must not do so across
    a refresh. An error says so if it does.
    """

    def __init__(self, sampler: AdaMixSampler) -> None:
        """Decides nothing yet.

        Args:
            sampler: What draws; its `refresh` is called by the training.
        """
        self._sampler = sampler

    def __len__(self) -> int:
        """Number of items in an epoch."""
        return self._sampler.items_per_interval

    def epoch(self, number: int) -> Iterator[int]:
        """The items of an epoch.

        Raises:
            ReweightingError: If its weights are not made yet.
        """
        every = self._sampler.config.refresh_every
        steps = range(number * every, (number + 1) * every)
        return iter(self._sampler.items(steps).ravel().tolist())
