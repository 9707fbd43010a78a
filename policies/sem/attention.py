"""Multi-head attention as SEM uses it: rotary positions, keys without bias, Xavier weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

_ROTARY_BASE = 10000.0


class Memory(NamedTuple):
    """What is attended to, projected once.

    Attributes:
        keys: (B, heads, S, c).
        values: (B, heads, S, c).
    """

    keys: Tensor
    values: Tensor


def rotary_factors(positions: Tensor, channels: int) -> Tensor:
    """Complex factors (N, c / 2) of positions (N,) for heads of some channels."""
    half = channels // 2
    exponent = torch.arange(half, device=positions.device, dtype=torch.float32) / half
    angles = positions.float()[:, None] * _ROTARY_BASE**-exponent
    return torch.polar(torch.ones_like(angles), angles)


def rotated(x: Tensor, factors: Tensor) -> Tensor:
    """Rotary position embedding: neighbouring channels of x (..., c) are turned as pairs.

    Args:
        x: Queries or keys.
        factors: Complex, of shape (..., c / 2).
    """
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * factors).flatten(-2).to(x.dtype)


def attended(query: Tensor, key: Tensor, value: Tensor, added: Tensor | None = None) -> Tensor:
    """What queries find: softmax(q k^T / sqrt(c) + added) v.

    On a CPU torch's fused kernels are the faster way without gradients, but the slower one where
    gradients are wanted, most of all in bfloat16.

    Args:
        query: (..., L, c).
        key: (..., S, c).
        value: (..., S, c).
        added: To the logits (..., L, S).
    """
    if query.device.type != "cpu" or not torch.is_grad_enabled():
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=added)
    logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if added is not None:
        logits = logits + added
    found: Tensor = logits.softmax(dim=-1).to(value.dtype) @ value
    return found


class Projections(nn.Module):
    """Queries, keys, values and output of an attention layer."""

    def __init__(self, dim: int, heads: int) -> None:
        """Builds it.

        Args:
            dim: Channels of inputs and output.
            heads: Number of heads.
        """
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(linear.weight)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)

    def split(self, x: Tensor) -> Tensor:
        """Heads (..., N, heads, c) of (..., N, dim)."""
        heads: Tensor = x.unflatten(-1, (self.heads, -1))
        return heads

    def memory(self, tokens: Tensor) -> Memory:
        """Keys and values of tokens (B, S, dim)."""
        keys, values = (
            self.split(linear(tokens)).transpose(1, 2) for linear in (self.key, self.value)
        )
        return Memory(keys, values)


class ImageAttention(Projections):
    """Attention to image tokens, whose keys carry no position."""

    def forward(self, x: Tensor, rotary: Tensor, memory: Memory) -> Tensor:
        """Attends.

        Args:
            x: (B * K, T, M, dim): K samples of each observation next to each other, T times and M
                joints.
            rotary: Factors of the T times.
            memory: Of the B observations' image tokens.
        """
        query = rotated(self.split(self.query(x)), rotary[:, None, None])
        # All samples of an observation are queries of one attention.
        query = query.unflatten(0, (len(memory.keys), -1)).flatten(1, 3).transpose(1, 2)
        found = attended(query, memory.keys, memory.values)
        result: Tensor = self.output(found.transpose(1, 2).flatten(2))
        return result.view_as(x)


class TemporalAttention(Projections):
    """Causal attention of each joint to its state and its own past."""

    def forward(self, x: Tensor, rotary: Tensor, state: Memory) -> Tensor:
        """Attends.

        Args:
            x: (N, T, M, dim).
            rotary: Factors of the state's time, then of the T times.
            state: Keys and values (N, heads, M, c) of each joint's state, which comes before all
                times; not yet rotated.
        """
        times = x.shape[1]
        # (N, T, M, heads, c), state first
        before = (part.transpose(1, 2)[:, None] for part in state)
        keys, values = (
            torch.cat([first, self.split(linear(x))], dim=1)
            for first, linear in zip(before, (self.key, self.value), strict=True)
        )
        query = rotated(self.split(self.query(x)), rotary[1:, None, None])
        keys = rotated(keys, rotary[:, None, None])
        query, keys, values = (
            part.permute(0, 2, 3, 1, 4).flatten(0, 1) for part in (query, keys, values)
        )
        visible = torch.ones(times, times + 1, dtype=torch.bool, device=x.device).tril(diagonal=1)
        found = functional.scaled_dot_product_attention(query, keys, values, attn_mask=visible)
        found = found.unflatten(0, (len(x), -1)).permute(0, 3, 1, 2, 4)
        result: Tensor = self.output(found.flatten(-2))
        return result
