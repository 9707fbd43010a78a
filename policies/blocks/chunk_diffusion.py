"""Diffusion of chunks of actions: how DP and DP3 train, and how they act."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor, nn

from policies.blocks.normalizers import MinMaxNormalizer
from policies.blocks.unet1d import ConditionalUnet1D

SAMPLERS: dict[str, Any] = {"ddpm": DDPMScheduler, "ddim": DDIMScheduler}
PREDICTIONS = ("epsilon", "sample")


class ChunkDiffusion(nn.Module):
    """A denoising network with its noise schedule and the normalization of actions.

    The schedule is the squared cosine of Nichol and Dhariwal; predicted clean actions are clipped
    to [-1, 1], the range of the demonstrations. The schedule and the normalization are computed in
    float32 under autocast as well.

    Attributes:
        network: What denoises.
        normalizer: Of actions.
    """

    def __init__(
        self,
        network: ConditionalUnet1D,
        *,
        horizon: int,
        channels: int,
        prediction: str,
        sampler: str,
        train_steps: int,
        inference_steps: int,
    ) -> None:
        """Builds it.

        Args:
            network: What denoises.
            horizon: Actions in a chunk.
            channels: Numbers in an action.
            prediction: What the network predicts, out of `PREDICTIONS`.
            sampler: How it acts, out of `SAMPLERS`.
            train_steps: Diffusion steps in training.
            inference_steps: Diffusion steps in acting.
        """
        super().__init__()
        self.network = network
        self.normalizer = MinMaxNormalizer(channels)
        self._chunk = (horizon, channels)
        self._prediction = prediction
        schedule = {
            "num_train_timesteps": train_steps,
            "beta_schedule": "squaredcos_cap_v2",
            "clip_sample": True,
            "prediction_type": prediction,
        }
        self._noising = SAMPLERS["ddpm"](**schedule)
        self._sampling = SAMPLERS[sampler](**schedule)
        self._noiseless = SAMPLERS["ddim"](**schedule)
        for each in (self._sampling, self._noiseless):
            each.set_timesteps(inference_steps)

    def loss(
        self, action: Tensor, condition: Tensor, generator: torch.Generator, samples: int = 1
    ) -> Tensor:
        """The mean squared error (B,) of denoising.

        Args:
            action: (B, H, channels) demonstrated chunks.
            condition: (B, condition).
            generator: Of noise and diffusion steps, on the CPU.
            samples: Draws of noise and diffusion step for each chunk, which are averaged.
        """
        device = action.device
        clean = self.normalizer.normalize(action).repeat_interleave(samples, dim=0)
        noise = torch.randn(clean.shape, generator=generator).to(device)
        steps = torch.randint(
            self._noising.config.num_train_timesteps, (len(clean),), generator=generator
        ).to(device)
        noisy = self._noising.add_noise(clean, noise, steps)
        predicted = self.network(noisy, steps, condition.repeat_interleave(samples, dim=0))
        target = noise if self._prediction == "epsilon" else clean
        error: Tensor = (predicted.float() - target).square().mean(dim=(1, 2))
        return error.view(-1, samples).mean(dim=1)

    def sample(self, condition: Tensor, generator: torch.Generator | None) -> Tensor:
        """Chunks of actions (B, H, channels) for a condition (B, condition).

        Args:
            condition: What the network is told.
            generator: Of noise, on the CPU; None denoises zeros by DDIM, which adds no noise.
        """
        device, shape = condition.device, (len(condition), *self._chunk)
        if generator is None:
            chunk, solver = torch.zeros(shape, device=device), self._noiseless
        else:
            chunk, solver = torch.randn(shape, generator=generator).to(device), self._sampling
        for step in solver.timesteps:
            steps = step.to(device).expand(len(condition))
            predicted = self.network(chunk, steps, condition).float()
            # DDIM without its optional noise takes no draw from the generator.
            chunk = solver.step(predicted, step, chunk, generator=generator).prev_sample
        return self.normalizer.denormalize(chunk)
