"""Muon: gradients of matrices are orthogonalized before they are followed."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalized updates (Jordan et al. 2024), for weights of layers.

    All directions in which a gradient changes a matrix get about the same step, so that what few
    samples tell is learned as fast as what all do. Steps are as large as AdamW's at the same
    learning rate (the factor 0.2 sqrt(max(rows, columns)) of Moonlight, arXiv 2502.16982). A
    convolution's kernel is a matrix too: a row for each output, all that it reads in the columns.

    `torch.optim.Muon` computes matrix after matrix in bfloat16, which CPUs without it emulate; this
    one takes matrices of one shape together, in float32 on such a CPU, and gives the same steps up
    to rounding.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
    ) -> None:
        """Builds it.

        Args:
            params: Matrices and kernels of convolutions, or groups of them.
            lr: Learning rate.
            weight_decay: Part of the weights, times the learning rate, that each step takes away.
            momentum: Of the gradient's running mean (Nesterov).

        Raises:
            ValueError: If one is a vector or a number.
        """
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim < 2:
                    raise ValueError(f"Muon is for matrices, not for {tuple(parameter.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Does a step.

        Args:
            closure: Computes the loss and its gradients anew.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.flatten(1).shape].append(parameter)
            for shape, parameters in by_shape.items():
                directions = [self._direction(each, group["momentum"]) for each in parameters]
                steps = orthogonalized(torch.stack(directions).to(_precision(directions[0])))
                rate = 0.2 * max(shape) ** 0.5 * group["lr"]
                for parameter, change in zip(parameters, steps, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(change.view_as(parameter).to(parameter.dtype), alpha=-rate)
        return loss

    def _direction(self, parameter: Tensor, momentum: float) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["momentum"], momentum).flatten(1).float()


@functools.cache
def _cpu_has_bfloat16() -> bool:
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def _precision(tensor: Tensor) -> torch.dtype:
    """What the device multiplies fastest, out of what is exact enough."""
    fast = tensor.device.type != "cpu" or _cpu_has_bfloat16()
    return torch.bfloat16 if fast else torch.float32


def orthogonalized(matrices: Tensor) -> Tensor:
    """Matrices (N, rows, columns) whose singular values are all brought near 1.

    Five Newton-Schulz iterations with Jordan's coefficients bring them near, not to 1.
    """
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    found = matrices.mT if tall else matrices
    found = found / found.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(_ITERATIONS):
        gram = found @ found.mT
        change = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        found = torch.baddbmm(found, change, found, beta=a)
    return found.mT if tall else found
