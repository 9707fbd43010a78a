"""The flow matching loss of DreamTransfer, and which parts learn.

A reconstruction: the paper does not say whether it matches flows; GigaWorld-0 and Wan do. With
noise level `s` in (0, 1) the noisy latents are `(1 - s) * clean + s * noise`, and the transformer
learns `noise - clean`. GigaWorld-0's loss in EDM's form is this one with weight `s^2 + (1 - s)^2`
and the same logit-normal density of `s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from augment.dream_transfer.controlnet import DreamTransferControlNetModel
from augment.dream_transfer.transformer import DreamTransferTransformer3DModel

TIMESTEPS = 1000
"""Timestep of pure noise, as in Wan."""

MODES = {
    "base": ("transformer",),
    "branch": ("controlnet",),
    "joint": ("transformer", "controlnet"),
}
"""Components that learn. The paper does not say which of these it does."""


@dataclass(frozen=True)
class FlowMatching:
    """How training draws noise and conditions.

    Attributes:
        logit_mean: Mean of the normal distribution of the noise level's logit. Adding `log(shift)`
            is what a scheduler's `shift` is to sampling.
        logit_std: Its standard deviation.
        prompt_dropout: Probability that the empty prompt replaces an item's, for classifier-free
            guidance; 0.1 is RoboTransfer's, of its reference.
        clean_first_frame: Probability that an item's first latent frame is given clean, with
            timestep 0, and counts for no loss; GigaWorld-0 continues a first frame in this way.
    """

    logit_mean: float = 0.0
    logit_std: float = 1.0
    prompt_dropout: float = 0.1
    clean_first_frame: float = 0.0


def flow_matching_loss(
    transformer: DreamTransferTransformer3DModel,
    clean: Tensor,
    text: Tensor,
    empty_text: Tensor,
    generator: torch.Generator,
    settings: FlowMatching,
    *,
    controlnet: DreamTransferControlNetModel | None = None,
    depth: Tensor | None = None,
) -> Tensor:
    """Loss (B,) of each item: the mean squared error of its velocity.

    All views of an item have the same noise level and each its own noise, as in RoboTransfer.

    Args:
        transformer: The main branch.
        clean: Normalized latents (B, C, F, h, w) of panoramas.
        text: Text states (B, L, text_dim).
        empty_text: Of the empty prompt (1, L, text_dim).
        generator: On the CPU, so that draws are the same on every device.
        settings: How noise and conditions are drawn.
        controlnet: The branch; None trains the main branch alone.
        depth: Normalized latents (B, C', F, h, w) of the depth video; needed by the branch.

    Raises:
        ValueError: If there is a branch without depth, or depth without a branch.
    """
    if (controlnet is None) != (depth is None):
        raise ValueError("the ControlNet branch and depth latents are needed together")
    device, count = clean.device, len(clean)
    # Always the same draws in the same order, so that one setting does not change the others'.
    logits = torch.randn(count, generator=generator)
    dropped, given = torch.rand(2, count, generator=generator).to(device)
    noise = torch.randn(clean.shape, generator=generator).to(device)

    level = (settings.logit_mean + settings.logit_std * logits).sigmoid().to(device)
    levels = level[:, None].repeat(1, clean.shape[2])
    first_given = (given < settings.clean_first_frame) & (clean.shape[2] > 1)
    levels[:, 0] = torch.where(first_given, 0.0, levels[:, 0])
    mixing = levels[:, None, :, None, None]
    noisy = ((1 - mixing) * clean + mixing * noise).to(transformer.dtype)
    text = torch.where((dropped < settings.prompt_dropout)[:, None, None], empty_text, text)
    # One timestep an item is cheaper than one a frame.
    timestep = TIMESTEPS * (levels if first_given.any() else level)

    residuals = {}
    if controlnet is not None and depth is not None:
        residuals = controlnet(noisy, timestep, text, depth.to(transformer.dtype))
    velocity = transformer(noisy, timestep, text, residuals, return_dict=False)[0]
    error = (velocity.float() - (noise - clean)).square().mean(dim=(1, 3, 4))
    learned = (levels > 0).float()
    loss: Tensor = (error * learned).sum(dim=1) / learned.sum(dim=1)
    return loss


def trainable_parameters(mode: str, components: Mapping[str, Any]) -> list[nn.Parameter]:
    """Lets the parts of a mode learn, freezes all others, and returns what learns.

    Text encoder and VAE, which are trained before, stay frozen in all modes.

    Args:
        mode: `base` (the main branch alone), `branch` (the ControlNet branch beside a frozen main
            branch) or `joint`.
        components: The pipeline's, by name; those that are missing are skipped.

    Raises:
        ValueError: For an unknown mode.
    """
    if mode not in MODES:
        raise ValueError(f"mode={mode}; valid are {', '.join(MODES)}")
    learned = []
    for name, component in components.items():
        if not isinstance(component, nn.Module):
            continue
        component.requires_grad_(name in MODES[mode])
        learned += [parameter for parameter in component.parameters() if parameter.requires_grad]
    return learned
