"""The velocity that sampling follows: both branches, and classifier-free guidance."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel


def guided_velocity(
    transformer: DreamTransferTransformer3DModel,
    controlnet: DreamTransferControlNetModel,
    latents: Tensor,
    timestep: Tensor,
    control: Tensor,
    text: Tensor,
    negative_text: Tensor | None,
    *,
    conditioning_scale: float | Sequence[float],
    guidance_scale: float,
) -> Tensor:
    """Away from what the negative prompt describes, beyond what the prompt does.

    Depth conditions both, so that guidance is one of appearance only (a reconstruction).

    Args:
        transformer: The main branch.
        controlnet: The depth branch.
        latents: Noisy latents (B, C, f, h, w).
        timestep: (B,), or (B, f) for each latent frame.
        control: Latents of the depth video (B, C', f, h, w).
        text: States of the prompts (B, L, text_dim).
        negative_text: Of the negative prompts; None without guidance.
        conditioning_scale: As that of `DreamTransferControlNetModel`.
        guidance_scale: 1 is the prompt alone.

    Returns:
        (B, C, f, h, w) float32.
    """
    dtype = transformer.dtype
    latents, control = latents.to(dtype), control.to(dtype)

    def velocity(states: Tensor) -> Tensor:
        residuals = controlnet(latents, timestep, states, control, conditioning_scale)
        result: Tensor = transformer(latents, timestep, states, residuals, return_dict=False)[0]
        return result.float()

    wanted = velocity(text)
    if negative_text is None:
        return wanted
    unwanted = velocity(negative_text)
    return unwanted + guidance_scale * (wanted - unwanted)
