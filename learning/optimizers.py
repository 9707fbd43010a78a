"""The optimizers of a network in training."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from learning.muon import Muon
from learning.optimization import Optimization

SMALLEST_MATRIX = 16
"""Rows and columns that a weight needs for Muon: fewer are heads, tables and inputs, not layers."""


def optimizers(
    groups: Iterable[tuple[Iterable[nn.Parameter], float]], optimization: Optimization
) -> list[torch.optim.Optimizer]:
    """AdamW, with Muon before it for the matrices if that has a learning rate.

    Each of their groups has in `height` what its learning rate is at its height.

    Args:
        groups: Parameters, and what their learning rate is multiplied by.
        optimization: How they are trained.
    """
    matrices, others = [], []
    for parameters, scale in groups:
        learning = [each for each in parameters if each.requires_grad]
        chosen = [each for each in learning if optimization.muon_learning_rate and _layer(each)]
        ids = {id(each) for each in chosen}
        rest = [each for each in learning if id(each) not in ids]
        matrices.append({"params": chosen, "height": optimization.muon_learning_rate * scale})
        others.append({"params": rest, "height": optimization.learning_rate * scale})
    found: list[torch.optim.Optimizer] = []
    if any(group["params"] for group in matrices):
        found.append(
            Muon(
                matrices,
                lr=optimization.muon_learning_rate,
                weight_decay=optimization.weight_decay,
            )
        )
    found.append(
        torch.optim.AdamW(
            others,
            lr=optimization.learning_rate,
            betas=optimization.betas,
            weight_decay=optimization.weight_decay,
            fused=True,
        )
    )
    return found


def _layer(parameter: nn.Parameter) -> bool:
    return parameter.ndim >= 2 and min(parameter.flatten(1).shape) >= SMALLEST_MATRIX
