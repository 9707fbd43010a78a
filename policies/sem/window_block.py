"""Swin's block, with less work for the same numbers as transformers'."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.models.swin.modeling_swin import SwinLayer

from policies.sem.attention import attended

_FORBIDDEN = -100.0
"""Added to logits between pieces that only the cyclic shift has brought together, as by Swin."""


class WindowLayout(NamedTuple):
    """Where tokens are in windows.

    Attributes:
        tokens: (S,) for each slot of all windows, one window after the other, its token of N; any
            where the picture was padded.
        slots: (N,) for each token its slot.
        padded: Slots without a token.
        mask: (windows, 1, L, L) added to logits; None without a shift.
    """

    tokens: Tensor
    slots: Tensor
    padded: Tensor
    mask: Tensor | None


@functools.lru_cache(maxsize=64)
def window_layout(
    height: int, width: int, window: int, shift: int, device: torch.device
) -> WindowLayout:
    """The layout of windows over a map, padded on the right and below, then shifted cyclically.

    Args:
        height: Of the map in tokens.
        width: Of the map in tokens.
        window: Side of a window in tokens.
        shift: By how many tokens windows are moved to the right and down.
        device: Where it is used.
    """
    with torch.inference_mode(mode=False):  # it is used in training too
        rows, columns = (-(-size // window) * window for size in (height, width))
        grid = torch.full((rows, columns), -1)
        grid[:height, :width] = torch.arange(height * width).view(height, width)
        tokens = _in_windows(grid.roll((-shift, -shift), dims=(0, 1)), window).flatten()
        padded = (tokens < 0).nonzero()[:, 0]
        slots = tokens.argsort(stable=True)[len(padded) :]
        mask = None
        if shift:
            piece = [
                (torch.arange(size) >= size - window).long() + (torch.arange(size) >= size - shift)
                for size in (rows, columns)
            ]
            label = _in_windows(3 * piece[0][:, None] + piece[1], window)
            apart = label[:, None, :, None] != label[:, None, None, :]
            mask = (_FORBIDDEN * apart).to(device)
        return WindowLayout(
            tokens.clamp(min=0).to(device), slots.to(device), padded.to(device), mask
        )


_kept_layout = torch.compiler.disable(window_layout)  # code is generated for what follows


class WindowBlock(GradientCheckpointingLayer):
    """A Swin block with the parameters of transformers'.

    That pads maps to whole windows (the last stage's 8 x 10 tokens to 14 x 14) before it projects
    tokens to queries, keys and values. Padding is zeros there, whose projection is the bias. Here
    tokens are projected first, and then padded with the bias. One copy takes them into windows and
    one back, where transformers' pads, shifts and cuts one after the other.
    """

    def __init__(self, block: SwinLayer) -> None:
        """Takes the parameters over.

        Args:
            block: Transformers' block.
        """
        super().__init__()
        self.attention = block.attention
        self.layernorm_before, self.layernorm_after = block.layernorm_before, block.layernorm_after
        self.mlp, self.drop_path = block.mlp, block.drop_path
        self.window, self.shift = block.window_size, block.shift_size

    def forward(self, x: Tensor, size: tuple[int, int], **_: Any) -> tuple[Tensor, None]:
        """Maps tokens (B, N, C).

        Args:
            x: Tokens row by row.
            size: Rows and columns of tokens.

        Returns:
            Tokens, and no attention weights.
        """
        layout = _kept_layout(*size, self.window, self.shift, x.device)
        found = self._attended(self.layernorm_before(x), layout)
        x = x + self.drop_path(self.attention.o_proj(found))
        return x + self.mlp(self.layernorm_after(x)), None

    def _attended(self, x: Tensor, layout: WindowLayout) -> Tensor:
        """What tokens (B, N, C) find in their windows."""
        attention, count = self.attention, len(x)
        linears = (attention.q_proj, attention.k_proj, attention.v_proj)
        weight = torch.cat([linear.weight for linear in linears])
        bias = torch.cat([linear.bias for linear in linears])
        projected = functional.linear(x, weight, bias)

        item = torch.arange(count, device=x.device)[:, None]
        tokens = (item * x.shape[1] + layout.tokens).flatten()
        slots, padded = (
            (item * len(layout.tokens) + each).flatten() for each in (layout.slots, layout.padded)
        )
        split: Tensor = _IntoWindows.apply(  # type: ignore[no-untyped-call]
            projected.flatten(0, 1), bias.to(projected.dtype), tokens, slots, padded
        )
        # (B * windows, heads, L, c) each
        query, key, value = (
            part.transpose(1, 2)
            for part in split.view(
                -1, self.window**2, 3, attention.num_attention_heads, attention.head_dim
            ).unbind(2)
        )
        added = attention.relative_position_bias()
        if layout.mask is not None:
            added = (added + layout.mask).repeat(count, 1, 1, 1)
        found = attended(query, key, value, added.to(query.dtype))
        back: Tensor = _OutOfWindows.apply(  # type: ignore[no-untyped-call]
            found.transpose(1, 2).reshape(len(tokens), -1), tokens, slots, padded
        )
        return back.view_as(x)


def _in_windows(grid: Tensor, window: int) -> Tensor:
    """Windows (K, L) of a grid whose sides are multiples of theirs."""
    parts: Tensor = grid.view(len(grid) // window, window, -1, window)
    return parts.transpose(1, 2).flatten(2).flatten(0, 1)


# Each token has one slot, so that gradients are taken back by the inverse of what takes tokens
# forth. Torch, which does not know it, would add them up one by one.


class _IntoWindows(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, filling: Tensor, tokens: Tensor, slots: Tensor, padded: Tensor
    ) -> Tensor:
        ctx.save_for_backward(slots, padded)
        windows = rows.index_select(0, tokens)
        windows[padded] = filling
        return windows

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, Tensor, None, None, None]:
        slots, padded = ctx.saved_tensors
        to_filling = gradient.index_select(0, padded).sum(dim=0)
        return gradient.index_select(0, slots), to_filling, None, None, None


class _OutOfWindows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, windows: Tensor, tokens: Tensor, slots: Tensor, padded: Tensor) -> Tensor:
        ctx.save_for_backward(tokens, padded)
        return windows.index_select(0, slots)

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None, None, None]:
        tokens, padded = ctx.saved_tensors
        return gradient.index_select(0, tokens).index_fill_(0, padded, 0), None, None, None
