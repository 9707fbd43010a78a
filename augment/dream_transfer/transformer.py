"""The main branch of DreamTransfer: a video diffusion transformer over latent panoramas.

A reconstruction: the paper names no base model. This is Wan 2.1's text-to-video transformer, layer
by layer and name by name, because GigaWorld-0 of the same group builds on Wan's VAE and so that
Wan's weights load. It predicts the velocity of a flow, `noise - clean` (`training_loss`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor, nn


class Conditions(NamedTuple):
    """What blocks know beside their tokens.

    Attributes:
        text: (B, L, dim).
        time: (B, dim), or (B, N, dim) where tokens have times of their own.
        modulation: (B, 6, dim), or (B, N, 6, dim).
        rotary: Factors of the N tokens' places.
    """

    text: Tensor
    time: Tensor
    modulation: Tensor
    rotary: tuple[Tensor, Tensor]


def conditions(
    rope: Any, embedder: Any, latents: Tensor, timestep: Tensor, text: Tensor
) -> Conditions:
    """Embeds places, times and text; main branch and ControlNet branch alike.

    Args:
        rope: Wan's rotary embedding.
        embedder: Wan's embedder of time and text.
        latents: (B, C, F, h, w).
        timestep: In [0, 1000]: (B,), (B, F) one for each latent frame (after patching), or (B, N)
            one for each token, as in Wan 2.2.
        text: Text states (B, L, text_dim).

    Raises:
        ValueError: If the number of timesteps fits neither frames nor tokens.
    """
    rotary = rope(latents)
    tokens = rotary[0].shape[1]
    time, modulation, text, _ = embedder(timestep.flatten(), text)
    modulation = modulation.unflatten(1, (6, -1))
    if timestep.ndim == 2:
        times = timestep.shape[1]
        frames = latents.shape[2] // rope.patch_size[0]
        if times not in (frames, tokens):
            raise ValueError(
                f"{times} timesteps for each item; valid are {frames} (frames), {tokens} (tokens)"
            )
        time = time.unflatten(0, (-1, times)).repeat_interleave(tokens // times, dim=1)
        modulation = modulation.unflatten(0, (-1, times)).repeat_interleave(tokens // times, dim=1)
    return Conditions(text, time, modulation, rotary)


# A pipeline loads a component only if it finds the name `ModelMixin` in the component's module.
def run_block(model: ModelMixin, block: nn.Module, tokens: Tensor, given: Conditions) -> Tensor:
    """One transformer block, computed again in the backward pass where the model says so.

    Args:
        model: Has diffusers' switch for gradient checkpointing.
        block: Wan's.
        tokens: (B, N, dim).
        given: Of the same tokens.
    """
    arguments = tokens, given.text, given.modulation, given.rotary
    result: Tensor
    if torch.is_grad_enabled() and model.gradient_checkpointing:
        checkpointed: Any = model._gradient_checkpointing_func
        result = checkpointed(block, *arguments)
    else:
        result = block(*arguments)
    return result


class DreamTransferTransformer3DModel(WanTransformer3DModel):
    """Wan 2.1's text-to-video transformer with a place for the ControlNet's residuals.

    Its state dict is that of `diffusers.WanTransformer3DModel` with the same configuration.
    """

    def forward(  # type: ignore[override]
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        block_residuals: Mapping[int, Tensor] | None = None,
        *,
        return_dict: bool = True,
    ) -> Transformer2DModelOutput | tuple[Tensor]:
        """Predicts `noise - clean`.

        Args:
            hidden_states: Noisy latents (B, C, F, h, w); views side by side along the width.
            timestep: In [0, 1000], 1000 pure noise: (B,), or for each latent frame (B, F), so that
                a clean first frame can be given with timestep 0, or for each token (B, N).
            encoder_hidden_states: Text states (B, L, text_dim), zero where padded.
            block_residuals: By the number of a block, what is added to its result (B, N, dim);
                from `DreamTransferControlNetModel`.
            return_dict: Whether the answer is a `Transformer2DModelOutput` instead of a tuple.

        Returns:
            (B, C, F, h, w).

        Raises:
            ValueError: For residuals of blocks that do not exist.
        """
        residuals = block_residuals or {}
        if unknown := sorted(set(residuals) - set(range(len(self.blocks)))):
            raise ValueError(
                f"residual for block {unknown[0]}; there are {len(self.blocks)} blocks"
            )
        given = conditions(
            self.rope, self.condition_embedder, hidden_states, timestep, encoder_hidden_states
        )
        grid = self.patch_embedding(hidden_states)
        tokens = grid.flatten(2).transpose(1, 2).contiguous()
        for number, block in enumerate(self.blocks):
            tokens = run_block(self, block, tokens, given)
            if number in residuals:
                tokens = tokens + residuals[number]
        sample = self._latents(tokens, given.time, grid.shape[2:])
        return Transformer2DModelOutput(sample=sample) if return_dict else (sample,)

    def _latents(self, tokens: Tensor, time: Tensor, grid: torch.Size) -> Tensor:
        """The last layer, and patches put together again to (B, C, F, h, w)."""
        shift, scale = (self.scale_shift_table + time.unsqueeze(-2)).chunk(2, dim=-2)
        if time.ndim == 3:
            shift, scale = shift.squeeze(-2), scale.squeeze(-2)
        normed = (self.norm_out(tokens.float()) * (1 + scale) + shift).type_as(tokens)
        patches = self.proj_out(normed).unflatten(1, grid)
        patches = patches.unflatten(4, (*self.config["patch_size"], -1))
        result: Tensor = patches.permute(0, 7, 1, 4, 2, 5, 3, 6)
        return result.flatten(6, 7).flatten(4, 5).flatten(2, 3)
