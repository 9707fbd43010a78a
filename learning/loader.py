"""A data set on its way to a training, batch by batch."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from learning.batch import LOSS_WEIGHT, Batch, collate
from learning.heap import keep_freed_memory
from learning.item_order import Batches, ItemOrder
from learning.optimization import Optimization


@dataclass(frozen=True)
class Loader:
    """Reads a data set.

    Attributes:
        dataset: Its items are tensors by name.
        order: In which the items are learned from.
        accumulate: Batches that a process computes one after the other in a step.
        workers: Processes that read ahead; 0 reads in this one.
    """

    dataset: Dataset[Mapping[str, Tensor]]
    order: ItemOrder
    accumulate: int
    workers: int

    @property
    def items(self) -> int:
        """Number of items in the data set."""
        return len(self.dataset)  # type: ignore[arg-type]

    def batches_by_step(
        self, first: int, optimization: Optimization, accelerator: Accelerator
    ) -> Iterator[list[Batch]]:
        """What a process computes in each step, on its device.

        Args:
            first: The step to begin with.
            optimization: Says how many steps there are, and the items of one.
            accelerator: Says which process this is.
        """
        steps, size = range(first, optimization.steps), optimization.batch_size
        batches = Batches(
            self.order,
            size,
            steps,
            accumulate=self.accumulate,
            process=accelerator.process_index,
            processes=accelerator.num_processes,
        )
        loader: DataLoader[Any] = DataLoader(
            self.dataset,
            batch_sampler=batches,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            collate_fn=collate,
            pin_memory=accelerator.device.type == "cuda",
            # Not fork: an evaluation may have rendered in this process.
            multiprocessing_context="spawn" if self.workers else None,
            worker_init_fn=_prepare_worker if self.workers else None,
        )
        for span in self.order.spans(steps):
            batches.steps = span
            items = iter(batches)  # the same that are read
            with _unborn_workers_ignore_interrupts():
                read = iter(loader)
            for step in span:
                found: list[Batch] = []
                for batch in islice(read, self.accumulate):
                    if self.order.weights:
                        weights = self.order.loss_weights(next(items), step)
                        batch[LOSS_WEIGHT] = torch.tensor(weights)
                    found.append(
                        {
                            name: each.to(accelerator.device, non_blocking=True)
                            for name, each in batch.items()
                        }
                    )
                yield found


def _prepare_worker(number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the training ends us
    keep_freed_memory()


@contextmanager
def _unborn_workers_ignore_interrupts() -> Iterator[None]:
    """Blocks Ctrl-C while processes start, which inherit that; it arrives here afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
