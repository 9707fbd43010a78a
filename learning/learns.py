"""What a network must say of itself to be trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from learning.batch import Batch


class Learns(nn.Module, ABC):
    """A network that knows its losses.

    A base class, not a protocol: what trains it needs the rest of `nn.Module` as well, and Python
    has no type for both together.
    """

    @abstractmethod
    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of each item of a batch.

        Args:
            batch: On this network's device.
            generator: Of noise and timesteps, on the CPU: the same draws on every device.

        Returns:
            `loss` (B,), which training minimizes the mean of, and its parts by name, each (B,).
        """

    def parameter_groups(self) -> Iterable[tuple[Iterable[nn.Parameter], float]]:
        """Parameters, and what their learning rate is multiplied by."""
        return [(self.parameters(), 1.0)]
