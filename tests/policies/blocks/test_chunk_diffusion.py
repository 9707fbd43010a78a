import pytest
import torch
from diffusers import DDPMScheduler
from torch import nn

from policies.blocks.chunk_diffusion import ChunkDiffusion
from policies.imitation.method import Moments

HORIZON, CHANNELS = 8, 3


class Oracle(nn.Module):
    """Denoises perfectly: the condition is the normalized chunk."""

    def __init__(self, prediction):
        super().__init__()
        self.prediction = prediction
        schedule = DDPMScheduler(num_train_timesteps=100, beta_schedule="squaredcos_cap_v2")
        self.kept = schedule.alphas_cumprod

    def forward(self, noisy, steps, condition):
        clean = condition.view(noisy.shape)
        if self.prediction == "sample":
            return clean
        kept = self.kept[steps][:, None, None]
        return (noisy - kept.sqrt() * clean) / (1 - kept).sqrt()


def diffusion(network, prediction, sampler="ddpm", inference_steps=100):
    made = ChunkDiffusion(
        network,
        horizon=HORIZON,
        channels=CHANNELS,
        prediction=prediction,
        sampler=sampler,
        train_steps=100,
        inference_steps=inference_steps,
    )
    low, high = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([3.0, 1.0, 2.0])
    made.normalizer.fit(Moments(low, high, low, high))
    return made


def chunks(count=4):
    drawn = torch.rand(count, HORIZON, CHANNELS, generator=torch.Generator().manual_seed(0))
    return drawn * torch.tensor([4.0, 1.0, 0.0]) + torch.tensor([-1.0, 0.0, 2.0])


@pytest.mark.parametrize("prediction", ["epsilon", "sample"])
@pytest.mark.parametrize(("sampler", "steps"), [("ddpm", 100), ("ddim", 10)])
def test_a_perfect_network_has_no_loss_and_its_samples_are_the_demonstrations(
    prediction, sampler, steps
):
    made = diffusion(Oracle(prediction), prediction, sampler, steps)
    condition = made.normalizer.normalize(chunks()).flatten(1)
    generator = torch.Generator().manual_seed(1)
    loss = made.loss(chunks(), condition, generator)
    torch.testing.assert_close(loss, torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.sample(condition, generator), chunks(), atol=2e-3, rtol=0)


def test_a_network_that_knows_nothing_has_the_noise_for_a_loss():
    class Nothing(nn.Module):
        def forward(self, noisy, steps, condition):
            return torch.zeros_like(noisy)

    made = diffusion(Nothing(), "epsilon")
    condition = torch.zeros(4, 1)
    loss = made.loss(chunks(), condition, torch.Generator().manual_seed(0), samples=200)
    assert loss.shape == (4,)
    torch.testing.assert_close(loss, torch.ones(4), atol=0.1, rtol=0)


def test_samples_of_a_chunk_have_their_own_noise_and_the_condition_of_that_chunk():
    seen = []

    class Watching(nn.Module):
        def forward(self, noisy, steps, condition):
            seen.append((noisy, steps, condition))
            return noisy

    made = diffusion(Watching(), "sample")
    condition = torch.arange(4.0)[:, None]
    made.loss(chunks(), condition, torch.Generator().manual_seed(0), samples=3)
    noisy, steps, conditions = seen[0]
    assert conditions[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert len(torch.unique(noisy, dim=0)) == 12
    assert steps.min() >= 0
    assert steps.max() < 100


def test_samples_stay_in_the_range_of_the_demonstrations():
    class Wild(nn.Module):
        def forward(self, noisy, steps, condition):
            return 100 * torch.ones_like(noisy)

    made = diffusion(Wild(), "sample", "ddim", 10)
    sampled = made.sample(torch.zeros(2, 1), torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        sampled, torch.tensor([3.0, 1.0, 3.0]).expand(2, HORIZON, 3), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("prediction", ["epsilon", "sample"])
@pytest.mark.parametrize(("sampler", "steps"), [("ddpm", 100), ("ddim", 10)])
def test_without_a_generator_there_is_no_noise(prediction, sampler, steps):
    started = []

    class Watching(Oracle):
        def forward(self, noisy, steps, condition):
            started.append(noisy)
            return super().forward(noisy, steps, condition)

    made = diffusion(Watching(prediction), prediction, sampler, steps)
    condition = made.normalizer.normalize(chunks()).flatten(1)
    before = torch.get_rng_state()
    sampled = made.sample(condition, None)
    assert torch.equal(torch.get_rng_state(), before)
    assert not started[0].any()
    torch.testing.assert_close(sampled, chunks(), atol=2e-3, rtol=0)
    assert torch.equal(made.sample(condition, None), sampled)
