"""Draws the samples of a training by weights that are made anew every so many steps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from augment.adamix.alias_table import AliasTable
from augment.adamix.collapse import CollapseDetector
from augment.adamix.errors import ReweightingError
from augment.adamix.probabilities import probabilities
from augment.adamix.refresh import Refresh
from augment.adamix.reweighting import Evidence, Reweighting
from augment.adamix.sampler_config import SamplerConfig
from augment.adamix.stratified_table import StratifiedTable


class AdaMixSampler(Sampler[int]):
    """Frames of trajectories, with replacement, by the weights of any `Reweighting`.

    The weights of a refresh hold from its step to the next one. Which items a step draws is a
    function of the seed, the step and the weights that hold then: never of when it is asked, nor by
    which process. Each process draws its own part of a step's items. All must be given the same
    evidence (made by one and sent to the others), or their weights differ.

    With a plain `DataLoader(dataset, sampler=sampler, batch_size=batch_size // processes)` a pass
    over the loader is the steps until new weights are due:

        while step < steps:
            for batch in loader:
                ...
                sampler.observe(loss)
                step += 1
            if sampler.due(step):
                sampler.refresh(step, evidence)

    `WeightedOrder` makes an order for `learning` of it.

    Attributes:
        config: As it was built.
        reweighting: What decides the weights.
        history: The refreshes so far.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        reweighting: Reweighting,
        config: SamplerConfig,
        *,
        steps: int,
        batch_size: int,
        seed: int,
        base: NDArray[np.float64] | None = None,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        """Draws nothing yet.

        Args:
            lengths: Frames of each trajectory, at least 1. Items are their frames, one trajectory
                after the other.
            reweighting: Of as many units as there are trajectories, or frames with `per=frame`.
            config: When and how.
            steps: Of the training.
            batch_size: Items in a step, over all processes.
            seed: Of the training.
            base: (N,) how likely units are drawn with equal weights, such as
                `augment.mixture.shares` says; None for all as likely.
            process: Which process this is.
            processes: How many there are.

        Raises:
            ReweightingError: If these do not fit together.
        """
        self._lengths = np.asarray(lengths, dtype=np.int64)
        if not len(self._lengths) or self._lengths.min() < 1:
            raise ReweightingError("every trajectory must have a frame, and there must be one")
        units = len(self._lengths) if config.per == "trajectory" else int(self._lengths.sum())
        if len(reweighting.groups) != units:
            raise ReweightingError(
                f"weights are for {len(reweighting.groups)} units, and there are {units} with "
                f"per={config.per}"
            )
        if batch_size % processes:
            raise ReweightingError(
                f"batch_size={batch_size} is not divisible by {processes} processes"
            )
        self.reweighting, self.config = reweighting, config
        self.history: list[Refresh] = []
        self._steps, self._batch_size, self._seed = steps, batch_size, seed
        self._process, self._processes = process, processes
        self._units, self._step = units, 0
        self._base = np.full(units, 1.0 / units) if base is None else base / base.sum()
        if len(self._base) != units:
            raise ReweightingError(f"base of {len(self._base)} units: expected {units}")
        self._warmup = Refresh(0, self._base, self._base)
        self._collapse = CollapseDetector(config.collapse_tolerance, config.collapse_patience)
        self._table: tuple[Refresh, AliasTable | StratifiedTable] | None = None

    @property
    def items_per_interval(self) -> int:
        """Items that are drawn from one refresh to the next, by all processes."""
        return self.config.refresh_every * self._batch_size

    def due(self, step: int) -> bool:
        """Whether new weights must be made before a step, counted from 0."""
        return step == self._next_refresh() < self._steps

    def refresh(self, step: int, evidence: Evidence) -> Refresh:
        """Makes the weights that hold from a step on.

        Args:
            step: At which they are due.
            evidence: What `reweighting.needs`.

        Raises:
            ReweightingError: If they are not due, or evidence does not fit; nothing changes then.
        """
        if not self.due(step):
            raise ReweightingError(
                f"no new weights are due at step {step}, but at {self._next_refresh()}"
            )
        since = self.config.refresh_every if self.history else self.config.warmup_steps
        found = probabilities(
            self.reweighting.update(evidence, since),
            self.config.floor,
            self.config.max_ratio,
            self._base,
            self.reweighting.kinds,
        )
        before = self.history[-1] if self.history else None
        collapses = self._collapse.end_interval(before.greatest if before else None)
        collapsed = before is not None and before.collapsed
        if collapses and not collapsed and self.reweighting.needs:
            warnings.warn(
                f"the loss has diverged by step {step}, since samples are weighted: from here on "
                "they are drawn uniformly; a smaller ratio of weights may help",
                stacklevel=2,
            )
            collapsed = True
        if collapsed:
            found = self._base
        self.history.append(Refresh(step, found, self._base, collapsed))
        self._step = step
        return self.history[-1]

    def observe(self, loss: Tensor | float) -> None:
        """Remembers a step's training loss, by which a collapse is noticed.

        Args:
            loss: Mean over all processes; it may be on any device.
        """
        self._collapse.observe(loss)

    def items(self, steps: range) -> NDArray[np.int64]:
        """Items that steps draw, for all processes.

        Args:
            steps: Of step 1.

        Returns:
            (steps, batch_size)

        Raises:
            ReweightingError: If there are no weights yet for one of them.
        """
        every, parts, first = self.config.refresh_every, [], steps.start
        while first < steps.stop:
            end = min((first // every + 1) * every, steps.stop)
            table = self._table_at(first)
            place = first * self._batch_size
            generator = np.random.Generator(np.random.PCG64(self._seed).advance(place))
            parts.append(table.outcomes(generator.random((end - first) * self._batch_size)))
            first = end
        found = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        return found.reshape(-1, self._batch_size)

    def loss_weights(self, items: NDArray[np.int64], step: int) -> NDArray[np.float64]:
        """What the losses of items (B,) that a step draws are to be multiplied by (B,)."""
        refresh = self._refresh_at(step)
        # Against the base, which is what losses are the mean over.
        by_unit = self.reweighting.loss_weights(refresh.relative, step / self._steps)
        if self.config.per == "frame":
            return np.asarray(by_unit[items])
        ends = np.cumsum(self._lengths)
        return np.asarray(by_unit[np.searchsorted(ends, items, side="right")])

    def begin_at(self, step: int) -> None:
        """Lets the next iteration begin at a step, when a training goes on.

        Raises:
            ReweightingError: If that is beyond where new weights are due.
        """
        if step > self._next_refresh():
            raise ReweightingError(
                f"step {step} is beyond {self._next_refresh()}, where new weights are due: load "
                "the state first"
            )
        self._step = step

    def __len__(self) -> int:
        """Number of items of an iteration."""
        return len(self._span()) * (self._batch_size // self._processes)

    def __iter__(self) -> Iterator[int]:
        """This process's items, from the last refresh to where the next is due."""
        size = self._batch_size // self._processes
        part = slice(self._process * size, (self._process + 1) * size)
        return iter(self.items(self._span())[:, part].ravel().tolist())

    def state_dict(self) -> dict[str, Tensor]:
        """All that future draws follow from, but for what it was built with."""
        history = self.history
        table = np.array([each.probabilities for each in history]).reshape(-1, self._units)
        return {
            "step": torch.tensor([each.step for each in history], dtype=torch.int64),
            "probabilities": torch.from_numpy(table),
            "collapsed": torch.tensor([each.collapsed for each in history], dtype=torch.bool),
            **_named("collapse.", self._collapse.state_dict()),
            **_named("reweighting.", self.reweighting.state_dict()),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from another one's state.

        Raises:
            ReweightingError: If that one draws other units.
        """
        if state["probabilities"].shape[1] != self._units:
            raise ReweightingError(
                f"the state is of {state['probabilities'].shape[1]} units, not {self._units}"
            )
        self.history = [
            Refresh(int(step), found.numpy().copy(), self._base, bool(collapsed))
            for step, found, collapsed in zip(
                state["step"], state["probabilities"], state["collapsed"], strict=True
            )
        ]
        self._collapse.load_state_dict(_part("collapse.", state))
        self.reweighting.load_state_dict(_part("reweighting.", state))
        self._step = self.history[-1].step if self.history else 0

    def _next_refresh(self) -> int:
        """The step at which the next weights are due."""
        return self.config.warmup_steps + len(self.history) * self.config.refresh_every

    def _span(self) -> range:
        """Steps of an iteration."""
        return range(self._step, min(self._next_refresh(), self._steps))

    def _refresh_at(self, step: int) -> Refresh:
        """The refresh whose weights hold at a step."""
        number = (step - self.config.warmup_steps) // self.config.refresh_every
        if number < 0:
            return self._warmup
        if number >= len(self.history):
            raise ReweightingError(
                f"step {step} cannot be drawn before new weights are made at step "
                f"{self._next_refresh()}"
            )
        return self.history[number]

    def _table_at(self, step: int) -> AliasTable | StratifiedTable:
        refresh = self._refresh_at(step)
        if self._table is None or self._table[0] is not refresh:
            found = refresh.probabilities
            if self.config.per == "trajectory":
                found = np.repeat(found / self._lengths, self._lengths)
            exact, size = self.config.exact, self._batch_size
            self._table = (refresh, StratifiedTable(found, size) if exact else AliasTable(found))
        return self._table[1]


def _named(start: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A part's state under longer names."""
    return {f"{start}{name}": each for name, each in state.items()}


def _part(start: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A part's state under its own names."""
    return {
        name.removeprefix(start): each for name, each in state.items() if name.startswith(start)
    }
