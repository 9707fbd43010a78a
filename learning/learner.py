"""A network in training: its optimizers, the average of its weights, and one step of both."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from learning.batch import LOSS_WEIGHT, Batch
from learning.devices import autocast
from learning.learning_rate import rate_factor
from learning.learns import Learns
from learning.optimization import Optimization
from learning.optimizers import optimizers
from learning.seeds import seed_of
from learning.state import Progress, load_progress, load_state, save_state


class _Losses(nn.Module):
    """A network whose forward pass is its losses, as several processes need it."""

    def __init__(self, network: Learns) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        return self.network.losses(batch, generator)


class Learner:
    """A network in training.

    Noise and dropout of a step follow from the seed and the step: there is no state of random
    numbers to be kept.

    Attributes:
        optimization: How it learns.
        accelerator: On what it runs.
    """

    def __init__(
        self,
        network: Learns,
        optimization: Optimization,
        accelerator: Accelerator,
        precision: str,
        seed: int,
    ) -> None:
        """Moves the network to its device.

        Args:
            network: What learns, its normalizers fitted if it has any.
            optimization: How.
            accelerator: On what.
            precision: `fp32` or `bf16`.
            seed: Of noise and dropout.
        """
        self._network = network.to(accelerator.device)
        self.optimization, self.accelerator, self._seed = optimization, accelerator, seed
        self._autocast = autocast(accelerator.device, precision)
        self._parameters = list(network.parameters())
        self._optimizers = optimizers(network.parameter_groups(), optimization)
        self._average = None
        if optimization.ema_power > 0:
            self._average = EMAModel(
                self._parameters,
                decay=optimization.ema_max,
                use_ema_warmup=True,
                power=optimization.ema_power,
                foreach=True,
            )
        self._losses = accelerator.prepare_model(_Losses(network))

    def step(self, number: int, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """Learns from the batches of a step.

        Args:
            number: Of the step, from 0 on.
            batches: Of the same size.

        Returns:
            The losses' means by part over all processes, `learning_rate`, and `grad_norm` before
            clipping.
        """
        self._network.train()
        factor = rate_factor(self.optimization, number)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * group["height"]
        measured: dict[str, Tensor] = {}
        for place, batch in enumerate(batches):
            losses = self._backward(number, place, batch, len(batches))
            for name, each in losses.items():
                part = each.detach().mean(dtype=torch.float64) / len(batches)
                measured[name] = measured[name] + part if name in measured else part
        if self.accelerator.num_processes > 1:
            measured = self.accelerator.reduce(measured, "mean")
        clip = self.optimization.clip_norm or float("inf")
        norm = self.accelerator.clip_grad_norm_(self._parameters, clip)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self._average is not None:
            self._average.step(self._parameters)
        return {
            **measured,
            "learning_rate": torch.tensor(
                factor * self.optimization.learning_rate, dtype=torch.float64
            ),
            "grad_norm": norm,
        }

    def inference_weights(self) -> dict[str, Tensor]:
        """The state dict of what comes out: with averaged weights, if there is an average."""
        weights = dict(self._network.state_dict())
        if self._average is not None:
            names = [name for name, _ in self._network.named_parameters()]
            weights |= dict(zip(names, self._average.shadow_params, strict=True))
        return weights

    @property
    def averages(self) -> bool:
        """Whether `inference_weights` are an average."""
        return self._average is not None

    def save(self, folder: Path, progress: Progress, more: Mapping[str, Tensor]) -> None:
        """Writes a state to go on from, with more that belongs to it."""
        save_state(folder, progress, self._network, self._average, self._optimizers, more)

    def load(self, state: Path) -> Progress:
        """Goes on from a state; says how far it was.

        Raises:
            TrainingError: If the state is damaged, or another network's.
        """
        progress = load_progress(state)
        load_state(state, self._network, self._average, self._optimizers)
        return progress

    def _backward(self, number: int, place: int, batch: Batch, batches: int) -> dict[str, Tensor]:
        where = (self._seed, number, place, self.accelerator.process_index)
        torch.manual_seed(seed_of(*where, 0))  # of dropout, which takes no generator
        noise = torch.Generator().manual_seed(seed_of(*where, 1))
        alone = contextlib.nullcontext()
        waits = place < batches - 1  # gradients are exchanged after the last batch
        with self.accelerator.no_sync(self._losses) if waits else alone:
            with self._autocast:
                losses: dict[str, Tensor] = self._losses(batch, noise)
            loss = losses["loss"]
            if LOSS_WEIGHT in batch:
                loss = loss * batch[LOSS_WEIGHT].to(loss.dtype)
            self.accelerator.backward(loss.mean() / batches)
        return losses
