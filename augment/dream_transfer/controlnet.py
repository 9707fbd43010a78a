"""The ControlNet branch of DreamTransfer: depth of all views holds the geometry.

A reconstruction in the shape of giga-models' ControlNet for Cosmos 2.5 (the same group): the paper
says that a parallel branch injects constraints from multi-view depth, but neither how many blocks
it has nor how they are joined.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_wan import (
    WanRotaryPosEmbed,
    WanTimeTextImageEmbedding,
    WanTransformer3DModel,
    WanTransformerBlock,
)
from torch import Tensor, nn

from augment.dream_transfer.transformer import (
    DreamTransferTransformer3DModel,
    conditions,
    run_block,
)


class DreamTransferControlNetModel(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Copies of some of the main branch's blocks, run one after another beside it.

    Depth enters through a zero projection added to the noisy tokens, and each copy's result leaves
    through another, so that a fresh branch changes nothing. (diffusers' own projections of VACE and
    Cosmos are named so but do not begin at zero.)
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = WanTransformer3DModel._no_split_modules  # type: ignore[assignment]
    _keep_in_fp32_modules = WanTransformer3DModel._keep_in_fp32_modules  # type: ignore[assignment]

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        control_blocks: Sequence[int] = (0, 2, 4),
        control_channels: int = 16,
        patch_size: tuple[int, int, int] = (1, 2, 2),
        num_attention_heads: int = 40,
        attention_head_dim: int = 128,
        in_channels: int = 16,
        text_dim: int = 4096,
        freq_dim: int = 256,
        ffn_dim: int = 13824,
        cross_attn_norm: bool = True,
        qk_norm: str = "rms_norm_across_heads",
        eps: float = 1e-6,
        rope_max_seq_len: int = 1024,
    ) -> None:
        """Builds a branch with fresh weights; see `from_transformer`.

        Args:
            control_blocks: Numbers of the main branch's blocks that have a copy, ascending.
            control_channels: Channels of the depth video's latents.
            patch_size: As all that follows, the main branch's.
            num_attention_heads: Attention heads.
            attention_head_dim: Channels of each.
            in_channels: Channels of the noisy latents.
            text_dim: Channels of text states.
            freq_dim: Channels of the timestep's sinusoids.
            ffn_dim: Hidden channels of feed-forward networks.
            cross_attn_norm: Whether tokens are normalized before they attend to text.
            qk_norm: Normalization of queries and keys.
            eps: Of normalizations.
            rope_max_seq_len: Most tokens along an axis.

        Raises:
            ValueError: If the blocks are not ascending numbers.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        if not control_blocks or list(control_blocks) != sorted(set(control_blocks)):
            raise ValueError(f"control_blocks={list(control_blocks)} must be ascending numbers")
        if control_blocks[0] < 0:
            raise ValueError(f"control_blocks={list(control_blocks)} must not be negative")
        dim = num_attention_heads * attention_head_dim
        # What was saved comes back as a list.
        patch = (patch_size[0], patch_size[1], patch_size[2])
        self.rope = WanRotaryPosEmbed(attention_head_dim, patch, rope_max_seq_len)
        self.patch_embedding = nn.Conv3d(in_channels, dim, patch, patch)
        self.control_patch_embedding = nn.Conv3d(control_channels, dim, patch, patch)
        self.control_projection = _zero_linear(dim)
        self.condition_embedder = WanTimeTextImageEmbedding(
            dim=dim, time_freq_dim=freq_dim, time_proj_dim=6 * dim, text_embed_dim=text_dim
        )
        self.blocks = nn.ModuleList(
            WanTransformerBlock(dim, ffn_dim, num_attention_heads, qk_norm, cross_attn_norm, eps)
            for _ in control_blocks
        )
        self.block_projections = nn.ModuleList(_zero_linear(dim) for _ in control_blocks)
        self.gradient_checkpointing = False

    @property
    def counts(self) -> bool:
        """Whether it changes anything: a fresh branch does not."""
        return any(bool(weight.any()) for weight in self.block_projections.parameters())

    @classmethod
    def from_transformer(
        cls,
        transformer: DreamTransferTransformer3DModel,
        control_blocks: Sequence[int] = (0, 2, 4),
        control_channels: int | None = None,
    ) -> DreamTransferControlNetModel:
        """A branch that begins as a copy of a main branch.

        Args:
            transformer: The main branch.
            control_blocks: Numbers of the blocks to copy, ascending.
            control_channels: Channels of the depth video's latents; None for as many as the main
                branch's latents have, that is the same VAE.

        Raises:
            ValueError: If the main branch lacks a block.
        """
        count = len(transformer.blocks)
        if control_blocks and max(control_blocks) >= count:
            raise ValueError(f"control_blocks={list(control_blocks)}; there are {count} blocks")
        config = transformer.config
        shared = {
            name: config[name] for name in inspect.signature(cls).parameters if name in config
        }
        branch: DreamTransferControlNetModel = cls(
            control_blocks=tuple(control_blocks),
            control_channels=control_channels or config["in_channels"],
            **shared,
        )
        for own in (
            branch.control_patch_embedding,
            branch.control_projection,
            branch.block_projections,
        ):
            own.to(transformer.device, transformer.dtype)
        branch.rope = copy.deepcopy(transformer.rope)
        branch.patch_embedding = copy.deepcopy(transformer.patch_embedding)
        branch.condition_embedder = copy.deepcopy(transformer.condition_embedder)
        branch.blocks = nn.ModuleList(
            copy.deepcopy(transformer.blocks[number]) for number in control_blocks
        )
        branch.zero_grad()
        branch.requires_grad_(True)
        return branch

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        control_latents: Tensor,
        conditioning_scale: float | Sequence[float] = 1.0,
    ) -> dict[int, Tensor]:
        """What the main branch's blocks are to add.

        Args:
            hidden_states: Noisy latents (B, C, F, h, w), as the main branch sees them.
            timestep: As the main branch's.
            encoder_hidden_states: Text states (B, L, text_dim).
            control_latents: Of the depth video (B, control_channels, F, h, w).
            conditioning_scale: Factor of the residuals, of all or of each copied block. Residuals
                with 0 are left out, so that 0 is exactly the main branch alone.

        Returns:
            By the number of a main block, (B, N, dim).

        Raises:
            ValueError: If there are not as many scales as copied blocks.
        """
        scales = self.block_scales(conditioning_scale)
        if not any(scales.values()):
            return {}
        given = conditions(
            self.rope, self.condition_embedder, hidden_states, timestep, encoder_hidden_states
        )
        control = self.control_patch_embedding(control_latents).flatten(2).transpose(1, 2)
        tokens = self.patch_embedding(hidden_states).flatten(2).transpose(1, 2)
        tokens = tokens + self.control_projection(control)
        residuals = {}
        for (number, scale), block, projection in zip(
            scales.items(), self.blocks, self.block_projections, strict=True
        ):
            tokens = run_block(self, block, tokens, given)
            if scale:
                residuals[number] = projection(tokens) * scale
        return residuals

    def block_scales(self, conditioning_scale: float | Sequence[float]) -> dict[int, float]:
        """The scale of each copied block, by its number in the main branch.

        Raises:
            ValueError: If there are not as many scales as copied blocks.
        """
        numbers = list(self.config["control_blocks"])
        if not isinstance(conditioning_scale, Sequence):
            return dict.fromkeys(numbers, float(conditioning_scale))
        if len(conditioning_scale) != len(numbers):
            raise ValueError(
                f"{len(conditioning_scale)} conditioning scales for the blocks {numbers}; give one "
                "number, or one for each"
            )
        return {
            number: float(scale) for number, scale in zip(numbers, conditioning_scale, strict=True)
        }


def _zero_linear(dim: int) -> nn.Linear:
    linear = nn.Linear(dim, dim)
    with torch.no_grad():
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
    return linear
