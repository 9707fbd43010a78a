"""Items of a data set as tensors, and several of them as a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Batch = Mapping[str, Tensor]
"""Tensors by name, each with the items along its first axis."""


def collate(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Items as a batch."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}
