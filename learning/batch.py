"""Items of a data set as tensors, and several of them as a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Batch = Mapping[str, Tensor]
"""Tensors by name, each with the items along its first axis."""

LOSS_WEIGHT = "loss_weight"
"""The name of what each item's loss is multiplied by (B,), where an order of items has such."""


def collate(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Items as a batch."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}
