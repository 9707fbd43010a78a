"""What makes stages 1 and 2 faster: blocks that `torch.compile` makes code for.

Most of a small transformer's step on a CPU is not products of matrices: bf16 alone hardly shortens
it, compiled code and bf16 together do (`compile=true precision=bf16`).
"""

from __future__ import annotations

import torch
from diffusers.models.transformers.transformer_wan import WanAttention, WanTransformerBlock
from torch import Tensor, nn

from learning.compiling import compile_parts


class PlainWanAttention:
    """Wan's attention as two products of matrices.

    Torch's own for CPUs computes in tiles, backwards in bf16 more slowly than in float32; for the
    few hundred tokens of `small` products of whole matrices are the fastest.
    """

    def __call__(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """As `WanAttnProcessor`, for text alone: without pictures to attend to, or a mask.

        Args:
            attn: Has the weights.
            hidden_states: (B, N, dim).
            encoder_hidden_states: (B, L, dim); None for self-attention.
            attention_mask: Must be None.
            rotary_emb: Cosines and sines of places, (1, N, 1, head_dim).
        """
        assert attention_mask is None
        assert attn.add_k_proj is None
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = attn.norm_q(attn.to_q(hidden_states)).unflatten(2, (attn.heads, -1))
        key = attn.norm_k(attn.to_k(context)).unflatten(2, (attn.heads, -1))
        value = attn.to_v(context).unflatten(2, (attn.heads, -1))
        if rotary_emb is not None:
            query, key = _rotated(query, *rotary_emb), _rotated(key, *rotary_emb)
        query, key, value = (each.transpose(1, 2) for each in (query, key, value))
        weights = (query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)).softmax(dim=-1)
        found = (weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)
        answer: Tensor = attn.to_out[1](attn.to_out[0](found.type_as(query)))
        return answer


def compile_blocks(network: nn.Module, device: torch.device) -> None:
    """Has the transformer blocks in a network run by compiled code.

    Raises:
        learning.compiling.CompilationError: Without a compiler.
    """
    for module in network.modules():
        if isinstance(module, WanAttention) and device.type == "cpu":
            module.set_processor(PlainWanAttention())  # type: ignore[arg-type]
    compile_parts(network, (WanTransformerBlock,), device)


def _rotated(states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Wan's rotary embedding of (B, N, heads, head_dim): neighbouring channels are pairs."""
    first, second = states.unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = cosines[..., 0::2], sines[..., 1::2]
    pairs = (first * cosine - second * sine, first * sine + second * cosine)
    return torch.stack(pairs, dim=-1).flatten(-2).type_as(states)
