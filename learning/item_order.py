"""In which order a training sees the items of its data set.

Contents:
    ItemOrder: the base class of what decides it.
    Shuffled: every item once an epoch, at random.
    Batches: the steps' batches, out of the epochs one after the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch.utils.data import Sampler

from learning.seeds import seed_of


class ItemOrder(ABC):
    """Indices of items, epoch by epoch.

    A training that goes on asks for the epoch that it was in: an order must be a function of the
    epoch, and of what it was built with.

    Attributes:
        weights: Whether losses are multiplied by `loss_weights`.
    """

    weights: bool = False

    @abstractmethod
    def __len__(self) -> int:
        """Number of items in an epoch."""

    @abstractmethod
    def epoch(self, number: int) -> Iterator[int]:
        """The items of an epoch."""

    def spans(self, steps: range) -> Iterator[range]:
        """Parts of a training's steps beyond the end of which nobody may read ahead."""
        yield steps

    def loss_weights(self, items: Sequence[int], step: int) -> Sequence[float]:
        """What the losses of items that a step learns from are multiplied by, if it `weights`."""
        return [1.0] * len(items)


class Shuffled(ItemOrder):
    """Every item once an epoch, at random."""

    def __init__(self, items: int, seed: int) -> None:
        """Decides nothing yet.

        Args:
            items: How many there are.
            seed: Of the training.
        """
        self._items, self._seed = items, seed

    def __len__(self) -> int:
        """Number of items."""
        return self._items

    def epoch(self, number: int) -> Iterator[int]:
        """The items of an epoch."""
        generator = torch.Generator().manual_seed(seed_of(self._seed, number))
        return iter(torch.randperm(self._items, generator=generator).tolist())


class Batches(Sampler[list[int]]):
    """Indices of the batches that one process computes, from a step to the last one.

    A step's items follow on those of the step before, across the ends of epochs, so that no item
    is left out. Several processes, and several batches a step, share what one would have seen.

    Attributes:
        steps: Which steps of the training.
    """

    def __init__(
        self,
        order: ItemOrder,
        batch_size: int,
        steps: range,
        *,
        accumulate: int = 1,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        """Decides nothing yet.

        Args:
            order: Of the items.
            batch_size: Items in a step, divisible by `accumulate * processes`.
            steps: Which steps of the training.
            accumulate: Batches of a process in a step.
            process: Which process this is.
            processes: How many there are.
        """
        self._order, self._batch_size, self.steps = order, batch_size, steps
        self._accumulate, self._process, self._processes = accumulate, process, processes

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.steps) * self._accumulate

    def __iter__(self) -> Iterator[list[int]]:
        """The batches."""
        items = self._items_from(self.steps.start * self._batch_size)
        size = self._batch_size // (self._accumulate * self._processes)
        for _ in self.steps:
            whole = list(islice(items, self._batch_size))
            parts = [whole[i : i + size] for i in range(0, len(whole), size)]
            yield from parts[self._process :: self._processes]

    def _items_from(self, place: int) -> Iterator[int]:
        number, inside = divmod(place, len(self._order))
        yield from islice(self._order.epoch(number), inside, None)
        while True:
            number += 1
            yield from self._order.epoch(number)
